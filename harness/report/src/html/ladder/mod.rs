//! The ladder of a Trace: what the page's ladder diagram draws, and what opens behind each of its arrows.
//!
//! One decision behind it: a Record and the MTP frames that carried it are one arrow, frames without a Record are arrows of their own, and
//! octets are part of the frame that they made. The number of every event of the Trace leads to one item, so that a finding can
//! point at it. What belongs together is found by what really crossed the connection; what is shown comes from the masked Trace.

mod budget;
mod extent;
mod pairing;
mod stream;

use serde::Serialize;
use std::collections::BTreeSet;
use uspec_testplan::{
    profile::Broker,
    secrets::masked,
    trace::{ConnectionState, Direction, SECOND_CONTROLLER, StepOutcome, StepRef, Trace},
};

use budget::{Budget, Octets, Tree};
use stream::{Part, Wire};

/// How many items a ladder has at most. A drawing of more is of no use; the Trace has them all.
const MAX_ITEMS: usize = 2_000;

/// A ladder, packed by whoever takes it.
#[derive(Debug, Serialize)]
struct Ladder<'t> {
    eut: &'t str,
    controller: &'t str,
    /// The second Controller, when it took part.
    second: Option<&'t str>,
    mtp: String,
    /// Whose broker stands between the two, when one does.
    broker: Option<Broker>,
    items: Vec<Item<'t>>,
}

/// Something that happened.
#[derive(Debug, Serialize)]
struct Item<'t> {
    /// The number of its event.
    seq: u64,
    /// The numbers of the other events that are part of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    parts: Vec<u64>,
    /// Microseconds since the first event.
    at: u64,
    #[serde(flatten)]
    kind: Kind<'t>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Kind<'t> {
    Arrow(Box<Arrow<'t>>),
    Connection {
        connection: u32,
        state: ConnectionState,
        name: String,
        said: String,
        details: Tree<'t>,
        octets: Vec<Part<'t>>,
    },
    Step {
        step: &'t StepRef,
        action: &'t str,
    },
    StepEnd {
        step: &'t StepRef,
        outcome: &'t StepOutcome,
    },
    Captured {
        name: &'t str,
        value: &'t str,
    },
    Eut {
        action: &'t str,
        outcome: &'t str,
        ok: bool,
    },
    CleanUp {
        differences: &'t [String],
    },
    Note {
        text: &'t str,
    },
    /// Items are left out here.
    Gap {
        count: usize,
    },
}

/// Something that crossed a connection.
#[derive(Debug, Serialize)]
struct Arrow<'t> {
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
    step: Option<&'t StepRef>,
    record: Option<Octets<'t>>,
    /// Record and Message for people.
    decoded: Option<Tree<'t>>,
    frames: Vec<Frame<'t>>,
    /// Octets that no frame came of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    octets: Vec<Part<'t>>,
}

/// An MTP frame or packet.
#[derive(Debug, Serialize)]
struct Frame<'t> {
    seq: u64,
    kind: &'t str,
    /// Its fields, but the payload.
    fields: Tree<'t>,
    payload: Payload<'t>,
    wire: Wire<'t>,
}

/// What a frame carried.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Payload<'t> {
    /// Octets of its own.
    Own(Octets<'t>),
    /// The Record of its arrow, which stands there.
    Record {
        /// It is.
        same: bool,
    },
}

impl Item<'_> {
    /// Every event that leads here.
    fn events(&self) -> impl Iterator<Item = u64> {
        let frames = match &self.kind {
            Kind::Arrow(arrow) => arrow.frames.as_slice(),
            _ => &[],
        };
        std::iter::once(self.seq).chain(self.parts.iter().copied()).chain(frames.iter().map(|frame| frame.seq))
    }

    /// Its connection belongs to the second Controller.
    fn is_of_second(&self) -> bool {
        match &self.kind {
            Kind::Arrow(arrow) => arrow.second,
            Kind::Connection { connection, .. } => *connection >= SECOND_CONTROLLER,
            _ => false,
        }
    }

    fn spend(&mut self, budget: &mut Budget) {
        match &mut self.kind {
            Kind::Arrow(arrow) => arrow.spend(budget),
            Kind::Connection { details, octets, .. } => {
                details.spend(budget);
                for part in octets {
                    part.spend(budget);
                }
            }
            _ => {}
        }
    }
}

impl Arrow<'_> {
    fn spend(&mut self, budget: &mut Budget) {
        self.decoded.iter_mut().for_each(|tree| tree.spend(budget));
        self.record.iter_mut().for_each(|record| record.spend(budget));
        for frame in &mut self.frames {
            frame.fields.spend(budget);
            if let Payload::Own(payload) = &mut frame.payload {
                payload.spend(budget);
            }
            frame.wire.spend(budget);
        }
        self.octets.iter_mut().for_each(|part| part.spend(budget));
    }
}

/// The ladder of a Trace as JSON. What `evidence` names, by the numbers of events, is drawn however long the Trace is.
///
/// # Errors
/// None that a Trace can cause.
pub(super) fn ladder(trace: &Trace, evidence: &BTreeSet<u64>) -> Result<serde_json::Value, serde_json::Error> {
    let shown = masked(trace);
    let header = &shown.header;
    let items = pairing::items(trace, &shown);
    let second = items.iter().any(Item::is_of_second);
    let mut items = shortened(items, evidence);
    let mut budget = Budget::new();
    // What is evidence first: it may be the end of a Trace whose beginning fills the page.
    for wanted in [true, false] {
        let such = items.iter_mut().filter(|item| item.events().any(|event| evidence.contains(&event)) == wanted);
        such.for_each(|item| item.spend(&mut budget));
    }
    serde_json::to_value(Ladder {
        eut: &header.eut_endpoint_id,
        controller: &header.controller_endpoint_id,
        second: second.then_some(&header.second_endpoint_id),
        mtp: mtp(&shown),
        broker: header.mtp_facts.as_ref().and_then(|facts| facts.broker),
        items,
    })
}

/// Leaves out the middle of a long ladder, but for what is evidence, and puts a gap there.
fn shortened<'t>(mut items: Vec<Item<'t>>, evidence: &BTreeSet<u64>) -> Vec<Item<'t>> {
    if items.len() <= MAX_ITEMS {
        return items;
    }
    let end = items.split_off(items.len().saturating_sub(MAX_ITEMS / 2));
    let middle = items.split_off(MAX_ITEMS / 2);
    let all = middle.len();
    let (seq, at) = middle.first().map_or((0, 0), |item| (item.seq, item.at));
    let kept: Vec<_> = middle
        .into_iter()
        .filter(|item| item.events().any(|event| evidence.contains(&event)))
        .take(MAX_ITEMS)
        .collect();
    items.push(Item { seq, parts: Vec::new(), at, kind: Kind::Gap { count: all - kept.len() } });
    items.extend(kept);
    items.extend(end);
    items
}

/// The MTP in words, such as `mqtt 5.0 over TLS`.
fn mtp(trace: &Trace) -> String {
    let Some(facts) = &trace.header.mtp_facts else { return trace.header.mtp.clone() };
    let version = facts.version.as_ref().map(|version| format!(" {version}")).unwrap_or_default();
    format!("{}{version}{}", facts.kind, if facts.tls { " over TLS" } else { "" })
}
