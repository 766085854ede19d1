//! `$keys`, `$each_key`, `$each_value`: patterns on the entries of a map.

use serde_json::Value;
use uspec_usp::field_path::FieldPath;

use super::{Context, Matcher, Node, Place, compile, expand, unmet};
use crate::{
    problem::{Problem, key},
    show,
    verdict::Finding,
};

/// `$keys`: exactly these keys, some of which may be missing.
#[derive(Debug)]
struct Keys {
    all_of: Vec<String>,
    optional: Vec<String>,
    /// Whether other keys are allowed.
    others: bool,
}

impl Matcher for Keys {
    fn check(&self, place: &Place<'_>, seen: Option<&Value>, context: &Context<'_>, findings: &mut Vec<Finding>) {
        let Some(map) = seen.and_then(Value::as_object) else {
            findings.push(unmet(place, "a map", show::optional(seen)));
            return;
        };
        let before = findings.len();
        let mut expand_all = |names: &[String]| -> Vec<String> {
            names.iter().filter_map(|name| expand(name, place, context, findings)).collect()
        };
        let (all_of, optional) = (expand_all(&self.all_of), expand_all(&self.optional));
        if findings.len() > before {
            return;
        }
        let missing: Vec<_> = all_of.iter().filter(|name| !map.contains_key(*name)).cloned().collect();
        let known = |name: &String| all_of.contains(name) || optional.contains(name);
        let extra: Vec<_> = map.keys().filter(|name| !self.others && !known(name)).cloned().collect();
        if missing.is_empty() && extra.is_empty() {
            return;
        }
        let maybe = if optional.is_empty() { String::new() } else { format!(", and maybe {}", show::list(&optional)) };
        let expected = format!("the keys {}{maybe}", show::list(&all_of));
        let mut seen = format!("the keys {}", show::list(map.keys()));
        if !missing.is_empty() {
            seen = format!("{seen}; missing: {}", show::list(&missing));
        }
        if !extra.is_empty() {
            seen = format!("{seen}; too many: {}", show::list(&extra));
        }
        findings.push(unmet(place, expected, seen));
    }
}

/// `$each_key` and `$each_value`: a pattern on every key or value; holds for an empty map.
#[derive(Debug)]
struct Each {
    pattern: Node,
    on_keys: bool,
}

impl Matcher for Each {
    fn check(&self, place: &Place<'_>, seen: Option<&Value>, context: &Context<'_>, findings: &mut Vec<Finding>) {
        let Some(map) = seen.and_then(Value::as_object) else {
            findings.push(unmet(place, "a map", show::optional(seen)));
            return;
        };
        for (name, value) in map {
            let place = place.key(name);
            if self.on_keys {
                self.pattern.check(&place, Some(&Value::String(name.clone())), context, findings);
            } else {
                self.pattern.check(&place, Some(value), context, findings);
            }
        }
    }
}

pub(super) fn keys(argument: &Value, path: &FieldPath, problems: &mut Vec<Problem>) -> Option<Box<dyn Matcher>> {
    let mut keys = Keys { all_of: Vec::new(), optional: Vec::new(), others: false };
    match argument {
        Value::Array(_) => keys.all_of = names(argument, path, problems)?,
        Value::Object(parts) if !parts.is_empty() => {
            for (name, value) in parts {
                let inner = key(path, name);
                match (name.as_str(), value) {
                    ("all_of", _) => keys.all_of = names(value, &inner, problems)?,
                    ("optional", _) => keys.optional = names(value, &inner, problems)?,
                    ("others", Value::Bool(others)) => keys.others = *others,
                    _ => {
                        problems.push(Problem::new(inner, "`$keys` takes `all_of`, `optional` and `others: true`"));
                        return None;
                    }
                }
            }
        }
        _ => {
            problems.push(
                Problem::new(path.clone(), "`$keys` takes a list of keys")
                    .help("write `$keys: [A, B]` or `$keys: {all_of: [A], optional: [B]}`"),
            );
            return None;
        }
    }
    Some(Box::new(keys))
}

pub(super) fn each_key(argument: &Value, path: &FieldPath, problems: &mut Vec<Problem>) -> Option<Box<dyn Matcher>> {
    compile::node(argument, path, problems).map(|pattern| Box::new(Each { pattern, on_keys: true }) as _)
}

pub(super) fn each_value(argument: &Value, path: &FieldPath, problems: &mut Vec<Problem>) -> Option<Box<dyn Matcher>> {
    compile::node(argument, path, problems).map(|pattern| Box::new(Each { pattern, on_keys: false }) as _)
}

fn names(argument: &Value, path: &FieldPath, problems: &mut Vec<Problem>) -> Option<Vec<String>> {
    let list = argument.as_array().map(|list| list.iter().map(|name| name.as_str().map(str::to_owned)));
    let names: Option<Vec<_>> = list.and_then(Iterator::collect);
    if names.is_none() {
        problems.push(Problem::new(path.clone(), "a list of keys, each a string, must stand here"));
    }
    names
}
