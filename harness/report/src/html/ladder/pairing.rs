//! Which octets made which frame, and which frames carried which Record.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use uspec_testplan::{
    caption::{Caption, captions},
    trace::{ConnectionState, Direction, Event, SECOND_CONTROLLER, StepRef, Trace, What},
};

use super::{
    Arrow, Frame, Item, Kind,
    budget::Budget,
    octets::{Seen, Wire, parts},
};

/// Frames and packets that say only that their connection lives or that something has come.
const QUIET: &[&str] = &["PUBACK", "PUBREC", "PUBREL", "PUBCOMP", "PINGREQ", "PINGRESP", "HEARTBEAT", "ping", "pong"];

/// Frames and packets that can carry a Record.
const CARRYING: &[&str] = &["binary", "continuation", "text", "PUBLISH", "SEND", "MESSAGE", "RECORD", "FRAME"];

/// A connection in one direction.
type Way = (u32, bool);

/// A frame that stands as an arrow of its own until a Record turns out to have come in it.
struct Waiting {
    /// The place of its item.
    item: usize,
    length: usize,
}

struct Pairing<'t> {
    trace: &'t Trace,
    captions: Vec<Option<Caption>>,
    octets: BTreeMap<Way, Vec<(u64, Seen<'t>)>>,
    waiting: BTreeMap<Way, Vec<Waiting>>,
    items: Vec<Option<Item>>,
    budget: Budget,
}

/// The items of a Trace's ladder, in order.
pub(super) fn items(trace: &Trace) -> Vec<Item> {
    let mut pairing = Pairing {
        trace,
        captions: captions(trace),
        octets: BTreeMap::new(),
        waiting: BTreeMap::new(),
        items: Vec::new(),
        budget: Budget::new(),
    };
    for (index, event) in trace.events.iter().enumerate() {
        pairing.add(index, event);
    }
    pairing.end()
}

impl<'t> Pairing<'t> {
    fn add(&mut self, index: usize, event: &'t Event) {
        let kind = match &event.what {
            What::Octets { connection, direction, bytes } => {
                let seen = Seen { seq: event.seq, direction: *direction, bytes };
                self.octets.entry(way(*connection, *direction)).or_default().push((event.at_us, seen));
                return;
            }
            What::Frame { connection, direction, kind, fin, payload } => {
                return self.frame(index, event, (*connection, *direction), (kind, json!({"fin": fin}), payload));
            }
            What::Packet { connection, direction, kind, fields, body } => {
                return self.frame(index, event, (*connection, *direction), (kind, fields.clone(), body));
            }
            What::Record { connection, direction, step, bytes, decoded } => {
                return self.record(index, event, (*connection, *direction), step.as_ref(), (bytes, decoded));
            }
            What::Connection { connection, state, details } => self.connection(index, *connection, *state, details),
            What::StepStarted { step, action } => Kind::Step { step: step.clone(), action: action.clone() },
            What::StepEnded { step, outcome } => Kind::StepEnd { step: step.clone(), outcome: outcome.clone() },
            What::Captured { name, value } => Kind::Captured { name: name.clone(), value: value.clone() },
            What::Eut { action, outcome, ok } => {
                Kind::Eut { action: action.clone(), outcome: outcome.clone(), ok: *ok }
            }
            What::CleanUp { differences } => Kind::CleanUp { differences: differences.clone() },
            What::Note { text } => Kind::Note { text: text.clone() },
        };
        self.push(event, Vec::new(), kind);
    }

    fn frame(
        &mut self,
        index: usize,
        event: &Event,
        (connection, direction): (u32, Direction),
        (kind, fields, payload): (&str, Value, &[u8]),
    ) {
        let octets = self.taken(way(connection, direction));
        let frame = Frame {
            seq: event.seq,
            kind: kind.to_owned(),
            fields: self.budget.value(&fields),
            payload: self.budget.bytes(payload),
            wire: Wire::of(&octets, payload, &mut self.budget),
        };
        let mut arrow = self.arrow(index, connection, direction);
        arrow.quiet = QUIET.contains(&kind);
        arrow.frames.push(frame);
        self.push(event, octets.iter().map(|seen| seen.seq).collect(), Kind::Arrow(Box::new(arrow)));
        if CARRYING.contains(&kind) {
            let waiting = Waiting { item: self.items.len() - 1, length: payload.len() };
            self.waiting.entry(way(connection, direction)).or_default().push(waiting);
        }
    }

    fn record(
        &mut self,
        index: usize,
        event: &Event,
        (connection, direction): (u32, Direction),
        step: Option<&StepRef>,
        (bytes, decoded): (&[u8], &Value),
    ) {
        let mut arrow = self.arrow(index, connection, direction);
        arrow.second |= self.is_of_second(direction, decoded);
        arrow.step = step.cloned();
        arrow.record = Some(self.budget.bytes(bytes));
        arrow.decoded = Some(self.budget.value(decoded));
        let mut related = Vec::new();
        for item in self.carriers(way(connection, direction), bytes.len()) {
            related.push(item.seq);
            related.extend(item.parts);
            if let Kind::Arrow(carrier) = item.kind {
                arrow.frames.extend(carrier.frames);
            }
        }
        self.push(event, related, Kind::Arrow(Box::new(arrow)));
    }

    fn connection(&mut self, index: usize, connection: u32, state: ConnectionState, details: &Value) -> Kind {
        let octets = match state {
            // What a handshake was made of came before anything was a frame.
            ConnectionState::Handshake => {
                let mut octets = self.taken(way(connection, Direction::Sent));
                octets.extend(self.taken(way(connection, Direction::Received)));
                octets.sort_by_key(|seen| seen.seq);
                octets
            }
            _ => Vec::new(),
        };
        let caption = self.caption(index);
        Kind::Connection {
            connection,
            state,
            name: caption.name,
            said: caption.said,
            details: self.budget.value(details),
            octets: parts(&octets, &mut self.budget),
        }
    }

    /// The octets that have come this way and are of no frame yet.
    fn taken(&mut self, way: Way) -> Vec<Seen<'t>> {
        self.octets.remove(&way).unwrap_or_default().into_iter().map(|(_, seen)| seen).collect()
    }

    /// The last frames of this way that together have a Record's length. What waited before them carried none.
    fn carriers(&mut self, way: Way, length: usize) -> Vec<Item> {
        let mut carriers = Vec::new();
        let mut found = 0;
        for waiting in self.waiting.remove(&way).unwrap_or_default().into_iter().rev() {
            if found >= length && !carriers.is_empty() {
                break;
            }
            found += waiting.length;
            carriers.extend(self.items.get_mut(waiting.item).and_then(Option::take));
        }
        carriers.reverse();
        carriers
    }

    fn is_of_second(&self, direction: Direction, decoded: &Value) -> bool {
        let ours = if direction == Direction::Sent { "/record/from_id" } else { "/record/to_id" };
        let second = &self.trace.header.second_endpoint_id;
        !second.is_empty() && decoded.pointer(ours).and_then(Value::as_str) == Some(second)
    }

    fn caption(&self, index: usize) -> Caption {
        let empty = Caption { name: String::new(), said: String::new(), msg_id: None };
        self.captions.get(index).cloned().flatten().unwrap_or(empty)
    }

    fn arrow(&self, index: usize, connection: u32, direction: Direction) -> Arrow {
        let Caption { name, said, msg_id } = self.caption(index);
        Arrow {
            connection,
            direction,
            second: connection >= SECOND_CONTROLLER,
            quiet: false,
            name,
            said,
            msg_id,
            step: None,
            record: None,
            decoded: None,
            frames: Vec::new(),
            octets: Vec::new(),
        }
    }

    fn push(&mut self, event: &Event, parts: Vec<u64>, kind: Kind) {
        self.items.push(Some(Item { seq: event.seq, parts, at: event.at_us, kind }));
    }

    /// All items. Octets that no frame came of are shown too: they may be why a case failed.
    fn end(mut self) -> Vec<Item> {
        for ((connection, received), octets) in std::mem::take(&mut self.octets) {
            let Some((at, first)) = octets.first().copied() else { continue };
            let direction = if received { Direction::Received } else { Direction::Sent };
            let seen: Vec<_> = octets.into_iter().map(|(_, seen)| seen).collect();
            let mut arrow = self.arrow(usize::MAX, connection, direction);
            "octets without a frame".clone_into(&mut arrow.name);
            arrow.octets = parts(&seen, &mut self.budget);
            let others = seen.iter().skip(1).map(|seen| seen.seq).collect();
            let kind = Kind::Arrow(Box::new(arrow));
            self.items.push(Some(Item { seq: first.seq, parts: others, at, kind }));
        }
        let mut items: Vec<_> = self.items.into_iter().flatten().collect();
        items.sort_by_key(|item| item.seq);
        items
    }
}

fn way(connection: u32, direction: Direction) -> Way {
    (connection, direction == Direction::Received)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may abort")]

    use super::*;

    /// The first lines of a Trace give a header; the events are the test's.
    fn shown(whats: Vec<What>) -> Vec<Value> {
        let text = include_str!("../../../../../fixtures/traces/request-path-without-dot.jsonl");
        let mut trace = Trace::from_json_lines(text).unwrap();
        trace.header.second_endpoint_id = "self::second".to_owned();
        trace.events = (0..).zip(whats).map(|(seq, what)| Event { seq, at_us: seq * 10, what }).collect();
        items(&trace).iter().map(|item| serde_json::to_value(item).unwrap()).collect()
    }

    fn octets(direction: Direction, bytes: &[u8]) -> What {
        What::Octets { connection: 1, direction, bytes: bytes.to_vec() }
    }

    fn packet(direction: Direction, kind: &str, body: &[u8]) -> What {
        What::Packet { connection: 1, direction, kind: kind.to_owned(), fields: json!({}), body: body.to_vec() }
    }

    fn frame(kind: &str, fin: bool, payload: &[u8]) -> What {
        let (kind, payload) = (kind.to_owned(), payload.to_vec());
        What::Frame { connection: 1, direction: Direction::Received, kind, fin, payload }
    }

    fn record(direction: Direction, bytes: &[u8], decoded: Value) -> What {
        What::Record { connection: 1, direction, step: None, bytes: bytes.to_vec(), decoded }
    }

    /// The numbers that lead to an item, and those of its frames.
    fn numbers(item: &Value) -> (u64, Vec<u64>, Vec<u64>) {
        let list = |value: &Value| value.as_array().into_iter().flatten().filter_map(Value::as_u64).collect();
        let frames = item["frames"].as_array().into_iter().flatten().filter_map(|frame| frame["seq"].as_u64());
        (item["seq"].as_u64().unwrap(), list(&item["parts"]), frames.collect())
    }

    #[test]
    fn a_record_its_packet_and_its_octets_are_one_arrow() {
        let (sent, received) = (Direction::Sent, Direction::Received);
        let seen = shown(vec![
            octets(sent, b"\x30\x05hello"),
            packet(sent, "PUBLISH", b"hello"),
            record(sent, b"hello", json!({"record": {"from_id": "self::controller"}})),
            octets(received, b"\x40\x02\x00\x01"),
            packet(received, "PUBACK", b""),
            // Each way and each connection is paired for itself.
            packet(received, "PUBLISH", b"answer"),
            packet(sent, "PINGRESP", b""),
            record(received, b"answer", json!({"record": {"to_id": "self::second"}})),
        ]);
        let got: Vec<_> = seen.iter().map(numbers).collect();
        let expected =
            vec![(2, vec![1, 0], vec![1]), (4, vec![3], vec![4]), (6, vec![], vec![6]), (7, vec![5], vec![5])];
        assert_eq!(got, expected);
        assert_eq!(seen[0]["frames"][0]["wire"], json!({"around": {"head": "3005", "tail": "", "masked": false}}));
        assert_eq!((&seen[0]["quiet"], &seen[1]["quiet"]), (&Value::Null, &json!(true)));
        assert_eq!((&seen[0]["second"], &seen[3]["second"]), (&Value::Null, &json!(true)));
    }

    #[test]
    fn fragments_belong_to_the_record_that_they_make() {
        let seen = shown(vec![
            frame("binary", true, b"no Record"),
            frame("binary", false, b"he"),
            frame("ping", true, b""),
            frame("continuation", true, b"llo"),
            record(Direction::Received, b"hello", json!({"record": {}})),
        ]);
        let got: Vec<_> = seen.iter().map(numbers).collect();
        assert_eq!(got, vec![(0, vec![], vec![0]), (2, vec![], vec![2]), (4, vec![1, 3], vec![1, 3])]);
    }

    #[test]
    fn octets_that_made_no_frame_are_shown() {
        let seen = shown(vec![octets(Direction::Received, b"\xff"), octets(Direction::Received, b"\xfe")]);
        assert_eq!(seen.iter().map(numbers).collect::<Vec<_>>(), vec![(0, vec![1], vec![])]);
        assert_eq!(seen[0]["octets"][1]["bytes"]["hex"], "fe");
        assert_eq!(seen[0]["name"], "octets without a frame");
    }
}
