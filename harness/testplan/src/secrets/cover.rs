//! What covers the secrets of a Trace in a copy of it, event by event.

use std::{collections::BTreeSet, ops::Range};

use serde_json::Value;
use uspec_usp::json::record_to_value;

use super::{
    MASK, Mask, Secret,
    carried::{Segments, parts},
    find, named,
    names::{is_credential, is_secret},
    search::merged,
    streams,
};
use crate::{
    case::PacketKind,
    trace::{Direction, Event, Header, StepOutcome, Trace, What},
};

/// What stands in octets in the place of each octet of a secret.
pub(super) const STAR: u8 = b'*';

/// A longer credential is looked for by itself.
const LONG: usize = 4;

/// How many secrets of one Record are looked for in its bytes one by one.
const MAX_LOOKED_FOR: usize = 64;

/// How many short credentials are looked for in MQTT's octets.
const MAX_SHORT: usize = 16;

/// The kind of MTP whose octets are frames.
const WEBSOCKET: &str = "websocket";

/// What covers the secrets of one Trace.
#[derive(Debug)]
pub(super) struct Cover {
    mask: Mask,
    segments: Segments,
    /// Credentials that are too short to be looked for by themselves, as MQTT writes them: behind their length.
    short: Vec<Vec<u8>>,
    /// Records whose decoded form tells a secret that does not stand in their bytes as it is.
    elsewhere: BTreeSet<Vec<u8>>,
}

impl Cover {
    pub(super) fn of(trace: &Trace, secrets: &[Secret]) -> Self {
        let mask = Mask::of_secrets(Some(trace), secrets);
        let segments = Segments::of(trace, &|octets| !mask.in_octets(octets).is_empty());
        let is_short = |secret: &&Secret| (1..LONG).contains(&secret.value.len()) && is_credential(&secret.at);
        let short = secrets.iter().filter(is_short).take(MAX_SHORT).map(|secret| {
            let length = u8::try_from(secret.value.len()).unwrap_or(u8::MAX);
            [&[0, length], secret.value.as_slice()].concat()
        });
        let short = short.collect();
        let records = trace.events.iter().filter_map(|event| match &event.what {
            What::Record { bytes, decoded, .. } if is_elsewhere(bytes, decoded) => Some(bytes.clone()),
            _ => None,
        });
        Self { mask, segments, short, elsewhere: records.collect() }
    }

    /// Covers them in this copy of the Trace.
    pub(super) fn trace(&self, shown: &mut Trace) {
        for (name, value) in &mut shown.header.variables {
            self.named(name, value);
        }
        let mut hidden = BTreeSet::new();
        for (way, is_record, pieces) in streams::messages(&shown.events) {
            let mut octets = pieces.octets.clone();
            if is_record {
                if self.record(way, &mut octets) {
                    hidden.insert(way.0);
                }
            } else {
                star(&mut octets, self.mask.in_octets(&pieces.octets));
            }
            pieces.put_back(&octets, &mut shown.events);
        }
        for event in &mut shown.events {
            if let Some(connection) = self.event(&mut event.what) {
                hidden.insert(connection);
            }
        }
        self.streams(&shown.header, &mut shown.events, &hidden);
    }

    /// Covers everything of an event but what is covered together with its neighbours. Gives back its connection when a payload was covered
    /// whole.
    fn event(&self, what: &mut What) -> Option<u32> {
        match what {
            What::Record { connection, direction, bytes, decoded, .. } => {
                let hidden = self.record((*connection, *direction), bytes);
                // What was decoded says the payload again.
                if let Some(record) = decoded.get_mut("record").filter(|record| !record.is_null()) {
                    *record = record_to_value(bytes).unwrap_or_else(|_| MASK.into());
                }
                self.tree(decoded);
                return hidden.then_some(*connection);
            }
            What::Packet { connection, direction, kind, fields, body } => {
                self.tree(fields);
                if PacketKind::named(kind).is_some_and(PacketKind::carries_records) {
                    return self.record((*connection, *direction), body).then_some(*connection);
                }
                let found = self.mask.in_octets(body);
                star(body, found);
            }
            // As parts of streams and messages.
            What::Octets { .. } | What::Frame { .. } => {}
            What::Connection { details, .. } => self.tree(details),
            What::StepStarted { action, .. } => *action = self.mask.apply(action),
            What::StepEnded { outcome, .. } => match outcome {
                StepOutcome::Done { .. } | StepOutcome::TimedOut { .. } => {}
                StepOutcome::NotReached { reason } => self.text(reason),
                StepOutcome::Fault { causes } => causes.iter_mut().for_each(|cause| self.text(cause)),
            },
            What::Captured { name, value } => self.named(name, value),
            What::Eut { action, outcome, .. } => [action, outcome].into_iter().for_each(|text| self.text(text)),
            What::CleanUp { differences } => differences.iter_mut().for_each(|text| self.text(text)),
            What::Note { text } => self.text(text),
        }
        None
    }

    /// Covers what is, or should be, a Record; whether some of it was hidden whole.
    fn record(&self, way: (u32, Direction), bytes: &mut [u8]) -> bool {
        let carried = self.segments.carried(way, bytes, &|octets| !self.mask.in_octets(octets).is_empty());
        let mut found = self.mask.in_octets(bytes);
        found.extend(carried.named(bytes).into_iter().map(|(_, value)| value));
        let mut hidden = carried.hidden;
        if self.elsewhere.contains(bytes) {
            hidden = Some(parts(bytes))
                .filter(|parts| !parts.is_empty())
                .unwrap_or_else(|| Vec::from_iter(Some(0..bytes.len())));
        }
        let is_hidden = !hidden.is_empty();
        found.extend(hidden);
        star(bytes, found);
        is_hidden
    }

    fn streams(&self, header: &Header, events: &mut [Event], hidden: &BTreeSet<u32>) {
        let kind = header.mtp_facts.as_ref().map(|facts| facts.kind.as_str());
        for stream in streams::streams(events) {
            let mut octets = stream.pieces.octets.clone();
            let mut clear = octets.len();
            let frames = streams::upgraded(&octets);
            // What is no WebSocket is never scrambled; in doubt it is one.
            if kind.is_none_or(|kind| kind == WEBSOCKET) {
                clear = stream.open.unwrap_or(clear).min(frames.unwrap_or(clear));
            }
            if kind != Some(WEBSOCKET) && hidden.contains(&stream.connection) {
                clear = clear.min(frames.unwrap_or(0));
            }
            let (readable, covered) = octets.split_at_mut_checked(clear).unwrap_or_default();
            covered.fill(STAR);
            let mut found = self.mask.in_octets(readable);
            found.extend(named::fields(readable).values.into_iter().map(|(_, value)| value));
            match kind {
                Some("mqtt") => found.extend(self.short_in(readable)),
                Some("uds") => {}
                _ => found.extend(named::headers(readable)),
            }
            star(readable, found);
            stream.pieces.put_back(&octets, events);
        }
    }

    fn short_in(&self, octets: &[u8]) -> Vec<Range<usize>> {
        let of = |short: &Vec<u8>| {
            let places = octets.windows(short.len()).enumerate().filter(|(_, it)| it == short);
            places.map(|(at, it)| at + 2..at + it.len()).collect::<Vec<_>>()
        };
        self.short.iter().flat_map(of).collect()
    }

    fn named(&self, name: &str, value: &mut String) {
        if is_secret("", name, value) {
            MASK.clone_into(value);
        } else {
            self.text(value);
        }
    }

    fn text(&self, text: &mut String) {
        *text = self.mask.apply_to_theirs(text);
    }

    fn tree(&self, tree: &mut Value) {
        find::each_mut(tree, &mut |secret| MASK.clone_into(secret));
        self.texts(tree);
    }

    fn texts(&self, tree: &mut Value) {
        match tree {
            Value::String(text) => self.text(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.texts(item)),
            Value::Object(fields) => fields.values_mut().for_each(|value| self.texts(value)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

/// Whether a Record was decoded to a secret that does not stand in its bytes, in one piece at least. Where there are too many to look for each,
/// it is enough that as many stand behind their names.
fn is_elsewhere(bytes: &[u8], decoded: &Value) -> bool {
    let values = find::values(decoded);
    if values.is_empty() || named::fields(bytes).values.len() >= values.len() {
        return false;
    }
    let there = |value: &Vec<u8>| bytes.windows(value.len()).any(|it| it == value);
    values.len() > MAX_LOOKED_FOR || !values.iter().all(there)
}

fn star(octets: &mut [u8], ranges: Vec<Range<usize>>) {
    for range in merged(ranges) {
        if let Some(secret) = octets.get_mut(range) {
            secret.fill(STAR);
        }
    }
}
