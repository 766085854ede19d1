//! Golden samples of every report format, in `reports/samples/`. Run with `SNAPSHOTS=overwrite` to write them anew.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // a test may stop on the first surprise

mod sample;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use flate2::read::DeflateDecoder;
use rstest::rstest;
use serde_json::Value;
use snapbox::{Data, assert_data_eq, data::DataFormat};
use std::{fs, io::Read as _, path::PathBuf};
use uspec_report::{html, json, junit, summary};
use uspec_testplan::{
    run_report::{CaseOutcome, RunReport},
    secrets::MASK,
    trace::{Direction, Event, Trace, What},
};

/// With what the element of a packed detail begins.
const DETAIL: &str = "<script type=\"text/plain\" id=\"detail-";

fn golden(name: &str) -> Data {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../reports/samples").join(name);
    Data::read_from(&path, Some(DataFormat::Text)).raw()
}

/// The packed details of a page: where each stands, and what is in it.
fn unpacked(page: &str) -> Vec<(std::ops::Range<usize>, Value)> {
    let mut details = Vec::new();
    let mut from = 0;
    while let Some(at) = page.get(from..).and_then(|rest| rest.find(DETAIL)).map(|at| from + at) {
        let begin = at + page[at..].find('>').unwrap() + 1;
        let end = begin + page[begin..].find('<').unwrap();
        let mut text = String::new();
        let packed = BASE64_STANDARD.decode(&page[begin..end]).unwrap();
        DeflateDecoder::new(packed.as_slice()).read_to_string(&mut text).unwrap();
        details.push((begin..end, serde_json::from_str(&text).unwrap()));
        from = end;
    }
    details
}

/// The page with its details in the clear: how they are deflated is the library's affair, and may change with it.
fn clear(page: &str) -> String {
    let mut text = page.to_owned();
    for (place, detail) in unpacked(page).into_iter().rev() {
        text.replace_range(place, &format!("{detail:#}"));
    }
    text
}

fn check_page(page: &str, name: &str) {
    let page = own_words(page);
    let path = sample::samples().join(name).join("report.html");
    if fs::read_to_string(path).is_ok_and(|golden| clear(&golden) == clear(&page)) {
        return;
    }
    assert_data_eq!(page, golden(&format!("{name}/report.html")));
}

fn check(name: &str, report: &RunReport) {
    let options = junit::Options { attachment_base: "reports/out/".to_owned() };
    assert_data_eq!(junit::render(&[report], &options).unwrap(), golden(&format!("{name}/junit.xml")));
    // The campaign is read from its own, which is short.
    if name != "campaign" {
        assert_data_eq!(json::render(report).unwrap(), golden(&format!("{name}/run.json")));
    }
    assert_data_eq!(summary::render(report), golden(&format!("{name}/summary.txt")));
    check_page(&html::render(&[report], &sample::Traces).unwrap(), name);
}

/// The page without what is the same in every page, which stands in `reports/templates`: policy, styles, scripts, and what they fill.
fn own_words(page: &str) -> String {
    let (head, rest) = page.split_once("<meta http-equiv").unwrap();
    let (_, rest) = rest.split_once("</style>").unwrap();
    let (facts, rest) = rest.split_once("<main>").unwrap();
    let (_, rest) = rest.split_once("</footer>").unwrap();
    let (data, rest) = rest.rsplit_once("<script type=\"module\">").unwrap();
    let (_, end) = rest.split_once("</script>").unwrap();
    [head, facts, data, end].join("<!-- the same in every page -->")
}

#[rstest]
#[case("mixed", sample::mixed())]
#[case("hostile", sample::hostile())]
#[case("interrupted", sample::interrupted())]
#[case("campaign", sample::campaign())]
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
    let page = html::render(&[&report], &sample::Traces).unwrap();
    let body = page.find("</h1>").and_then(|at| page.get(at..)).unwrap();
    assert!(body.find(&reason).unwrap() < body.find("<dl").unwrap(), "HTML: before the facts of the run");
    assert!(summary::render(&report).lines().next().unwrap().contains(&reason), "the terminal: the first line");
}

#[test]
fn what_a_hostile_eut_sends_cannot_break_out() {
    let report = sample::hostile();
    let xml = junit::render(&[&report], &junit::Options::default()).unwrap();
    let page = html::render(&[&report], &sample::Traces).unwrap();
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
fn a_flaky_case_is_never_a_silent_pass() {
    let report = sample::mixed();
    let summary = summary::render(&report);
    assert!(summary.contains("flaky        1.6") && summary.contains("(1 of them flaky)"), "{summary}");
    assert!(junit::render(&[&report], &junit::Options::default()).unwrap().contains("<flakyFailure"));
    assert!(html::render(&[&report], &sample::Traces).unwrap().contains("\"earlier\":"));
}

/// A Trace in which a client shows its password.
struct Secretive;

impl html::TraceSource for Secretive {
    fn trace(&self, report: usize, path: &str) -> Result<Trace, String> {
        let mut trace = sample::Traces.trace(report, path)?;
        let (connection, direction) = (1, Direction::Received);
        let octets = What::Octets { connection, direction, bytes: b"\x10\x10open sesame".to_vec() };
        let fields = serde_json::json!({"password": "open sesame"});
        let packet = What::Packet { connection, direction, kind: "CONNECT".to_owned(), fields, body: Vec::new() };
        let more = (1000..).zip([octets, packet]).map(|(seq, what)| Event { seq, at_us: 1_000_000, what });
        trace.events.extend(more);
        Ok(trace)
    }
}

#[test]
fn no_secret_of_a_trace_stands_in_the_page() {
    let report = sample::hostile();
    let page = clear(&html::render(&[&report], &Secretive).unwrap());
    assert!(page.contains("CONNECT") && page.contains(MASK), "it is there, and hidden");
    for shown in ["open sesame".to_owned(), "6f70656e20736573616d65".to_owned()] {
        assert!(!page.contains(&shown), "{shown}");
    }
}

/// Traces of several EUTs: each has its own, and its own folder.
struct Each;

impl html::TraceSource for Each {
    fn trace(&self, report: usize, path: &str) -> Result<Trace, String> {
        let mut trace = sample::campaign_trace();
        trace.events.truncate(1);
        trace.events.extend([Event {
            seq: 1,
            at_us: 1,
            what: What::Note { text: format!("of EUT {report}: {path}") },
        }]);
        Ok(trace)
    }

    fn place(&self, report: usize, path: &str) -> String {
        format!("eut-{report}/{path}")
    }
}

#[test]
fn a_page_of_several_euts_has_each_result_of_each_with_its_own_trace() {
    let mut other = sample::mixed();
    other.eut.name = "Repeater".to_owned();
    for result in &mut other.results {
        if let CaseOutcome::Judged(judged) = &mut result.outcome {
            judged.earlier.iter_mut().for_each(|run| run.trace = Some("traces/earlier.jsonl".to_owned()));
        }
    }
    let page = html::render(&[&sample::mixed(), &other], &Each).unwrap();
    let index = page.split("id=\"index\">").nth(1).and_then(|rest| rest.split("</script>").next()).unwrap();
    let index: Value = serde_json::from_str(index).unwrap();
    assert_eq!(index["euts"], serde_json::json!(["Sample gateway", "Repeater"]));
    assert_eq!(index["columns"].as_array().unwrap().len(), 2);
    assert_eq!(index["results"].as_array().unwrap().len(), 2 * other.results.len());
    assert_eq!(index["cases"].as_array().unwrap().len(), other.results.len(), "a case is described once");
    let ran = other.results.iter().filter(|result| result.verdict().is_some()).count();
    let details = unpacked(&page);
    assert_eq!(details.len(), 2 * ran, "each that ran has its detail");
    let mut earlier = 0;
    for (number, (_, detail)) in details.iter().enumerate() {
        let eut = number / ran;
        assert!(detail["trace"].as_str().unwrap().starts_with(&format!("eut-{eut}/")), "{detail}");
        assert!(detail["ladder"]["items"].to_string().contains(&format!("of EUT {eut}:")), "{detail}");
        for run in detail["earlier"].as_array().into_iter().flatten().filter(|run| run["trace"].is_string()) {
            assert_eq!(run["trace"], format!("eut-{eut}/traces/earlier.jsonl"));
            earlier += 1;
        }
    }
    assert_eq!(earlier, 1);
}

/// Where the samples are is no part of a page.
#[test]
fn no_page_names_a_folder_of_this_computer() {
    let here = env!("CARGO_MANIFEST_DIR");
    for report in [sample::campaign(), sample::hostile(), sample::interrupted(), sample::mixed()] {
        let page = clear(&html::render(&[&report], &sample::Traces).unwrap());
        assert!(!page.contains(here), "{}", report.eut.name);
    }
}
