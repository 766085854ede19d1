//! A run in shards, in pieces and with repeats gives the report of a run in one go.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // a test may stop on the first surprise

use rstest::rstest;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, LazyLock, Mutex},
};
use tokio_util::sync::CancellationToken;
use uspec_agent::{AgentConfig, ControllerConfig, FaultSet, WebSocketTarget, endpoint};
use uspec_cli::{
    bundled::{Bundled, Where, fault},
    campaign::{
        Before, Bench, Campaign, Entry, Equipment, Event, HARNESS, Manner,
        merge::{Given, together},
    },
    load,
    outcome::Error,
};
use uspec_mtp::network::{MemoryNetwork, Network};
use uspec_runner::{ProgramControl, SessionConfig, TlsSupply};
use uspec_testplan::{
    catalogue::{Catalogue, Source},
    profile::{EutProfile, Mtp, Transport},
    run_report::{CaseOutcome, NotRun, NotRunKind, RunReport},
    selection::Selection,
    shard::Shard,
    verdict::{Judgement, Outcome, Verdict},
};

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::load(&Source::Embedded).unwrap());

/// Two MTPs, so that bring-up comes twice.
fn profile() -> EutProfile {
    let mut profile = load::profile(None).unwrap();
    profile.mtps.retain(|mtp| ["websocket", "mqtt5"].contains(&mtp.name.as_str()));
    profile
}

/// Cases that run over both, one that runs over one alone, one that depends on the EUT, and one that never runs.
fn selection() -> Selection {
    ["1.1", "1.3", "1.10", "1.36", "1.79", "7.1", "2.7"].iter().fold(Selection::all(), |all, id| all.id(id).unwrap())
}

/// Runs it with this fault; gives back every entry that a journal would have.
fn run(manner: &Manner, faults: &[&str]) -> (RunReport, Vec<Entry>) {
    let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
    let agent = Bundled::new(&profile(), &faults, Where::Memory).unwrap().manner(manner.clone());
    let mut kept = Vec::new();
    let report = agent.judge(&CATALOGUE, &selection(), &mut |event| {
        if let Event::Kept(entry) = event {
            kept.push(entry);
        }
        None
    });
    (report.unwrap(), kept)
}

fn shard(index: u16, of: u16) -> Manner {
    Manner { shard: Some(Shard::new(index, of).unwrap()), ..Manner::default() }
}

/// What a result comes to: without times, Traces, and what depends on the names and the cases before it.
type Seen = BTreeMap<(String, String), Result<(Verdict, Vec<(String, Outcome)>), NotRun>>;

fn in_short(judgement: &Judgement) -> (Verdict, Vec<(String, Outcome)>) {
    (judgement.verdict, judgement.metrics.iter().map(|metric| (metric.metric.clone(), metric.outcome)).collect())
}

fn assert_same(left: &RunReport, right: &RunReport, how: &str) {
    let (left, right) = (seen(left), seen(right));
    let differ: Vec<_> = left.iter().filter(|(key, it)| right.get(*key) != Some(*it)).collect();
    assert!(differ.is_empty() && left.len() == right.len(), "{how}: {differ:?}");
}

fn seen(report: &RunReport) -> Seen {
    let outcome = |outcome: &CaseOutcome| match outcome {
        CaseOutcome::Judged(judged) => Ok(in_short(&judged.judgement)),
        CaseOutcome::NotRun(not_run) => Err(not_run.clone()),
    };
    let seen: Seen =
        report.results.iter().map(|it| ((it.case.to_string(), it.mtp.clone()), outcome(&it.outcome))).collect();
    assert_eq!(seen.len(), report.results.len(), "a result stands twice");
    seen
}

fn given(shards: impl IntoIterator<Item = RunReport>) -> Vec<Given> {
    shards.into_iter().enumerate().map(|(at, report)| Given { name: format!("folder-{}", at + 1), report }).collect()
}

/// The merged report of a run in so many shards.
fn shards(of: u16) -> Vec<Given> {
    given((1..=of).map(|index| run(&shard(index, of), &["add-omits-unique-keys"]).0))
}

#[test]
fn shards_put_together_are_the_whole() {
    let whole = run(&Manner::default(), &["add-omits-unique-keys"]).0;
    let judged = whole.results.iter().filter(|result| result.verdict().is_some()).count();
    assert!(judged > 8 && whole.verdict() == Some(Verdict::Fail), "the sample says something");
    // More shards than results too: some have nothing to do.
    for of in [1, 2, 3, 5, 17] {
        let shards = shards(of);
        let each: usize = shards.iter().map(|it| seen(&it.report).values().filter(|it| it.is_ok()).count()).sum();
        assert_eq!(each, judged, "{of} shards: nothing is judged twice, nothing is left out");
        let merged = together(&shards, false).unwrap();
        assert_same(&merged, &whole, &format!("{of} shards"));
        assert_eq!((&merged.eut, &merged.mtps), (&whole.eut, &whole.mtps), "{of} shards");
        assert_eq!(merged.run.parts.len(), usize::from(of));
        assert_eq!(merged.run.interrupted, None);
        let order =
            |report: &RunReport| report.results.iter().map(|it| (it.case.clone(), it.mtp.clone())).collect::<Vec<_>>();
        assert_eq!(order(&merged), order(&whole));
    }
}

#[test]
fn a_missing_shard_is_an_error_or_stands_in_the_report() {
    let mut shards = shards(3);
    shards.remove(1);
    let error = together(&shards, false).unwrap_err().to_string();
    assert!(error.contains("shard 2/3 is missing") && error.contains("folder-1, folder-3"), "{error}");
    let merged = together(&shards, true).unwrap();
    assert!(merged.run.interrupted.unwrap().contains("shard 2/3 is missing"));
    assert_eq!(merged.run.exit_code, Some(1), "what failed is told before what is missing");
    let lost = |result: &&uspec_testplan::run_report::CaseResult| match &result.outcome {
        CaseOutcome::NotRun(it) => it.kind == NotRunKind::NotReached && it.reason == "in shard 2/3, which is missing",
        CaseOutcome::Judged(_) => false,
    };
    let whole = run(&Manner::default(), &["add-omits-unique-keys"]).0;
    let of = |report: &RunReport| report.results.iter().filter(|it| it.verdict().is_some()).count();
    let there: usize = shards.iter().map(|it| of(&it.report)).sum();
    assert_eq!(merged.results.iter().filter(lost).count(), of(&whole) - there);
    assert!(there < of(&whole));
}

type Change = fn(&mut RunReport);

#[rstest]
#[case::eut(|it: &mut RunReport| it.eut.name = "another".to_owned(), &["EUT: ", "`another`"])]
#[case::catalogue(|it: &mut RunReport| it.run.catalogue = "sha256:00".to_owned(), &["catalogue: ", "`sha256:00`"])]
#[case::plan(|it: &mut RunReport| it.run.plan = "TP-469 9.9".to_owned(), &["plan: ", "`TP-469 9.9`", "`TP-469 1.4.0`"])]
#[case::harness(|it: &mut RunReport| it.run.harness = "99".to_owned(), &["harness: ", "`99`"])]
#[case::selection(|it: &mut RunReport| it.run.identity.selection = "case 9.9".to_owned(), &["selection: ", "`case 9.9`", "case 1.36"])]
#[case::profile(|it: &mut RunReport| it.run.identity.profile = "sha256:11".to_owned(), &["EUT profile: ", "`sha256:11`"])]
#[case::options(|it: &mut RunReport| it.run.identity.options = "--strict-profile".to_owned(), &["options: ", "`--strict-profile`"])]
#[case::total(|it: &mut RunReport| it.run.identity.shard = Shard::new(2, 3), &["number of shards: ", "`2`", "`3`"])]
#[case::software(|it: &mut RunReport| it.eut.software_version = Some("0.0".to_owned()), &["software version", "`0.0`"])]
#[case::no_shard(|it: &mut RunReport| it.run.identity.shard = None, &["of no shard"])]
#[case::impossible_shard(|it: &mut RunReport| it.run.identity.shard = Some(Shard { index: 9, of: 2 }), &["of no shard"])]
#[case::twice(|it: &mut RunReport| it.run.identity.shard = Shard::new(1, 2), &["shard 1/2 is there twice"])]
#[case::lost_result(|it: &mut RunReport| { it.results.pop(); }, &["not the same cases"])]
#[case::other_results(|it: &mut RunReport| { let first = it.results[0].clone(); it.results[1] = first; }, &["not the same cases"])]
fn what_is_not_of_one_run_is_refused_with_both_sides(#[case] change: Change, #[case] told: &[&str]) {
    static SHARDS: LazyLock<Vec<Given>> = LazyLock::new(|| shards(2));
    let mut shards = SHARDS.clone();
    change(&mut shards.last_mut().unwrap().report);
    let error = together(&shards, true).unwrap_err().to_string();
    for told in told.iter().chain(&["folder-2"]) {
        assert!(error.contains(told), "{told}: {error}");
    }
}

#[test]
fn a_result_that_two_shards_have_is_refused() {
    let mut shards = shards(2);
    let own = shards[0].report.results.iter().position(|it| it.verdict().is_some()).unwrap();
    shards[1].report.results[own] = shards[0].report.results[own].clone();
    let error = together(&shards, false).unwrap_err().to_string();
    assert!(error.contains("judged both in folder-1 and in folder-2"), "{error}");
    // And one that each leaves to the other.
    let mut shards = self::shards(2);
    let kind = NotRunKind::NotSelected;
    shards[0].report.results[own].outcome = CaseOutcome::NotRun(NotRun { kind, reason: "in shard 2/2".to_owned() });
    let error = together(&shards, false).unwrap_err().to_string();
    assert!(error.contains("do not agree"), "{error}");
}

#[test]
fn a_run_goes_on_from_wherever_it_was_cut() {
    let faults = ["add-omits-unique-keys"];
    let manner = Manner { repeats: 1, ..Manner::default() };
    let (whole, entries) = run(&manner, &faults);
    for cut in 1..=entries.len() {
        let mut before = Before::default();
        let (kept, lost) = entries.split_at(cut);
        // As the journal does it: through its text.
        for entry in kept {
            before.add(serde_json::from_str(&serde_json::to_string(entry).unwrap()).unwrap());
        }
        let (resumed, again) = run(&Manner { before, ..manner.clone() }, &faults);
        assert_same(&resumed, &whole, &format!("cut after {cut} entries"));
        let runs = |report: &RunReport| -> Vec<_> {
            let earlier = |outcome: &CaseOutcome| match outcome {
                CaseOutcome::Judged(judged) => judged.earlier.len(),
                CaseOutcome::NotRun(_) => 0,
            };
            report.results.iter().map(|it| earlier(&it.outcome)).collect()
        };
        assert_eq!(runs(&resumed), runs(&whole), "cut after {cut} entries: repeats are neither lost nor made twice");
        let judged = |entries: &[Entry]| entries.iter().filter(|it| matches!(it, Entry::Judged(_))).count();
        assert_eq!(judged(&again), judged(lost), "cut after {cut} entries: what was judged is not run again");
        assert_eq!((&resumed.eut, &resumed.mtps), (&whole.eut, &whole.mtps), "cut after {cut} entries");
        assert_eq!((resumed.run.parts.len(), &resumed.run.id), (2, &resumed.run.parts[0].id));
        assert!(resumed.run.warnings[0].contains("was resumed at"), "{:?}", resumed.run.warnings);
    }
}

#[test]
fn an_eut_of_another_software_version_does_not_go_on() {
    let (_, entries) = run(&Manner::default(), &[]);
    let mut before = Before::default();
    for entry in entries.into_iter().take(3) {
        before.add(match entry {
            Entry::Found(mut found) => {
                found.software_version = Some("0.0".to_owned());
                Entry::Found(found)
            }
            other => other,
        });
    }
    let agent = Bundled::new(&profile(), &[], Where::Memory).unwrap().manner(Manner { before, ..Manner::default() });
    let error = agent.judge(&CATALOGUE, &selection(), &mut |_| None).unwrap_err().to_string();
    assert!(error.contains("software version 0.0, now ") && error.contains("--overwrite"), "{error}");
}

#[test]
fn what_never_passes_is_repeated_and_stays_a_failure() {
    let (report, _) = run(&Manner { repeats: 3, ..Manner::default() }, &["add-omits-unique-keys"]);
    let mut failed = 0;
    for result in &report.results {
        if let CaseOutcome::Judged(judged) = &result.outcome {
            let fails = judged.judgement.verdict != Verdict::Pass;
            failed += usize::from(fails);
            assert_eq!(judged.earlier.len(), if fails { 3 } else { 0 }, "{} [{}]", result.case, result.mtp);
            assert!(judged.earlier.iter().all(|run| run.verdict == judged.judgement.verdict && !run.reason.is_empty()));
        }
    }
    assert!(failed > 0);
    let junit = uspec_report::junit::render(&[&report], &uspec_report::junit::Options::default()).unwrap();
    assert_eq!(junit.matches("<rerunFailure").count(), failed * 3);
}

/// An Agent that has a fault until somebody mends it.
#[derive(Debug)]
struct Mendable {
    profile: EutProfile,
    network: MemoryNetwork,
    stop: Arc<Mutex<CancellationToken>>,
}

impl Mendable {
    fn start(&self, faults: FaultSet) {
        let Transport::WebSocket(it) = &self.profile.mtps[0].transport else {
            panic!("the profile's MTP is WebSocket")
        };
        let (host, port, path) = (it.address.host.clone(), it.address.port, it.path.clone());
        let config = AgentConfig {
            endpoint_id: self.profile.eut_endpoint_id.clone().unwrap(),
            faults,
            controllers: vec![ControllerConfig {
                endpoint_id: self.profile.controller_endpoint_id.clone(),
                websocket: Some(WebSocketTarget { host, port, path, ..WebSocketTarget::default() }),
                ..ControllerConfig::default()
            }],
            ..AgentConfig::default()
        };
        let stop = CancellationToken::new();
        std::mem::replace(&mut *self.stop.lock().unwrap(), stop.clone()).cancel();
        let network: Arc<dyn Network> = Arc::new(self.network.clone());
        tokio::spawn(async move { endpoint::run(config, network, stop).await.unwrap() });
    }
}

impl Bench for Mendable {
    fn equip(&self, mtp: &Mtp) -> Result<Equipment, Error> {
        let supply = TlsSupply::default();
        let session = SessionConfig::from_profile(&self.profile, mtp, &supply, &CATALOGUE.hash, HARNESS).unwrap();
        let control = Arc::new(ProgramControl::from_profile(&self.profile.control));
        self.start(FaultSet::from_iter([fault("add-omits-unique-keys").unwrap()]));
        Ok(Equipment { network: Arc::new(self.network.clone()), control, session })
    }
}

#[test]
fn a_case_that_passes_when_it_is_repeated_is_flaky_and_keeps_every_trace() {
    let mut profile = profile();
    profile.mtps.retain(|mtp| mtp.name == "websocket");
    for mtp in &mut profile.mtps {
        if let Transport::WebSocket(it) = &mut mtp.transport {
            it.address.port = 8080;
        }
    }
    let selection = Selection::all().id("1.1").unwrap().id("1.36").unwrap();
    let bench = Mendable { profile, network: MemoryNetwork::default(), stop: Arc::default() };
    let manner = Manner { repeats: 5, ..Manner::default() };
    let (catalogue, cancel) = (&*CATALOGUE, CancellationToken::new());
    let (profile, selection, manner) = (&bench.profile, &selection, &manner);
    let campaign = Campaign { catalogue, profile, selection, bench: &bench, manner, cancel };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let mut order = Vec::new();
    let report = runtime.block_on(campaign.run(&mut |event| match event {
        Event::Judged { case, run, nth, of, .. } => {
            order.push((case.id.to_string(), run));
            // The change of Agents breaks a connection, and run 2 sees it.
            if nth == of && run == 1 {
                bench.start(FaultSet::default());
            }
            Some(format!("traces/{}.{run}", case.id))
        }
        _ => None,
    }));
    let report = report.unwrap();
    let at = |id: &str, run| (id.to_owned(), run);
    let expected = [at("1.1", 1), at("1.36", 1), at("1.1", 2), at("1.1", 3)];
    assert_eq!(order, expected, "repeated after the others, and no more than needed");
    let result = report.results.iter().find(|it| it.case.to_string() == "1.1").unwrap();
    let CaseOutcome::Judged(judged) = &result.outcome else { panic!("1.1 ran") };
    assert_eq!(judged.judgement.verdict, Verdict::Pass, "{:?}", judged.judgement.reason);
    assert!(result.is_flaky());
    assert_eq!(judged.trace.as_deref(), Some("traces/1.1.3"));
    let [first, second] = judged.earlier.as_slice() else { panic!("two earlier runs") };
    assert_eq!((first.verdict, first.trace.as_deref()), (Verdict::Fail, Some("traces/1.1.1")));
    assert!(second.verdict != Verdict::Pass && second.trace.as_deref() == Some("traces/1.1.2"));
    let flaky: BTreeSet<_> = report.results.iter().filter(|it| it.is_flaky()).map(|it| it.case.to_string()).collect();
    assert_eq!(flaky, BTreeSet::from(["1.1".to_owned()]));
    let junit = uspec_report::junit::render(&[&report], &uspec_report::junit::Options::default()).unwrap();
    assert_eq!(junit.matches("<flaky").count(), 2);
    assert!(uspec_report::summary::render(&report).contains("flaky        1.1"));
}
