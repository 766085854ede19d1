//! How much of a Trace goes into the page: as much as a person looks at, whatever an EUT sent.
//!
//! One decision behind it: everything is drawn first and granted its room afterwards, so that what findings point at is served before the rest.

use serde::{Serialize, Serializer, ser::Error as _};
use serde_json::{Value, json};
use std::borrow::Cow;

/// How many octets of one Record, payload or run of octets are shown.
const MAX_OCTETS: usize = 4096;

/// How much JSON one decoded Record may be: the answer of a large device to GetSupportedDM.
const MAX_DECODED: usize = 512 * 1024;

/// How many characters all of one result may be, before deflation: thousands of results share a page.
const MAX_RESULT: usize = 2 * 1024 * 1024;

/// What is left to be spent on one result.
#[derive(Debug)]
pub(super) struct Budget {
    left: usize,
}

impl Budget {
    pub(super) fn new() -> Self {
        Self { left: MAX_RESULT }
    }

    /// As much of this length as there is room for, all or a part.
    fn part(&mut self, wanted: usize, each: usize) -> usize {
        let granted = wanted.min(self.left / each);
        self.left = self.left.saturating_sub(granted.saturating_mul(each));
        granted
    }

    /// Whether there is room for all of it.
    fn whole(&mut self, wanted: usize) -> bool {
        let granted = wanted <= self.left;
        if granted {
            self.left -= wanted;
        }
        granted
    }
}

/// Octets that may be shown, of which some stand for a secret.
#[derive(Debug, Clone, Default)]
pub(super) struct Octets<'t> {
    real: Cow<'t, [u8]>,
    shown: Cow<'t, [u8]>,
    granted: usize,
}

impl<'t> Octets<'t> {
    /// Octets, and the same without secrets; a reader is told where they differ.
    pub(super) fn new(real: impl Into<Cow<'t, [u8]>>, shown: impl Into<Cow<'t, [u8]>>) -> Self {
        Self { real: real.into(), shown: shown.into(), granted: 0 }
    }

    /// What really crossed the connection.
    #[cfg(test)]
    pub(super) fn real(&self) -> &[u8] {
        &self.real
    }

    /// Whether nothing of it may be shown.
    pub(super) fn is_hidden(&self) -> bool {
        !self.real.is_empty() && self.shown.iter().all(|octet| *octet == b'*') && self.real != self.shown
    }

    pub(super) fn spend(&mut self, budget: &mut Budget) {
        self.granted = budget.part(self.shown.len().min(MAX_OCTETS), 2);
    }

    /// Runs of shown octets that stand for a secret: where each begins, and how long it is.
    fn masked(&self) -> Vec<(usize, usize)> {
        let mut runs: Vec<(usize, usize)> = Vec::new();
        let pairs = self.real.iter().zip(self.shown.iter()).take(self.granted).enumerate();
        for (place, _) in pairs.filter(|(_, (real, shown))| real != shown) {
            match runs.last_mut() {
                Some((start, length)) if start.saturating_add(*length) == place => *length += 1,
                _ => runs.push((place, 1)),
            }
        }
        runs
    }
}

impl Serialize for Octets<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        /// As the page has them.
        #[derive(Serialize)]
        struct Dump {
            hex: String,
            /// How many there are, when they are not all here.
            #[serde(skip_serializing_if = "Option::is_none")]
            of: Option<usize>,
            #[serde(skip_serializing_if = "Vec::is_empty")]
            masked: Vec<(usize, usize)>,
        }
        let shown = self.shown.get(..self.granted).ok_or_else(|| S::Error::custom("more was granted than there is"))?;
        let of = (shown.len() < self.shown.len()).then_some(self.shown.len());
        Dump { hex: hex::encode(shown), of, masked: self.masked() }.serialize(serializer)
    }
}

/// A value for people, or in its place a text that says how large it was.
#[derive(Debug, Clone)]
pub(super) struct Tree<'t> {
    value: Cow<'t, Value>,
    length: usize,
    granted: bool,
}

impl<'t> Tree<'t> {
    pub(super) fn new(value: impl Into<Cow<'t, Value>>) -> Self {
        Self { value: value.into(), length: 0, granted: false }
    }

    pub(super) fn spend(&mut self, budget: &mut Budget) {
        self.length = self.value.to_string().len();
        self.granted = self.length <= MAX_DECODED && budget.whole(self.length);
    }
}

impl Serialize for Tree<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.granted {
            return self.value.serialize(serializer);
        }
        json!(format!("{} characters of JSON are left out here: the Trace has them", self.length)).serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may abort")]

    use super::*;

    fn shown(octets: &[u8], budget: &mut Budget) -> Value {
        let mut octets = Octets::new(octets, octets);
        octets.spend(budget);
        serde_json::to_value(&octets).unwrap()
    }

    #[test]
    fn a_cut_is_told() {
        let mut budget = Budget::new();
        let long = shown(&[0xab; 5000], &mut budget);
        assert_eq!((long["hex"].as_str().unwrap().len(), &long["of"]), (2 * MAX_OCTETS, &json!(5000)));
        assert_eq!(shown(b"\x01", &mut budget), json!({"hex": "01"}));
        let huge = json!("x".repeat(MAX_DECODED));
        let mut huge = Tree::new(Cow::Owned(huge));
        huge.spend(&mut budget);
        assert!(serde_json::to_value(&huge).unwrap().as_str().unwrap().contains("the Trace has them"));
    }

    #[test]
    fn a_result_is_bounded_whatever_was_sent() {
        let mut budget = Budget::new();
        let spent: usize = (0..10_000).map(|_| shown(&[1; 4000], &mut budget)["hex"].as_str().unwrap().len()).sum();
        assert!(spent <= MAX_RESULT, "{spent}");
        let mut more = Tree::new(Cow::Owned(json!({"a": [1, 2, 3], "b": "c"})));
        more.spend(&mut budget);
        assert!(serde_json::to_value(&more).unwrap().is_string());
    }

    #[test]
    fn what_stands_for_a_secret_is_told() {
        let mut octets = Octets::new(&b"user:abc,key:d"[..], &b"user:***,key:*"[..]);
        octets.spend(&mut Budget::new());
        assert_eq!(serde_json::to_value(&octets).unwrap()["masked"], json!([[5, 3], [13, 1]]));
        assert!(!octets.is_hidden());
        assert!(Octets::new(&b"abc"[..], &b"***"[..]).is_hidden());
        assert!(!Octets::new(&b"**"[..], &b"**"[..]).is_hidden() && !Octets::default().is_hidden());
    }
}
