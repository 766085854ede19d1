//! The value that every report format renders: each case of the catalogue with its verdict, or the reason why it did not run.

use crate::{
    case::CaseId,
    verdict::{Judgement, Verdict},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of the run report's own format.
pub const RUN_REPORT_FORMAT: u32 = 1;

/// One run of the harness.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunReport {
    /// [`RUN_REPORT_FORMAT`].
    pub format: u32,
    /// The run itself.
    pub run: RunInfo,
    /// Whom it judged.
    pub eut: EutInfo,
    /// Every (case, MTP) of the catalogue, in the plan's order.
    pub results: Vec<CaseResult>,
}

/// The run itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunInfo {
    /// A UUID.
    pub id: String,
    /// Version of the harness.
    pub harness: String,
    /// Hash of the catalogue.
    pub catalogue: String,
    /// The plan's revision.
    pub plan: String,
    /// Name of the host that ran it.
    pub host: String,
    /// When it began.
    #[schemars(with = "String")]
    pub started: jiff::Timestamp,
    /// Its length in milliseconds.
    pub duration_ms: u64,
    /// Why it ended before the last case, when it did.
    pub interrupted: Option<String>,
    /// What the person should know: one sentence each (contradictions of the profile, connections outside any case).
    pub warnings: Vec<String>,
}

/// Whom the run judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EutInfo {
    /// The name in its profile.
    pub name: String,
    /// Its Endpoint ID.
    pub endpoint_id: String,
    /// Software version, as read from the device.
    pub software_version: Option<String>,
    /// USP versions it supports.
    pub usp_versions: Vec<String>,
    /// TP-469 feature IDs.
    pub features: Vec<u16>,
    /// Alternates for elements that the plan names: name and what was used.
    pub alternates: BTreeMap<String, String>,
}

/// What became of one (case, MTP).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CaseResult {
    /// The case.
    #[schemars(with = "String")]
    pub case: CaseId,
    /// Its title.
    pub title: String,
    /// The suite it belongs to, such as `tp469`.
    pub suite: String,
    /// The MTP, such as `websocket`.
    pub mtp: String,
    /// TR-369 requirements that it tests.
    pub requirements: Vec<String>,
    /// Features that it needs.
    pub features: Vec<u16>,
    /// Where plan and specification disagree.
    pub disputed: Option<String>,
    /// Elements of the profile that stood in for the plan's.
    pub alternates: BTreeMap<String, String>,
    /// What became of it.
    pub outcome: CaseOutcome,
}

/// What became of a case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CaseOutcome {
    /// It ran.
    Judged(Box<Judged>),
    /// It did not.
    NotRun(NotRun),
}

/// A case that ran.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Judged {
    /// When it began.
    #[schemars(with = "String")]
    pub started: jiff::Timestamp,
    /// Its length in milliseconds.
    pub duration_ms: u64,
    /// Metrics and verdict.
    pub judgement: Judgement,
    /// The exchange, one short line an event.
    pub exchange: Vec<String>,
    /// The Trace's file, relative to the report.
    pub trace: Option<String>,
    /// Earlier runs of the same case within this run, oldest first; a repetition is never silent.
    #[serde(default)]
    pub earlier: Vec<EarlierRun>,
}

/// A run of a case that was repeated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EarlierRun {
    /// Its verdict.
    pub verdict: Verdict,
    /// Why, in one line.
    pub reason: String,
    /// When it began.
    #[schemars(with = "String")]
    pub started: jiff::Timestamp,
    /// Its length in milliseconds.
    pub duration_ms: u64,
}

/// Why a case did not run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotRun {
    /// The kind of reason.
    pub kind: NotRunKind,
    /// The reason in words, such as `feature 17 (STOMP MTP) not supported`.
    pub reason: String,
}

/// The kinds of reason why a case did not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NotRunKind {
    /// The EUT lacks a feature, or the version or MTP does not fit.
    NotApplicable,
    /// The selection leaves it out.
    NotSelected,
    /// The plan withdrew it.
    Deprecated,
    /// The plan has it, the catalogue does not yet.
    NotAutomated,
    /// The run ended before it.
    NotReached,
}

impl RunReport {
    /// The worst verdict of all cases that ran, `None` when none did.
    pub fn verdict(&self) -> Option<Verdict> {
        self.results.iter().filter_map(CaseResult::verdict).max()
    }
}

impl CaseResult {
    /// The verdict, when the case ran.
    pub fn verdict(&self) -> Option<Verdict> {
        match &self.outcome {
            CaseOutcome::Judged(judged) => Some(judged.judgement.verdict),
            CaseOutcome::NotRun(_) => None,
        }
    }
}
