//! One self-contained HTML page over one or several run reports: counts, a matrix of case and (EUT, MTP), and for each result its
//! metrics and a ladder diagram of the exchange. Template, style and scripts stand in `reports/templates`.
//!
//! One decision behind it: the page must stay usable with 3,000 results, so that it holds an index of them, which is drawn at once, and one
//! packed detail for each result, which is unpacked only when a person opens it. What an EUT sent stands in data blocks, which no browser
//! executes, and gets into the page as text alone; a content security policy names the one script and the one style sheet by their
//! hashes and forbids everything else. Judgements come masked, and a Trace is masked before anything is drawn of it.

mod clean;
mod detail;
mod index;
mod ladder;
mod shell;

use thiserror::Error;
use uspec_testplan::{run_report::RunReport, trace::Trace};

/// Where the Traces of the results are. They are asked for one at a time, so that they need not all be in memory.
pub trait TraceSource {
    /// The Trace with this path, as [`Judged::trace`](uspec_testplan::run_report::Judged::trace) has it, of the report at this place.
    ///
    /// # Errors
    /// Why it cannot be had, in one line; the page then shows that line, and the exchange as text.
    fn trace(&self, report: usize, path: &str) -> Result<Trace, String>;

    /// Where a reader of the page finds the file: its path relative to the page.
    fn place(&self, report: usize, path: &str) -> String {
        let _ = report;
        path.to_owned()
    }
}

/// Why there is no page.
#[derive(Debug, Error)]
pub enum HtmlError {
    /// The template does not fit what it is filled with.
    #[error("the template: {0}")]
    Template(#[from] minijinja::Error),
    /// A value that JSON cannot hold.
    #[error("the data of the page: {0}")]
    Json(#[from] serde_json::Error),
    /// The packing failed, which in memory it does not.
    #[error("packing a result: {0}")]
    Pack(#[from] std::io::Error),
}

/// The run reports as one HTML page, one EUT each, in the given order.
///
/// # Errors
/// A template that does not fit, which tests rule out.
pub fn render(reports: &[&RunReport], traces: &dyn TraceSource) -> Result<String, HtmlError> {
    let index = index::index(reports);
    let mut details = Vec::new();
    for (place, report) in reports.iter().enumerate() {
        for judged in report.results.iter().filter_map(detail::judged) {
            details.push(detail::packed(place, judged, traces)?);
        }
    }
    shell::page(reports, &index, details)
}
