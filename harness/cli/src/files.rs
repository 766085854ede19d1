//! The reports folder: found writable before anything runs, and every file written whole or not at all.

use crate::{outcome::Error, traces::TraceFolders};
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

/// Where a run writes.
#[derive(Debug)]
pub struct Reports {
    folder: PathBuf,
    attachment_base: String,
}

impl Reports {
    /// Makes the folder, removes Traces and TLS secrets of an earlier run, and makes sure that it can be written to.
    ///
    /// # Errors
    /// A folder that cannot be made, emptied or written to.
    pub fn prepare(folder: &Path, attachment_base: Option<&str>) -> Result<Self, Error> {
        let traces = folder.join("traces");
        fs::create_dir_all(&traces).map_err(|cause| Error::file("made", &traces, &cause))?;
        let old = fs::read_dir(&traces).map_err(|cause| Error::file("read", &traces, &cause))?;
        for file in
            old.flatten().map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|it| it == "jsonl"))
        {
            fs::remove_file(&file).map_err(|cause| Error::file("removed", &file, &cause))?;
        }
        let key_log = folder.join(KEY_LOG);
        if key_log.is_file() {
            fs::remove_file(&key_log).map_err(|cause| Error::file("removed", &key_log, &cause))?;
        }
        let attachment_base =
            attachment_base.map_or_else(|| format!("{}/", folder.display()), std::borrow::ToOwned::to_owned);
        Ok(Self { folder: folder.to_owned(), attachment_base })
    }

    /// Takes the secrets of TLS sessions, line by line, into a file of its own: whoever reads it while the run goes on sees them all.
    ///
    /// # Errors
    /// A file that cannot be made.
    pub fn key_log(&self) -> Result<KeyLogSink, Error> {
        let path = self.folder.join(KEY_LOG);
        let file = fs::File::create(&path).map_err(|cause| Error::file("made", &path, &cause))?;
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

    /// Writes every report.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write(&self, report: &RunReport) -> Result<(), Error> {
        let options = junit::Options { attachment_base: self.attachment_base.clone() };
        let junit = junit::render(report, &options).map_err(|cause| Error::new("junit.xml", &cause))?;
        let json = json::render(report).map_err(|cause| Error::new("run.json", &cause))?;
        let html = html::render(&[report], &TraceFolders::one(&self.folder))
            .map_err(|cause| Error::new("report.html", &cause))?;
        write(&self.folder.join("junit.xml"), &junit)?;
        write(&self.folder.join("run.json"), &json)?;
        write(&self.folder.join("report.html"), &html)
    }
}

/// Writes a file whole or not at all: into a neighbour, then renamed.
fn write(path: &Path, text: &str) -> Result<(), Error> {
    let neighbour = path.with_extension("part");
    let written = fs::File::create(&neighbour)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&neighbour, path));
    written.map_err(|cause| Error::file("written", path, &cause))
}
