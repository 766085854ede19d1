//! The checked-in catalogue is right, and agrees with itself.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may abort")]

use std::path::PathBuf;

use uspec_testplan::{
    catalogue::{Catalogue, Source},
    features::FeatureStatus,
};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testcases")
}

#[test]
fn every_case_is_right() {
    if let Err(problems) = Catalogue::load(&Source::Directory(folder())) {
        panic!("{} problems\n\n{problems}", problems.len());
    }
}

#[test]
fn the_embedded_catalogue_is_the_folder() {
    let (embedded, _) = Catalogue::read(&Source::Embedded);
    let (read, _) = Catalogue::read(&Source::Directory(folder()));
    assert_eq!(embedded.hash, read.hash);
    assert_eq!(embedded.entries, read.entries);
}

#[test]
fn the_plan_has_230_cases_in_its_order() {
    let (catalogue, _) = Catalogue::read(&Source::Embedded);
    let plan: Vec<_> = catalogue.entries.iter().filter(|entry| entry.suite == "tp469").collect();
    assert_eq!(plan.len(), 230);
    assert!(plan.is_sorted_by_key(|entry| &entry.id));
    assert_eq!(catalogue.requirements.iter().count(), 401);
    assert_eq!(catalogue.features.iter().count(), 42);
}

/// Both lists are typed from the plan by hand; each finds the other's slips.
#[test]
fn features_and_plan_name_the_same_cases() {
    let (catalogue, _) = Catalogue::read(&Source::Embedded);
    for entry in &catalogue.entries {
        for id in entry.features() {
            let feature = catalogue.features.get(id).unwrap();
            assert!(feature.cases.contains(&entry.id), "feature {id} does not name {}", entry.id);
        }
    }
    for feature in catalogue.features.iter().filter(|it| it.status == FeatureStatus::Current) {
        for case in &feature.cases {
            let entry = catalogue.get(case).unwrap_or_else(|| panic!("feature {} names {case}", feature.id));
            let withdrawn = matches!(entry.applies, uspec_testplan::case::Applies::Deprecated { .. });
            assert!(withdrawn || entry.features().contains(&feature.id), "{case} does not need feature {}", feature.id);
        }
    }
}
