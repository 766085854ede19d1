//! The Agent as a Controller meets it on the in-memory network.

mod mqtt;
mod stomp;
mod uds;
mod websocket;

use super::*;
use crate::config::{ControllerConfig, Persistence};
use prost::Message as _;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::timeout;
use uspec_mtp::event::{Closing, Direction, MtpEvent, MtpHappening};
use uspec_mtp::network::{Address, MemoryNetwork};
use uspec_mtp::{FarConfig, Handle};
use uspec_usp::msg::{self, Msg, body::MsgBody, request::ReqType};
use uspec_usp::record::{NoSessionContextRecord, Record, record::RecordType};

const AGENT: &str = "proto::agent";
const CONTROLLER: &str = "proto::controller";
/// Longer than anything that should happen; on the paused clock it costs nothing.
const PATIENCE: Duration = Duration::from_secs(60);

/// A Controller on the in-memory network, and an Agent that knows it.
struct Bench {
    handle: Handle,
    events: mpsc::Receiver<MtpEvent>,
    stop: CancellationToken,
    agent: tokio::task::JoinHandle<Result<(), AgentError>>,
}

impl Bench {
    async fn start(far: FarConfig, config: AgentConfig) -> Self {
        let network: Arc<dyn Network> = Arc::new(MemoryNetwork::new());
        let (sender, events) = mpsc::channel(1024);
        let handle = far.start(Arc::clone(&network), sender).await.unwrap();
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

    /// Waits for a Connect Record.
    async fn connected(&mut self) -> RecordType {
        let record = self.record().await;
        assert_eq!((record.from_id.as_str(), record.to_id.as_str()), (AGENT, CONTROLLER));
        let connect = record.record_type.unwrap();
        assert!(
            matches!(
                connect,
                RecordType::WebsocketConnect(_)
                    | RecordType::MqttConnect(_)
                    | RecordType::StompConnect(_)
                    | RecordType::UdsConnect(_)
            ),
            "{connect:?}"
        );
        connect
    }

    async fn ask(&mut self, request: ReqType) -> MsgBody {
        self.handle.send_record(request_record(request)).await.unwrap();
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

    async fn add(&mut self, table: &str, settings: &[(&str, &str)]) -> String {
        use msg::add_resp::created_object_result::operation_status::OperStatus;
        let setting = |(param, value): &(&str, &str)| msg::add::CreateParamSetting {
            param: (*param).to_owned(),
            value: (*value).to_owned(),
            required: true,
        };
        let object = msg::add::CreateObject {
            obj_path: table.to_owned(),
            param_settings: settings.iter().map(setting).collect(),
        };
        match self.ask(ReqType::Add(msg::Add { allow_partial: false, create_objs: vec![object] })).await {
            MsgBody::Response(msg::Response { resp_type: Some(msg::response::RespType::AddResp(resp)) }) => {
                match resp.created_obj_results[0].clone().oper_status.unwrap().oper_status.unwrap() {
                    OperStatus::OperSuccess(success) => success.instantiated_path,
                    OperStatus::OperFailure(failure) => panic!("{failure:?}"),
                }
            }
            other => panic!("{other:?}"),
        }
    }

    /// The fields of the next packet of that kind that comes from the Agent.
    async fn packet(&mut self, kind: &str) -> serde_json::Value {
        self.happening(|what| match what {
            MtpHappening::Packet { direction: Direction::Received, packet } if packet.kind == kind => {
                Some(packet.fields)
            }
            _ => None,
        })
        .await
    }

    /// How long it takes until the Agent opens a connection again.
    async fn attempt(&mut self) -> Duration {
        let since = Instant::now();
        self.happening(|what| matches!(what, MtpHappening::Attempt { .. }).then_some(())).await;
        since.elapsed()
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

/// A configuration of an Agent with one Controller.
fn agent(controller: ControllerConfig, faults: &[Fault]) -> AgentConfig {
    AgentConfig {
        endpoint_id: AGENT.to_owned(),
        controllers: vec![ControllerConfig { endpoint_id: CONTROLLER.to_owned(), ..controller }],
        faults: faults.iter().copied().collect(),
        ..AgentConfig::default()
    }
}

/// An encoded Record with a Request to the Agent.
fn request_record(request: ReqType) -> Vec<u8> {
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
    record.encode_to_vec()
}
