//! Collects what became of every (case, MTP) and makes the run report of it.

use super::{
    Campaign,
    facts::{deprecation, mtp_info, needs},
    kept::{self, Found, Heading, Key},
};
use std::{collections::BTreeMap, time::Duration};
use tokio::time::Instant;
use uspec_testplan::{
    case::{CaseId, TestCase},
    catalogue::Catalogue,
    exchange,
    plan::{Decision, Plan, PlanEntry},
    profile::{EutProfile, KnownFailing, check_known_failing},
    run_report::{
        CaseOutcome, CaseResult, Deprecation, EndedBy, EutInfo, Judged, MtpInfo, NotRun, NotRunKind, RUN_REPORT_FORMAT,
        RunInfo, RunPart, RunReport,
    },
    trace::Trace,
    verdict::{CleanUp, Judgement, Verdict},
};

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
    /// This piece of the run.
    part: RunPart,
    /// How often what does not pass is repeated.
    repeats: usize,
}

impl Results {
    pub(super) fn new(campaign: &Campaign<'_>) -> Self {
        let Campaign { catalogue, profile, selection, manner, .. } = *campaign;
        let (part, before) = (kept::part(manner.shard), &manner.before);
        let Heading { harness, catalogue: hash, plan, identity, .. } =
            Heading::new(catalogue, profile, selection, manner);
        let first = before.parts.first().unwrap_or(&part);
        let resumed = before.words(part.started);
        let parts = if resumed.is_some() { before.parts.iter().chain([&part]).cloned().collect() } else { Vec::new() };
        let run = RunInfo {
            id: first.id.clone(),
            harness,
            catalogue: hash,
            plan,
            host: part.host.clone(),
            started: first.started,
            duration_ms: before.judged.values().map(|it| it.duration_ms).sum(),
            wall_ms: 0,
            interrupted: None,
            interrupted_by: None,
            warnings: resumed.into_iter().chain(before.warnings.iter().cloned()).collect(),
            identity,
            parts,
            exit_code: None,
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
        let outcomes = before.judged.iter().map(|(key, it)| (key.clone(), CaseOutcome::Judged(Box::new(it.clone()))));
        let (begun, begun_wall) = (Instant::now(), std::time::Instant::now());
        let withdrawn = catalogue.entries.iter().filter_map(|entry| Some((entry.id.clone(), deprecation(entry)?)));
        let needs = catalogue.cases().map(|case| (case.id.clone(), needs(&case.needs)));
        Self {
            run,
            eut,
            begun,
            begun_wall,
            mtps,
            outcomes: outcomes.collect(),
            planned: BTreeMap::new(),
            known_failing,
            withdrawn: withdrawn.collect(),
            needs: needs.collect(),
            part,
            repeats: manner.repeats,
        }
    }

    /// This piece of the run.
    pub(super) fn part(&self) -> &RunPart {
        &self.part
    }

    /// What is still to be run of these: first what was not judged yet, then what is to be repeated.
    pub(super) fn left<'c>(&self, mtp: &str, cases: &[&'c TestCase]) -> Vec<&'c TestCase> {
        let outcome = |case: &TestCase| self.outcomes.get(&(case.id.clone(), mtp.to_owned()));
        let todo: Vec<_> = cases.iter().copied().filter(|case| outcome(case).is_none()).collect();
        if !todo.is_empty() {
            return todo;
        }
        let again = |case: &TestCase| matches!(outcome(case), Some(CaseOutcome::Judged(it)) if self.repeats(it));
        let excused = |case: &TestCase| self.known_failing.iter().any(|entry| entry.is_about(&case.id, mtp));
        cases.iter().copied().filter(|case| again(case) && !excused(case)).collect()
    }

    fn repeats(&self, judged: &Judged) -> bool {
        judged.judgement.verdict != Verdict::Pass && judged.earlier.len() < self.repeats
    }

    /// Which run of the case comes next, from 1.
    pub(super) fn next_run(&self, case: &CaseId, mtp: &str) -> usize {
        match self.outcomes.get(&(case.clone(), mtp.to_owned())) {
            Some(CaseOutcome::Judged(before)) => before.earlier.len().saturating_add(2),
            _ => 1,
        }
    }

    /// The EUT was found over an MTP, now or before an interruption.
    pub(super) fn found(&mut self, found: Found, planned: Plan) {
        let Found { mtp, endpoint_id, software_version, versions, features, tls, warnings } = found;
        if let Some(info) = self.mtps.iter_mut().find(|info| info.name == mtp) {
            info.tls = tls;
        }
        self.eut.endpoint_id = endpoint_id;
        self.eut.software_version = software_version;
        self.eut.usp_versions = versions;
        self.eut.features = features.supported();
        self.warn(warnings);
        self.planned.insert(mtp, planned);
    }

    /// The EUT was not found over this MTP: what was to run is inconclusive, or not reached when a person ended the run.
    pub(super) fn no_bring_up(&mut self, mtp: &str, by: EndedBy, reason: &str, plan: &Plan) {
        for entry in plan.entries.iter().filter(|entry| entry.mtp == mtp && entry.may_run()) {
            let outcome = || if by == EndedBy::Person { not_reached(reason) } else { inconclusive(reason) };
            self.outcomes.entry((entry.case.clone(), mtp.to_owned())).or_insert_with(outcome);
        }
        self.ended(mtp, by, reason);
    }

    /// A case was judged; its runs before this one stay beside it. Gives back what is to be kept: nothing for a run that was cut off,
    /// which also says nothing against a run before it.
    pub(super) fn judged(&mut self, case: &CaseId, mtp: &str, judged: Judged, cut_off: bool) -> Option<Judged> {
        let key = (case.clone(), mtp.to_owned());
        let before = match self.outcomes.remove(&key) {
            Some(CaseOutcome::Judged(before)) => Some(before),
            _ => None,
        };
        let judged = match before {
            Some(before) if cut_off => before,
            Some(before) => Box::new(Judged { earlier: before.into_earlier(), ..judged }),
            None => Box::new(judged),
        };
        let kept = (!cut_off).then(|| (*judged).clone());
        self.outcomes.insert(key, CaseOutcome::Judged(judged));
        kept
    }

    /// A case will not run; when it was to be repeated, it has its result.
    pub(super) fn not_reached(&mut self, case: &CaseId, mtp: &str, reason: &str) {
        self.outcomes.entry((case.clone(), mtp.to_owned())).or_insert_with(|| not_reached(reason));
    }

    /// Nothing could be run, or no more: our fault, or the environment's.
    pub(super) fn stopped(&mut self, reason: &str) {
        self.run.interrupted = Some(reason.to_owned());
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
        self.run.duration_ms = self.run.duration_ms.saturating_add(milliseconds(self.begun.elapsed()));
        // How long the pieces before an interruption took for the person is not known.
        self.run.wall_ms = if self.run.parts.is_empty() { milliseconds(self.begun_wall.elapsed()) } else { 0 };
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

/// A case that was run, as the report has it.
pub(super) fn judged(trace: &Trace, judgement: Judgement, duration: Duration, file: Option<String>) -> Judged {
    Judged {
        started: trace.header.started,
        duration_ms: milliseconds(duration),
        judgement,
        exchange: exchange::lines(trace),
        trace: file,
        earlier: Vec::new(),
    }
}

/// The revision of the plan, and the earlier one by which the profile wants withdrawn cases to be judged.
pub(super) fn judged_by(catalogue: &Catalogue, profile: &EutProfile) -> String {
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
