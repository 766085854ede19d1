//! Why a text is no Path Name.

/// The first place where a text leaves the path syntax.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no Path Name: expected {expected} at character {}, found {found}", offset + 1)]
pub struct PathError {
    /// The whole text.
    pub text: String,
    /// How many characters precede the place.
    pub offset: usize,
    /// What the syntax allows there.
    pub expected: &'static str,
    /// What stands there.
    pub found: String,
}
