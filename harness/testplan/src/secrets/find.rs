//! Where secrets stand in a Trace.

use std::{collections::BTreeSet, ops::Range};

use serde_json::{Value, json};
use uspec_usp::{
    decode::payload,
    json::{message_to_value, record_to_value},
    record::Record,
};

use super::{
    IN_PARTS, MAX_MARKED, MAX_SECRETS, Secret,
    carried::{Segments, parts},
    forms::MAX_PATTERN,
    names::{is_secret, octets},
};
use crate::trace::{Direction, Trace, What};

/// The keys by which a name stands beside its value.
pub(super) const NAMES: &[&str] = &["param", "param_path", "name", "key"];
/// The keys of that value.
pub(super) const VALUES: &[&str] = &["value", "param_value"];
/// The keys that say which Object or command the rest is about.
const PLACES: &[&str] = &["obj_path", "resolved_path", "command", "obj_name", "command_name", "param_path"];

/// The key of the Message in what is decoded of a Record.
const MESSAGE: &str = "message";

/// How many parts of one payload are marked.
const MAX_PARTS: usize = 8;

/// Every secret that stands in a place that says so.
pub(super) fn all(trace: &Trace) -> Vec<Secret> {
    let mut found = Found::default();
    let segments = Segments::of(trace, &|_| false);
    for (name, value) in &trace.header.variables {
        found.named("", name, value);
    }
    for event in &trace.events {
        match &event.what {
            What::Record { connection, direction, bytes, decoded, .. } => {
                let own = decoded.is_null().then(|| decode(bytes));
                let tree = own.as_ref().unwrap_or(decoded);
                found.tree("", "", tree);
                let has_message = tree.get(MESSAGE).is_some_and(|message| !message.is_null());
                if !has_message || parts(bytes).len() > 1 {
                    found.carried(&segments, (*connection, *direction), bytes);
                }
            }
            What::Packet { kind, fields, .. } => found.tree(kind, "", fields),
            What::Connection { details, .. } => found.tree("", "", details),
            What::Captured { name, value } => found.named("", name, value),
            _ => {}
        }
    }
    found.secrets
}

/// The values of the secrets of a tree, each once.
pub(super) fn values(tree: &Value) -> BTreeSet<Vec<u8>> {
    let mut found = Found::default();
    found.tree("", "", tree);
    found.values
}

/// Calls `secret` for each secret of a tree, with its name and to change it as it likes.
pub(super) fn each_mut(tree: &mut Value, secret: &mut dyn FnMut(&mut String)) {
    walk_mut("", tree, secret);
}

/// A Record and its Message from the bytes, for a Trace that was written without them.
pub(super) fn decode(bytes: &[u8]) -> Value {
    let record = <Record as prost::Message>::decode(bytes).ok();
    let message = record.as_ref().and_then(|record| message_to_value(&payload(record).message()?).ok());
    let record = record_to_value(bytes).unwrap_or_default();
    json!({"record": record, MESSAGE: message})
}

#[derive(Debug, Default)]
struct Found {
    secrets: Vec<Secret>,
    values: BTreeSet<Vec<u8>>,
    /// How many octets they are.
    length: usize,
}

impl Found {
    /// A value under its name, which is about `place`.
    fn named(&mut self, place: &str, name: &str, value: &str) {
        if is_secret(place, name, value) {
            let at = if name.contains('.') || place.is_empty() { name.to_owned() } else { format!("{place} {name}") };
            self.add(at, octets(name, value));
        }
    }

    /// What does not fit any more is marked by its beginning, and masked by its name.
    fn add(&mut self, at: String, mut value: Vec<u8>) {
        if self.length.saturating_add(value.len()) > MAX_MARKED {
            value.truncate(MAX_PATTERN);
        }
        if self.secrets.len() < MAX_SECRETS && self.values.insert(value.clone()) {
            self.length = self.length.saturating_add(value.len());
            self.secrets.push(Secret { at, value });
        }
    }

    /// What no tree shows of a Record: secrets in a payload that cannot be decoded, and payloads that are hidden whole.
    fn carried(&mut self, segments: &Segments, way: (u32, Direction), bytes: &[u8]) {
        let carried = segments.carried(way, bytes, &|_| false);
        if !carried.is_clear {
            let part = |range: Range<usize>| bytes.get(range).unwrap_or_default();
            for (name, value) in carried.named(bytes) {
                self.add(String::from_utf8_lossy(part(name)).into_owned(), part(value).to_vec());
            }
        }
        let hidden = carried.hidden;
        if let Some(first) = hidden.first().filter(|_| hidden.len() > 1) {
            self.hidden(bytes, first.start..bytes.len());
        }
        for part in hidden.into_iter().take(MAX_PARTS) {
            self.hidden(bytes, part);
        }
    }

    fn hidden(&mut self, bytes: &[u8], range: Range<usize>) {
        let end = range.end.min(range.start.saturating_add(MAX_PATTERN));
        if let Some(octets) = bytes.get(range.start..end) {
            self.add(IN_PARTS.to_owned(), octets.to_vec());
        }
    }

    /// `name` is the key under which the tree stands.
    fn tree(&mut self, place: &str, name: &str, tree: &Value) {
        match tree {
            Value::String(value) => self.named(place, name, value),
            Value::Array(items) => items.iter().for_each(|item| self.tree(place, name, item)),
            Value::Object(fields) => {
                let place = text(fields, PLACES).unwrap_or(place);
                if let (Some(name), Some(value)) = (text(fields, NAMES), text(fields, VALUES)) {
                    self.named(place, name, value);
                }
                fields.iter().for_each(|(name, value)| self.tree(place, name, value));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

fn walk_mut(place: &str, tree: &mut Value, secret: &mut dyn FnMut(&mut String)) {
    match tree {
        Value::Array(items) => items.iter_mut().for_each(|item| walk_mut(place, item, secret)),
        Value::Object(fields) => {
            let place = text(fields, PLACES).unwrap_or(place).to_owned();
            let named = text(fields, NAMES).map(str::to_owned);
            for (key, value) in fields.iter_mut() {
                let name = named.as_deref().filter(|_| VALUES.contains(&key.as_str())).unwrap_or(key);
                match value {
                    Value::String(value) if is_secret(&place, name, value) => secret(value),
                    Value::Array(items) => {
                        for item in items {
                            match item {
                                Value::String(value) if is_secret(&place, name, value) => secret(value),
                                item => walk_mut(&place, item, secret),
                            }
                        }
                    }
                    value => walk_mut(&place, value, secret),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn text<'v>(fields: &'v serde_json::Map<String, Value>, keys: &[&str]) -> Option<&'v str> {
    keys.iter().find_map(|key| fields.get(*key).and_then(Value::as_str))
}
