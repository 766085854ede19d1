//! Whom the Agent serves over TLS, and with which Roles.

use super::*;
use crate::config::{Pem, TlsIdentity};
use rstest::rstest;
use std::sync::LazyLock;
use uspec_mtp::tls::{CertificateProblem, IdentityKind, PeerCertificate, Pki, TlsSession, Verification};

const STRANGER: &str = "proto::stranger";
const THIRD: ConnectionId = ConnectionId(3);
const UNTRUSTED: &str = "Device.LocalAgent.ControllerTrust.Role.2";
const FULL: &str = "Device.LocalAgent.ControllerTrust.Role.1";

static PKI: LazyLock<Pki> = LazyLock::new(|| Pki::generate().unwrap());

/// What the Agent's TLS says of a peer with such a certificate.
fn session(kind: IdentityKind, endpoint_id: &str) -> Box<TlsSession> {
    let material = PKI.issue(kind, endpoint_id, &["localhost"]).unwrap();
    let accepted = |problem| Verification::Accepted { in_spite_of: "a reason".to_owned(), problem };
    let verification = match kind {
        IdentityKind::Trusted | IdentityKind::WrongName | IdentityKind::WrongHost => Verification::Verified,
        IdentityKind::Expired => accepted(CertificateProblem::Expired),
        IdentityKind::NotYetValid => accepted(CertificateProblem::NotYetValid),
        IdentityKind::Untrusted => accepted(CertificateProblem::UnknownIssuer),
        IdentityKind::SelfSigned | IdentityKind::Alternate => accepted(CertificateProblem::SelfSigned),
    };
    Box::new(TlsSession {
        version: "TLSv1_3".to_owned(),
        cipher_suite: String::new(),
        peer_certificate: Some(PeerCertificate::read(material.certificate_der())),
        verification,
        server_name: None,
    })
}

/// An Agent that trusts the authority, has a known Controller, and is told whether to trust on first use.
fn bench(first_use: bool, faults: &[Fault]) -> Bench {
    let mut bench = Bench::with(faults.iter().copied());
    let text = |text: String| Pem::Text(text);
    let identity = TlsIdentity {
        certificate: text(String::new()),
        key: text(String::new()),
        trust: Some(text(PKI.authority().certificate_pem())),
    };
    let config = AgentConfig { tls: Some(identity), ..bench.core.config().clone() };
    bench.core = Core::boot(config, None, bench.now, bench.now).unwrap();
    bench.open(CONNECTION, CONTROLLER);
    bench.core.report("Device.LocalAgent.ControllerTrust.", "TOFUAllowed", first_use.to_string());
    bench.inbox.clear();
    bench
}

/// Opens a third connection with that session and sends a Get from that Endpoint; tells how many Messages came back.
fn ask(bench: &mut Bench, tls: Box<TlsSession>, endpoint_id: &str) -> usize {
    let actions = bench.core.opened(bench.now, THIRD, Arrival::of(Some(endpoint_id), Some(tls)));
    bench.take(actions);
    let get = msg::Get { param_paths: vec!["Device.LocalAgent.EndpointID".to_owned()], max_depth: 0 };
    let record = plain(endpoint_id, AGENT, &request_message("asked", ReqType::Get(get)));
    let actions = bench.core.handle_record(bench.now, THIRD, &record.encode_to_vec());
    bench.take(actions);
    let records = std::mem::take(&mut bench.inbox).into_iter().filter(|(connection, _)| *connection == THIRD);
    records.filter(|(_, record)| message(record).is_some()).count()
}

fn row(bench: &Bench, endpoint_id: &str) -> Option<crate::store::RowKey> {
    let store = bench.core.store();
    let rows = store.all_of("Device.LocalAgent.Controller.{i}.").into_iter();
    rows.into_iter().find(|row| store.text(row, "EndpointID") == endpoint_id)
}

fn assigned(bench: &Bench, endpoint_id: &str) -> Option<String> {
    row(bench, endpoint_id).map(|row| bench.core.store().text(&row, "AssignedRole").to_owned())
}

#[rstest]
#[case(IdentityKind::Trusted, false, Some(UNTRUSTED))]
#[case(IdentityKind::SelfSigned, false, None)]
#[case(IdentityKind::SelfSigned, true, Some(UNTRUSTED))]
#[case(IdentityKind::Untrusted, false, None)]
#[case(IdentityKind::Untrusted, true, Some(UNTRUSTED))]
#[case(IdentityKind::Expired, true, None)]
#[case(IdentityKind::NotYetValid, true, None)]
#[case(IdentityKind::WrongName, true, None)]
fn a_stranger_is_entered_as_untrusted_or_refused(
    #[case] kind: IdentityKind,
    #[case] first_use: bool,
    #[case] role: Option<&str>,
) {
    let mut bench = bench(first_use, &[]);
    let answers = ask(&mut bench, session(kind, STRANGER), STRANGER);
    assert_eq!(answers, usize::from(role.is_some()));
    assert_eq!(assigned(&bench, STRANGER).as_deref(), role);
}

#[rstest]
#[case(IdentityKind::Trusted, true)]
#[case(IdentityKind::SelfSigned, false)]
#[case(IdentityKind::Untrusted, false)]
#[case(IdentityKind::Expired, false)]
#[case(IdentityKind::WrongName, false)]
fn a_known_controller_needs_a_certificate_of_its_own(#[case] kind: IdentityKind, #[case] served: bool) {
    // Trust on first use is not for those that are known already.
    let mut bench = bench(true, &[]);
    assert_eq!(ask(&mut bench, session(kind, SECOND), SECOND), usize::from(served));
    assert_eq!(assigned(&bench, SECOND).as_deref(), Some(FULL));
}

#[rstest]
#[case(Fault::TlsIgnoresEndpointId, IdentityKind::WrongName)]
#[case(Fault::TlsAcceptsAnyCertificate, IdentityKind::Expired)]
fn with_the_fault_it_is_served(#[case] fault: Fault, #[case] kind: IdentityKind) {
    assert_eq!(ask(&mut bench(false, &[fault]), session(kind, SECOND), SECOND), 1);
}

#[rstest]
#[case(Fault::UntrustedRoleIsNotAssigned, Some(""))]
#[case(Fault::UntrustedGetFullAccess, Some(FULL))]
#[case(Fault::UnknownControllersAreRefused, None)]
fn with_the_fault_a_stranger_has_another_role(#[case] fault: Fault, #[case] role: Option<&str>) {
    let mut bench = bench(false, &[fault]);
    ask(&mut bench, session(IdentityKind::Trusted, STRANGER), STRANGER);
    assert_eq!(assigned(&bench, STRANGER).as_deref(), role);
}

#[test]
fn what_was_trusted_on_first_use_is_known_from_then_on() {
    let mut bench = bench(true, &[]);
    let first = session(IdentityKind::SelfSigned, STRANGER);
    assert_eq!(ask(&mut bench, first.clone(), STRANGER), 1);
    let pem = crate::trust::anchors(bench.core.store());
    assert_eq!(pem.matches("BEGIN CERTIFICATE").count(), 2);
    bench.core.closed(THIRD);
    assert_eq!(ask(&mut bench, first, STRANGER), 1);
    bench.core.closed(THIRD);
    // Somebody else with the same Endpoint ID and another key (R-SEC.8).
    assert_eq!(ask(&mut bench, session(IdentityKind::SelfSigned, STRANGER), STRANGER), 0);
}

#[test]
fn with_the_fault_a_certificate_that_is_used_gets_another_alias() {
    let mut bench = bench(true, &[Fault::CertificateLosesAliasWhenUsed]);
    assert_eq!(ask(&mut bench, session(IdentityKind::SelfSigned, STRANGER), STRANGER), 1);
    let row = bench.core.store().all_of(crate::trust::CERTIFICATES).pop().unwrap();
    assert_eq!(bench.core.store().text(&row, "Alias"), "used-2");
}

#[test]
fn an_authority_with_a_role_passes_it_on_and_a_reboot_forgets_it() {
    let mut bench = bench(false, &[]);
    bench.core.report("Device.LocalAgent.ControllerTrust.Credential.1.", "Role", FULL);
    ask(&mut bench, session(IdentityKind::Trusted, STRANGER), STRANGER);
    let inherited = |bench: &Bench| {
        row(bench, STRANGER).map(|row| bench.core.store().text(&row, "InheritedRole").to_owned()).unwrap()
    };
    assert_eq!((assigned(&bench, STRANGER).as_deref(), inherited(&bench).as_str()), (Some(""), FULL));
    let saved = bench.core.saved(None);
    bench.core = Core::boot(bench.core.config().clone(), Some(saved), bench.now, bench.now).unwrap();
    assert_eq!(inherited(&bench), "");
}

#[test]
fn without_tls_a_stranger_is_not_served_and_a_banned_controller_neither() {
    let mut bench = bench(true, &[]);
    let get = msg::Get { param_paths: vec!["Device.LocalAgent.EndpointID".to_owned()], max_depth: 0 };
    bench.open(THIRD, STRANGER);
    bench.record(&plain(STRANGER, AGENT, &request_message("1", ReqType::Get(get.clone()))));
    assert!(bench.answer("1").is_none() && row(&bench, STRANGER).is_none());
    bench.core.report("Device.LocalAgent.ControllerTrust.", "BannedRole", UNTRUSTED);
    bench.core.report("Device.LocalAgent.Controller.2.", "AssignedRole", UNTRUSTED);
    bench.record(&plain(SECOND, AGENT, &request_message("2", ReqType::Get(get))));
    assert!(bench.answer("2").is_none());
}
