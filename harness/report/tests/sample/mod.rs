//! Run reports to render: one with every kind of result, one from an EUT that attacks the reader, one interrupted.
#![allow(unreachable_pub, dead_code, unused_imports)] // each test binary uses its share

mod trace;

pub use trace::{Traces, campaign_trace, samples};

use std::collections::BTreeMap;
use uspec_testplan::{
    run_report::{
        CaseOutcome, CaseResult, Deprecation, EarlierRun, EndedBy, EutInfo, Judged, MtpInfo, NotRun, NotRunKind,
        RUN_REPORT_FORMAT, RunIdentity, RunInfo, RunReport, TlsInfo,
    },
    verdict::{CleanUp, Finding, Judgement, MetricResult, Outcome, Verdict},
};

pub fn mixed() -> RunReport {
    let mut flaky = judged(Verdict::Pass, None, vec![met("1")]);
    flaky.earlier.push(EarlierRun {
        verdict: Verdict::Fail,
        reason: "metric 1: no answer within 30 s".to_owned(),
        started: at(30),
        duration_ms: 30_000,
        trace: None,
    });
    let mut inconclusive = judged(Verdict::Inconclusive, Some("setup: the Add was answered by Error 7003"), vec![]);
    inconclusive.judgement.clean_up = CleanUp::Unverified("the snapshot was not answered".to_owned());
    let fail = judged(Verdict::Fail, Some("metric 2: param_errs is empty"), vec![met("1"), unmet("2", "0 items")]);
    let error = judged(Verdict::Error, Some("the program `power-cycle` ended with status 3"), vec![]);
    let mut results = vec![
        result("1.1", "Add one object", judged(Verdict::Pass, None, vec![met("1"), met("2")])),
        result("1.3", "Add with a required parameter that fails", fail),
        result("1.4", "Add of an unknown object", inconclusive),
        result("1.5", "Add two objects", error),
        result("1.6", "Add, then repeated", flaky),
        not_run("1.10", "Add below a unique key", NotRunKind::NotApplicable, "feature 31 (nested table) not supported"),
        not_run("1.63", "Withdrawn", NotRunKind::Deprecated, "withdrawn by the plan in favour of 1.79"),
        not_run("2.1", "Own Endpoint ID", NotRunKind::NotSelected, "the selection is 1.*"),
        not_run("11.1", "MQTT", NotRunKind::NotAutomated, "the catalogue has no case file yet"),
    ];
    if let Some(disputed) = results.get_mut(1) {
        disputed.disputed = Some("the plan's text and R-ADD.3 differ; judged by R-ADD.3".to_owned());
        disputed.alternates.insert("element.nested_table".to_owned(), "MTP.".to_owned());
    }
    if let Some(needing) = results.get_mut(3) {
        needing.needs.push("control: power_cycle".to_owned());
    }
    if let Some(withdrawn) = results.get_mut(6) {
        withdrawn.deprecated = Some(Deprecation {
            plan: Some("1.1.0".to_owned()),
            usp: Some("1.3".to_owned()),
            by: Some("1.79".to_owned()),
        });
    }
    let mut report = report("Sample gateway", "os::00256D-0123456789", results);
    for mtp in &mut report.mtps {
        mtp.tls = Some(tls("urn:bbf:usp:id:os::00256D-0123456789"));
    }
    report.run.wall_ms = 800;
    report
}

/// What breaks out of markup, of JSON, of CDATA and of a terminal, where nobody escapes it.
const EVIL: &str = "<script>alert(1)</script> ]]> \u{1b}[31mred\u{0}\u{7f} \"quoted\" 'single' & \u{202e}txt \u{ffff}";

/// A run of the bundled Agent with faults; `reports/samples/campaign/README.md` says what it was made of.
pub fn campaign() -> RunReport {
    let text = std::fs::read_to_string(samples().join("campaign/run.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

pub fn hostile() -> RunReport {
    let evil = EVIL;
    let mut case = judged(Verdict::Fail, Some(evil), vec![unmet("1", evil)]);
    case.exchange = vec![format!("12 ms <- GetResp {evil}"), "a\nb".to_owned()];
    case.trace = Some(trace::HOSTILE.to_owned());
    case.judgement.clean_up = CleanUp::Dirty(vec![format!("left over: {evil}")]);
    let mut report = report(evil, evil, vec![result("1.1", "Add one object", case)]);
    report.eut.software_version = Some(evil.to_owned());
    report.eut.alternates.insert("element.event".to_owned(), evil.to_owned());
    report.run.warnings.push(evil.to_owned());
    for mtp in &mut report.mtps {
        mtp.tls = Some(tls(evil));
    }
    report
}

pub fn interrupted() -> RunReport {
    let mut report = report(
        "Sample gateway",
        "os::00256D-0123456789",
        vec![
            result("1.1", "Add one object", judged(Verdict::Pass, None, vec![met("1")])),
            not_run("1.2", "Add with partial results allowed", NotRunKind::NotReached, "the run was interrupted"),
        ],
    );
    report.run.interrupted = Some("interrupted from the terminal".to_owned());
    report.run.interrupted_by = Some(EndedBy::Person);
    report
}

fn report(name: &str, endpoint_id: &str, results: Vec<CaseResult>) -> RunReport {
    RunReport {
        format: RUN_REPORT_FORMAT,
        run: RunInfo {
            id: "6f1c1f0e-2f0b-4c4e-9d0a-0c8f4b7f1a11".to_owned(),
            harness: "0.1.0".to_owned(),
            catalogue: "0123456789abcdef".to_owned(),
            plan: "TP-469 1.4.0".to_owned(),
            host: "bench-3".to_owned(),
            started: at(0),
            duration_ms: 61_250,
            wall_ms: 61_250,
            interrupted: None,
            interrupted_by: None,
            warnings: Vec::new(),
            identity: RunIdentity::default(),
            parts: Vec::new(),
            exit_code: None,
        },
        eut: EutInfo {
            name: name.to_owned(),
            endpoint_id: endpoint_id.to_owned(),
            software_version: Some("7.1.0".to_owned()),
            usp_versions: vec!["1.2".to_owned(), "1.3".to_owned()],
            features: vec![1, 2, 19],
            alternates: BTreeMap::new(),
        },
        mtps: vec![MtpInfo {
            name: "websocket".to_owned(),
            kind: "websocket".to_owned(),
            role: "the EUT connects".to_owned(),
            tls: None,
        }],
        results,
    }
}

fn tls(peer: &str) -> TlsInfo {
    TlsInfo {
        version: "TLSv1_3".to_owned(),
        cipher: "TLS13_AES_256_GCM_SHA384".to_owned(),
        peer: peer.to_owned(),
        check: "good".to_owned(),
    }
}

fn result(case: &str, title: &str, judged: Judged) -> CaseResult {
    CaseResult { outcome: CaseOutcome::Judged(Box::new(judged)), ..empty(case, title) }
}

fn not_run(case: &str, title: &str, kind: NotRunKind, reason: &str) -> CaseResult {
    CaseResult { outcome: CaseOutcome::NotRun(NotRun { kind, reason: reason.to_owned() }), ..empty(case, title) }
}

fn empty(case: &str, title: &str) -> CaseResult {
    CaseResult {
        case: case.parse().unwrap(),
        title: title.to_owned(),
        suite: "tp469".to_owned(),
        mtp: "websocket".to_owned(),
        requirements: vec!["R-ADD.1".to_owned(), "R-ADD.3".to_owned()],
        features: Vec::new(),
        disputed: None,
        alternates: BTreeMap::new(),
        needs: Vec::new(),
        deprecated: None,
        outcome: CaseOutcome::NotRun(NotRun { kind: NotRunKind::NotReached, reason: String::new() }),
    }
}

fn judged(verdict: Verdict, reason: Option<&str>, metrics: Vec<MetricResult>) -> Judged {
    Judged {
        started: at(1),
        duration_ms: 42,
        judgement: Judgement {
            verdict,
            reason: reason.map(str::to_owned),
            metrics,
            universal: vec![met("universal 1")],
            clean_up: CleanUp::Clean,
        },
        exchange: vec!["0 ms -> Add".to_owned(), "3 ms <- AddResp".to_owned()],
        trace: Some("traces/1.1-websocket.jsonl".to_owned()),
        earlier: Vec::new(),
    }
}

fn met(metric: &str) -> MetricResult {
    one(metric, Outcome::Met, "an AddResp", "an AddResp")
}

fn unmet(metric: &str, seen: &str) -> MetricResult {
    one(metric, Outcome::Unmet, "exactly 1 item", seen)
}

fn one(metric: &str, outcome: Outcome, expected: &str, seen: &str) -> MetricResult {
    MetricResult {
        metric: metric.to_owned(),
        outcome,
        findings: vec![Finding {
            outcome,
            requirement: (outcome == Outcome::Unmet).then(|| "R-ADD.3".to_owned()),
            expected: expected.to_owned(),
            seen: seen.to_owned(),
            path: (outcome == Outcome::Unmet).then(|| "error.param_errs".to_owned()),
            events: vec![3, 4],
        }],
    }
}

fn at(second: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_second(1_790_000_000 + second).unwrap()
}
