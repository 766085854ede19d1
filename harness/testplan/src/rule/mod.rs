//! Named rules: what patterns cannot say, because it spans several Messages or takes a computation.
//!
//! One decision behind it: a rule is a function of the evidence and its arguments, as pure as a pattern, and returns
//! findings that explain. One file a rule, one line in [`RULES`]; `testcases/FORMAT.md` describes them for authors.

#![allow(clippy::result_large_err, reason = "the error is a finding, built once where a check ends, and read as it is")]

mod arguments;
mod content_length;
mod heart_beats;
mod instances_exist;
mod instances_gone;
mod interval;
mod key_values;
mod lists_all_instances;
mod moment;
mod object_parameters;
mod protocol_versions;
mod read;
mod reply_topic;
mod retry_interval;
mod same_instances;
mod search_matches;
mod sub_objects;
mod subscribed;
mod supported_dm;
#[cfg(test)]
mod tests;
mod unique_keys;
mod values_match;

use serde_json::Value;
use uspec_usp::field_path::FieldPath;

use crate::{
    judge::{
        evidence::Evidence,
        finding::{met, unknown},
    },
    problem::Problem,
    template,
    verdict::{Finding, Outcome},
};
use arguments::{Argument, Arguments, Kind};

/// One mistake in the arguments of a rule.
pub type RuleProblem = Problem;

/// How many findings of one rule are reported: the first ones explain it.
const MAX_FINDINGS: usize = 12;

/// What a rule found; an error is a finding that ends it early.
type Judged = Result<Vec<Finding>, Finding>;

/// One rule.
struct Rule {
    name: &'static str,
    /// What it says, in one line.
    says: &'static str,
    arguments: &'static [Argument],
    judge: fn(Evidence<'_>, &Arguments<'_>) -> Judged,
}

/// Every rule, in alphabetical order.
const RULES: &[Rule] = &[
    Rule {
        name: "content_length",
        says: content_length::SAYS,
        arguments: content_length::ARGUMENTS,
        judge: content_length::judge,
    },
    Rule {
        name: "distinct",
        says: key_values::DISTINCT,
        arguments: key_values::ARGUMENTS,
        judge: key_values::distinct,
    },
    Rule { name: "heart_beats", says: heart_beats::SAYS, arguments: heart_beats::ARGUMENTS, judge: heart_beats::judge },
    Rule {
        name: "identical",
        says: key_values::IDENTICAL,
        arguments: key_values::ARGUMENTS,
        judge: key_values::identical,
    },
    Rule {
        name: "instances_exist",
        says: instances_exist::SAYS,
        arguments: instances_exist::ARGUMENTS,
        judge: instances_exist::judge,
    },
    Rule {
        name: "instances_gone",
        says: instances_gone::SAYS,
        arguments: instances_gone::ARGUMENTS,
        judge: instances_gone::judge,
    },
    Rule { name: "interval", says: interval::SAYS, arguments: interval::ARGUMENTS, judge: interval::judge },
    Rule {
        name: "lists_all_instances",
        says: lists_all_instances::SAYS,
        arguments: lists_all_instances::ARGUMENTS,
        judge: lists_all_instances::judge,
    },
    Rule {
        name: "object_parameters",
        says: object_parameters::SAYS,
        arguments: object_parameters::ARGUMENTS,
        judge: object_parameters::judge,
    },
    Rule {
        name: "protocol_versions",
        says: protocol_versions::SAYS,
        arguments: protocol_versions::ARGUMENTS,
        judge: protocol_versions::judge,
    },
    Rule { name: "reply_topic", says: reply_topic::SAYS, arguments: reply_topic::ARGUMENTS, judge: reply_topic::judge },
    Rule {
        name: "retry_interval",
        says: retry_interval::SAYS,
        arguments: retry_interval::ARGUMENTS,
        judge: retry_interval::judge,
    },
    Rule {
        name: "same_instances",
        says: same_instances::SAYS,
        arguments: same_instances::ARGUMENTS,
        judge: same_instances::judge,
    },
    Rule {
        name: "search_matches",
        says: search_matches::SAYS,
        arguments: search_matches::ARGUMENTS,
        judge: search_matches::judge,
    },
    Rule { name: "sub_objects", says: sub_objects::SAYS, arguments: sub_objects::ARGUMENTS, judge: sub_objects::judge },
    Rule { name: "subscribed", says: subscribed::SAYS, arguments: subscribed::ARGUMENTS, judge: subscribed::judge },
    Rule {
        name: "supported_dm",
        says: supported_dm::SAYS,
        arguments: supported_dm::ARGUMENTS,
        judge: supported_dm::judge,
    },
    Rule { name: "unique_keys", says: unique_keys::SAYS, arguments: unique_keys::ARGUMENTS, judge: unique_keys::judge },
    Rule {
        name: "values_match",
        says: values_match::SAYS,
        arguments: values_match::ARGUMENTS,
        judge: values_match::judge,
    },
];

/// The names of all rules, in alphabetical order.
pub fn names() -> Vec<&'static str> {
    RULES.iter().map(|rule| rule.name).collect()
}

/// What a rule says and which arguments it takes, as lines for a person; `None` when there is no such rule.
pub fn describe(name: &str) -> Option<Vec<String>> {
    let rule = RULES.iter().find(|rule| rule.name == name)?;
    let arguments = rule.arguments.iter().map(Argument::describe);
    Some(std::iter::once(rule.says.to_owned()).chain(arguments).collect())
}

/// Every mistake in the arguments of the rule `name`: unknown or missing ones, and values of the wrong form.
pub fn check_arguments(name: &str, with: &Value) -> Vec<RuleProblem> {
    match RULES.iter().find(|rule| rule.name == name) {
        Some(rule) => arguments::check(rule.arguments, with),
        None => vec![Problem::new(FieldPath::root(), format!("there is no rule `{name}`"))],
    }
}

/// The steps that the arguments refer to, with the place of each, for a check that they exist.
pub fn labels(name: &str, with: &Value) -> Vec<(FieldPath, String)> {
    let rule = RULES.iter().find(|rule| rule.name == name);
    rule.map(|rule| arguments::labels(rule.arguments, with)).unwrap_or_default()
}

/// Applies a rule; never empty.
pub(crate) fn judge(name: &str, with: &Value, evidence: Evidence<'_>) -> Vec<Finding> {
    let Some(rule) = RULES.iter().find(|rule| rule.name == name) else {
        return vec![unknown(format!("the rule {name}"), "there is no such rule", Vec::new())];
    };
    let with = match template::substitute_in(with, &evidence.view.variables) {
        Ok(with) => with,
        Err(undefined) => return vec![unknown(rule.says, undefined.to_string(), Vec::new())],
    };
    let mut findings = (rule.judge)(evidence, &Arguments::new(&with)).unwrap_or_else(|finding| vec![finding]);
    if findings.is_empty() {
        return vec![met(rule.says, "it holds", Vec::new())];
    }
    if findings.len() > MAX_FINDINGS {
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.outcome));
        let wrong = findings.iter().filter(|finding| finding.outcome != Outcome::Met).count();
        findings.truncate(MAX_FINDINGS);
        if let Some(last) = findings.last_mut().filter(|_| wrong > MAX_FINDINGS) {
            let more = wrong.saturating_sub(MAX_FINDINGS);
            last.seen = format!("{} (and {more} more findings of this rule)", last.seen);
        }
    }
    findings
}
