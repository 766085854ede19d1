//! Patterns: what a case expects a Message to look like. The same code decides and explains.

use serde_json::Value;

use crate::problem::Problem;

/// One mistake in a pattern.
pub type PatternProblem = Problem;

/// A compiled pattern.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern {
    source: Value,
}

impl Pattern {
    /// Compiles what an author wrote; every mistake is reported.
    pub fn compile(source: &Value) -> Result<Self, Vec<PatternProblem>> {
        Ok(Self {
            source: source.clone(),
        })
    }

    /// What the author wrote.
    pub fn source(&self) -> &Value {
        &self.source
    }
}
