//! A test case as its author wrote it: the text's own structure, and nothing decided yet.
//!
//! One decision behind it: these types are the only description of the format. The JSON Schema for editors comes from them, and the
//! loader's walker follows it. Patterns, bodies and checks are read from the tree, where they still have their places; here they
//! only have their shape.

#![allow(dead_code, reason = "every field is a part of the format's shape; some are read from the tree")]

pub(crate) mod applies;
pub(crate) mod broker;
pub(crate) mod condition;
pub(crate) mod metric;
pub(crate) mod mtp;
pub(crate) mod step;
pub(crate) mod text;

use schemars::JsonSchema;
use serde::Deserialize;

use applies::Applies;
use condition::Needs;
use metric::Metric;
use step::Step;
use text::{CaseNumber, Format1, RequirementNumber, Tag, UspVersion};

/// One test case, one file.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Test case of uspec, format 1")]
pub(crate) struct Case {
    /// The version of this format.
    pub(crate) format: Format1,
    /// The plan's own number, in quotes, the same as the file's name.
    pub(crate) id: CaseNumber,
    /// The revision of the plan that the file encodes.
    pub(crate) plan: String,
    /// What is tested, in our own words.
    #[schemars(length(min = 1, max = 90))]
    pub(crate) title: String,
    /// The TR-369 requirements that the case tests.
    #[serde(default)]
    pub(crate) requirements: Vec<RequirementNumber>,
    /// Free words for selection.
    #[serde(default)]
    pub(crate) tags: Vec<Tag>,
    /// Which EUT the case applies to.
    pub(crate) applies: Applies,
    /// What the bench must offer; what it does not offer makes the case not applicable.
    #[serde(default)]
    pub(crate) needs: Option<Needs>,
    /// The first USP version to which it applies.
    #[serde(default)]
    pub(crate) since: Option<UspVersion>,
    /// The first USP version to which it no longer applies.
    #[serde(default)]
    pub(crate) until: Option<UspVersion>,
    /// Where plan and specification disagree: which of them the case follows, and why. Every report shows it.
    #[serde(default)]
    pub(crate) disputed: Option<String>,
    /// Steps that reach the state in which the procedure may begin; one that fails makes the case inconclusive.
    #[serde(default)]
    pub(crate) setup: Vec<Step>,
    /// The steps of the plan's procedure.
    #[serde(default)]
    pub(crate) procedure: Vec<Step>,
    /// The plan's metrics, by their own numbers.
    #[serde(default)]
    pub(crate) metrics: Vec<Metric>,
    /// Steps that leave the EUT as found; always run.
    #[serde(default)]
    pub(crate) cleanup: Vec<Step>,
}
