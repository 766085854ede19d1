//! What is wrong with a pattern or with the arguments of a rule: the author's mistake, for the loader to show at its place.

use uspec_usp::field_path::{FieldPath, Segment};

/// One mistake of an author inside a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where it stands, from the value on; map keys are `Segment::Field`.
    pub path: FieldPath,
    /// What is wrong there.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

impl Problem {
    pub(crate) fn new(path: FieldPath, message: impl Into<String>) -> Self {
        Self { path, message: message.into(), help: None }
    }

    #[must_use]
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// One step further into a map.
pub(crate) fn key(path: &FieldPath, name: &str) -> FieldPath {
    path.child(Segment::Field(name.to_owned()))
}

/// One step further into a list.
pub(crate) fn item(path: &FieldPath, index: usize) -> FieldPath {
    path.child(Segment::Index(index))
}

/// Below this similarity (Jaro-Winkler, 0 to 1) a suggestion confuses more than it helps.
const SIMILAR_ENOUGH: f64 = 0.75;

/// The candidate that was probably meant.
pub(crate) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let scored = candidates.into_iter().map(|candidate| (strsim::jaro_winkler(name, candidate), candidate));
    let best = scored.max_by(|(left, _), (right, _)| left.total_cmp(right));
    best.filter(|(score, _)| *score >= SIMILAR_ENOUGH).map(|(_, candidate)| candidate)
}
