//! The engine as a Controller sees it: Records in, Records out.

mod add;
mod boot;
mod delete;
mod faults;
mod get;
mod get_instances;
mod get_supported_dm;
mod notify;
mod operate;
mod records;
mod set;
mod trust;

use super::{Action, Arrival, Channel, ConnectionId, Core, Saved};
use crate::config::{AgentConfig, ControllerConfig, WebSocketTarget};
use crate::faults::{Fault, FaultSet};
use prost::Message as _;
use std::time::Duration;
use tokio::time::Instant;
use uspec_usp::msg::{self, Msg, body::MsgBody, request::ReqType, response::RespType};
use uspec_usp::record::{NoSessionContextRecord, Record, record::RecordType};

pub(super) const AGENT: &str = "proto::agent";
pub(super) const CONTROLLER: &str = "proto::controller";
pub(super) const SECOND: &str = "proto::second";
pub(super) const CONNECTION: ConnectionId = ConnectionId(1);

/// An Agent with a Controller connected to it, and a clock that the test moves.
pub(super) struct Bench {
    pub(super) core: Core,
    pub(super) now: Instant,
    origin: Instant,
    sent: u32,
    /// Messages and Records that came from the Agent and were not looked at yet.
    pub(super) inbox: Vec<(ConnectionId, Record)>,
    pub(super) other: Vec<Action>,
}

impl Bench {
    pub(super) fn new() -> Self {
        Self::with([])
    }

    pub(super) fn with(faults: impl IntoIterator<Item = Fault>) -> Self {
        let known = |id: &str| ControllerConfig {
            endpoint_id: id.to_owned(),
            websocket: Some(WebSocketTarget::default()),
            ..ControllerConfig::default()
        };
        let config = AgentConfig {
            endpoint_id: AGENT.to_owned(),
            controllers: vec![known(CONTROLLER), known(SECOND)],
            faults: FaultSet::from_iter(faults),
            start_time: "2026-01-01T00:00:00Z".parse().unwrap(),
            ..AgentConfig::default()
        };
        let now = Instant::now();
        let core = Core::boot(config, None, now, now).unwrap();
        let mut bench = Self { core, now, origin: now, sent: 0, inbox: Vec::new(), other: Vec::new() };
        bench.open(CONNECTION, CONTROLLER);
        bench.inbox.clear();
        bench
    }

    pub(super) fn open(&mut self, connection: ConnectionId, peer: &str) {
        let actions = self.core.opened(self.now, connection, Arrival::of(Some(peer), None));
        self.take(actions);
    }

    pub(super) fn take(&mut self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Send { connection, record, .. } => {
                    self.inbox.push((connection, Record::decode(record.as_slice()).unwrap()));
                }
                other => self.other.push(other),
            }
        }
    }

    /// Lets time pass, waking the Agent whenever it wants.
    pub(super) fn pass(&mut self, seconds: u64) {
        let end = self.now + Duration::from_secs(seconds);
        for _ in 0..10_000 {
            let Some(next) = self.core.next_deadline().filter(|next| *next <= end) else { break };
            self.now = next.max(self.now);
            let actions = self.core.tick(self.now);
            self.take(actions);
        }
        self.now = end;
        let actions = self.core.tick(self.now);
        self.take(actions);
    }

    pub(super) fn record(&mut self, record: &Record) {
        let actions = self.core.handle_record(self.now, CONNECTION, &record.encode_to_vec());
        self.take(actions);
    }

    pub(super) fn send_message(&mut self, message: &Msg) {
        self.record(&plain(CONTROLLER, AGENT, message));
    }

    /// Sends a Request and returns the body of its answer.
    pub(super) fn ask(&mut self, request: ReqType) -> MsgBody {
        self.ask_as(CONTROLLER, request)
    }

    pub(super) fn ask_as(&mut self, controller: &str, request: ReqType) -> MsgBody {
        self.sent += 1;
        let msg_id = format!("test-{}", self.sent);
        let message = request_message(&msg_id, request);
        self.record(&plain(controller, AGENT, &message));
        self.answer(&msg_id).expect("an answer")
    }

    /// The answer with that msg_id, taken out of the inbox.
    pub(super) fn answer(&mut self, msg_id: &str) -> Option<MsgBody> {
        let has_id = |record: &Record| message(record).is_some_and(|message| message.header.unwrap().msg_id == msg_id);
        let at = self.inbox.iter().position(|(_, record)| has_id(record))?;
        message(&self.inbox.remove(at).1)?.body?.msg_body
    }

    /// The notifications that came, with their msg_id.
    pub(super) fn notifications(&mut self) -> Vec<(String, msg::Notify)> {
        let messages = std::mem::take(&mut self.inbox).into_iter().filter_map(|(_, record)| message(&record));
        let notify = |message: Msg| match message.body?.msg_body? {
            MsgBody::Request(msg::Request { req_type: Some(ReqType::Notify(notify)) }) => {
                Some((message.header?.msg_id, notify))
            }
            _ => None,
        };
        messages.filter_map(notify).collect()
    }

    pub(super) fn confirm(&mut self, msg_id: &str) {
        let resp_type = Some(RespType::NotifyResp(msg::NotifyResp { subscription_id: "ignored".to_owned() }));
        let body = MsgBody::Response(msg::Response { resp_type });
        let header = msg::Header { msg_id: msg_id.to_owned(), msg_type: 16 };
        self.send_message(&Msg { header: Some(header), body: Some(msg::Body { msg_body: Some(body) }) });
    }

    pub(super) fn get(&mut self, path: &str) -> msg::get_resp::RequestedPathResult {
        self.get_depth(path, 0)
    }

    pub(super) fn get_depth(&mut self, path: &str, max_depth: u32) -> msg::get_resp::RequestedPathResult {
        let request = msg::Get { param_paths: vec![path.to_owned()], max_depth };
        match self.ask(ReqType::Get(request)) {
            MsgBody::Response(msg::Response { resp_type: Some(RespType::GetResp(mut resp)) }) => {
                resp.req_path_results.remove(0)
            }
            other => panic!("{other:?}"),
        }
    }

    /// The value of one Parameter.
    pub(super) fn value(&mut self, path: &str) -> String {
        let result = self.get(path);
        let (_, name) = path.rsplit_once('.').unwrap();
        result.resolved_path_results.first().unwrap_or_else(|| panic!("{path}: {}", result.err_msg)).result_params[name]
            .clone()
    }

    pub(super) fn add(&mut self, path: &str, settings: &[(&str, &str)]) -> String {
        self.add_as(CONTROLLER, path, settings)
    }

    pub(super) fn add_as(&mut self, controller: &str, path: &str, settings: &[(&str, &str)]) -> String {
        let request = add_request(false, &[(path, settings)]);
        match self.ask_as(controller, ReqType::Add(request)) {
            MsgBody::Response(msg::Response { resp_type: Some(RespType::AddResp(resp)) }) => {
                add_success(&resp, 0).instantiated_path.clone()
            }
            other => panic!("{other:?}"),
        }
    }

    /// An enabled Subscription.
    pub(super) fn subscribe(&mut self, id: &str, kind: &str, references: &str, more: &[(&str, &str)]) -> String {
        let mut settings = vec![("Enable", "true"), ("ID", id), ("NotifType", kind), ("ReferenceList", references)];
        settings.extend_from_slice(more);
        self.add("Device.LocalAgent.Subscription.", &settings)
    }

    pub(super) fn set(&mut self, path: &str, name: &str, value: &str) -> MsgBody {
        self.ask(ReqType::Set(set_request(false, &[(path, &[(name, value, true)])])))
    }

    pub(super) fn delete(&mut self, paths: &[&str], allow_partial: bool) -> MsgBody {
        let obj_paths = paths.iter().map(|path| (*path).to_owned()).collect();
        self.ask(ReqType::Delete(msg::Delete { allow_partial, obj_paths }))
    }

    pub(super) fn operate(&mut self, command: &str, arguments: &[(&str, &str)]) -> MsgBody {
        let input_args = arguments.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let request =
            msg::Operate { command: command.to_owned(), command_key: "key".to_owned(), send_resp: true, input_args };
        self.ask(ReqType::Operate(request))
    }

    /// Starts the Agent again from what the Reboot action says.
    pub(super) fn restart(&mut self) {
        let saved: Saved = self
            .other
            .drain(..)
            .find_map(|action| match action {
                Action::Reboot(saved) => Some(saved),
                _ => None,
            })
            .expect("a reboot");
        self.inbox.clear();
        self.now += Duration::from_secs(1);
        self.core = Core::boot(self.core.config().clone(), Some(saved), self.origin, self.now).unwrap();
        self.open(CONNECTION, CONTROLLER);
    }

    pub(super) fn rows(&self, table: &str) -> usize {
        self.core.store().all_of(table).len()
    }
}

pub(super) const SUBSCRIPTIONS: &str = "Device.LocalAgent.Subscription.{i}.";

pub(super) fn request_message(msg_id: &str, request: ReqType) -> Msg {
    let body = MsgBody::Request(msg::Request { req_type: Some(request) });
    let header = msg::Header { msg_id: msg_id.to_owned(), msg_type: 1 };
    Msg { header: Some(header), body: Some(msg::Body { msg_body: Some(body) }) }
}

pub(super) fn plain(from: &str, to: &str, message: &Msg) -> Record {
    Record {
        version: "1.4".to_owned(),
        to_id: to.to_owned(),
        from_id: from.to_owned(),
        record_type: Some(RecordType::NoSessionContext(NoSessionContextRecord { payload: message.encode_to_vec() })),
        ..Record::default()
    }
}

pub(super) fn message(record: &Record) -> Option<Msg> {
    match &record.record_type {
        Some(RecordType::NoSessionContext(context)) => Msg::decode(context.payload.as_slice()).ok(),
        _ => None,
    }
}

pub(super) fn error(body: MsgBody) -> msg::Error {
    match body {
        MsgBody::Error(error) => error,
        other => panic!("an Error was due: {other:?}"),
    }
}

/// The codes of an Error: its own, and path and code of each detail.
pub(super) fn codes(body: MsgBody) -> (u32, Vec<(String, u32)>) {
    let error = error(body);
    (error.err_code, error.param_errs.into_iter().map(|detail| (detail.param_path, detail.err_code)).collect())
}

macro_rules! response {
    ($body:expr, $kind:ident) => {
        match $body {
            MsgBody::Response(msg::Response { resp_type: Some(RespType::$kind(resp)) }) => resp,
            other => panic!("a {} was due: {other:?}", stringify!($kind)),
        }
    };
}
pub(super) use response;

pub(super) fn add_request(allow_partial: bool, objects: &[(&str, &[(&str, &str)])]) -> msg::Add {
    let setting = |(param, value): &(&str, &str)| msg::add::CreateParamSetting {
        param: (*param).to_owned(),
        value: (*value).to_owned(),
        required: true,
    };
    let object = |(path, settings): &(&str, &[(&str, &str)])| msg::add::CreateObject {
        obj_path: (*path).to_owned(),
        param_settings: settings.iter().map(setting).collect(),
    };
    msg::Add { allow_partial, create_objs: objects.iter().map(object).collect() }
}

pub(super) fn add_success(
    resp: &msg::AddResp,
    index: usize,
) -> &msg::add_resp::created_object_result::operation_status::OperationSuccess {
    use msg::add_resp::created_object_result::operation_status::OperStatus;
    match resp.created_obj_results[index].oper_status.as_ref().unwrap().oper_status.as_ref().unwrap() {
        OperStatus::OperSuccess(success) => success,
        OperStatus::OperFailure(failure) => panic!("{failure:?}"),
    }
}

/// The path of an Object, and names, values and `required` of what is set there.
pub(super) type Update<'a> = (&'a str, &'a [(&'a str, &'a str, bool)]);

pub(super) fn set_request(allow_partial: bool, objects: &[Update<'_>]) -> msg::Set {
    let setting = |(param, value, required): &(&str, &str, bool)| msg::set::UpdateParamSetting {
        param: (*param).to_owned(),
        value: (*value).to_owned(),
        required: *required,
    };
    let object = |(path, settings): &Update<'_>| msg::set::UpdateObject {
        obj_path: (*path).to_owned(),
        param_settings: settings.iter().map(setting).collect(),
    };
    msg::Set { allow_partial, update_objs: objects.iter().map(object).collect() }
}
