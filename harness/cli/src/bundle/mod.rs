//! A run's folder as evidence: reports, Traces, captures, secrets of TLS, and the hash of each file.
//!
//! One decision behind it: the folder explains itself to whoever gets it without us. Its `SHA256SUMS` is what `sha256sum -c` reads, its
//! captures open in Wireshark, and its README says what may be in it that is not for everybody.

pub mod sums;

use crate::{above, load, outcome::Error};
use std::path::{Path, PathBuf};
use uspec_testplan::run_report::RunReport;

/// What the folder is, for whoever gets it.
pub(crate) const README: &str = "README.txt";

/// Where the Traces stand.
pub(crate) const TRACES: &str = "traces";

/// Where the captures stand.
pub(crate) const CAPTURES: &str = "captures";

/// The text of [`README`].
pub(crate) const README_TEXT: &str = "\
This folder is what a run of uspec found, and the evidence for it.

  report.html   for people
  junit.xml     for CI systems
  run.json      the whole run report, for programs
  traces/       for each result one Trace: every octet, frame and Record, as JSON lines
  captures/     the same octets as pcapng, in clear text: Wireshark opens them without keys
  tls-keys.log  the secrets of the TLS sessions, when they were asked for
  SHA256SUMS    the hash of each file; `sha256sum -c SHA256SUMS` checks them all

  uspec judge FOLDER      judges every Trace again, and says whether the verdicts are the same
  uspec diff FOLDER B     says what is different in another run
  uspec explain CASE      says what a case is about, and what usually makes it fail

NOT FOR EVERYBODY: traces/, captures/ and tls-keys.log hold what crossed the connections as it was, passwords and tokens
included. The first line of each Trace lists the secrets that stand in it (\"secrets\"). The reports show none of them.
";

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

/// Why there is no run report in the folder.
fn missing(folder: &Path) -> Result<String, Error> {
    let shown = folder.display();
    // Also tells a folder that cannot be read.
    std::fs::read_dir(folder).map_err(|cause| Error::file("read", folder, &cause))?;
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
