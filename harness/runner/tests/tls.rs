//! Certificates of our Controllers: right ones, wrong ones, and back again.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by them")]

mod scripted;

use rstest::rstest;
use scripted::*;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use uspec_mtp::{
    FarConfig,
    network::{Address, MemoryNetwork},
    tls::{ClientAuth, IdentityKind, KeyLogSink, Pki, TlsClient, TlsServer},
    websocket::{WsFarConfig, WsRole},
};
use uspec_runner::{Session, SessionConfig, TlsSupply};
use uspec_testplan::{
    case::{
        Action, Answer, Capture, CertificateKind, ControllerAction, Ending, Expected, MtpAction, MtpEvent, Party, Step,
    },
    profile::EutProfile,
    trace::{MtpFacts, Phase, StepOutcome, Trace},
};

const SECOND: &str = "self::uspec-second";

/// We listen with TLS, and the EUT trusts the authority that issues our certificates.
fn with_tls(pki: &Arc<Pki>) -> SessionConfig {
    let mut server = TlsServer::new(pki.issue(IdentityKind::Trusted, US, &["controller"]).unwrap());
    server.client_auth = ClientAuth::Require;
    let role = WsRole::Listen { address: address(), path: "/usp".into(), tls: Some(server) };
    SessionConfig {
        mtp: FarConfig::WebSocket(WsFarConfig::new(role, US)),
        facts: MtpFacts { tls: true, ..config().facts },
        pki: Some(Arc::clone(pki)),
        ..config()
    }
}

fn client(pki: &Pki) -> TlsClient {
    TlsClient::new(pki.issue(IdentityKind::Trusted, EUT, &["eut"]).unwrap())
}

fn controller(action: ControllerAction) -> Step {
    step(Action::Controller(action))
}

fn awaits(by: Party, event: MtpEvent) -> Step {
    Step { by, ..step(Action::Await { what: Expected::Mtp(event), answer: Answer::Normal }) }
}

fn never_connects(by: Party) -> Step {
    let lasting = Some(Duration::from_secs(5).into());
    Step { by, ..step(Action::Absent { what: Expected::Mtp(MtpEvent::Connected), lasting }) }
}

fn drop_it() -> Step {
    step(Action::Mtp(MtpAction::Drop(Ending::Close)))
}

async fn play_with_tls(procedure: Vec<Step>) -> Vec<Trace> {
    let pki = Arc::new(Pki::generate().unwrap());
    let network = MemoryNetwork::new();
    let mut session = open_with(&network, with_tls(&pki), no_control()).await;
    let _eut = start_with_tls(&network, address(), US, client(&pki)).await;
    let bring_up = session.bring_up(&CancellationToken::new()).await.unwrap();
    let second = Address::tcp("controller", bring_up.variables["second.port"].parse().unwrap());
    let _other = start_with_tls(&network, second, SECOND, client(&pki)).await;
    let cases = [case("9.2", procedure), case("9.9", vec![get("Device.Fine.")])];
    let (_, traces) = play(&mut session, &bring_up, &cases, &CancellationToken::new()).await;
    traces.iter().for_each(assert_sound);
    assert!(matches!(outcomes(&traces[1], Phase::Procedure)[..], [StepOutcome::Done { .. }]), "all is set back");
    traces
}

fn all_done(trace: &Trace) {
    let outcomes = outcomes(trace, Phase::Procedure);
    assert!(outcomes.iter().all(|it| matches!(it, StepOutcome::Done { .. })), "{outcomes:?} {:?}", notes(trace));
}

#[tokio::test(start_paused = true)]
async fn the_second_controller_shows_a_certificate_of_its_own() {
    let connected = awaits(Party::Second, MtpEvent::Connected);
    let capture = vec![Capture { name: "seen".into(), path: "tls.verification".into() }];
    let procedure = vec![
        controller(ControllerAction::StartSecond(CertificateKind::Trusted)),
        Step { capture, ..connected },
        Step { by: Party::Second, ..get("Device.Fine.") },
    ];
    let traces = play_with_tls(procedure).await;
    all_done(&traces[0]);
    let text = traces[0].to_json_lines().unwrap();
    assert!(text.contains("\"verified\"") && traces[0].header.mtp_facts.as_ref().unwrap().tls);
}

#[rstest]
#[case(CertificateKind::SelfSigned)]
#[case(CertificateKind::Untrusted)]
#[case(CertificateKind::Expired)]
#[case(CertificateKind::NotYetValid)]
#[tokio::test(start_paused = true)]
async fn a_wrong_certificate_is_refused_by_the_eut_and_taken_back_by_us(#[case] kind: CertificateKind) {
    let procedure = vec![
        controller(ControllerAction::StartSecond(kind)),
        awaits(Party::Second, MtpEvent::ConnectionAttempt),
        never_connects(Party::Second),
        controller(ControllerAction::Certificate(kind)),
        drop_it(),
        awaits(Party::First, MtpEvent::ConnectionAttempt),
        never_connects(Party::First),
    ];
    let traces = play_with_tls(procedure).await;
    all_done(&traces[0]);
    let outcomes = outcomes(&traces[0], Phase::Procedure);
    assert!(
        [2, 6].map(|index| outcomes[index] == StepOutcome::Done { matched: None }).iter().all(|it| *it),
        "{outcomes:?}"
    );
}

#[test]
fn what_is_generated_is_issued_by_whom_we_are_handed_and_its_secrets_are_logged() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let text = "format: 1\nname: Bundled\neut: {endpoint_id: \"os::012345-EUT\"}\n\
            controller: {endpoint_id: \"self::controller\"}\nmtps:\n  \
            - websocket: {role: eut_connects, address: \"controller:8080\", path: /usp, tls: generate}\n";
        let profile = EutProfile::parse("profile.yaml", text, std::path::Path::new(".")).unwrap();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&lines);
        let pki = Arc::new(Pki::generate().unwrap());
        let key_log = Some(KeyLogSink::new(move |line| kept.lock().unwrap().push(line.to_owned())));
        let supply = TlsSupply { pki: Some(Arc::clone(&pki)), key_log };
        let config = SessionConfig::from_profile(&profile, &profile.mtps[0], &supply, "catalogue", "0").unwrap();
        let network = MemoryNetwork::new();
        let mut session = Session::open(config, Arc::new(network.clone()), no_control()).await.unwrap();
        let _eut = start_with_tls(&network, address(), US, client(&pki)).await;
        session.bring_up(&CancellationToken::new()).await.unwrap();
        assert!(lines.lock().unwrap().iter().any(|line| line.starts_with("CLIENT_TRAFFIC_SECRET_0 ")));
    });
}
