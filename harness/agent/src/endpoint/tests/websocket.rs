use super::*;
use crate::config::{ListenConfig, Pem, TlsIdentity, WebSocketTarget};
use uspec_mtp::tls::{ClientAuth, IdentityKind, Pki, TlsClient, TlsMaterial, TlsServer};
use uspec_mtp::websocket::{WsFarConfig, WsRole};

/// The Controller listens and the Agent connects, or the other way round.
async fn start(agent_connects: bool, persistence: Persistence, faults: &[Fault]) -> Bench {
    start_with(agent_connects, persistence, faults, None).await
}

/// Over TLS, with what the Controller shows of itself.
async fn start_secured(pki: &Pki, agent_connects: bool, controller: IdentityKind, faults: &[Fault]) -> Bench {
    let shown = pki.issue(controller, CONTROLLER, &["peer"]).unwrap();
    let own = pki.issue(IdentityKind::Trusted, AGENT, &["peer"]).unwrap();
    let identity = TlsIdentity {
        certificate: Pem::Text(own.chain_pem()),
        key: Pem::Text(own.key_pem()),
        trust: Some(Pem::Text(pki.authority().certificate_pem())),
    };
    start_with(agent_connects, Persistence::Memory, faults, Some((shown, identity))).await
}

async fn start_with(
    agent_connects: bool,
    persistence: Persistence,
    faults: &[Fault],
    tls: Option<(TlsMaterial, TlsIdentity)>,
) -> Bench {
    let (shown, identity) = tls.unzip();
    let address = Address::tcp("peer", 8080);
    let path = "/usp".to_owned();
    let target = WebSocketTarget {
        host: "peer".to_owned(),
        path: path.clone(),
        tls: identity.is_some(),
        ..WebSocketTarget::default()
    };
    let listen = ListenConfig {
        host: "peer".to_owned(),
        port: 8080,
        path: path.clone(),
        tls: identity.is_some(),
        ..ListenConfig::default()
    };
    let controller = ControllerConfig { websocket: agent_connects.then_some(target), ..ControllerConfig::default() };
    let config = AgentConfig {
        listen: (!agent_connects).then_some(listen),
        persistence,
        tls: identity,
        ..agent(controller, faults)
    };
    let role = if agent_connects {
        WsRole::Listen { address, path, tls: shown.map(recording) }
    } else {
        WsRole::Connect { address, path, host: None, tls: shown.map(TlsClient::new) }
    };
    Bench::start(FarConfig::WebSocket(WsFarConfig::new(role, CONTROLLER)), config).await
}

/// A server that asks for the Agent's certificate.
fn recording(material: TlsMaterial) -> TlsServer {
    TlsServer { client_auth: ClientAuth::Record, ..TlsServer::new(material) }
}

#[tokio::test(start_paused = true)]
async fn over_tls_it_serves_whom_it_trusts_in_either_role() {
    let pki = Pki::generate().unwrap();
    for agent_connects in [true, false] {
        let mut bench = start_secured(&pki, agent_connects, IdentityKind::Trusted, &[]).await;
        bench.connected().await;
        assert_eq!(bench.value("Device.LocalAgent.EndpointID").await, AGENT);
        bench.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn over_tls_it_serves_nobody_else_in_either_role() {
    use IdentityKind::{Expired, NotYetValid, SelfSigned, Untrusted, WrongName};
    let pki = Pki::generate().unwrap();
    for kind in [Expired, NotYetValid, SelfSigned, Untrusted, WrongName] {
        for agent_connects in [true, false] {
            let mut bench = start_secured(&pki, agent_connects, kind, &[]).await;
            assert!(bench.is_silent().await, "{kind}, {agent_connects}");
            bench.finish().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_certificate_that_was_added_is_trusted_once_the_controller_refers_to_it() {
    let pki = Pki::generate().unwrap();
    for (faults, accepted) in [(vec![], true), (vec![Fault::AddedCertificateIsNotTrusted], false)] {
        let mut bench = start_secured(&pki, true, IdentityKind::Trusted, &faults).await;
        bench.connected().await;
        let alternate = pki.issue(IdentityKind::Alternate, CONTROLLER, &["peer"]).unwrap();
        let arguments = [("Certificate".to_owned(), alternate.chain_pem())];
        let request = msg::Operate {
            command: "Device.LocalAgent.Controller.1.AddMyCertificate()".to_owned(),
            send_resp: true,
            input_args: arguments.into(),
            ..msg::Operate::default()
        };
        let body = bench.ask(ReqType::Operate(request)).await;
        assert!(matches!(body, MsgBody::Response(_)), "{body:?}");
        bench.handle.set_identity(alternate).unwrap();
        let Handle::WebSocket(handle) = &bench.handle else { panic!("not WebSocket") };
        handle.close(1000, "").await.unwrap();
        assert_eq!(!bench.is_silent().await, accepted);
        bench.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn it_connects_or_is_connected_to_and_answers() {
    for agent_connects in [true, false] {
        let mut bench = start(agent_connects, Persistence::Memory, &[]).await;
        bench.connected().await;
        assert_eq!(bench.value("Device.LocalAgent.EndpointID").await, AGENT);
        bench.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn it_comes_back_after_a_reboot() {
    let mut bench = start(true, Persistence::Memory, &[]).await;
    bench.connected().await;
    bench.set("Device.DeviceInfo.", "ProvisioningCode", "kept").await;
    bench.operate("Device.Reboot()").await;
    bench.closed().await;
    bench.connected().await;
    assert_eq!(bench.value("Device.DeviceInfo.ProvisioningCode").await, "kept");
    bench.finish().await;
}

#[tokio::test(start_paused = true)]
async fn with_the_fault_it_does_not_come_back() {
    let mut bench = start(true, Persistence::Memory, &[Fault::RebootNeverReturns]).await;
    bench.connected().await;
    bench.operate("Device.Reboot()").await;
    bench.closed().await;
    assert!(bench.is_silent().await);
    bench.finish().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_no_record_closes_the_session_with_1003() {
    let mut bench = start(true, Persistence::Memory, &[]).await;
    bench.connected().await;
    bench.handle.send_record(vec![0xff; 3]).await.unwrap();
    assert_eq!(bench.closed().await.code, Some(1003));
    // R-WS.19: it tries again after its retry interval.
    bench.connected().await;
    bench.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_disabled_controller_is_left_alone() {
    let mut bench = start(true, Persistence::Memory, &[]).await;
    bench.connected().await;
    bench.set("Device.LocalAgent.Controller.1.MTP.1.", "Enable", "false").await;
    bench.closed().await;
    assert!(bench.is_silent().await);
    bench.finish().await;
}

#[tokio::test]
async fn a_file_keeps_the_state_between_two_processes() {
    let folder = tempfile::tempdir().unwrap();
    let persistence = Persistence::File(folder.path().join("state.json"));
    let mut bench = start(true, persistence.clone(), &[]).await;
    bench.connected().await;
    bench.set("Device.DeviceInfo.", "ProvisioningCode", "kept").await;
    bench.finish().await;
    let mut bench = start(true, persistence, &[]).await;
    bench.connected().await;
    assert_eq!(bench.value("Device.DeviceInfo.ProvisioningCode").await, "kept");
    bench.finish().await;
}

#[tokio::test]
async fn a_file_that_is_no_state_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    std::fs::write(&path, "{").unwrap();
    let config = AgentConfig { persistence: Persistence::File(path), ..AgentConfig::default() };
    let outcome = run(config, Arc::new(MemoryNetwork::new()), CancellationToken::new()).await;
    assert!(matches!(outcome, Err(AgentError::State { .. })));
}
