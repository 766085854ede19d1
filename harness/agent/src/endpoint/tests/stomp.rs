use super::*;
use crate::config::{Pem, StompTarget, TlsIdentity};
use serde_json::{Value, json};
use uspec_mtp::stomp::{StompFarConfig, StompHandle, StompPlace};
use uspec_mtp::tls::{IdentityKind, Pki, TlsServer};

const DESTINATION: &str = "/usp/controller";
const AT: &str = "/usp/agent";
const OWN: &str = "Device.LocalAgent.MTP.1.STOMP.";

fn target() -> StompTarget {
    StompTarget {
        host: "server".to_owned(),
        username: "user".to_owned(),
        password: "secret".to_owned(),
        virtual_host: "virtual".to_owned(),
        destination: DESTINATION.to_owned(),
        agent_destination: AT.to_owned(),
        ..StompTarget::default()
    }
}

fn far() -> StompFarConfig {
    let place = StompPlace::Broker { address: Address::tcp("server", 61613), tls: None };
    StompFarConfig::new(place, CONTROLLER, DESTINATION)
}

async fn start_with(far: StompFarConfig, target: StompTarget, faults: &[Fault]) -> Bench {
    let controller = ControllerConfig { stomp: Some(target), ..ControllerConfig::default() };
    Bench::start(FarConfig::Stomp(far), agent(controller, faults)).await
}

async fn start(faults: &[Fault]) -> Bench {
    start_with(far(), target(), faults).await
}

/// Waits for the Connect Record and tells its destination.
async fn connected(bench: &mut Bench) -> String {
    match bench.connected().await {
        RecordType::StompConnect(connect) => connect.subscribed_destination,
        other => panic!("no Connect Record of STOMP: {other:?}"),
    }
}

fn stomp(bench: &Bench) -> StompHandle {
    let Handle::Stomp(handle) = &bench.handle else { panic!("not STOMP") };
    handle.clone()
}

/// The headers of the next frame with that command.
async fn headers(bench: &mut Bench, command: &str) -> Value {
    bench.packet(command).await["headers"].clone()
}

#[tokio::test(start_paused = true)]
async fn it_greets_and_answers() {
    let mut bench = start(&[]).await;
    assert_eq!(connected(&mut bench).await, AT);
    assert_eq!(bench.value("Device.LocalAgent.SupportedProtocols").await, "STOMP");
    assert_eq!(bench.value("Device.STOMP.Connection.1.Status").await, "Enabled");
    assert_eq!(bench.value("Device.LocalAgent.MTP.1.Status").await, "Up");
    bench.finish().await;
}

#[tokio::test(start_paused = true)]
async fn the_opening_frame_says_what_the_data_model_says() {
    let target = StompTarget { heartbeat: Some((15_000, 10_000)), ..target() };
    let mut bench = start_with(far(), target, &[]).await;
    let opening = headers(&mut bench, "STOMP").await;
    let expected = [
        ("endpoint-id", AGENT),
        ("host", "virtual"),
        ("login", "user"),
        ("passcode", "secret"),
        ("heart-beat", "15000,10000"),
    ];
    for (name, value) in expected {
        assert_eq!(opening[name], value, "{name}");
    }
    let subscribe = headers(&mut bench, "SUBSCRIBE").await;
    assert_eq!((&subscribe["destination"], &subscribe["ack"]), (&json!(AT), &json!("auto")));
    let send = headers(&mut bench, "SEND").await;
    assert_eq!((&send["destination"], &send["reply-to-dest"]), (&json!(DESTINATION), &json!(AT)));
    bench.finish().await;
}

#[tokio::test(start_paused = true)]
async fn the_servers_destination_counts_before_the_configured_one() {
    let mut told = far();
    told.behaviour.connected.subscribe_dest = Some("/usp/told".to_owned());
    let mut bench = start_with(told, target(), &[]).await;
    assert_eq!(connected(&mut bench).await, "/usp/told");
    assert_eq!(bench.value(&format!("{OWN}DestinationFromServer")).await, "/usp/told");
    bench.set(OWN, "Destination", "/usp/other").await;
    assert!(bench.is_silent().await);
    bench.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_destination_that_is_changed_is_moved_to_at_once() {
    let mut bench = start(&[]).await;
    connected(&mut bench).await;
    bench.set(OWN, "Destination", "/usp/other").await;
    headers(&mut bench, "UNSUBSCRIBE").await;
    assert_eq!(headers(&mut bench, "SUBSCRIBE").await["destination"], "/usp/other");
    let send = headers(&mut bench, "SEND").await;
    assert_eq!(send["reply-to-dest"], "/usp/other");
    assert_eq!(connected(&mut bench).await, "/usp/other");
    assert_eq!(bench.value(&format!("{OWN}Destination")).await, "/usp/other");
    bench.finish().await;
}

#[tokio::test(start_paused = true)]
async fn without_a_destination_it_leaves_and_tries_again() {
    let mut bench = start(&[]).await;
    connected(&mut bench).await;
    bench.set(OWN, "Destination", "").await;
    bench.operate("Device.Reboot()").await;
    bench.closed().await;
    headers(&mut bench, "STOMP").await;
    headers(&mut bench, "DISCONNECT").await;
    headers(&mut bench, "STOMP").await;
    bench.finish().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_no_record_is_dropped() {
    let mut bench = start(&[]).await;
    connected(&mut bench).await;
    bench.handle.send_record(vec![0xff; 3]).await.unwrap();
    assert!(bench.is_silent().await);
    assert_eq!(bench.value("Device.LocalAgent.EndpointID").await, AGENT);
    bench.finish().await;
}

#[tokio::test(start_paused = true)]
async fn it_says_goodbye_and_comes_back_after_a_reboot() {
    let mut bench = start(&[]).await;
    connected(&mut bench).await;
    bench.operate("Device.Reboot()").await;
    let farewell = bench.record().await.record_type.unwrap();
    assert!(matches!(farewell, RecordType::Disconnect(_)), "{farewell:?}");
    headers(&mut bench, "DISCONNECT").await;
    assert!(bench.closed().await.clean);
    connected(&mut bench).await;
    bench.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_goes_is_tried_again_in_time() {
    for (faults, expected) in [(vec![], 0..=20), (vec![Fault::StompFirstRetryTooLate], 21..=60)] {
        let target = StompTarget { retry_time: 20, ..target() };
        let mut bench = start_with(far(), target, &faults).await;
        connected(&mut bench).await;
        stomp(&bench).error("no", "").await.unwrap();
        bench.closed().await;
        let wait = bench.attempt().await.as_secs();
        assert!(expected.contains(&wait), "{faults:?} {wait}");
        connected(&mut bench).await;
        bench.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_controller_that_is_not_served_any_more_is_told_and_the_session_stays() {
    let mut bench = start(&[]).await;
    connected(&mut bench).await;
    bench.set("Device.LocalAgent.Controller.1.MTP.1.", "Enable", "false").await;
    let farewell = bench.record().await.record_type.unwrap();
    assert!(matches!(farewell, RecordType::Disconnect(_)), "{farewell:?}");
    assert!(bench.is_silent().await);
    assert!(bench.handle.is_open());
    bench.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_disabled_ends() {
    let mut bench = start(&[]).await;
    connected(&mut bench).await;
    bench.set("Device.STOMP.Connection.1.", "Enable", "false").await;
    let farewell = bench.record().await.record_type.unwrap();
    assert!(matches!(farewell, RecordType::Disconnect(_)), "{farewell:?}");
    bench.closed().await;
    assert!(bench.is_silent().await);
    bench.finish().await;
}

#[tokio::test(start_paused = true)]
async fn over_tls_it_serves_a_controller_whose_server_it_trusts() {
    let pki = Pki::generate().unwrap();
    for (kind, served) in [(IdentityKind::Trusted, true), (IdentityKind::Untrusted, false)] {
        let shown = pki.issue(kind, CONTROLLER, &["server"]).unwrap();
        let own = pki.issue(IdentityKind::Trusted, AGENT, &["agent"]).unwrap();
        let identity = TlsIdentity {
            certificate: Pem::Text(own.chain_pem()),
            key: Pem::Text(own.key_pem()),
            trust: Some(Pem::Text(pki.authority().certificate_pem())),
        };
        let place = StompPlace::Broker { address: Address::tcp("server", 61613), tls: Some(TlsServer::new(shown)) };
        let far = StompFarConfig { place, ..far() };
        let controller =
            ControllerConfig { stomp: Some(StompTarget { tls: true, ..target() }), ..ControllerConfig::default() };
        let config = AgentConfig { tls: Some(identity), ..agent(controller, &[]) };
        let mut bench = Bench::start(FarConfig::Stomp(far), config).await;
        if served {
            connected(&mut bench).await;
            assert_eq!(bench.value("Device.LocalAgent.EndpointID").await, AGENT);
        } else {
            assert!(bench.is_silent().await, "{kind}");
        }
        bench.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn faults_are_seen_by_the_server() {
    let mut bench = start(&[Fault::StompOmitsContentLength]).await;
    assert_eq!(headers(&mut bench, "SEND").await["content-length"], Value::Null);
    bench.finish().await;
    let mut bench = start(&[Fault::StompIgnoresDestination]).await;
    assert_ne!(headers(&mut bench, "SUBSCRIBE").await["destination"], AT);
    bench.finish().await;
    let mut bench = start(&[Fault::StompMovesElsewhere]).await;
    connected(&mut bench).await;
    bench.set(OWN, "Destination", "/usp/other").await;
    headers(&mut bench, "UNSUBSCRIBE").await;
    assert_ne!(headers(&mut bench, "SUBSCRIBE").await["destination"], "/usp/other");
    bench.finish().await;
    let mut bench = start(&[Fault::MalformedRecordEndsSession]).await;
    connected(&mut bench).await;
    bench.handle.send_record(vec![0xff; 3]).await.unwrap();
    bench.closed().await;
    bench.finish().await;
}
