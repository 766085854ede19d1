//! What one alternative of a schema says, references and unions resolved.

use serde_json::Value;

use crate::{
    raw::text::READ_ELSEWHERE,
    yaml::{Content, Node},
};

/// Whether the loader reads values of this definition itself, and says more about them than a schema can.
pub(super) fn is_read_elsewhere(reference: &str) -> bool {
    reference.rsplit('/').next().is_some_and(|name| READ_ELSEWHERE.contains(&name))
}

/// Whether the schema says nothing about the value, as for bodies and patterns.
pub(super) fn is_anything(leaf: &Value) -> bool {
    match leaf {
        Value::Bool(all) => *all,
        _ => ["type", "const", "enum", "properties"].iter().all(|key| leaf.get(key).is_none()),
    }
}

pub(super) fn accepts(leaf: &Value, node: &Node) -> bool {
    let has = |kind: &str| has_type(leaf, kind);
    match &node.content {
        Content::Null => has("null"),
        Content::Bool(_) => has("boolean"),
        Content::Number(number, _) => has("number") || (has("integer") && (number.is_i64() || number.is_u64())),
        Content::Text(_) => has("string"),
        Content::List(_) => has("array"),
        Content::Map(_) => has("object"),
    }
}

/// Whether a value of this JSON type can fit.
pub(super) fn has_type(leaf: &Value, kind: &str) -> bool {
    match leaf.get("type") {
        Some(Value::String(only)) => only == kind,
        Some(Value::Array(several)) => several.iter().any(|it| it == kind),
        _ => match leaf.get("const") {
            Some(Value::String(_)) => kind == "string",
            Some(Value::Number(_)) => kind == "integer",
            _ => leaf.get("enum").is_some() && kind == "string",
        },
    }
}

/// The only texts that a schema allows, when it names them.
pub(super) fn constants_of(leaf: &Value) -> Option<Vec<&str>> {
    if let Some(only) = leaf.get("const") {
        return Some(only.as_str().into_iter().collect());
    }
    leaf.get("enum").and_then(Value::as_array).map(|all| all.iter().filter_map(Value::as_str).collect())
}

pub(super) fn constants(leaf: &Value) -> Vec<&str> {
    constants_of(leaf).unwrap_or_default()
}

/// The keys of which a map has exactly one: a `oneOf` of single required keys, or all properties of a map with one property.
pub(super) fn exclusive_keys(leaf: &Value) -> Vec<&str> {
    if leaf.get("maxProperties").and_then(Value::as_u64) == Some(1) {
        let properties = leaf.get("properties").and_then(Value::as_object);
        return properties.into_iter().flat_map(|all| all.keys().map(String::as_str)).collect();
    }
    let choices = leaf.get("oneOf").and_then(Value::as_array).into_iter().flatten();
    choices.filter_map(|choice| choice.pointer("/required/0").and_then(Value::as_str)).collect()
}

/// How many of the map's keys the alternative knows; what it demands counts more.
pub(super) fn overlap(leaf: &Value, node: &Node) -> usize {
    let required = leaf.get("required").and_then(Value::as_array);
    let demanded = |key: &str| required.is_some_and(|all| all.iter().any(|it| it == key));
    let known = |key: &str| leaf.get("properties").is_some_and(|all| all.get(key).is_some());
    let keys = || node.entries().iter().map(|entry| entry.key.as_str());
    keys().filter(|key| demanded(key)).count() * 2 + keys().filter(|key| known(key)).count()
}

/// What an alternative expects, for a sentence.
pub(super) fn describe(leaf: &Value) -> String {
    let named = constants(leaf);
    if !named.is_empty() {
        return named.iter().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(" or ");
    }
    let kind = leaf.get("type").and_then(Value::as_str).unwrap_or_default();
    let title = leaf.get("title").and_then(Value::as_str);
    match (kind, title) {
        ("object", _) => "a map".to_owned(),
        ("array", _) => "a list".to_owned(),
        (_, Some(title)) => title.to_owned(),
        ("string", None) => "a text".to_owned(),
        ("boolean", None) => "true or false".to_owned(),
        ("integer", None) => range(leaf),
        _ => "a number".to_owned(),
    }
}

pub(super) fn range(leaf: &Value) -> String {
    let bound = |key: &str| leaf.get(key).filter(|it| it.is_number()).map(ToString::to_string);
    match (bound("const"), bound("minimum"), bound("maximum")) {
        (Some(only), ..) => only,
        (None, Some(least), Some(most)) => format!("a whole number from {least} to {most}"),
        (None, Some(least), None) => format!("a whole number of at least {least}"),
        _ => "a whole number".to_owned(),
    }
}
