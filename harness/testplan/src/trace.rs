//! What happened while a case ran: a header, then events in the order they happened, written as JSON lines.
//!
//! One decision behind it: bytes are the evidence. The judge decodes `Record` events from their bytes again; the decoded form
//! beside them is for people.

use crate::{
    case::CaseId,
    profile::{Broker, Role},
    secrets::Secret,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The version of the Trace's own format.
pub const TRACE_FORMAT: u32 = 1;

/// One run of one case over one MTP.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    /// What was run, against whom.
    pub header: Header,
    /// What happened, in order; `seq` is the index.
    pub events: Vec<Event>,
}

/// The first line of a Trace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// [`TRACE_FORMAT`].
    pub format: u32,
    /// The case.
    pub case: CaseId,
    /// The MTP, such as `websocket`.
    pub mtp: String,
    /// Hash of the catalogue that the case was taken from.
    pub catalogue: String,
    /// Version of the harness that ran it.
    pub harness: String,
    /// Wall time of the first event.
    pub started: jiff::Timestamp,
    /// The EUT's Endpoint ID, as the profile says or as it was found.
    pub eut_endpoint_id: String,
    /// Our Controller's Endpoint ID.
    pub controller_endpoint_id: String,
    /// The Endpoint ID of our second Controller; empty in a Trace from before there was one.
    #[serde(default)]
    pub second_endpoint_id: String,
    /// What the MTP is; `None` in a Trace from before that was written down.
    #[serde(default)]
    pub mtp_facts: Option<MtpFacts>,
    /// USP versions that the EUT named in GetSupportedProtocol, empty when unknown.
    pub usp_versions: Vec<String>,
    /// Every variable as it stood before the first step.
    pub variables: BTreeMap<String, String>,
    /// The secrets that stand in this Trace, so that nothing shows them; `None` in a Trace from before they were marked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secrets: Option<Vec<Secret>>,
}

/// What an MTP is, as far as cases and judge must know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MtpFacts {
    /// The kind, such as `websocket`.
    pub kind: String,
    /// Which side connects, where the MTP has such a thing.
    pub role: Option<Role>,
    /// Whether it is protected by TLS.
    pub tls: bool,
    /// The version of the MTP's protocol, where cases tell versions apart: of MQTT `5.0` or `3.1.1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Whose broker it is, where the MTP has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broker: Option<Broker>,
}

impl MtpFacts {
    /// An MTP in which the two Endpoints are connected with each other.
    pub fn direct(kind: &str, role: Option<Role>, tls: bool) -> Self {
        Self { kind: kind.to_owned(), role, tls, version: None, broker: None }
    }

    /// An MTP with a broker between the Endpoints. To ours it is always the EUT that connects.
    pub fn brokered(kind: &str, broker: Broker, tls: bool) -> Self {
        let role = (broker == Broker::BuiltIn).then_some(Role::EutConnects);
        Self { kind: kind.to_owned(), role, tls, version: None, broker: Some(broker) }
    }
}

/// The connections of our second Controller are numbered from here on, so that they are told apart.
pub const SECOND_CONTROLLER: u32 = 1001;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Its place in the Trace.
    pub seq: u64,
    /// Microseconds of tokio's clock since the first event.
    pub at_us: u64,
    /// What it was.
    pub what: What,
}

/// What an event was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// A step began.
    StepStarted {
        /// Which.
        step: StepRef,
        /// What it does, for people.
        action: String,
    },
    /// A step ended.
    StepEnded {
        /// Which.
        step: StepRef,
        /// How.
        outcome: StepOutcome,
    },
    /// A variable got a value.
    Captured {
        /// Its name.
        name: String,
        /// Its value.
        value: String,
    },
    /// A whole USP Record crossed an MTP connection.
    Record {
        /// Which connection.
        connection: u32,
        /// Which way.
        direction: Direction,
        /// The step that sent it; `None` for what came, and for what the Controller sends by itself (NotifyResp).
        step: Option<StepRef>,
        /// Its bytes.
        #[serde(with = "hex::serde")]
        bytes: Vec<u8>,
        /// Record and Message for people; never judged.
        decoded: Value,
    },
    /// Octets crossed a connection, after TLS.
    Octets {
        /// Which connection.
        connection: u32,
        /// Which way.
        direction: Direction,
        /// The octets.
        #[serde(with = "hex::serde")]
        bytes: Vec<u8>,
    },
    /// An MTP frame crossed a connection.
    Frame {
        /// Which connection.
        connection: u32,
        /// Which way.
        direction: Direction,
        /// `text`, `binary`, `close`, `ping`, `pong`, `continuation`.
        kind: String,
        /// Whether it ends its message.
        fin: bool,
        /// Its payload.
        #[serde(with = "hex::serde")]
        payload: Vec<u8>,
    },
    /// A packet of MQTT, a frame of STOMP or of a UNIX domain socket crossed a connection. One that carries a Record stands before it.
    Packet {
        /// Which connection.
        connection: u32,
        /// Which way.
        direction: Direction,
        /// Its name: `PUBLISH`, `SEND`, `HANDSHAKE`; see [`PacketKind`](crate::case::PacketKind).
        kind: String,
        /// Everything in it but its body, field by field; what was not there is absent.
        fields: Value,
        /// Its body: payload, frame body, value.
        #[serde(with = "hex::serde")]
        body: Vec<u8>,
    },
    /// Something else happened to a connection: an attempt, a handshake, an end, a protocol violation.
    Connection {
        /// Which.
        connection: u32,
        /// What, one word: `listening`, `attempt`, `tls`, `handshake`, `open`, `closed`, `failed`, `oversized`.
        state: ConnectionState,
        /// The details, field by field.
        details: Value,
    },
    /// The device was controlled: what was run and what came of it.
    Eut {
        /// What was done.
        action: String,
        /// What came of it.
        outcome: String,
        /// Whether it worked.
        ok: bool,
    },
    /// The state of the EUT after clean-up against the one before the case.
    CleanUp {
        /// What is there and was not, or was there and is gone: one sentence each. Empty: as found.
        differences: Vec<String>,
    },
    /// A remark for people.
    Note {
        /// The text.
        text: String,
    },
}

/// Which step of the case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRef {
    /// Where it stands.
    pub phase: Phase,
    /// Its index there.
    pub index: usize,
    /// Its label.
    pub label: Option<String>,
}

/// Part of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Before the first case: finding the EUT, its versions and our row in its Controller table.
    BringUp,
    /// Test setup.
    Setup,
    /// Test procedure.
    Procedure,
    /// Clean-up.
    CleanUp,
}

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From us to the EUT.
    Sent,
    /// From the EUT to us.
    Received,
}

/// What became of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionState {
    /// We listen.
    Listening,
    /// Someone connects, or we do.
    Attempt,
    /// TLS was established or refused.
    Tls,
    /// The MTP's handshake.
    Handshake,
    /// USP Records can flow.
    Open,
    /// It ended.
    Closed,
    /// It failed, or the peer broke the protocol.
    Failed,
    /// Something larger than the limit was announced and refused.
    Oversized,
}

/// How a step ended. It never says whether that is good.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepOutcome {
    /// What it does was done; `matched` is the event it waited for.
    Done {
        /// `seq` of the event, for steps that await one.
        matched: Option<u64>,
    },
    /// What it awaited did not come in time.
    TimedOut {
        /// How long it waited, in milliseconds.
        waited_ms: u64,
    },
    /// It could not be done, because of the EUT: no connection, or a value that an earlier step did not yield.
    NotReached {
        /// Why.
        reason: String,
    },
    /// It could not be done, because of us or our environment.
    Fault {
        /// The cause chain, outermost first.
        causes: Vec<String>,
    },
}

/// Why a text is no Trace.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// Nothing in it.
    #[error("the Trace is empty: its first line must be the header")]
    Empty,
    /// A line that does not parse.
    #[error("line {line}: {cause}")]
    Line {
        /// Which line, from 1.
        line: usize,
        /// What is wrong.
        cause: serde_json::Error,
    },
    /// The last line ends before it should: whatever wrote or copied it was interrupted.
    #[error(
        "line {line}, the last one, is cut off: the Trace is truncated, and what happened after {at_us} µs is not in it"
    )]
    Truncated {
        /// Which line, from 1.
        line: usize,
        /// The last moment that it tells.
        at_us: u64,
    },
    /// Lines are missing at its end, or some were put in.
    #[error(
        "{found} events stand in it, and its first line announces {announced}: the Trace was cut or changed, and is no evidence of what happened \
         after {at_us} µs"
    )]
    Count {
        /// How many the first line announces.
        announced: usize,
        /// How many there are.
        found: usize,
        /// The last moment that it tells.
        at_us: u64,
    },
    /// Written by another version.
    #[error("the Trace has format {found}, this program reads format {TRACE_FORMAT}")]
    Format {
        /// What it says.
        found: u32,
    },
}

/// The first line, as it is written: a Trace that is cut between two lines is known by the number of its events.
#[derive(Serialize)]
struct First<'t> {
    #[serde(flatten)]
    header: &'t Header,
    events: usize,
}

/// What the first line announces; `None` in a Trace from before that was written down.
#[derive(Deserialize)]
struct Announced {
    #[serde(default)]
    events: Option<usize>,
}

impl Trace {
    /// The Trace as JSON lines: the header with the number of events, then one event a line.
    pub fn to_json_lines(&self) -> Result<String, serde_json::Error> {
        let mut text = serde_json::to_string(&First { header: &self.header, events: self.events.len() })?;
        text.push('\n');
        for event in &self.events {
            text.push_str(&serde_json::to_string(event)?);
            text.push('\n');
        }
        Ok(text)
    }

    /// Reads what [`Trace::to_json_lines`] wrote.
    pub fn from_json_lines(text: &str) -> Result<Self, TraceError> {
        let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let (_, first) = lines.next().ok_or(TraceError::Empty)?;
        let at = |index: usize| move |cause| TraceError::Line { line: index + 1, cause };
        let header: Header = serde_json::from_str(first).map_err(at(0))?;
        if header.format != TRACE_FORMAT {
            return Err(TraceError::Format { found: header.format });
        }
        let Announced { events: announced } = serde_json::from_str(first).map_err(at(0))?;
        let mut lines = lines.peekable();
        let mut events: Vec<Event> = Vec::new();
        while let Some((index, line)) = lines.next() {
            match serde_json::from_str(line) {
                Ok(event) => events.push(event),
                Err(cause) if cause.is_eof() && lines.peek().is_none() => {
                    let at_us = events.last().map_or(0, |event| event.at_us);
                    return Err(TraceError::Truncated { line: index + 1, at_us });
                }
                Err(cause) => return Err(at(index)(cause)),
            }
        }
        match announced.filter(|announced| *announced != events.len()) {
            None => Ok(Self { header, events }),
            Some(announced) => {
                let at_us = events.last().map_or(0, |event| event.at_us);
                Err(TraceError::Count { announced, found: events.len(), at_us })
            }
        }
    }
}
