//! What the run report says about an MTP and about a case beside its verdict.

use uspec_mtp::tls::{TlsSession, Verification};
use uspec_testplan::{
    case::{Applies, EutAction, Needs},
    catalogue::Entry,
    profile::{Broker, Mtp, Role},
    run_report::{Deprecation, MtpInfo, TlsInfo},
    trace::{ConnectionState, Trace, What},
};

/// An MTP of the profile, before anything has connected.
pub(super) fn mtp_info(mtp: &Mtp) -> MtpInfo {
    let role = mtp.facts().role.map(role).unwrap_or_default().to_owned();
    MtpInfo { name: mtp.name.clone(), kind: mtp.kind().to_owned(), role, tls: None }
}

/// What TLS came to on the last connection of a Trace.
pub(super) fn tls(trace: &Trace) -> Option<TlsInfo> {
    let session = trace.events.iter().rev().find_map(|event| match &event.what {
        What::Connection { state: ConnectionState::Tls, details, .. } => details.get("tls_established"),
        _ => None,
    })?;
    let TlsSession { version, cipher_suite, peer_certificate, verification, .. } =
        serde_json::from_value(session.clone()).ok()?;
    let peer = peer_certificate.map(|certificate| {
        let names: Vec<_> = certificate.uris.into_iter().chain(certificate.dns_names).collect();
        if names.is_empty() { certificate.subject } else { names.join(", ") }
    });
    let check = match verification {
        Verification::NoCertificate => "nothing to check".to_owned(),
        Verification::Verified => "good".to_owned(),
        Verification::Accepted { in_spite_of, problem } => format!("accepted, although {problem}: {in_spite_of}"),
    };
    Some(TlsInfo { version, cipher: cipher_suite, peer: peer.unwrap_or_default(), check })
}

/// When the case was withdrawn, if it was.
pub(crate) fn deprecation(entry: &Entry) -> Option<Deprecation> {
    let Applies::Deprecated(withdrawn) = &entry.applies else { return None };
    Some(Deprecation {
        plan: withdrawn.revision.clone(),
        usp: withdrawn.usp.clone(),
        by: withdrawn.by.as_ref().map(ToString::to_string),
    })
}

/// What the bench must offer for a case: one phrase each.
pub(crate) fn needs(needs: &Needs) -> Vec<String> {
    let Needs { over, control, second } = needs;
    let mut words = Vec::new();
    if !over.kinds.is_empty() {
        words.push(format!("the {} MTP", over.kinds.join(" or ")));
    }
    words.extend(over.role.map(|it| role(it).to_owned()));
    words.extend(over.version.map(|version| format!("MQTT {}", version.name())));
    words.extend(over.broker.map(|broker| match broker {
        Broker::BuiltIn => "the broker of uspec".to_owned(),
        Broker::Beside => "a broker beside uspec".to_owned(),
    }));
    words.extend(over.tls.map(|tls| if tls { "TLS".to_owned() } else { "no TLS".to_owned() }));
    words.extend(second.then(|| "a second Controller that the EUT can be told of".to_owned()));
    words.extend(control.iter().map(|action| format!("control: {}", action_name(*action))));
    words
}

fn role(role: Role) -> &'static str {
    match role {
        Role::EutConnects => "the EUT connects",
        Role::WeConnect => "we connect",
    }
}

/// The profile's key for it.
fn action_name(action: EutAction) -> &'static str {
    match action {
        EutAction::Reboot => "reboot",
        EutAction::PowerCycle => "power_cycle",
        EutAction::FactoryReset => "factory_reset",
        EutAction::Start => "start",
        EutAction::Stop => "stop",
    }
}
