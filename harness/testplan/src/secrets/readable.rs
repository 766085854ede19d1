//! Words that are never masked by themselves: they stand in every Trace and in the words of every finding, and hide nothing.

use std::{collections::BTreeSet, sync::LazyLock};

use serde_json::Value;
use uspec_usp::schema::Schema;

use super::{
    Secret,
    find::{self, NAMES},
    names::WORDS,
};
use crate::trace::{Trace, What};

/// The names of the USP schema, what JSON has for words, and the names of secrets themselves.
static WORDS_OF_USP: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    let mut words: BTreeSet<String> = WORDS.iter().chain(&["true", "false", "null"]).map(ToString::to_string).collect();
    let Ok(schema) = Schema::get() else { return words };
    for message in schema.pool().all_messages() {
        words.insert(message.name().to_owned());
        words.extend(message.fields().map(|field| field.name().to_owned()));
        words.extend(message.oneofs().map(|oneof| oneof.name().to_owned()));
    }
    for kind in schema.pool().all_enums() {
        words.insert(kind.name().to_owned());
        words.extend(kind.values().map(|value| value.name().to_owned()));
    }
    words
});

/// Those of the values that say nothing although a secret has them: words of USP, Endpoint IDs and what stands in one, and in a Trace the names
/// of its parameters and fields.
pub(super) fn readable<'s>(trace: Option<&Trace>, secrets: &'s [Secret]) -> BTreeSet<&'s [u8]> {
    let texts = secrets.iter().filter_map(|secret| str::from_utf8(&secret.value).ok()).filter(|it| !it.is_empty());
    let mut left: BTreeSet<&str> = texts.filter(|text| text.chars().all(is_of_word)).collect();
    let all = left.clone();
    left.retain(|text| !WORDS_OF_USP.contains(*text));
    if let Some(trace) = trace.filter(|_| !left.is_empty()) {
        let header = &trace.header;
        let ids = [&header.eut_endpoint_id, &header.controller_endpoint_id, &header.second_endpoint_id];
        left.retain(|text| !ids.iter().any(|id| id.contains(text)));
        for event in &trace.events {
            match &event.what {
                What::Record { bytes, decoded, .. } if decoded.is_null() => {
                    without_names(&mut left, &find::decode(bytes));
                }
                What::Record { decoded: tree, .. }
                | What::Packet { fields: tree, .. }
                | What::Connection { details: tree, .. } => without_names(&mut left, tree),
                _ => {}
            }
        }
    }
    all.difference(&left).map(|text| text.as_bytes()).collect()
}

/// An identifier, a path, or an Endpoint ID.
fn is_of_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ':' | '!' | '(' | ')')
}

fn without_names(left: &mut BTreeSet<&str>, tree: &Value) {
    match tree {
        Value::Array(items) => items.iter().for_each(|item| without_names(left, item)),
        Value::Object(fields) => {
            for (name, value) in fields {
                without(left, name);
                match value {
                    Value::String(value) if NAMES.contains(&name.as_str()) => without(left, value),
                    value => without_names(left, value),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn without(left: &mut BTreeSet<&str>, name: &str) {
    left.remove(name);
    if let Some(last) = name.rsplit('.').next() {
        left.remove(last);
    }
}
