//! `SHA256SUMS`: the hash of each file of a run's folder, in the form that `sha256sum -c` reads.
//!
//! One decision behind it: only what a run writes is listed, so that what somebody lays beside it neither counts nor breaks anything.

use super::{CAPTURES, README, TRACES};
use crate::{
    above::EUTS,
    files::{KEY_LOG, REPORTS, write},
    outcome::Error,
};
use sha2::{Digest as _, Sha256};
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs::{self, File},
    io,
    path::{Component, Path},
};
use uspec_report::text::visible_line;

/// Its name.
pub(crate) const SUMS: &str = "SHA256SUMS";

/// How many hexadecimal digits a hash has.
const DIGITS: usize = 64;

/// Why a file is not as it was when the run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Altered {
    /// It is not there any more.
    Missing,
    /// Its hash is another one.
    Changed {
        /// As listed.
        listed: String,
        /// As it is.
        now: String,
    },
    /// It is there, and is not listed.
    Unlisted,
}

/// Lists everything that a run has written into this folder.
///
/// # Errors
/// A file that cannot be read, or the list that cannot be written.
pub fn list(folder: &Path) -> Result<(), Error> {
    let mut text = String::new();
    for name in names(folder)? {
        let hash = hash(&folder.join(&name)).map_err(|cause| Error::file("read", &folder.join(&name), &cause))?;
        let _ = writeln!(text, "{hash}  {name}");
    }
    write(&folder.join(SUMS), text.as_bytes())
}

/// Lists what stands above the folders of several EUTs, with their own lists.
///
/// # Errors
/// As [`list`].
pub fn list_above(folder: &Path, euts: &[String]) -> Result<(), Error> {
    let above = ["junit.xml", "report.html", EUTS].map(str::to_owned);
    let mut text = String::new();
    for name in above.into_iter().chain(euts.iter().map(|eut| format!("{eut}/{SUMS}"))) {
        let path = folder.join(&name);
        if path.is_file() {
            let hash = hash(&path).map_err(|cause| Error::file("read", &path, &cause))?;
            let _ = writeln!(text, "{hash}  {name}");
        }
    }
    write(&folder.join(SUMS), text.as_bytes())
}

/// Every file that is not as it was listed; `None` when there is no list.
///
/// # Errors
/// A list that cannot be read, or is none.
pub fn check(folder: &Path) -> Result<Option<BTreeMap<String, Altered>>, Error> {
    let path = folder.join(SUMS);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(cause) => return Err(Error::file("read", &path, &cause)),
    };
    let listed = read(&path, &text)?;
    let mut altered = BTreeMap::new();
    for (name, then) in &listed {
        let path = folder.join(name);
        match hash(&path) {
            Ok(now) if now == *then => {}
            Ok(now) => drop(altered.insert(name.clone(), Altered::Changed { listed: then.clone(), now })),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
                altered.insert(name.clone(), Altered::Missing);
            }
            Err(cause) => return Err(Error::file("read", &path, &cause)),
        }
    }
    let unlisted = names(folder)?.into_iter().filter(|name| !listed.contains_key(name));
    altered.extend(unlisted.map(|name| (name, Altered::Unlisted)));
    Ok(Some(altered))
}

impl Altered {
    /// In words, of the file with this name.
    pub fn words(&self, name: &str) -> String {
        let name = visible_line(name);
        match self {
            Self::Missing => format!("{name} is missing: {SUMS} lists it"),
            Self::Changed { listed, now } => {
                format!("{name} was changed after the run: {SUMS} has the hash {listed}, and it is {now} now")
            }
            Self::Unlisted => format!("{name} was added after the run: {SUMS} does not list it"),
        }
    }
}

/// The names of the files that a run writes, in order.
fn names(folder: &Path) -> Result<Vec<String>, Error> {
    let of_a_run = REPORTS.into_iter().chain([KEY_LOG, README]).map(str::to_owned);
    let mut names: Vec<_> = of_a_run.filter(|name| folder.join(name).is_file()).collect();
    for below in [TRACES, CAPTURES] {
        let path = folder.join(below);
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => continue,
            Err(cause) => return Err(Error::file("read", &path, &cause)),
        };
        for entry in entries {
            let entry = entry.map_err(|cause| Error::file("read", &path, &cause))?.path();
            let written = entry.extension().is_some_and(|it| it == "jsonl" || it == "pcapng");
            let name = entry.file_name().and_then(|name| name.to_str()).filter(|_| written && entry.is_file());
            names.extend(name.map(|name| format!("{below}/{name}")));
        }
    }
    names.sort();
    Ok(names)
}

fn read(path: &Path, text: &str) -> Result<BTreeMap<String, String>, Error> {
    let mut listed = BTreeMap::new();
    for (index, line) in text.lines().enumerate() {
        let parts = line.split_once("  ").filter(|(hash, name)| {
            let digits = hash.len() == DIGITS && hash.bytes().all(|c| c.is_ascii_hexdigit());
            digits && Path::new(name).components().all(|it| matches!(it, Component::Normal(_)))
        });
        let Some((hash, name)) = parts else {
            return Err(Error::Message(format!(
                "error: {}: line {} is no hash and name of a file in its folder, so the list is of no use: {}",
                path.display(),
                index.saturating_add(1),
                visible_line(line)
            )));
        };
        listed.insert(name.to_owned(), hash.to_ascii_lowercase());
    }
    Ok(listed)
}

fn hash(path: &Path) -> io::Result<String> {
    let mut hasher = Sha256::new();
    io::copy(&mut File::open(path)?, &mut hasher)?;
    Ok(format!("{:x}", hasher.finalize()))
}
