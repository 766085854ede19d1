//! The plan of a run: for every (case, MTP) whether it runs, and if not, why.
//!
//! One decision behind it: nothing is left out in silence. Each case of the catalogue is in the plan once for each MTP of the
//! profile, with its reason in words.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
};

use serde::{Deserialize, Serialize};

use crate::{
    case::{Applies, CaseId, Deprecated},
    catalogue::{Catalogue, Entry},
    features::{FeatureSet, Features},
    plan_index::Status,
    profile::{EutProfile, Mtp},
    run_report::NotRunKind,
    selection::{Selection, SelectionError},
};

/// What becomes of every (case, MTP), case by case in the plan's order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// One entry for each case and each MTP.
    pub entries: Vec<PlanEntry>,
}

/// What becomes of one (case, MTP).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanEntry {
    /// The case.
    pub case: CaseId,
    /// Its title.
    pub title: String,
    /// The suite it belongs to: `tp469` or `tr369`.
    pub suite: String,
    /// The MTP's name in the profile.
    pub mtp: String,
    /// TR-369 requirements that it tests.
    pub requirements: Vec<String>,
    /// Features that it needs.
    pub features: Vec<u16>,
    /// Where plan and specification disagree.
    pub disputed: Option<String>,
    /// Elements of the profile that stand in for the plan's: name and what is used.
    pub alternates: BTreeMap<String, String>,
    /// What becomes of it.
    pub decision: Decision,
}

/// What becomes of a case, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// It runs.
    Run,
    /// It runs if the device turns out to have what it needs; plan again when that is known.
    DependsOnEut {
        /// The features that are not known yet; empty when only the USP version is not.
        features: Vec<u16>,
        /// The same in words.
        reason: String,
    },
    /// It does not.
    Not {
        /// The kind of reason.
        kind: NotRunKind,
        /// The reason in words.
        reason: String,
    },
}

impl Plan {
    /// The entries that run.
    pub fn runs(&self) -> impl Iterator<Item = &PlanEntry> {
        self.entries.iter().filter(|entry| entry.decision == Decision::Run)
    }
}

/// Decides for every case and every MTP of the profile. `usp_versions` are those that the EUT named, empty while it was not asked.
///
/// A selection of which a part matches no case at all is an error.
pub fn plan(
    catalogue: &Catalogue,
    profile: &EutProfile,
    selection: &Selection,
    features: &FeatureSet,
    usp_versions: &[String],
) -> Result<Plan, SelectionError> {
    let names: Vec<_> = profile.mtps.iter().map(|mtp| mtp.name.as_str()).collect();
    let unmatched = selection.unmatched(&catalogue.entries, &names);
    if !unmatched.is_empty() {
        return Err(SelectionError::MatchesNothing(unmatched.join(", ")));
    }
    let decide = Decide { features, names: &catalogue.features, selection, usp_versions };
    let mut entries = Vec::new();
    let mut selected = false;
    for entry in &catalogue.entries {
        for mtp in &profile.mtps {
            selected |= selection.leaves_out(entry, &mtp.name).is_none();
            entries.push(plan_entry(entry, mtp, profile, decide.decision(entry, mtp)));
        }
    }
    if selected { Ok(Plan { entries }) } else { Err(SelectionError::MatchesNothing(selection.words())) }
}

fn plan_entry(entry: &Entry, mtp: &Mtp, profile: &EutProfile, decision: Decision) -> PlanEntry {
    let alternates = entry.elements.iter().filter_map(|name| Some((name.clone(), profile.elements.get(name)?.clone())));
    PlanEntry {
        case: entry.id.clone(),
        title: entry.title.clone(),
        suite: entry.suite.to_owned(),
        mtp: mtp.name.clone(),
        requirements: entry.case.as_ref().map(|case| case.requirements.clone()).unwrap_or_default(),
        features: entry.features(),
        disputed: entry.case.as_ref().and_then(|case| case.disputed.clone()),
        alternates: alternates.collect(),
        decision,
    }
}

struct Decide<'a> {
    features: &'a FeatureSet,
    names: &'a Features,
    selection: &'a Selection,
    usp_versions: &'a [String],
}

impl Decide<'_> {
    /// The first reason that holds, the most general first.
    fn decision(&self, entry: &Entry, mtp: &Mtp) -> Decision {
        withdrawn(entry)
            .or_else(|| self.selection.leaves_out(entry, &mtp.name).map(|it| not(NotRunKind::NotSelected, it)))
            .or_else(|| self.wrong_mtp(entry, mtp))
            .or_else(|| self.lacks(&entry.applies))
            .or_else(|| not_automated(entry))
            .or_else(|| self.wrong_version(entry))
            .or_else(|| self.not_known_yet(entry))
            .unwrap_or(Decision::Run)
    }

    /// A case about one MTP says nothing over another.
    fn wrong_mtp(&self, entry: &Entry, mtp: &Mtp) -> Option<Decision> {
        let named = entry.features().into_iter().filter_map(|id| self.names.get(id)?.over.as_deref());
        let over: Vec<_> = named.collect::<BTreeSet<_>>().into_iter().collect();
        if over.is_empty() || over.contains(&mtp.kind()) {
            return None;
        }
        Some(not(NotRunKind::NotApplicable, format!("about the {} MTP", over.join(" or "))))
    }

    fn lacks(&self, applies: &Applies) -> Option<Decision> {
        let lacking = |id: &&u16| self.features.has(**id) == Some(false);
        let missing: Vec<_> = match applies {
            Applies::Feature(id) => Some(id).into_iter().filter(lacking).collect(),
            Applies::All(ids) => ids.iter().filter(lacking).collect(),
            Applies::Any(ids) if ids.iter().all(|id| lacking(&id)) => ids.iter().collect(),
            Applies::Any(_) | Applies::Mandatory | Applies::Deprecated(_) => Vec::new(),
        };
        if missing.is_empty() {
            return None;
        }
        let word = if missing.len() == 1 { "feature" } else { "features" };
        let join = if matches!(applies, Applies::Any(_)) { " or " } else { " and " };
        let named: Vec<_> = missing.into_iter().map(|id| self.names.describe(*id)).collect();
        Some(not(NotRunKind::NotApplicable, format!("{word} {} not supported", named.join(join))))
    }

    fn wrong_version(&self, entry: &Entry) -> Option<Decision> {
        let case = entry.case.as_ref()?;
        let newest = self.usp_versions.iter().max_by(|a, b| compare_versions(a, b))?;
        if let Some(since) = case.since.as_ref().filter(|since| compare_versions(newest, since).is_lt()) {
            return Some(not(
                NotRunKind::NotApplicable,
                format!("from USP {since} on; the EUT supports up to {newest}"),
            ));
        }
        let until = case.until.as_ref().filter(|until| compare_versions(newest, until).is_ge())?;
        Some(not(NotRunKind::NotApplicable, format!("before USP {until} only; the EUT supports up to {newest}")))
    }

    fn not_known_yet(&self, entry: &Entry) -> Option<Decision> {
        let unknown: Vec<_> = match &entry.applies {
            Applies::Any(ids) if ids.iter().any(|id| self.features.has(*id) == Some(true)) => Vec::new(),
            _ => entry.features().into_iter().filter(|id| self.features.has(*id).is_none()).collect(),
        };
        if !unknown.is_empty() {
            let named: Vec<_> = unknown.iter().map(|id| self.names.describe(*id)).collect();
            let reason = format!("if the EUT has feature {}", named.join(", "));
            return Some(Decision::DependsOnEut { features: unknown, reason });
        }
        let versioned = entry.case.as_ref().is_some_and(|case| case.since.is_some() || case.until.is_some());
        (versioned && self.usp_versions.is_empty()).then(|| Decision::DependsOnEut {
            features: Vec::new(),
            reason: "if the EUT's USP version fits".to_owned(),
        })
    }
}

fn withdrawn(entry: &Entry) -> Option<Decision> {
    let reason = match (entry.status, &entry.applies) {
        (Status::Deleted, _) => "the plan has deleted it".to_owned(),
        (Status::Future, _) => {
            let reason = "the plan reserves the number for later".to_owned();
            return Some(not(NotRunKind::NotAutomated, reason));
        }
        (_, Applies::Deprecated(Deprecated { by: Some(by), .. })) => format!("the plan has replaced it by {by}"),
        (_, Applies::Deprecated(_)) => "the plan has withdrawn it".to_owned(),
        _ => return None,
    };
    Some(not(NotRunKind::Deprecated, reason))
}

fn not_automated(entry: &Entry) -> Option<Decision> {
    let reason = || "the catalogue has no file for it yet".to_owned();
    entry.case.is_none().then(|| not(NotRunKind::NotAutomated, reason()))
}

fn not(kind: NotRunKind, reason: String) -> Decision {
    Decision::Not { kind, reason }
}

/// Orders USP versions by their numbers: 1.9 before 1.10. What is no number counts as 0.
pub fn compare_versions(a: &str, b: &str) -> Ordering {
    let numbers = |text: &str| text.split('.').map(|part| part.parse::<u32>().unwrap_or(0)).collect::<Vec<_>>();
    numbers(a).cmp(&numbers(b))
}
