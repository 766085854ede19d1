//! A Trace that can be shown: a copy without its secrets.
//!
//! One decision behind it: in octets, a secret is replaced by as many `*`, so that every length still holds and Records can still be decoded.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use aho_corasick::AhoCorasick;
use serde_json::Value;

use super::{MASK, Mask, Secret, find, forms, mask, secrets};
use crate::{
    profile::Role,
    trace::{ConnectionState, Direction, Event, Header, StepOutcome, Trace, What},
};

/// What stands in octets in the place of each octet of a secret.
const STAR: u8 = b'*';

/// The Trace as a report may show it: secrets are [`MASK`] in texts and `*` in octets, and so is what crossed a WebSocket from the client
/// once it was open, because each frame of a client is scrambled with a key of its own (RFC 6455 section 5.3). A note at the end says so.
/// Without secrets the Trace is as it was. What is shown is not evidence any more: it is never judged.
pub fn masked(trace: &Trace) -> Cow<'_, Trace> {
    let secrets = secrets(trace);
    let hidden = |secret: &Secret| Secret { at: secret.at.clone(), value: Vec::new() };
    if secrets.iter().all(|secret| secret.value.is_empty()) {
        return Cow::Borrowed(trace);
    }
    let mut shown = trace.clone();
    let cover = Cover::new(&secrets);
    shown.header.secrets = Some(secrets.iter().map(hidden).collect());
    shown.header.variables.values_mut().for_each(|value| cover.text(value));
    let mut streams = Streams::default();
    for event in &mut shown.events {
        streams.take(&trace.header, event);
        cover.event(&mut event.what);
    }
    streams.cover(&cover, &mut shown.events);
    let at_us = shown.events.last().map_or(0, |event| event.at_us);
    let seq = u64::try_from(shown.events.len()).unwrap_or(u64::MAX);
    let text = format!("{} secrets are masked here; the Trace itself has them", secrets.len());
    shown.events.push(Event { seq, at_us, what: What::Note { text } });
    Cow::Owned(shown)
}

/// Those of the secrets that turn up anywhere in the Trace.
pub(super) fn turning_up(trace: &Trace, secrets: Vec<Secret>) -> Vec<Secret> {
    let mut owners = Vec::new();
    let mut all = Vec::new();
    for (owner, secret) in secrets.iter().enumerate() {
        // A short one says nothing by itself.
        let long = secret.value.len() >= forms::LONG_ENOUGH;
        for form in forms::in_text(&secret.value).into_iter().chain(forms::in_octets(&secret.value)).filter(|_| long) {
            owners.push(owner);
            all.push(form);
        }
    }
    let Some(finder) = mask::finder(&all) else { return secrets };
    let mut there = vec![false; secrets.len()];
    let mut look = |octets: &[u8]| {
        for found in finder.find_iter(octets) {
            let owner = owners.get(found.pattern().as_usize()).and_then(|owner| there.get_mut(*owner));
            if let Some(there) = owner {
                *there = true;
            }
        }
    };
    trace.header.variables.values().for_each(|value| look(value.as_bytes()));
    trace.events.iter().for_each(|event| each_piece(&event.what, &mut look));
    secrets.into_iter().zip(there).filter(|(_, there)| *there).map(|(secret, _)| secret).collect()
}

/// Every text and every run of octets of an event.
fn each_piece(what: &What, look: &mut dyn FnMut(&[u8])) {
    match what {
        What::Record { bytes, .. } | What::Octets { bytes, .. } | What::Frame { payload: bytes, .. } => look(bytes),
        What::Packet { fields, body, .. } => {
            each_text(fields, look);
            look(body);
        }
        What::Connection { details, .. } => each_text(details, look),
        What::StepStarted { action, .. } => look(action.as_bytes()),
        What::StepEnded { outcome: StepOutcome::NotReached { reason }, .. } => look(reason.as_bytes()),
        What::StepEnded { outcome: StepOutcome::Fault { causes }, .. } => {
            for cause in causes {
                look(cause.as_bytes());
            }
        }
        What::StepEnded { .. } => {}
        What::Captured { value, .. } => look(value.as_bytes()),
        What::Eut { action, outcome, .. } => [action, outcome].into_iter().for_each(|it| look(it.as_bytes())),
        What::CleanUp { differences } => differences.iter().for_each(|it| look(it.as_bytes())),
        What::Note { text } => look(text.as_bytes()),
    }
}

fn each_text(tree: &Value, look: &mut dyn FnMut(&[u8])) {
    match tree {
        Value::String(text) => look(text.as_bytes()),
        Value::Array(items) => items.iter().for_each(|item| each_text(item, look)),
        Value::Object(fields) => fields.values().for_each(|value| each_text(value, look)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// What covers secrets up.
struct Cover {
    mask: Mask,
    forms: Vec<forms::Form>,
    finder: Option<AhoCorasick>,
}

impl Cover {
    fn new(secrets: &[Secret]) -> Self {
        let values = secrets.iter().map(|secret| secret.value.as_slice()).filter(|value| !value.is_empty());
        let forms: Vec<_> = values.flat_map(forms::in_octets).collect();
        let finder = mask::finder(&forms);
        Self { mask: Mask::new(secrets), forms, finder }
    }

    fn text(&self, text: &mut String) {
        *text = self.mask.apply(text);
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

    fn octets(&self, octets: &mut [u8]) {
        let Some(finder) = &self.finder else { return octets.fill(STAR) };
        let found: Vec<_> = finder
            .find_iter(&*octets)
            .filter_map(|it| {
                let form = self.forms.get(it.pattern().as_usize())?;
                Some(it.start() + form.before..it.end() - form.after)
            })
            .collect();
        for range in found {
            if let Some(secret) = octets.get_mut(range) {
                secret.fill(STAR);
            }
        }
    }

    fn event(&self, what: &mut What) {
        match what {
            What::Record { bytes, decoded, .. } => {
                self.octets(bytes);
                self.tree(decoded);
            }
            // With its neighbours, because a secret may begin in one of them and end in the next.
            What::Octets { .. } => {}
            What::Frame { payload, .. } => self.octets(payload),
            What::Packet { fields, body, .. } => {
                self.tree(fields);
                self.octets(body);
            }
            What::Connection { details, .. } => self.tree(details),
            What::StepStarted { action, .. } => self.text(action),
            What::StepEnded { outcome, .. } => match outcome {
                StepOutcome::Done { .. } | StepOutcome::TimedOut { .. } => {}
                StepOutcome::NotReached { reason } => self.text(reason),
                StepOutcome::Fault { causes } => causes.iter_mut().for_each(|cause| self.text(cause)),
            },
            What::Captured { value, .. } => self.text(value),
            What::Eut { action, outcome, .. } => [action, outcome].into_iter().for_each(|text| self.text(text)),
            What::CleanUp { differences } => differences.iter_mut().for_each(|text| self.text(text)),
            What::Note { text } => self.text(text),
        }
    }
}

/// The octets of a Trace, put together again as streams.
#[derive(Debug, Default)]
struct Streams {
    streams: BTreeMap<(u32, bool), Stream>,
    /// The connections that opened within the Trace and have not opened yet.
    opening: BTreeSet<u32>,
}

#[derive(Debug, Default)]
struct Stream {
    octets: Vec<u8>,
    /// Which event each piece belongs to, and how long it is.
    pieces: Vec<(u64, usize)>,
    /// From where on it is scrambled.
    scrambled: Option<usize>,
}

impl Streams {
    fn take(&mut self, header: &Header, event: &Event) {
        match &event.what {
            What::Connection { connection, state: ConnectionState::Attempt, .. } => {
                self.opening.insert(*connection);
            }
            What::Connection { connection, state: ConnectionState::Open, .. } => {
                self.opening.remove(connection);
            }
            What::Octets { connection, direction, bytes } => {
                let open = !self.opening.contains(connection);
                let stream = self.streams.entry((*connection, *direction == Direction::Sent)).or_default();
                if open && stream.scrambled.is_none() && from_client(header, *direction) {
                    stream.scrambled = Some(stream.octets.len());
                }
                stream.octets.extend_from_slice(bytes);
                stream.pieces.push((event.seq, bytes.len()));
            }
            _ => {}
        }
    }

    fn cover(self, cover: &Cover, events: &mut [Event]) {
        let mut pieces = BTreeMap::new();
        for Stream { mut octets, pieces: of, scrambled } in self.streams.into_values() {
            let clear = scrambled.unwrap_or(octets.len());
            if let Some((clear, scrambled)) = octets.split_at_mut_checked(clear) {
                cover.octets(clear);
                scrambled.fill(STAR);
            }
            let mut rest = octets.as_slice();
            for (seq, length) in of {
                let (piece, after) = rest.split_at_checked(length).unwrap_or((rest, &[]));
                pieces.insert(seq, piece.to_vec());
                rest = after;
            }
        }
        for event in events {
            if let What::Octets { bytes, .. } = &mut event.what
                && let Some(covered) = pieces.remove(&event.seq)
            {
                *bytes = covered;
            }
        }
    }
}

/// Whether these are octets of a WebSocket client. In doubt they are.
fn from_client(header: &Header, direction: Direction) -> bool {
    let Some(facts) = &header.mtp_facts else { return true };
    facts.kind == "websocket"
        && match facts.role {
            Some(Role::EutConnects) => direction == Direction::Received,
            Some(Role::WeConnect) => direction == Direction::Sent,
            None => true,
        }
}
