//! Every metric of every case can fail: `fixtures/faults.yaml` states which fault of the reference Agent makes which metrics of
//! which case unmet, and exactly these must be.
#![allow(clippy::unwrap_used, clippy::panic)] // a test may stop on the first surprise

use serde::Deserialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};
use uspec_cli::{
    bundled::{Bundled, Where},
    load,
};
use uspec_testplan::{
    case::Action,
    catalogue::{Catalogue, Source},
    run_report::CaseOutcome,
    selection::Selection,
    verdict::{Outcome, Verdict},
};
use uspec_usp::schema::MessageKind;

/// `fixtures/faults.yaml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Matrix {
    /// For each case, for each fault, the metrics that it makes unmet.
    cases: BTreeMap<String, BTreeMap<String, Vec<String>>>,
}

/// What came of one case against one fault.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    verdict: Verdict,
    unmet: BTreeSet<String>,
}

fn matrix() -> Matrix {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/faults.yaml");
    serde_yaml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Judges the case against a fresh Agent with the fault, in memory.
fn judge(catalogue: &Catalogue, case: &str, fault: &str) -> Seen {
    let agent = Bundled::new(&load::profile(None).unwrap(), &[fault.to_owned()], Where::Memory).unwrap();
    let selection = Selection::all().id(case).unwrap();
    let report = agent.judge(catalogue, &selection, &mut |_| None).unwrap();
    let result = report.results.iter().find(|result| result.case.to_string() == case).unwrap();
    let CaseOutcome::Judged(judged) = &result.outcome else { panic!("{case} did not run: {:?}", result.outcome) };
    let judgement = &judged.judgement;
    let all = judgement.metrics.iter().chain(&judgement.universal);
    let unmet = all.filter(|metric| metric.outcome == Outcome::Unmet).map(|metric| metric.metric.clone()).collect();
    Seen { verdict: judgement.verdict, unmet }
}

/// Does `work` for every item, on as many threads as there are cores.
fn in_parallel<T: Sync>(items: &[T], work: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    work(item);
                }
            });
        }
    });
}

#[test]
fn each_fault_makes_exactly_the_stated_metrics_unmet() {
    let catalogue = Catalogue::load(&Source::Embedded).unwrap();
    let matrix = matrix();
    let entries: Vec<_> = matrix
        .cases
        .iter()
        .flat_map(|(case, faults)| faults.iter().map(move |(fault, metrics)| (case, fault, metrics)))
        .collect();
    let wrong = Mutex::new(Vec::new());
    in_parallel(&entries, |(case, fault, metrics)| {
        let seen = judge(&catalogue, case, fault);
        let stated: BTreeSet<String> = metrics.iter().cloned().collect();
        if seen.unmet != stated || seen.verdict != Verdict::Fail {
            let line = format!("{case} with {fault}: stated {stated:?}, seen {:?}, {:?}", seen.unmet, seen.verdict);
            wrong.lock().unwrap().push(line);
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} entries of fixtures/faults.yaml are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn no_metric_is_without_a_fault() {
    let catalogue = Catalogue::load(&Source::Embedded).unwrap();
    let matrix = matrix();
    let mut without = Vec::new();
    for case in catalogue.cases() {
        let covered: BTreeSet<&str> = matrix
            .cases
            .get(&case.id.to_string())
            .into_iter()
            .flat_map(|faults| faults.values())
            .flatten()
            .map(String::as_str)
            .collect();
        let metrics = case.metrics.iter().map(|metric| metric.number.to_string());
        without.extend(
            metrics
                .filter(|metric| !covered.contains(metric.as_str()))
                .map(|metric| format!("{} metric {metric}", case.id)),
        );
    }
    assert!(without.is_empty(), "no fault of fixtures/faults.yaml trips:\n{}", without.join("\n"));
}

/// Prints what every fault does to every case, as `case fault verdict metrics`: to find the fault for a metric.
#[test]
#[ignore = "a tool for whoever writes fixtures/faults.yaml: cargo test --release -p uspec --test fault_matrix explore -- --ignored --nocapture"]
fn explore() {
    let catalogue = Catalogue::load(&Source::Embedded).unwrap();
    let only: Vec<String> =
        std::env::var("CASES").map(|cases| cases.split(',').map(str::to_owned).collect()).unwrap_or_default();
    let pairs: Vec<_> = catalogue
        .cases()
        .map(|case| case.id.to_string())
        .filter(|case| only.is_empty() || only.contains(case))
        .flat_map(|case| uspec_agent::Fault::all().iter().map(move |fault| (case.clone(), fault.to_string())))
        .filter(|(case, fault)| may_matter(&catalogue, case, fault))
        .collect();
    in_parallel(&pairs, |(case, fault)| {
        let seen = judge(&catalogue, case, fault);
        if seen.verdict != Verdict::Pass {
            println!("{case}\t{fault}\t{:?}\t{}", seen.verdict, seen.unmet.into_iter().collect::<Vec<_>>().join(","));
        }
    });
}

/// Whether a fault of one kind of Request can matter to a case whose procedure sends none of it.
fn may_matter(catalogue: &Catalogue, case: &str, fault: &str) -> bool {
    let prefixes = [
        ("get-instances-", MessageKind::GetInstances),
        ("get-", MessageKind::Get),
        ("set-", MessageKind::Set),
        ("add-", MessageKind::Add),
        ("delete-", MessageKind::Delete),
        ("operat", MessageKind::Operate),
        ("gsdm-", MessageKind::GetSupportedDM),
        ("gsp-", MessageKind::GetSupportedProtocol),
    ];
    let Some((_, kind)) = prefixes.iter().find(|(prefix, _)| fault.starts_with(prefix)) else { return true };
    let case = catalogue.get(&case.parse().unwrap()).unwrap().case.as_ref().unwrap();
    case.procedure.iter().any(|step| match &step.action {
        Action::Request { kind: sent, .. } => sent == kind,
        _ => *kind == MessageKind::Get,
    })
}
