//! The ladder of a Trace: what the page's ladder diagram draws, and what opens behind each of its arrows.
//!
//! One decision behind it: a Record and the MTP frames that carried it are one arrow, frames without a Record are arrows of their own, and
//! octets are part of the frame that they made. The number of every event of the Trace leads to one item, so that a finding can
//! point at it.

mod budget;
mod octets;
mod pairing;

use serde::Serialize;
use serde_json::Value;
use uspec_testplan::{
    profile::Broker,
    trace::{ConnectionState, Direction, StepOutcome, StepRef, Trace},
};

use budget::Bytes;
use octets::Wire;

/// How many items a ladder has at most. A drawing of more is of no use; the Trace has them all.
const MAX_ITEMS: usize = 2_000;

/// A ladder.
#[derive(Debug, Serialize)]
pub(super) struct Ladder {
    eut: String,
    controller: String,
    /// The second Controller, when it took part.
    second: Option<String>,
    mtp: String,
    /// Whose broker stands between the two, when one does.
    broker: Option<Broker>,
    items: Vec<Item>,
    /// How many items of the middle are left out.
    left_out: usize,
}

/// Something that happened.
#[derive(Debug, Serialize)]
struct Item {
    /// The number of its event.
    seq: u64,
    /// The numbers of the other events that are part of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    parts: Vec<u64>,
    /// Microseconds since the first event.
    at: u64,
    #[serde(flatten)]
    kind: Kind,
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Kind {
    Arrow(Box<Arrow>),
    Connection {
        connection: u32,
        state: ConnectionState,
        name: String,
        said: String,
        details: Value,
        octets: Vec<Part>,
    },
    Step {
        step: StepRef,
        action: String,
    },
    StepEnd {
        step: StepRef,
        outcome: StepOutcome,
    },
    Captured {
        name: String,
        value: String,
    },
    Eut {
        action: String,
        outcome: String,
        ok: bool,
    },
    CleanUp {
        differences: Vec<String>,
    },
    Note {
        text: String,
    },
}

/// Something that crossed a connection.
#[derive(Debug, Serialize)]
struct Arrow {
    connection: u32,
    direction: Direction,
    /// Our end of it is the second Controller.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    second: bool,
    /// It belongs to the traffic that would drown the rest: acknowledgements, pings, heart-beats.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    quiet: bool,
    name: String,
    said: String,
    msg_id: Option<String>,
    step: Option<StepRef>,
    record: Option<Bytes>,
    /// Record and Message for people.
    decoded: Option<Value>,
    frames: Vec<Frame>,
    /// Octets that no frame came of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    octets: Vec<Part>,
}

/// An MTP frame or packet.
#[derive(Debug, Serialize)]
struct Frame {
    seq: u64,
    kind: String,
    /// Its fields, but the payload.
    fields: Value,
    payload: Bytes,
    wire: Wire,
}

/// Octets with the number of their event.
#[derive(Debug, Serialize)]
struct Part {
    seq: u64,
    direction: Direction,
    bytes: Bytes,
}

/// The ladder of a Trace.
pub(super) fn ladder(trace: &Trace) -> Ladder {
    let header = &trace.header;
    let mut items = pairing::items(trace);
    let left_out = items.len().saturating_sub(MAX_ITEMS);
    if left_out > 0 {
        let half = MAX_ITEMS / 2;
        items.drain(half..half.saturating_add(left_out));
    }
    let second = items.iter().any(|item| matches!(&item.kind, Kind::Arrow(arrow) if arrow.second));
    Ladder {
        eut: header.eut_endpoint_id.clone(),
        controller: header.controller_endpoint_id.clone(),
        second: second.then(|| header.second_endpoint_id.clone()),
        mtp: mtp(trace),
        broker: header.mtp_facts.as_ref().and_then(|facts| facts.broker),
        items,
        left_out,
    }
}

/// The MTP in words, such as `mqtt 5.0 over TLS`.
fn mtp(trace: &Trace) -> String {
    let Some(facts) = &trace.header.mtp_facts else { return trace.header.mtp.clone() };
    let version = facts.version.as_ref().map(|version| format!(" {version}")).unwrap_or_default();
    format!("{}{version}{}", facts.kind, if facts.tls { " over TLS" } else { "" })
}
