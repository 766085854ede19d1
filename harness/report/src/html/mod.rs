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

use std::io::{self, Write};
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

    /// The page of the report at this place alone, relative to the page; none when it is this one.
    fn page(&self, report: usize) -> Option<String> {
        let _ = report;
        None
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
    /// The page cannot be written.
    #[error("{0}")]
    Write(#[from] io::Error),
}

/// Writes the run reports as one HTML page, one EUT each, in the given order. One Trace is in memory at a time.
///
/// # Errors
/// A page that cannot be written, and a template that does not fit, which tests rule out.
pub fn write(reports: &[&RunReport], traces: &dyn TraceSource, out: &mut dyn Write) -> Result<(), HtmlError> {
    let (before, after) = shell::page(reports, traces, &index::index(reports))?;
    out.write_all(before.as_bytes())?;
    let each = reports.iter().enumerate();
    let ran =
        each.flat_map(|(place, report)| report.results.iter().filter_map(detail::judged).map(move |it| (place, it)));
    for (number, (place, judged)) in ran.enumerate() {
        let packed = detail::packed(place, judged, traces)?;
        writeln!(out, "<script type=\"text/plain\" id=\"detail-{number}\">{packed}</script>")?;
    }
    out.write_all(after.as_bytes())?;
    Ok(())
}

/// The same page in memory.
///
/// # Errors
/// As for [`write`].
pub fn render(reports: &[&RunReport], traces: &dyn TraceSource) -> Result<String, HtmlError> {
    let mut page = Vec::new();
    write(reports, traces, &mut page)?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}
