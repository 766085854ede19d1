//! Where the Traces of the samples are, and the Trace of an EUT that attacks the reader.

use serde_json::{Value, json};
use std::{collections::BTreeMap, fs, path::PathBuf};
use uspec_report::html::TraceSource;
use uspec_testplan::{
    profile::Broker,
    trace::{
        ConnectionState, Direction, Event, Header, MtpFacts, Phase, StepOutcome, StepRef, TRACE_FORMAT, Trace, What,
    },
};

/// The Trace of the sample `hostile`.
pub const HOSTILE: &str = "traces/hostile.jsonl";

/// The Traces of all samples.
pub struct Traces;

impl TraceSource for Traces {
    fn trace(&self, _report: usize, path: &str) -> Result<Trace, String> {
        if path == HOSTILE {
            return Ok(hostile(super::EVIL));
        }
        let file = samples().join("campaign").join(path);
        let text = fs::read_to_string(file).map_err(|_| format!("{path} is not there"))?;
        Trace::from_json_lines(&text).map_err(|cause| format!("{path}: {cause}"))
    }
}

/// One of the Traces of the sample `campaign`.
pub fn campaign_trace() -> Trace {
    Traces.trace(0, "traces/1.3-websocket.jsonl").unwrap()
}

pub fn samples() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../reports/samples")
}

/// Every kind of event, each of them with the text in every place where an EUT could put one.
fn hostile(evil: &str) -> Trace {
    let step = StepRef { phase: Phase::Procedure, index: 0, label: Some(evil.to_owned()) };
    let text = || evil.to_owned();
    let deep = (0..64).fold(json!(evil), |inner, _| json!({ evil: inner }));
    let whats = vec![
        What::Note { text: text() },
        What::Connection { connection: 1, state: ConnectionState::Open, details: json!({"open": {evil: evil}}) },
        What::StepStarted { step: step.clone(), action: text() },
        octets(evil.as_bytes()),
        record(
            Direction::Sent,
            Some(step.clone()),
            evil.as_bytes(),
            json!({"message": {evil: [evil]}, "record": deep}),
        ),
        packet("PUBLISH", json!({"topic": evil}), evil.as_bytes()),
        record(Direction::Received, None, evil.as_bytes(), json!({"undecodable_record": evil})),
        packet(evil, json!({ evil: evil }), &[0; 5000]),
        What::Frame { connection: 2, direction: Direction::Received, kind: text(), fin: true, payload: evil.into() },
        What::Captured { name: text(), value: text() },
        What::StepEnded { step, outcome: StepOutcome::NotReached { reason: text() } },
        What::Eut { action: text(), outcome: text(), ok: false },
        What::Connection { connection: 1, state: ConnectionState::Failed, details: json!(evil) },
        What::CleanUp { differences: vec![text()] },
    ];
    let event = |(seq, what)| Event { seq, at_us: if seq > 8 { seq * 3_000_000 } else { seq * 1500 }, what };
    Trace { header: header(evil), events: (0..).zip(whats).map(event).collect() }
}

fn octets(bytes: &[u8]) -> What {
    What::Octets { connection: 1, direction: Direction::Sent, bytes: bytes.to_vec() }
}

fn record(direction: Direction, step: Option<StepRef>, bytes: &[u8], decoded: Value) -> What {
    What::Record { connection: 1, direction, step, bytes: bytes.to_vec(), decoded }
}

fn packet(kind: &str, fields: Value, body: &[u8]) -> What {
    let (kind, body) = (kind.to_owned(), body.to_vec());
    What::Packet { connection: 1, direction: Direction::Received, kind, fields, body }
}

fn header(evil: &str) -> Header {
    Header {
        format: TRACE_FORMAT,
        case: "1.1".parse().unwrap(),
        mtp: evil.to_owned(),
        catalogue: String::new(),
        harness: String::new(),
        started: jiff::Timestamp::UNIX_EPOCH,
        eut_endpoint_id: evil.to_owned(),
        controller_endpoint_id: evil.to_owned(),
        second_endpoint_id: evil.to_owned(),
        mtp_facts: Some(MtpFacts::brokered(evil, Broker::BuiltIn, true)),
        usp_versions: Vec::new(),
        variables: BTreeMap::new(),
        secrets: None,
    }
}
