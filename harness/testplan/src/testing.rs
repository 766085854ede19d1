//! Builds a case together with a Trace of it, for tests.

use std::collections::BTreeMap;

use prost::Message as _;
use serde_json::{Value, json};
use uspec_usp::{
    json::{build_message, encode_message, message_value},
    record::{NoSessionContextRecord, Record, WebSocketConnectRecord, record::RecordType},
    schema::{Content, MessageKind},
};

use crate::{
    case::{Action, Answer, Applies, Capture, Check, Codes, Expected, Metric, Needs, Send, Step, TestCase},
    judge::judge,
    pattern::Pattern,
    trace::{
        ConnectionState, Direction, Event, Header, MtpFacts, Phase, StepOutcome, StepRef, TRACE_FORMAT, Trace, What,
    },
    verdict::{Finding, Judgement, MetricResult, Outcome},
};

/// The Endpoint ID of our second Controller.
pub(crate) const SECOND: &str = "self::uspec-second";

pub(crate) const EUT: &str = "os::012345-0001";
pub(crate) const US: &str = "self::controller";

/// A case and what happened while it ran, told step by step.
#[derive(Debug, Clone)]
pub(crate) struct Story {
    pub(crate) case: TestCase,
    pub(crate) trace: Trace,
    phase: Phase,
    now: u64,
    step: Option<StepRef>,
    last: Option<(MessageKind, String)>,
    ids: u32,
}

impl Story {
    pub(crate) fn new() -> Self {
        let id = crate::case::CaseId::Plan { chapter: 1, number: 1 };
        let case = TestCase {
            id: id.clone(),
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
            procedure: Vec::new(),
            metrics: Vec::new(),
            cleanup: Vec::new(),
            file: "1.1.yaml".into(),
        };
        let header = Header {
            format: TRACE_FORMAT,
            case: id,
            mtp: "websocket".into(),
            catalogue: String::new(),
            harness: String::new(),
            started: jiff::Timestamp::UNIX_EPOCH,
            eut_endpoint_id: EUT.into(),
            controller_endpoint_id: US.into(),
            second_endpoint_id: SECOND.into(),
            mtp_facts: Some(MtpFacts::direct("websocket", None, false)),
            usp_versions: vec!["1.3".into()],
            variables: BTreeMap::new(),
            secrets: None,
        };
        let trace = Trace { header, events: Vec::new() };
        Self { case, trace, phase: Phase::Procedure, now: 0, step: None, last: None, ids: 0 }
    }

    pub(crate) fn phase(mut self, phase: Phase) -> Self {
        self.phase = phase;
        self
    }

    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.trace.header.variables.insert(name.into(), value.into());
        self
    }

    /// Time goes on.
    pub(crate) fn wait(mut self, ms: u64) -> Self {
        self.now += ms * 1000;
        self
    }

    pub(crate) fn event(mut self, what: What) -> Self {
        self.now += 1000;
        let seq = u64::try_from(self.trace.events.len()).unwrap();
        self.trace.events.push(Event { seq, at_us: self.now, what });
        self
    }

    pub(crate) fn connection(self, connection: u32, state: ConnectionState, details: Value) -> Self {
        self.event(What::Connection { connection, state, details })
    }

    /// The same over another MTP.
    pub(crate) fn over(mut self, facts: MtpFacts) -> Self {
        self.trace.header.mtp.clone_from(&facts.kind);
        self.trace.header.mtp_facts = Some(facts);
        self
    }

    /// A packet of the EUT.
    pub(crate) fn came(self, kind: &str, fields: Value, body: &[u8]) -> Self {
        let (kind, body) = (kind.to_owned(), body.to_vec());
        self.event(What::Packet { connection: 1, direction: Direction::Received, kind, fields, body })
    }

    /// A packet of ours.
    pub(crate) fn went(self, kind: &str, fields: Value, body: &[u8]) -> Self {
        let (kind, body) = (kind.to_owned(), body.to_vec());
        self.event(What::Packet { connection: 1, direction: Direction::Sent, kind, fields, body })
    }

    /// A step begins.
    pub(crate) fn step(mut self, label: &str, action: Action) -> Self {
        let label = (!label.is_empty()).then(|| label.to_owned());
        let steps = match self.phase {
            Phase::Setup => &mut self.case.setup,
            Phase::CleanUp => &mut self.case.cleanup,
            _ => &mut self.case.procedure,
        };
        let step = StepRef { phase: self.phase, index: steps.len(), label: label.clone() };
        steps.push(Step { label, ..Step::new(action) });
        self.step = Some(step.clone());
        self.event(What::StepStarted { step, action: String::new() })
    }

    /// The last step captures a value from its answer, which the Trace does not hold yet.
    pub(crate) fn capture(mut self, name: &str) -> Self {
        let steps = if self.phase == Phase::Setup { &mut self.case.setup } else { &mut self.case.procedure };
        steps.last_mut().unwrap().capture.push(Capture { name: name.into(), path: "a.b".into() });
        self
    }

    /// The last setup step wants its Response to look so.
    pub(crate) fn wanting(mut self, source: &Value) -> Self {
        self.case.setup.last_mut().unwrap().matching = Some(pattern(source));
        self
    }

    /// The step ends.
    pub(crate) fn end(self, outcome: StepOutcome) -> Self {
        let step = self.step.clone().unwrap();
        self.event(What::StepEnded { step, outcome })
    }

    pub(crate) fn done(self) -> Self {
        self.end(StepOutcome::Done { matched: None })
    }

    /// The step ends with the last event as what it awaited.
    pub(crate) fn matched(self) -> Self {
        let seq = self.trace.events.last().unwrap().seq;
        self.end(StepOutcome::Done { matched: Some(seq) })
    }

    pub(crate) fn time_out(self, ms: u64) -> Self {
        self.wait(ms).end(StepOutcome::TimedOut { waited_ms: ms })
    }

    pub(crate) fn not_reached(self, reason: &str) -> Self {
        self.end(StepOutcome::NotReached { reason: reason.into() })
    }

    /// A Request is sent.
    pub(crate) fn ask(mut self, label: &str, kind: MessageKind, body: Value) -> Self {
        self.ids += 1;
        let id = format!("m{}", self.ids);
        let message = encode(Content::Request(kind), &id, &body);
        self = self.step(label, Action::Request { kind, body });
        self.last = Some((kind, id));
        self.sent(record(US, EUT, message))
    }

    /// A Record of a `send` step goes out.
    pub(crate) fn send(self, label: &str, bytes: Vec<u8>) -> Self {
        self.step(label, Action::Send(Send::default())).sent(bytes)
    }

    /// Bytes of the running step go out.
    pub(crate) fn sent(self, bytes: Vec<u8>) -> Self {
        let step = self.step.clone();
        self.event(What::Record { connection: 1, direction: Direction::Sent, step, bytes, decoded: Value::Null })
    }

    /// Bytes come in.
    pub(crate) fn receive(self, bytes: Vec<u8>) -> Self {
        self.event(What::Record {
            connection: 1,
            direction: Direction::Received,
            step: None,
            bytes,
            decoded: Value::Null,
        })
    }

    /// A Message comes in.
    pub(crate) fn message(self, content: Content, id: &str, body: &Value) -> Self {
        self.receive(record(EUT, US, encode(content, id, body)))
    }

    /// The Response to the last Request comes in.
    pub(crate) fn response(self, body: &Value) -> Self {
        let (kind, id) = self.last.clone().unwrap();
        self.message(Content::Response(kind), &id, body)
    }

    /// An Error in answer to the last Request comes in.
    pub(crate) fn error(self, body: &Value) -> Self {
        let (_, id) = self.last.clone().unwrap();
        self.message(Content::Error, &id, body)
    }

    /// Asks and gets this Response.
    pub(crate) fn exchange(self, label: &str, kind: MessageKind, body: Value, response: &Value) -> Self {
        self.ask(label, kind, body).response(response).matched()
    }

    /// A GetResp with these objects, as the answer to a Get of `path`.
    pub(crate) fn get(self, label: &str, path: &str, objects: &Value) -> Self {
        let resolved: Vec<_> = objects
            .as_object()
            .unwrap()
            .iter()
            .map(|(path, params)| json!({"resolved_path": path, "result_params": params}))
            .collect();
        let body = json!({"req_path_results": [{"requested_path": path, "resolved_path_results": resolved}]});
        self.exchange(label, MessageKind::Get, json!({"param_paths": [path]}), &body)
    }

    pub(crate) fn metric(mut self, check: Check) -> Self {
        let number = u16::try_from(self.case.metrics.len() + 1).unwrap();
        self.case.metrics.push(Metric { number, since: None, check });
        self
    }

    pub(crate) fn rule(self, name: &str, with: Value) -> Self {
        let problems = crate::rule::check_arguments(name, &with);
        assert_eq!(problems, [], "{name}");
        self.metric(Check::Rule { name: name.into(), with })
    }

    pub(crate) fn judge(&self) -> Judgement {
        judge(&self.case, &self.trace)
    }

    /// The outcome of the last metric, with its findings for the message of a failed test.
    pub(crate) fn outcome(&self) -> (Outcome, Vec<Finding>) {
        let result = self.judge().metrics.pop().unwrap();
        (result.outcome, result.findings)
    }

    /// The result of a universal rule; `None` when the Trace shows nothing of it.
    pub(crate) fn universal(&self, name: &str) -> Option<MetricResult> {
        self.judge().universal.into_iter().find(|result| result.metric == name)
    }
}

pub(crate) fn encode(content: Content, id: &str, body: &Value) -> Vec<u8> {
    build_message(content, id, body).unwrap_or_else(|errors| panic!("{errors:?}")).encode_to_vec()
}

/// A Message that is altered before it is encoded.
pub(crate) fn altered(content: Content, id: &str, body: Value, alter: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut message = message_value(content, id, body);
    alter(&mut message);
    encode_message(&message).unwrap()
}

pub(crate) fn record(from: &str, to: &str, payload: Vec<u8>) -> Vec<u8> {
    let record_type = Some(RecordType::NoSessionContext(NoSessionContextRecord { payload }));
    let ids = (from.to_owned(), to.to_owned());
    Record { version: "1.3".into(), from_id: ids.0, to_id: ids.1, record_type, ..Record::default() }.encode_to_vec()
}

pub(crate) fn connect_record() -> Vec<u8> {
    let record_type = Some(RecordType::WebsocketConnect(WebSocketConnectRecord {}));
    let (from_id, to_id) = (EUT.to_owned(), US.to_owned());
    Record { version: "1.3".into(), from_id, to_id, record_type, ..Record::default() }.encode_to_vec()
}

pub(crate) fn pattern(source: &Value) -> Pattern {
    Pattern::compile(source).unwrap()
}

pub(crate) fn response(to: &str, matching: Option<Value>) -> Check {
    Check::Response { to: to.into(), matching: matching.map(|source| pattern(&source)) }
}

pub(crate) fn error(to: &str, codes: &[u32]) -> Check {
    let codes = if codes.is_empty() { Codes::Applicable } else { Codes::OneOf(codes.to_vec()) };
    Check::Error { to: to.into(), codes, matching: None }
}

pub(crate) fn await_notify(id: &str) -> Action {
    Action::Await { what: notify(id), answer: Answer::Normal }
}

pub(crate) fn absent_notify(id: &str) -> Action {
    Action::Absent { what: notify(id), lasting: None }
}

fn notify(id: &str) -> Expected {
    Expected::Notify { subscription_id: Some(id.into()), matching: None }
}

pub(crate) fn await_answer(to: &str) -> Action {
    Action::Await { what: Expected::ResponseTo(to.into()), answer: Answer::Normal }
}

pub(crate) fn absent_answer(to: &str) -> Action {
    Action::Absent { what: Expected::ResponseTo(to.into()), lasting: None }
}
