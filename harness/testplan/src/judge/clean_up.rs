//! What became of the clean-up.

use serde_json::Value;
use uspec_usp::schema::Content;

use super::evidence::{Evidence, describe_error};
use crate::{
    case::{Action, Step},
    show,
    template::placeholders_in,
    trace::{Phase, StepOutcome, What},
    verdict::CleanUp,
    view::StepSeen,
};

/// Dirty when a step of the clean-up did not succeed or the EUT is not as found; unverified when that could not be seen.
pub(super) fn clean_up(evidence: Evidence<'_>) -> CleanUp {
    let mut dirty = Vec::new();
    let mut unseen = Vec::new();
    for (index, step) in evidence.case.cleanup.iter().enumerate() {
        let nth = index.saturating_add(1);
        match evidence.view.step(Phase::CleanUp, index, step.label.as_deref()) {
            Some(seen) => match outcome(evidence, step, seen) {
                Ended::Well => {}
                Ended::Badly(why) => dirty.push(format!("clean-up step {nth}: {why}")),
                Ended::Unseen(why) => unseen.push(format!("clean-up step {nth}: {why}")),
            },
            None if lacks_a_value(evidence, step) || !evidence.exists(step) => {}
            None => unseen.push(format!("clean-up step {nth} did not run")),
        }
    }
    let compared = evidence.view.trace.events.iter().rev().find_map(|event| match &event.what {
        What::CleanUp { differences } => Some(differences),
        _ => None,
    });
    dirty.extend(compared.into_iter().flatten().cloned());
    if !dirty.is_empty() {
        return CleanUp::Dirty(dirty);
    }
    if compared.is_none() {
        unseen.push("the state of the EUT was not compared with the one before the case".to_owned());
    }
    if unseen.is_empty() { CleanUp::Clean } else { CleanUp::Unverified(unseen.join("; ")) }
}

enum Ended {
    Well,
    Badly(String),
    Unseen(String),
}

fn outcome(evidence: Evidence<'_>, step: &Step, seen: &StepSeen<'_>) -> Ended {
    match (seen.outcome, &step.action) {
        (Some(StepOutcome::NotReached { .. }), _) if lacks_a_value(evidence, step) => Ended::Well,
        (Some(StepOutcome::NotReached { reason }), _) => Ended::Unseen(format!("not reached: {reason}")),
        (Some(StepOutcome::Fault { causes }), _) => Ended::Unseen(format!("the harness failed: {}", causes.join(": "))),
        (Some(StepOutcome::TimedOut { waited_ms }), Action::Request { .. }) => {
            Ended::Badly(format!("no answer within {}", show::seconds(*waited_ms)))
        }
        (Some(StepOutcome::Done { .. }), Action::Request { .. }) => answered(evidence, seen),
        (Some(StepOutcome::TimedOut { waited_ms }), Action::Await { .. }) => {
            Ended::Badly(format!("what it awaits did not come within {}", show::seconds(*waited_ms)))
        }
        (Some(_), _) => Ended::Well,
        (None, _) => Ended::Unseen("the Trace ends before it does".to_owned()),
    }
}

fn answered(evidence: Evidence<'_>, seen: &StepSeen<'_>) -> Ended {
    let Some(sent) = evidence.view.sent_by(seen).next() else {
        return Ended::Unseen("the Trace does not hold what it sent".to_owned());
    };
    let answers = evidence.view.answers(sent);
    let Some(answer) = answers.first() else { return Ended::Unseen("the Trace does not hold its answer".to_owned()) };
    match (answer.content, answer.body()) {
        (Some(Content::Error), Some(body)) => Ended::Badly(describe_error(body)),
        (Some(Content::Response(_)), Some(body)) => match failure(body) {
            // Where partial success is asked for, what was gone already may count as a failure; what is left is
            // seen when the state is compared.
            Some(_) if sent.body().is_some_and(|body| body.get("allow_partial") == Some(&Value::Bool(true))) => {
                Ended::Well
            }
            Some(failure) => Ended::Badly(format!("{} reports {}", answer.name(), show::value(failure))),
            None => Ended::Well,
        },
        _ => Ended::Badly(format!("{} came", answer.name())),
    }
}

/// The first failure inside a Response, wherever the kind of Message has it.
fn failure(body: &Value) -> Option<&Value> {
    match body {
        Value::Array(items) => items.iter().find_map(failure),
        Value::Object(fields) => fields.iter().find_map(|(name, value)| match name.as_str() {
            "oper_failure" | "cmd_failure" => Some(value),
            "unaffected_path_errs" | "param_errs" if value.as_array().is_some_and(|list| !list.is_empty()) => {
                Some(value)
            }
            "err_code" if value.as_u64().is_some_and(|code| code != 0) => Some(body),
            _ => failure(value),
        }),
        _ => None,
    }
}

/// Whether a step refers to what an earlier step did not yield: then there is nothing to clean up.
fn lacks_a_value(evidence: Evidence<'_>, step: &Step) -> bool {
    let names = match &step.action {
        Action::Request { body, .. } => placeholders_in(body),
        Action::Send(send) => send.message.iter().flat_map(|(_, body)| placeholders_in(body)).collect(),
        _ => Vec::new(),
    };
    names.iter().any(|name| !evidence.view.variables.contains_key(name))
}
