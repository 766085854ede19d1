//! `uspec judge FOLDER`: every Trace of a run judged again, and held against what the run said.
//!
//! One decision behind it: outcomes are compared, not the words that explain them, so that a harness that explains better still agrees.
//! Whatever is wrong with the files is told all at once, and does not keep the rest from being judged.

use crate::{
    args::Format,
    bundle::{Bundle, NOT_ENDED, TRACES, sums},
    journal::Journal,
    outcome::{Error, Exit, tell},
};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};
use uspec_report::{summary::word, text::visible_line};
use uspec_testplan::{
    case::CaseId,
    catalogue::Catalogue,
    judge::judge,
    run_report::{CaseOutcome, CaseResult, Judged},
    trace::Trace,
    verdict::{Judgement, Outcome, Verdict},
};

/// What came of a run's folder.
#[derive(Debug, Serialize)]
struct Again {
    folder: String,
    /// How many verdicts the run has, those of earlier runs of a case included.
    verdicts: usize,
    /// How many Traces were judged, and so many verdicts compared.
    judged: usize,
    /// How many results have no Trace.
    results_without_trace: usize,
    /// How many earlier runs of a case have none.
    earlier_without_trace: usize,
    /// What is not as the run said.
    differences: Vec<Difference>,
    /// What is wrong with the files.
    problems: Vec<String>,
    /// What else is to be known.
    notes: Vec<String>,
}

/// So many results are named in one line.
const NAMED: usize = 10;

/// A result that is judged otherwise now.
#[derive(Debug, Serialize)]
struct Difference {
    case: CaseId,
    mtp: String,
    trace: String,
    then: Verdict,
    now: Verdict,
    /// The metrics and universal rules whose outcome is another one.
    metrics: Vec<MetricChange>,
}

/// A metric whose outcome is another one; `None`: it was not judged.
#[derive(Debug, Serialize, PartialEq, Eq)]
pub(super) struct MetricChange {
    pub(super) metric: String,
    pub(super) then: Option<Outcome>,
    pub(super) now: Option<Outcome>,
}

/// Judges these runs again.
pub(super) fn run(folders: &[&PathBuf], catalogue: &Catalogue, format: Format) -> Result<Exit, Error> {
    let again = folders.iter().map(|folder| Again::of(folder, catalogue)).collect::<Result<Vec<_>, _>>()?;
    match format {
        Format::Json => {
            let text = serde_json::to_string_pretty(&again).map_err(|cause| Error::new("the judgements", &cause))?;
            tell(&format!("{text}\n"));
        }
        Format::Text => again.iter().for_each(|it| tell(&it.text())),
    }
    let exits = again.iter().map(|it| match it {
        it if !it.problems.is_empty() => Exit::NothingRun,
        it if !it.differences.is_empty() => Exit::Failed,
        _ => Exit::Good,
    });
    // Evidence that is not whole counts before what it says.
    let exits: Vec<_> = exits.collect();
    Ok([Exit::NothingRun, Exit::Failed].into_iter().find(|exit| exits.contains(exit)).unwrap_or(Exit::Good))
}

impl Again {
    fn of(folder: &Path, catalogue: &Catalogue) -> Result<Self, Error> {
        let Bundle { report, .. } = Bundle::open(folder)?;
        let mut again = Self {
            folder: folder.display().to_string(),
            verdicts: 0,
            judged: 0,
            results_without_trace: 0,
            earlier_without_trace: 0,
            differences: Vec::new(),
            problems: sums::check(folder),
            notes: Vec::new(),
        };
        if Journal::is_there(folder) {
            again.notes.push(NOT_ENDED.to_owned());
        }
        if report.run.catalogue != catalogue.hash {
            again.notes.push(format!(
                "the run was judged by catalogue {}, and is judged by {} now: what differs may be the catalogue's",
                visible_line(&report.run.catalogue),
                catalogue.hash
            ));
        }
        if report.run.harness != crate::campaign::HARNESS {
            let now = crate::campaign::HARNESS;
            again.notes.push(format!(
                "the run was judged by uspec {}, and is judged by {now}",
                visible_line(&report.run.harness)
            ));
        }
        let mut unproven = Vec::new();
        for result in &report.results {
            let CaseOutcome::Judged(judged) = &result.outcome else { continue };
            again.result(folder, catalogue, result, judged, &mut unproven);
        }
        again.untraced(&unproven);
        Ok(again)
    }

    /// Judges a result and its earlier runs again. What passed or failed without a Trace is `unproven`.
    fn result(
        &mut self,
        folder: &Path,
        catalogue: &Catalogue,
        result: &CaseResult,
        judged: &Judged,
        unproven: &mut Vec<String>,
    ) {
        let earlier = judged.earlier.iter().map(|run| (run.verdict, &run.trace, None));
        let last = (judged.judgement.verdict, &judged.trace, Some(&judged.judgement));
        for (nth, (then, trace, judgement)) in (1..).zip(earlier.chain([last])) {
            self.verdicts += 1;
            let Some(trace) = trace else {
                if judgement.is_some() {
                    self.results_without_trace += 1;
                } else {
                    self.earlier_without_trace += 1;
                }
                if matches!(then, Verdict::Pass | Verdict::Fail) {
                    let run = if judgement.is_some() { String::new() } else { format!(" run {nth}") };
                    unproven.push(format!("{} [{}]{run}", result.case, visible_line(&result.mtp)));
                }
                continue;
            };
            let Some(now) = self.judge(folder, catalogue, result, trace) else { continue };
            let metrics = judgement.map(|then| changes(then, &now)).unwrap_or_default();
            if now.verdict != then || !metrics.is_empty() {
                self.differ(result, trace, then, now.verdict, metrics);
            }
        }
    }

    /// Says what was not compared because it has no Trace. A case that did not begin has none, and is inconclusive or not run at all; a pass
    /// or a fail without one is the word of run.json alone.
    fn untraced(&mut self, unproven: &[String]) {
        for (count, one, many) in [
            (self.results_without_trace, "result", "results"),
            (self.earlier_without_trace, "earlier run of a case", "earlier runs of cases"),
        ] {
            match count {
                0 => {}
                1 => self.notes.push(format!("one {one} has no Trace and was not compared")),
                count => self.notes.push(format!("{count} {many} have no Trace and were not compared")),
            }
        }
        if unproven.is_empty() {
            return;
        }
        let mut named: Vec<_> = unproven.iter().take(NAMED).cloned().collect();
        if let Some(more) = unproven.len().checked_sub(NAMED).filter(|more| *more > 0) {
            named.push(format!("and {more} more"));
        }
        self.problems.push(format!(
            "run.json says pass or fail and names no Trace, so that nobody can check it: {}",
            named.join(", ")
        ));
    }

    fn differ(&mut self, result: &CaseResult, trace: &str, then: Verdict, now: Verdict, metrics: Vec<MetricChange>) {
        let (case, mtp, trace) = (result.case.clone(), result.mtp.clone(), trace.to_owned());
        self.differences.push(Difference { case, mtp, trace, then, now, metrics });
    }

    /// The judgement of a Trace that run.json names; `None` with a problem.
    fn judge(&mut self, folder: &Path, catalogue: &Catalogue, result: &CaseResult, trace: &str) -> Option<Judgement> {
        let name = visible_line(trace);
        let whose = format!("{} [{}]", result.case, visible_line(&result.mtp));
        let mut wrong = |text: String| {
            // What is missing may have been told by its hash.
            if !self.problems.iter().any(|told| told.starts_with(&format!("{name} is missing"))) {
                self.problems.push(text);
            }
            None
        };
        if !is_below(trace) {
            return wrong(format!("{name} is no file of this folder: run.json names it as the Trace of {whose}"));
        }
        let text = match fs::read_to_string(folder.join(trace)) {
            Ok(text) => text,
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
                return wrong(format!("{name} is missing: run.json names it as the Trace of {whose}"));
            }
            Err(cause) => return wrong(format!("{name}, the Trace of {whose}, cannot be read: {cause}")),
        };
        let trace = match Trace::from_json_lines(&text) {
            Ok(trace) => trace,
            Err(cause) => return wrong(format!("{name}, the Trace of {whose}: {cause}")),
        };
        let header = &trace.header;
        if header.case != result.case || header.mtp != result.mtp {
            let other = format!("{} [{}]", header.case, visible_line(&header.mtp));
            return wrong(format!("{name} is the Trace of {other}: run.json names it as that of {whose}"));
        }
        let Some(case) = catalogue.get(&result.case).and_then(|entry| entry.case.as_ref()) else {
            return wrong(format!("{name}: the catalogue has no case {} any more", result.case));
        };
        self.judged += 1;
        Some(judge(case, &trace))
    }

    fn text(&self) -> String {
        let mut text = format!("{}: {} Traces judged again\n", self.folder, self.judged);
        for note in &self.notes {
            let _ = writeln!(text, "  note: {note}");
        }
        for problem in &self.problems {
            let _ = writeln!(text, "  error: {problem}");
        }
        for it in &self.differences {
            let (then, now) = (word(it.then), word(it.now));
            let _ = writeln!(
                text,
                "  {} [{}]: then {then}, now {now} ({})",
                it.case,
                visible_line(&it.mtp),
                visible_line(&it.trace)
            );
            for change in &it.metrics {
                let _ = writeln!(text, "    {}", change.words());
            }
        }
        let files = match self.problems.len() {
            0 => String::new(),
            1 => ", and something is wrong with the evidence".to_owned(),
            count => format!(", and {count} things are wrong with the evidence"),
        };
        let _ = writeln!(text, "  {}{files}", self.verdicts());
        text
    }

    /// What came of the comparison, in words.
    fn verdicts(&self) -> String {
        let Self { verdicts, judged, .. } = self;
        let compared = format!("{judged} of {verdicts} verdicts were compared");
        let of = if judged < verdicts { format!("{compared}, and ") } else { String::new() };
        match self.differences.len() {
            0 if *verdicts == 0 => "the run has no verdict to compare".to_owned(),
            0 if *judged == 0 => "no verdict was compared".to_owned(),
            0 if judged < verdicts => format!("{of}these are the same"),
            0 => "every verdict is the same".to_owned(),
            1 => format!("{of}one result differs"),
            count => format!("{of}{count} results differ"),
        }
    }
}

impl MetricChange {
    /// In words, such as `metric 2: then met, now unmet`.
    pub(super) fn words(&self) -> String {
        let name = |outcome: Option<Outcome>| match outcome {
            Some(Outcome::Met) => "met",
            Some(Outcome::Unknown) => "unknown",
            Some(Outcome::Unmet) => "unmet",
            None => "not judged",
        };
        let metric = visible_line(&self.metric);
        let metric = if metric.bytes().all(|c| c.is_ascii_digit()) { format!("metric {metric}") } else { metric };
        format!("{metric}: then {}, now {}", name(self.then), name(self.now))
    }
}

/// The metrics and universal rules whose outcome is another one, in the order of the judgement. A universal rule that is met on one side
/// and says nothing on the other is none of them.
pub(super) fn changes(then: &Judgement, now: &Judgement) -> Vec<MetricChange> {
    let outcomes = |it: &Judgement| -> BTreeMap<String, Outcome> {
        it.metrics.iter().chain(&it.universal).map(|metric| (metric.metric.clone(), metric.outcome)).collect()
    };
    let (before, after) = (outcomes(then), outcomes(now));
    let mut names: Vec<&String> = Vec::new();
    for it in [then, now] {
        for metric in it.metrics.iter().chain(&it.universal) {
            if !names.contains(&&metric.metric) {
                names.push(&metric.metric);
            }
        }
    }
    let change = |metric: &String| {
        let (then, now) = (before.get(metric).copied(), after.get(metric).copied());
        let silent = |outcome: Option<Outcome>| outcome.is_none_or(|it| it == Outcome::Met);
        let number = metric.bytes().all(|c| c.is_ascii_digit());
        let same = then == now || (!number && silent(then) && silent(now));
        (!same).then(|| MetricChange { metric: metric.clone(), then, now })
    };
    names.into_iter().filter_map(change).collect()
}

/// Whether a name stays below the folder: run.json may come from anybody.
fn is_below(name: &str) -> bool {
    let path = Path::new(name);
    path.starts_with(TRACES) && path.components().all(|it| matches!(it, std::path::Component::Normal(_)))
}
