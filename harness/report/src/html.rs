//! One self-contained HTML page. The template stands in `reports/templates`; every value is escaped by the template engine, and
//! a content security policy in the page forbids it to load anything.

use crate::{
    summary::{Counts, length, not_run_word, word},
    text::visible,
};
use minijinja::{AutoEscape, Environment, Error, Value, value::Serde};
use serde::Serialize;
use uspec_testplan::{
    run_report::{CaseOutcome, CaseResult, Deprecation, Judged, RunReport},
    verdict::{CleanUp, MetricResult},
};

const TEMPLATE: &str = include_str!("../../../reports/templates/report.html");

/// One row of the table, with what the template should not have to work out.
#[derive(Serialize)]
struct Row<'a> {
    result: &'a CaseResult,
    judged: Option<&'a Judged>,
    metrics: Vec<&'a MetricResult>,
    word: &'static str,
    class: &'static str,
    anchor: String,
    reason: String,
    clean_up: String,
    deprecated: Option<String>,
}

#[derive(Serialize)]
struct Page<'a> {
    report: &'a RunReport,
    rows: Vec<Row<'a>>,
    counts: Vec<(&'static str, usize)>,
    mtps: Vec<(&'a str, String)>,
    length: String,
}

/// The run report as one HTML page.
pub fn render(report: &RunReport) -> Result<String, Error> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_template("report.html", TEMPLATE)?;
    let counts = Counts::of(report);
    let page = Page {
        report,
        rows: report.results.iter().map(row).collect(),
        counts: vec![
            ("pass", counts.pass),
            ("fail", counts.fail),
            ("inconclusive", counts.inconclusive),
            ("error", counts.error),
            ("not-run", counts.not_run),
        ],
        mtps: report.mtps.iter().map(|mtp| (mtp.name.as_str(), mtp.words())).collect(),
        length: length(&report.run),
    };
    let html = environment.get_template("report.html")?.render(Value::from(Serde(page)))?;
    Ok(visible(&html))
}

fn row(result: &CaseResult) -> Row<'_> {
    let anchor = format!("{}-{}", result.case, result.mtp);
    let deprecated = result.deprecated.as_ref().map(Deprecation::words);
    match &result.outcome {
        CaseOutcome::Judged(judged) => {
            let verdict = word(judged.judgement.verdict);
            let judgement = &judged.judgement;
            Row {
                result,
                judged: Some(judged),
                metrics: judgement.metrics.iter().chain(&judgement.universal).collect(),
                word: verdict,
                class: verdict,
                anchor,
                reason: String::new(),
                clean_up: clean_up(&judgement.clean_up),
                deprecated,
            }
        }
        CaseOutcome::NotRun(not_run) => Row {
            result,
            judged: None,
            metrics: Vec::new(),
            word: not_run_word(not_run.kind),
            class: "not-run",
            anchor,
            reason: not_run.reason.clone(),
            clean_up: String::new(),
            deprecated,
        },
    }
}

fn clean_up(clean_up: &CleanUp) -> String {
    match clean_up {
        CleanUp::Clean => "the EUT is as found".to_owned(),
        CleanUp::Dirty(differences) => differences.join("; "),
        CleanUp::Unverified(why) => format!("not verified: {why}"),
    }
}
