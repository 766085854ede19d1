//! The JSON Schemas of every file that a person writes, for editors.
//!
//! One decision behind it: they are generated from the types that the loader reads, and a test fails when a checked-in one is stale.

use crate::{features, plan_index, profile, raw, requirements, shape::schema_of};

/// A generated file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaFile {
    /// Its path, relative to the folder of the catalogue.
    pub path: &'static str,
    /// Its text.
    pub text: String,
}

/// Every schema, in the order of the paths. The caller writes them.
pub fn files() -> Vec<SchemaFile> {
    let schemas = [
        ("schema/case.schema.json", schema_of::<raw::Case>()),
        ("schema/features.schema.json", schema_of::<features::Raw>()),
        ("schema/plan.schema.json", schema_of::<plan_index::Raw>()),
        ("schema/profile.schema.json", schema_of::<profile::raw::Profile>()),
        ("schema/requirements.schema.json", schema_of::<requirements::Raw>()),
    ];
    // The alternate form of a JSON value is the indented one.
    schemas.into_iter().map(|(path, schema)| SchemaFile { path, text: format!("{schema:#}\n") }).collect()
}
