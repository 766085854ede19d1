//! One self-contained HTML page. The template stands in `reports/templates`; every value is escaped by the template engine, and
//! a content security policy in the page forbids it to load anything.

use crate::{
    ladder,
    summary::{Counts, length, not_run_word, word},
    text::visible,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use minijinja::{AutoEscape, Environment, Error, Value, value::Serde};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use uspec_testplan::{
    run_report::{CaseOutcome, CaseResult, Deprecation, Judged, RunReport},
    trace::Trace,
    verdict::{CleanUp, MetricResult},
};

const TEMPLATE: &str = include_str!("../../../reports/templates/report.html");

/// The page's script, by parts of one noun each.
const SCRIPT: [&str; 3] = [
    include_str!("../../../reports/templates/filters.js"),
    include_str!("../../../reports/templates/matrix.js"),
    include_str!("../../../reports/templates/ladder.js"),
];

/// Gives the Trace whose path, relative to the report, a result names; nothing when it is not there.
pub type Traces<'t> = &'t dyn Fn(&str) -> Option<Trace>;

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
    ladder: Option<String>,
}

#[derive(Serialize)]
struct Page<'a> {
    report: &'a RunReport,
    rows: Vec<Row<'a>>,
    counts: Vec<(&'static str, usize)>,
    mtps: Vec<(&'a str, String)>,
    length: String,
    script: String,
    script_hash: String,
}

/// The run report as one HTML page, with the ladder diagram of each result whose Trace there is.
///
/// # Errors
/// A template that does not fit, which a test would have found.
pub fn render(report: &RunReport, traces: Traces<'_>) -> Result<String, Error> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_template("report.html", TEMPLATE)?;
    let counts = Counts::of(report);
    let script = SCRIPT.concat();
    let page = Page {
        report,
        rows: report.results.iter().map(|result| row(result, traces)).collect(),
        counts: vec![
            ("pass", counts.pass),
            ("fail", counts.fail),
            ("inconclusive", counts.inconclusive),
            ("error", counts.error),
            ("not-run", counts.not_run),
        ],
        mtps: report.mtps.iter().map(|mtp| (mtp.name.as_str(), mtp.words())).collect(),
        length: length(&report.run),
        script_hash: STANDARD.encode(Sha256::digest(script.as_bytes())),
        script,
    };
    let html = environment.get_template("report.html")?.render(Value::from(Serde(page)))?;
    Ok(visible(&html))
}

fn row<'r>(result: &'r CaseResult, traces: Traces<'_>) -> Row<'r> {
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
                ladder: judged.trace.as_deref().and_then(traces).and_then(|trace| ladder::packed(&trace, judged)),
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
            ladder: None,
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
