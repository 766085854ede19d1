//! The index of the page: every (case, EUT, MTP) in a few words, and of what needs attention the findings.
//!
//! One decision behind it: what is the same for a case over all its MTPs and EUTs is written once.

use crate::summary::{not_run_word, word};
use serde::Serialize;
use std::collections::BTreeMap;
use uspec_testplan::{
    case::CaseId,
    run_report::{CaseOutcome, CaseResult, Deprecation, Judged, RunReport},
    verdict::{CleanUp, Finding, Outcome, Verdict},
};

/// The index.
#[derive(Debug, Serialize)]
pub(super) struct Index<'a> {
    euts: Vec<&'a str>,
    columns: Vec<Column<'a>>,
    cases: Vec<Case<'a>>,
    results: Vec<Row<'a>>,
}

/// A column of the matrix.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Column<'a> {
    eut: usize,
    mtp: &'a str,
}

/// What is the same for every result of a case.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Case<'a> {
    id: String,
    title: &'a str,
    chapter: String,
    requirements: &'a [String],
    features: &'a [u16],
    disputed: Option<&'a str>,
    needs: &'a [String],
    deprecated: Option<String>,
}

/// A result.
#[derive(Debug, Serialize)]
struct Row<'a> {
    case: usize,
    column: usize,
    word: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    /// The number of its detail.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ms: Option<u64>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    alternates: &'a BTreeMap<String, String>,
    /// How its earlier runs ended, when it was repeated.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    earlier: Vec<String>,
    /// What its clean-up left behind, or why that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    unclean: Option<String>,
    /// What weighed, when it is not a pass.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    told: Vec<Told<'a>>,
}

/// A finding that weighed.
#[derive(Debug, Serialize)]
struct Told<'a> {
    metric: &'a str,
    #[serde(flatten)]
    finding: &'a Finding,
}

/// The index of these reports.
pub(super) fn index<'a>(reports: &[&'a RunReport]) -> Index<'a> {
    let mut index = Index { euts: Vec::new(), columns: Vec::new(), cases: Vec::new(), results: Vec::new() };
    let mut details = 0;
    for (eut, report) in reports.iter().enumerate() {
        index.euts.push(&report.eut.name);
        for mtp in &report.mtps {
            index.column(eut, &mtp.name);
        }
        for result in &report.results {
            let (case, column) = (index.case(result), index.column(eut, &result.mtp));
            index.results.push(row(result, case, column, &mut details));
        }
    }
    index
}

impl<'a> Index<'a> {
    /// The place of a column, a new one when it is not there: a report may have results over an MTP that it does not list.
    fn column(&mut self, eut: usize, mtp: &'a str) -> usize {
        let column = Column { eut, mtp };
        let known = self.columns.iter().position(|it| *it == column);
        known.unwrap_or_else(|| {
            self.columns.push(column);
            self.columns.len() - 1
        })
    }

    /// The place of a case. Reports of different catalogues may tell different things of it: then it stands twice.
    fn case(&mut self, result: &'a CaseResult) -> usize {
        let case = Case {
            id: result.case.to_string(),
            title: &result.title,
            chapter: chapter(result),
            requirements: &result.requirements,
            features: &result.features,
            disputed: result.disputed.as_deref(),
            needs: &result.needs,
            deprecated: result.deprecated.as_ref().map(Deprecation::words),
        };
        // The last ones are looked at first: the results of a case stand together.
        let known = self.cases.iter().rposition(|it| *it == case);
        known.unwrap_or_else(|| {
            self.cases.push(case);
            self.cases.len() - 1
        })
    }
}

/// Suite and chapter, as JUnit's class names have them: `tp469.1`, `tr369.ws`.
fn chapter(result: &CaseResult) -> String {
    let chapter = match &result.case {
        CaseId::Plan { chapter, .. } => chapter.to_string(),
        CaseId::Own(name) => {
            let section = name.strip_prefix("R-").unwrap_or(name);
            section.split('.').next().unwrap_or(section).to_lowercase()
        }
    };
    format!("{}.{chapter}", result.suite)
}

fn row<'a>(result: &'a CaseResult, case: usize, column: usize, details: &mut usize) -> Row<'a> {
    let mut row = Row {
        case,
        column,
        word: "",
        reason: None,
        detail: None,
        ms: None,
        alternates: &result.alternates,
        earlier: Vec::new(),
        unclean: None,
        told: Vec::new(),
    };
    match &result.outcome {
        CaseOutcome::NotRun(not_run) => {
            row.word = not_run_word(not_run.kind);
            row.reason = Some(&not_run.reason);
        }
        CaseOutcome::Judged(judged) => {
            row.word = word(judged.judgement.verdict);
            row.reason = judged.judgement.reason.as_deref();
            row.detail = Some(*details);
            row.ms = Some(judged.duration_ms);
            row.earlier = judged.earlier.iter().map(|run| format!("{}: {}", word(run.verdict), run.reason)).collect();
            row.unclean = match &judged.judgement.clean_up {
                CleanUp::Clean => None,
                CleanUp::Dirty(differences) => Some(format!("the EUT is not as found: {}", differences.join("; "))),
                CleanUp::Unverified(why) => Some(format!("clean-up not verified: {why}")),
            };
            row.told = told(judged);
            *details += 1;
        }
    }
    row
}

/// What a universal rule could not decide does not weigh.
fn told(judged: &Judged) -> Vec<Told<'_>> {
    if judged.judgement.verdict == Verdict::Pass {
        return Vec::new();
    }
    let metrics = judged.judgement.metrics.iter().map(|metric| (metric, Outcome::Unknown));
    let universal = judged.judgement.universal.iter().map(|rule| (rule, Outcome::Unmet));
    let weighing = metrics.chain(universal).flat_map(|(metric, least)| {
        let findings = metric.findings.iter().filter(move |finding| finding.outcome >= least);
        findings.map(|finding| Told { metric: &metric.metric, finding })
    });
    weighing.collect()
}
