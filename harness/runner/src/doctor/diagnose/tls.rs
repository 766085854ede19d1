//! TLS: who refuses whose certificate, and why; the chain and the names spelled out.

use super::{
    super::{
        evidence::{Evidence, Seen},
        report::Fault,
        subject::{Kind, OurTls, Subject},
        words::{certificate, encryption, is_clear, is_tls, names, opening_words, parameters},
    },
    Finding,
};
use uspec_mtp::tls::{CertificateProblem, EndpointMatch, PeerCertificate, TlsFailure, TlsSession, Verification};

/// Whether TLS was established, by whom it is shown and whom it stands for.
pub(super) fn diagnose(subject: &Subject, evidence: &Evidence) -> Finding {
    let Some((_, seen)) = evidence.best(subject.eut.as_deref()) else {
        return Finding::Pending(silent(subject, None));
    };
    let Some(ours) = &subject.tls else { return super::good("no TLS") };
    match (&seen.tls_failure, &seen.tls) {
        (Some(failure), _) => failed(subject, ours, seen, failure),
        (None, Some(session)) => established(subject, ours, session),
        (None, None) => Finding::Pending(silent(subject, Some(seen))),
    }
}

fn silent(subject: &Subject, seen: Option<&Seen>) -> Fault {
    let came = seen.map_or_else(|| "nothing".to_owned(), |seen| opening_words(&seen.first));
    Fault::new(format!("{} begins TLS at {subject}", subject.peer()), format!("it sent {came}"))
        .eut(encryption(subject, true))
        .profile(format!("leave out `tls` of `{}` if the MTP is to be without TLS", subject.name))
}

fn failed(subject: &Subject, ours: &OurTls, seen: &Seen, failure: &TlsFailure) -> Finding {
    if let Some(problem) = failure.problem {
        return Finding::Broken(refused_by_us(subject, problem, failure));
    }
    if let Some(alert) = &failure.alert {
        return Finding::Broken(refused_by_peer(subject, ours, alert, failure));
    }
    if is_tls(&seen.first) {
        let seen = format!("it ended TLS without an alert: {}", failure.error);
        return Finding::Broken(about_ours(subject, ours, seen, failure));
    }
    if is_clear(subject, &seen.first) {
        return Finding::Broken(silent(subject, Some(seen)));
    }
    Finding::Pending(silent(subject, Some(seen)))
}

/// We have refused the peer's certificate.
fn refused_by_us(subject: &Subject, problem: CertificateProblem, failure: &TlsFailure) -> Fault {
    let peer = subject.peer();
    let shown = failure.peer_certificate.as_ref();
    let theirs = shown.map_or_else(|| "no certificate".to_owned(), certificate);
    let seen = format!("{peer} showed {theirs}: {problem} ({})", failure.error);
    let trust = format!("`tls.trust` of `{}`", subject.name);
    match problem {
        CertificateProblem::Missing => Fault::new(format!("{peer} shows a certificate"), format!("{peer} showed none"))
            .eut("give the Agent a certificate of its own with its Endpoint ID in subjectAltName (R-SEC.0a)")
            .profile(format!("leave out {trust} if the EUT's certificate is not to be verified")),
        CertificateProblem::Expired | CertificateProblem::NotYetValid => {
            let until = shown.map(|it| format!(" (it is valid from {} to {})", it.not_before, it.not_after));
            Fault::new(format!("a certificate of {peer} that is valid now"), seen)
                .eut(format!("give it a certificate that is valid now{}", until.unwrap_or_default()))
                .bench("set this machine's clock right, if it is wrong")
        }
        CertificateProblem::WrongHost => {
            let host = subject.address.host();
            Fault::new(format!("a certificate of {peer} that names the host `{host}`, which we call"), seen)
                .eut(format!("give it a certificate with `{host}` in subjectAltName"))
                .profile(format!(
                    "`address` of `{}`: call it by a name of its certificate ({})",
                    subject.name,
                    shown.map(names).unwrap_or_default()
                ))
        }
        CertificateProblem::UnknownIssuer | CertificateProblem::SelfSigned | CertificateProblem::BadSignature => {
            let issuer = shown.map_or_else(String::new, |it| format!(" `{}`", it.issuer));
            Fault::new(format!("a certificate of {peer} from an authority in {trust}"), seen)
                .profile(format!("{trust}: add the certificate of the authority{issuer} that issued {peer}'s"))
                .eut("give it a certificate of the authority that the profile trusts")
        }
        CertificateProblem::WrongUse
        | CertificateProblem::Revoked
        | CertificateProblem::NoTrustAnchor
        | CertificateProblem::Other => Fault::new(format!("a usable certificate of {peer}"), seen)
            .eut("give it another certificate")
            .profile(format!("{trust}: whom we trust")),
    }
}

/// The peer has refused ours, or TLS as such.
fn refused_by_peer(subject: &Subject, ours: &OurTls, alert: &str, failure: &TlsFailure) -> Fault {
    let peer = subject.peer();
    let seen = format!("{peer} ended TLS with the alert {alert}");
    let Some(own) = &ours.certificate else {
        return Fault::new(format!("{peer} goes on with TLS"), seen).eut("its log tells why it ended TLS");
    };
    let shown = format!("{seen}; we showed {}", certificate(own));
    let file = format!("`tls.certificate` and `tls.key` of `{}` (or `tls.ca`, which issues it)", subject.name);
    match alert {
        "UnknownCA" => {
            Fault::new(format!("{peer} trusts `{}`, the authority that issued our certificate", own.issuer), shown)
                .eut(format!("add the certificate of `{}` to what the Agent trusts", own.issuer))
                .profile(format!("{file}: a certificate of an authority that the EUT trusts"))
        }
        "CertificateExpired" => Fault::new(format!("a certificate of ours that is valid for {peer}"), shown)
            .profile(format!(
                "{file}: one that is valid now; ours is valid from {} to {}",
                own.not_before, own.not_after
            ))
            .eut("set its clock right, if our certificate is valid today"),
        "CertificateRequired" | "NoCertificate" => Fault::new("we show a certificate of our own", seen).profile(file),
        "ProtocolVersion" | "HandshakeFailure" | "InsufficientSecurity" => {
            Fault::new("both sides have a version of TLS (1.2 or 1.3) and a cipher suite in common", seen)
                .eut("let it speak TLS 1.2 or 1.3 with an AEAD cipher suite")
        }
        _ => about_ours(subject, ours, seen, failure),
    }
}

/// The peer does not like our certificate, and does not say clearly why.
fn about_ours(subject: &Subject, ours: &OurTls, seen: String, failure: &TlsFailure) -> Fault {
    let peer = subject.peer();
    let called = match (&failure.server_name, subject.calls) {
        (Some(name), _) => format!("the host that it calls, `{name}`"),
        (None, true) => format!("our Endpoint ID, `urn:bbf:usp:id:{}`", subject.controller),
        (None, false) => {
            format!("the address that it calls (it names no host; we listen at `{}`)", subject.address.host())
        }
    };
    let Some(own) = &ours.certificate else {
        return Fault::new(format!("{peer} goes on with TLS"), seen).eut("its log tells why it ended TLS");
    };
    let named =
        failure.server_name.as_ref().is_some_and(|name| own.dns_names.iter().any(|one| one.eq_ignore_ascii_case(name)));
    let seen = format!("{seen}; we showed {}", certificate(own));
    let file = format!("`tls.certificate` and `tls.key` of `{}`", subject.name);
    let fault = Fault::new(format!("{peer} accepts our certificate, which is to name {called}"), seen);
    let fault = if named {
        fault
    } else {
        fault.profile(format!("{file}: a certificate for {called}; ours is for {}", names(own)))
    };
    let host = parameters(subject).host;
    let fault = if subject.calls {
        fault
    } else {
        fault.eut(format!("`{host}`: call us by a name of our certificate ({})", names(own)))
    };
    fault
        .eut(format!("let it trust `{}`, which issued our certificate", own.issuer))
        .profile(format!("our certificate must be valid now: it is from {} to {}", own.not_before, own.not_after))
}

fn established(subject: &Subject, ours: &OurTls, session: &TlsSession) -> Finding {
    let peer = subject.peer();
    let mut remarks = Vec::new();
    if let Some(own) = subject.foreign_certificate() {
        remarks.push(format!(
            "our own certificate does not stand for our Endpoint ID {}: it is for {} (R-SEC.0a)",
            subject.controller,
            names(own)
        ));
    }
    let shown = match (&session.peer_certificate, &session.verification) {
        (None, _) => format!("{peer} showed no certificate"),
        (Some(it), Verification::Verified) => format!("{peer} showed {}; it verifies", certificate(it)),
        (Some(it), Verification::Accepted { problem, .. }) => {
            remarks.push(format!(
                "{peer}'s certificate would not verify ({problem}); the profile has no `tls.trust`, so that it is recorded and not verified"
            ));
            format!("{peer} showed {}", certificate(it))
        }
        (Some(it), Verification::NoCertificate) => format!("{peer} showed {}", certificate(it)),
    };
    let seen = format!("{} with {}; {shown}", session.version, session.cipher_suite);
    match (&session.peer_certificate, &subject.eut) {
        (Some(it), Some(eut)) if !subject.is_beside() && !matches!(subject.kind, Kind::Uds) => {
            match it.stands_for(eut) {
                EndpointMatch::Urn | EndpointMatch::DnsName => {
                    Finding::Good(format!("{seen}; it stands for the Endpoint ID {eut}"), remarks)
                }
                EndpointMatch::Wildcard => {
                    remarks.push(format!("it stands for {eut} by a wildcard only (R-SEC.12)"));
                    Finding::Good(seen, remarks)
                }
                EndpointMatch::Other if ours.verifies => Finding::Broken(stands_for_other(subject, it, eut)),
                EndpointMatch::Other | EndpointMatch::Nobody => {
                    remarks.push(format!(
                        "it does not stand for the Endpoint ID {eut}: it is for {} (R-SEC.0a)",
                        names(it)
                    ));
                    Finding::Good(seen, remarks)
                }
            }
        }
        _ => Finding::Good(seen, remarks),
    }
}

fn stands_for_other(subject: &Subject, shown: &PeerCertificate, eut: &str) -> Fault {
    let other: Vec<&str> = shown.endpoint_ids().collect();
    Fault::new(
        format!("the EUT's certificate stands for its Endpoint ID `{eut}` (R-SEC.0a)"),
        format!("it stands for {}: {}", other.join(", "), certificate(shown)),
    )
    .eut(format!("give it a certificate with `urn:bbf:usp:id:{eut}` in subjectAltName"))
    .profile(format!("`eut.endpoint_id`: `{}`, if that is the device of `{}`", other.join(", "), subject.name))
}
