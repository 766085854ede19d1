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
    features::FeatureSet,
    plan::{Decision, PlanEntry, plan},
    profile::EutProfile,
    run_report::{CaseOutcome, NotRun},
    selection::Selection,
    verdict::{Outcome, Verdict},
};
use uspec_usp::schema::MessageKind;

/// `fixtures/faults.yaml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Matrix {
    /// For each case, for each fault, what it does to the case.
    cases: BTreeMap<String, BTreeMap<String, Effect>>,
}

/// The metrics that a fault makes unmet.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Effect {
    /// Over the usual MTP.
    Usual(Vec<String>),
    /// Over one MTP.
    One(Over),
    /// Over several.
    Several(Vec<Over>),
}

/// The metrics that a fault makes unmet over one MTP.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Over {
    #[serde(default = "usual_mtp")]
    mtp: String,
    unmet: Vec<String>,
}

fn usual_mtp() -> String {
    "websocket".to_owned()
}

impl Effect {
    fn over(&self) -> Vec<Over> {
        match self {
            Self::Usual(unmet) => vec![Over { mtp: usual_mtp(), unmet: unmet.clone() }],
            Self::One(over) => vec![over.clone()],
            Self::Several(all) => all.clone(),
        }
    }
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

/// The bundled Agent's profile with this MTP alone, for an EUT of the first plan's time: what was withdrawn since is judged as well.
fn profile(mtp: &str) -> EutProfile {
    let mut profile = load::profile(None).unwrap();
    profile.plan = Some("1.0.0".to_owned());
    profile.mtps.retain(|it| it.name == mtp);
    assert!(!profile.mtps.is_empty(), "fixtures/eut/bundled.yaml has no MTP {mtp}");
    profile
}

/// Judges the case over the MTP against a fresh Agent with the fault, in memory. Nothing when the case does not run there.
fn judge(catalogue: &Catalogue, case: &str, mtp: &str, fault: &str) -> Result<Seen, NotRun> {
    let agent = Bundled::new(&profile(mtp), &[fault.to_owned()], Where::Memory).unwrap();
    let selection = Selection::all().id(case).unwrap();
    let report = agent.judge(catalogue, &selection, &mut |_| None).unwrap();
    let result = report.results.into_iter().find(|result| result.case.to_string() == case).unwrap();
    let judgement = match result.outcome {
        CaseOutcome::Judged(judged) => judged.judgement,
        CaseOutcome::NotRun(not_run) => return Err(not_run),
    };
    let all = judgement.metrics.iter().chain(&judgement.universal);
    let unmet = all.filter(|metric| metric.outcome == Outcome::Unmet).map(|metric| metric.metric.clone()).collect();
    Ok(Seen { verdict: judgement.verdict, unmet })
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
        .flat_map(|(case, faults)| faults.iter().map(move |(fault, effect)| (case, fault, effect)))
        .flat_map(|(case, fault, effect)| effect.over().into_iter().map(move |over| (case, fault, over)))
        .collect();
    let wrong = Mutex::new(Vec::new());
    in_parallel(&entries, |(case, fault, Over { mtp, unmet })| {
        let stated: BTreeSet<String> = unmet.iter().cloned().collect();
        let line = match judge(&catalogue, case, mtp, fault) {
            Ok(seen) if seen.unmet == stated && seen.verdict == Verdict::Fail => return,
            Ok(seen) => format!("stated {stated:?}, seen {:?}, {:?}", seen.unmet, seen.verdict),
            Err(not_run) => format!("did not run: {}", not_run.reason),
        };
        wrong.lock().unwrap().push(format!("{case} over {mtp} with {fault}: {line}"));
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
        let faults = matrix.cases.get(&case.id.to_string()).into_iter().flat_map(BTreeMap::values);
        let covered: BTreeSet<String> = faults.flat_map(Effect::over).flat_map(|over| over.unmet).collect();
        let metrics = case.metrics.iter().map(|metric| metric.number.to_string());
        without.extend(
            metrics.filter(|metric| !covered.contains(metric)).map(|metric| format!("{} metric {metric}", case.id)),
        );
    }
    assert!(without.is_empty(), "no fault of fixtures/faults.yaml trips:\n{}", without.join("\n"));
}

/// Prints what every fault does to every case, as `case mtp fault verdict metrics`: to find the fault for a metric. The environment
/// narrows it: `CASES=7.1,7.2`, `MTPS=websocket-tls`, `FAULTS=ws-` (beginnings of names). Without `MTPS`, a case is tried over the first
/// MTP over which it runs.
#[test]
#[ignore = "a tool for whoever writes fixtures/faults.yaml: cargo test -p uspec --test fault_matrix explore -- --ignored --nocapture"]
fn explore() {
    let catalogue = Catalogue::load(&Source::Embedded).unwrap();
    let words = |name| -> Vec<String> {
        std::env::var(name).map(|words| words.split(',').map(str::to_owned).collect()).unwrap_or_default()
    };
    let (cases, mtps, faults) = (words("CASES"), words("MTPS"), words("FAULTS"));
    let tries: Vec<_> = catalogue
        .cases()
        .map(|case| case.id.to_string())
        .filter(|case| cases.is_empty() || cases.contains(case))
        .flat_map(|case| {
            let over = if mtps.is_empty() { first_mtp(&catalogue, &case).into_iter().collect() } else { mtps.clone() };
            over.into_iter().map(move |mtp| (case.clone(), mtp))
        })
        .flat_map(|(case, mtp)| {
            uspec_agent::Fault::all().iter().map(move |fault| (case.clone(), mtp.clone(), fault.to_string()))
        })
        .filter(|(_, _, fault)| faults.is_empty() || faults.iter().any(|begin| fault.starts_with(begin)))
        .filter(|(case, _, fault)| may_matter(&catalogue, case, fault))
        .collect();
    in_parallel(&tries, |(case, mtp, fault)| match judge(&catalogue, case, mtp, fault) {
        Ok(Seen { verdict: Verdict::Pass, .. }) => {}
        Ok(Seen { verdict, unmet }) => {
            println!("{case}\t{mtp}\t{fault}\t{verdict:?}\t{}", unmet.into_iter().collect::<Vec<_>>().join(","));
        }
        Err(not_run) => println!("{case}\t{mtp}\t{fault}\tnot run\t{}", not_run.reason),
    });
}

/// The first MTP of the bundled Agent over which the case runs.
fn first_mtp(catalogue: &Catalogue, case: &str) -> Option<String> {
    let mut profile = load::profile(None).unwrap();
    profile.plan = Some("1.0.0".to_owned());
    let features = FeatureSet::from_profile(&profile, &catalogue.features);
    let plan = plan(catalogue, &profile, &Selection::all().id(case).unwrap(), &features, &[]).unwrap();
    let runs = |entry: &PlanEntry| !matches!(entry.decision, Decision::Not { .. });
    plan.entries.into_iter().find(|entry| entry.case.to_string() == case && runs(entry)).map(|entry| entry.mtp)
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
        Action::Send(send) => send.message.as_ref().is_some_and(|(sent, _)| sent == kind),
        _ => *kind == MessageKind::Get,
    })
}
