//! What several commands load: catalogue, profile, selection.

use crate::{
    args::{CatalogueArgs, SelectArgs},
    outcome::Error,
};
use std::path::{Path, PathBuf};
use uspec_testplan::{
    catalogue::{Catalogue, Source},
    profile::EutProfile,
    run_report::RunReport,
    selection::Selection,
};

/// The word for every MTP of the profile.
const ALL_MTPS: &str = "all";

/// The profile of the bundled Agent, built in.
const BUNDLED: &str = include_str!("../../../fixtures/eut/bundled.yaml");

/// The catalogue that the arguments name.
pub fn catalogue(args: &CatalogueArgs) -> Result<Catalogue, Error> {
    let source = args.testcases.clone().map_or(Source::Embedded, Source::Directory);
    Ok(Catalogue::load(&source)?)
}

/// The profile in this file, or the bundled Agent's.
pub fn profile(file: Option<&Path>) -> Result<EutProfile, Error> {
    match file {
        Some(file) => Ok(EutProfile::load(file)?),
        None => Ok(EutProfile::parse("fixtures/eut/bundled.yaml", BUNDLED, Path::new("."))?),
    }
}

/// The profiles in these files; everything that is wrong with any of them is told at once.
pub fn profiles(files: &[PathBuf]) -> Result<Vec<EutProfile>, Error> {
    let mut wrong = String::new();
    let mut profiles = Vec::new();
    for file in files {
        match profile(Some(file)) {
            Ok(profile) => profiles.push(profile),
            Err(error) => wrong.push_str(&error.to_string()),
        }
    }
    if wrong.is_empty() { Ok(profiles) } else { Err(Error::Message(wrong.trim_end().to_owned())) }
}

/// The run report in this file.
pub fn run_report(file: &Path) -> Result<RunReport, Error> {
    let text = std::fs::read_to_string(file).map_err(|cause| Error::file("read", file, &cause))?;
    RunReport::from_json(&text).map_err(|cause| Error::Message(format!("error: {}: {cause}", file.display())))
}

/// The selection that the arguments describe.
pub fn selection(args: &SelectArgs) -> Result<Selection, Error> {
    let mut selection = Selection::all();
    for glob in &args.cases {
        selection = selection.id(glob).map_err(|error| Error::Message(format!("error: {error}")))?;
    }
    for chapter in &args.chapter {
        selection = selection.chapter(*chapter);
    }
    for feature in &args.feature {
        selection = selection.feature(*feature);
    }
    for requirement in &args.requirement {
        selection = selection.requirement(requirement);
    }
    for tag in &args.tag {
        selection = selection.tag(tag);
    }
    for mtp in args.mtp.iter().filter(|mtp| *mtp != ALL_MTPS) {
        selection = selection.mtp(mtp);
    }
    Ok(selection)
}
