//! `uspec check`: everything that is wrong with test cases and profiles, at once.

use crate::{
    args::{CatalogueArgs, CheckArgs},
    load,
    outcome::{Error, Exit, tell},
};
use std::{fs, path::Path};
use uspec_testplan::{
    catalogue::{Catalogue, Source},
    diagnostic::Diagnostics,
    profile::EutProfile,
};

/// Runs the command.
///
/// # Errors
/// Whatever keeps it from being done.
pub fn run(args: &CheckArgs) -> Result<Exit, Error> {
    if args.paths.is_empty() {
        let catalogue = load::catalogue(&CatalogueArgs::default())?;
        report("the built-in catalogue", &catalogue);
        return Ok(Exit::Good);
    }
    let mut problems = 0;
    for path in &args.paths {
        match one(path) {
            Ok(()) => {}
            Err(Error::Diagnostics(diagnostics)) => {
                problems += diagnostics.len();
                eprint!("{diagnostics}");
            }
            Err(error) => {
                problems += 1;
                eprint!("{error}");
            }
        }
    }
    if problems == 0 {
        return Ok(Exit::Good);
    }
    eprintln!("{problems} problem{}", if problems == 1 { "" } else { "s" });
    Ok(Exit::NothingRun)
}

fn one(path: &Path) -> Result<(), Error> {
    if path.is_dir() {
        let catalogue = Catalogue::load(&Source::Directory(path.to_owned()))?;
        report(&path.display().to_string(), &catalogue);
        return Ok(());
    }
    let text = fs::read_to_string(path).map_err(|cause| Error::file("read", path, &cause))?;
    if is_profile(&text) {
        EutProfile::load(path)?;
    } else {
        let catalogue = load::catalogue(&CatalogueArgs::default())?;
        none(catalogue.check_case(&path.display().to_string(), &text))?;
    }
    tell(&format!("{}: good\n", path.display()));
    Ok(())
}

/// A profile is known by its `mtps`, which no test case has.
fn is_profile(text: &str) -> bool {
    text.lines().any(|line| line.starts_with("mtps:") || line.starts_with("eut:") || line.starts_with("controller:"))
}

fn none(diagnostics: Diagnostics) -> Result<(), Error> {
    if diagnostics.is_empty() { Ok(()) } else { Err(diagnostics.into()) }
}

fn report(name: &str, catalogue: &Catalogue) {
    let (of_the_plan, own): (Vec<_>, Vec<_>) = catalogue.entries.iter().partition(|entry| entry.suite == "tp469");
    let automated = of_the_plan.iter().filter(|entry| entry.case.is_some()).count();
    tell(&format!(
        "{name}: good; {} cases of {}, {automated} of them automated, and {} of our own; {}\n",
        of_the_plan.len(),
        catalogue.plan,
        own.len(),
        catalogue.hash
    ));
}
