//! The reports folder: found writable before anything runs, and every file written whole or not at all.

use crate::{
    above::EUTS,
    bundle::{CAPTURES, README, TRACES, readme, strangers, sums},
    bundled::IN_MEMORY,
    campaign::{Before, Entry, Heading},
    journal::{Journal, Past},
    outcome::Error,
    traces::TraceFolders,
};
use std::{
    collections::BTreeMap,
    fs,
    io::{self, BufWriter, Read as _, Write as _},
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};
use uspec_mtp::tls::KeyLogSink;
use uspec_report::{
    html, json, junit,
    pcapng::{self, Openings},
};
use uspec_testplan::{run_report::RunReport, trace::Trace, verdict::Judgement};

/// The secrets of the run's TLS sessions, as Wireshark reads them.
pub(crate) const KEY_LOG: &str = "tls-keys.log";

/// The names of the reports.
pub(crate) const REPORTS: [&str; 3] = ["junit.xml", "run.json", "report.html"];

/// A disk that has not even so much room left is full: the smallest run writes more.
const ROOM: u64 = 128 * 1024;

/// Where a run writes.
#[derive(Debug)]
pub struct Reports {
    folder: PathBuf,
    attachment_base: String,
    journal: Journal,
    /// For each MTP, the connections that last; `None` when no captures are wanted.
    captures: Option<Mutex<BTreeMap<String, Openings>>>,
    /// Whether the reports of before an interruption still stand there.
    stale: AtomicBool,
    /// Whether evidence could not be written.
    broken: AtomicBool,
}

impl Reports {
    /// Makes the folder, removes reports, Traces and TLS secrets of an earlier run, and makes sure that it can be written to. Gives back
    /// what was done before an interruption.
    ///
    /// # Errors
    /// A folder that cannot be made, emptied or written to, or has somebody's files in it.
    pub fn prepare(
        folder: &Path,
        attachment_base: Option<&str>,
        heading: &Heading,
        past: Option<Box<Past>>,
    ) -> Result<(Self, Before), Error> {
        for below in [TRACES, CAPTURES].map(|name| folder.join(name)) {
            fs::create_dir_all(&below).map_err(|cause| Error::file("made", &below, &cause))?;
            make_sure_of_room(&below)?;
        }
        let stale = AtomicBool::new(past.is_some());
        let durable = !heading.identity.options.contains(IN_MEMORY);
        let (journal, before) = if let Some(past) = past {
            past.go_on(folder, durable)?
        } else {
            clear(folder)?;
            (Journal::begin(folder, heading, durable)?, Before::default())
        };
        let attachment_base =
            attachment_base.map_or_else(|| format!("{}/", folder.display()), std::borrow::ToOwned::to_owned);
        let (captures, broken) = (Some(Mutex::default()), AtomicBool::new(false));
        Ok((Self { folder: folder.to_owned(), attachment_base, journal, captures, stale, broken }, before))
    }

    /// The same without captures.
    #[must_use]
    pub fn without_captures(self) -> Self {
        // Those of before an interruption stay, and then so does their folder.
        let _ = fs::remove_dir(self.folder.join(CAPTURES));
        Self { captures: None, ..self }
    }

    /// Whether the run had better end, because evidence could not be written: a verdict that nobody can check is none.
    pub fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed) || self.journal.is_broken()
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

    /// Keeps a Trace and its capture; gives back the Trace's path relative to the folder. When it cannot be written, the Reports are
    /// [broken](Self::is_broken).
    pub fn trace(&self, name: &str, trace: &Trace, judgement: Option<&Judgement>) -> Option<String> {
        let path = format!("{TRACES}/{name}.jsonl");
        let text = trace.to_json_lines().map_err(|cause| Error::new(&path, &cause));
        let kept = text
            .and_then(|text| self.outdate(judgement.is_some()).map(|()| text))
            .and_then(|text| write(&self.folder.join(&path), text.as_bytes()))
            .and_then(|()| self.capture(name, trace, judgement));
        match kept {
            Ok(()) => Some(path),
            Err(error) => {
                eprint!("{error}");
                self.broken.store(true, Ordering::Relaxed);
                None
            }
        }
    }

    /// Removes the reports of before an interruption when the first result is added to what they say. Not earlier: an EUT that turns out to be
    /// another one leaves them as they were.
    fn outdate(&self, has_result: bool) -> Result<(), Error> {
        if !has_result || !self.stale.swap(false, Ordering::Relaxed) {
            return Ok(());
        }
        REPORTS.into_iter().chain([README]).try_for_each(|name| remove(&self.folder.join(name)))
    }

    fn capture(&self, name: &str, trace: &Trace, judgement: Option<&Judgement>) -> Result<(), Error> {
        let path = self.folder.join(format!("{CAPTURES}/{name}.pcapng"));
        // One that stands there from before an interruption is not of this Trace.
        let Some(openings) = &self.captures else { return remove(&path) };
        let mut openings = openings.lock().unwrap_or_else(PoisonError::into_inner);
        let before = openings.entry(trace.header.mtp.clone()).or_default();
        let octets = pcapng::render(trace, before, judgement);
        before.learn(trace);
        drop(openings);
        write(&path, &octets)
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

/// Removes what an earlier run has left: of the captures those that are of a Trace. What makes the folder a run's goes last, so that one
/// who is interrupted here may do it again.
///
/// # Errors
/// A file that cannot be removed, or somebody's files in a folder that is no run's: nothing is removed then.
pub(crate) fn clear(folder: &Path) -> Result<(), Error> {
    strangers::refuse(folder)?;
    let below = folder.join(TRACES);
    if below.is_dir() {
        let old = fs::read_dir(&below).map_err(|cause| Error::file("read", &below, &cause))?;
        let traces =
            old.flatten().map(|entry| entry.path()).filter(|it| it.extension().is_some_and(|it| it == "jsonl"));
        for trace in traces {
            if let Some(capture) = trace.with_extension("pcapng").file_name() {
                remove(&folder.join(CAPTURES).join(capture))?;
            }
            remove(&trace)?;
        }
    }
    let [junit, json, html] = REPORTS;
    let names = [junit, html, KEY_LOG, README, sums::SUMS, json, EUTS].map(|name| folder.join(name));
    names.into_iter().chain([Journal::path(folder)]).try_for_each(|path| remove(&path))
}

/// Removes a file, if it is there.
pub(crate) fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(Error::file("removed", path, &cause)),
        _ => Ok(()),
    }
}

/// Writes the reports of one EUT into its folder, and the hashes of all that stands there. What cannot be written does not keep the rest
/// from being written.
///
/// # Errors
/// Every file that cannot be written.
pub fn write_reports(folder: &Path, attachment_base: &str, report: &RunReport) -> Result<(), Error> {
    let options = junit::Options { attachment_base: attachment_base.to_owned() };
    let junit = junit::render(&[report], &options).map_err(|cause| Error::new("junit.xml", &cause))?;
    let json = json::render(report).map_err(|cause| Error::new("run.json", &cause))?;
    let readme = readme(folder);
    let [first, second, third] = REPORTS;
    let files = [(first, junit.as_str()), (second, &json), (README, &readme)];
    let written = files.map(|(name, text)| write(&folder.join(name), text.as_bytes()));
    let page = write_page(&folder.join(third), &[report], &TraceFolders::one(folder));
    let all = written.into_iter().chain([page, sums::list(folder)]);
    let wrong: Vec<_> = all.filter_map(Result::err).map(|it| it.to_string()).collect();
    if wrong.is_empty() { Ok(()) } else { Err(Error::Message(wrong.concat().trim_end().to_owned())) }
}

/// Writes the page over these reports.
pub(crate) fn write_page(path: &Path, reports: &[&RunReport], traces: &TraceFolders<'_>) -> Result<(), Error> {
    write_by(path, |file| html::write(reports, traces, file).map_err(io::Error::other))
}

/// Writes a file whole or not at all: into a neighbour, then renamed.
pub(crate) fn write(path: &Path, octets: &[u8]) -> Result<(), Error> {
    write_by(path, |file| file.write_all(octets))
}

fn write_by(path: &Path, content: impl FnOnce(&mut BufWriter<fs::File>) -> io::Result<()>) -> Result<(), Error> {
    let neighbour = path.with_extension("part");
    let written = fs::File::create(&neighbour)
        .and_then(|file| {
            let mut file = BufWriter::new(file);
            content(&mut file)?;
            file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
        })
        .and_then(|()| fs::rename(&neighbour, path));
    if written.is_err() {
        // What was not written whole only takes the room of what may be.
        let _ = fs::remove_file(&neighbour);
    }
    written.map_err(|cause| Error::file("written", path, &cause))
}

/// Finds out before the run whether the folder can be written to, and the disk has room.
fn make_sure_of_room(folder: &Path) -> Result<(), Error> {
    let path = folder.join("room.part");
    let filled = fs::File::create(&path).and_then(|mut file| {
        io::copy(&mut io::repeat(0).take(ROOM), &mut file)?;
        file.sync_all()
    });
    let removed = fs::remove_file(&path);
    let wrong = |cause| Error::Message(format!("error: {} cannot be written to: {cause}", folder.display()));
    filled.and(removed).map_err(wrong)
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
