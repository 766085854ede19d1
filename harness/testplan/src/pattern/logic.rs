//! `$one_of`, `$all_of`, `$not`: patterns from patterns.

use serde_json::Value;
use uspec_usp::field_path::FieldPath;

use super::{Context, Matcher, Node, Place, compile, finding, unmet};
use crate::{
    problem::Problem,
    show,
    verdict::{Finding, Outcome},
};

/// `$one_of`: at least one of the patterns matches.
#[derive(Debug)]
struct OneOf {
    patterns: Vec<Node>,
}

impl Matcher for OneOf {
    fn check(&self, place: &Place<'_>, seen: Option<&Value>, context: &Context<'_>, findings: &mut Vec<Finding>) {
        let judged: Vec<_> = self.patterns.iter().map(|pattern| pattern.judge(place, seen, context)).collect();
        let best = judged.iter().map(|(outcome, _)| *outcome).min().unwrap_or(Outcome::Unmet);
        if best == Outcome::Met {
            return;
        }
        let alternatives = judged.iter().filter_map(|(_, inner)| inner.first());
        let expected: Vec<_> = alternatives
            .map(|first| match &first.path {
                Some(path) => format!("{path}: {}", first.expected),
                None => first.expected.clone(),
            })
            .collect();
        let expected = format!("one of: {}", show::cut(&expected.join(" | ")));
        findings.push(finding(best, place, expected, show::optional(seen)));
    }
}

/// `$all_of`: every one of the patterns matches.
#[derive(Debug)]
struct AllOf {
    patterns: Vec<Node>,
}

impl Matcher for AllOf {
    fn check(&self, place: &Place<'_>, seen: Option<&Value>, context: &Context<'_>, findings: &mut Vec<Finding>) {
        for pattern in &self.patterns {
            pattern.check(place, seen, context, findings);
        }
    }
}

/// `$not`: the pattern does not match.
#[derive(Debug)]
struct Not {
    pattern: Node,
    source: Value,
}

impl Matcher for Not {
    fn check(&self, place: &Place<'_>, seen: Option<&Value>, context: &Context<'_>, findings: &mut Vec<Finding>) {
        let (outcome, inner) = self.pattern.judge(place, seen, context);
        match outcome {
            Outcome::Met => {
                findings.push(unmet(place, format!("not {}", show::value(&self.source)), show::optional(seen)));
            }
            Outcome::Unknown => findings.extend(inner),
            Outcome::Unmet => {}
        }
    }
}

pub(super) fn one_of(argument: &Value, path: &FieldPath, problems: &mut Vec<Problem>) -> Option<Box<dyn Matcher>> {
    patterns(argument, path, problems).map(|patterns| Box::new(OneOf { patterns }) as _)
}

pub(super) fn all_of(argument: &Value, path: &FieldPath, problems: &mut Vec<Problem>) -> Option<Box<dyn Matcher>> {
    patterns(argument, path, problems).map(|patterns| Box::new(AllOf { patterns }) as _)
}

pub(super) fn not(argument: &Value, path: &FieldPath, problems: &mut Vec<Problem>) -> Option<Box<dyn Matcher>> {
    let source = argument.clone();
    compile::node(argument, path, problems).map(|pattern| Box::new(Not { pattern, source }) as _)
}

fn patterns(argument: &Value, path: &FieldPath, problems: &mut Vec<Problem>) -> Option<Vec<Node>> {
    match argument {
        Value::Array(list) if !list.is_empty() => compile::nodes(list, path, problems),
        _ => {
            problems.push(Problem::new(path.clone(), "a list of at least one pattern must stand here"));
            None
        }
    }
}
