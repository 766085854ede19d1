//! The value that every report format renders: each case of the catalogue with its verdict, or the reason why it did not run.

use crate::{
    case::CaseId,
    shard::Shard,
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
    /// Over what, in the profile's order.
    #[serde(default)]
    pub mtps: Vec<MtpInfo>,
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
    /// Its length in milliseconds of protocol time: what the EUT and the cases lived through.
    pub duration_ms: u64,
    /// Its length in milliseconds for whoever waited; shorter than `duration_ms` when the bundled Agent was judged in memory. 0 in
    /// a report from before it was measured.
    #[serde(default)]
    pub wall_ms: u64,
    /// Why it ended before the last case, when it did.
    pub interrupted: Option<String>,
    /// The kind of that reason.
    #[serde(default)]
    pub interrupted_by: Option<EndedBy>,
    /// What the person should know: one sentence each (contradictions of the profile, connections outside any case).
    pub warnings: Vec<String>,
    /// What the run was of; empty in a report from before it was told.
    #[serde(default, skip_serializing_if = "RunIdentity::is_untold")]
    pub identity: RunIdentity,
    /// The runs of which this one was put together: the pieces before and after an interruption, or the shards. Empty for a run in
    /// one go.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<RunPart>,
    /// The exit code with which it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<u8>,
}

/// What a run is of, beside harness, catalogue and plan: two runs that differ in any of it are no parts of one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct RunIdentity {
    /// Hash of the EUT profile's text.
    pub profile: String,
    /// The selection in words; empty for all.
    pub selection: String,
    /// What else of the command line changes what is run, such as `--fault x`; empty for nothing.
    pub options: String,
    /// The share of it that was this run's; `None` for the whole.
    #[serde(default)]
    pub shard: Option<Shard>,
}

/// A run that became a part of another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunPart {
    /// Its UUID.
    pub id: String,
    /// Name of the host that ran it.
    pub host: String,
    /// When it began.
    #[schemars(with = "String")]
    pub started: jiff::Timestamp,
    /// The share that was its own.
    #[serde(default)]
    pub shard: Option<Shard>,
}

/// Why a run ended before its last case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EndedBy {
    /// A person at the terminal.
    Person,
    /// The EUT was not found at bring-up, or did not come back.
    Eut,
    /// Our Controller has lost its rights on the EUT.
    LockedOut,
    /// The profile contradicts the EUT, and that was to be an error.
    Profile,
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

/// One MTP over which the EUT was judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MtpInfo {
    /// Its name in the profile, as results have it.
    pub name: String,
    /// The kind, such as `websocket`.
    pub kind: String,
    /// Who connects, in words; empty where the MTP has no such thing.
    pub role: String,
    /// What TLS came to at bring-up; `None` without TLS, or when no connection came to be.
    pub tls: Option<TlsInfo>,
}

/// What TLS came to on a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TlsInfo {
    /// The version, such as `TLSv1_3`.
    pub version: String,
    /// The cipher suite.
    pub cipher: String,
    /// Whom the EUT's certificate names: the URIs and DNS names of its subjectAltName, or its subject; empty when it showed none.
    pub peer: String,
    /// What the check of that certificate found.
    pub check: String,
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
    /// What the bench must offer for it, in words.
    #[serde(default)]
    pub needs: Vec<String>,
    /// When it was withdrawn, and what took its place.
    #[serde(default)]
    pub deprecated: Option<Deprecation>,
    /// What became of it.
    pub outcome: CaseOutcome,
}

/// A case that plan or specification withdrew.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Deprecation {
    /// The plan's revision that withdrew it.
    pub plan: Option<String>,
    /// The USP version in which its requirement was withdrawn.
    pub usp: Option<String>,
    /// The case that took its place.
    pub by: Option<String>,
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
    /// Its Trace's file, relative to the report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
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

impl Deprecation {
    /// In words, such as `withdrawn by plan 1.1.0 and USP 1.3, in favour of 1.79`.
    pub fn words(&self) -> String {
        let plan = self.plan.as_ref().map(|revision| format!("plan {revision}"));
        let usp = self.usp.as_ref().map(|version| format!("USP {version}"));
        let by: Vec<_> = plan.into_iter().chain(usp).collect();
        let mut words = "withdrawn".to_owned();
        if !by.is_empty() {
            words.push_str(" by ");
            words.push_str(&by.join(" and "));
        }
        if let Some(case) = &self.by {
            words.push_str(", in favour of ");
            words.push_str(case);
        }
        words
    }
}

impl MtpInfo {
    /// In words, such as `websocket, the EUT connects, TLSv1_3 …`.
    pub fn words(&self) -> String {
        let mut parts = vec![self.kind.clone()];
        parts.extend((!self.role.is_empty()).then(|| self.role.clone()));
        if let Some(tls) = &self.tls {
            let peer = if tls.peer.is_empty() { "no certificate" } else { &tls.peer };
            parts.push(format!("{} {}; the EUT showed {peer}: {}", tls.version, tls.cipher, tls.check));
        }
        parts.join(", ")
    }
}

impl RunIdentity {
    /// Whether the report is from before it was told.
    pub fn is_untold(&self) -> bool {
        *self == Self::default()
    }
}

/// Why a text is no run report that can be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A later harness wrote it.
    #[error("it has format {0} of the run report, and this uspec reads up to {RUN_REPORT_FORMAT}: use a newer uspec")]
    Newer(u64),
    /// It is cut off, or something else altogether.
    #[error("it is no run report: {0}")]
    Json(#[from] serde_json::Error),
}

impl RunReport {
    /// Reads what a run wrote, of this format or an earlier one.
    ///
    /// # Errors
    /// A text that is none, and one of a later format.
    pub fn from_json(text: &str) -> Result<Self, ReadError> {
        /// What every format has.
        #[derive(Deserialize)]
        struct Format {
            format: u64,
        }
        let Format { format } = serde_json::from_str(text)?;
        if format > u64::from(RUN_REPORT_FORMAT) {
            return Err(ReadError::Newer(format));
        }
        Ok(serde_json::from_str(text)?)
    }

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

    /// Whether it failed and passed when it was repeated: no pass to rely on.
    pub fn is_flaky(&self) -> bool {
        matches!(&self.outcome, CaseOutcome::Judged(judged) if judged.is_flaky())
    }
}

impl Judged {
    /// As [`CaseResult::is_flaky`].
    pub fn is_flaky(&self) -> bool {
        self.judgement.verdict == Verdict::Pass && !self.earlier.is_empty()
    }

    /// This run as an earlier one of the case, and those before it.
    pub fn into_earlier(self) -> Vec<EarlierRun> {
        let Self { started, duration_ms, judgement, trace, mut earlier, .. } = self;
        let reason = judgement.reason.unwrap_or_default();
        earlier.push(EarlierRun { verdict: judgement.verdict, reason, started, duration_ms, trace });
        earlier
    }
}
