//! Holds a tree against the JSON Schema of the type that it is going to become, and reports everything that does not fit.
//!
//! One decision behind it: the types in `raw` are the only description of a file. The JSON Schema that editors use is generated
//! from them, and this walker follows the same schema; serde, which stops at its first error, then reads what is known to fit.

mod leaf;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, marker::PhantomData};

use regex::Regex;
use schemars::{JsonSchema, generate::SchemaSettings};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{
    diagnostic::{Mistake, Problems},
    yaml::{Content, Entry, Node, Span},
};
use leaf::{
    accepts, constants, constants_of, describe, exclusive_keys, has_type, is_anything, is_read_elsewhere, overlap,
    range,
};

/// The JSON Schema (draft 7, which editors know best) of a type, without the `null` that Rust's `Option` brings along: a key that
/// has nothing to say is left out.
pub(crate) fn schema_of<T: JsonSchema>() -> Value {
    let root = SchemaSettings::draft07().into_generator().into_root_schema_for::<T>();
    let mut schema = root.to_value();
    strip_null(&mut schema);
    schema
}

/// The shape of one kind of file.
pub(crate) struct Shape<T> {
    root: Value,
    patterns: BTreeMap<String, Regex>,
    becomes: PhantomData<fn() -> T>,
}

impl<T: JsonSchema + DeserializeOwned> Shape<T> {
    /// The shape of `T`.
    pub(crate) fn new() -> Self {
        let root = schema_of::<T>();
        let mut patterns = BTreeMap::new();
        collect_patterns(&root, &mut patterns);
        Self { root, patterns, becomes: PhantomData }
    }

    /// Reports everything in which `node` differs from the shape.
    pub(crate) fn check(&self, node: &Node, problems: &mut Problems) {
        Walk { root: &self.root, patterns: &self.patterns, problems }.check(&self.root, node);
    }

    /// Checks and reads the whole tree.
    pub(crate) fn read(&self, node: &Node, problems: &mut Problems) -> Option<T> {
        let before = problems.len();
        self.check(node, problems);
        if problems.len() > before {
            return None;
        }
        match serde_json::from_value(node.to_json()) {
            Ok(value) => Some(value),
            // The schema and the type come from one derive; should they ever differ, nothing is dropped silently.
            Err(error) => {
                problems.at(node.span, error.to_string());
                None
            }
        }
    }
}

struct Walk<'a, 'p> {
    root: &'a Value,
    patterns: &'a BTreeMap<String, Regex>,
    problems: &'p mut Problems,
}

impl<'a> Walk<'a, '_> {
    fn check(&mut self, schema: &'a Value, node: &Node) {
        let mut leaves = Vec::new();
        self.leaves(schema, &mut leaves);
        if leaves.iter().any(|leaf| is_anything(leaf)) {
            return;
        }
        let fitting: Vec<_> = leaves.iter().copied().filter(|leaf| accepts(leaf, node)).collect();
        if fitting.is_empty() {
            self.wrong_type(&leaves, node);
            return;
        }
        match &node.content {
            Content::Map(_) => self.map(&fitting, node),
            Content::List(items) => self.list(&fitting, items, node.span),
            Content::Text(text) => self.text(&fitting, text, node.span),
            Content::Number(number, written) => self.number(&fitting, number, written, node.span),
            Content::Bool(_) | Content::Null => {}
        }
    }

    /// The alternatives of a schema, references and unions resolved.
    fn leaves(&self, schema: &'a Value, out: &mut Vec<&'a Value>) {
        if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
            if is_read_elsewhere(name) {
                return out.push(&Value::Bool(true));
            }
            let target = name.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer));
            return target.into_iter().for_each(|target| self.leaves(target, out));
        }
        if schema.get("properties").is_none() {
            for union in ["allOf", "anyOf", "oneOf"] {
                if let Some(members) = schema.get(union).and_then(Value::as_array) {
                    return members.iter().for_each(|member| self.leaves(member, out));
                }
            }
        }
        out.push(schema);
    }

    fn wrong_type(&mut self, leaves: &[&Value], node: &Node) {
        let mut expected: Vec<_> = leaves.iter().map(|leaf| describe(leaf)).collect();
        expected.dedup();
        let message = format!("expected {}, found {}", expected.join(" or "), node.describe());
        let mistake = Mistake::at(node.span, message);
        let wants = |kind: &str| leaves.iter().any(|leaf| has_type(leaf, kind));
        self.problems.add(match &node.content {
            Content::Number(number, written) if self.could_be(leaves, written) => {
                mistake.help(if number.to_string() == *written {
                    format!("put it in quotes: \"{written}\"")
                } else {
                    format!("put it in quotes: \"{written}\"; without them it is the number {number}")
                })
            }
            Content::Bool(it) if wants("string") => mistake.help(format!("put it in quotes: \"{it}\"")),
            Content::Text(_) if wants("boolean") => mistake.help("write true or false, without quotes"),
            Content::Text(text) if wants("integer") && text.parse::<i64>().is_ok() => {
                mistake.help(format!("without quotes: {text}"))
            }
            Content::Text(_) | Content::Number(..) if wants("array") => {
                mistake.help("put it in brackets, also when it is only one: [ ]")
            }
            _ => mistake,
        });
    }

    /// Whether the text would fit if it were quoted.
    fn could_be(&self, leaves: &[&Value], text: &str) -> bool {
        leaves.iter().filter(|leaf| has_type(leaf, "string")).any(|leaf| {
            let pattern = leaf.get("pattern").and_then(Value::as_str).and_then(|it| self.patterns.get(it));
            constants_of(leaf).is_none_or(|all| all.contains(&text)) && pattern.is_none_or(|it| it.is_match(text))
        })
    }

    fn map(&mut self, leaves: &[&'a Value], node: &Node) {
        let Some(leaf) = leaves.iter().copied().max_by_key(|leaf| overlap(leaf, node)) else { return };
        let properties = leaf.get("properties").and_then(Value::as_object);
        let others = leaf.get("additionalProperties");
        for entry in node.entries() {
            let known = properties.and_then(|properties| properties.get(&entry.key));
            match (known, others) {
                (Some(schema), _) => self.entry(leaf, schema, entry),
                (None, Some(Value::Bool(false))) => self.unknown_key(leaf, &entry.key, entry.key_span),
                (None, Some(schema)) => {
                    self.key_pattern(leaf, &entry.key, entry.key_span);
                    self.entry(leaf, schema, entry);
                }
                (None, None) => {}
            }
        }
        self.one_of_keys(leaf, node);
        self.some_key(leaf, node);
        let required = leaf.get("required").and_then(Value::as_array).into_iter().flatten();
        for key in required.filter_map(Value::as_str).filter(|key| node.entry(key).is_none()) {
            self.problems.at(node.span, format!("`{key}` is missing"));
        }
    }

    fn entry(&mut self, leaf: &Value, schema: &'a Value, entry: &Entry) {
        let mut leaves = Vec::new();
        self.leaves(schema, &mut leaves);
        if entry.value.content != Content::Null || leaves.iter().any(|leaf| is_anything(leaf)) {
            return self.check(schema, &entry.value);
        }
        let required = leaf.get("required").and_then(Value::as_array);
        let required = required.is_some_and(|all| all.iter().any(|it| *it == entry.key));
        let help = if required { "write one" } else { "write one, or leave the key out" };
        let mistake = Mistake::at(entry.key_span, format!("`{}` has no value", entry.key));
        self.problems.add(mistake.help(help));
    }

    /// Of some keys a map has exactly one: what a step does, what a metric checks.
    fn one_of_keys(&mut self, leaf: &Value, node: &Node) {
        let choices = exclusive_keys(leaf);
        let present: Vec<_> = node.entries().iter().filter(|entry| choices.contains(&entry.key.as_str())).collect();
        let named = choices.iter().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(", ");
        match present.as_slice() {
            // An unknown key is reported already, and was probably meant to be the missing one.
            [] if !choices.is_empty()
                && node.entries().iter().all(|entry| leaf.pointer(&format!("/properties/{}", entry.key)).is_some()) =>
            {
                self.problems.at(node.span, format!("one of {named} is missing"));
            }
            [first, others @ ..] => {
                for other in others {
                    let message = format!("`{}` and `{}` exclude each other", first.key, other.key);
                    let help = format!("write exactly one of {named}");
                    self.problems.add(Mistake::at(other.key_span, message).help(help));
                }
            }
            [] => {}
        }
    }

    /// A map that says nothing where it must say something.
    fn some_key(&mut self, leaf: &Value, node: &Node) {
        let needs_one = leaf.get("minProperties").and_then(Value::as_u64).is_some_and(|least| least > 0);
        if needs_one && node.entries().is_empty() && exclusive_keys(leaf).is_empty() {
            let keys = leaf.get("properties").and_then(Value::as_object).into_iter().flatten();
            let named: Vec<_> = keys.map(|(key, _)| format!("`{key}`")).collect();
            let mistake = Mistake::at(node.span, "the map is empty");
            self.problems.add(mistake.help(format!("write at least one of {}", named.join(", "))));
        }
    }

    fn unknown_key(&mut self, leaf: &Value, key: &str, span: Span) {
        let known: Vec<_> = leaf
            .get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flat_map(|properties| properties.keys().map(String::as_str))
            .collect();
        let help = format!("the keys here are {}", known.join(", "));
        let mistake = Mistake::at(span, format!("unknown key `{key}`"));
        self.problems.add(mistake.nearest(key, known).help(help));
    }

    fn key_pattern(&mut self, leaf: &'a Value, key: &str, span: Span) {
        if let Some(names) = leaf.get("propertyNames") {
            let mut leaves = Vec::new();
            self.leaves(names, &mut leaves);
            self.text(&leaves, key, span);
        }
    }

    fn list(&mut self, leaves: &[&'a Value], items: &[Node], span: Span) {
        let Some(leaf) = leaves.first() else { return };
        if let Some(schema) = leaf.get("items") {
            for item in items {
                self.check(schema, item);
            }
        }
        let least = leaf.get("minItems").and_then(Value::as_u64).unwrap_or(0);
        if u64::try_from(items.len()).is_ok_and(|count| count < least) {
            let unit = if least == 1 { "item" } else { "items" };
            self.problems.at(span, format!("expected at least {least} {unit}"));
        }
    }

    fn text(&mut self, leaves: &[&Value], text: &str, span: Span) {
        let constants: Vec<_> = leaves.iter().flat_map(|leaf| constants(leaf)).collect();
        if constants.contains(&text) {
            return;
        }
        let Some(free) = leaves.iter().find(|leaf| constants_of(leaf).is_none()) else {
            let names: Vec<_> = constants.iter().map(|it| format!("`{it}`")).collect();
            let mistake = Mistake::at(span, format!("`{text}` is not one of {}", names.join(", ")));
            self.problems.add(mistake.nearest(text, constants));
            return;
        };
        let pattern = free.get("pattern").and_then(Value::as_str).and_then(|it| self.patterns.get(it));
        if pattern.is_some_and(|pattern| !pattern.is_match(text)) {
            let mistake = Mistake::at(span, format!("`{text}` is not {}", describe(free)));
            self.problems.add(mistake.nearest(text, constants));
        }
        if text.is_empty() && free.get("minLength").is_some() {
            self.problems.at(span, "the text is empty");
        }
        let longest = free.get("maxLength").and_then(Value::as_u64).and_then(|it| usize::try_from(it).ok());
        if let Some(longest) = longest.filter(|longest| text.chars().count() > *longest) {
            self.problems.at(span, format!("the text has {} characters, the limit is {longest}", text.chars().count()));
        }
    }

    fn number(&mut self, leaves: &[&Value], number: &serde_json::Number, written: &str, span: Span) {
        let value = number.as_f64().unwrap_or(f64::NAN);
        let inside = |leaf: &&&Value| {
            let bound = |key: &str| leaf.get(key).and_then(Value::as_f64);
            bound("minimum").is_none_or(|least| value >= least)
                && bound("maximum").is_none_or(|most| value <= most)
                && bound("const").is_none_or(|only| (value - only).abs() < f64::EPSILON)
        };
        if leaves.iter().find(inside).is_some() {
            return;
        }
        let expected: Vec<_> = leaves.iter().map(|leaf| range(leaf)).collect();
        self.problems.at(span, format!("expected {}, found {written}", expected.join(" or ")));
    }
}

/// Takes `null` out of every `type` and union.
fn strip_null(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(strip_null),
        Value::Object(map) => {
            if let Some(Value::Array(types)) = map.get_mut("type") {
                types.retain(|it| it != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    map.insert("type".to_owned(), only);
                }
            }
            for union in ["anyOf", "oneOf"] {
                if let Some(Value::Array(members)) = map.get_mut(union) {
                    members.retain(|it| it.get("type").is_none_or(|kind| kind != "null"));
                }
            }
            if map.get("default").is_some_and(Value::is_null) {
                map.remove("default");
            }
            map.values_mut().for_each(strip_null);
        }
        _ => {}
    }
}

fn collect_patterns(schema: &Value, patterns: &mut BTreeMap<String, Regex>) {
    match schema {
        Value::Array(items) => items.iter().for_each(|item| collect_patterns(item, patterns)),
        Value::Object(map) => {
            if let Some(text) = map.get("pattern").and_then(Value::as_str)
                && let Ok(regex) = Regex::new(text)
            {
                patterns.insert(text.to_owned(), regex);
            }
            map.values().for_each(|value| collect_patterns(value, patterns));
        }
        _ => {}
    }
}
