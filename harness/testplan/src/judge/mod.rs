//! Judges a Trace: metrics, what holds for every exchange, clean-up, verdict.
//!
//! One decision behind it: the judge sees the case and the Trace and nothing else, so that the same bytes give the same
//! Judgement at any time. A metric that could not be seen is unknown, never unmet, and never met.

#![allow(clippy::result_large_err, reason = "the error is a finding, built once where a check ends, and read as it is")]

mod check;
mod clean_up;
pub(crate) mod evidence;
pub(crate) mod finding;
mod setup;
#[cfg(test)]
mod tests;
mod version;

use evidence::Evidence;
use finding::{unknown, worst};

use crate::{
    case::{Applies, Needs, TestCase},
    secrets::Mask,
    show,
    trace::{StepOutcome, Trace},
    universal,
    verdict::{Finding, Judgement, MetricResult, Outcome, Verdict},
    view::View,
};

/// Judges what happened against what the case demands.
///
/// The verdict is `error` when a step failed because of the harness or its environment, or the Trace is not one of this
/// case; else `fail` when a metric or a universal rule is unmet; else `inconclusive` when the setup was not reached, a metric
/// is unknown, or there is none; else `pass`. A universal rule that is unknown is shown and does not weigh. Secrets of the Trace are
/// [masked](crate::secrets) in every text of the judgement.
pub fn judge(case: &TestCase, trace: &Trace) -> Judgement {
    let view = View::new(trace);
    let evidence = Evidence { case, view: &view };
    let not_reached = setup::not_reached(evidence);
    let metrics: Vec<_> = case
        .metrics
        .iter()
        .map(|metric| {
            let findings = match &not_reached {
                Some(why) => vec![unknown("the state in which the metric can be judged", why.as_str(), Vec::new())],
                None => version::gate(metric, view.usp_version(), || check::check(evidence, &metric.check)),
            };
            result(metric.number.to_string(), findings)
        })
        .collect();
    let universal = universal::judge(evidence);
    let (verdict, reason) = verdict(evidence, not_reached.as_deref(), &metrics, &universal);
    let mut judgement = Judgement { verdict, reason, metrics, universal, clean_up: clean_up::clean_up(evidence) };
    Mask::of(trace).judgement(&mut judgement);
    judgement
}

/// What a Trace that no case describes, such as that of a bring-up, shows against the EUT: the first universal rule that is unmet, with its
/// requirement, in one line. An answer that did not come is told last, because whatever else is wrong explains it.
pub fn violation(trace: &Trace) -> Option<String> {
    let case = no_case(trace);
    let view = View::new(trace);
    let results = universal::judge(Evidence { case: &case, view: &view });
    let mut unmet: Vec<_> = results.into_iter().filter(|result| result.outcome == Outcome::Unmet).collect();
    unmet.sort_by_key(|result| result.metric == universal::ANSWERED);
    let count = unmet.len();
    let mut first = unmet.into_iter().next()?;
    let wrong = first.findings.iter().find(|finding| finding.outcome == Outcome::Unmet);
    if let Some(requirement) = wrong.and_then(|finding| finding.requirement.as_ref()) {
        first.metric = format!("{requirement} ({})", first.metric);
    }
    Some(Mask::of(trace).apply(&explain(&first, Outcome::Unmet, count)))
}

/// A case without steps and metrics.
fn no_case(trace: &Trace) -> TestCase {
    TestCase {
        id: trace.header.case.clone(),
        plan: String::new(),
        title: String::new(),
        requirements: Vec::new(),
        tags: Vec::new(),
        applies: Applies::Mandatory,
        needs: Needs::default(),
        since: None,
        until: None,
        disputed: None,
        setup: Vec::new(),
        procedure: Vec::new(),
        metrics: Vec::new(),
        cleanup: Vec::new(),
        file: String::new(),
    }
}

/// A metric's result from its findings.
pub(crate) fn result(metric: String, findings: Vec<Finding>) -> MetricResult {
    MetricResult { metric, outcome: worst(&findings), findings }
}

fn verdict(
    evidence: Evidence<'_>,
    not_reached: Option<&str>,
    metrics: &[MetricResult],
    universal: &[MetricResult],
) -> (Verdict, Option<String>) {
    if let Some(fault) = fault(evidence) {
        return (Verdict::Error, Some(fault));
    }
    let of = |outcome: Outcome| move |result: &&MetricResult| result.outcome == outcome;
    let unmet: Vec<_> = metrics.iter().chain(universal).filter(of(Outcome::Unmet)).collect();
    if let Some(first) = unmet.first() {
        return (Verdict::Fail, Some(explain(first, Outcome::Unmet, unmet.len())));
    }
    if let Some(why) = not_reached {
        return (Verdict::Inconclusive, Some(why.to_owned()));
    }
    let unseen: Vec<_> = metrics.iter().filter(of(Outcome::Unknown)).collect();
    if let Some(first) = unseen.first() {
        return (Verdict::Inconclusive, Some(explain(first, Outcome::Unknown, unseen.len())));
    }
    if metrics.is_empty() {
        return (Verdict::Inconclusive, Some("the case has no metric".to_owned()));
    }
    (Verdict::Pass, None)
}

/// What went wrong on our side, if anything did.
fn fault(evidence: Evidence<'_>) -> Option<String> {
    let ran = &evidence.view.trace.header.case;
    if *ran != evidence.case.id {
        return Some(format!("the Trace is one of case {ran}, not of {}", evidence.case.id));
    }
    evidence.view.steps.iter().find_map(|step| match step.outcome {
        Some(StepOutcome::Fault { causes }) => {
            Some(show::cut(&format!("the harness failed at step {}: {}", step.name(), causes.join(": "))))
        }
        _ => None,
    })
}

fn explain(result: &MetricResult, outcome: Outcome, count: usize) -> String {
    let name = if result.metric.chars().all(|c| c.is_ascii_digit()) {
        format!("metric {}", result.metric)
    } else {
        result.metric.clone()
    };
    let why = result.findings.iter().find(|finding| finding.outcome == outcome).map_or_else(String::new, |finding| {
        let place = finding.path.as_ref().map(|path| format!("{path}: ")).unwrap_or_default();
        format!("{place}expected {}, seen {}", finding.expected, finding.seen)
    });
    let more = count.saturating_sub(1);
    let tail = if more > 0 { format!(" (and {more} more)") } else { String::new() };
    let what = if outcome == Outcome::Unmet { "unmet" } else { "unknown" };
    format!("{name} {what}: {}{tail}", show::cut(&why))
}
