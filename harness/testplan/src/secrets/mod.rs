//! What of a Trace is a secret: passwords, passcodes, tokens, keys. It is marked in the Trace's header, and masked wherever a report shows
//! anything of the Trace.
//!
//! One decision behind it: the Trace stays byte-exact, because its bytes are what is judged. A secret is a value, known by the name of the
//! field or parameter in which it stood; once known, it is masked wherever else it shows up, as text, hex or base64.
//!
//! Where its name stands beside it, every secret is masked, however short or long: in trees, in findings, and in the octets of the Record
//! that tells it. Elsewhere stays readable, so that findings can be read and an EUT cannot make them unreadable:
//! - what has fewer than three octets, because it stands in every text; of three octets, all but whole values (in quotes, or alone, or behind
//!   their length); of four to seven, what is part of a longer word;
//! - a value that is no secret anyhow, because it equals a name of the USP schema or of a parameter or field in the Trace, or stands in an
//!   Endpoint ID of it;
//! - our own words: of a finding, a word of letters alone, or a short one, is masked only between its first and its last quote, unless a text
//!   of the Trace says it elsewhere too; in what a finding expects, only a whole value in quotes, unless a variable has brought it there;
//! - what has no place in the search: it has room for 64 KiB of patterns, in which a secret counts with at most its first 256 octets (what
//!   follows is masked as far as it is equal), MTP credentials first; and of what goes beyond 4 MiB of secrets, all but their first octets.
//!
//! A payload that cannot be decoded, or is split into parts, is covered whole when the name of a secret stands in it without its value, and so
//! are the octets of a connection that carried such a one, and those of a WebSocket once it is open, in both directions: frames cut a
//! secret in two, and those of a client are scrambled. The frames themselves are joined, covered, and shown.

mod carried;
mod cover;
mod cuts;
mod encoded;
mod find;
mod forms;
mod mask;
mod masked;
mod named;
mod names;
mod pieces;
mod readable;
mod search;
mod streams;
#[cfg(test)]
mod tests;
mod written;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::trace::Trace;
use forms::MAX_PATTERN;
pub use mask::{MASK, Mask};
pub use masked::masked;

/// How many secrets one Trace marks. No device has so many; one that floods us with more has no secrets left to protect.
const MAX_SECRETS: usize = 4096;

/// How many octets the marked secrets of one Trace have. After that, each is marked with its beginning only.
const MAX_MARKED: usize = 4 * 1024 * 1024;

/// How many secrets of earlier Traces are looked for in a Trace.
const MAX_KNOWN: usize = 1024;

/// How many octets these have.
const MAX_KNOWN_OCTETS: usize = 1024 * 1024;

/// Where a payload stands that is hidden whole.
const IN_PARTS: &str = "a payload that cannot be searched";

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
/// it. What is found becomes known, for the Traces after it, as far as there is room for it.
pub fn mark(trace: &mut Trace, known: &mut Vec<Secret>) {
    let mut secrets = find::all(trace);
    let found: BTreeSet<&[u8]> = secrets.iter().map(|secret| secret.value.as_slice()).collect();
    let others: Vec<Secret> = known.iter().filter(|secret| !found.contains(secret.value.as_slice())).cloned().collect();
    let turned_up = if others.is_empty() { others } else { pieces::turning_up(trace, others) };
    remember(trace, &secrets, known);
    secrets.extend(turned_up);
    trace.header.secrets = Some(secrets);
}

/// Adds to the known secrets what is worth looking for in other Traces.
fn remember(trace: &Trace, secrets: &[Secret], known: &mut Vec<Secret>) {
    let readable = readable::readable(Some(trace), secrets);
    let old: BTreeSet<Vec<u8>> = known.iter().map(|secret| secret.value.clone()).collect();
    let cost = |value: &[u8]| value.len().min(MAX_PATTERN);
    let mut patterns: usize = old.iter().map(|value| cost(value)).sum();
    let mut octets: usize = old.iter().map(Vec::len).sum();
    for secret in secrets {
        let value = secret.value.as_slice();
        let new = secret.at != IN_PARTS && !old.contains(value) && !readable.contains(value);
        let (more, longer) = (patterns.saturating_add(cost(value)), octets.saturating_add(value.len()));
        if new && known.len() < MAX_KNOWN && more <= search::MAX_PATTERNS && longer <= MAX_KNOWN_OCTETS {
            (patterns, octets) = (more, longer);
            known.push(secret.clone());
        }
    }
}
