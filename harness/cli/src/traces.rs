//! The Traces that a run has written, for the page that shows them: read from their files one at a time.

use std::{fs, path::Path};
use uspec_report::html::TraceSource;
use uspec_testplan::trace::Trace;

/// The folders of the reports of a page.
#[derive(Debug)]
pub struct TraceFolders<'a> {
    page: &'a Path,
    folders: Vec<String>,
}

impl<'a> TraceFolders<'a> {
    /// One report, in the same folder as its page.
    pub fn one(page: &'a Path) -> Self {
        Self { page, folders: Vec::new() }
    }

    /// Several reports, each in its folder below that of the page, in the order in which the page has them.
    pub fn each(page: &'a Path, folders: Vec<String>) -> Self {
        Self { page, folders }
    }
}

impl TraceSource for TraceFolders<'_> {
    fn trace(&self, report: usize, path: &str) -> Result<Trace, String> {
        // Where the page stands is nobody's affair who reads it.
        let place = self.place(report, path);
        let text = fs::read_to_string(self.page.join(&place)).map_err(|cause| format!("{place}: {cause}"))?;
        Trace::from_json_lines(&text).map_err(|cause| format!("{place}: {cause}"))
    }

    fn place(&self, report: usize, path: &str) -> String {
        match self.folders.get(report) {
            Some(folder) => format!("{folder}/{path}"),
            None => path.to_owned(),
        }
    }

    fn page(&self, report: usize) -> Option<String> {
        self.folders.get(report).map(|folder| format!("{folder}/report.html"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may abort")]

    use super::*;

    #[test]
    fn a_trace_is_found_below_its_page_and_a_broken_one_is_named() {
        let page = tempfile::tempdir().unwrap();
        let source = TraceFolders::each(page.path(), vec!["a".to_owned(), "b".to_owned()]);
        assert_eq!(source.place(1, "traces/1.1.jsonl"), "b/traces/1.1.jsonl");
        assert_eq!(TraceFolders::one(page.path()).place(0, "traces/1.1.jsonl"), "traces/1.1.jsonl");
        fs::create_dir_all(page.path().join("b/traces")).unwrap();
        let fixture = include_str!("../../../fixtures/traces/request-path-without-dot.jsonl");
        fs::write(page.path().join("b/traces/1.1.jsonl"), fixture).unwrap();
        assert!(source.trace(1, "traces/1.1.jsonl").is_ok());
        assert!(source.trace(0, "traces/1.1.jsonl").unwrap_err().contains("1.1.jsonl"), "a file that is not there");
        let cut = fixture.get(..fixture.len() - 40).unwrap();
        fs::write(page.path().join("b/traces/1.1.jsonl"), cut).unwrap();
        let why = source.trace(1, "traces/1.1.jsonl").unwrap_err();
        assert!(why.starts_with("b/traces/1.1.jsonl: ") && why.contains("line"), "{why}");
    }
}
