//! `$value`, `$boolean`, `$number`: values of TR-106's types in their lexical form.

use serde_json::Value;
use std::cmp::Ordering;
use uspec_usp::field_path::FieldPath;

use super::{Context, Matcher, Place, unmet};
use crate::{
    lexical::{self, DataType},
    problem::{Problem, key},
    show,
    verdict::Finding,
};

/// `$value`: a valid and, unless a string, not empty lexical form of the type.
#[derive(Debug)]
struct OfType(DataType);

impl Matcher for OfType {
    fn check(&self, place: &Place<'_>, seen: Option<&Value>, _: &Context<'_>, findings: &mut Vec<Finding>) {
        let valid = |text: &str| self.0.allows(text) && (self.0 == DataType::String || !text.is_empty());
        if !seen.and_then(Value::as_str).is_some_and(valid) {
            findings.push(unmet(place, format!("a value of type {}", self.0.name()), show::optional(seen)));
        }
    }
}

/// `$boolean`: a boolean's lexical form with this value.
#[derive(Debug)]
struct Boolean(bool);

impl Matcher for Boolean {
    fn check(&self, place: &Place<'_>, seen: Option<&Value>, _: &Context<'_>, findings: &mut Vec<Finding>) {
        if seen.and_then(Value::as_str).and_then(lexical::boolean) != Some(self.0) {
            let forms = if self.0 { r#""true" or "1""# } else { r#""false" or "0""# };
            findings.push(unmet(place, forms, show::optional(seen)));
        }
    }
}

/// `$number`: a number, or a string that holds one, within bounds.
#[derive(Debug, Default)]
struct Number {
    bounds: Vec<(Bound, String)>,
}

#[derive(Debug, Clone, Copy)]
enum Bound {
    Min,
    Max,
    Above,
    Below,
}

impl Bound {
    const ALL: [(&'static str, Self, &'static str); 4] = [
        ("min", Self::Min, "at least"),
        ("max", Self::Max, "at most"),
        ("above", Self::Above, "above"),
        ("below", Self::Below, "below"),
    ];

    const fn allows(self, order: Ordering) -> bool {
        match self {
            Self::Min => order.is_ge(),
            Self::Max => order.is_le(),
            Self::Above => order.is_gt(),
            Self::Below => order.is_lt(),
        }
    }
}

impl Number {
    fn expected(&self) -> String {
        let bounds = self.bounds.iter().map(|(bound, limit)| {
            let words =
                Bound::ALL.into_iter().find(|(_, it, _)| std::mem::discriminant(it) == std::mem::discriminant(bound));
            format!("{} {limit}", words.map_or("", |(_, _, words)| words))
        });
        let bounds: Vec<_> = bounds.collect();
        if bounds.is_empty() { "a number".to_owned() } else { format!("a number {}", bounds.join(" and ")) }
    }
}

impl Matcher for Number {
    fn check(&self, place: &Place<'_>, seen: Option<&Value>, _: &Context<'_>, findings: &mut Vec<Finding>) {
        let text = match seen {
            Some(Value::Number(number)) => Some(number.to_string()),
            Some(Value::String(text)) if DataType::Decimal.allows(text) => Some(text.clone()),
            _ => None,
        };
        let within = |text: &String| {
            self.bounds
                .iter()
                .all(|(bound, limit)| lexical::compare(text, limit).is_some_and(|order| bound.allows(order)))
        };
        if !text.as_ref().is_some_and(within) {
            findings.push(unmet(place, self.expected(), show::optional(seen)));
        }
    }
}

pub(super) fn value(argument: &Value, path: &FieldPath, problems: &mut Vec<Problem>) -> Option<Box<dyn Matcher>> {
    let data_type = argument.as_str().and_then(DataType::from_name);
    if data_type.is_none() {
        let names: Vec<_> = DataType::ALL.iter().map(|(name, _)| *name).collect();
        problems.push(Problem::new(path.clone(), format!("`$value` takes a type of TR-106: {}", names.join(", "))));
    }
    data_type.map(|data_type| Box::new(OfType(data_type)) as _)
}

pub(super) fn boolean(argument: &Value, path: &FieldPath, problems: &mut Vec<Problem>) -> Option<Box<dyn Matcher>> {
    if let Value::Bool(value) = argument {
        return Some(Box::new(Boolean(*value)));
    }
    problems.push(Problem::new(path.clone(), "`$boolean` takes true or false"));
    None
}

pub(super) fn number(argument: &Value, path: &FieldPath, problems: &mut Vec<Problem>) -> Option<Box<dyn Matcher>> {
    let help = "write `$number: {min: 1, max: 10}`, with `above` and `below` for open ends";
    let Value::Object(bounds) = argument else {
        problems.push(Problem::new(path.clone(), "`$number` takes bounds").help(help));
        return None;
    };
    let mut number = Number::default();
    for (name, limit) in bounds {
        let bound = Bound::ALL.into_iter().find(|(it, _, _)| it == name);
        let (Some((_, bound, _)), Value::Number(limit)) = (bound, limit) else {
            let message = format!("`{name}` is no bound, or its limit no number");
            problems.push(Problem::new(key(path, name), message).help(help));
            return None;
        };
        number.bounds.push((bound, limit.to_string()));
    }
    Some(Box::new(number))
}
