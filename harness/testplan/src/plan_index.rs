//! The index of TP-469: one row for each of its cases, automated or not.
//!
//! One decision behind it: what the plan holds is a list of its own and not the sum of the files, so that a case nobody has written
//! yet is still in every report, and a metric that a file forgot is found.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    case::{Applies, CaseId, Deprecated},
    catalogue::Entry,
    diagnostic::{Mistake, Problems},
    raw::{
        self,
        text::{CaseNumber, Format1, UspVersion},
    },
    shape::Shape,
    yaml::Node,
};

/// Every case of TP-469.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PlanIndex {
    /// The plan's revision, such as `TP-469 1.4.0`.
    pub plan: String,
    rows: BTreeMap<CaseId, PlanRow>,
}

/// One case of the plan.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanRow {
    /// Its number.
    pub id: CaseId,
    /// What is tested, in our words.
    pub title: String,
    /// Which EUT it applies to.
    pub applies: Applies,
    /// How many metrics the plan has for it; they are numbered from 1.
    pub metrics: u16,
    /// How it stands in the plan.
    pub status: Status,
}

/// How a case stands in the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Every EUT must pass it.
    Mandatory,
    /// Every EUT with its features must pass it.
    Conditional,
    /// Withdrawn, its text still there.
    Deprecated,
    /// Withdrawn, its text gone.
    Deleted,
    /// A number without a procedure yet.
    Future,
    /// Not of the plan: our own case for what it leaves untested.
    Own,
}

impl Status {
    /// Every status, in the order of its meaning.
    pub const ALL: [Self; 6] =
        [Self::Mandatory, Self::Conditional, Self::Deprecated, Self::Deleted, Self::Future, Self::Own];

    /// The word for it, as selections write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mandatory => "mandatory",
            Self::Conditional => "conditional",
            Self::Deprecated => "deprecated",
            Self::Deleted => "deleted",
            Self::Future => "future",
            Self::Own => "own",
        }
    }

    /// The status that follows from what a case applies to.
    pub(crate) fn of(applies: &Applies) -> Self {
        match applies {
            Applies::Mandatory => Self::Mandatory,
            Applies::Feature(_) | Applies::Any(_) | Applies::All(_) => Self::Conditional,
            Applies::Deprecated(_) => Self::Deprecated,
        }
    }
}

impl PlanIndex {
    /// The row with this number.
    pub fn get(&self, id: &CaseId) -> Option<&PlanRow> {
        self.rows.get(id)
    }

    /// Every row, in the plan's order.
    pub fn iter(&self) -> impl Iterator<Item = &PlanRow> {
        self.rows.values()
    }

    /// The index behind a catalogue's entries.
    pub(crate) fn from_entries(plan: &str, entries: &[Entry]) -> Self {
        let rows = entries.iter().filter(|entry| entry.status != Status::Own).map(|entry| PlanRow {
            id: entry.id.clone(),
            title: entry.title.clone(),
            applies: entry.applies.clone(),
            metrics: entry.metrics,
            status: entry.status,
        });
        Self { plan: plan.to_owned(), rows: rows.map(|row| (row.id.clone(), row)).collect() }
    }

    pub(crate) fn read(tree: &Node, problems: &mut Problems) -> Option<Self> {
        let raw = Shape::<Raw>::new().read(tree, problems)?;
        let mut index = Self { plan: raw.plan, rows: BTreeMap::new() };
        let nodes = tree.get("cases").map(Node::items).unwrap_or_default();
        for (row, node) in raw.cases.into_iter().zip(nodes) {
            let Some(row) = lower(row, node, problems) else { continue };
            let id = row.id.clone();
            if index.rows.insert(id.clone(), row).is_some() {
                problems.add(Mistake::at(node.value_span("id"), format!("the case {id} stands here twice")));
            }
        }
        Some(index)
    }
}

fn lower(row: RawRow, node: &Node, problems: &mut Problems) -> Option<PlanRow> {
    let id: CaseId = row.id.0.parse().ok()?;
    let at = node.value_span("id");
    let (applies, status) = match (row.applies, row.status) {
        (Some(applies), None) => {
            let applies = applies.lower()?;
            let status = Status::of(&applies);
            (applies, status)
        }
        (None, Some(Absent::Deleted)) => {
            let was = Box::new(Applies::Mandatory);
            (Applies::Deprecated(Deprecated { by: None, revision: None, usp: None, was }), Status::Deleted)
        }
        (None, Some(Absent::Future)) => (Applies::Mandatory, Status::Future),
        _ => {
            problems.at(at, format!("the case {id} has either `applies` or `status`"));
            return None;
        }
    };
    Some(PlanRow { id, title: row.title, applies, metrics: row.metrics, status })
}

impl raw::applies::Applies {
    /// What it says; `None` when its shape was wrong, which the walker has told.
    pub(crate) fn lower(self) -> Option<Applies> {
        use raw::applies::{Applies as Raw, Condition, Was};
        let condition = match self {
            Raw::Word(raw::applies::Word::Mandatory) => return Some(Applies::Mandatory),
            Raw::Condition(condition) => condition,
        };
        match condition {
            Condition { feature: Some(id), any: None, all: None, deprecated: None } => Some(Applies::Feature(id)),
            Condition { feature: None, any: Some(ids), all: None, deprecated: None } => Some(Applies::Any(ids)),
            Condition { feature: None, any: None, all: Some(ids), deprecated: None } => Some(Applies::All(ids)),
            Condition { feature: None, any: None, all: None, deprecated: Some(raw) } => {
                let by = raw.by.map(|CaseNumber(by)| by.parse()).transpose().ok()?;
                let was = match raw.was {
                    None => Applies::Mandatory,
                    Some(Was { feature: Some(id), any: None, all: None }) => Applies::Feature(id),
                    Some(Was { feature: None, any: Some(ids), all: None }) => Applies::Any(ids),
                    Some(Was { feature: None, any: None, all: Some(ids) }) => Applies::All(ids),
                    Some(_) => return None,
                };
                Some(Applies::Deprecated(Deprecated {
                    by,
                    revision: Some(raw.revision.0),
                    usp: raw.usp.map(|UspVersion(version)| version),
                    was: Box::new(was),
                }))
            }
            _ => None,
        }
    }
}

/// The index of the test plan.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Index of the test plan, format 1")]
pub(crate) struct Raw {
    #[allow(dead_code, reason = "its shape allows one value")]
    format: Format1,
    /// The plan's revision.
    plan: String,
    /// One row for each case of the plan.
    cases: Vec<RawRow>,
}

/// One case of the plan.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PlanRow")]
struct RawRow {
    /// Its number.
    id: CaseNumber,
    /// Which EUT it applies to.
    #[serde(default)]
    applies: Option<raw::applies::Applies>,
    /// In place of `applies`, when the plan has a number without a procedure.
    #[serde(default)]
    status: Option<Absent>,
    /// How many metrics it has.
    #[serde(default)]
    metrics: u16,
    /// What is tested, in our own words.
    #[schemars(length(min = 1, max = 90))]
    title: String,
}

/// Why a number has no procedure.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Absent {
    /// The plan removed it.
    Deleted,
    /// The plan reserves it.
    Future,
}
