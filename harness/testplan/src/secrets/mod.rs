//! What of a Trace is a secret: passwords, passcodes, tokens, keys. It is marked in the Trace's header, and masked wherever a report shows
//! anything of the Trace.
//!
//! One decision behind it: the Trace stays byte-exact, because its bytes are what is judged. A secret is a value, known by the name of the
//! field or parameter in which it stood; once known, it is masked wherever else it shows up, as text, hex or base64.

mod find;
mod forms;
mod mask;
mod masked;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::trace::Trace;
pub use mask::{MASK, Mask};
pub use masked::masked;

/// How many secrets one Trace marks. No device has so many; one that floods us with more has no secrets left to protect.
const MAX_SECRETS: usize = 4096;

/// How many secrets of earlier Traces are looked for in a Trace.
const MAX_KNOWN: usize = 1024;

/// A value that no report may show.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Secret {
    /// Where it stood: the field or parameter.
    pub at: String,
    /// The value; empty in a masked Trace.
    #[serde(with = "hex::serde")]
    pub value: Vec<u8>,
}

impl Secret {
    /// A secret text.
    pub fn new(at: impl Into<String>, value: &str) -> Self {
        Self { at: at.into(), value: value.as_bytes().to_vec() }
    }
}

/// Every secret of a Trace: those that its header marks, or, in one from before there were marks, those that are found in it.
pub fn secrets(trace: &Trace) -> Vec<Secret> {
    trace.header.secrets.clone().unwrap_or_else(|| find::all(trace))
}

/// A copy of what something said, with [`MASK`] in the place of each value whose name says that it is a secret.
pub fn without(tree: &Value) -> Value {
    let mut shown = tree.clone();
    find::each_mut(&mut shown, &mut |secret| MASK.clone_into(secret));
    shown
}

/// Marks the secrets of a Trace in its header: those that stand in a place that says so, and those among `known` that turn up anywhere in
/// it. What is found becomes known, for the Traces after it.
pub fn mark(trace: &mut Trace, known: &mut Vec<Secret>) {
    let mut secrets = find::all(trace);
    let found: BTreeSet<Vec<u8>> = secrets.iter().map(|secret| secret.value.clone()).collect();
    let others: Vec<Secret> = known.iter().filter(|secret| !found.contains(&secret.value)).cloned().collect();
    if !others.is_empty() {
        secrets.extend(masked::turning_up(trace, others));
    }
    let old: BTreeSet<Vec<u8>> = known.iter().map(|secret| secret.value.clone()).collect();
    let new = secrets.iter().filter(|secret| !old.contains(&secret.value)).cloned();
    known.extend(new.take(MAX_KNOWN.saturating_sub(old.len())));
    trace.header.secrets = Some(secrets);
}
