//! An EUT whose behaviour a test writes down: good unless told otherwise.
#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(unreachable_pub, reason = "shared by several test files")]

use bytes::Bytes;
use prost::Message as _;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uspec_mtp::{
    FarConfig,
    event::{AgentHappening, Opcode},
    network::{Address, MemoryNetwork},
    tls::TlsClient,
    websocket::{RawFrame, Retry, WsAgentConfig, WsAgentEnd, WsFarConfig, WsHandle, WsRole},
};
use uspec_runner::{
    BringUp, EutControl, ProgramControl, Progress, RunEnd, SecondController, Session, SessionConfig, Timing, execute,
};
use uspec_testplan::{
    case::{Action, Applies, Capture, Needs, Step, TestCase},
    profile::Role,
    trace::{MtpFacts, Phase, StepOutcome, Trace, What},
};
use uspec_usp::{
    json::build_message,
    msg::Msg,
    record::{NoSessionContextRecord, Record, WebSocketConnectRecord, record::RecordType},
    schema::{Content, MessageKind},
};

pub const EUT: &str = "os::012345-EUT";
pub const US: &str = "self::controller";

/// What the EUT is asked.
#[derive(Debug, Clone)]
pub struct Asked {
    pub from: String,
    pub kind: MessageKind,
    pub msg_id: String,
    pub body: Value,
}

/// What it does about it.
#[derive(Debug, Clone)]
pub enum Do {
    /// The good answer.
    Answer,
    /// Another Response or Error with this msg_id.
    Reply(Content, String, Value),
    /// A Record as it is.
    Record(Vec<u8>),
    /// Frames as they are.
    Frame(RawFrame),
    /// Octets that need not be frames.
    Octets(Vec<u8>),
    /// Lets time pass.
    Sleep(Duration),
    /// Lets the clock jump while nobody else does anything.
    Jump(Duration),
    /// Closes the session.
    Close(u16),
    /// Ends the stream.
    HangUp,
    /// Breaks the stream, and is away for so long.
    Away(Duration),
    /// A Notify.
    Notify { subscription: &'static str, send_resp: bool },
}

/// The EUT's rule: what it does about a Request; `None` for the good answer.
pub type Rule = Box<dyn FnMut(&Asked) -> Option<Vec<Do>> + Send>;

/// What the test wants to know of the EUT afterwards.
#[derive(Debug, Default)]
pub struct Seen {
    pub asked: Vec<Asked>,
    /// Subscription IDs of the Notify Responses that came.
    pub notify_responses: Vec<String>,
    /// Who sent each of them.
    pub notify_response_from: Vec<String>,
    /// Values of Parameters that are not the usual ones.
    pub values: BTreeMap<String, String>,
    /// Nothing of the trust configuration may be read, and nothing of our row.
    pub locked: bool,
    /// The instances below Device.LocalAgent.
    pub instances: BTreeSet<String>,
}

/// A running EUT.
#[derive(Debug)]
pub struct Eut {
    pub seen: Arc<Mutex<Seen>>,
    pub handle: WsHandle,
    task: JoinHandle<()>,
}

impl Drop for Eut {
    fn drop(&mut self) {
        self.task.abort();
        let handle = self.handle.clone();
        tokio::spawn(async move { handle.shutdown().await });
    }
}

pub fn address() -> Address {
    Address::tcp("controller", 8080)
}

/// Starts an EUT that connects as `endpoint_id`.
pub async fn start(network: &MemoryNetwork, endpoint_id: &str, rule: Rule) -> Eut {
    start_at(network, address(), US, endpoint_id, rule).await
}

/// Starts an EUT's end that connects to the Controller `to` at `address`.
pub async fn start_at(network: &MemoryNetwork, address: Address, to: &str, endpoint_id: &str, rule: Rule) -> Eut {
    let client = WsRole::Connect { address, path: "/usp".into(), host: None, tls: None };
    start_as(network, client, to, endpoint_id, rule).await
}

/// Starts an EUT's end that connects to the Controller `to` at `address` with TLS.
pub async fn start_with_tls(network: &MemoryNetwork, address: Address, to: &str, tls: TlsClient) -> Eut {
    let client = WsRole::Connect { address, path: "/usp".into(), host: None, tls: Some(tls) };
    start_as(network, client, to, EUT, good_rule()).await
}

/// Starts an EUT that waits for us.
pub async fn start_listening(network: &MemoryNetwork, rule: Rule) -> Eut {
    start_as(network, WsRole::Listen { address: address(), path: "/usp".into(), tls: None }, US, EUT, rule).await
}

/// The configuration with which we connect to the EUT.
pub fn connecting() -> SessionConfig {
    let role = WsRole::Connect { address: address(), path: "/usp".into(), host: None, tls: None };
    SessionConfig {
        mtp: FarConfig::WebSocket(WsFarConfig::new(role, US)),
        facts: MtpFacts::direct("websocket", Some(Role::WeConnect), false),
        ..config()
    }
}

async fn start_as(network: &MemoryNetwork, side: WsRole, to: &str, endpoint_id: &str, rule: Rule) -> Eut {
    let mut config = WsAgentConfig::new(side, endpoint_id);
    config.retry = Retry::After(Duration::from_secs(1));
    config.keep_alive = None;
    let (handle, mut events) = WsAgentEnd::start(config, Arc::new(network.clone())).await.unwrap();
    let instances = ["Device.LocalAgent.Controller.1.", "Device.LocalAgent.MTP.1."].map(str::to_owned).into();
    let seen = Arc::new(Mutex::new(Seen { instances, ..Seen::default() }));
    let (mine, theirs, id, to) = (handle.clone(), Arc::clone(&seen), endpoint_id.to_owned(), to.to_owned());
    let task = tokio::spawn(async move {
        let mut rule = rule;
        while let Some(event) = events.recv().await {
            match event.what {
                AgentHappening::Opened { .. } => {
                    let connect = RecordType::WebsocketConnect(WebSocketConnectRecord {});
                    let _ = mine.send_record(record(&id, &to, connect)).await;
                }
                AgentHappening::Record { bytes, .. } => answer(&mine, &id, &theirs, &mut rule, &bytes).await,
                _ => {}
            }
        }
    });
    Eut { seen, handle, task }
}

async fn answer(handle: &WsHandle, id: &str, seen: &Arc<Mutex<Seen>>, rule: &mut Rule, bytes: &Bytes) {
    let Some(asked) = read(bytes, seen) else { return };
    seen.lock().unwrap().asked.push(asked.clone());
    for act in rule(&asked).unwrap_or_else(|| vec![Do::Answer]) {
        perform(handle, id, seen, &asked, act).await;
    }
}

async fn perform(handle: &WsHandle, id: &str, seen: &Arc<Mutex<Seen>>, asked: &Asked, act: Do) {
    let send = |bytes: Vec<u8>| async move { drop(handle.send_record(bytes).await) };
    match act {
        Do::Answer => {
            let body = good(asked, seen);
            send(addressed(id, &asked.from, Content::Response(asked.kind), &asked.msg_id, &body)).await;
        }
        Do::Reply(content, msg_id, body) => send(reply(id, content, &msg_id, &body)).await,
        Do::Record(bytes) => send(bytes).await,
        Do::Frame(frame) => drop(handle.send_frame(frame).await),
        Do::Octets(octets) => drop(handle.send_octets(octets).await),
        Do::Sleep(time) => tokio::time::sleep(time).await,
        Do::Jump(time) => tokio::time::advance(time).await,
        Do::Close(code) => drop(handle.close(code, "").await),
        Do::HangUp => drop(handle.hang_up().await),
        Do::Away(time) => {
            handle.pause();
            drop(handle.drop_connection().await);
            let handle = handle.clone();
            tokio::spawn(async move {
                tokio::time::sleep(time).await;
                handle.reconnect();
            });
        }
        Do::Notify { subscription, send_resp } => send(notify(id, subscription, send_resp)).await,
    }
}

fn read(bytes: &Bytes, seen: &Arc<Mutex<Seen>>) -> Option<Asked> {
    let record = Record::decode(&**bytes).ok()?;
    let Some(RecordType::NoSessionContext(plain)) = &record.record_type else { return None };
    let value = uspec_usp::json::message_to_value(&plain.payload).ok()?;
    let message = Msg::decode(&*plain.payload).ok()?;
    if let Content::Request(kind) = Content::of(&message)? {
        let body = value.pointer(&format!("/body/request/{}", kind.request_field()))?.clone();
        return Some(Asked { from: record.from_id.clone(), kind, msg_id: message.header?.msg_id, body });
    }
    let id = value.pointer("/body/response/notify_resp/subscription_id")?.as_str()?;
    seen.lock().unwrap().notify_responses.push(id.to_owned());
    seen.lock().unwrap().notify_response_from.push(record.from_id.clone());
    None
}

/// What a good Agent would answer, as far as these tests need it.
pub fn good(asked: &Asked, seen: &Arc<Mutex<Seen>>) -> Value {
    let paths = |name: &str| -> Vec<String> {
        let list = asked.body[name].as_array().cloned().unwrap_or_default();
        list.iter().filter_map(|path| path.as_str().map(str::to_owned)).collect()
    };
    let mut seen = seen.lock().unwrap();
    match asked.kind {
        MessageKind::GetSupportedProtocol => json!({"agent_supported_protocol_versions": "1.0,1.1,1.2,1.3"}),
        MessageKind::GetSupportedDM => json!({"req_obj_results": [{"req_obj_path": "Device."}]}),
        MessageKind::Get => {
            json!({"req_path_results": paths("param_paths").iter().map(|path| got(path, &seen)).collect::<Vec<_>>()})
        }
        MessageKind::GetInstances => json!({"req_path_results": paths("obj_paths").iter().map(|path| {
            let below = seen.instances.iter().filter(|instance| instance.starts_with(path.as_str()));
            json!({"requested_path": path, "curr_insts": below.map(|one| json!({"instantiated_obj_path": one})).collect::<Vec<_>>()})
        }).collect::<Vec<_>>()}),
        MessageKind::Add => {
            let path = "Device.LocalAgent.Subscription.1.".to_owned();
            seen.instances.insert(path.clone());
            json!({"created_obj_results": [{"requested_path": "Device.LocalAgent.Subscription.",
                "oper_status": {"oper_success": {"instantiated_path": path, "unique_keys": {"ID": "x"}}}}]})
        }
        MessageKind::Delete => json!({"deleted_obj_results": paths("obj_paths").iter().map(|path| {
            seen.instances.remove(path);
            if seen.values.get("Lock").is_some_and(|lock| lock == "until deleted") {
                seen.locked = false;
            }
            json!({"requested_path": path, "oper_status": {"oper_success": {"affected_paths": [path]}}})
        }).collect::<Vec<_>>()}),
        MessageKind::Set => {
            for setting in asked.body["update_objs"]
                .as_array()
                .into_iter()
                .flatten()
                .flat_map(|object| object["param_settings"].as_array().cloned().unwrap_or_default())
            {
                let (name, value) = (setting["param"].as_str().unwrap(), setting["value"].as_str().unwrap());
                let takes = !seen.locked && !seen.values.contains_key("Stubborn");
                if takes {
                    seen.values.insert(name.to_owned(), value.to_owned());
                }
                seen.locked |= name == "Lock";
            }
            json!({})
        }
        _ => json!({}),
    }
}

fn got(path: &str, seen: &Seen) -> Value {
    let of_row =
        path.starts_with("Device.LocalAgent.Controller.1.") || path.starts_with("Device.LocalAgent.ControllerTrust.");
    if seen.locked && of_row {
        return json!({"requested_path": path, "err_code": 7026});
    }
    let value = |name: &str, usual: &str| seen.values.get(name).map_or(usual, String::as_str).to_owned();
    let (object, params) = match path {
        "Device.LocalAgent.Controller." => (
            "Device.LocalAgent.Controller.1.",
            json!({"EndpointID": US, "Alias": "cpe-1", "AssignedRole": "Device.LocalAgent.ControllerTrust.Role.1"}),
        ),
        "Device.LocalAgent.Controller.1.EndpointID" => ("Device.LocalAgent.Controller.1.", json!({"EndpointID": US})),
        "Device.LocalAgent.ControllerTrust." => (
            "Device.LocalAgent.ControllerTrust.",
            json!({"UntrustedRole": value("UntrustedRole", "r9"), "RoleNumberOfEntries": "1"}),
        ),
        "Device.DeviceInfo.SoftwareVersion" => ("Device.DeviceInfo.", json!({"SoftwareVersion": "9.9"})),
        _ => ("Device.", json!({"Some": "value", "Two": "2"})),
    };
    json!({"requested_path": path, "resolved_path_results": [{"resolved_path": object, "result_params": params}]})
}

pub fn record(from: &str, to: &str, record_type: RecordType) -> Vec<u8> {
    let record = Record {
        version: "1.3".into(),
        to_id: to.into(),
        from_id: from.into(),
        record_type: Some(record_type),
        ..Record::default()
    };
    record.encode_to_vec()
}

pub fn reply(from: &str, content: Content, msg_id: &str, body: &Value) -> Vec<u8> {
    addressed(from, US, content, msg_id, body)
}

pub fn addressed(from: &str, to: &str, content: Content, msg_id: &str, body: &Value) -> Vec<u8> {
    let payload = build_message(content, msg_id, body).unwrap().encode_to_vec();
    record(from, to, RecordType::NoSessionContext(NoSessionContextRecord { payload }))
}

pub fn notify(from: &str, subscription: &str, send_resp: bool) -> Vec<u8> {
    let body = json!({"subscription_id": subscription, "send_resp": send_resp,
        "event": {"obj_path": "Device.", "event_name": "Boot!"}});
    reply(from, Content::Request(MessageKind::Notify), "notify-1", &body)
}

pub fn frame(opcode: Opcode, payload: &[u8], fin: bool) -> Do {
    let frame = RawFrame::new(opcode, payload.to_vec());
    Do::Frame(if fin { frame } else { frame.unfinished() })
}

pub fn timing() -> Timing {
    Timing {
        response: Duration::from_secs(10),
        connect: Duration::from_secs(20),
        silence: Duration::from_secs(5),
        boot: Duration::from_secs(30),
        pace: Duration::from_millis(1),
    }
}

pub fn config() -> SessionConfig {
    let role = WsRole::Listen { address: address(), path: "/usp".into(), tls: None };
    SessionConfig {
        mtp: FarConfig::WebSocket(WsFarConfig::new(role, US)),
        facts: MtpFacts::direct("websocket", Some(Role::EutConnects), false),
        mtp_name: "websocket".into(),
        eut_endpoint_id: Some(EUT.into()),
        controller_endpoint_id: US.into(),
        second: SecondController::default(),
        pki: None,
        timing: timing(),
        variables: BTreeMap::new(),
        catalogue: "c".into(),
        harness: "0".into(),
        secrets: Vec::new(),
    }
}

/// A device that nobody knows how to control.
pub fn no_control() -> Arc<dyn EutControl> {
    Arc::new(ProgramControl::new())
}

pub async fn open(network: &MemoryNetwork) -> Session {
    open_with(network, config(), no_control()).await
}

pub async fn open_with(network: &MemoryNetwork, config: SessionConfig, control: Arc<dyn EutControl>) -> Session {
    Box::pin(Session::open(config, Arc::new(network.clone()), control)).await.unwrap()
}

/// What a run over an EUT with that rule yields, and what the EUT has seen.
#[derive(Debug)]
pub struct Ran {
    pub bring_up: BringUp,
    pub traces: Vec<Trace>,
    pub end: RunEnd,
    pub eut: Eut,
    pub warnings: Vec<String>,
}

pub async fn run(rule: Rule, cases: &[TestCase]) -> Ran {
    run_with(config(), no_control(), rule, cases).await
}

pub async fn run_with(config: SessionConfig, control: Arc<dyn EutControl>, rule: Rule, cases: &[TestCase]) -> Ran {
    let network = MemoryNetwork::new();
    let mut session = open_with(&network, config, control).await;
    let eut = start(&network, EUT, rule).await;
    let cancel = CancellationToken::new();
    let bring_up = Box::pin(session.bring_up(&cancel)).await.unwrap();
    let (end, traces) = play(&mut session, &bring_up, cases, &cancel).await;
    let warnings = Box::pin(session.close()).await;
    Ran { bring_up, traces, end, eut, warnings }
}

pub async fn play(
    session: &mut Session,
    bring_up: &BringUp,
    cases: &[TestCase],
    cancel: &CancellationToken,
) -> (RunEnd, Vec<Trace>) {
    let mut traces = Vec::new();
    let mut progress = |progress: Progress<'_>| {
        if let Progress::CaseEnded { trace, .. } = progress {
            traces.push(*trace);
        }
    };
    let cases: Vec<_> = cases.iter().collect();
    let end = Box::pin(execute(session, &cases, &bring_up.variables, cancel, &mut progress)).await;
    (end, traces)
}

pub fn case(id: &str, procedure: Vec<Step>) -> TestCase {
    TestCase {
        id: id.parse().unwrap(),
        plan: "TP-469 1.4.0".into(),
        title: "A case".into(),
        requirements: Vec::new(),
        tags: Vec::new(),
        applies: Applies::Mandatory,
        needs: Needs::default(),
        since: None,
        until: None,
        disputed: None,
        setup: Vec::new(),
        procedure,
        metrics: Vec::new(),
        cleanup: Vec::new(),
        file: format!("{id}.yaml"),
    }
}

pub fn step(action: Action) -> Step {
    Step::new(action)
}

pub fn labelled(label: &str, action: Action) -> Step {
    Step { label: Some(label.into()), ..step(action) }
}

pub fn request(kind: MessageKind, body: Value) -> Action {
    Action::Request { kind, body }
}

/// A Get that a rule can recognise by its path.
pub fn get(path: &str) -> Step {
    labelled("get", request(MessageKind::Get, json!({"param_paths": [path]})))
}

pub fn add() -> Step {
    let capture =
        Capture { name: "sub".into(), path: "created_obj_results.0.oper_status.oper_success.instantiated_path".into() };
    let body = json!({"create_objs": [{"obj_path": "Device.LocalAgent.Subscription."}]});
    Step { capture: vec![capture], ..labelled("add", request(MessageKind::Add, body)) }
}

pub fn delete(path: &str) -> Step {
    step(request(MessageKind::Delete, json!({"obj_paths": [path]})))
}

/// The Get of `Device.Trigger.`, on which rules act.
pub fn is_trigger(asked: &Asked) -> bool {
    asked.body.pointer("/param_paths/0").and_then(Value::as_str) == Some("Device.Trigger.")
}

/// A rule that does `what` about the trigger, and is good otherwise.
pub fn on_trigger(what: impl Fn(&Asked) -> Vec<Do> + Send + 'static) -> Rule {
    Box::new(move |asked| is_trigger(asked).then(|| what(asked)))
}

pub fn good_rule() -> Rule {
    Box::new(|_| None)
}

/// How the procedure's steps ended.
pub fn outcomes(trace: &Trace, phase: Phase) -> Vec<StepOutcome> {
    let ended = trace.events.iter().filter_map(|event| match &event.what {
        What::StepEnded { step, outcome } if step.phase == phase => Some(outcome.clone()),
        _ => None,
    });
    ended.collect()
}

pub fn notes(trace: &Trace) -> Vec<&str> {
    let notes = trace.events.iter().filter_map(|event| match &event.what {
        What::Note { text } => Some(text.as_str()),
        _ => None,
    });
    notes.collect()
}

pub fn differences(trace: &Trace) -> Option<Vec<String>> {
    trace.events.iter().rev().find_map(|event| match &event.what {
        What::CleanUp { differences } => Some(differences.clone()),
        _ => None,
    })
}

/// What every Trace is, whatever the EUT did: numbered, in order of time, each step begun and ended once, and readable again.
pub fn assert_sound(trace: &Trace) {
    let mut open = BTreeSet::new();
    let mut last = 0;
    for (index, event) in trace.events.iter().enumerate() {
        assert_eq!(usize::try_from(event.seq).unwrap(), index);
        assert!(event.at_us >= last, "time runs backwards at event {index}");
        last = event.at_us;
        match &event.what {
            What::StepStarted { step, .. } => assert!(open.insert((step.phase, step.index)), "{step:?} begins twice"),
            What::StepEnded { step, .. } => {
                assert!(open.contains(&(step.phase, step.index)), "{step:?} ends without a beginning");
            }
            _ => {}
        }
    }
    // A flood reads back like anything else, only slower.
    if trace.events.len() < 2_000 {
        let text = trace.to_json_lines().unwrap();
        assert_eq!(&Trace::from_json_lines(&text).unwrap(), trace);
    }
}
