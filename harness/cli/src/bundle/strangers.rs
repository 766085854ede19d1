//! What stands in a reports folder although no run has left it there.
//!
//! One decision behind it: only what the folder itself says makes it a run's: a run report, a journal, or the list of the EUTs. A name such
//! as `README.txt` says nothing, so where none of these stands, whatever a run would remove or overwrite is somebody's, and stays.

use super::{CAPTURES, README, TRACES, sums::SUMS};
use crate::{
    above::{Above, EUTS},
    files::{KEY_LOG, REPORTS},
    journal::Journal,
    outcome::Error,
};
use serde::{Deserialize, de::DeserializeOwned};
use std::{
    fs::{self, File},
    io::BufReader,
    path::Path,
};
use uspec_report::text::visible_line;

/// So many files are named.
const NAMED: usize = 10;

/// What every format of the run report has.
#[derive(Deserialize)]
struct Report {
    #[serde(rename = "format")]
    _format: u64,
    #[serde(rename = "run")]
    _run: Run,
}

#[derive(Deserialize)]
struct Run {
    #[serde(rename = "harness")]
    _harness: String,
}

/// Makes sure that a run destroys nobody's files in this folder; one that is not there yet has none.
///
/// # Errors
/// Files that a run would remove or overwrite, in a folder that is no run's: they are named.
pub(crate) fn refuse(folder: &Path) -> Result<(), Error> {
    let strangers = find(folder)?;
    if strangers.is_empty() {
        return Ok(());
    }
    let mut named: Vec<_> = strangers.iter().take(NAMED).map(|name| visible_line(name)).collect();
    if let Some(more) = strangers.len().checked_sub(NAMED).filter(|more| *more > 0) {
        named.push(format!("and {more} more"));
    }
    Err(Error::Message(format!(
        "error: {} is no folder of a run: no run.json, journal.jsonl or {EUTS} of one stands in it. A run would remove or overwrite what is \
         there: {}. Move it away, or choose another --out",
        folder.display(),
        named.join(", ")
    )))
}

fn find(folder: &Path) -> Result<Vec<String>, Error> {
    if is_of_a_run(folder) {
        return Ok(Vec::new());
    }
    let journal = Journal::path(folder);
    let journal = journal.file_name().and_then(|name| name.to_str());
    let names = REPORTS.into_iter().chain([README, SUMS, KEY_LOG, EUTS]).chain(journal);
    // A folder of such a name is in the way too, and so is a link that leads nowhere.
    let mut found: Vec<_> =
        names.filter(|name| folder.join(name).symlink_metadata().is_ok()).map(str::to_owned).collect();
    for (below, extension) in [(TRACES, "jsonl"), (CAPTURES, "pcapng")] {
        let path = folder.join(below);
        if !path.is_dir() {
            continue;
        }
        let entries = fs::read_dir(&path).map_err(|cause| Error::file("read", &path, &cause))?;
        let mut names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
        names.retain(|name| Path::new(name).extension().is_some_and(|it| it == extension));
        names.sort();
        found.extend(names.iter().map(|name| format!("{below}/{}", name.to_string_lossy())));
    }
    Ok(found)
}

fn is_of_a_run(folder: &Path) -> bool {
    is::<Report>(&folder.join("run.json")) || is::<Above>(&folder.join(EUTS)) || Journal::is_there(folder)
}

fn is<T: DeserializeOwned>(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| serde_json::from_reader::<_, T>(BufReader::new(file)).is_ok())
}
