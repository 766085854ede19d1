//! `uspec schema`: the generated files, written or held against what is there.

use crate::{
    args::{CatalogueArgs, SchemaArgs},
    load,
    outcome::{Error, Exit, tell},
};
use std::{fs, path::PathBuf};
use uspec_report::coverage::Coverage;

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
    let readme = args.root.join("README.md");
    let text = fs::read_to_string(&readme).map_err(|cause| Error::file("read", &readme, &cause))?;
    let coverage = Coverage::of(&load::catalogue(&CatalogueArgs::default())?).markdown();
    let text = between_markers(&text, &coverage).ok_or_else(|| {
        Error::Message(format!(
            "error: {}: the table of coverage has no place: put {BEGIN} and, below it, {END} on lines of their own",
            readme.display()
        ))
    })?;
    files.push((readme, text));
    Ok(files)
}

/// What stands around the table of coverage.
const BEGIN: &str = "<!-- coverage: `uspec schema` writes it -->";
const END: &str = "<!-- /coverage -->";

/// The text with this between the markers; nothing when they are not there, once each and in order.
fn between_markers(text: &str, table: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (old, after) = rest.split_once(END)?;
    let once = |text: &str| !text.contains(BEGIN) && !text.contains(END);
    (once(before) && once(old) && once(after)).then(|| format!("{before}{BEGIN}\n\n{table}\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::fresh("a\nBEGIN\nEND\nb\n")]
    #[case::again("a\nBEGIN\n\n| old |\n\nEND\nb\n")]
    fn only_what_stands_between_the_markers_changes(#[case] text: &str) {
        let text = text.replace("BEGIN", BEGIN).replace("END", END);
        let wanted = format!("a\n{BEGIN}\n\n| new |\n\n{END}\nb\n");
        assert_eq!(between_markers(&text, "| new |\n").as_deref(), Some(wanted.as_str()));
    }

    #[rstest]
    #[case::none("a")]
    #[case::no_end("BEGIN")]
    #[case::wrong_order("END BEGIN")]
    #[case::begins_twice("BEGIN BEGIN END")]
    #[case::two_tables("BEGIN END BEGIN END")]
    fn markers_that_are_not_there_once_and_in_order_are_refused(#[case] text: &str) {
        assert_eq!(between_markers(&text.replace("BEGIN", BEGIN).replace("END", END), "| new |\n"), None);
    }
}
