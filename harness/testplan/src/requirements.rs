//! TR-369's requirements by number, section and level, and what becomes of each in the catalogue; their text stays where it
//! belongs, in TR-369.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    case::CaseId,
    diagnostic::{Mistake, Problems},
    plan_index::PlanIndex,
    raw::text::{Format1, RequirementNumber, TesterText},
    shape::Shape,
    universal,
    yaml::{Node, Span},
};

/// What stands before the name of a universal rule.
const UNIVERSAL: &str = "universal ";

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
    /// What becomes of it in the catalogue; `None` while nobody has said.
    pub coverage: Option<Coverage>,
    /// Where its row stands, for problems that only the rest of the catalogue shows.
    span: Span,
}

/// What becomes of a requirement in the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Coverage {
    /// Cases and universal rules test it; at least one.
    TestedBy(Vec<Tester>),
    /// Nothing tests it.
    Untested {
        /// What kind of reason that has.
        because: Because,
        /// The reason in words.
        reason: String,
    },
}

/// What tests a requirement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tester {
    /// A case of the plan, or one of our own.
    Case(CaseId),
    /// A universal rule, by the name under which it is reported.
    Universal(String),
}

/// Why nothing tests a requirement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// Nothing that an Agent does shows whether it holds.
    NotObservable,
    /// It binds Controllers.
    Controller,
    /// It binds brokers.
    Broker,
    /// An Agent need not do it.
    Optional,
    /// TR-369 has withdrawn it.
    Deprecated,
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

    /// Of which requirements of these sections nobody has said what becomes of them, in TR-369's order.
    pub fn unsettled(&self, sections: &[&str]) -> Vec<&str> {
        let open = |it: &&Requirement| it.coverage.is_none() && sections.contains(&it.section.as_str());
        self.iter().filter(open).map(|it| it.id.as_str()).collect()
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
            let coverage = coverage(&row, node, problems);
            let RawRow { id: RequirementNumber(id), section, level, .. } = row;
            if all.rows.contains_key(&id) {
                problems.add(Mistake::at(node.value_span("id"), format!("the requirement {id} stands here twice")));
                continue;
            }
            all.order.push(id.clone());
            let span = node.get("tested_by").or_else(|| node.get("untested")).unwrap_or(node).span;
            all.rows.insert(id.clone(), Requirement { id, section, level, coverage, span });
        }
        Some(all)
    }

    /// Holds what the rows say against the cases: a case that a row names must be one, and must list the requirement; one that lists it
    /// contradicts a row which says that nothing tests it. Cases of which there is no file are taken at their word.
    pub(crate) fn check(&self, cases: &BTreeMap<CaseId, Vec<String>>, plan: &PlanIndex, problems: &mut Problems) {
        for row in self.iter() {
            match &row.coverage {
                Some(Coverage::TestedBy(testers)) => {
                    let named = testers.iter().filter_map(|tester| match tester {
                        Tester::Case(id) => Some(id),
                        Tester::Universal(_) => None,
                    });
                    for case in named {
                        check_case(row, case, cases, plan, problems);
                    }
                }
                Some(Coverage::Untested { .. }) => {
                    let listing = cases.iter().find(|(_, listed)| listed.contains(&row.id));
                    if let Some((case, _)) = listing {
                        let mistake = Mistake::at(row.span, format!("the case {case} lists {}", row.id));
                        problems.add(mistake.help("say `tested_by`, or take it out of the case's `requirements`"));
                    }
                }
                None => {}
            }
        }
    }
}

fn check_case(
    row: &Requirement,
    case: &CaseId,
    cases: &BTreeMap<CaseId, Vec<String>>,
    plan: &PlanIndex,
    problems: &mut Problems,
) {
    if matches!(case, CaseId::Plan { .. }) && plan.get(case).is_none() {
        problems.at(row.span, format!("{} has no case {case}", plan.plan));
    }
    if cases.get(case).is_some_and(|listed| !listed.contains(&row.id)) {
        let mistake = Mistake::at(row.span, format!("the case {case} does not list {}", row.id));
        problems.add(mistake.help("put it into the case's `requirements`, or name another case"));
    }
}

/// What a row says of its coverage; what is wrong with it is reported.
fn coverage(raw: &RawRow, node: &Node, problems: &mut Problems) -> Option<Coverage> {
    if raw.tested_by.is_some() && raw.untested.is_some() {
        problems.at(node.key_span("untested"), "`tested_by` and `untested` exclude each other");
    }
    if let Some(raw) = &raw.untested {
        return Some(Coverage::Untested { because: raw.because, reason: raw.reason.clone() });
    }
    let names = raw.tested_by.as_ref()?;
    let items = node.get("tested_by").map(Node::items).unwrap_or_default();
    let testers = names.iter().zip(items).filter_map(|(TesterText(name), item)| tester(name, item.span, problems));
    Some(Coverage::TestedBy(testers.collect()))
}

/// A case by its id, or `universal` and the name of a rule. TP-469's own universal metrics are named so already.
fn tester(text: &str, at: Span, problems: &mut Problems) -> Option<Tester> {
    let Some(name) = text.strip_prefix(UNIVERSAL) else { return text.parse().ok().map(Tester::Case) };
    let names = || universal::RULES.iter().map(|(name, _)| *name);
    if let Some(known) = names().find(|known| *known == text || *known == name) {
        return Some(Tester::Universal(known.to_owned()));
    }
    let mistake = Mistake::at(at, format!("there is no universal rule `{name}`"));
    problems
        .add(mistake.nearest(name, names()).help(format!("the rules are {}", names().collect::<Vec<_>>().join(", "))));
    None
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
    /// Which cases and universal rules test it.
    #[serde(default)]
    #[schemars(length(min = 1))]
    tested_by: Option<Vec<TesterText>>,
    /// Why nothing tests it.
    #[serde(default)]
    untested: Option<RawUntested>,
}

/// Why nothing tests a requirement.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Untested")]
struct RawUntested {
    /// What kind of reason that has.
    because: Because,
    /// The reason in words.
    #[schemars(length(min = 1))]
    reason: String,
}
