//! Steps in words, for the Trace's readers.

use crate::control;
use uspec_testplan::{
    case::{Action, Answer, Expected, Step},
    trace::{Phase, StepRef},
};

/// What a step does. The first word is its key in the test case.
pub(super) fn action(step: &Step) -> String {
    match &step.action {
        Action::Request { kind, .. } => format!("request {kind}"),
        Action::Send(send) => match (&send.bytes, &send.message) {
            (Some(bytes), _) => format!("send {} bytes", bytes.len()),
            (None, Some((kind, _))) => format!("send a Record with {kind}"),
            (None, None) => "send a Record".to_owned(),
        },
        Action::Await { what, answer: Answer::Normal } => format!("await {}", expected(what)),
        Action::Await { what, answer: Answer::Withhold } => format!("await {}, answer withheld", expected(what)),
        Action::Absent { what, .. } => format!("absent {}", expected(what)),
        Action::Wait(duration) => format!("wait {duration:?}"),
        Action::Eut(action) => format!("eut {}", control::name(*action)),
    }
}

/// Which step, as the test case's reader finds it.
pub(super) fn place(step: &StepRef) -> String {
    let phase = match step.phase {
        Phase::BringUp => "bring-up",
        Phase::Setup => "setup",
        Phase::Procedure => "procedure",
        Phase::CleanUp => "cleanup",
    };
    let nth = step.index.saturating_add(1);
    match &step.label {
        Some(label) => format!("`{label}` ({phase} {nth})"),
        None => format!("{phase} {nth}"),
    }
}

fn expected(what: &Expected) -> String {
    match what {
        Expected::ResponseTo(label) => format!("an answer to `{label}`"),
        Expected::Notify { subscription_id: Some(id), .. } => format!("a Notify of subscription {id}"),
        Expected::Notify { subscription_id: None, .. } => "a Notify".to_owned(),
        Expected::Connected => "the EUT's connection".to_owned(),
        Expected::Disconnected => "the end of the EUT's connection".to_owned(),
    }
}
