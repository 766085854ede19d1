//! The arguments of rules: what each may be, and reading them once they are known to be right.

use serde_json::Value;
use std::time::Duration;
use uspec_usp::field_path::FieldPath;

use crate::{
    judge::finding::unknown,
    problem::{Problem, item, key, nearest},
    raw,
    verdict::Finding,
};

/// One argument that a rule takes.
#[derive(Debug)]
pub(super) struct Argument {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) need: Need,
    /// What it means, in one line.
    pub(super) means: &'static str,
}

/// Whether an argument must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// It must.
    Required,
    /// It may.
    Optional,
    /// It or another one like it must.
    OneOf,
}

/// What an argument may be.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// The label of a step.
    Label,
    /// Labels of steps.
    Labels,
    /// A text, in which variables may stand.
    Text,
    /// A length of time with its unit, in which variables may stand.
    Duration,
    /// Texts.
    Texts,
    /// A number from 0 on.
    Number,
    /// `true` or `false`.
    Flag,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// `{parameter, op, value}`.
    Condition,
}

/// The comparisons of a condition: those of a search expression.
pub(super) const OPERATORS: &[&str] = &["==", "!=", "<", ">", "<=", ">=", "~="];

impl Argument {
    pub(super) const fn required(name: &'static str, kind: Kind, means: &'static str) -> Self {
        Self { name, kind, need: Need::Required, means }
    }

    pub(super) const fn optional(name: &'static str, kind: Kind, means: &'static str) -> Self {
        Self { name, kind, need: Need::Optional, means }
    }

    /// One of several of which at least one is there.
    pub(super) const fn one_of(name: &'static str, kind: Kind, means: &'static str) -> Self {
        Self { name, kind, need: Need::OneOf, means }
    }

    pub(super) fn describe(&self) -> String {
        let optional = match self.need {
            Need::Required => "",
            Need::Optional => ", optional",
            Need::OneOf => ", this or another of its kind",
        };
        let words = match self.kind {
            Kind::Choice(words) => format!(" ({})", words.join(", ")),
            _ => String::new(),
        };
        format!("{}: {}{words}{optional}; {}", self.name, self.kind.name(), self.means)
    }
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Label => "the label of a step",
            Self::Labels => "a list of labels of steps",
            Self::Text => "a text",
            Self::Duration => "a duration with its unit, such as 5s or {{minimum}}s",
            Self::Texts => "a list of texts",
            Self::Number => "a number",
            Self::Flag => "true or false",
            Self::Choice(_) => "one of these words",
            Self::Condition => "a map {parameter, op, value}",
        }
    }
}

/// Every mistake in `with`.
pub(super) fn check(arguments: &[Argument], with: &Value) -> Vec<Problem> {
    let root = FieldPath::root();
    let known: Vec<_> = arguments.iter().map(|argument| argument.name).collect();
    let takes = format!("it takes {}", known.join(", "));
    let Some(given) = with.as_object() else {
        return vec![Problem::new(root, "the arguments of a rule are a map").help(takes)];
    };
    let mut problems = Vec::new();
    for (name, value) in given {
        let path = key(&root, name);
        if let Some(argument) = arguments.iter().find(|argument| argument.name == name) {
            check_value(argument, value, &path, &mut problems);
            continue;
        }
        let problem = Problem::new(path, format!("the rule has no argument `{name}`"));
        problems.push(match nearest(name, known.iter().copied()) {
            Some(near) => problem.help(format!("did you mean `{near}`?")),
            None => problem.help(takes.as_str()),
        });
    }
    for missing in arguments.iter().filter(|it| it.need == Need::Required && !given.contains_key(it.name)) {
        let message = format!("the argument `{}` is missing", missing.name);
        problems.push(Problem::new(root.clone(), message).help(missing.describe()));
    }
    let one_of: Vec<_> = arguments.iter().filter(|it| it.need == Need::OneOf).map(|it| it.name).collect();
    if !one_of.is_empty() && !one_of.iter().any(|name| given.contains_key(*name)) {
        problems.push(Problem::new(root, format!("one of the arguments {} is missing", one_of.join(", "))));
    }
    problems
}

fn check_value(argument: &Argument, value: &Value, path: &FieldPath, problems: &mut Vec<Problem>) {
    let fits = match argument.kind {
        Kind::Label | Kind::Text => value.is_string(),
        Kind::Duration => value.as_str().is_some_and(|text| text.contains("{{") || duration(text).is_some()),
        Kind::Labels | Kind::Texts => value.as_array().is_some_and(|list| list.iter().all(Value::is_string)),
        Kind::Number => value.is_u64(),
        Kind::Flag => value.is_boolean(),
        Kind::Choice(words) => match value.as_str() {
            Some(word) if words.contains(&word) => true,
            Some(word) => {
                let problem = Problem::new(path.clone(), format!("`{word}` is none of {}", words.join(", ")));
                problems.push(match nearest(word, words.iter().copied()) {
                    Some(near) => problem.help(format!("did you mean `{near}`?")),
                    None => problem,
                });
                return;
            }
            None => false,
        },
        Kind::Condition => return check_condition(value, path, problems),
    };
    if !fits {
        let message = format!("`{}` takes {}", argument.name, argument.kind.name());
        problems.push(Problem::new(path.clone(), message).help(argument.means));
    }
}

fn check_condition(value: &Value, path: &FieldPath, problems: &mut Vec<Problem>) {
    let help = "write `{parameter: Enable, op: \"==\", value: \"true\"}`, each a string";
    let Some(parts) = value.as_object() else {
        problems.push(Problem::new(path.clone(), "a condition is a map").help(help));
        return;
    };
    for (name, part) in parts {
        let right = match name.as_str() {
            "parameter" | "value" => part.is_string(),
            "op" => part.as_str().is_some_and(|op| OPERATORS.contains(&op)),
            _ => false,
        };
        if !right {
            let message = format!("`{name}` is wrong in a condition");
            let ops = format!("{help}; op is one of {}", OPERATORS.join(" "));
            problems.push(Problem::new(key(path, name), message).help(ops));
        }
    }
    for name in ["parameter", "op", "value"].into_iter().filter(|name| !parts.contains_key(*name)) {
        problems.push(Problem::new(path.clone(), format!("the condition has no `{name}`")).help(help));
    }
}

/// The labels among the arguments, each with its place.
pub(super) fn labels(arguments: &[Argument], with: &Value) -> Vec<(FieldPath, String)> {
    let mut found = Vec::new();
    for argument in arguments {
        let Some(value) = with.get(argument.name) else { continue };
        let path = key(&FieldPath::root(), argument.name);
        match (argument.kind, value) {
            (Kind::Label, Value::String(label)) => found.push((path, label.clone())),
            (Kind::Labels, Value::Array(list)) => {
                let labels = list.iter().enumerate().filter_map(|(index, it)| Some((index, it.as_str()?)));
                found.extend(labels.map(|(index, label)| (item(&path, index), label.to_owned())));
            }
            _ => {}
        }
    }
    found
}

/// Arguments whose variables are replaced. What [`check`] refuses is not expected; it makes a rule unknown.
pub(super) struct Arguments<'a> {
    with: &'a Value,
}

/// A comparison of a parameter with a constant.
#[derive(Debug, Clone, Copy)]
pub(super) struct Condition<'a> {
    pub(super) parameter: &'a str,
    pub(super) op: &'a str,
    pub(super) value: &'a str,
}

impl<'a> Arguments<'a> {
    pub(super) const fn new(with: &'a Value) -> Self {
        Self { with }
    }

    /// A required text or label.
    pub(super) fn text(&self, name: &str) -> Result<&'a str, Finding> {
        self.maybe(name).ok_or_else(|| unknown(format!("the argument `{name}`"), "it is missing", Vec::new()))
    }

    /// An optional text or label.
    pub(super) fn maybe(&self, name: &str) -> Option<&'a str> {
        self.with.get(name)?.as_str()
    }

    /// A list of texts or labels; empty when it is not given.
    pub(super) fn list(&self, name: &str) -> Vec<&'a str> {
        self.with.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
    }

    pub(super) fn number(&self, name: &str) -> Option<usize> {
        self.with.get(name)?.as_u64().and_then(|number| usize::try_from(number).ok())
    }

    /// A flag; `false` when it is not given.
    pub(super) fn flag(&self, name: &str) -> bool {
        self.with.get(name).and_then(Value::as_bool).unwrap_or_default()
    }

    /// A duration with its unit, such as `5s`.
    pub(super) fn duration(&self, name: &str) -> Result<Duration, Finding> {
        let text = self.text(name)?;
        duration(text).ok_or_else(|| unknown(format!("a duration in `{name}`"), format!("{text:?}"), Vec::new()))
    }

    pub(super) fn condition(&self, name: &str) -> Option<Condition<'a>> {
        let condition = self.with.get(name)?;
        let part = |part: &str| condition.get(part).and_then(Value::as_str);
        Some(Condition { parameter: part("parameter")?, op: part("op")?, value: part("value")? })
    }
}

/// A duration as cases and profiles write it.
pub(super) fn duration(text: &str) -> Option<Duration> {
    raw::text::Duration(text.to_owned()).get()
}
