//! TR-369's requirements by number, section and level; their text stays where it belongs, in TR-369.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    diagnostic::{Mistake, Problems},
    raw::text::{Format1, RequirementNumber},
    shape::Shape,
    yaml::Node,
};

/// Every requirement of TR-369.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Requirements {
    /// The revision that the list was taken from.
    pub source: String,
    rows: BTreeMap<String, Requirement>,
    order: Vec<String>,
}

/// One requirement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// Its number, such as `R-ADD.1`.
    pub id: String,
    /// The section of TR-369, such as `messages` or `mtp/websocket`.
    pub section: String,
    /// How binding it is.
    pub level: Level,
}

/// How binding a requirement is, in the words of RFC 2119.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Level {
    /// Absolute.
    #[serde(rename = "MUST")]
    Must,
    /// Absolute, forbidding.
    #[serde(rename = "MUST NOT")]
    MustNot,
    /// Recommended.
    #[serde(rename = "SHOULD")]
    Should,
    /// Recommended against.
    #[serde(rename = "SHOULD NOT")]
    ShouldNot,
    /// Optional.
    #[serde(rename = "MAY")]
    May,
    /// Absolute once, and withdrawn.
    #[serde(rename = "MUST (deprecated)")]
    MustDeprecated,
    /// Recommended once, and withdrawn.
    #[serde(rename = "SHOULD (deprecated)")]
    ShouldDeprecated,
    /// It uses none of the words.
    #[serde(rename = "none")]
    None,
}

impl Requirements {
    /// The requirement with this number.
    pub fn get(&self, id: &str) -> Option<&Requirement> {
        self.rows.get(id)
    }

    /// Every requirement, in TR-369's order.
    pub fn iter(&self) -> impl Iterator<Item = &Requirement> {
        self.order.iter().filter_map(|id| self.rows.get(id))
    }

    /// Every number.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.order.iter().map(String::as_str)
    }

    pub(crate) fn read(tree: &Node, problems: &mut Problems) -> Option<Self> {
        let raw = Shape::<Raw>::new().read(tree, problems)?;
        let mut all = Self { source: raw.source, ..Self::default() };
        let nodes = tree.get("requirements").map(Node::items).unwrap_or_default();
        for (row, node) in raw.requirements.into_iter().zip(nodes) {
            let RawRow { id: RequirementNumber(id), section, level } = row;
            if all.rows.contains_key(&id) {
                problems.add(Mistake::at(node.value_span("id"), format!("the requirement {id} stands here twice")));
                continue;
            }
            all.order.push(id.clone());
            all.rows.insert(id.clone(), Requirement { id, section, level });
        }
        Some(all)
    }
}

/// The requirements of TR-369, without their text.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Requirements of TR-369, format 1")]
pub(crate) struct Raw {
    #[allow(dead_code, reason = "its shape allows one value")]
    format: Format1,
    /// The revision that the list was taken from.
    source: String,
    /// One row for each requirement, in TR-369's order.
    requirements: Vec<RawRow>,
}

/// One requirement.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Requirement")]
struct RawRow {
    /// Its number.
    id: RequirementNumber,
    /// The section of TR-369.
    section: String,
    /// How binding it is.
    level: Level,
}
