//! One page above those of several EUTs: who was judged, how it ended, and the way to each report.
//!
//! One decision behind it: each EUT's report is whole in itself, in its own folder; this page only leads there.

use crate::{
    summary::{Counts, length},
    text::{safe_names, visible},
};
use minijinja::{AutoEscape, Environment, Error, Value, value::Serde};
use serde::Serialize;
use uspec_testplan::run_report::RunReport;

const TEMPLATE: &str = include_str!("../../../reports/templates/index.html");

#[derive(Serialize)]
struct Page<'a> {
    rows: Vec<Row<'a>>,
}

/// One EUT.
#[derive(Serialize)]
struct Row<'a> {
    report: &'a RunReport,
    folder: String,
    counts: [usize; 6],
    length: String,
}

/// The page; each report stands in the folder of its [`safe_names`].
pub fn render(reports: &[&RunReport]) -> Result<String, Error> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_template("index.html", TEMPLATE)?;
    let folders = safe_names(reports.iter().map(|report| report.eut.name.as_str()));
    let rows = reports.iter().zip(folders).map(|(report, folder)| row(report, folder)).collect();
    let page = environment.get_template("index.html")?.render(Value::from(Serde(Page { rows })))?;
    Ok(visible(&page))
}

fn row(report: &RunReport, folder: String) -> Row<'_> {
    let Counts { pass, flaky, fail, inconclusive, error, not_run } = Counts::of(report);
    Row { report, folder, counts: [pass, flaky, fail, inconclusive, error, not_run], length: length(&report.run) }
}
