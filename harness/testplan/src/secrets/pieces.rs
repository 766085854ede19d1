//! What of a Trace can be searched: its texts and runs of octets.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Secret, carried::parts, search::Search};
use crate::trace::{StepOutcome, Trace, What};

/// A shorter secret says nothing by itself, and is not looked for in other Traces.
const MIN_KNOWN: usize = 4;

/// Those of the secrets that turn up anywhere in the Trace.
pub(super) fn turning_up(trace: &Trace, secrets: Vec<Secret>) -> Vec<Secret> {
    let values = secrets.iter().enumerate().map(|(owner, secret)| (owner, secret.value.as_slice()));
    let search = Search::new(values.filter(|(_, value)| value.len() >= MIN_KNOWN));
    let mut there = BTreeSet::new();
    let mut look = |octets: &[u8]| {
        search.find(octets, &mut |form, seen| {
            let alone = seen.is_alone(form.length);
            if alone {
                there.extend(form.owners.iter().copied());
            }
            alone
        });
    };
    trace.header.variables.values().for_each(|value| look(value.as_bytes()));
    trace.events.iter().for_each(|event| each_piece(&event.what, &mut look));
    secrets.into_iter().enumerate().filter(|(owner, _)| there.contains(owner)).map(|(_, secret)| secret).collect()
}

/// Whether an event holds what others said, in texts that findings can show without quotes.
pub(super) fn is_told(what: &What) -> bool {
    match what {
        What::Connection { .. }
        | What::StepEnded { .. }
        | What::Eut { .. }
        | What::CleanUp { .. }
        | What::Note { .. } => true,
        What::Frame { kind, .. } => !matches!(kind.as_str(), "binary" | "continuation"),
        What::StepStarted { .. }
        | What::Captured { .. }
        | What::Record { .. }
        | What::Octets { .. }
        | What::Packet { .. } => false,
    }
}

/// Every text and every run of octets of an event.
pub(super) fn each_piece(what: &What, look: &mut dyn FnMut(&[u8])) {
    match what {
        What::Record { bytes, .. } => {
            look(bytes);
            let parts = parts(bytes);
            if parts.len() > 1 {
                look(&parts.into_iter().filter_map(|part| bytes.get(part)).collect::<Vec<_>>().concat());
            }
        }
        What::Octets { bytes, .. } | What::Frame { payload: bytes, .. } => look(bytes),
        What::Packet { fields, body, .. } => {
            each_text(fields, look);
            look(body);
        }
        What::Connection { details, .. } => each_text(details, look),
        What::StepStarted { action, .. } => look(action.as_bytes()),
        What::StepEnded { outcome: StepOutcome::NotReached { reason }, .. } => look(reason.as_bytes()),
        What::StepEnded { outcome: StepOutcome::Fault { causes }, .. } => {
            for cause in causes {
                look(cause.as_bytes());
            }
        }
        What::StepEnded { .. } => {}
        What::Captured { value, .. } => look(value.as_bytes()),
        What::Eut { action, outcome, .. } => [action, outcome].into_iter().for_each(|it| look(it.as_bytes())),
        What::CleanUp { differences } => differences.iter().for_each(|it| look(it.as_bytes())),
        What::Note { text } => look(text.as_bytes()),
    }
}

fn each_text(tree: &Value, look: &mut dyn FnMut(&[u8])) {
    match tree {
        Value::String(text) => look(text.as_bytes()),
        Value::Array(items) => items.iter().for_each(|item| each_text(item, look)),
        Value::Object(fields) => fields.values().for_each(|value| each_text(value, look)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
