//! `$error_code: applicable`: a code that TR-369 allows for the answered Message in that place.

use serde_json::Value;
use uspec_usp::{
    error_code::{self, Place as CodePlace},
    field_path::FieldPath,
};

use super::{Context, Matcher, Place, finding, unmet};
use crate::{
    problem::Problem,
    show,
    verdict::{Finding, Outcome},
};

/// `$error_code: applicable`.
#[derive(Debug)]
struct Applicable;

impl Matcher for Applicable {
    fn check(&self, place: &Place<'_>, seen: Option<&Value>, context: &Context<'_>, findings: &mut Vec<Finding>) {
        let Some(kind) = context.answered else {
            let expected = "an error code that TR-369 allows here";
            findings.push(finding(Outcome::Unknown, place, expected, "which Request this answers is not known"));
            return;
        };
        let stands = stands_at(place);
        let code = seen.and_then(Value::as_u64).and_then(|code| u32::try_from(code).ok());
        if code.is_some_and(|code| error_code::applicable(kind, code, stands)) {
            return;
        }
        let allowed = error_code::describe_applicable(kind, stands);
        let expected = format!("an error code that TR-369 allows in the answer to {kind} here: {allowed}");
        findings.push(unmet(place, expected, code.map_or_else(|| show::optional(seen), error_code::describe)));
    }
}

/// Which kind of place an `err_code` has in the Error, Response or Notify that the pattern is on.
fn stands_at(place: &Place<'_>) -> CodePlace {
    let mut around = place.names().skip(1);
    match around.next() {
        None => CodePlace::ErrorMessage,
        Some("param_errs") => CodePlace::ParamError,
        Some("cmd_failure") => CodePlace::CommandFailure,
        Some(_) => CodePlace::PathResult,
    }
}

pub(super) fn error_code(argument: &Value, path: &FieldPath, problems: &mut Vec<Problem>) -> Option<Box<dyn Matcher>> {
    if argument == "applicable" {
        return Some(Box::new(Applicable));
    }
    problems.push(
        Problem::new(path.clone(), "`$error_code` takes the word `applicable`")
            .help("for certain codes write a number, or `$one_of: [7004, 7012]`"),
    );
    None
}
