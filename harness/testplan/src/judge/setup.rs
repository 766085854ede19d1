//! Whether the state was reached in which the procedure may begin.

use serde_json::Value;
use uspec_usp::schema::{Content, MessageKind};

use super::evidence::{Evidence, describe_error};
use crate::{
    case::{Action, Step},
    pattern::Context,
    show,
    trace::{Phase, StepOutcome},
    view::StepSeen,
};

/// Why the state was not reached; `None` when it was.
pub(super) fn not_reached(evidence: Evidence<'_>) -> Option<String> {
    let bring_up = evidence.view.steps.iter().filter(|step| step.step.phase == Phase::BringUp);
    let bring_up = bring_up.into_iter().find_map(|step| undone(step).map(|why| format!("bring-up: {why}")));
    bring_up.or_else(|| {
        evidence.case.setup.iter().enumerate().find_map(|(index, step)| {
            let nth = index.saturating_add(1);
            let seen = evidence.view.step(Phase::Setup, index, step.label.as_deref());
            let why = match seen {
                Some(seen) if !is_silence(step, seen) => undone(seen).or_else(|| unsettled(evidence, step, seen)),
                Some(_) => None,
                None if !evidence.exists(step) => None,
                None => Some("it did not run".to_owned()),
            };
            why.map(|why| show::cut(&format!("setup step {nth}: {why}")))
        })
    })
}

/// Whether a step saw to it that nothing comes, and nothing came: a Trace may say so in either way.
fn is_silence(step: &Step, seen: &StepSeen<'_>) -> bool {
    let silent = matches!(seen.outcome, Some(StepOutcome::TimedOut { .. } | StepOutcome::Done { matched: None }));
    silent && matches!(step.action, Action::Absent { .. })
}

/// Why a step did not do what it does.
fn undone(step: &StepSeen<'_>) -> Option<String> {
    match step.outcome {
        Some(StepOutcome::Done { .. }) => None,
        Some(StepOutcome::TimedOut { waited_ms }) => Some(format!("nothing came within {}", show::seconds(*waited_ms))),
        Some(StepOutcome::NotReached { reason }) => Some(format!("not reached: {reason}")),
        Some(StepOutcome::Fault { causes }) => Some(format!("the harness failed: {}", causes.join(": "))),
        None => Some("the Trace ends before it does".to_owned()),
    }
}

/// What is missing of a setup step that was done.
fn unsettled(evidence: Evidence<'_>, step: &Step, seen: &StepSeen<'_>) -> Option<String> {
    if let Action::Absent { .. } = step.action
        && let Some(StepOutcome::Done { matched: Some(_) }) = seen.outcome
    {
        return Some("what must not come came".to_owned());
    }
    if let Action::Request { .. } = step.action
        && let Some(sent) = evidence.view.sent_by(seen).next()
        && let Some(answer) = evidence.view.answers(sent).first()
    {
        match (answer.content, answer.body()) {
            (Some(Content::Response(kind)), Some(body)) if sent.request() == Some(kind) => {
                if let Some(why) = mismatch(evidence, step, body, kind) {
                    return Some(why);
                }
            }
            (Some(Content::Error), Some(body)) => return Some(describe_error(body)),
            _ => return Some(format!("{} came", answer.name())),
        }
    }
    let lost = step.capture.iter().find(|capture| !evidence.view.variables.contains_key(&capture.name))?;
    Some(format!("the answer has no {} for `{}`", lost.path, lost.name))
}

/// Where a Response is not what the setup needs.
fn mismatch(evidence: Evidence<'_>, step: &Step, body: &Value, kind: MessageKind) -> Option<String> {
    let context = Context { variables: &evidence.view.variables, answered: Some(kind) };
    let finding = step.matching.as_ref()?.matches(body, &context).into_iter().next()?;
    let path = finding.path.map(|path| format!("{path}: ")).unwrap_or_default();
    Some(format!("{path}expected {}, seen {}", finding.expected, finding.seen))
}
