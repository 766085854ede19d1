//! Findings, in the three outcomes.

use crate::verdict::{Finding, Outcome};

/// A finding that what was expected holds.
pub(crate) fn met(expected: impl Into<String>, seen: impl Into<String>, events: Vec<u64>) -> Finding {
    finding(Outcome::Met, expected, seen, events)
}

/// A finding that what was expected does not hold.
pub(crate) fn unmet(expected: impl Into<String>, seen: impl Into<String>, events: Vec<u64>) -> Finding {
    finding(Outcome::Unmet, expected, seen, events)
}

/// A finding that it could not be seen whether what was expected holds.
pub(crate) fn unknown(expected: impl Into<String>, seen: impl Into<String>, events: Vec<u64>) -> Finding {
    finding(Outcome::Unknown, expected, seen, events)
}

fn finding(outcome: Outcome, expected: impl Into<String>, seen: impl Into<String>, events: Vec<u64>) -> Finding {
    Finding { outcome, requirement: None, expected: expected.into(), seen: seen.into(), path: None, events }
}

impl Finding {
    /// The same at this place of the Message.
    #[must_use]
    pub(crate) fn at(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// The same with the requirement behind it.
    #[must_use]
    pub(crate) fn by(mut self, requirement: impl Into<String>) -> Self {
        self.requirement = Some(requirement.into());
        self
    }
}

/// The worst outcome of some findings; met when there is none.
pub(crate) fn worst(findings: &[Finding]) -> Outcome {
    findings.iter().map(|finding| finding.outcome).max().unwrap_or(Outcome::Met)
}
