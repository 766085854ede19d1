//! What several commands load: catalogue, profile, selection.

use crate::{
    args::{CatalogueArgs, SelectArgs},
    outcome::Error,
};
use std::path::Path;
use uspec_testplan::{
    catalogue::{Catalogue, Source},
    profile::EutProfile,
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
