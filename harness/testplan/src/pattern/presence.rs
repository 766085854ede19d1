//! `$any`, `$absent`, `$empty`, `$count`: whether something is there, and how much of it.

use serde_json::Value;
use uspec_usp::field_path::FieldPath;

use super::{Context, Matcher, Place, unmet};
use crate::{
    problem::{Problem, key},
    show,
    verdict::Finding,
};

/// `$any: true`: present, whatever it is.
#[derive(Debug)]
struct Any;

impl Matcher for Any {
    fn check(&self, place: &Place<'_>, seen: Option<&Value>, _: &Context<'_>, findings: &mut Vec<Finding>) {
        if seen.is_none() {
            findings.push(unmet(place, "present", "absent"));
        }
    }
}

/// `$absent: true`: the field is not there.
#[derive(Debug)]
struct Absent;

impl Matcher for Absent {
    fn check(&self, place: &Place<'_>, seen: Option<&Value>, _: &Context<'_>, findings: &mut Vec<Finding>) {
        if seen.is_some() {
            findings.push(unmet(place, "absent", show::optional(seen)));
        }
    }
}

/// `$empty`: an empty string, list or map, or with `false` one that is there and not empty.
#[derive(Debug)]
struct Empty(bool);

impl Matcher for Empty {
    fn check(&self, place: &Place<'_>, seen: Option<&Value>, _: &Context<'_>, findings: &mut Vec<Finding>) {
        if seen.and_then(length).map(|length| length == 0) != Some(self.0) {
            findings.push(unmet(place, if self.0 { "empty" } else { "not empty" }, show::optional(seen)));
        }
    }
}

/// `$count`: the length of a list or map.
#[derive(Debug)]
struct Count {
    min: usize,
    max: Option<usize>,
}

impl Matcher for Count {
    fn check(&self, place: &Place<'_>, seen: Option<&Value>, _: &Context<'_>, findings: &mut Vec<Finding>) {
        let count = seen.filter(|value| !value.is_string()).and_then(length);
        if count.is_some_and(|count| count >= self.min && self.max.is_none_or(|max| count <= max)) {
            return;
        }
        let expected = match self.max {
            Some(max) if max == self.min => format!("{max} items"),
            Some(max) => format!("{} to {max} items", self.min),
            None => format!("at least {} items", self.min),
        };
        let seen = match count {
            Some(count) => format!("{count} items: {}", show::optional(seen)),
            None => show::optional(seen),
        };
        findings.push(unmet(place, expected, seen));
    }
}

fn length(value: &Value) -> Option<usize> {
    match value {
        Value::String(text) => Some(text.len()),
        Value::Array(items) => Some(items.len()),
        Value::Object(entries) => Some(entries.len()),
        _ => None,
    }
}

pub(super) fn any(argument: &Value, path: &FieldPath, problems: &mut Vec<Problem>) -> Option<Box<dyn Matcher>> {
    only_true(argument, path, "$absent", problems).then(|| Box::new(Any) as _)
}

pub(super) fn absent(argument: &Value, path: &FieldPath, problems: &mut Vec<Problem>) -> Option<Box<dyn Matcher>> {
    only_true(argument, path, "$any", problems).then(|| Box::new(Absent) as _)
}

pub(super) fn empty(argument: &Value, path: &FieldPath, problems: &mut Vec<Problem>) -> Option<Box<dyn Matcher>> {
    if let Value::Bool(empty) = argument {
        return Some(Box::new(Empty(*empty)));
    }
    problems.push(Problem::new(path.clone(), "`$empty` takes true or false"));
    None
}

pub(super) fn count(argument: &Value, path: &FieldPath, problems: &mut Vec<Problem>) -> Option<Box<dyn Matcher>> {
    let number = |value: &Value| value.as_u64().and_then(|count| usize::try_from(count).ok());
    let wrong = |path: &FieldPath| {
        Problem::new(path.clone(), "`$count` takes a number or bounds")
            .help("write `$count: 2` or `$count: {min: 1, max: 3}`")
    };
    let bounds = match argument {
        Value::Object(bounds) if !bounds.is_empty() => bounds,
        other => {
            let exact = number(other);
            if exact.is_none() {
                problems.push(wrong(path));
            }
            return exact.map(|exact| Box::new(Count { min: exact, max: Some(exact) }) as _);
        }
    };
    let mut count = Count { min: 0, max: None };
    for (name, value) in bounds {
        match (name.as_str(), number(value)) {
            ("min", Some(min)) => count.min = min,
            ("max", Some(max)) => count.max = Some(max),
            _ => {
                problems.push(wrong(&key(path, name)));
                return None;
            }
        }
    }
    if count.max.is_some_and(|max| max < count.min) {
        problems.push(Problem::new(path.clone(), "no count is within these bounds"));
        return None;
    }
    Some(Box::new(count))
}

/// A matcher that only ever says yes; what its opposite is called helps whoever wrote `false`.
pub(super) fn only_true(argument: &Value, path: &FieldPath, opposite: &str, problems: &mut Vec<Problem>) -> bool {
    if argument == &Value::Bool(true) {
        return true;
    }
    problems.push(
        Problem::new(path.clone(), "only `true` can stand here").help(format!("for the opposite write `{opposite}`")),
    );
    false
}
