//! Traces to capture.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use uspec_testplan::{
    case::CaseId,
    profile::Role,
    trace::{ConnectionState, Direction, Event, Header, MtpFacts, Phase, StepRef, TRACE_FORMAT, Trace, What},
};

/// A Trace, told event by event.
#[derive(Debug, Clone)]
pub struct Story {
    pub trace: Trace,
}

/// A connection whose opening a Trace has, and which goes on.
pub fn opening(connection: u32) -> Story {
    Story::websocket()
        .attempt(connection, "peer")
        .octets(connection, Direction::Received, b"the request")
        .octets(connection, Direction::Sent, b"the response")
        .connection(connection, ConnectionState::Open, json!({}))
}

impl Story {
    pub fn websocket() -> Self {
        Self::over(MtpFacts::direct("websocket", Some(Role::EutConnects), false))
    }

    pub fn over(facts: MtpFacts) -> Self {
        let header = Header {
            format: TRACE_FORMAT,
            case: CaseId::Plan { chapter: 1, number: 1 },
            mtp: facts.kind.clone(),
            catalogue: String::new(),
            harness: "0.1.0".to_owned(),
            started: "2026-01-01T12:00:00Z".parse().unwrap(),
            eut_endpoint_id: "os::1".to_owned(),
            controller_endpoint_id: "self::us".to_owned(),
            second_endpoint_id: String::new(),
            mtp_facts: Some(facts),
            usp_versions: Vec::new(),
            variables: BTreeMap::new(),
            secrets: None,
        };
        Self { trace: Trace { header, events: Vec::new() } }
    }

    pub fn event(mut self, what: What) -> Self {
        let seq = u64::try_from(self.trace.events.len()).unwrap();
        self.trace.events.push(Event { seq, at_us: seq * 1000, what });
        self
    }

    pub fn connection(self, connection: u32, state: ConnectionState, details: Value) -> Self {
        self.event(What::Connection { connection, state, details })
    }

    pub fn attempt(self, connection: u32, opener: &str) -> Self {
        let details = json!({"attempt": {"opener": opener, "peer": "198.51.100.7:49152"}});
        self.connection(connection, ConnectionState::Attempt, details)
    }

    pub fn octets(self, connection: u32, direction: Direction, bytes: &[u8]) -> Self {
        self.event(What::Octets { connection, direction, bytes: bytes.to_vec() })
    }

    pub fn step(self, label: &str) -> Self {
        let step = StepRef { phase: Phase::Procedure, index: 0, label: Some(label.to_owned()) };
        self.event(What::StepStarted { step, action: "request".to_owned() })
    }
}
