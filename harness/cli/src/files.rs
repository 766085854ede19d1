//! The reports folder: found writable before anything runs, and every file written whole or not at all.

use crate::{
    above::EUTS,
    bundled::IN_MEMORY,
    campaign::{Before, Entry, Heading},
    journal::{Journal, Past},
    outcome::Error,
};
use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};
use uspec_mtp::tls::KeyLogSink;
use uspec_report::{html, json, junit};
use uspec_testplan::{run_report::RunReport, trace::Trace};

/// The secrets of the run's TLS sessions, as Wireshark reads them.
const KEY_LOG: &str = "tls-keys.log";

/// The names of the reports.
pub(crate) const REPORTS: [&str; 3] = ["junit.xml", "run.json", "report.html"];

/// Where a run writes.
#[derive(Debug)]
pub struct Reports {
    folder: PathBuf,
    attachment_base: String,
    journal: Journal,
}

impl Reports {
    /// Makes the folder, removes reports, Traces and TLS secrets of an earlier run, and makes sure that it can be written to. Gives back
    /// what was done before an interruption.
    ///
    /// # Errors
    /// A folder that cannot be made, emptied or written to.
    pub fn prepare(
        folder: &Path,
        attachment_base: Option<&str>,
        heading: &Heading,
        past: Option<Box<Past>>,
    ) -> Result<(Self, Before), Error> {
        let traces = folder.join("traces");
        fs::create_dir_all(&traces).map_err(|cause| Error::file("made", &traces, &cause))?;
        let durable = !heading.identity.options.contains(IN_MEMORY);
        let (journal, before) = if let Some(past) = past {
            past.go_on(folder, durable)?
        } else {
            clear(folder)?;
            (Journal::begin(folder, heading, durable)?, Before::default())
        };
        let attachment_base =
            attachment_base.map_or_else(|| format!("{}/", folder.display()), std::borrow::ToOwned::to_owned);
        Ok((Self { folder: folder.to_owned(), attachment_base, journal }, before))
    }

    /// The run's journal.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Takes the secrets of TLS sessions, line by line, into a file of its own: whoever reads it while the run goes on sees them all.
    ///
    /// # Errors
    /// A file that cannot be made.
    pub fn key_log(&self) -> Result<KeyLogSink, Error> {
        let path = self.folder.join(KEY_LOG);
        // A run that goes on has the secrets of before in it.
        let file = fs::File::options().create(true).append(true).open(&path);
        let file = file.map_err(|cause| Error::file("made", &path, &cause))?;
        let file = Mutex::new(file);
        Ok(KeyLogSink::new(move |line| {
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            if let Err(cause) = writeln!(file, "{line}") {
                eprintln!("warning: {} cannot be written: {cause}", path.display());
            }
        }))
    }

    /// Keeps a Trace; gives back its path relative to the folder.
    pub fn trace(&self, name: &str, trace: &Trace) -> Option<String> {
        let path = format!("traces/{name}.jsonl");
        let text = match trace.to_json_lines() {
            Ok(text) => text,
            Err(cause) => {
                eprintln!("warning: the Trace {path} cannot be written as JSON: {cause}");
                return None;
            }
        };
        match write(&self.folder.join(&path), &text) {
            Ok(()) => Some(path),
            Err(error) => {
                eprint!("{error}");
                None
            }
        }
    }

    /// Writes every report. A run that is complete has no journal any more.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write(&self, report: &RunReport) -> Result<(), Error> {
        write_reports(&self.folder, &self.attachment_base, report)?;
        if report.run.interrupted.is_none() {
            return self.journal.remove();
        }
        self.journal.keep(&Entry::Ended(report.run.interrupted_by));
        Ok(())
    }
}

/// Removes what an earlier run has left.
pub(crate) fn clear(folder: &Path) -> Result<(), Error> {
    let remove = |path: &Path| fs::remove_file(path).map_err(|cause| Error::file("removed", path, &cause));
    let traces = folder.join("traces");
    if traces.is_dir() {
        let old = fs::read_dir(&traces).map_err(|cause| Error::file("read", &traces, &cause))?;
        let old =
            old.flatten().map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|it| it == "jsonl"));
        old.into_iter().try_for_each(|path| remove(&path))?;
    }
    let names = REPORTS.into_iter().chain([KEY_LOG, EUTS]).map(|name| folder.join(name));
    names.chain([Journal::path(folder)]).filter(|path| path.is_file()).try_for_each(|path| remove(&path))
}

/// Writes the reports of one EUT into its folder.
///
/// # Errors
/// A file that cannot be written.
pub fn write_reports(folder: &Path, attachment_base: &str, report: &RunReport) -> Result<(), Error> {
    let options = junit::Options { attachment_base: attachment_base.to_owned() };
    let junit = junit::render(&[report], &options).map_err(|cause| Error::new("junit.xml", &cause))?;
    let json = json::render(report).map_err(|cause| Error::new("run.json", &cause))?;
    // One at a time: a run has thousands.
    let trace = |path: &str| Trace::from_json_lines(&fs::read_to_string(folder.join(path)).ok()?).ok();
    let html = html::render(report, &trace).map_err(|cause| Error::new("report.html", &cause))?;
    write(&folder.join("junit.xml"), &junit)?;
    write(&folder.join("run.json"), &json)?;
    write(&folder.join("report.html"), &html)
}

/// Writes a file whole or not at all: into a neighbour, then renamed.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), Error> {
    let neighbour = path.with_extension("part");
    let written = fs::File::create(&neighbour)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&neighbour, path));
    written.map_err(|cause| Error::file("written", path, &cause))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may abort")]

    use super::*;
    use crate::{campaign::Manner, load};
    use uspec_testplan::{catalogue::Catalogue, selection::Selection};

    #[test]
    fn secrets_of_before_an_interruption_stay_and_those_of_another_run_do_not() {
        let folder = tempfile::tempdir().unwrap();
        let (catalogue, profile) = (Catalogue::default(), load::profile(None).unwrap());
        let heading = Heading::new(&catalogue, &profile, &Selection::all(), &Manner::default());
        let write = |past: Option<Past>| {
            let (reports, _) = Reports::prepare(folder.path(), None, &heading, past.map(Box::new)).unwrap();
            let before = fs::read_to_string(folder.path().join(KEY_LOG)).unwrap_or_default();
            drop(reports.key_log().unwrap());
            fs::write(folder.path().join(KEY_LOG), format!("{before}secret\n")).unwrap();
            drop(reports.key_log().unwrap());
        };
        let secrets = || fs::read_to_string(folder.path().join(KEY_LOG)).unwrap().lines().count();
        write(None);
        write(Past::find(folder.path()).unwrap());
        assert_eq!(secrets(), 2);
        write(None);
        assert_eq!(secrets(), 1);
    }
}
