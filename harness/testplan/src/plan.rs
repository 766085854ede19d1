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
    case::{Action, Applies, CaseId, Deprecated, Expected, TestCase},
    catalogue::{Catalogue, Entry},
    features::{FeatureSet, Features},
    plan_index::Status,
    profile::{Broker, EutProfile, Mtp, Role},
    run_report::NotRunKind,
    selection::{Selection, SelectionError},
    trace::MtpFacts,
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

impl PlanEntry {
    /// Whether it runs, as far as is known yet.
    pub fn may_run(&self) -> bool {
        !matches!(self.decision, Decision::Not { .. })
    }
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
    let decide = Decide { profile, features, names: &catalogue.features, selection, usp_versions };
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
    profile: &'a EutProfile,
    features: &'a FeatureSet,
    names: &'a Features,
    selection: &'a Selection,
    usp_versions: &'a [String],
}

impl Decide<'_> {
    /// The first reason that holds: what the person left out, then the most general.
    fn decision(&self, entry: &Entry, mtp: &Mtp) -> Decision {
        let left_out = self.selection.leaves_out(entry, &mtp.name).map(|it| not(NotRunKind::NotSelected, it));
        left_out
            .or_else(|| gone(entry))
            .or_else(|| self.withdrawn(entry))
            .or_else(|| self.wrong_mtp(entry, mtp))
            .or_else(|| self.needs_more(entry, mtp))
            .or_else(|| self.lacks(entry.applies.to_whom()))
            .or_else(|| not_automated(entry))
            .or_else(|| self.wrong_version(entry))
            .or_else(|| self.not_known_yet(entry))
            .unwrap_or(Decision::Run)
    }

    /// A case about one MTP says nothing over another.
    fn wrong_mtp(&self, entry: &Entry, mtp: &Mtp) -> Option<Decision> {
        let ids = entry.features();
        let features: Vec<_> = ids.iter().filter_map(|id| self.names.get(*id)).collect();
        let over: BTreeSet<_> = features.iter().filter_map(|feature| feature.over.as_deref()).collect();
        let about = |what: String| Some(not(NotRunKind::NotApplicable, format!("about {what}")));
        if over.is_empty() {
            return None;
        }
        if !over.contains(mtp.kind()) {
            return about(format!("the {} MTP", over.into_iter().collect::<Vec<_>>().join(" or ")));
        }
        let versions: BTreeSet<_> = features.iter().filter_map(|feature| feature.version.as_deref()).collect();
        let in_use = mtp.facts().version;
        if versions.is_empty() || in_use.as_deref().is_none_or(|version| versions.contains(version)) {
            return None;
        }
        about(format!("version {} of the MTP", versions.into_iter().collect::<Vec<_>>().join(" or ")))
    }

    /// A case that the plan withdrew is for an EUT that is judged by an earlier plan, or is of an earlier USP version.
    fn withdrawn(&self, entry: &Entry) -> Option<Decision> {
        let Applies::Deprecated(withdrawn) = &entry.applies else { return None };
        if self.is_of_an_earlier_plan(withdrawn) || self.waits_for_version(entry) {
            return None;
        }
        let newest = self.newest_version();
        let earlier =
            withdrawn.usp.as_ref().zip(newest).is_some_and(|(usp, newest)| compare_versions(newest, usp).is_lt());
        (!earlier).then(|| not(NotRunKind::Deprecated, self.describe_withdrawn(withdrawn)))
    }

    fn is_of_an_earlier_plan(&self, withdrawn: &Deprecated) -> bool {
        let plans = self.profile.plan.as_ref().zip(withdrawn.revision.as_ref());
        plans.is_some_and(|(plan, revision)| compare_versions(plan, revision).is_lt())
    }

    /// Whether a withdrawn case may run when the EUT's USP version is known.
    fn waits_for_version(&self, entry: &Entry) -> bool {
        match &entry.applies {
            Applies::Deprecated(withdrawn) => {
                withdrawn.usp.is_some() && self.usp_versions.is_empty() && !self.is_of_an_earlier_plan(withdrawn)
            }
            _ => false,
        }
    }

    fn newest_version(&self) -> Option<&String> {
        self.usp_versions.iter().max_by(|a, b| compare_versions(a, b))
    }

    fn describe_withdrawn(&self, withdrawn: &Deprecated) -> String {
        let Deprecated { by, revision, usp, was } = withdrawn;
        let revision = revision.as_ref().map_or("the plan".to_owned(), |revision| format!("plan {revision}"));
        let usp = usp.as_ref().map(|usp| format!(" with USP {usp}")).unwrap_or_default();
        let by = by.as_ref().map(|by| format!(", replaced by {by}")).unwrap_or_default();
        let named: Vec<_> = was.features().iter().map(|id| self.names.describe(*id)).collect();
        let was = match (named.len(), was.as_ref()) {
            (0, _) => String::new(),
            (1, _) => format!("; it was for feature {}", named.concat()),
            (_, Applies::Any(_)) => format!("; it was for feature {}", named.join(" or ")),
            _ => format!("; it was for features {}", named.join(" and ")),
        };
        format!("withdrawn by {revision}{usp}{by}{was}")
    }

    /// What the bench does not offer for this case over this MTP.
    fn needs_more(&self, entry: &Entry, mtp: &Mtp) -> Option<Decision> {
        let needs = &entry.case.as_ref()?.needs;
        let facts = mtp.facts();
        let mut missing = Vec::new();
        if !needs.over.kinds.is_empty() && !needs.over.kinds.contains(&facts.kind) {
            missing.push(format!("the {} MTP", needs.over.kinds.join(" or ")));
        }
        if let Some(role) = needs.over.role.filter(|role| facts.role != Some(*role)) {
            let words = match role {
                Role::EutConnects => "an MTP over which the EUT connects",
                Role::WeConnect => "an MTP over which we connect",
            };
            missing.push(words.to_owned());
        }
        if let Some(tls) = needs.over.tls.filter(|tls| facts.tls != *tls) {
            missing.push(if tls { "TLS" } else { "an MTP without TLS" }.to_owned());
        }
        if let Some(version) = needs.over.version.filter(|it| facts.version.as_deref() != Some(it.name())) {
            missing.push(format!("MQTT {}", version.name()));
        }
        if let Some(broker) = needs.over.broker.filter(|broker| facts.broker != Some(*broker)) {
            missing.push(broker_words(broker).to_owned());
        } else if facts.broker == Some(Broker::Beside) && needs_our_broker(entry.case.as_ref()?, &facts) {
            missing.push(broker_words(Broker::BuiltIn).to_owned());
        }
        // Over a UNIX domain socket the EUT cannot be told of another one: TR-181 lets nobody add rows to their table.
        if needs.second && facts.kind == "uds" && facts.role == Some(Role::EutConnects) {
            missing.push("a second Controller that the EUT can be told of".to_owned());
        }
        let lacking = needs.control.iter().filter(|action| self.profile.control.means(**action).is_none());
        missing.extend(lacking.map(|action| format!("`control: {}` in the profile", action.name())));
        let reason = || format!("needs {}", missing.join(" and "));
        (!missing.is_empty()).then(|| not(NotRunKind::NotApplicable, reason()))
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
        let newest = self.newest_version()?;
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
        let unknown: Vec<_> = match entry.applies.to_whom() {
            Applies::Any(ids) if ids.iter().any(|id| self.features.has(*id) == Some(true)) => Vec::new(),
            _ => entry.features().into_iter().filter(|id| self.features.has(*id).is_none()).collect(),
        };
        if !unknown.is_empty() {
            let named: Vec<_> = unknown.iter().map(|id| self.names.describe(*id)).collect();
            let reason = format!("if the EUT has feature {}", named.join(", "));
            return Some(Decision::DependsOnEut { features: unknown, reason });
        }
        let of_the_case = entry.case.as_ref().is_some_and(|case| case.since.is_some() || case.until.is_some());
        let versioned = of_the_case || self.waits_for_version(entry);
        (versioned && self.usp_versions.is_empty()).then(|| Decision::DependsOnEut {
            features: Vec::new(),
            reason: "if the EUT's USP version fits".to_owned(),
        })
    }
}

const fn broker_words(broker: Broker) -> &'static str {
    match broker {
        Broker::BuiltIn => "the broker of uspec",
        Broker::Beside => "a broker beside uspec",
    }
}

/// Whether a step that exists over this MTP does or awaits what a client beside another broker can neither do nor see.
fn needs_our_broker(case: &TestCase, facts: &MtpFacts) -> bool {
    let steps = case.setup.iter().chain(&case.procedure).chain(&case.cleanup);
    steps.filter(|step| step.exists_over(facts)).any(|step| match &step.action {
        Action::Mtp(action) => action.needs_our_broker(),
        Action::Await { what, .. } | Action::Absent { what, .. } => match what {
            Expected::Mtp(event) => event.needs_our_broker(),
            Expected::Disconnected => true,
            Expected::ResponseTo(_) | Expected::Notify { .. } | Expected::Connected | Expected::Record(_) => false,
        },
        _ => false,
    })
}

/// A number of which the plan has no text.
fn gone(entry: &Entry) -> Option<Decision> {
    match entry.status {
        Status::Deleted => Some(not(NotRunKind::Deprecated, "the plan has deleted it".to_owned())),
        Status::Future => Some(not(NotRunKind::NotAutomated, "the plan reserves the number for later".to_owned())),
        _ => None,
    }
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
