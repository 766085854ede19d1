//! The harness and the fault-free reference Agent agree on every case, every time, and from stored Traces as well.
#![allow(clippy::unwrap_used, clippy::panic)] // a test may stop on the first surprise

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};
use uspec_cli::{
    bundled::{Bundled, Where},
    campaign::Event,
    load,
};
use uspec_testplan::{
    case::{Applies, TestCase},
    catalogue::{Catalogue, Source},
    judge::judge,
    profile::EutProfile,
    run_report::{CaseOutcome, RunReport},
    selection::Selection,
    trace::Trace,
    verdict::{CleanUp, Judgement, Verdict},
};

/// A result's case and MTP.
type Key = (String, String);

/// What one run of the whole catalogue gave.
struct Run {
    report: RunReport,
    /// Every Trace as it is stored.
    traces: BTreeMap<Key, String>,
}

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::load(&Source::Embedded).unwrap());

/// One run for all tests that need any.
static RUN: LazyLock<Run> = LazyLock::new(|| run(&load::profile(None).unwrap(), &Selection::all()));

/// Runs the selected cases in memory, over every MTP of the profile.
fn run(profile: &EutProfile, selection: &Selection) -> Run {
    let agent = Bundled::new(profile, &[], Where::Memory).unwrap();
    let mut traces = BTreeMap::new();
    let report = agent
        .judge(&CATALOGUE, selection, &mut |event| {
            if let Event::Judged { case, mtp, trace, .. } = event {
                traces.insert((case.id.to_string(), mtp.to_owned()), trace.to_json_lines().unwrap());
            }
            None
        })
        .unwrap();
    Run { report, traces }
}

fn judgements(report: &RunReport) -> BTreeMap<Key, Judgement> {
    let judged = report.results.iter().filter_map(|result| match &result.outcome {
        CaseOutcome::Judged(judged) => Some(((result.case.to_string(), result.mtp.clone()), judged.judgement.clone())),
        CaseOutcome::NotRun(_) => None,
    });
    judged.collect()
}

#[test]
fn the_fault_free_agent_passes_every_case_and_is_left_as_found() {
    let mtps = load::profile(None).unwrap().mtps;
    let judged = judgements(&RUN.report);
    let rows = CATALOGUE.entries.len() * mtps.len();
    assert_eq!(RUN.report.results.len(), rows, "every case of the plan stands in the report, once for each MTP");
    let wrong: Vec<_> = judged
        .iter()
        .filter(|(_, judgement)| judgement.verdict != Verdict::Pass || judgement.clean_up != CleanUp::Clean)
        .map(|((case, mtp), it)| format!("{case} over {mtp}: {:?} {:?}, {:?}", it.verdict, it.reason, it.clean_up))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_case_that_is_written_runs_over_some_mtp() {
    let judged = judgements(&RUN.report);
    let ran: BTreeSet<&str> = judged.keys().map(|(case, _)| case.as_str()).collect();
    let withdrawn = |case: &TestCase| matches!(case.applies, Applies::Deprecated(_));
    let without = CATALOGUE.cases().filter(|case| !withdrawn(case)).map(|case| case.id.to_string());
    let without: Vec<_> = without.filter(|case| !ran.contains(case.as_str())).collect();
    assert!(without.is_empty(), "{}", without.join(", "));
}

#[test]
fn what_the_plan_withdrew_runs_for_an_eut_of_that_time_and_passes() {
    let mut profile = load::profile(None).unwrap();
    profile.plan = Some("1.0.0".to_owned());
    let withdrawn = || CATALOGUE.cases().filter(|case| matches!(case.applies, Applies::Deprecated(_)));
    let selection = withdrawn().fold(Selection::all(), |all, case| all.id(&case.id.to_string()).unwrap());
    let judged = judgements(&run(&profile, &selection).report);
    for case in withdrawn() {
        let of: Vec<_> = judged.iter().filter(|((id, _), _)| *id == case.id.to_string()).collect();
        assert!(!of.is_empty(), "{} did not run", case.id);
        for ((_, mtp), judgement) in of {
            assert_eq!(judgement.verdict, Verdict::Pass, "{} over {mtp}: {:?}", case.id, judgement.reason);
        }
    }
}

#[test]
fn a_run_in_memory_gives_the_same_verdicts_every_time() {
    let verdicts = |report: &RunReport| -> Vec<_> {
        let of = |judgement: Judgement| {
            let all = judgement.metrics.into_iter().chain(judgement.universal);
            (judgement.verdict, all.map(|metric| (metric.metric, metric.outcome)).collect::<Vec<_>>())
        };
        judgements(report).into_iter().map(|(case, judgement)| (case, of(judgement))).collect()
    };
    let second = run(&load::profile(None).unwrap(), &Selection::all());
    assert_eq!(verdicts(&RUN.report), verdicts(&second.report));
}

#[test]
fn a_stored_trace_is_judged_as_it_was_when_it_ran() {
    let judged = judgements(&RUN.report);
    assert_eq!(judged.len(), RUN.traces.len());
    for (key, text) in &RUN.traces {
        let trace = Trace::from_json_lines(text).unwrap();
        let case = CATALOGUE.get(&trace.header.case).unwrap().case.as_ref().unwrap();
        assert_eq!(Some(&judge(case, &trace)), judged.get(key), "{key:?}");
    }
}
