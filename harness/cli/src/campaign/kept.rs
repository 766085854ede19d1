//! What a run has done so far, as values that can be kept: a run that was interrupted goes on from them.
//!
//! One decision behind it: what was judged is kept with its whole judgement, and what bring-up found is kept with what follows from it, so
//! that an MTP over which everything was judged need not be brought up again.

use super::{HARNESS, Manner, facts, results::judged_by};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uspec_runner::BringUp;
use uspec_testplan::{
    case::CaseId,
    catalogue::Catalogue,
    features::FeatureSet,
    profile::EutProfile,
    run_report::{EndedBy, Judged, RunIdentity, RunPart, RunReport, TlsInfo},
    selection::Selection,
    shard::Shard,
};

/// A case and the name of an MTP: what a result is of.
pub type Key = (CaseId, String);

/// One thing that the run need not do again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// A piece of the run begins: the first one, or one that goes on after an interruption.
    Part(RunPart),
    /// The EUT was found over an MTP.
    Found(Found),
    /// A case was judged; a later entry of the same (case, MTP) takes its place.
    Judged(Box<JudgedCase>),
    /// What the person should know.
    Warned(Vec<String>),
    /// The piece ended in order, before the run's last case; why, when it was not our fault.
    Ended(Option<EndedBy>),
}

/// A case that was judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JudgedCase {
    /// The case.
    pub case: CaseId,
    /// The MTP's name.
    pub mtp: String,
    /// What became of it.
    pub judged: Judged,
}

/// What was found out about the EUT over one MTP.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// The MTP's name.
    pub mtp: String,
    /// The EUT's Endpoint ID.
    pub endpoint_id: String,
    /// Its software version.
    pub software_version: Option<String>,
    /// The USP versions that count.
    pub versions: Vec<String>,
    /// The features that count.
    pub features: FeatureSet,
    /// What TLS came to.
    pub tls: Option<TlsInfo>,
    /// What the person should know of it.
    pub warnings: Vec<String>,
}

impl Found {
    pub(super) fn of(
        mtp: &str,
        found: &BringUp,
        features: FeatureSet,
        versions: Vec<String>,
        contradictions: impl IntoIterator<Item = String>,
    ) -> Self {
        Self {
            mtp: mtp.to_owned(),
            endpoint_id: found.eut_endpoint_id.clone(),
            software_version: found.software_version.clone(),
            versions,
            features,
            tls: facts::tls(&found.trace),
            warnings: found.warnings.iter().cloned().chain(contradictions).collect(),
        }
    }

    /// In what this EUT is not the one that was found before; names both sides.
    pub(super) fn is_another(&self, before: &Self) -> Option<String> {
        let differs = |what: &str, then: &str, now: &str| (then != now).then(|| format!("{what} {then}, now {now}"));
        let versions = before.software_version.as_ref().zip(self.software_version.as_ref());
        differs("Endpoint ID", &before.endpoint_id, &self.endpoint_id)
            .or_else(|| versions.and_then(|(then, now)| differs("software version", then, now)))
    }
}

/// What the pieces before an interruption have done.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Before {
    /// The pieces, in their order; empty for a run that begins.
    pub parts: Vec<RunPart>,
    /// What was found, by MTP.
    pub found: BTreeMap<String, Found>,
    /// What was judged.
    pub judged: BTreeMap<Key, Judged>,
    /// What the person should know.
    pub warnings: Vec<String>,
    /// Who ended the last piece; `None` when nobody did it in order.
    pub ended: Option<EndedBy>,
}

impl Before {
    /// Adds what comes next.
    pub fn add(&mut self, entry: Entry) {
        match entry {
            Entry::Part(part) => {
                self.parts.push(part);
                self.ended = None;
            }
            Entry::Found(found) => {
                self.found.insert(found.mtp.clone(), found);
            }
            Entry::Judged(it) => {
                self.judged.insert((it.case, it.mtp), it.judged);
            }
            Entry::Warned(warnings) => self.warnings.extend(warnings),
            Entry::Ended(by) => self.ended = by,
        }
    }

    /// What was said when the run went on, in one line; `None` for a run that begins.
    pub(super) fn words(&self, now: jiff::Timestamp) -> Option<String> {
        let (first, more) = self.parts.split_first()?;
        let again = more.iter().map(|part| part.started).chain([now]).map(|at| at.to_string());
        let again = again.collect::<Vec<_>>().join(", ");
        let count = self.judged.len();
        Some(format!(
            "the run was interrupted: it began at {} and was resumed at {again}; {count} results are from before",
            first.started
        ))
    }
}

/// A piece of a run that begins now, on this host.
pub(super) fn part(shard: Option<Shard>) -> RunPart {
    RunPart {
        id: uuid::Uuid::new_v4().to_string(),
        host: gethostname::gethostname().to_string_lossy().into_owned(),
        started: jiff::Timestamp::now(),
        shard,
    }
}

/// What a run is of, on the first line of what is kept: a run goes on only when all of it is the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heading {
    /// Version of the harness.
    pub harness: String,
    /// Hash of the catalogue.
    pub catalogue: String,
    /// The plan's revision.
    pub plan: String,
    /// The EUT's name in its profile.
    pub eut: String,
    /// Hash of the profile, selection, options, shard.
    pub identity: RunIdentity,
}

impl Heading {
    /// Of what a campaign of these is.
    pub fn new(catalogue: &Catalogue, profile: &EutProfile, selection: &Selection, manner: &Manner) -> Self {
        Self {
            harness: HARNESS.to_owned(),
            catalogue: catalogue.hash.clone(),
            plan: judged_by(catalogue, profile),
            eut: profile.name.clone(),
            identity: RunIdentity {
                profile: profile.hash.clone(),
                selection: selection.words(),
                options: manner.options.clone(),
                shard: manner.shard,
            },
        }
    }

    /// Of what this report is.
    pub fn of(report: &RunReport) -> Self {
        let RunReport { run, eut, .. } = report;
        Self {
            harness: run.harness.clone(),
            catalogue: run.catalogue.clone(),
            plan: run.plan.clone(),
            eut: eut.name.clone(),
            identity: run.identity.clone(),
        }
    }

    /// Everything in which the two differ: what it is, here, there. Shards of one run differ in their index alone, which does not count.
    pub fn differences(&self, other: &Self) -> Vec<(&'static str, String, String)> {
        let shards = |it: &Self| it.identity.shard.map_or_else(|| "one".to_owned(), |shard| shard.of.to_string());
        let all = [
            ("harness", self.harness.clone(), other.harness.clone()),
            ("catalogue", self.catalogue.clone(), other.catalogue.clone()),
            ("plan", self.plan.clone(), other.plan.clone()),
            ("EUT", self.eut.clone(), other.eut.clone()),
            ("EUT profile", self.identity.profile.clone(), other.identity.profile.clone()),
            ("selection", self.identity.selection.clone(), other.identity.selection.clone()),
            ("options", self.identity.options.clone(), other.identity.options.clone()),
            ("number of shards", shards(self), shards(other)),
        ];
        all.into_iter().filter(|(_, here, there)| here != there).collect()
    }
}
