//! `uspec judge FOLDER`: every Trace of a run judged again, and held against what the run said.
//!
//! One decision behind it: outcomes are compared, not the words that explain them, so that a harness that explains better still agrees.
//! Whatever is wrong with the files is told all at once, and does not keep the rest from being judged.

use crate::{
    args::Format,
    bundle::{Bundle, TRACES, sums},
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
    run_report::{CaseOutcome, CaseResult, EarlierRun, Judged},
    trace::Trace,
    verdict::{Judgement, Outcome, Verdict},
};

/// What came of a run's folder.
#[derive(Debug, Serialize)]
struct Again {
    folder: String,
    /// How many Traces were judged.
    judged: usize,
    /// What is not as the run said.
    differences: Vec<Difference>,
    /// What is wrong with the files.
    problems: Vec<String>,
    /// What else is to be known.
    notes: Vec<String>,
}

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
        let shown = folder.display().to_string();
        let mut again =
            Self { folder: shown, judged: 0, differences: Vec::new(), problems: Vec::new(), notes: Vec::new() };
        again.files(folder)?;
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
        let mut named = 0;
        for result in &report.results {
            let CaseOutcome::Judged(judged) = &result.outcome else { continue };
            named += again.result(folder, catalogue, result, judged);
        }
        let without = report.results.iter().filter(|it| it.verdict().is_some()).count().saturating_sub(named);
        if without > 0 {
            again.notes.push(format!("{without} results have no Trace, because their case did not begin"));
        }
        Ok(again)
    }

    /// What is not as it was listed.
    fn files(&mut self, folder: &Path) -> Result<(), Error> {
        match sums::check(folder)? {
            None => {
                self.notes.push(format!("there is no {}: whether the files are as they were is not known", sums::SUMS));
            }
            Some(altered) => self.problems.extend(altered.iter().map(|(name, how)| how.words(name))),
        }
        Ok(())
    }

    /// Judges a result and its earlier runs again; gives back 1 when it has a Trace.
    fn result(&mut self, folder: &Path, catalogue: &Catalogue, result: &CaseResult, judged: &Judged) -> usize {
        for EarlierRun { verdict, trace, .. } in &judged.earlier {
            if let Some(trace) = trace
                && let Some(now) = self.judge(folder, catalogue, result, trace)
                && now.verdict != *verdict
            {
                self.differ(result, trace, *verdict, now.verdict, Vec::new());
            }
        }
        let Some(trace) = &judged.trace else { return 0 };
        if let Some(now) = self.judge(folder, catalogue, result, trace) {
            let metrics = changes(&judged.judgement, &now);
            if now.verdict != judged.judgement.verdict || !metrics.is_empty() {
                self.differ(result, trace, judged.judgement.verdict, now.verdict, metrics);
            }
        }
        1
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
            1 => ", and something is wrong with a file".to_owned(),
            count => format!(", and {count} things are wrong with the files"),
        };
        let verdicts = match self.differences.len() {
            0 => "every verdict is the same".to_owned(),
            1 => "one result differs".to_owned(),
            count => format!("{count} results differ"),
        };
        let _ = writeln!(text, "  {verdicts}{files}");
        text
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
