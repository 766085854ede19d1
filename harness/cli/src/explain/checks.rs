//! Metrics in words.

use serde_json::Value;
use std::fmt::Write as _;
use uspec_testplan::{
    case::{Action, Check, Codes, Step, TestCase},
    pattern::Pattern,
    rule,
};
use uspec_usp::{
    error_code,
    schema::{Content, MessageKind},
};

use super::{actions, body::value, conditions};

/// What stands before each level of what is joined.
const INDENT: &str = "  ";

/// What must hold, one line each; what belongs to a line stands below it, indented.
pub(super) fn lines(check: &Check, since: Option<&str>, case: &TestCase) -> Vec<String> {
    let mut lines = of(check, case);
    if let (Some(since), Some(first)) = (since, lines.first_mut()) {
        let _ = write!(first, " (from USP {since} on)");
    }
    lines
}

fn of(check: &Check, case: &TestCase) -> Vec<String> {
    match check {
        Check::Response { to, matching } => {
            let name = kind(case, to)
                .map_or_else(|| "its Response".to_owned(), |kind| actions::article(&Content::Response(kind).name()));
            wanting(format!("`{to}` is answered by {name}"), matching.as_ref())
        }
        Check::Error { to, codes, matching } => {
            let codes = match codes {
                Codes::Applicable => ", with codes that TR-369 allows for it".to_owned(),
                Codes::OneOf(codes) => {
                    let codes: Vec<_> = codes.iter().map(|code| error_code::describe(*code)).collect();
                    format!(", with the code {}", codes.join(" or "))
                }
                Codes::Any => String::new(),
            };
            wanting(format!("`{to}` is answered by an Error{codes}"), matching.as_ref())
        }
        Check::NoResponse { to } => vec![format!("`{to}` is not answered at all")],
        Check::Received { step, matching } => {
            wanting(format!("what `{step}` waits for comes: {}", awaited(case, step)), matching.as_ref())
        }
        Check::NotReceived { step } => {
            vec![format!("what `{step}` watches for does not come: {}", awaited(case, step))]
        }
        Check::Packet { of, matching } => {
            wanting(format!("the packet that brings what `{of}` gets"), matching.as_ref())
        }
        Check::Rule { name, with } => rule(name, with),
        Check::All(checks) => match checks.as_slice() {
            [only] => of(only, case),
            several => joined("all of these hold:", several, case),
        },
        Check::Any(checks) => match checks.as_slice() {
            [only] => of(only, case),
            several => joined("at least one of these holds:", several, case),
        },
    }
}

fn joined(how: &str, checks: &[Check], case: &TestCase) -> Vec<String> {
    let inner = checks.iter().flat_map(|check| {
        let lines = of(check, case).into_iter().enumerate();
        lines.map(|(nth, line)| format!("{}{line}", if nth == 0 { "- " } else { INDENT })).collect::<Vec<_>>()
    });
    std::iter::once(how.to_owned()).chain(inner).collect()
}

/// What is wanted of it, one line each.
fn wanting(what: String, matching: Option<&Pattern>) -> Vec<String> {
    let Some(matching) = matching else { return vec![what] };
    let inner = conditions::all("", matching.source()).into_iter().map(|phrase| format!("{INDENT}{phrase}"));
    std::iter::once(format!("{what}, with")).chain(inner).collect()
}

fn rule(name: &str, with: &Value) -> Vec<String> {
    let says = rule::describe(name).and_then(|lines| lines.into_iter().next()).unwrap_or_else(|| name.to_owned());
    let arguments = with.as_object().into_iter().flatten().map(|(name, it)| format!("{name} = {}", value(it)));
    let arguments = arguments.collect::<Vec<_>>().join("; ");
    let told = if arguments.is_empty() { String::new() } else { format!(": {arguments}") };
    vec![format!("{says} (rule {name}{told})")]
}

fn step<'c>(case: &'c TestCase, label: &str) -> Option<&'c Step> {
    let steps = case.setup.iter().chain(&case.procedure).chain(&case.cleanup);
    steps.into_iter().find(|step| step.label.as_deref() == Some(label))
}

/// The kind of Message that a step sends.
fn kind(case: &TestCase, label: &str) -> Option<MessageKind> {
    match &step(case, label)?.action {
        Action::Request { kind, .. } => Some(*kind),
        Action::Send(send) => send.message.as_ref().map(|(kind, _)| *kind),
        _ => None,
    }
}

fn awaited(case: &TestCase, label: &str) -> String {
    match step(case, label).map(|step| &step.action) {
        Some(Action::Await { what, .. } | Action::Absent { what, .. }) => actions::expected(what),
        _ => "what it gets".to_owned(),
    }
}
