//! Patterns: what a case expects a Message to look like.
//!
//! One decision behind it: the same code decides and explains. A pattern returns what does not hold, with its place in
//! the Message, what was expected and what was seen; a match is the empty list.
//!
//! A map of names matches a subset of the fields, a list its items one by one, a scalar an equal scalar. Keys with `$` are
//! matchers, one family a file, all in [`registry`].

mod compile;
mod entries;
mod error_code;
mod fields;
mod items;
mod logic;
mod multiset;
mod paths;
mod place;
mod presence;
mod registry;
mod structure;
#[cfg(test)]
mod tests;
mod text;
mod typed;

use std::{collections::BTreeMap, fmt, sync::Arc};

use serde_json::Value;
use uspec_usp::{
    field_path::FieldPath,
    schema::{Content, MessageKind},
};

use crate::{
    problem::Problem,
    template::{self, Undefined},
    verdict::{Finding, Outcome},
};
pub(crate) use paths::{is_instance_of, is_relative, parse_table};
use place::Place;

/// One mistake in a pattern.
pub type PatternProblem = Problem;

/// A compiled pattern. Two patterns are equal when their authors wrote the same.
#[derive(Clone)]
pub struct Pattern {
    source: Value,
    node: Node,
}

/// What a pattern may refer to, beyond the value that it is held against.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The variables' values.
    pub variables: &'a BTreeMap<String, String>,
    /// The Request that the value answers, for `$error_code`.
    pub answered: Option<MessageKind>,
}

/// Every matcher's key, in alphabetical order, for diagnostics and the JSON Schema.
pub fn matcher_names() -> Vec<&'static str> {
    registry::MATCHERS.iter().map(|(name, _)| *name).collect()
}

impl Pattern {
    /// Compiles what an author wrote; every mistake is reported.
    pub fn compile(source: &Value) -> Result<Self, Vec<PatternProblem>> {
        let mut problems = Vec::new();
        let node = compile::node(source, &FieldPath::root(), &mut problems);
        match (node, problems.is_empty()) {
            (Some(node), true) => Ok(Self { source: source.clone(), node }),
            _ => Err(problems),
        }
    }

    /// Every field that the pattern names and the schema of `content` does not have. An unknown field never comes, so that
    /// without this `$absent` on a misspelt name would always hold.
    pub fn check_fields(&self, content: Content) -> Vec<PatternProblem> {
        fields::check(&self.source, content)
    }

    /// The same for a pattern on a Record.
    pub fn check_record_fields(&self) -> Vec<PatternProblem> {
        fields::check_record(&self.source)
    }

    /// The same for a pattern on a map with these keys alone.
    pub fn check_keys(&self, known: &[&str]) -> Vec<PatternProblem> {
        fields::check_keys(&self.source, known)
    }

    /// What the author wrote.
    pub fn source(&self) -> &Value {
        &self.source
    }

    /// What of the pattern does not hold for `value` (unmet), or cannot be said because a variable has no value
    /// (unknown); empty when it matches. `path` is the place in `value`; requirement and events are the caller's to fill in.
    pub fn matches(&self, value: &Value, context: &Context<'_>) -> Vec<Finding> {
        let mut findings = Vec::new();
        self.node.check(&Place::root(), Some(value), context, &mut findings);
        findings
    }

    /// Whether the pattern matches for certain.
    pub fn is_match(&self, value: &Value, context: &Context<'_>) -> bool {
        self.matches(value, context).is_empty()
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pattern").field(&self.source).finish()
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

/// One matcher with its argument.
trait Matcher: fmt::Debug + Send + Sync {
    /// Adds what does not hold for `seen`, which is `None` where the field is absent.
    fn check(&self, place: &Place<'_>, seen: Option<&Value>, context: &Context<'_>, findings: &mut Vec<Finding>);
}

/// One place of a pattern: all of its matchers must hold.
#[derive(Debug, Clone)]
struct Node(Arc<[Box<dyn Matcher>]>);

impl Node {
    fn new(matchers: Vec<Box<dyn Matcher>>) -> Self {
        Self(matchers.into())
    }

    fn check(&self, place: &Place<'_>, seen: Option<&Value>, context: &Context<'_>, findings: &mut Vec<Finding>) {
        for matcher in self.0.iter() {
            matcher.check(place, seen, context, findings);
        }
    }

    /// The findings of this node alone and the worst of them.
    fn judge(&self, place: &Place<'_>, seen: Option<&Value>, context: &Context<'_>) -> (Outcome, Vec<Finding>) {
        let mut findings = Vec::new();
        self.check(place, seen, context, &mut findings);
        (worst(&findings), findings)
    }
}

/// The worst outcome of some findings; met when there is none.
fn worst(findings: &[Finding]) -> Outcome {
    findings.iter().map(|finding| finding.outcome).max().unwrap_or(Outcome::Met)
}

/// A finding that the pattern does not hold.
fn unmet(place: &Place<'_>, expected: impl Into<String>, seen: impl Into<String>) -> Finding {
    finding(Outcome::Unmet, place, expected, seen)
}

/// A finding that it cannot be said whether the pattern holds.
fn unknown(place: &Place<'_>, expected: impl Into<String>, undefined: &Undefined) -> Finding {
    finding(Outcome::Unknown, place, expected, undefined.to_string())
}

fn finding(outcome: Outcome, place: &Place<'_>, expected: impl Into<String>, seen: impl Into<String>) -> Finding {
    let path = place.path().to_string();
    Finding {
        outcome,
        requirement: None,
        expected: expected.into(),
        seen: seen.into(),
        path: (!path.is_empty()).then_some(path),
        events: Vec::new(),
    }
}

/// The text with its variables replaced, or a finding that says which one has no value.
fn expand(template: &str, place: &Place<'_>, context: &Context<'_>, findings: &mut Vec<Finding>) -> Option<String> {
    match template::substitute(template, context.variables) {
        Ok(text) => Some(text),
        Err(undefined) => {
            findings.push(unknown(place, format!("the value of {template}"), &undefined));
            None
        }
    }
}
