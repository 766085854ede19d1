use super::*;
use crate::config::{ControllerConfig, ListenConfig, Pem, Persistence, TlsIdentity, WebSocketTarget};
use prost::Message as _;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::timeout;
use uspec_mtp::event::{Closing, Direction, MtpEvent, MtpHappening};
use uspec_mtp::network::{Address, MemoryNetwork};
use uspec_mtp::tls::{ClientAuth, IdentityKind, Pki, TlsClient, TlsMaterial, TlsServer};
use uspec_mtp::websocket::{WsFarConfig, WsFarSide, WsHandle, WsRole};
use uspec_usp::msg::{self, Msg, body::MsgBody, request::ReqType};
use uspec_usp::record::{NoSessionContextRecord, Record, record::RecordType};

const AGENT: &str = "proto::agent";
const CONTROLLER: &str = "proto::controller";
/// Longer than anything that should happen; on the paused clock it costs nothing.
const PATIENCE: Duration = Duration::from_secs(60);

/// A Controller on the in-memory network, and an Agent that knows it.
struct Bench {
    handle: WsHandle,
    events: mpsc::Receiver<MtpEvent>,
    stop: CancellationToken,
    agent: tokio::task::JoinHandle<Result<(), AgentError>>,
}

impl Bench {
    /// The Controller listens and the Agent connects, or the other way round.
    async fn start(agent_connects: bool, persistence: Persistence, faults: &[Fault]) -> Self {
        Self::start_with(agent_connects, persistence, faults, None).await
    }

    /// Over TLS, with what the Controller shows of itself.
    async fn start_secured(pki: &Pki, agent_connects: bool, controller: IdentityKind, faults: &[Fault]) -> Self {
        let shown = pki.issue(controller, CONTROLLER, &["peer"]).unwrap();
        let own = pki.issue(IdentityKind::Trusted, AGENT, &["peer"]).unwrap();
        let identity = TlsIdentity {
            certificate: Pem::Text(own.chain_pem()),
            key: Pem::Text(own.key_pem()),
            trust: Some(Pem::Text(pki.authority().certificate_pem())),
        };
        Self::start_with(agent_connects, Persistence::Memory, faults, Some((shown, identity))).await
    }

    async fn start_with(
        agent_connects: bool,
        persistence: Persistence,
        faults: &[Fault],
        tls: Option<(TlsMaterial, TlsIdentity)>,
    ) -> Self {
        let (shown, identity) = tls.unzip();
        let network: Arc<dyn Network> = Arc::new(MemoryNetwork::new());
        let address = Address::tcp("peer", 8080);
        let (sender, events) = mpsc::channel(1024);
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
        let config = AgentConfig {
            endpoint_id: AGENT.to_owned(),
            controllers: vec![ControllerConfig {
                endpoint_id: CONTROLLER.to_owned(),
                websocket: agent_connects.then_some(target),
                ..ControllerConfig::default()
            }],
            listen: (!agent_connects).then_some(listen),
            persistence,
            tls: identity,
            faults: faults.iter().copied().collect(),
            ..AgentConfig::default()
        };
        let role = if agent_connects {
            WsRole::Listen { address, path, tls: shown.map(recording) }
        } else {
            WsRole::Connect { address, path, host: None, tls: shown.map(TlsClient::new) }
        };
        let handle = WsFarSide::start(WsFarConfig::new(role, CONTROLLER), Arc::clone(&network), sender).await.unwrap();
        let stop = CancellationToken::new();
        let agent = tokio::spawn(run(config, network, stop.clone()));
        Self { handle, events, stop, agent }
    }

    async fn happening<T>(&mut self, pick: impl Fn(MtpHappening) -> Option<T>) -> T {
        let search = async {
            loop {
                let event = self.events.recv().await.expect("an event");
                if let Some(found) = pick(event.what) {
                    return found;
                }
            }
        };
        timeout(PATIENCE, search).await.expect("it happens in time")
    }

    async fn record(&mut self) -> Record {
        self.happening(|what| match what {
            MtpHappening::Record { direction: Direction::Received, bytes, .. } => Some(Record::decode(bytes).unwrap()),
            _ => None,
        })
        .await
    }

    async fn closed(&mut self) -> Closing {
        self.happening(|what| if let MtpHappening::Closed(closing) = what { Some(closing) } else { None }).await
    }

    async fn connected(&mut self) {
        let record = self.record().await;
        assert!(matches!(record.record_type, Some(RecordType::WebsocketConnect(_))), "{record:?}");
        assert_eq!((record.from_id.as_str(), record.to_id.as_str()), (AGENT, CONTROLLER));
    }

    async fn ask(&mut self, request: ReqType) -> MsgBody {
        let header = msg::Header { msg_id: "1".to_owned(), msg_type: 1 };
        let body = msg::Body { msg_body: Some(MsgBody::Request(msg::Request { req_type: Some(request) })) };
        let payload = Msg { header: Some(header), body: Some(body) }.encode_to_vec();
        let record = Record {
            version: "1.4".to_owned(),
            to_id: AGENT.to_owned(),
            from_id: CONTROLLER.to_owned(),
            record_type: Some(RecordType::NoSessionContext(NoSessionContextRecord { payload })),
            ..Record::default()
        };
        self.handle.send_record(record.encode_to_vec()).await.unwrap();
        let RecordType::NoSessionContext(context) = self.record().await.record_type.unwrap() else {
            panic!("no Message")
        };
        Msg::decode(context.payload.as_slice()).unwrap().body.unwrap().msg_body.unwrap()
    }

    async fn value(&mut self, path: &str) -> String {
        let request = msg::Get { param_paths: vec![path.to_owned()], max_depth: 0 };
        match self.ask(ReqType::Get(request)).await {
            MsgBody::Response(msg::Response { resp_type: Some(msg::response::RespType::GetResp(resp)) }) => {
                resp.req_path_results[0].resolved_path_results[0].result_params.values().next().unwrap().clone()
            }
            other => panic!("{other:?}"),
        }
    }

    async fn set(&mut self, object: &str, param: &str, value: &str) {
        let setting = msg::set::UpdateParamSetting { param: param.to_owned(), value: value.to_owned(), required: true };
        let update = msg::set::UpdateObject { obj_path: object.to_owned(), param_settings: vec![setting] };
        let body = self.ask(ReqType::Set(msg::Set { allow_partial: false, update_objs: vec![update] })).await;
        assert!(matches!(body, MsgBody::Response(_)), "{body:?}");
    }

    async fn operate(&mut self, command: &str) {
        let request = msg::Operate { command: command.to_owned(), send_resp: true, ..msg::Operate::default() };
        let body = self.ask(ReqType::Operate(request)).await;
        assert!(matches!(body, MsgBody::Response(_)), "{body:?}");
    }

    /// Whether no Record comes for a while.
    async fn is_silent(&mut self) -> bool {
        timeout(PATIENCE / 2, self.record()).await.is_err()
    }

    async fn finish(self) {
        self.stop.cancel();
        timeout(PATIENCE, self.agent).await.expect("the Agent stops").unwrap().unwrap();
        self.handle.shutdown().await;
    }
}

/// A server that asks for the Agent's certificate.
fn recording(material: TlsMaterial) -> TlsServer {
    TlsServer { client_auth: ClientAuth::Record, ..TlsServer::new(material) }
}

#[tokio::test(start_paused = true)]
async fn over_tls_it_serves_whom_it_trusts_in_either_role() {
    let pki = Pki::generate().unwrap();
    for agent_connects in [true, false] {
        let mut bench = Bench::start_secured(&pki, agent_connects, IdentityKind::Trusted, &[]).await;
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
            let mut bench = Bench::start_secured(&pki, agent_connects, kind, &[]).await;
            assert!(bench.is_silent().await, "{kind}, {agent_connects}");
            bench.finish().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_certificate_that_was_added_is_trusted_once_the_controller_refers_to_it() {
    let pki = Pki::generate().unwrap();
    for (faults, accepted) in [(vec![], true), (vec![Fault::AddedCertificateIsNotTrusted], false)] {
        let mut bench = Bench::start_secured(&pki, true, IdentityKind::Trusted, &faults).await;
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
        bench.handle.close(1000, "").await.unwrap();
        assert_eq!(!bench.is_silent().await, accepted);
        bench.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn it_connects_or_is_connected_to_and_answers() {
    for agent_connects in [true, false] {
        let mut bench = Bench::start(agent_connects, Persistence::Memory, &[]).await;
        bench.connected().await;
        assert_eq!(bench.value("Device.LocalAgent.EndpointID").await, AGENT);
        bench.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn it_comes_back_after_a_reboot() {
    let mut bench = Bench::start(true, Persistence::Memory, &[]).await;
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
    let mut bench = Bench::start(true, Persistence::Memory, &[Fault::RebootNeverReturns]).await;
    bench.connected().await;
    bench.operate("Device.Reboot()").await;
    bench.closed().await;
    assert!(bench.is_silent().await);
    bench.finish().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_no_record_closes_the_session_with_1003() {
    let mut bench = Bench::start(true, Persistence::Memory, &[]).await;
    bench.connected().await;
    bench.handle.send_record(vec![0xff; 3]).await.unwrap();
    assert_eq!(bench.closed().await.code, Some(1003));
    // R-WS.19: it tries again after its retry interval.
    bench.connected().await;
    bench.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_disabled_controller_is_left_alone() {
    let mut bench = Bench::start(true, Persistence::Memory, &[]).await;
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
    let mut bench = Bench::start(true, persistence.clone(), &[]).await;
    bench.connected().await;
    bench.set("Device.DeviceInfo.", "ProvisioningCode", "kept").await;
    bench.finish().await;
    let mut bench = Bench::start(true, persistence, &[]).await;
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
