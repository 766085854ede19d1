//! Which octets made which frame, and which frames carried which Record.

use serde_json::{Value, json};
use std::{borrow::Cow, collections::BTreeMap};
use uspec_testplan::{
    caption::{Caption, captions},
    profile::Broker,
    trace::{ConnectionState, Direction, Event, SECOND_CONTROLLER, Trace, What},
};

use super::{
    Arrow, Frame, Item, Kind, Payload,
    budget::{Octets, Tree},
    stream::{Piece, Stream},
};

/// Frames and packets that say only that their connection lives or that something has come.
const QUIET: &[&str] = &["PUBACK", "PUBREC", "PUBREL", "PUBCOMP", "PINGREQ", "PINGRESP", "HEARTBEAT", "ping", "pong"];

/// Frames and packets that can carry a Record.
const CARRYING: &[&str] = &["binary", "continuation", "text", "PUBLISH", "SEND", "MESSAGE", "RECORD", "FRAME"];

/// How many frames, or Records, of one way wait for what they belong to. An EUT that sends more without an end has no use of a drawing.
const MOST_WAITING: usize = 256;

/// A connection in one direction.
type Way = (u32, bool);

/// An item that stands for itself until what it belongs to turns up.
struct Waiting<'t> {
    /// Its place.
    item: usize,
    /// The payload of the frame, or the Record.
    octets: &'t [u8],
}

struct Pairing<'t> {
    /// The kind of MTP.
    kind: &'t str,
    /// Both Controllers share the connection of the EUT.
    shared: bool,
    captions: Vec<Option<Caption>>,
    streams: BTreeMap<Way, Stream<'t>>,
    /// Frames for which no Record has come.
    frames: BTreeMap<Way, Vec<Waiting<'t>>>,
    /// Records for which no frame has come: what a broker passes on for one of our Controllers is recorded before it crosses.
    records: BTreeMap<Way, Vec<Waiting<'t>>>,
    items: Vec<Option<Item<'t>>>,
}

/// The items of a Trace's ladder, in order; `shown` is the same Trace without secrets.
pub(super) fn items<'t>(trace: &'t Trace, shown: &'t Trace) -> Vec<Item<'t>> {
    let facts = trace.header.mtp_facts.as_ref();
    let mut pairing = Pairing {
        kind: facts.map_or("", |facts| facts.kind.as_str()),
        shared: facts.and_then(|facts| facts.broker) == Some(Broker::BuiltIn),
        captions: captions(shown),
        streams: BTreeMap::new(),
        frames: BTreeMap::new(),
        records: BTreeMap::new(),
        items: Vec::new(),
    };
    let mut real = trace.events.iter();
    for (index, event) in shown.events.iter().enumerate() {
        // The masked Trace ends with a note of its own.
        pairing.add(index, real.next().unwrap_or(event), event);
    }
    pairing.end()
}

impl<'t> Pairing<'t> {
    fn add(&mut self, index: usize, real: &'t Event, shown: &'t Event) {
        let kind = match (&real.what, &shown.what) {
            (What::Octets { bytes, .. }, What::Octets { connection, direction, bytes: masked }) => {
                let piece = Piece::new(shown.seq, shown.at_us, *direction, bytes, masked);
                return self.streams.entry(self.way(*connection, *direction)).or_default().add(piece);
            }
            (What::Frame { payload, .. }, What::Frame { connection, direction, kind, fin, payload: masked }) => {
                let (fields, payload) =
                    (Tree::new(Cow::Owned(json!({"fin": fin}))), (payload.as_slice(), masked.as_slice()));
                return self.frame(index, shown, (*connection, *direction), (kind, fields, payload));
            }
            (What::Packet { body, .. }, What::Packet { connection, direction, kind, fields, body: masked }) => {
                let (fields, body) = (Tree::new(Cow::Borrowed(fields)), (body.as_slice(), masked.as_slice()));
                return self.frame(index, shown, (*connection, *direction), (kind, fields, body));
            }
            (What::Record { bytes, .. }, What::Record { connection, direction, bytes: masked, .. }) => {
                return self.record(index, shown, (*connection, *direction), (bytes, masked));
            }
            (_, What::Connection { connection, state, details }) => {
                self.connection(index, *connection, *state, details)
            }
            (_, What::StepStarted { step, action }) => Kind::Step { step, action },
            (_, What::StepEnded { step, outcome }) => Kind::StepEnd { step, outcome },
            (_, What::Captured { name, value }) => Kind::Captured { name, value },
            (_, What::Eut { action, outcome, ok }) => Kind::Eut { action, outcome, ok: *ok },
            (_, What::CleanUp { differences }) => Kind::CleanUp { differences },
            (_, What::Note { text }) => Kind::Note { text },
            // The masked Trace has the same events at the same places.
            (_, What::Octets { .. } | What::Frame { .. } | What::Packet { .. } | What::Record { .. }) => return,
        };
        self.push(shown, Vec::new(), kind);
    }

    fn frame(
        &mut self,
        index: usize,
        event: &'t Event,
        (connection, direction): (u32, Direction),
        (kind, fields, (payload, masked)): (&'t str, Tree<'t>, (&'t [u8], &'t [u8])),
    ) {
        let way = self.way(connection, direction);
        let (wire, octets) = self.streams.entry(way).or_default().frame(self.kind, payload);
        let shown = Payload::Own(Octets::new(payload, masked));
        let frame = Frame { seq: event.seq, kind, fields, payload: shown, wire };
        if CARRYING.contains(&kind)
            && let Some(waiting) = taken(self.records.entry(way).or_default(), payload)
            && let Some(item) = self.items.get_mut(waiting.item).and_then(Option::as_mut)
            && let Kind::Arrow(arrow) = &mut item.kind
        {
            item.parts.push(frame.seq);
            item.parts.extend(octets);
            carried(arrow, vec![frame]);
            return;
        }
        let mut arrow = self.arrow(index, connection, direction);
        arrow.quiet = QUIET.contains(&kind);
        arrow.frames.push(frame);
        self.push(event, octets, Kind::Arrow(Box::new(arrow)));
        if CARRYING.contains(&kind) {
            wait(self.frames.entry(way).or_default(), self.items.len() - 1, payload);
        }
    }

    fn record(
        &mut self,
        index: usize,
        event: &'t Event,
        (connection, direction): (u32, Direction),
        (bytes, masked): (&'t [u8], &'t [u8]),
    ) {
        let What::Record { step, decoded, .. } = &event.what else { return };
        let way = self.way(connection, direction);
        let mut arrow = self.arrow(index, connection, direction);
        arrow.step = step.as_ref();
        arrow.record = Some(Octets::new(bytes, masked));
        arrow.decoded = Some(Tree::new(Cow::Borrowed(decoded)));
        let mut related = Vec::new();
        let mut frames = Vec::new();
        for item in self.carriers(way, bytes) {
            related.push(item.seq);
            related.extend(item.parts);
            if let Kind::Arrow(carrier) = item.kind {
                frames.extend(carrier.frames);
            }
        }
        let alone = frames.is_empty();
        carried(&mut arrow, frames);
        self.push(event, related, Kind::Arrow(Box::new(arrow)));
        if alone {
            wait(self.records.entry(way).or_default(), self.items.len() - 1, bytes);
        }
    }

    fn connection(&mut self, index: usize, connection: u32, state: ConnectionState, details: &'t Value) -> Kind<'t> {
        let mut pieces = Vec::new();
        // What a handshake was made of came before anything was a frame.
        if state == ConnectionState::Handshake && self.kind == "websocket" {
            for direction in [Direction::Sent, Direction::Received] {
                pieces.extend(self.streams.entry(self.way(connection, direction)).or_default().http_head());
            }
            pieces.sort_by_key(|piece| piece.seq);
        }
        let caption = self.caption(index);
        Kind::Connection {
            connection,
            state,
            name: caption.name,
            said: caption.said,
            details: Tree::new(Cow::Borrowed(details)),
            octets: pieces.iter().map(Piece::part).collect(),
        }
    }

    /// The frames of this way that together are this Record, the last such. What waited before them carried none.
    fn carriers(&mut self, way: Way, record: &[u8]) -> Vec<Item<'t>> {
        let waiting = self.frames.entry(way).or_default();
        let found = (0..waiting.len()).rev().find_map(|end| {
            let mut left = record;
            for (start, frame) in waiting.iter().enumerate().take(end + 1).rev() {
                left = left.strip_suffix(frame.octets)?;
                if left.is_empty() {
                    return Some((start, end));
                }
            }
            None
        });
        let Some((start, end)) = found else { return Vec::new() };
        let carriers = waiting.drain(..=end).skip(start);
        carriers.filter_map(|frame| self.items.get_mut(frame.item).and_then(Option::take)).collect()
    }

    fn caption(&self, index: usize) -> Caption {
        let empty = Caption { name: String::new(), said: String::new(), msg_id: None };
        self.captions.get(index).cloned().flatten().unwrap_or(empty)
    }

    fn arrow(&self, index: usize, connection: u32, direction: Direction) -> Arrow<'t> {
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

    fn push(&mut self, event: &Event, parts: Vec<u64>, kind: Kind<'t>) {
        self.items.push(Some(Item { seq: event.seq, parts, at: event.at_us, kind }));
    }

    /// Which way that is. Behind our own broker, a Record of the second Controller has a number of its own and crosses the EUT's connection.
    fn way(&self, connection: u32, direction: Direction) -> Way {
        let shared = self.shared && connection >= SECOND_CONTROLLER;
        (if shared { connection - SECOND_CONTROLLER + 1 } else { connection }, direction == Direction::Received)
    }

    /// All items. Octets that no frame came of are shown too: they may be why a case failed.
    fn end(mut self) -> Vec<Item<'t>> {
        for ((connection, _), mut stream) in std::mem::take(&mut self.streams) {
            let pieces = stream.rest();
            let Some(first) = pieces.first() else { continue };
            let mut arrow = self.arrow(usize::MAX, connection, first.direction);
            "octets without a frame".clone_into(&mut arrow.name);
            arrow.octets = pieces.iter().map(Piece::part).collect();
            let parts = pieces.iter().skip(1).map(|piece| piece.seq).collect();
            self.items.push(Some(Item { seq: first.seq, parts, at: first.at_us, kind: Kind::Arrow(Box::new(arrow)) }));
        }
        let mut items: Vec<_> = self.items.into_iter().flatten().collect();
        items.sort_by_key(|item| item.seq);
        items
    }
}

/// These frames carried the Record of this arrow. Where one alone did, its payload is the Record and stands there.
fn carried<'t>(arrow: &mut Arrow<'t>, mut frames: Vec<Frame<'t>>) {
    if let [only] = frames.as_mut_slice() {
        only.payload = Payload::Record { same: true };
    }
    arrow.frames.extend(frames);
}

fn wait<'t>(waiting: &mut Vec<Waiting<'t>>, item: usize, octets: &'t [u8]) {
    if waiting.len() == MOST_WAITING {
        waiting.remove(0);
    }
    waiting.push(Waiting { item, octets });
}

/// The first that waits with these octets.
fn taken<'t>(waiting: &mut Vec<Waiting<'t>>, octets: &[u8]) -> Option<Waiting<'t>> {
    let place = waiting.iter().position(|it| it.octets == octets)?;
    Some(waiting.remove(place))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may abort")]

    use super::super::ladder;
    use super::*;
    use std::collections::BTreeSet;
    use uspec_testplan::trace::MtpFacts;

    fn facts(kind: &str) -> MtpFacts {
        match kind {
            "mqtt" | "stomp" => MtpFacts::brokered(kind, Broker::BuiltIn, false),
            _ => MtpFacts::direct(kind, None, false),
        }
    }

    /// The first lines of a Trace give a header; the events are the test's.
    fn shown(kind: &str, whats: Vec<What>) -> Vec<Value> {
        let text = include_str!("../../../../../fixtures/traces/request-path-without-dot.jsonl");
        let mut trace = Trace::from_json_lines(text).unwrap();
        trace.header.second_endpoint_id = "self::second".to_owned();
        trace.header.mtp_facts = Some(facts(kind));
        trace.events = (0..).zip(whats).map(|(seq, what)| Event { seq, at_us: seq * 10, what }).collect();
        ladder(&trace, &BTreeSet::new()).unwrap()["items"].as_array().unwrap().clone()
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

    fn record(connection: u32, direction: Direction, bytes: &[u8], decoded: Value) -> What {
        What::Record { connection, direction, step: None, bytes: bytes.to_vec(), decoded }
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
        let seen = shown(
            "mqtt",
            vec![
                octets(sent, b"\x30\x05hello"),
                packet(sent, "PUBLISH", b"hello"),
                record(1, sent, b"hello", json!({"record": {"from_id": "self::controller"}})),
                octets(received, b"\x40\x02\x00\x01"),
                packet(received, "PUBACK", b""),
                // Each way and each connection is paired for itself.
                packet(received, "PUBLISH", b"answer"),
                packet(sent, "PINGRESP", b""),
                record(1, received, b"answer", json!({"record": {"to_id": "self::second"}})),
            ],
        );
        let got: Vec<_> = seen.iter().map(numbers).collect();
        let expected =
            vec![(2, vec![1, 0], vec![1]), (4, vec![3], vec![4]), (6, vec![], vec![6]), (7, vec![5], vec![5])];
        assert_eq!(got, expected);
        let first = &seen[0]["frames"][0];
        assert_eq!(first["wire"], json!({"around": {"head": {"hex": "3005"}, "tail": {"hex": ""}, "masked": false}}));
        assert_eq!(first["payload"], json!({"same": true}), "the payload is the Record's");
        assert_eq!(seen[3]["frames"][0]["wire"], "unknown");
        assert_eq!((&seen[0]["quiet"], &seen[1]["quiet"]), (&Value::Null, &json!(true)));
        assert!(seen.iter().all(|item| item["second"].is_null()), "an EUT does not say where its arrow ends");
    }

    #[test]
    fn behind_our_broker_a_record_of_the_second_controller_has_its_frame_whichever_came_first() {
        let (sent, received) = (Direction::Sent, Direction::Received);
        let seen = shown(
            "mqtt",
            vec![
                record(1001, sent, b"ask", json!({})),
                octets(sent, b"\x30\x03ask"),
                packet(sent, "PUBLISH", b"ask"),
                octets(received, b"\x30\x04told"),
                packet(received, "PUBLISH", b"told"),
                record(1001, received, b"told", json!({})),
            ],
        );
        let got: Vec<_> = seen.iter().map(numbers).collect();
        assert_eq!(got, vec![(0, vec![2, 1], vec![2]), (5, vec![4, 3], vec![4])]);
        assert!(seen.iter().all(|item| item["second"] == json!(true)));
    }

    #[test]
    fn fragments_belong_to_the_record_that_they_make() {
        let seen = shown(
            "websocket",
            vec![
                frame("binary", true, b"no Record"),
                frame("binary", false, b"he"),
                frame("ping", true, b""),
                frame("continuation", true, b"llo"),
                record(1, Direction::Received, b"hello", json!({"record": {}})),
            ],
        );
        let got: Vec<_> = seen.iter().map(numbers).collect();
        assert_eq!(got, vec![(0, vec![], vec![0]), (2, vec![], vec![2]), (4, vec![1, 3], vec![1, 3])]);
        assert!(seen[2]["frames"][0]["payload"]["same"].is_null(), "a part is not the Record");
    }

    #[test]
    fn a_frame_of_the_same_length_is_not_taken_for_the_carrier() {
        let seen = shown(
            "websocket",
            vec![frame("binary", true, b"jello"), record(1, Direction::Received, b"hello", json!({"record": {}}))],
        );
        assert_eq!(seen.iter().map(numbers).collect::<Vec<_>>(), vec![(0, vec![], vec![0]), (1, vec![], vec![])]);
    }

    #[test]
    fn octets_that_made_no_frame_are_shown() {
        let seen = shown("mqtt", vec![octets(Direction::Received, b"\xff"), octets(Direction::Received, b"\xfe")]);
        assert_eq!(seen.iter().map(numbers).collect::<Vec<_>>(), vec![(0, vec![1], vec![])]);
        assert_eq!(seen[0]["octets"][1]["bytes"]["hex"], "fe");
        assert_eq!(seen[0]["name"], "octets without a frame");
    }

    #[test]
    fn a_long_ladder_tells_its_gap_and_keeps_what_findings_point_at() {
        let text = include_str!("../../../../../fixtures/traces/request-path-without-dot.jsonl");
        let mut trace = Trace::from_json_lines(text).unwrap();
        let note = |seq: u64| Event { seq, at_us: seq, what: What::Note { text: seq.to_string() } };
        trace.events = (0..5_000).map(note).collect();
        let ladder = ladder(&trace, &BTreeSet::from([2_500])).unwrap();
        let items = ladder["items"].as_array().unwrap();
        assert_eq!(items.len(), 2_002);
        assert_eq!((&items[1_000]["type"], &items[1_000]["count"]), (&json!("gap"), &json!(2_999)));
        assert_eq!(items[1_001]["seq"], 2_500);
    }

    #[test]
    fn a_secret_that_a_client_scrambled_is_masked_in_its_frame() {
        let key = [1, 2, 3, 4];
        let payload = b"Password=hunter22;x".to_vec();
        let scrambled = payload.iter().zip(key.iter().cycle()).map(|(octet, key)| octet ^ key);
        let wire: Vec<u8> = [0x82, 0x80 | 0x13].into_iter().chain(key).chain(scrambled).collect();
        let decoded = json!({"message": {"body": {"Password": "hunter22"}}});
        let seen = shown(
            "websocket",
            vec![
                octets(Direction::Received, &wire),
                frame("binary", true, &payload),
                record(1, Direction::Received, &payload, decoded),
            ],
        );
        let around = &seen[0]["frames"][0]["wire"]["around"];
        assert_eq!((&around["head"], &around["masked"]), (&json!({"hex": "829301020304"}), &json!(true)));
        assert_eq!(seen[0]["record"]["masked"], json!([[0, 19]]), "what is no Record is covered whole");
        assert!(!format!("{seen:?}").contains("hunter22") && !format!("{seen:?}").contains(&hex::encode("hunter22")));
    }
}
