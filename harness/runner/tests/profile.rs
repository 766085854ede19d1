//! What a session takes from an EUT profile.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by them")]

use rstest::rstest;
use std::{path::Path, sync::Arc, time::Duration};
use uspec_mtp::{
    FarConfig,
    network::MemoryNetwork,
    tls::{CertificateAuthority, ClientAuth, ServerVerification, TlsMaterial},
    websocket::WsRole,
};
use uspec_runner::{ConfigError, EutControl, Method, ProgramControl, Session, SessionConfig, TlsSupply};
use uspec_testplan::{case::EutAction, profile::EutProfile};

fn parse(folder: &Path, websocket: &str, rest: &str) -> EutProfile {
    let text = format!(
        "format: 1\nname: A device\neut: {{endpoint_id: any}}\ncontroller: {{endpoint_id: \"self::us\"}}\nmtps:\n  - websocket: {websocket}\n{rest}"
    );
    EutProfile::parse("profile.yaml", &text, folder).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn role(profile: &EutProfile) -> Result<WsRole, ConfigError> {
    let config = SessionConfig::from_profile(profile, &profile.mtps[0], &TlsSupply::default(), "catalogue", "0")?;
    let FarConfig::WebSocket(far) = config.mtp else { panic!("not WebSocket") };
    Ok(far.role)
}

/// A folder with a certificate, its key and the authority's certificate.
fn certificates() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let authority = CertificateAuthority::generate("test").unwrap();
    let material = TlsMaterial::generate("self::us", &authority).unwrap();
    std::fs::write(folder.path().join("own.pem"), material.chain_pem()).unwrap();
    std::fs::write(folder.path().join("own.key"), material.key_pem()).unwrap();
    std::fs::write(folder.path().join("ca.pem"), authority.certificate_pem()).unwrap();
    folder
}

#[test]
fn limits_elements_and_names_are_taken_over() {
    let rest = "timing: {response: 7s, connect: 8s, boot: 9s, silence: 3s, pace: 1ms, tolerance: 2s}\nelements: {nested_table: MTP.}\n";
    let profile = parse(Path::new("."), "{role: eut_connects, address: \"0.0.0.0:8080\", path: /usp, name: ws}", rest);
    let config =
        SessionConfig::from_profile(&profile, &profile.mtps[0], &TlsSupply::default(), "catalogue", "0").unwrap();
    assert_eq!(
        (config.mtp_name.as_str(), config.eut_endpoint_id, config.controller_endpoint_id.as_str()),
        ("ws", None, "self::us")
    );
    assert_eq!(config.timing.response, Duration::from_secs(7));
    assert_eq!((config.timing.silence, config.timing.pace), (Duration::from_secs(3), Duration::from_millis(1)));
    assert_eq!(config.variables["element.nested_table"], "MTP.");
    assert_eq!(config.variables["element.sync_command"], "Device.Reboot()");
    assert_eq!(config.variables["timing.tolerance"], "2000ms");
}

#[rstest]
#[case::left_out("", "self::uspec-second")]
#[case::given(", second: \"proto::other\"", "proto::other")]
fn the_second_controller_has_the_profile_s_endpoint_id(#[case] second: &str, #[case] expected: &str) {
    let text = format!(
        "format: 1\nname: A device\neut: {{endpoint_id: any}}\ncontroller: {{endpoint_id: \"self::us\"{second}}}\nmtps:\n  - websocket: {{role: eut_connects, address: \"0.0.0.0:8080\"}}\n"
    );
    let profile = EutProfile::parse("profile.yaml", &text, Path::new(".")).unwrap();
    let config = SessionConfig::from_profile(&profile, &profile.mtps[0], &TlsSupply::default(), "c", "0").unwrap();
    assert_eq!(config.second.endpoint_id, expected);
}

#[rstest]
#[case::trusting("{certificate: own.pem, key: own.key, trust: ca.pem}", ClientAuth::Require)]
#[case::recording("{certificate: own.pem, key: own.key}", ClientAuth::Record)]
fn what_listens_asks_for_a_certificate(#[case] tls: &str, #[case] expected: ClientAuth) {
    let folder = certificates();
    let profile = parse(folder.path(), &format!("{{role: eut_connects, address: \"localhost:1\", tls: {tls}}}"), "");
    let WsRole::Listen { tls: Some(server), .. } = role(&profile).unwrap() else { panic!() };
    assert_eq!(server.client_auth, expected);
}

#[rstest]
#[case::trusting("{certificate: own.pem, key: own.key, trust: ca.pem}", ServerVerification::Full)]
#[case::without_a_certificate("{trust: ca.pem}", ServerVerification::Full)]
#[case::recording("{}", ServerVerification::AcceptAny)]
fn what_connects_verifies_when_it_can(#[case] tls: &str, #[case] expected: ServerVerification) {
    let folder = certificates();
    let profile = parse(folder.path(), &format!("{{role: we_connect, address: \"localhost:1\", tls: {tls}}}"), "");
    let WsRole::Connect { tls: Some(client), .. } = role(&profile).unwrap() else { panic!() };
    assert_eq!(client.verification, expected);
}

#[test]
fn a_certificate_that_is_none_is_told_with_its_file() {
    let folder = certificates();
    std::fs::write(folder.path().join("own.pem"), "not PEM").unwrap();
    let websocket = "{role: eut_connects, address: \"localhost:1\", tls: {certificate: own.pem, key: own.key}}";
    let error = role(&parse(folder.path(), websocket, "")).unwrap_err().to_string();
    assert!(error.contains("own.pem"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_key_of_another_certificate_is_told_when_the_session_opens() {
    let folder = certificates();
    let other = TlsMaterial::generate("self::us", &CertificateAuthority::generate("other").unwrap()).unwrap();
    std::fs::write(folder.path().join("own.key"), other.key_pem()).unwrap();
    let websocket = "{role: eut_connects, address: \"localhost:1\", tls: {certificate: own.pem, key: own.key}}";
    let profile = parse(folder.path(), websocket, "");
    let config =
        SessionConfig::from_profile(&profile, &profile.mtps[0], &TlsSupply::default(), "catalogue", "0").unwrap();
    let opened = Session::open(config, Arc::new(MemoryNetwork::new()), Arc::new(ProgramControl::new())).await;
    assert!(opened.is_err());
}

#[rstest]
#[case::by_default("", false)]
#[case::started_by_a_program("control: {reboot: usp, start: {program: [sh]}}\n", true)]
fn a_device_with_a_program_to_start_it_is_started_after_its_reboot(#[case] control: &str, #[case] expected: bool) {
    let profile = parse(Path::new("."), "{role: eut_connects, address: \"localhost:1\"}", control);
    let made = ProgramControl::from_profile(&profile.control);
    let Method::UspCommand { command, start_after } = made.method(EutAction::Reboot) else { panic!() };
    assert_eq!((command.as_str(), start_after), ("Device.Reboot()", expected));
    assert_eq!(made.method(EutAction::PowerCycle), Method::Missing);
}
