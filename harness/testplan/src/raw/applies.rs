//! Which EUT a case applies to, as test cases and the plan index write it.

use schemars::JsonSchema;
use serde::Deserialize;

use super::text::{CaseNumber, PlanRevision, UspVersion};

/// `mandatory`, or a condition on the EUT's features.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum Applies {
    /// One word.
    Word(Word),
    /// A condition: exactly one of its keys.
    Condition(Condition),
}

/// The words for [`Applies`].
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Word {
    /// Every EUT.
    Mandatory,
}

/// A condition on the EUT's features: exactly one key.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
pub(crate) struct Condition {
    /// An EUT with this TP-469 feature ID.
    #[serde(default)]
    pub(crate) feature: Option<u16>,
    /// An EUT with at least one of these.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub(crate) any: Option<Vec<u16>>,
    /// An EUT with all of these.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub(crate) all: Option<Vec<u16>>,
    /// An EUT of an earlier plan or USP version alone.
    #[serde(default)]
    pub(crate) deprecated: Option<Deprecated>,
}

/// A case that the plan withdrew.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Deprecated {
    /// The case that took its place.
    #[serde(default)]
    pub(crate) by: Option<CaseNumber>,
    /// The revision of the plan that withdrew it.
    #[serde(rename = "in")]
    pub(crate) revision: PlanRevision,
    /// The USP version that withdrew the requirement behind it.
    #[serde(default)]
    pub(crate) usp: Option<UspVersion>,
    /// To whom it applied until then; every EUT when left out.
    #[serde(default)]
    pub(crate) was: Option<Was>,
}

/// To whom a withdrawn case applied: exactly one key.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
pub(crate) struct Was {
    /// An EUT with this TP-469 feature ID.
    #[serde(default)]
    pub(crate) feature: Option<u16>,
    /// An EUT with at least one of these.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub(crate) any: Option<Vec<u16>>,
    /// An EUT with all of these.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub(crate) all: Option<Vec<u16>>,
}
