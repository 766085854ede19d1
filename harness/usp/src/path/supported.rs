//! Path Names of the Supported Data Model, where `{i}` stands for any row.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{PathError, PathKind, parse, write_dotted};

/// A Path Name of the Supported Data Model. Serialised as its text.
///
/// Command and Event Paths are accepted although the grammar lacks them, because GetSupportedDM may ask for either.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SupportedPath {
    segments: Vec<SupportedSegment>,
    kind: PathKind,
}

/// What stands between two dots.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SupportedSegment {
    /// The name of an Object, Parameter, Command or Event, without `()` or `!`.
    Name(String),
    /// `{i}`.
    Placeholder,
    /// An Instance Number, for an Object whose rows differ in what they support (divergent paths).
    Instance(u64),
}

impl SupportedPath {
    pub(super) const fn new(segments: Vec<SupportedSegment>, kind: PathKind) -> Self {
        Self { segments, kind }
    }

    /// Reads a Path Name. The error tells the first place that does not fit, and what was expected there.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        parse::supported(text)
    }

    /// What the ending says.
    pub const fn kind(&self) -> PathKind {
        self.kind
    }

    /// What stands between the dots.
    pub fn segments(&self) -> &[SupportedSegment] {
        &self.segments
    }

    /// Whether it describes the rows of a table: `Device.IP.Interface.{i}.`.
    pub fn is_multi_instance(&self) -> bool {
        self.kind == PathKind::Object && !matches!(self.segments.last(), Some(SupportedSegment::Name(_)))
    }

    /// The Object that it belongs to, or the one above; `None` at the root.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        let (_, above) = self.segments.split_last()?;
        (!above.is_empty()).then(|| Self::new(above.to_vec(), PathKind::Object))
    }
}

impl fmt::Display for SupportedPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_dotted(f, &self.segments, self.kind)
    }
}

impl fmt::Display for SupportedSegment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Placeholder => f.write_str("{i}"),
            Self::Instance(number) => write!(f, "{number}"),
        }
    }
}

impl FromStr for SupportedPath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl TryFrom<String> for SupportedPath {
    type Error = PathError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<SupportedPath> for String {
    fn from(path: SupportedPath) -> Self {
        path.to_string()
    }
}
