//! A run's folder as evidence: reports, Traces, captures, secrets of TLS, and the hash of each file.
//!
//! One decision behind it: the folder explains itself to whoever gets it without us. Its `SHA256SUMS` is what `sha256sum -c` reads, its
//! captures open in Wireshark, and its README says what may be in it that is not for everybody.

pub(crate) mod strangers;
pub mod sums;

use crate::{above, files::KEY_LOG, journal::Journal, load, outcome::Error};
use std::path::{Path, PathBuf};
use uspec_testplan::run_report::RunReport;

/// What the folder is, for whoever gets it.
pub(crate) const README: &str = "README.txt";

/// Where the Traces stand.
pub(crate) const TRACES: &str = "traces";

/// Where the captures stand.
pub(crate) const CAPTURES: &str = "captures";

/// The text of [`README`], by what stands in the folder.
pub(crate) fn readme(folder: &Path) -> String {
    let (traces, captures) = evidence(folder);
    let of = if captures < traces { format!(" of {captures} of the {traces} Traces") } else { String::new() };
    let pcapng =
        format!("  captures/     the same octets{of} as pcapng, in clear text: Wireshark opens them without keys\n");
    let pcapng = if captures > 0 { pcapng } else { String::new() };
    let keys = folder.join(KEY_LOG).is_file();
    let logged = if keys { "  tls-keys.log  the secrets of the TLS sessions\n" } else { "" };
    let secret = match (captures > 0, keys) {
        (true, true) => "traces/, captures/ and tls-keys.log hold",
        (true, false) => "traces/ and captures/ hold",
        (false, true) => "traces/ and tls-keys.log hold",
        (false, false) => "traces/ holds",
    };
    format!(
        "\
This folder is what a run of uspec found, and the evidence for it.

  report.html   for people
  junit.xml     for CI systems
  run.json      the whole run report, for programs
  traces/       for each result one Trace: every octet, frame and Record, as JSON lines
{pcapng}{logged}  SHA256SUMS    the hash of each file; `sha256sum -c SHA256SUMS` checks them all

  uspec judge FOLDER      judges every Trace again, and says whether the verdicts are the same
  uspec diff FOLDER B     says what is different in another run
  uspec explain CASE      says what a case is about, and what usually makes it fail

NOT FOR EVERYBODY: {secret} what crossed the connections as it was, passwords and tokens
included. The first line of each Trace lists the secrets that stand in it (\"secrets\"). The reports show none of them.
"
    )
}

/// How many Traces stand in the folder, and how many captures of them.
pub(crate) fn evidence(folder: &Path) -> (usize, usize) {
    // What cannot be read is told by whoever needs it.
    let names = sums::names(folder).unwrap_or_default();
    let below = |place: &str| names.iter().filter(|name| Path::new(name).starts_with(place)).count();
    (below(TRACES), below(CAPTURES))
}

/// A run's folder.
#[derive(Debug)]
pub struct Bundle {
    /// Where it stands.
    pub folder: PathBuf,
    /// What the run found.
    pub report: RunReport,
}

impl Bundle {
    /// Opens the folder of a run against one EUT.
    ///
    /// # Errors
    /// A folder without a run report that can be read. Where several EUTs stand below it, they are named.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let path = folder.join("run.json");
        if !path.is_file() {
            return Err(Error::Message(missing(folder)?));
        }
        Ok(Self { folder: folder.to_owned(), report: load::run_report(&path)? })
    }
}

/// What is to be said of a folder with a journal in it.
pub(crate) const NOT_ENDED: &str =
    "this run has not ended: its journal.jsonl is there, and `uspec run --resume` goes on with it";

/// Why there is no run report in the folder.
fn missing(folder: &Path) -> Result<String, Error> {
    let shown = folder.display();
    // Also tells a folder that cannot be read.
    std::fs::read_dir(folder).map_err(|cause| Error::file("read", folder, &cause))?;
    if Journal::is_there(folder) {
        return Ok(format!("error: {shown} has no run.json: {NOT_ENDED}"));
    }
    let below = above::folders(folder)?;
    let named: Vec<_> =
        below.iter().filter(|it| !it.is_empty()).map(|it| folder.join(it).display().to_string()).collect();
    Ok(if named.is_empty() {
        format!(
            "error: {shown} has no run.json: it is no folder of a run, the run has not ended, or its files were moved away"
        )
    } else {
        format!("error: {shown} holds a run against several EUTs: name the folder of one: {}", named.join(", "))
    })
}
