//! What a run has done so far, in a file that survives whatever ends the process: `journal.jsonl` in the reports folder.
//!
//! One decision behind it: a line is added after each case and never changed, so that a power cut costs no more than the last one. The
//! first line says what the run is of; the file is gone when the run is complete.

use crate::{
    bundle::sums::SUMS,
    campaign::{Before, Entry, Heading},
    files::remove,
    outcome::Error,
};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File, TryLockError},
    io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

/// Its name.
const JOURNAL: &str = "journal.jsonl";

/// The version of its format.
const FORMAT: u32 = 1;

/// How its first line begins.
const BEGINNING: &[u8] = b"{\"format\":";

/// The first line of what is one is never longer, in octets.
const LONGEST: u64 = 1024 * 1024;

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
struct First {
    format: u32,
    heading: Heading,
}

/// What every format's first line has.
#[derive(Deserialize)]
struct Format {
    format: u32,
}

/// A journal that is written to. Whoever has it open is alone with it.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    /// Gone when it could not be written: what comes after a gap is of no use.
    file: Mutex<Option<File>>,
    /// Whether each line waits for the disk.
    durable: bool,
}

/// What was done before an interruption.
#[derive(Debug)]
pub struct Past {
    path: PathBuf,
    file: File,
    /// Up to where the lines are whole.
    whole: u64,
    /// What the run is of.
    pub heading: Heading,
    /// What was done.
    pub before: Before,
}

impl Journal {
    /// Where the journal of a reports folder stands.
    pub fn path(folder: &Path) -> PathBuf {
        folder.join(JOURNAL)
    }

    /// Whether a run has left one in this folder; also one that was ended while it wrote the first line.
    pub fn is_there(folder: &Path) -> bool {
        let Ok(file) = File::open(Self::path(folder)) else { return false };
        let mut first = Vec::new();
        if BufReader::new(file.take(LONGEST)).read_until(b'\n', &mut first).is_err() {
            return false;
        }
        if first.ends_with(b"\n") {
            /// What every format's first line has.
            #[derive(Deserialize)]
            struct Begun {
                #[serde(rename = "format")]
                _format: u64,
                #[serde(rename = "heading")]
                _heading: serde::de::IgnoredAny,
            }
            return serde_json::from_slice::<Begun>(&first).is_ok();
        }
        first.starts_with(BEGINNING) || BEGINNING.starts_with(&first)
    }

    /// Begins one; an old one is replaced. `durable`: each line waits for the disk.
    ///
    /// # Errors
    /// A file that cannot be made or written.
    pub fn begin(folder: &Path, heading: &Heading, durable: bool) -> Result<Self, Error> {
        let path = Self::path(folder);
        let wrong = |cause: io::Error| Error::file("written", &path, &cause);
        let mut file = File::options().create(true).truncate(false).write(true).open(&path).map_err(wrong)?;
        lock(&file, &path)?;
        let first = First { format: FORMAT, heading: heading.clone() };
        let line = serde_json::to_string(&first).map_err(|cause| Error::new(path.display(), &cause))?;
        file.set_len(0).and_then(|()| add(&mut file, &line, durable)).map_err(wrong)?;
        Ok(Self { file: Mutex::new(Some(file)), path, durable })
    }

    /// Adds a line. Gives back whether it could; when not, the run had better end, because the disk is full or gone.
    pub fn keep(&self, entry: &Entry) -> bool {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(open) = file.as_mut() else { return false };
        let added =
            serde_json::to_string(entry).map_err(io::Error::from).and_then(|line| add(open, &line, self.durable));
        if let Err(cause) = added {
            let path = self.path.display();
            eprintln!("error: {path} cannot be written any more, so the run ends: {cause}");
            *file = None;
            return false;
        }
        true
    }

    /// Whether a line could not be written.
    pub fn is_broken(&self) -> bool {
        self.file.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    /// Removes it: the run is complete.
    ///
    /// # Errors
    /// A file that cannot be removed.
    pub fn remove(&self) -> Result<(), Error> {
        fs::remove_file(&self.path).map_err(|cause| Error::file("removed", &self.path, &cause))
    }
}

impl Past {
    /// What a run that was interrupted has left in this folder, if one has. A last line that was cut off is left out, and told.
    ///
    /// # Errors
    /// A journal that cannot be read, that a later uspec wrote, or that a run writes at this moment.
    pub fn find(folder: &Path) -> Result<Option<Self>, Error> {
        let path = Journal::path(folder);
        let file = match File::options().read(true).write(true).open(&path) {
            Ok(file) => file,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(cause) => return Err(Error::file("read", &path, &cause)),
        };
        lock(&file, &path)?;
        let text = fs::read(&path).map_err(|cause| Error::file("read", &path, &cause))?;
        let mut lines = text.split_inclusive(|octet| *octet == b'\n').enumerate().peekable();
        let Some((_, first)) = lines.next().filter(|(_, line)| line.ends_with(b"\n")) else { return Ok(None) };
        let heading = heading(&path, first)?;
        let (mut before, mut whole) = (Before::default(), first.len());
        while let Some((index, line)) = lines.next() {
            match serde_json::from_slice(line) {
                Ok(entry) if line.ends_with(b"\n") => {
                    before.add(entry);
                    whole = whole.saturating_add(line.len());
                }
                // What was written last when everything ended.
                _ if lines.peek().is_none() => before.warnings.push(format!(
                    "{}: the last line was cut off, and what it said is done again; {} results before it are whole",
                    path.display(),
                    before.judged.len()
                )),
                Ok(_) => {}
                Err(cause) => {
                    let line = index.saturating_add(1);
                    return Err(Error::new(
                        format!("{}: line {line} is no entry of a journal", path.display()),
                        &cause,
                    ));
                }
            }
        }
        Ok(Some(Self { path, file, whole: u64::try_from(whole).unwrap_or(u64::MAX), heading, before }))
    }

    /// Goes on with it. Results whose Trace is gone are left out, and told: they are run again. The list of hashes is removed: the files will
    /// not be as it says any more.
    ///
    /// # Errors
    /// A journal that cannot be written, or a list that cannot be removed.
    pub fn go_on(self, folder: &Path, durable: bool) -> Result<(Journal, Before), Error> {
        let Self { path, mut file, whole, mut before, .. } = self;
        remove(&folder.join(SUMS))?;
        let there = file.set_len(whole).and_then(|()| file.seek(SeekFrom::End(0)));
        there.map_err(|cause| Error::file("written", &path, &cause))?;
        let gone = |trace: &Option<String>| trace.as_ref().is_some_and(|it| !folder.join(it).is_file());
        let mut lost = Vec::new();
        before.judged.retain(|(case, mtp), judged| {
            let gone = gone(&judged.trace);
            lost.extend(gone.then(|| format!("{case} [{mtp}]")));
            !gone
        });
        if !lost.is_empty() {
            before.warnings.push(format!("the Traces of {} are gone; these cases are run again", lost.join(", ")));
        }
        Ok((Journal { path, file: Mutex::new(Some(file)), durable }, before))
    }
}

fn heading(path: &Path, line: &[u8]) -> Result<Heading, Error> {
    let wrong = |cause: serde_json::Error| {
        Error::new(format!("{}: line 1 does not say what the run is of", path.display()), &cause)
    };
    let Format { format } = serde_json::from_slice(line).map_err(wrong)?;
    if format > FORMAT {
        return Err(Error::Message(format!(
            "error: {}: it has format {format} of the journal, and this uspec reads up to {FORMAT}: resume with the uspec that began",
            path.display()
        )));
    }
    serde_json::from_slice(line).map(|First { heading, .. }| heading).map_err(wrong)
}

fn add(file: &mut File, line: &str, durable: bool) -> io::Result<()> {
    file.write_all(format!("{line}\n").as_bytes())?;
    if durable { file.sync_data() } else { Ok(()) }
}

/// Two runs do not write into one folder. Whatever ends a process frees its lock.
fn lock(file: &File, path: &Path) -> Result<(), Error> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(Error::Message(format!(
            "error: {}: another uspec is running into this folder; wait for it, or choose another --out",
            path.display()
        ))),
        // A file system without locks: nobody can be kept out.
        Err(TryLockError::Error(cause)) if cause.kind() == io::ErrorKind::Unsupported => Ok(()),
        Err(TryLockError::Error(cause)) => Err(Error::file("locked", path, &cause)),
    }
}
