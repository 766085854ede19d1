//! What a strict reading of received bytes finds.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::field_path::FieldPath;

/// One place where received bytes are not what a conforming encoder writes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Irregularity {
    /// Which schema the bytes were read by.
    pub root: Root,
    /// What is irregular.
    pub kind: IrregularityKind,
    /// The field it concerns, or the message that surrounds it where there is no field.
    pub path: FieldPath,
    /// Where it begins, in bytes from the start of the Record or Message.
    pub offset: usize,
}

/// The schema that bytes were read by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Root {
    /// The USP Record.
    Record,
    /// The USP Message.
    Message,
}

/// What is irregular about a place in received bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IrregularityKind {
    /// A field number that the schema (up to USP 1.5) does not have. A later version of USP may have added it: what
    /// weight that has depends on the version that the sender speaks.
    UnknownField {
        /// The field number.
        number: u32,
    },
    /// A number that the enum does not name.
    UnknownEnumValue {
        /// The number as it stands on the wire.
        number: i64,
        /// The enum's name.
        enumeration: String,
    },
    /// A field that may come once came again; decoders take the last value, or merge if it is a message.
    RepeatedSingularField {
        /// Whether it is a member of a oneof, which R-ENC.3 wants exactly once.
        in_oneof: bool,
    },
    /// A second, different member of a oneof; decoders keep the last.
    SecondOneofMember {
        /// The oneof's name.
        oneof: String,
        /// The member that came before.
        first: String,
    },
    /// No member of a oneof is present.
    MissingOneofMember {
        /// The oneof's name.
        oneof: String,
    },
    /// A field that TR-369 wants in every Message is absent (R-MSG.6, R-MSG.7, R-MSG.8).
    MissingField {
        /// The field's name.
        field: String,
    },
    /// Two entries of a map have the same key. Legal on the wire, where the last wins, but ambiguous.
    DuplicateMapKey {
        /// The key.
        key: String,
    },
    /// A string is not UTF-8.
    InvalidUtf8,
    /// A known field has another wire type than the schema gives it.
    WrongWireType {
        /// The wire type that came.
        found: String,
        /// The wire type of the schema.
        expected: String,
    },
    /// A boolean other than 0 and 1; decoders read it as true.
    BoolOutOfRange {
        /// The number as it stands on the wire.
        number: u64,
    },
    /// The bytes end inside a field.
    Truncated,
    /// No field begins here: field number 0 or out of range, an unknown wire type, or the end of no group.
    InvalidTag,
    /// A number takes more than the ten bytes that 64 bits can fill.
    OverlongVarint,
    /// Groups nested deeper than is followed.
    DepthExceeded,
    /// There are more irregularities; the scan stopped counting.
    TooMany,
    /// The bytes cannot be decoded for a reason that the scan did not see.
    Undecodable {
        /// The decoder's reason.
        reason: String,
    },
    /// The harness could not check the bytes: its own fault, no fault of the sender.
    NotChecked {
        /// Why not.
        reason: String,
    },
}

impl IrregularityKind {
    /// Whether no decoder of ours yields a value from such bytes.
    pub const fn is_fatal(&self) -> bool {
        matches!(
            self,
            Self::InvalidUtf8
                | Self::WrongWireType { .. }
                | Self::Truncated
                | Self::InvalidTag
                | Self::OverlongVarint
                | Self::DepthExceeded
                | Self::Undecodable { .. }
        )
    }

    /// Whether protobuf lets an encoder write this, so that only ambiguity and no rule of the schema is touched.
    pub const fn is_legal_on_the_wire(&self) -> bool {
        matches!(self, Self::DuplicateMapKey { .. } | Self::NotChecked { .. })
    }
}

impl Irregularity {
    /// The requirement of TR-369 that the place is against: R-ENC.3 for oneofs, R-ENC.2 for enum values, R-MSG.6 to
    /// R-MSG.8 for what a Message lacks, and conformity with the schema (R-ENC.1 for a Record, R-ENC.0 for a Message)
    /// for everything else.
    pub fn requirement(&self) -> &'static str {
        match (&self.kind, self.root) {
            (
                IrregularityKind::SecondOneofMember { .. }
                | IrregularityKind::MissingOneofMember { .. }
                | IrregularityKind::RepeatedSingularField { in_oneof: true },
                _,
            ) => "R-ENC.3",
            (IrregularityKind::UnknownEnumValue { .. }, _) => "R-ENC.2",
            (IrregularityKind::MissingField { field }, _) if field == "header" => "R-MSG.6",
            (IrregularityKind::MissingField { field }, _) if field == "body" => "R-MSG.7",
            (IrregularityKind::MissingField { .. }, _) => "R-MSG.8",
            (_, Root::Record) => "R-ENC.1",
            (_, Root::Message) => "R-ENC.0",
        }
    }
}

impl fmt::Display for Irregularity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let root = match self.root {
            Root::Record => "Record",
            Root::Message => "Message",
        };
        let place = self.path.to_string();
        let place = if place.is_empty() { root.to_owned() } else { format!("{root} {place}") };
        write!(f, "{place}: {} (at byte {}; {})", self.kind, self.offset, self.requirement())
    }
}

impl fmt::Display for IrregularityKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownField { number } => write!(f, "unknown field number {number}"),
            Self::UnknownEnumValue { number, enumeration } => write!(f, "{number} is no value of {enumeration}"),
            Self::RepeatedSingularField { .. } => f.write_str("the field may come once and came again"),
            Self::SecondOneofMember { oneof, first } => {
                write!(f, "a second member of the oneof {oneof}, after {first}")
            }
            Self::MissingOneofMember { oneof } => {
                write!(f, "no member of the oneof {oneof} is present")
            }
            Self::MissingField { field } => write!(f, "the field {field} is absent"),
            Self::DuplicateMapKey { key } => write!(f, "the map has the key {key:?} twice"),
            Self::InvalidUtf8 => f.write_str("the string is not UTF-8"),
            Self::WrongWireType { found, expected } => {
                write!(f, "wire type {found} where the schema has {expected}")
            }
            Self::BoolOutOfRange { number } => write!(f, "{number} where a boolean is 0 or 1"),
            Self::Truncated => f.write_str("the bytes end inside a field"),
            Self::InvalidTag => f.write_str("no field begins here"),
            Self::OverlongVarint => f.write_str("a number of more than 64 bits"),
            Self::DepthExceeded => f.write_str("nested too deeply"),
            Self::TooMany => f.write_str("more irregularities follow; the scan stopped here"),
            Self::Undecodable { reason } => write!(f, "not decodable: {reason}"),
            Self::NotChecked { reason } => {
                write!(f, "could not be checked by the harness: {reason}")
            }
        }
    }
}
