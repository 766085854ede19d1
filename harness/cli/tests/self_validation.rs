//! The harness and the fault-free reference Agent agree on every case, every time, and from stored Traces as well.
#![allow(clippy::unwrap_used, clippy::panic)] // a test may stop on the first surprise

use std::collections::BTreeMap;
use uspec_cli::{
    bundled::{Bundled, Where},
    campaign::Event,
    load,
};
use uspec_testplan::{
    catalogue::{Catalogue, Source},
    judge::judge,
    run_report::{CaseOutcome, RunReport},
    selection::Selection,
    trace::Trace,
    verdict::{CleanUp, Judgement, Verdict},
};

/// A run of the whole catalogue in memory, with every Trace as it is stored.
fn whole_run(catalogue: &Catalogue) -> (RunReport, BTreeMap<String, String>) {
    let agent = Bundled::new(&load::profile(None).unwrap(), &[], Where::Memory).unwrap();
    let mut traces = BTreeMap::new();
    let report = agent
        .judge(catalogue, &Selection::all(), &mut |event| {
            if let Event::Judged { case, trace, .. } = event {
                traces.insert(case.id.to_string(), trace.to_json_lines().unwrap());
            }
            None
        })
        .unwrap();
    (report, traces)
}

fn judgements(report: &RunReport) -> BTreeMap<String, Judgement> {
    let judged = report.results.iter().filter_map(|result| match &result.outcome {
        CaseOutcome::Judged(judged) => Some((result.case.to_string(), judged.judgement.clone())),
        CaseOutcome::NotRun(_) => None,
    });
    judged.collect()
}

#[test]
fn the_fault_free_agent_passes_every_case_and_is_left_as_found() {
    let catalogue = Catalogue::load(&Source::Embedded).unwrap();
    let (report, _) = whole_run(&catalogue);
    let judged = judgements(&report);
    assert_eq!(judged.len(), catalogue.cases().count(), "every case that is written runs");
    assert_eq!(report.results.len(), catalogue.entries.len(), "every case of the plan stands in the report");
    for (case, judgement) in judged {
        assert_eq!(judgement.verdict, Verdict::Pass, "{case}: {judgement:#?}");
        assert_eq!(judgement.clean_up, CleanUp::Clean, "{case}");
    }
}

#[test]
fn a_run_in_memory_gives_the_same_verdicts_every_time() {
    let catalogue = Catalogue::load(&Source::Embedded).unwrap();
    let verdicts = |report: &RunReport| -> Vec<_> {
        let of = |judgement: Judgement| {
            let all = judgement.metrics.into_iter().chain(judgement.universal);
            (judgement.verdict, all.map(|metric| (metric.metric, metric.outcome)).collect::<Vec<_>>())
        };
        judgements(report).into_iter().map(|(case, judgement)| (case, of(judgement))).collect()
    };
    let (first, _) = whole_run(&catalogue);
    let (second, _) = whole_run(&catalogue);
    assert_eq!(verdicts(&first), verdicts(&second));
}

#[test]
fn a_stored_trace_is_judged_as_it_was_when_it_ran() {
    let catalogue = Catalogue::load(&Source::Embedded).unwrap();
    let (report, traces) = whole_run(&catalogue);
    let judged = judgements(&report);
    assert_eq!(judged.len(), traces.len());
    for (id, text) in traces {
        let trace = Trace::from_json_lines(&text).unwrap();
        let case = catalogue.get(&trace.header.case).unwrap().case.as_ref().unwrap();
        assert_eq!(Some(&judge(case, &trace)), judged.get(&id), "{id}");
    }
}
