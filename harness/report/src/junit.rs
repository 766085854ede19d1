//! JUnit XML in the form that every known reader takes: flat suites, unique stable names with the MTP, text both as attribute
//! and body, right counts.
//!
//! One decision behind it: `quick-junit` writes the XML. The prescribed junit-report has no suite `skipped` attribute, no
//! properties and no flaky or rerun elements, and writes broken XML on control characters.

use crate::{
    summary::{not_run_word, word},
    text::{cut, safe_names, visible, visible_line},
};
use quick_junit::{
    FlakyOrRerun, NonSuccessKind, Property, Report, SerializeError, TestCase, TestCaseStatus, TestRerun, TestSuite,
};
use std::{collections::BTreeSet, fmt::Write as _, time::Duration};
use uspec_testplan::{
    case::CaseId,
    run_report::{CaseOutcome, CaseResult, Judged, NotRun, RunReport},
    verdict::{CleanUp, Finding, MetricResult, Outcome, Verdict},
};

/// Readers drop names longer than this.
const NAME_LIMIT: usize = 500;
/// A one-line message; the body has it whole.
const MESSAGE_LIMIT: usize = 1_000;
/// Body and output of one case: 230 cases on three MTPs stay below the 30 MB that the strictest reader takes.
const OUTPUT_LIMIT: usize = 40_000;

/// The suite of what is about the run as a whole.
const RUN_SUITE: &str = "uspec.run";

/// One EUT's report among those of the file.
struct Of<'a> {
    report: &'a RunReport,
    /// The EUT's name in front of suites and classes, with its dot; empty when there is one EUT only.
    prefix: String,
    attachment_base: String,
}

/// What a reader of the file may need to be different.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// Put before the Trace's path in `[[ATTACHMENT|…]]`: absolute for Jenkins, relative to the project folder for GitLab.
    pub attachment_base: String,
}

/// The run reports as JUnit XML, one for each EUT. Of several, each has the folder of its [`safe_names`]: that name stands in front of
/// its suites and classes, and in the paths of its Traces.
pub fn render(reports: &[&RunReport], options: &Options) -> Result<String, SerializeError> {
    let reports = each(reports, options);
    let mut junit = Report::new("uspec");
    if let Some(started) = reports.iter().map(|of| of.report.run.started).min() {
        junit.set_timestamp(date_time(started));
    }
    // Several EUTs are judged at the same time.
    let longest = reports.iter().map(|of| of.report.run.duration_ms).max().unwrap_or_default();
    junit.set_time(Duration::from_millis(longest));
    for of in &reports {
        if let Some(reason) = &of.report.run.interrupted {
            junit.add_test_suite(ended_early(of, reason));
        }
    }
    for of in &reports {
        for name in suite_names(of.report) {
            junit.add_test_suite(suite(of, &name));
        }
    }
    junit.to_string()
}

fn each<'a>(reports: &[&'a RunReport], options: &Options) -> Vec<Of<'a>> {
    let base = &options.attachment_base;
    if let [report] = reports {
        return vec![Of { report, prefix: String::new(), attachment_base: base.clone() }];
    }
    let names = safe_names(reports.iter().map(|report| report.eut.name.as_str()));
    let each = reports.iter().zip(names);
    each.map(|(report, name)| Of { report, prefix: format!("{name}."), attachment_base: format!("{base}{name}/") })
        .collect()
}

/// A suite of its own in the first place: cases that were not reached are skipped ones, and would leave a dashboard green.
fn ended_early(of: &Of<'_>, reason: &str) -> TestSuite {
    let (report, name) = (of.report, format!("{}{RUN_SUITE}", of.prefix));
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    status.set_type("ended early");
    status.set_message(cut(&visible_line(reason), MESSAGE_LIMIT));
    status.set_description(visible(reason));
    let mut case = TestCase::new("the run reached its last case", status);
    case.set_classname(name.as_str());
    case.set_time(Duration::ZERO);
    let mut suite = TestSuite::new(name.as_str());
    suite.set_timestamp(date_time(report.run.started));
    suite.set_time(Duration::ZERO);
    suite.extra.insert("hostname".into(), visible_line(&report.run.host).into());
    for (key, value) in suite_properties(report, "") {
        suite.add_property(property(key, &value));
    }
    suite.add_test_case(case);
    suite
}

/// Suites in the order in which their first case stands in the report.
fn suite_names(report: &RunReport) -> Vec<String> {
    let mut seen = BTreeSet::new();
    report.results.iter().map(class_name).filter(|name| seen.insert(name.clone())).collect()
}

/// Chapter and MTP: `tp469.1.websocket`, `tr369.ws.websocket`.
fn class_name(result: &CaseResult) -> String {
    let chapter = match &result.case {
        CaseId::Plan { chapter, .. } => chapter.to_string(),
        CaseId::Own(name) => {
            let section = name.strip_prefix("R-").unwrap_or(name);
            section.split('.').next().unwrap_or(section).to_lowercase()
        }
    };
    format!("{}.{chapter}.{}", result.suite, result.mtp)
}

fn suite(of: &Of<'_>, name: &str) -> TestSuite {
    let (report, full_name) = (of.report, format!("{}{name}", of.prefix));
    let results: Vec<&CaseResult> = report.results.iter().filter(|result| class_name(result) == name).collect();
    let judged = || {
        results.iter().filter_map(|result| match &result.outcome {
            CaseOutcome::Judged(judged) => Some(judged),
            CaseOutcome::NotRun(_) => None,
        })
    };
    let mut suite = TestSuite::new(full_name.as_str());
    suite.set_timestamp(date_time(judged().map(|case| case.started).min().unwrap_or(report.run.started)));
    suite.set_time(Duration::from_millis(judged().map(|case| case.duration_ms).sum()));
    suite.extra.insert("hostname".into(), visible_line(&report.run.host).into());
    let mtp = results.first().map_or("", |result| result.mtp.as_str());
    for (key, value) in suite_properties(report, mtp) {
        suite.add_property(property(key, &value));
    }
    for result in results {
        suite.add_test_case(test_case(of, result, &full_name));
    }
    suite
}

fn suite_properties(report: &RunReport, mtp: &str) -> Vec<(&'static str, String)> {
    let mut properties = vec![
        ("harness.version", report.run.harness.clone()),
        ("harness.catalogue", report.run.catalogue.clone()),
        ("plan", report.run.plan.clone()),
        ("run.id", report.run.id.clone()),
        ("mtp", mtp.to_owned()),
        ("eut.name", report.eut.name.clone()),
        ("eut.endpoint_id", report.eut.endpoint_id.clone()),
        ("eut.software_version", report.eut.software_version.clone().unwrap_or_default()),
        ("usp.versions", report.eut.usp_versions.join(",")),
        ("eut.features", numbers(&report.eut.features)),
    ];
    if let Some(facts) = report.mtps.iter().find(|it| it.name == mtp) {
        properties.push(("mtp.facts", facts.words()));
    }
    for (element, alternate) in &report.eut.alternates {
        properties.push(("alternate", format!("{element} = {alternate}")));
    }
    properties.extend(report.run.identity.shard.map(|shard| ("shard", shard.to_string())));
    properties
}

fn test_case(of: &Of<'_>, result: &CaseResult, class: &str) -> TestCase {
    let name = cut(&visible_line(&format!("{} {}", result.case, result.title)), NAME_LIMIT);
    let mut case = TestCase::new(name, status(result));
    case.set_classname(class);
    case.set_time(Duration::ZERO);
    if let CaseOutcome::Judged(judged) = &result.outcome {
        case.set_timestamp(date_time(judged.started));
        case.set_time(Duration::from_millis(judged.duration_ms));
        case.set_system_out(output(result, judged, &of.attachment_base));
    }
    for (key, value) in case_properties(of.report, result) {
        case.add_property(property(key, &value));
    }
    case
}

fn case_properties(report: &RunReport, result: &CaseResult) -> Vec<(&'static str, String)> {
    // With the suite's name, because readers make numbers of what looks like one, and 1.10 would be 1.1.
    let mut properties = vec![("case", format!("{}/{}", result.suite, result.case)), ("mtp", result.mtp.clone())];
    properties.extend(result.requirements.iter().map(|requirement| ("requirement", requirement.clone())));
    if !result.features.is_empty() {
        properties.push(("features", numbers(&result.features)));
    }
    properties.push(("usp.versions", report.eut.usp_versions.join(",")));
    properties.push(("eut.software_version", report.eut.software_version.clone().unwrap_or_default()));
    properties.push(("harness.version", report.run.harness.clone()));
    for (element, alternate) in &result.alternates {
        properties.push(("alternate", format!("{element} = {alternate}")));
    }
    properties.extend(result.needs.iter().map(|need| ("needs", need.clone())));
    if let Some(deprecated) = &result.deprecated {
        properties.push(("deprecated", deprecated.words()));
    }
    if let Some(disputed) = &result.disputed {
        properties.push(("disputed", disputed.clone()));
    }
    properties
}

fn status(result: &CaseResult) -> TestCaseStatus {
    match &result.outcome {
        CaseOutcome::NotRun(not_run) => skipped(not_run),
        CaseOutcome::Judged(judged) => judged_status(judged),
    }
}

fn skipped(not_run: &NotRun) -> TestCaseStatus {
    let text = format!("{}: {}", not_run_word(not_run.kind), not_run.reason);
    let mut status = TestCaseStatus::skipped();
    status.set_type(not_run_word(not_run.kind));
    status.set_message(cut(&visible_line(&text), MESSAGE_LIMIT));
    status.set_description(visible(&text));
    status
}

fn judged_status(judged: &Judged) -> TestCaseStatus {
    let judgement = &judged.judgement;
    let mut status = match judgement.verdict {
        Verdict::Pass => TestCaseStatus::success(),
        Verdict::Fail => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Verdict::Inconclusive | Verdict::Error => TestCaseStatus::non_success(NonSuccessKind::Error),
    };
    if judgement.verdict != Verdict::Pass {
        let reason = judgement.reason.as_deref().unwrap_or("no reason recorded");
        status.set_type(word(judgement.verdict));
        status.set_message(cut(&visible_line(reason), MESSAGE_LIMIT));
        status.set_description(body(reason, judged));
        status.set_rerun_kind(FlakyOrRerun::Rerun);
    }
    for earlier in &judged.earlier {
        let kind = if earlier.verdict == Verdict::Fail { NonSuccessKind::Failure } else { NonSuccessKind::Error };
        let mut rerun = TestRerun::new(kind);
        rerun.set_type(word(earlier.verdict));
        rerun.set_message(cut(&visible_line(&earlier.reason), MESSAGE_LIMIT));
        rerun.set_stack_trace(visible(&earlier.reason));
        rerun.set_timestamp(date_time(earlier.started));
        rerun.set_time(Duration::from_millis(earlier.duration_ms));
        status.add_rerun(rerun);
    }
    status
}

/// The failure's body: the reason again, then every finding that is not met.
fn body(reason: &str, judged: &Judged) -> String {
    let mut out = format!("{}\n", visible(reason));
    let judgement = &judged.judgement;
    for metric in judgement.metrics.iter().chain(&judgement.universal) {
        for finding in metric.findings.iter().filter(|finding| finding.outcome != Outcome::Met) {
            let _ = writeln!(out, "\n{}", finding_text(metric, finding));
        }
    }
    cut(&out, OUTPUT_LIMIT)
}

fn finding_text(metric: &MetricResult, finding: &Finding) -> String {
    let mut out = format!("{}: {}", metric_name(&metric.metric), outcome_word(finding.outcome));
    if let Some(requirement) = &finding.requirement {
        let _ = write!(out, " ({requirement})");
    }
    let _ = write!(out, "\n  expected: {}\n  seen:     {}", visible(&finding.expected), visible(&finding.seen));
    if let Some(path) = &finding.path {
        let _ = write!(out, "\n  at:       {}", visible(path));
    }
    if !finding.events.is_empty() {
        let events: Vec<String> = finding.events.iter().map(u64::to_string).collect();
        let _ = write!(out, "\n  events:   {}", events.join(", "));
    }
    out
}

fn output(result: &CaseResult, judged: &Judged, attachment_base: &str) -> String {
    let judgement = &judged.judgement;
    let mut out = String::new();
    for metric in judgement.metrics.iter().chain(&judgement.universal) {
        let _ = writeln!(out, "{}: {}", metric_name(&metric.metric), outcome_word(metric.outcome));
    }
    if let Some(disputed) = &result.disputed {
        let _ = writeln!(out, "disputed: {}", visible(disputed));
    }
    let _ = writeln!(out, "clean-up: {}", clean_up_text(&judgement.clean_up));
    out.push('\n');
    for line in &judged.exchange {
        let _ = writeln!(out, "{}", visible(line));
    }
    out = cut(&out, OUTPUT_LIMIT);
    let earlier = judged.earlier.iter().filter_map(|run| run.trace.as_ref());
    for trace in judged.trace.iter().chain(earlier) {
        let _ = write!(out, "\n[[ATTACHMENT|{attachment_base}{}]]\n", visible_line(trace));
    }
    out
}

fn clean_up_text(clean_up: &CleanUp) -> String {
    match clean_up {
        CleanUp::Clean => "the EUT is as found".to_owned(),
        CleanUp::Dirty(differences) => visible(&differences.join("; ")),
        CleanUp::Unverified(why) => format!("not verified: {}", visible(why)),
    }
}

fn metric_name(metric: &str) -> String {
    if metric.chars().all(|c| c.is_ascii_digit()) { format!("metric {metric}") } else { metric.to_owned() }
}

fn outcome_word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Met => "met",
        Outcome::Unknown => "unknown",
        Outcome::Unmet => "unmet",
    }
}

fn property(name: &str, value: &str) -> Property {
    Property::new(name, visible_line(value))
}

fn numbers(values: &[u16]) -> String {
    values.iter().map(u16::to_string).collect::<Vec<_>>().join(",")
}

/// The same instant in the type that the XML writer takes.
fn date_time(at: jiff::Timestamp) -> chrono::DateTime<chrono::FixedOffset> {
    let utc = chrono::DateTime::from_timestamp(at.as_second(), 0).unwrap_or_default();
    let milliseconds = chrono::TimeDelta::milliseconds(i64::from(at.subsec_millisecond()));
    (utc + milliseconds).fixed_offset()
}
