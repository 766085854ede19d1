//! Collects what became of every (case, MTP) and makes the run report of it.

use super::{
    HARNESS,
    facts::{self, deprecation, mtp_info, needs},
};
use std::{collections::BTreeMap, time::Duration};
use tokio::time::Instant;
use uspec_runner::BringUp;
use uspec_testplan::{
    case::CaseId,
    catalogue::Catalogue,
    exchange,
    features::FeatureSet,
    plan::{Decision, Plan, PlanEntry},
    profile::{EutProfile, KnownFailing, check_known_failing},
    run_report::{
        CaseOutcome, CaseResult, Deprecation, EndedBy, EutInfo, Judged, MtpInfo, NotRun, NotRunKind, RUN_REPORT_FORMAT,
        RunInfo, RunReport,
    },
    trace::Trace,
    verdict::{CleanUp, Judgement, Verdict},
};

/// What bring-up over one MTP found, and what was planned with it.
pub(super) struct BroughtUp<'a> {
    pub(super) found: &'a BringUp,
    pub(super) features: FeatureSet,
    pub(super) versions: Vec<String>,
    pub(super) contradictions: Vec<String>,
    pub(super) planned: Plan,
}

type Key = (CaseId, String);

/// What became of everything so far.
#[derive(Debug)]
pub(super) struct Results {
    run: RunInfo,
    eut: EutInfo,
    begun: Instant,
    /// The person's clock. The only one beside tokio's: in memory, tokio's runs ahead of it, and both lengths are told.
    begun_wall: std::time::Instant,
    mtps: Vec<MtpInfo>,
    outcomes: BTreeMap<Key, CaseOutcome>,
    /// The plan made with what the EUT showed, for each MTP over which it was found.
    planned: BTreeMap<String, Plan>,
    known_failing: Vec<KnownFailing>,
    withdrawn: BTreeMap<CaseId, Deprecation>,
    needs: BTreeMap<CaseId, Vec<String>>,
}

impl Results {
    pub(super) fn new(catalogue: &Catalogue, profile: &EutProfile) -> Self {
        let run = RunInfo {
            id: uuid::Uuid::new_v4().to_string(),
            harness: HARNESS.to_owned(),
            catalogue: catalogue.hash.clone(),
            plan: judged_by(catalogue, profile),
            host: gethostname::gethostname().to_string_lossy().into_owned(),
            started: jiff::Timestamp::now(),
            duration_ms: 0,
            wall_ms: 0,
            interrupted: None,
            interrupted_by: None,
            warnings: Vec::new(),
        };
        let eut = EutInfo {
            name: profile.name.clone(),
            endpoint_id: profile.eut_endpoint_id.clone().unwrap_or_default(),
            software_version: None,
            usp_versions: profile.usp_versions.clone(),
            features: Vec::new(),
            alternates: profile.elements.clone(),
        };
        let known_failing = profile.known_failing.clone();
        let mtps = profile.mtps.iter().map(mtp_info).collect();
        let (outcomes, planned) = (BTreeMap::new(), BTreeMap::new());
        let (begun, begun_wall) = (Instant::now(), std::time::Instant::now());
        let withdrawn = catalogue.entries.iter().filter_map(|entry| Some((entry.id.clone(), deprecation(entry)?)));
        let needs = catalogue.cases().map(|case| (case.id.clone(), needs(&case.needs)));
        Self {
            run,
            eut,
            begun,
            begun_wall,
            mtps,
            outcomes,
            planned,
            known_failing,
            withdrawn: withdrawn.collect(),
            needs: needs.collect(),
        }
    }

    pub(super) fn brought_up(&mut self, mtp: &str, up: BroughtUp<'_>) {
        if let Some(info) = self.mtps.iter_mut().find(|info| info.name == mtp) {
            info.tls = facts::tls(&up.found.trace);
        }
        self.eut.endpoint_id.clone_from(&up.found.eut_endpoint_id);
        self.eut.software_version.clone_from(&up.found.software_version);
        self.eut.usp_versions = up.versions;
        self.eut.features = up.features.supported();
        self.warn(up.found.warnings.iter().cloned().chain(up.contradictions));
        self.planned.insert(mtp.to_owned(), up.planned);
    }

    /// The EUT was not found over this MTP: what was to run is inconclusive, or not reached when a person ended the run.
    pub(super) fn no_bring_up(&mut self, mtp: &str, by: EndedBy, reason: &str, plan: &Plan) {
        for entry in plan.entries.iter().filter(|entry| entry.mtp == mtp && super::may_run(entry)) {
            let outcome = if by == EndedBy::Person { not_reached(reason) } else { inconclusive(reason) };
            self.outcomes.insert((entry.case.clone(), mtp.to_owned()), outcome);
        }
        self.ended(mtp, by, reason);
    }

    pub(super) fn judged(
        &mut self,
        case: &CaseId,
        mtp: &str,
        trace: &Trace,
        judgement: Judgement,
        duration: Duration,
        file: Option<String>,
    ) {
        let judged = Judged {
            started: trace.header.started,
            duration_ms: milliseconds(duration),
            judgement,
            exchange: exchange::lines(trace),
            trace: file,
            earlier: Vec::new(),
        };
        self.outcomes.insert((case.clone(), mtp.to_owned()), CaseOutcome::Judged(Box::new(judged)));
    }

    pub(super) fn not_reached(&mut self, case: &CaseId, mtp: &str, reason: &str) {
        self.outcomes.insert((case.clone(), mtp.to_owned()), not_reached(reason));
    }

    /// The run over this MTP ended before its last case. A person's wish ends the whole run, and is told before everything else.
    pub(super) fn ended(&mut self, mtp: &str, by: EndedBy, reason: &str) {
        let reason = if self.mtps.len() > 1 { format!("{mtp}: {reason}") } else { reason.to_owned() };
        self.run.interrupted = Some(match (self.run.interrupted.take(), by) {
            (None, _) => reason,
            (Some(before), EndedBy::Person) if self.run.interrupted_by == Some(EndedBy::Person) => before,
            (Some(before), EndedBy::Person) => format!("{reason}; {before}"),
            (Some(before), _) => format!("{before}; {reason}"),
        });
        let first = self.run.interrupted_by.filter(|_| by != EndedBy::Person);
        self.run.interrupted_by = first.or(Some(by));
    }

    /// Adds what was not said before: each MTP finds the same contradictions.
    pub(super) fn warn(&mut self, warnings: impl IntoIterator<Item = String>) {
        for warning in warnings {
            if !self.run.warnings.contains(&warning) {
                self.run.warnings.push(warning);
            }
        }
    }

    /// The report, with every (case, MTP) in the plan's order.
    pub(super) fn report(mut self, first: &Plan) -> RunReport {
        let results: Vec<_> = first.entries.iter().map(|entry| self.result(entry)).collect();
        let today = jiff::Zoned::now().date();
        let problems = check_known_failing(&self.known_failing, &results, today);
        self.warn(problems.iter().map(ToString::to_string));
        self.run.duration_ms = milliseconds(self.begun.elapsed());
        self.run.wall_ms = milliseconds(self.begun_wall.elapsed());
        RunReport { format: RUN_REPORT_FORMAT, run: self.run, eut: self.eut, mtps: self.mtps, results }
    }

    fn result(&mut self, first: &PlanEntry) -> CaseResult {
        let later = self
            .planned
            .get(&first.mtp)
            .and_then(|plan| plan.entries.iter().find(|entry| entry.case == first.case && entry.mtp == first.mtp));
        let decision = &later.unwrap_or(first).decision;
        let key = (first.case.clone(), first.mtp.clone());
        let outcome = self.outcomes.remove(&key).unwrap_or_else(|| undone(decision, self.run.interrupted.as_deref()));
        CaseResult {
            case: first.case.clone(),
            title: first.title.clone(),
            suite: first.suite.clone(),
            mtp: first.mtp.clone(),
            requirements: first.requirements.clone(),
            features: first.features.clone(),
            disputed: first.disputed.clone(),
            alternates: first.alternates.clone(),
            needs: self.needs.get(&first.case).cloned().unwrap_or_default(),
            deprecated: self.withdrawn.get(&first.case).cloned(),
            outcome,
        }
    }
}

/// The revision of the plan, and the earlier one by which the profile wants withdrawn cases to be judged.
fn judged_by(catalogue: &Catalogue, profile: &EutProfile) -> String {
    match &profile.plan {
        Some(earlier) => format!("{}; with what was withdrawn after {earlier}", catalogue.plan),
        None => catalogue.plan.clone(),
    }
}

/// A case that has no outcome: the plan says why, or the run ended before it.
fn undone(decision: &Decision, interrupted: Option<&str>) -> CaseOutcome {
    match decision {
        Decision::Not { kind, reason } => CaseOutcome::NotRun(NotRun { kind: *kind, reason: reason.clone() }),
        Decision::Run | Decision::DependsOnEut { .. } => not_reached(interrupted.unwrap_or("the run ended before it")),
    }
}

fn not_reached(reason: &str) -> CaseOutcome {
    CaseOutcome::NotRun(NotRun { kind: NotRunKind::NotReached, reason: reason.to_owned() })
}

fn inconclusive(reason: &str) -> CaseOutcome {
    CaseOutcome::Judged(Box::new(Judged {
        started: jiff::Timestamp::now(),
        duration_ms: 0,
        judgement: Judgement {
            verdict: Verdict::Inconclusive,
            reason: Some(reason.to_owned()),
            metrics: Vec::new(),
            universal: Vec::new(),
            clean_up: CleanUp::Unverified("the case did not begin".to_owned()),
        },
        exchange: Vec::new(),
        trace: None,
        earlier: Vec::new(),
    }))
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
