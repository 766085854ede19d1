//! A Trace that can be shown: a copy without its secrets.
//!
//! One decision behind it: in octets, a secret is replaced by as many `*`, so that every length still holds and Records can still be decoded.

use std::borrow::Cow;

use super::{Secret, cover::Cover, secrets};
use crate::trace::{Event, Trace, What};

/// The Trace as a report may show it: secrets are [`MASK`](super::MASK) in texts and `*` in octets, and so is what crossed a WebSocket once
/// it was open, and a payload that tells secrets and cannot be searched for them. Each event stands at its place, and each run of octets is as
/// long as it was. A note at the end says what was done. Without secrets the Trace is as it was. What is shown is not evidence any more: it
/// is never judged.
pub fn masked(trace: &Trace) -> Cow<'_, Trace> {
    let secrets = secrets(trace);
    if secrets.iter().all(|secret| secret.value.is_empty()) {
        return Cow::Borrowed(trace);
    }
    let mut shown = trace.clone();
    Cover::of(trace, &secrets).trace(&mut shown);
    let hidden = |secret: &Secret| Secret { at: secret.at.clone(), value: Vec::new() };
    shown.header.secrets = Some(secrets.iter().map(hidden).collect());
    let at_us = shown.events.last().map_or(0, |event| event.at_us);
    let seq = u64::try_from(shown.events.len()).unwrap_or(u64::MAX);
    let text = format!("{} secrets are masked here; the Trace itself has them", secrets.len());
    shown.events.push(Event { seq, at_us, what: What::Note { text } });
    Cow::Owned(shown)
}
