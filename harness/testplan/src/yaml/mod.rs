//! YAML as a tree in which every key and every value knows its place.
//!
//! One decision behind it: the YAML library stays behind this module. What the formats of this project do not need (anchors,
//! aliases, tags, directives, several documents, tabs, doubled keys) is refused here, so that no later stage meets it.

mod build;
mod scalar;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use uspec_usp::field_path::Segment;

use crate::diagnostic::Problems;

/// The largest file that is read. The largest of the project's own is below 64 KiB; a bound keeps a wrong path from being read whole.
pub(crate) const MAX_BYTES: usize = 512 * 1024;

/// The deepest nesting that is read. The deepest pattern on a USP Message needs about 20 levels.
pub(crate) const MAX_DEPTH: usize = 48;

/// Where something stands, counted in characters as editors do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Span {
    /// The line, from 1.
    pub(crate) line: usize,
    /// The column, from 1.
    pub(crate) column: usize,
    /// The length on that line, at least 1.
    pub(crate) length: usize,
}

/// A value and its place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    /// Where it stands; the first line of it for a list or a map.
    pub(crate) span: Span,
    /// What it is.
    pub(crate) content: Content,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Content {
    /// Nothing, `null` or `~`.
    Null,
    /// `true` or `false`; no other spelling is a boolean.
    Bool(bool),
    /// A bare number, and how it was written: `1.10` is the number 1.1.
    Number(serde_json::Number, String),
    /// Text, quoted or not.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A map, in the order of the file.
    Map(Vec<Entry>),
}

/// A key with its value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    /// The key.
    pub(crate) key: String,
    /// Where the key stands.
    pub(crate) key_span: Span,
    /// The value.
    pub(crate) value: Node,
}

/// Reads one file. Everything refused is reported; a tree comes only from a file without such problems.
pub(crate) fn parse(text: &str, problems: &mut Problems) -> Option<Node> {
    build::parse(text, problems)
}

impl Node {
    /// The entry of a map with this key.
    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The value of a map's key.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The place of a map's key, or of the map itself when it lacks the key.
    pub(crate) fn key_span(&self, key: &str) -> Span {
        self.entry(key).map_or(self.span, |entry| entry.key_span)
    }

    /// The place of the value of a map's key, or of the map itself when it lacks the key.
    pub(crate) fn value_span(&self, key: &str) -> Span {
        self.get(key).map_or(self.span, |value| value.span)
    }

    /// The entries of a map; none of anything else.
    pub(crate) fn entries(&self) -> &[Entry] {
        match &self.content {
            Content::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; none of anything else.
    pub(crate) fn items(&self) -> &[Node] {
        match &self.content {
            Content::List(items) => items,
            _ => &[],
        }
    }

    /// The text of a text.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The place that a path leads to, or the nearest place before it. `at_key` asks for the last key instead of its value.
    pub(crate) fn place(&self, path: &[Segment], at_key: bool) -> Span {
        let mut here = self;
        let mut span = self.span;
        for segment in path {
            let next = match segment {
                Segment::Field(key) | Segment::Key(key) => here.entry(key).map(|entry| (&entry.value, entry.key_span)),
                Segment::Index(index) => here.items().get(*index).map(|item| (item, item.span)),
            };
            let Some((node, key_span)) = next else {
                return span;
            };
            here = node;
            span = key_span;
        }
        if at_key { span } else { here.span }
    }

    /// The same value without places.
    pub(crate) fn to_json(&self) -> Value {
        match &self.content {
            Content::Null => Value::Null,
            Content::Bool(it) => Value::Bool(*it),
            Content::Number(number, _) => Value::Number(number.clone()),
            Content::Text(text) => Value::String(text.clone()),
            Content::List(items) => Value::Array(items.iter().map(Node::to_json).collect()),
            Content::Map(entries) => Value::Object(
                entries.iter().map(|entry| (entry.key.clone(), entry.value.to_json())).collect::<Map<_, _>>(),
            ),
        }
    }

    /// Reads it as a type; `None` when its shape is wrong, which the walker in `shape` tells.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_value(self.to_json()).ok()
    }

    /// Reads the value of a map's key; `None` also when the map lacks the key.
    pub(crate) fn read_key<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        self.get(key)?.read()
    }

    /// What it is, for a sentence such as "expected a list, found …".
    pub(crate) fn describe(&self) -> String {
        match &self.content {
            Content::Null => "nothing".to_owned(),
            Content::Bool(it) => format!("the boolean {it}"),
            Content::Number(_, written) => format!("the number {written}"),
            Content::Text(text) if text.chars().count() > 40 => "a text".to_owned(),
            Content::Text(text) => format!("the text {text:?}"),
            Content::List(_) => "a list".to_owned(),
            Content::Map(_) => "a map".to_owned(),
        }
    }
}
