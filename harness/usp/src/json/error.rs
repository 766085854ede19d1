//! What is wrong with a value that an author wrote for a protobuf message.

use prost_reflect::MessageDescriptor;
use serde::{Deserialize, Serialize};

use crate::field_path::FieldPath;

/// Below this similarity (Jaro-Winkler, 0 to 1) a suggestion confuses more than it helps.
const SIMILAR_ENOUGH: f64 = 0.75;

/// One problem of a value against the schema, at its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{path}: {message}{}", nearest.as_ref().map(|name| format!("; did you mean {name}?")).unwrap_or_default())]
pub struct FieldError {
    /// Where the problem stands.
    pub path: FieldPath,
    /// What is wrong there.
    pub message: String,
    /// The name in the schema that was probably meant.
    pub nearest: Option<String>,
}

impl FieldError {
    pub(crate) fn new(path: FieldPath, message: impl Into<String>) -> Self {
        Self { path, message: message.into(), nearest: None }
    }

    pub(crate) fn unknown_field(path: FieldPath, name: &str, owner: &MessageDescriptor) -> Self {
        let fields: Vec<_> = owner.fields().map(|field| field.name().to_owned()).collect();
        let known = if fields.is_empty() { "it has none".to_owned() } else { format!("it has {}", fields.join(", ")) };
        let message = format!("{} has no field {name}; {known}", owner.name());
        Self { path, message, nearest: nearest(name, fields) }
    }

    pub(crate) fn unknown_name(path: FieldPath, name: &str, what: &str, names: Vec<String>) -> Self {
        let message = format!("{name} is no value of {what}; it has {}", names.join(", "));
        Self { path, message, nearest: nearest(name, names) }
    }
}

fn nearest(name: &str, candidates: Vec<String>) -> Option<String> {
    let scored = candidates.into_iter().map(|candidate| (strsim::jaro_winkler(name, &candidate), candidate));
    let best = scored.max_by(|(left, _), (right, _)| left.total_cmp(right));
    best.filter(|(score, _)| *score >= SIMILAR_ENOUGH).map(|(_, candidate)| candidate)
}
