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
    pub(super) required: bool,
    /// What it means, in one line.
    pub(super) means: &'static str,
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
        Self { name, kind, required: true, means }
    }

    pub(super) const fn optional(name: &'static str, kind: Kind, means: &'static str) -> Self {
        Self { name, kind, required: false, means }
    }

    pub(super) fn describe(&self) -> String {
        let optional = if self.required { "" } else { ", optional" };
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
    for missing in arguments.iter().filter(|it| it.required && !given.contains_key(it.name)) {
        let message = format!("the argument `{}` is missing", missing.name);
        problems.push(Problem::new(root.clone(), message).help(missing.describe()));
    }
    problems
}

fn check_value(argument: &Argument, value: &Value, path: &FieldPath, problems: &mut Vec<Problem>) {
    let fits = match argument.kind {
        Kind::Label | Kind::Text => value.is_string(),
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
