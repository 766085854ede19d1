//! Every metric of every case can fail: `fixtures/faults.yaml` states which fault of the reference Agent makes which metrics of
//! which case unmet, and exactly these must be.
#![allow(clippy::unwrap_used, clippy::panic)] // a test may stop on the first surprise

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
    explain::matrix::{Effect, Matrix, Over},
    load,
};
use uspec_testplan::{
    case::Action,
    catalogue::{Catalogue, Source},
    features::FeatureSet,
    plan::{Decision, plan},
    profile::EutProfile,
    run_report::{CaseOutcome, NotRun},
    selection::Selection,
    verdict::{Outcome, Verdict},
};
use uspec_usp::schema::MessageKind;

/// One MTP of each kind: over each of them that a case runs over, each of its metrics must have a fault. The other MTPs of the profile
/// differ from these in TLS, in who connects or in the version, and matter to the cases that are about these.
const USUAL: [&str; 4] = ["websocket", "mqtt5", "stomp", "uds"];

/// The MTPs that an effect is stated for and what is stated, of a case that runs over these usual ones.
fn stated(effect: &Effect, usual: &[&str]) -> Vec<(String, BTreeSet<String>)> {
    let all = effect.all();
    let named: BTreeSet<String> = all.iter().flat_map(Over::named).collect();
    let others = || usual.iter().filter(|mtp| !named.contains(**mtp)).map(|mtp| (*mtp).to_owned()).collect();
    let places = |over: &Over| if over.mtp.is_none() { others() } else { over.named() };
    let unmet = |over: &Over| over.unmet.iter().cloned().collect::<BTreeSet<String>>();
    all.iter().flat_map(|over| places(over).into_iter().map(|mtp| (mtp, unmet(over)))).collect()
}

/// One case against one fault over one MTP, and what is stated of it.
#[derive(Debug)]
struct Entry<'a> {
    case: &'a str,
    mtp: String,
    fault: &'a str,
    unmet: BTreeSet<String>,
}

/// What the environment narrows the tests to: `CASES=7.1,7.2`, `MTPS=websocket-tls`, `FAULTS=ws-` (beginnings of names). Nothing when it
/// says nothing.
#[derive(Debug)]
struct Narrowed {
    cases: Vec<String>,
    mtps: Vec<String>,
    faults: Vec<String>,
}

impl Narrowed {
    fn by_environment() -> Self {
        let words = |name| -> Vec<String> {
            std::env::var(name).map(|words| words.split(',').map(str::to_owned).collect()).unwrap_or_default()
        };
        Self { cases: words("CASES"), mtps: words("MTPS"), faults: words("FAULTS") }
    }

    fn has_case(&self, case: &str) -> bool {
        self.cases.is_empty() || self.cases.iter().any(|it| it == case)
    }

    fn has_mtp(&self, mtp: &str) -> bool {
        self.mtps.is_empty() || self.mtps.iter().any(|it| it == mtp)
    }

    fn has_fault(&self, fault: &str) -> bool {
        self.faults.is_empty() || self.faults.iter().any(|begin| fault.starts_with(begin))
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

/// The catalogue that was built in, or the folder that the environment names as `TESTCASES`: no new build for a case that is being written.
fn catalogue() -> Catalogue {
    let source = std::env::var_os("TESTCASES").map_or(Source::Embedded, |folder| Source::Directory(folder.into()));
    Catalogue::load(&source).unwrap()
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
    let catalogue = catalogue();
    let (matrix, places, narrowed) = (matrix(), places(&catalogue), Narrowed::by_environment());
    let mut entries = Vec::new();
    for (case, faults) in matrix.cases.iter().filter(|(case, _)| narrowed.has_case(case)) {
        let usual = usual(&places, case);
        for (fault, effect) in faults.iter().filter(|(fault, _)| narrowed.has_fault(fault)) {
            let over = stated(effect, &usual);
            assert!(!over.is_empty(), "{case} with {fault} runs over no usual MTP: the entry must name one");
            entries.extend(over.into_iter().map(|(mtp, unmet)| Entry { case, mtp, fault, unmet }));
        }
    }
    entries.retain(|entry| narrowed.has_mtp(&entry.mtp));
    let wrong = Mutex::new(Vec::new());
    in_parallel(&entries, |Entry { case, mtp, fault, unmet }| {
        // Nothing stated is a statement too: there the case does not see the fault.
        let verdict = if unmet.is_empty() { Verdict::Pass } else { Verdict::Fail };
        let line = match judge(&catalogue, case, mtp, fault) {
            Ok(seen) if seen.unmet == *unmet && seen.verdict == verdict => return,
            Ok(seen) => format!("stated {unmet:?}, seen {:?}, {:?}", seen.unmet, seen.verdict),
            Err(not_run) => format!("did not run: {}", not_run.reason),
        };
        wrong.lock().unwrap().push(format!("{case} over {mtp} with {fault}: {line}"));
    });
    let mut wrong = wrong.into_inner().unwrap();
    wrong.sort();
    assert!(
        wrong.is_empty(),
        "{} of {} entries of fixtures/faults.yaml are wrong:\n{}",
        wrong.len(),
        entries.len(),
        wrong.join("\n")
    );
}

#[test]
fn no_metric_is_without_a_fault() {
    let catalogue = catalogue();
    let (matrix, places) = (matrix(), places(&catalogue));
    let mut without = Vec::new();
    for case in catalogue.cases() {
        let id = case.id.to_string();
        let usual = usual(&places, &id);
        let stated: Vec<_> = matrix
            .cases
            .get(&id)
            .into_iter()
            .flat_map(BTreeMap::values)
            .flat_map(|effect| stated(effect, &usual))
            .collect();
        // A case that runs over none of the usual MTPs needs its faults over any.
        let over: Vec<Option<&str>> = if usual.is_empty() { vec![None] } else { usual.into_iter().map(Some).collect() };
        for mtp in over {
            let here = stated.iter().filter(|(it, _)| mtp.is_none_or(|mtp| it == mtp));
            let covered: BTreeSet<&str> = here.flat_map(|(_, unmet)| unmet).map(String::as_str).collect();
            let metrics = case.metrics.iter().map(|metric| metric.number.to_string());
            let missing = metrics.filter(|metric| !covered.contains(metric.as_str()));
            without.extend(missing.map(|metric| format!("{id} metric {metric} over {}", mtp.unwrap_or("any MTP"))));
        }
    }
    assert!(without.is_empty(), "no fault of fixtures/faults.yaml trips:\n{}", without.join("\n"));
}

/// Prints what every fault does to every case, as `case mtp fault verdict metrics`: to find the fault for a metric. The environment
/// narrows it, see [`Narrowed`]. Without `MTPS`, a case is tried over the first MTP over which it runs.
#[test]
#[ignore = "a tool for whoever writes fixtures/faults.yaml: cargo test -p uspec --test fault_matrix explore -- --ignored --nocapture"]
fn explore() {
    let catalogue = catalogue();
    let (places, narrowed) = (places(&catalogue), Narrowed::by_environment());
    let tries: Vec<_> = places
        .iter()
        .filter(|(case, _)| narrowed.has_case(case))
        .flat_map(|(case, mtps)| {
            let first = if narrowed.mtps.is_empty() { 1 } else { mtps.len() };
            mtps.iter().filter(|mtp| narrowed.has_mtp(mtp)).take(first).map(move |mtp| (case, mtp))
        })
        .flat_map(|(case, mtp)| uspec_agent::Fault::all().iter().map(move |fault| (case, mtp, fault.to_string())))
        .filter(|(case, _, fault)| narrowed.has_fault(fault) && may_matter(&catalogue, case, fault))
        .collect();
    in_parallel(&tries, |(case, mtp, fault)| match judge(&catalogue, case, mtp, fault) {
        Ok(Seen { verdict: Verdict::Pass, .. }) => {}
        Ok(Seen { verdict, unmet }) => {
            println!("{case}\t{mtp}\t{fault}\t{verdict:?}\t{}", unmet.into_iter().collect::<Vec<_>>().join(","));
        }
        Err(not_run) => println!("{case}\t{mtp}\t{fault}\tnot run\t{}", not_run.reason),
    });
}

/// The MTPs of the bundled Agent over which each case runs, in the profile's order.
fn places(catalogue: &Catalogue) -> BTreeMap<String, Vec<String>> {
    let mut profile = load::profile(None).unwrap();
    profile.plan = Some("1.0.0".to_owned());
    let features = FeatureSet::from_profile(&profile, &catalogue.features);
    let plan = plan(catalogue, &profile, &Selection::all(), &features, &[]).unwrap();
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for entry in plan.entries {
        let mtps = places.entry(entry.case.to_string()).or_default();
        if !matches!(entry.decision, Decision::Not { .. }) {
            mtps.push(entry.mtp);
        }
    }
    places
}

/// The usual MTPs among those over which a case runs.
fn usual(places: &BTreeMap<String, Vec<String>>, case: &str) -> Vec<&'static str> {
    let mtps = places.get(case).map(Vec::as_slice).unwrap_or_default();
    USUAL.into_iter().filter(|usual| mtps.iter().any(|mtp| mtp == usual)).collect()
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
