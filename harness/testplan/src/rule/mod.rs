//! Named rules: what patterns cannot say.

use serde_json::Value;

use crate::problem::Problem;

/// One mistake in the arguments of a rule.
pub type RuleProblem = Problem;

/// The names of all rules, in alphabetical order.
pub fn names() -> Vec<&'static str> {
    Vec::new()
}

/// Every mistake in the arguments of the rule `name`.
pub fn check_arguments(_name: &str, _with: &Value) -> Vec<RuleProblem> {
    Vec::new()
}
