//! How much of a Trace goes into the page: as much as a person looks at, whatever an EUT sent.

use serde::Serialize;
use serde_json::{Value, json};

/// How many bytes of one Record, payload or run of octets are shown.
const MAX_BYTES: usize = 4096;

/// How much JSON one decoded Record may be: the answer of a large device to GetSupportedDM.
const MAX_DECODED: usize = 512 * 1024;

/// How many characters all of one result may be, before deflation: thousands of results share a page.
const MAX_RESULT: usize = 2 * 1024 * 1024;

/// Bytes as hex, at most [`MAX_BYTES`] of them.
#[derive(Debug, Default, Serialize)]
pub(super) struct Bytes {
    hex: String,
    /// How many there are, when they are not all here.
    #[serde(skip_serializing_if = "Option::is_none")]
    of: Option<usize>,
}

/// What is left to be spent on one result.
#[derive(Debug)]
pub(super) struct Budget {
    left: usize,
}

impl Budget {
    pub(super) fn new() -> Self {
        Self { left: MAX_RESULT }
    }

    /// These bytes, cut where one look or the whole result would get too large.
    pub(super) fn bytes(&mut self, bytes: &[u8]) -> Bytes {
        let shown = bytes.len().min(MAX_BYTES).min(self.left / 2);
        self.left = self.left.saturating_sub(2 * shown);
        let hex = hex::encode(bytes.get(..shown).unwrap_or_default());
        Bytes { hex, of: (shown < bytes.len()).then_some(bytes.len()) }
    }

    /// This value, or in its place a text that says how large it was.
    pub(super) fn value(&mut self, value: &Value) -> Value {
        let length = value.to_string().len();
        if length > MAX_DECODED.min(self.left) {
            return json!(format!("{length} characters of JSON are left out here: the Trace has them"));
        }
        self.left -= length;
        value.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_is_told() {
        let mut budget = Budget::new();
        let bytes = budget.bytes(&[0xab; 5000]);
        assert_eq!((bytes.hex.len(), bytes.of), (2 * MAX_BYTES, Some(5000)));
        assert_eq!(budget.bytes(b"\x01").of, None);
        let huge = json!("x".repeat(MAX_DECODED));
        assert!(budget.value(&huge).as_str().is_some_and(|text| text.contains("the Trace has them")));
    }

    #[test]
    fn a_result_is_bounded_whatever_was_sent() {
        let mut budget = Budget::new();
        let spent: usize = (0..10_000).map(|_| budget.bytes(&[1; 4000]).hex.len()).sum();
        assert!(spent <= MAX_RESULT, "{spent}");
        assert!(budget.value(&json!({"a": [1, 2, 3], "b": "c"})).is_string());
    }
}
