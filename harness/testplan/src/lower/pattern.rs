//! Patterns, bodies and paths: everything that the USP schema describes, held against it.

use prost_reflect::MessageDescriptor;
use serde_json::Value;
use uspec_usp::{
    field_path::Segment,
    json::{self, FieldError},
    schema::{Content, MessageKind, Resolved, Schema, resolve_path},
};

use super::Reported;
use crate::{
    case::Capture,
    diagnostic::{Mistake, Problems},
    pattern::Pattern,
    problem::Problem,
    yaml::{Node, Span},
};

/// What a pattern is held against, and a captured value is taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    /// A Message.
    Message(Content),
    /// A Record.
    Record,
    /// What an event of the MTP shows, with these keys.
    Event(&'static [&'static str]),
    /// Nothing that is known.
    Unclear,
}

impl Subject {
    /// A Response to this kind of Request, when that is known.
    pub(super) fn response(kind: Option<MessageKind>) -> Self {
        kind.map_or(Self::Unclear, |kind| Self::Message(Content::Response(kind)))
    }

    /// Everything that a pattern names and that is never there.
    fn unknown_fields(self, pattern: &Pattern) -> Vec<Problem> {
        match self {
            Self::Message(content) => pattern.check_fields(content),
            Self::Record => pattern.check_record_fields(),
            Self::Event(keys) => pattern.check_keys(keys),
            Self::Unclear => Vec::new(),
        }
    }
}

/// A key that holds a pattern: `Ok(None)` when it is not there, `Err` when it is wrong.
pub(super) fn pattern(
    owner: &Node,
    key: &str,
    subject: Subject,
    problems: &mut Problems,
) -> Result<Option<Pattern>, Reported> {
    let Some(node) = owner.get(key) else { return Ok(None) };
    let source = node.to_json();
    match Pattern::compile(&source) {
        Ok(pattern) => {
            let unknown = subject.unknown_fields(&pattern);
            let right = unknown.is_empty();
            report(unknown, node, problems);
            if right { Ok(Some(pattern)) } else { Err(Reported) }
        }
        Err(mistakes) => {
            report(mistakes, node, problems);
            Err(Reported)
        }
    }
}

/// Shows problems at their places below `node`: at the key, since it is a name that is wrong or has a wrong value.
pub(super) fn report(found: Vec<Problem>, node: &Node, problems: &mut Problems) {
    for Problem { path, message, help } in found {
        let mistake = Mistake::at(node.place(path.segments(), true), message);
        problems.add(match help {
            Some(help) => mistake.help(help),
            None => mistake,
        });
    }
}

/// The body of a Request, an empty one when there is none.
pub(super) fn body(kind: MessageKind, node: Option<&Node>, problems: &mut Problems) -> Value {
    let Some(node) = node else { return Value::Object(serde_json::Map::new()) };
    let value = node.to_json();
    fields(json::check_body(kind, &value), node, Content::Request(kind), problems);
    value
}

/// Fields of a Record.
pub(super) fn record(node: &Node, problems: &mut Problems) {
    if let Ok(schema) = Schema::get() {
        for error in json::check_value(schema.record(), &node.to_json()) {
            let unknown = resolve_path(schema.record(), &dotted(error.path.segments())).is_err();
            field(error, node, unknown, problems);
        }
    }
}

/// Where the values of captured variables stand; each must lead to a single value.
pub(super) fn captures(step: &Node, subject: Subject, problems: &mut Problems) -> Vec<Capture> {
    let entries = step.get("capture").map(Node::entries).unwrap_or_default();
    let mut captures = Vec::new();
    for entry in entries {
        let Some(path) = entry.value.text() else { continue };
        captures.push(Capture { name: entry.key.clone(), path: path.to_owned() });
        let at = entry.value.span;
        let (descriptor, name) = match subject {
            Subject::Message(content) => (Schema::get().and_then(|it| it.content(content)).ok(), content.to_string()),
            Subject::Record => (Schema::get().ok().map(|it| it.record().clone()), "Record".to_owned()),
            Subject::Event(keys) => {
                event_capture(path, keys, at, problems);
                continue;
            }
            Subject::Unclear => continue,
        };
        if let Some(descriptor) = descriptor {
            schema_capture(path, &descriptor, &name, at, problems);
        }
    }
    captures
}

fn event_capture(path: &str, keys: &[&str], at: Span, problems: &mut Problems) {
    let first = path.split('.').next().unwrap_or_default();
    if !keys.contains(&first) {
        let mistake = Mistake::at(at, format!("an event of this kind never has `{first}`"));
        let help = format!("it has {}", keys.join(", "));
        problems.add(mistake.nearest(first, keys.iter().copied()).help(help));
    }
}

fn schema_capture(path: &str, descriptor: &MessageDescriptor, name: &str, at: Span, problems: &mut Problems) {
    match resolve_path(descriptor, path) {
        Ok(Resolved::Scalar(_)) => {}
        Ok(found) => {
            let what = match found {
                Resolved::Message(message) => format!("a {}", message.name()),
                Resolved::List(_) => "a list".to_owned(),
                Resolved::Map(_) | Resolved::Scalar(_) => "a map".to_owned(),
            };
            let mistake = Mistake::at(at, format!("the path leads to {what}, not to a single value"));
            problems.add(mistake.help("go on with the name of a field, the index of an item or the key of an entry"));
        }
        Err(error) => {
            let mistake = Mistake::at(at, format!("the path does not fit a {name}: {}", error.message));
            problems.add(named(mistake, error.nearest));
        }
    }
}

fn fields(errors: Vec<FieldError>, node: &Node, content: Content, problems: &mut Problems) {
    let descriptor = Schema::get().and_then(|schema| schema.content(content)).ok();
    for error in errors {
        let path = dotted(error.path.segments());
        let unknown = descriptor.as_ref().is_some_and(|descriptor| resolve_path(descriptor, &path).is_err());
        field(error, node, unknown, problems);
    }
}

/// At the key when the schema does not know it, else at the value.
fn field(error: FieldError, node: &Node, unknown: bool, problems: &mut Problems) {
    let mistake = Mistake::at(node.place(error.path.segments(), unknown), error.message);
    problems.add(named(mistake, error.nearest));
}

fn named(mistake: Mistake, nearest: Option<String>) -> Mistake {
    match nearest {
        Some(name) => mistake.meant(name),
        None => mistake,
    }
}

fn dotted(segments: &[Segment]) -> String {
    let words: Vec<_> = segments
        .iter()
        .map(|segment| match segment {
            Segment::Field(name) | Segment::Key(name) => name.clone(),
            Segment::Index(index) => index.to_string(),
        })
        .collect();
    words.join(".")
}
