//! The checked-in JSON Schemas are those that the code generates. `uspec schema` writes them anew, and so does this test with
//! `UPDATE_EXPECTED=1` in the environment.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may abort")]

use std::{env, fs, path::PathBuf};

use uspec_testplan::schema;

#[test]
fn the_checked_in_schemas_are_fresh() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testcases");
    for file in schema::files() {
        let path = folder.join(file.path);
        if env::var_os("UPDATE_EXPECTED").is_some() {
            fs::write(&path, &file.text).unwrap();
        }
        let found = fs::read_to_string(&path).unwrap_or_default();
        assert!(found == file.text, "{} is stale: run `uspec schema`", file.path);
    }
}

#[test]
fn no_schema_allows_null() {
    for file in schema::files() {
        assert!(!file.text.contains("null"), "{} allows null", file.path);
    }
}
