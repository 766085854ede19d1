//! Path Names of the Instantiated and the Supported Data Model (TR-369 chapter Architecture, TR-106).
//!
//! One decision behind it: the parser accepts what Agents and the test plan really write, and says so. The grammar
//! wants literals in quotes, yet TR-369's own examples and TP-469 write `[Enable==true]`; R-ARC.9a asks for tolerance
//! of spaces. Both parse, both are kept for writing the path back, and [`Path::deviations`] tells them. The grammar also
//! forgets that a followed reference may end a path (`Interface+.Name` as TR-369's example has it); that is plain syntax here.

mod error;
mod expression;
mod parse;
mod supported;

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

pub use error::PathError;
pub use expression::{Component, Expression, Operator, Step, Value};
pub use supported::{SupportedPath, SupportedSegment};

/// A Path Name of the Instantiated Data Model. Serialised as its text.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Path {
    segments: Vec<Segment>,
    kind: PathKind,
}

/// What a Path Name's ending says that it addresses.
///
/// Only syntax is looked at: `Device.LocalAgent.Subscription` without the dot at its end reads as a Parameter Path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PathKind {
    /// Ends in a dot: an Object, a table, or a row of it.
    Object,
    /// Ends in a name.
    Parameter,
    /// Ends in `()`.
    Command,
    /// Ends in `!`.
    Event,
}

/// What stands between two dots.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Segment {
    /// The name of an Object, Parameter, Command or Event, without `()` or `!`.
    Name(String),
    /// A reference Parameter whose reference is followed.
    Follow(String, Follow),
    /// An Instance Number, from 1 on.
    Instance(u64),
    /// `*`: every row.
    Wildcard,
    /// `[…]`: rows by unique key or search.
    Expression(Expression),
}

/// Which item of a reference Parameter is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Follow {
    /// `+`: the only or first one.
    First,
    /// `#n+`: the n-th of a list, counted from 1.
    Item(u64),
    /// `#*+`: each of a list.
    All,
}

/// Where a path is outside the grammar and accepted all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deviation {
    /// Spaces in an expression: Agents should accept them (R-ARC.9a), Controllers should not write them (R-ARC.9b).
    Whitespace,
    /// A literal that is no number and has no quotes, such as `true` or a dateTime.
    UnquotedLiteral,
}

impl Path {
    /// Reads a Path Name. The error tells the first place that does not fit, and what was expected there.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        parse::instantiated(text)
    }

    /// Reads the value of a reference Parameter, where Objects stand without the dot at their end (TR-106). Where the
    /// ending leaves open what is meant, as in `Device.LocalAgent`, it stays a Parameter Path.
    pub fn parse_reference(text: &str) -> Result<Self, PathError> {
        Self::parse(text).or_else(|error| Self::parse(&format!("{text}.")).map_err(|_| error))
    }

    /// What the ending says.
    pub const fn kind(&self) -> PathKind {
        self.kind
    }

    /// What stands between the dots.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Whether it can match any number of things: a wildcard, an expression, or all items of a reference list.
    ///
    /// Addressing by unique key has the same syntax as a search and counts as one here; only a data model can tell.
    pub fn is_search(&self) -> bool {
        self.segments.iter().any(|segment| {
            matches!(segment, Segment::Wildcard | Segment::Expression(_) | Segment::Follow(_, Follow::All))
        })
    }

    /// Whether rows are addressed by Instance Number and in no other way, as R-MSG.3 wants it from an Agent.
    pub fn uses_instance_numbers_only(&self) -> bool {
        self.segments.iter().all(|segment| matches!(segment, Segment::Name(_) | Segment::Instance(_)))
    }

    /// Whether the last segment addresses one row or a choice of rows, rather than an Object by name.
    pub fn ends_in_instance(&self) -> bool {
        let row = |segment| matches!(segment, &Segment::Instance(_) | &Segment::Wildcard | &Segment::Expression(_));
        self.kind == PathKind::Object && self.segments.last().is_some_and(row)
    }

    /// The Object that a Parameter, Command or Event belongs to; for an Object the one above it, `None` at the root.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        let (_, above) = self.segments.split_last()?;
        (!above.is_empty()).then(|| Self { segments: above.to_vec(), kind: PathKind::Object })
    }

    /// The last name: of the Parameter, Command, Event or Object; `None` for a path that ends in an Instance Identifier.
    pub fn last_name(&self) -> Option<&str> {
        match self.segments.last()? {
            Segment::Name(name) | Segment::Follow(name, _) => Some(name),
            Segment::Instance(_) | Segment::Wildcard | Segment::Expression(_) => None,
        }
    }

    /// The Instance Number of a path to one row.
    pub fn instance_number(&self) -> Option<u64> {
        match self.segments.last()? {
            Segment::Instance(number) => Some(*number),
            _ => None,
        }
    }

    /// Whether this is `object` or stands below it.
    pub fn is_under(&self, object: &Self) -> bool {
        object.kind == PathKind::Object && self.segments.starts_with(&object.segments) && {
            let same = self.segments.len() == object.segments.len();
            !same || self.kind == PathKind::Object
        }
    }

    /// The path of the Supported Data Model that describes it: every Instance Identifier becomes `{i}`.
    ///
    /// `None` where a reference is followed: what it leads to is not told by the path.
    pub fn to_supported(&self) -> Option<SupportedPath> {
        let segments = self.segments.iter().map(|segment| match segment {
            Segment::Name(name) => Some(SupportedSegment::Name(name.clone())),
            Segment::Instance(_) | Segment::Wildcard | Segment::Expression(_) => Some(SupportedSegment::Placeholder),
            Segment::Follow(..) => None,
        });
        Some(SupportedPath::new(segments.collect::<Option<_>>()?, self.kind))
    }

    /// Where it is outside the grammar, each kind once.
    pub fn deviations(&self) -> Vec<Deviation> {
        let components = self.segments.iter().filter_map(|segment| match segment {
            Segment::Expression(expression) => Some(expression.components()),
            _ => None,
        });
        let components: Vec<_> = components.flatten().collect();
        let unquoted = components.iter().any(|component| matches!(component.value, Value::Unquoted(_)));
        let spaced = components.iter().any(|component| component.spaced);
        let mut found = Vec::new();
        found.extend(spaced.then_some(Deviation::Whitespace));
        found.extend(unquoted.then_some(Deviation::UnquotedLiteral));
        found
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_dotted(f, &self.segments, self.kind)
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Follow(name, follow) => write!(f, "{name}{follow}"),
            Self::Instance(number) => write!(f, "{number}"),
            Self::Wildcard => f.write_str("*"),
            Self::Expression(expression) => write!(f, "{expression}"),
        }
    }
}

impl fmt::Display for Follow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::First => f.write_str("+"),
            Self::Item(number) => write!(f, "#{number}+"),
            Self::All => f.write_str("#*+"),
        }
    }
}

impl FromStr for Path {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Path {
    type Error = PathError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<Path> for String {
    fn from(path: Path) -> Self {
        path.to_string()
    }
}

fn write_dotted<T: fmt::Display>(f: &mut fmt::Formatter<'_>, segments: &[T], kind: PathKind) -> fmt::Result {
    for (position, segment) in segments.iter().enumerate() {
        if position > 0 {
            f.write_str(".")?;
        }
        write!(f, "{segment}")?;
    }
    f.write_str(match kind {
        PathKind::Object => ".",
        PathKind::Parameter => "",
        PathKind::Command => "()",
        PathKind::Event => "!",
    })
}

#[cfg(test)]
mod tests;
