//! `uspec schema`: the generated files, written or held against what is there.

use crate::{
    args::SchemaArgs,
    outcome::{Error, Exit, tell},
};
use std::{fs, path::PathBuf};

/// Runs the command.
///
/// # Errors
/// Whatever keeps it from being done.
pub fn run(args: &SchemaArgs) -> Result<Exit, Error> {
    let mut stale = Vec::new();
    for (path, text) in files(args)? {
        if fs::read_to_string(&path).is_ok_and(|there| there == text) {
            continue;
        }
        if args.check {
            stale.push(path.display().to_string());
        } else {
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder).map_err(|cause| Error::file("made", folder, &cause))?;
            }
            fs::write(&path, text).map_err(|cause| Error::file("written", &path, &cause))?;
            tell(&format!("{}\n", path.display()));
        }
    }
    if stale.is_empty() {
        return Ok(Exit::Good);
    }
    Err(Error::Message(format!("error: not as `uspec schema` would write it: {}", stale.join(", "))))
}

fn files(args: &SchemaArgs) -> Result<Vec<(PathBuf, String)>, Error> {
    let testcases = args.root.join("testcases");
    let mut files: Vec<_> =
        uspec_testplan::schema::files().into_iter().map(|file| (testcases.join(file.path), file.text)).collect();
    let report = uspec_report::json::schema().map_err(|cause| Error::new("the schema of the run report", &cause))?;
    files.push((args.root.join("reports/run-report.schema.json"), report));
    Ok(files)
}
