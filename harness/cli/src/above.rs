//! The folder above those of several EUTs: one `junit.xml`, one `report.html`, and the list of the folders.
//!
//! One decision behind it: each EUT's folder is a whole report in itself, made without knowing of the others; only the list says which
//! folders belong together, so that a folder of an earlier run is not taken for one of this.

use crate::{
    bundle::sums,
    files::{clear, write, write_page},
    outcome::Error,
    traces::TraceFolders,
};
use std::{fs, path::Path};
use uspec_report::{junit, text::safe_names};
use uspec_testplan::run_report::RunReport;

/// The list of the EUTs' folders.
pub(crate) const EUTS: &str = "euts.json";

/// What stands above the folders of several EUTs.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Above {
    format: u32,
    /// Their folders, in the order of the reports.
    euts: Vec<String>,
}

/// The version of its format.
const ABOVE_FORMAT: u32 = 1;

/// Makes the folder above those of several EUTs, without reports of an earlier run.
///
/// # Errors
/// A folder that cannot be made, emptied or written to.
pub fn prepare_above(folder: &Path, euts: &[String]) -> Result<(), Error> {
    fs::create_dir_all(folder).map_err(|cause| Error::file("made", folder, &cause))?;
    clear(folder)?;
    let above = Above { format: ABOVE_FORMAT, euts: euts.to_vec() };
    let text = serde_json::to_string_pretty(&above).map_err(|cause| Error::new(EUTS, &cause))?;
    write(&folder.join(EUTS), format!("{text}\n").as_bytes())
}

/// Writes one `junit.xml` and one `report.html` over several EUTs.
///
/// # Errors
/// A file that cannot be written.
pub fn write_above(folder: &Path, attachment_base: &str, reports: &[&RunReport]) -> Result<(), Error> {
    let options = junit::Options { attachment_base: attachment_base.to_owned() };
    let junit = junit::render(reports, &options).map_err(|cause| Error::new("junit.xml", &cause))?;
    let below = folders(folder)?;
    write(&folder.join("junit.xml"), junit.as_bytes())?;
    write_page(&folder.join("report.html"), reports, &TraceFolders::each(folder, below.clone()))?;
    sums::list_above(folder, &below)
}

/// The folders of the EUTs of a run, relative to the run's own; one empty path when the run's folder is that of its only EUT.
///
/// # Errors
/// A list of them that cannot be read, is of a later format, or names a folder elsewhere.
pub fn folders(folder: &Path) -> Result<Vec<String>, Error> {
    let path = folder.join(EUTS);
    if !path.is_file() {
        return Ok(vec![String::new()]);
    }
    let text = fs::read_to_string(&path).map_err(|cause| Error::file("read", &path, &cause))?;
    let Above { format, euts } = serde_json::from_str(&text).map_err(|cause| Error::new(path.display(), &cause))?;
    if format > ABOVE_FORMAT || euts.iter().any(|name| safe_names([name.as_str()]) != [name.as_str()]) {
        return Err(Error::Message(format!(
            "error: {}: this uspec reads format {ABOVE_FORMAT} of it, with the names of folders beside it",
            path.display()
        )));
    }
    Ok(euts)
}
