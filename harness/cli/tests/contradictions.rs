//! A profile that contradicts the device: a warning in the report, and nothing that runs when it is to be strict.
#![allow(clippy::unwrap_used)] // a test may stop on the first surprise

use rstest::rstest;
use uspec_cli::{
    bundled::{Bundled, Where},
    load,
};
use uspec_testplan::{
    catalogue::{Catalogue, Source},
    profile::FeaturePolicy,
    run_report::{CaseOutcome, EndedBy, NotRunKind, RunReport},
    selection::Selection,
};

/// The Agent has commands (38) and no bulk data over HTTP (32).
#[rstest]
#[case::claimed_and_not_there(FeaturePolicy::Auto { claim: vec![32], deny: vec![] }, "feature 32")]
#[case::denied_and_there(FeaturePolicy::Auto { claim: vec![], deny: vec![38] }, "feature 38")]
fn a_contradiction_is_a_warning_or_the_end(#[case] features: FeaturePolicy, #[case] names: &str) {
    let lenient = judge(features.clone(), false);
    assert!(lenient.run.warnings.iter().any(|warning| warning.contains(names)), "{:?}", lenient.run.warnings);
    assert_eq!(lenient.run.interrupted, None);
    assert!(lenient.verdict().is_some());
    let strict = judge(features, true);
    assert_eq!(strict.run.interrupted_by, Some(EndedBy::Profile));
    assert!(strict.run.warnings.iter().any(|warning| warning.contains(names)), "{:?}", strict.run.warnings);
    assert_eq!(strict.verdict(), None, "nothing runs");
    let reached =
        |outcome: &CaseOutcome| matches!(outcome, CaseOutcome::NotRun(it) if it.kind == NotRunKind::NotReached);
    assert!(strict.results.iter().any(|result| result.case.to_string() == "1.1" && reached(&result.outcome)));
}

#[test]
fn a_profile_that_agrees_with_the_device_runs_in_strictness() {
    let agent = Bundled::new(&load::profile(None).unwrap(), &[], Where::Memory).unwrap().strict_profile(true);
    let catalogue = Catalogue::load(&Source::Embedded).unwrap();
    let report = agent.judge(&catalogue, &Selection::all().id("1.1").unwrap(), &mut |_| None).unwrap();
    assert_eq!(report.run.interrupted, None, "{:?}", report.run.warnings);
    assert!(report.verdict().is_some());
}

fn judge(features: FeaturePolicy, strict: bool) -> RunReport {
    let mut profile = load::profile(None).unwrap();
    profile.features = features;
    profile.mtps.truncate(1);
    let catalogue = Catalogue::load(&Source::Embedded).unwrap();
    let agent = Bundled::new(&profile, &[], Where::Memory).unwrap().strict_profile(strict);
    agent.judge(&catalogue, &Selection::all().id("1.1").unwrap(), &mut |_| None).unwrap()
}
