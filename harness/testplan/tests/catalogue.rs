//! The checked-in catalogue is right, and agrees with itself.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may abort")]

use std::path::PathBuf;

use uspec_testplan::{
    catalogue::{Catalogue, Source},
    features::FeatureStatus,
    requirements::{Coverage, Tester},
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
    for entry in catalogue.entries.iter().filter(|entry| entry.suite == "tp469") {
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

/// The sections of TR-369 of which every requirement is settled.
const SETTLED: &[&str] = &["mtp", "mtp/websocket", "mtp/mqtt", "mtp/stomp", "mtp/unix-domain-socket"];

#[test]
fn every_requirement_of_the_mtps_is_settled() {
    let (catalogue, _) = Catalogue::read(&Source::Embedded);
    assert_eq!(catalogue.requirements.unsettled(SETTLED), [""; 0]);
}

/// A row may name a case that this catalogue lacks, because a smaller one is right as well; this one lacks none.
#[test]
fn every_case_that_tests_a_requirement_is_written() {
    let (catalogue, _) = Catalogue::read(&Source::Embedded);
    for row in catalogue.requirements.iter() {
        let Some(Coverage::TestedBy(testers)) = &row.coverage else { continue };
        for tester in testers {
            let Tester::Case(id) = tester else { continue };
            let written = catalogue.get(id).is_some_and(|entry| entry.case.is_some());
            assert!(written, "{} names the case {id}, which nobody has written", row.id);
        }
    }
}
