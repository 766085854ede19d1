//! What a peer may not send.

use bytes::Bytes;

/// How many octets of what was wrong are kept as evidence.
pub(super) const EVIDENCE: usize = 256;

/// What a peer may not send, and where that is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Violation {
    /// Section of STOMP 1.2, or requirement of TR-369.
    pub(super) requirement: &'static str,
    /// What was expected and seen.
    pub(super) text: String,
    /// The octets themselves, at most [`EVIDENCE`] of them.
    pub(super) octets: Bytes,
    /// Octets announced or come together, if it is their number that is wrong.
    pub(super) oversized: Option<u64>,
}

impl Violation {
    pub(super) fn new(requirement: &'static str, text: impl Into<String>, octets: &[u8]) -> Self {
        let octets = Bytes::copy_from_slice(octets.get(..EVIDENCE).unwrap_or(octets));
        Self { requirement, text: text.into(), octets, oversized: None }
    }

    /// Larger than what this end takes, which the specification lets it decide.
    pub(super) fn oversized(text: impl Into<String>, octets: &[u8], announced: u64) -> Self {
        Self { oversized: Some(announced), ..Self::new("STOMP 1.2 Size Limits", text, octets) }
    }
}
