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
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs::{self, File},
    io,
    path::{Component, Path},
};
use uspec_report::text::{cut, visible_line};

/// Its name.
pub(crate) const SUMS: &str = "SHA256SUMS";

/// How many hexadecimal digits a hash has.
const DIGITS: usize = 64;

/// So many lines that are none are told.
const WRONG_LINES: usize = 5;

/// So much of one is shown.
const LINE_LIMIT: usize = 200;

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

/// What is not as it was when the run ended, one sentence each that begins with the file's name. Empty: everything is as it was.
///
/// A list that is missing or has lines that are none is a problem too, and what it does list is checked all the same.
pub fn check(folder: &Path) -> Vec<String> {
    let octets = match fs::read(folder.join(SUMS)) {
        Ok(octets) => octets,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
            return vec![format!(
                "{SUMS} is missing: whether the files are as they were when the run ended is not known"
            )];
        }
        Err(cause) => return vec![format!("{SUMS} cannot be read: {cause}")],
    };
    let (listed, mut problems) = read(&String::from_utf8_lossy(&octets));
    let is_whole = problems.is_empty();
    for (name, then) in &listed {
        let shown = visible_line(name);
        match hash(&folder.join(name)) {
            Ok(now) if now == *then => {}
            Ok(now) => problems
                .push(format!("{shown} was changed after the run: {SUMS} has the hash {then}, and it is {now} now")),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
                problems.push(format!("{shown} is missing: {SUMS} lists it"));
            }
            Err(cause) => problems.push(format!("{shown} cannot be read: {cause}")),
        }
    }
    match names(folder) {
        // A line that is none may have been the file's.
        Ok(_) if !is_whole => {}
        Ok(names) => problems.extend(
            names
                .iter()
                .filter(|name| !listed.contains_key(*name))
                .map(|name| format!("{} was added after the run: {SUMS} does not list it", visible_line(name))),
        ),
        Err(cause) => problems.push(cause.to_string().trim_end().trim_start_matches("error: ").to_owned()),
    }
    problems
}

/// The names of the files that a run writes, in order. A capture without a Trace of its name is none of them.
pub(super) fn names(folder: &Path) -> Result<Vec<String>, Error> {
    let of_a_run = REPORTS.into_iter().chain([KEY_LOG, README]).map(str::to_owned);
    let mut names: Vec<_> = of_a_run.filter(|name| folder.join(name).is_file()).collect();
    let traces = below(folder, TRACES, ".jsonl")?;
    let mut captures = below(folder, CAPTURES, ".pcapng")?;
    captures.retain(|stem| traces.contains(stem));
    names.extend(traces.iter().map(|stem| format!("{TRACES}/{stem}.jsonl")));
    names.extend(captures.iter().map(|stem| format!("{CAPTURES}/{stem}.pcapng")));
    names.sort();
    Ok(names)
}

/// The files of this kind in a folder below, without their ending.
fn below(folder: &Path, place: &str, ending: &str) -> Result<BTreeSet<String>, Error> {
    let path = folder.join(place);
    let wrong = |cause: &io::Error| Error::file("read", &path, cause);
    let entries = match fs::read_dir(&path) {
        Ok(entries) => entries,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        Err(cause) => return Err(wrong(&cause)),
    };
    let mut stems = BTreeSet::new();
    for entry in entries {
        let entry = entry.map_err(|cause| wrong(&cause))?.path();
        let stem = entry.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(ending));
        stems.extend(stem.filter(|_| entry.is_file()).map(str::to_owned));
    }
    Ok(stems)
}

/// The hash of each listed file, in lower case, and what is wrong with the list. Between hash and name stand two spaces, or a space and
/// the asterisk by which `sha256sum --binary` marks its lines.
fn read(text: &str) -> (BTreeMap<String, String>, Vec<String>) {
    let (mut listed, mut problems, mut more) = (BTreeMap::new(), Vec::new(), 0_usize);
    for (index, line) in text.lines().enumerate() {
        let wrong = match parts(line) {
            Some((hash, name)) => match listed.insert(name.to_owned(), hash.clone()) {
                Some(other) if other != hash => format!("gives {} another hash than a line before", visible_line(name)),
                _ => continue,
            },
            None => format!("is no hash and name of a file in its folder: {}", cut(&visible_line(line), LINE_LIMIT)),
        };
        if problems.len() < WRONG_LINES {
            problems.push(format!("{SUMS}: line {} {wrong}", index.saturating_add(1)));
        } else {
            more = more.saturating_add(1);
        }
    }
    if more > 0 {
        problems.push(format!("{SUMS}: {more} more lines are wrong"));
    }
    (listed, problems)
}

fn parts(line: &str) -> Option<(String, &str)> {
    let (hash, name) = line.split_at_checked(DIGITS)?;
    let name = name.strip_prefix("  ").or_else(|| name.strip_prefix(" *"))?;
    let is_below = !name.is_empty() && Path::new(name).components().all(|it| matches!(it, Component::Normal(_)));
    (is_below && hash.bytes().all(|c| c.is_ascii_hexdigit())).then(|| (hash.to_ascii_lowercase(), name))
}

fn hash(path: &Path) -> io::Result<String> {
    let mut hasher = Sha256::new();
    io::copy(&mut File::open(path)?, &mut hasher)?;
    Ok(format!("{:x}", hasher.finalize()))
}
