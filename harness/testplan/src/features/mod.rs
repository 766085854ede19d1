//! TP-469's feature IDs: what they are called, which cases need them, and how the device shows that it has them.
//!
//! One decision behind it: what a device supports is read from its own GetSupportedDMResp wherever that says it. A claim of the
//! profile that contradicts the device is a warning that names both, never silently believed.

mod condition;
mod set;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use uspec_usp::msg::GetSupportedDmResp;

use crate::{
    case::CaseId,
    diagnostic::{Mistake, Problems},
    model::DataModel,
    raw::text::{CaseNumber, Format1},
    shape::Shape,
    yaml::Node,
};
use condition::Condition;
pub use set::{ContradictedFeature, Contradiction, ContradictionKind, FeatureSet};

/// Every feature ID of the plan.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Features {
    rows: BTreeMap<u16, Feature>,
}

/// One feature ID.
#[derive(Debug, Clone, PartialEq)]
pub struct Feature {
    /// The plan's number for it.
    pub id: u16,
    /// What it is, in our words.
    pub name: String,
    /// Whether the plan still uses it.
    pub status: FeatureStatus,
    /// The cases that need it, alone or together with others.
    pub cases: Vec<CaseId>,
    /// The MTP that it is, when it is one, as EUT profiles name it.
    pub mtp: Option<String>,
    /// The only MTP over which its cases make sense.
    pub over: Option<String>,
    /// The only version of that MTP's protocol over which its cases make sense, such as MQTT's `5.0`.
    pub version: Option<String>,
    detect: Detect,
}

/// Whether the plan still uses a feature ID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FeatureStatus {
    /// It does.
    Current,
    /// All of its cases are deprecated.
    Deprecated,
    /// The number is not used any more.
    Removed,
}

/// How a device shows that it has a feature.
#[derive(Debug, Clone, PartialEq)]
enum Detect {
    /// Not at all: only the vendor can say.
    Declared,
    /// By its data model.
    When(Condition),
    /// Without this in its data model it cannot have it; with it, only the vendor can say.
    Needs(Condition),
}

impl Features {
    /// The feature with this ID.
    pub fn get(&self, id: u16) -> Option<&Feature> {
        self.rows.get(&id)
    }

    /// Every feature, by ID.
    pub fn iter(&self) -> impl Iterator<Item = &Feature> {
        self.rows.values()
    }

    /// `17 (STOMP as MTP)`, for reports.
    pub fn describe(&self, id: u16) -> String {
        self.get(id).map_or_else(|| id.to_string(), |feature| format!("{id} ({})", feature.name))
    }

    /// What the device's supported data model says about each feature; a feature that it says nothing about is not in the map.
    ///
    /// The answer must be the whole data model (`Device.`, `first_level_only` false, commands, events and params asked for);
    /// an empty one says nothing about anything.
    pub fn detect(&self, supported: &GetSupportedDmResp) -> BTreeMap<u16, bool> {
        let model = DataModel::new(supported);
        if model.is_empty() {
            return BTreeMap::new();
        }
        let usable = self.iter().filter(|feature| feature.status != FeatureStatus::Removed);
        usable
            .filter_map(|feature| match &feature.detect {
                Detect::Declared => None,
                Detect::When(condition) => Some((feature.id, condition.holds(&model))),
                Detect::Needs(condition) => (!condition.holds(&model)).then_some((feature.id, false)),
            })
            .collect()
    }

    pub(crate) fn read(tree: &Node, problems: &mut Problems) -> Option<Self> {
        let raw = Shape::<Raw>::new().read(tree, problems)?;
        let mut all = Self::default();
        let nodes = tree.get("features").map(Node::items).unwrap_or_default();
        for (row, node) in raw.features.into_iter().zip(nodes) {
            let id = row.id;
            let feature = Feature {
                id,
                name: row.name,
                status: row.status,
                cases: row.cases.into_iter().filter_map(|CaseNumber(case)| case.parse().ok()).collect(),
                over: row.over.or_else(|| row.mtp.clone()),
                mtp: row.mtp,
                version: row.version,
                detect: row.detect.map_or(Detect::Declared, RawDetect::lower),
            };
            if all.rows.insert(id, feature).is_some() {
                problems.add(Mistake::at(node.value_span("id"), format!("the feature {id} stands here twice")));
            }
        }
        Some(all)
    }
}

/// What a device's supported data model says about a feature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sight {
    /// It has the feature: these paths show it.
    Shown(Vec<String>),
    /// It has it not: these are not there.
    NotShown(Vec<String>),
    /// It could have it, because these are there; only the vendor can say.
    Possible(Vec<String>),
    /// The model says nothing about it; only the vendor can say.
    Silent,
}

impl Feature {
    /// What the model says about it, and by what.
    pub(crate) fn sight(&self, model: &DataModel<'_>) -> Sight {
        match &self.detect {
            Detect::Declared => Sight::Silent,
            Detect::When(condition) => condition.look(model).map_or_else(Sight::NotShown, Sight::Shown),
            Detect::Needs(condition) => condition.look(model).map_or_else(Sight::NotShown, Sight::Possible),
        }
    }
}

impl FeatureStatus {
    fn current() -> Self {
        Self::Current
    }
}

/// The feature IDs of the test plan.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Features of the test plan, format 1")]
pub(crate) struct Raw {
    #[allow(dead_code, reason = "its shape allows one value")]
    format: Format1,
    /// The plan's revision.
    #[allow(dead_code, reason = "for people")]
    plan: String,
    /// One row for each ID.
    features: Vec<RawRow>,
}

/// One feature ID.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Feature")]
struct RawRow {
    /// The plan's number.
    #[schemars(range(min = 1))]
    id: u16,
    /// What it is, in our own words.
    name: String,
    /// Whether the plan still uses it; `current` when left out.
    #[serde(default = "FeatureStatus::current")]
    status: FeatureStatus,
    /// The cases that need it.
    #[serde(default)]
    cases: Vec<CaseNumber>,
    /// The MTP that it is, as EUT profiles name it.
    #[serde(default)]
    mtp: Option<String>,
    /// The only MTP over which its cases make sense; the same as `mtp` when that is given.
    #[serde(default)]
    over: Option<String>,
    /// The only version of that MTP's protocol; a profile that has it has the feature.
    #[serde(default)]
    version: Option<String>,
    /// How the device shows it; `declared` when left out.
    #[serde(default)]
    detect: Option<RawDetect>,
}

/// How a device shows that it has a feature.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "Detect")]
enum RawDetect {
    /// Only the vendor can say.
    Word(Declared),
    /// Without this it cannot have it; with it, only the vendor can say.
    Needs(Needs),
    /// When this holds of its supported data model.
    When(Condition),
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Declared {
    /// Only the vendor can say.
    Declared,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Needs {
    /// What the data model must have at least.
    needs: Condition,
}

impl RawDetect {
    fn lower(self) -> Detect {
        match self {
            Self::Word(Declared::Declared) => Detect::Declared,
            Self::Needs(Needs { needs }) => Detect::Needs(needs),
            Self::When(condition) => Detect::When(condition),
        }
    }
}
