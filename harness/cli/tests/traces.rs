//! Recorded Traces keep the verdict that was found to be right.
#![allow(clippy::unwrap_used, clippy::panic)] // a test may stop on the first surprise

use std::{fmt::Write as _, fs, path::PathBuf};
use uspec_report::summary::word;
use uspec_testplan::{
    catalogue::{Catalogue, Source},
    judge::judge,
    trace::Trace,
    verdict::{Judgement, Outcome},
};

#[test]
fn recorded_traces_keep_their_verdicts() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/traces");
    let catalogue = Catalogue::load(&Source::Embedded).unwrap();
    let mut judged = 0;
    for path in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.extension().is_none_or(|extension| extension != "jsonl") {
            continue;
        }
        let trace = Trace::from_json_lines(&fs::read_to_string(&path).unwrap()).unwrap();
        let case = catalogue.get(&trace.header.case).unwrap().case.as_ref().unwrap();
        let expected = fs::read_to_string(path.with_extension("expected")).unwrap();
        assert_eq!(in_short(&judge(case, &trace)), expected, "{}", path.display());
        judged += 1;
    }
    assert!(judged > 0, "no Trace stands in {}", folder.display());
}

fn in_short(judgement: &Judgement) -> String {
    let mut text = format!("{}\n", word(judgement.verdict));
    let all = judgement.metrics.iter().chain(&judgement.universal);
    for metric in all.filter(|metric| metric.outcome != Outcome::Met) {
        let _ =
            writeln!(text, "{} {}", metric.metric, if metric.outcome == Outcome::Unmet { "unmet" } else { "unknown" });
    }
    text
}
