//! Golden samples of every report format, in `reports/samples/`. Run with `SNAPSHOTS=overwrite` to write them anew.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // a test may stop on the first surprise

mod sample;

use rstest::rstest;
use snapbox::{Data, assert_data_eq, data::DataFormat};
use std::path::PathBuf;
use uspec_report::{html, index, json, junit, summary};
use uspec_testplan::run_report::RunReport;

fn golden(name: &str) -> Data {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../reports/samples").join(name);
    Data::read_from(&path, Some(DataFormat::Text)).raw()
}

fn check(name: &str, report: &RunReport) {
    let options = junit::Options { attachment_base: "reports/out/".to_owned() };
    assert_data_eq!(junit::render(&[report], &options).unwrap(), golden(&format!("{name}/junit.xml")));
    assert_data_eq!(json::render(report).unwrap(), golden(&format!("{name}/run.json")));
    assert_data_eq!(summary::render(report), golden(&format!("{name}/summary.txt")));
    assert_data_eq!(html::render(report, &|_| None).unwrap(), golden(&format!("{name}/report.html")));
}

#[rstest]
#[case("mixed", sample::mixed())]
#[case("hostile", sample::hostile())]
#[case("interrupted", sample::interrupted())]
fn renders_as_the_golden_sample(#[case] name: &str, #[case] report: RunReport) {
    check(name, &report);
}

#[test]
fn the_schema_of_the_run_report_is_fresh() {
    assert_data_eq!(json::schema().unwrap(), golden("../run-report.schema.json"));
}

#[rstest]
#[case(sample::mixed())]
#[case(sample::hostile())]
#[case(sample::interrupted())]
fn junit_reads_back_with_right_counts_and_unique_names(#[case] report: RunReport) {
    let xml = junit::render(&[&report], &junit::Options::default()).unwrap();
    let read = quick_junit::Report::deserialize_from_str(&xml).unwrap();
    let cases: Vec<_> = read.test_suites.iter().flat_map(|suite| &suite.test_cases).collect();
    let names: std::collections::BTreeSet<_> =
        cases.iter().map(|case| (case.classname.clone(), case.name.clone())).collect();
    let early = usize::from(report.run.interrupted.is_some());
    assert_eq!(cases.len(), report.results.len() + early, "nothing is dropped");
    assert_eq!(names.len(), cases.len(), "names are unique");
    let counts = summary::Counts::of(&report);
    assert_eq!(
        (read.tests, read.failures, read.errors, read.skipped),
        (report.results.len() + early, counts.fail, counts.inconclusive + counts.error + early, counts.not_run)
    );
    for suite in &read.test_suites {
        assert!(suite.timestamp.is_some() && suite.time.is_some() && suite.extra.contains_key("hostname"));
        assert!(suite.test_cases.iter().all(|case| case.time.is_some() && case.name.as_str().len() < 512));
    }
}

#[test]
fn the_reason_of_an_early_end_stands_before_everything_else() {
    let report = sample::interrupted();
    let reason = report.run.interrupted.clone().unwrap();
    let xml = junit::render(&[&report], &junit::Options::default()).unwrap();
    let first = xml.find("<testcase").and_then(|at| xml.get(at..)).unwrap();
    assert!(first.find(&reason).unwrap() < first.find("</testcase").unwrap(), "JUnit: the first case says it");
    let page = html::render(&report, &|_| None).unwrap();
    let body = page.find("</h1>").and_then(|at| page.get(at..)).unwrap();
    assert!(body.find(&reason).unwrap() < body.find("<dl").unwrap(), "HTML: before the facts of the run");
    assert!(summary::render(&report).lines().next().unwrap().contains(&reason), "the terminal: the first line");
}

#[test]
fn what_a_hostile_eut_sends_cannot_break_out() {
    let report = sample::hostile();
    let xml = junit::render(&[&report], &junit::Options::default()).unwrap();
    let page = html::render(&report, &|_| None).unwrap();
    assert!(!page.contains("<script>alert"), "a script tag stayed alive");
    assert!(!xml.contains("<script"), "a tag stayed alive");
    for text in [&xml, &page] {
        assert!(text.chars().all(|c| !c.is_control() || c == '\n' || c == '\t'), "a control character stayed");
    }
    assert!(xml.contains("\\x1b"), "an escape character must be visible, not lost");
    let read = quick_junit::Report::deserialize_from_str(&xml).unwrap();
    assert!(format!("{read:?}").contains("]]>"), "text is whole after reading back");
}

#[test]
fn a_failure_has_its_text_in_the_attribute_and_in_the_body() {
    let xml = junit::render(&[&sample::mixed()], &junit::Options::default()).unwrap();
    let read = quick_junit::Report::deserialize_from_str(&xml).unwrap();
    let mut seen = 0;
    for case in read.test_suites.iter().flat_map(|suite| &suite.test_cases) {
        if let quick_junit::TestCaseStatus::NonSuccess { message, description, ty, .. }
        | quick_junit::TestCaseStatus::Skipped { message, description, ty } = &case.status
        {
            seen += 1;
            let message = message.as_ref().unwrap().as_str();
            assert!(!message.is_empty() && description.as_ref().unwrap().as_str().contains(message));
            assert!(ty.is_some());
        }
    }
    assert!(seen >= 4, "the sample has a failure, an inconclusive case, an error and skipped ones");
}

#[test]
fn several_euts_stand_in_one_file_each_under_its_own_name() {
    let mut reports = [sample::mixed(), sample::mixed(), sample::interrupted()];
    reports[1].eut.name = "sample/GATEWAY".to_owned();
    let each: Vec<_> = reports.iter().collect();
    let options = junit::Options { attachment_base: "reports/out/".to_owned() };
    let xml = junit::render(&each, &options).unwrap();
    let read = quick_junit::Report::deserialize_from_str(&xml).unwrap();
    let cases: Vec<_> = read.test_suites.iter().flat_map(|suite| &suite.test_cases).collect();
    assert_eq!(cases.len(), reports.iter().map(|report| report.results.len()).sum::<usize>() + 1, "nothing is dropped");
    let names: std::collections::BTreeSet<_> =
        cases.iter().map(|case| (case.classname.as_ref().unwrap().to_string(), case.name.to_string())).collect();
    assert_eq!(names.len(), cases.len(), "names are unique");
    let suites: std::collections::BTreeSet<_> = read.test_suites.iter().map(|suite| suite.name.to_string()).collect();
    assert_eq!(suites.len(), read.test_suites.len(), "suites are unique");
    let folders = ["sample-gateway.", "sample-gateway-2.", "sample-gateway-3."];
    for name in suites.iter().chain(names.iter().map(|(class, _)| class)) {
        assert!(folders.iter().any(|folder| name.starts_with(folder)), "{name}");
    }
    assert_eq!(read.test_suites[0].name.as_str(), "sample-gateway-3.uspec.run", "an early end stands first");
    for folder in ["sample-gateway", "sample-gateway-2", "sample-gateway-3"] {
        assert!(xml.contains(&format!("[[ATTACHMENT|reports/out/{folder}/traces/")), "{folder}");
    }
}

#[test]
fn the_index_links_every_eut_and_escapes_it() {
    let reports = [sample::mixed(), sample::hostile(), sample::interrupted()];
    let page = index::render(&reports.iter().collect::<Vec<_>>()).unwrap();
    for folder in uspec_report::text::safe_names(reports.iter().map(|report| report.eut.name.as_str())) {
        assert!(page.contains(&format!("href=\"{folder}/report.html\"")), "{folder}: {page}");
    }
    assert!(!page.contains("<script>alert") && page.chars().all(|c| !c.is_control() || c == '\n'));
    assert!(page.contains("interrupted from the terminal"), "why a run ended early is told");
}

#[test]
fn a_flaky_case_is_never_a_silent_pass() {
    let report = sample::mixed();
    let summary = summary::render(&report);
    assert!(summary.contains("flaky        1.6") && summary.contains("(1 of them flaky)"), "{summary}");
    assert!(junit::render(&[&report], &junit::Options::default()).unwrap().contains("<flakyFailure"));
    assert!(html::render(&report, &|_| None).unwrap().contains("Flaky"));
}
