//! One Parameter (or command argument): its TR-106 type, facets, access and default.

/// The primitive types of TR-106 that the model uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Base {
    /// `base64`.
    Base64,
    /// `boolean`.
    Boolean,
    /// `dateTime`.
    DateTime,
    /// `decimal`.
    Decimal,
    /// `hexBinary`.
    HexBinary,
    /// `int`, 32 bits.
    Int,
    /// `long`, 64 bits.
    Long,
    /// `string`.
    #[default]
    String,
    /// `unsignedInt`, 32 bits.
    UnsignedInt,
    /// `unsignedLong`, 64 bits.
    UnsignedLong,
}

/// What Controllers may do with a Parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Access {
    /// The Agent alone sets it.
    #[default]
    ReadOnly,
    /// Controllers may set it.
    ReadWrite,
    /// Controllers may set it once, at creation or later.
    WriteOnceReadOnly,
}

/// Named restrictions on the text of a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Pattern {
    /// A non-empty handle that starts with a letter (TR-106 `Alias`).
    Alias,
    /// Six upper-case hexadecimal digits.
    Oui,
    /// Four characters `rwxn`, each may be `-`.
    Rights,
}

/// Values that are not stored but worked out when they are read.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Live {
    /// Whole seconds since the Agent started.
    Uptime,
    /// How many instances the table of that Supported Data Model path has below this Object.
    Entries(String),
}

/// What happens to a strong reference when its target goes (R-ARC.12).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Dangling {
    /// The reference becomes empty, or leaves the list.
    #[default]
    Clear,
    /// The Object that refers goes as well.
    Delete,
}

/// Whether ValueChange subscriptions to the Parameter are honoured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ValueChange {
    /// Changes are notified.
    #[default]
    Allowed,
    /// Changes are never notified.
    Ignore,
}

/// A Parameter or an argument.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ParamDef {
    /// Its name, relative to the Object.
    pub name: String,
    /// Its primitive type.
    #[serde(rename = "type")]
    pub base: Base,
    /// Whether the value is a comma-separated list of that type.
    pub list: bool,
    /// Most items of a list.
    pub max_items: Option<usize>,
    /// Fewest characters (of each item).
    pub min_length: Option<usize>,
    /// Most characters (of each item).
    pub max_length: Option<usize>,
    /// Smallest number.
    pub min: Option<i64>,
    /// Largest number.
    pub max: Option<i64>,
    /// The only values allowed, when any are named.
    #[serde(rename = "enum")]
    pub values: Vec<String>,
    /// Restriction on the text.
    pub pattern: Option<Pattern>,
    /// Table whose rows the value refers to (a strong reference).
    pub references: Option<String>,
    /// What a reference does when its target goes.
    pub dangling: Dangling,
    /// What Controllers may do.
    pub access: Access,
    /// The value at creation.
    pub default: String,
    /// How the value is worked out, when it is not stored.
    pub live: Option<Live>,
    /// Whether the value is kept from Controllers without a secured Role (TR-106 `secured`).
    pub secured: bool,
    /// Whether changes are notified.
    pub value_change: ValueChange,
    /// For an input argument: whether leaving it out is an error (R-OPR.5).
    pub mandatory: bool,
}
