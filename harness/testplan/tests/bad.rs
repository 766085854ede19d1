//! Bad files and what is said about them: `fixtures/bad/<name>/` holds a piece of a catalogue, or a `profile.yaml`, and `expected.txt`.
//!
//! With `UPDATE_EXPECTED=1` in the environment the expectations are written anew; read the difference before it is committed.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may abort")]

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use uspec_testplan::{
    catalogue::{Catalogue, Source},
    diagnostic::Diagnostics,
    profile::EutProfile,
};

fn project() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn every_bad_file_is_explained() {
    let bad = project().join("fixtures/bad");
    let mut folders: Vec<_> =
        fs::read_dir(bad).unwrap().map(|it| it.unwrap().path()).filter(|it| it.is_dir()).collect();
    folders.sort();
    assert!(folders.len() >= 30, "the fixtures are gone");
    let wrong: Vec<_> = folders.iter().filter_map(|folder| check(folder)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What differs from the expectation, if anything does.
fn check(folder: &Path) -> Option<String> {
    let problems = if folder.join("profile.yaml").is_file() { profile(folder) } else { catalogue(folder) };
    assert!(!problems.is_empty(), "{} is not bad at all", folder.display());
    let said = problems.to_string();
    let file = folder.join("expected.txt");
    if env::var_os("UPDATE_EXPECTED").is_some() {
        fs::write(&file, &said).unwrap();
    }
    let expected = fs::read_to_string(&file).unwrap_or_default();
    (said != expected).then(|| format!("== {}\n-- expected\n{expected}-- said\n{said}", folder.display()))
}

fn profile(folder: &Path) -> Diagnostics {
    let text = fs::read_to_string(folder.join("profile.yaml")).unwrap();
    // A folder without a machine's own path, so that the expectation holds everywhere.
    EutProfile::parse("profile.yaml", &text, Path::new("folder")).unwrap_err()
}

/// The fixture's cases beside the real index, features and requirements.
fn catalogue(folder: &Path) -> Diagnostics {
    let copy = tempfile::tempdir().unwrap();
    for name in ["plan.yaml", "features.yaml", "requirements.yaml"] {
        fs::copy(project().join("testcases").join(name), copy.path().join(name)).unwrap();
    }
    for entry in walkdir::WalkDir::new(folder) {
        let entry = entry.unwrap();
        let target = copy.path().join(entry.path().strip_prefix(folder).unwrap());
        if entry.file_type().is_dir() {
            fs::create_dir_all(target).unwrap();
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
    Catalogue::load(&Source::Directory(copy.path().to_owned())).unwrap_err()
}
