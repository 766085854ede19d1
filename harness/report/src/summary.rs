//! A few lines for the terminal: counts, then every case that needs attention with its reason.

use crate::text::{cut, visible_line};
use std::fmt::Write as _;
use uspec_testplan::{
    run_report::{CaseOutcome, CaseResult, NotRunKind, RunInfo, RunReport},
    verdict::{CleanUp, Verdict},
};

/// A reason on the terminal is cut here; the reports have it whole.
const REASON_LIMIT: usize = 240;

/// Protocol time and wall time that differ by less are the same clock.
const CLOCKS_DIFFER_MS: u64 = 100;

/// How many cases came to which end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Verdict pass, flaky ones included.
    pub pass: usize,
    /// Passed only when it was repeated.
    pub flaky: usize,
    /// Verdict fail.
    pub fail: usize,
    /// Verdict inconclusive.
    pub inconclusive: usize,
    /// Verdict error.
    pub error: usize,
    /// Did not run, whatever the reason.
    pub not_run: usize,
}

impl Counts {
    /// Counts the results of a report.
    pub fn of(report: &RunReport) -> Self {
        let mut counts = Self::default();
        for result in &report.results {
            counts.flaky += usize::from(result.is_flaky());
            match result.verdict() {
                Some(Verdict::Pass) => counts.pass += 1,
                Some(Verdict::Fail) => counts.fail += 1,
                Some(Verdict::Inconclusive) => counts.inconclusive += 1,
                Some(Verdict::Error) => counts.error += 1,
                None => counts.not_run += 1,
            }
        }
        counts
    }
}

/// The summary of a run.
pub fn render(report: &RunReport) -> String {
    let mut out = String::new();
    if let Some(why) = &report.run.interrupted {
        let _ = writeln!(out, "The run ended early: {}", visible_line(why));
    }
    for warning in &report.run.warnings {
        let _ = writeln!(out, "warning: {}", visible_line(warning));
    }
    for result in &report.results {
        attention(&mut out, result);
    }
    let counts = Counts::of(report);
    let _ = writeln!(
        out,
        "{} ({}){}: {} pass{}, {} fail, {} inconclusive, {} error, {} not run{}; {}",
        visible_line(&report.eut.name),
        visible_line(&report.eut.endpoint_id),
        report.run.identity.shard.map(|shard| format!(", shard {shard}")).unwrap_or_default(),
        counts.pass,
        flaky(counts.flaky),
        counts.fail,
        counts.inconclusive,
        counts.error,
        counts.not_run,
        why_not_run(report),
        length(&report.run),
    );
    out
}

fn flaky(count: usize) -> String {
    if count == 0 { String::new() } else { format!(" ({count} of them flaky)") }
}

/// The run's length: in memory, minutes of protocol time pass in seconds, and both are told.
pub(crate) fn length(run: &RunInfo) -> String {
    let protocol = seconds(run.duration_ms);
    let wall = seconds(run.wall_ms);
    if run.wall_ms == 0 || run.duration_ms.abs_diff(run.wall_ms) < CLOCKS_DIFFER_MS {
        return format!("{protocol:.1} s");
    }
    format!("{protocol:.1} s of protocol time in {wall:.1} s")
}

/// Milliseconds as seconds, for people.
#[allow(clippy::cast_precision_loss)] // a run of 2^53 ms is no run
pub(crate) fn seconds(milliseconds: u64) -> f64 {
    milliseconds as f64 / 1000.0
}

fn attention(out: &mut String, result: &CaseResult) {
    let CaseOutcome::Judged(judged) = &result.outcome else { return };
    let judgement = &judged.judgement;
    if judgement.verdict != Verdict::Pass {
        let reason = judgement.reason.as_deref().unwrap_or("no reason recorded");
        let _ = writeln!(
            out,
            "{:<12} {} {} [{}]: {}",
            word(judgement.verdict),
            result.case,
            visible_line(&result.title),
            result.mtp,
            cut(&visible_line(reason), REASON_LIMIT),
        );
    }
    if let Some(first) = judged.earlier.first().filter(|_| result.is_flaky()) {
        let (title, reason) = (visible_line(&result.title), visible_line(&first.reason));
        let run = judged.earlier.len().saturating_add(1);
        let _ = writeln!(
            out,
            "{:<12} {} {title} [{}]: passed in run {run}; in run 1 {}: {}",
            "flaky",
            result.case,
            result.mtp,
            word(first.verdict),
            cut(&reason, REASON_LIMIT),
        );
    }
    if let CleanUp::Dirty(differences) = &judgement.clean_up {
        for difference in differences {
            let _ =
                writeln!(out, "{:<12} {}: {}", "clean-up", result.case, cut(&visible_line(difference), REASON_LIMIT));
        }
    }
}

/// The verdict as the reports write it.
pub fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Inconclusive => "inconclusive",
        Verdict::Fail => "fail",
        Verdict::Error => "error",
    }
}

/// The reason's kind as the reports write it.
pub fn not_run_word(kind: NotRunKind) -> &'static str {
    match kind {
        NotRunKind::NotApplicable => "not applicable",
        NotRunKind::NotSelected => "not selected",
        NotRunKind::Deprecated => "deprecated",
        NotRunKind::NotAutomated => "not automated",
        NotRunKind::NotReached => "not reached",
    }
}

fn why_not_run(report: &RunReport) -> String {
    let kinds = [
        NotRunKind::NotApplicable,
        NotRunKind::NotSelected,
        NotRunKind::Deprecated,
        NotRunKind::NotAutomated,
        NotRunKind::NotReached,
    ];
    let parts: Vec<String> = kinds
        .into_iter()
        .filter_map(|kind| {
            let count = report
                .results
                .iter()
                .filter(|result| matches!(&result.outcome, CaseOutcome::NotRun(not_run) if not_run.kind == kind))
                .count();
            (count > 0).then(|| format!("{count} {}", not_run_word(kind)))
        })
        .collect();
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
}
