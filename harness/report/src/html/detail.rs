//! The detail of one result, packed: metrics with all their findings, clean-up, earlier runs, and the ladder of its Trace.
//!
//! One decision behind it: a detail is deflated and written as base64, so that a browser passes over it without looking inside and
//! a page of 3,000 results opens at once.

use super::{HtmlError, TraceSource, clean::clean, ladder};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use flate2::{Compression, write::DeflateEncoder};
use serde::Serialize;
use serde_json::Value;
use std::{collections::BTreeSet, io::Write as _};
use uspec_testplan::{
    run_report::{CaseOutcome, CaseResult, EarlierRun, Judged},
    verdict::{CleanUp, MetricResult},
};

#[derive(Serialize)]
struct Detail<'a> {
    started: String,
    metrics: &'a [MetricResult],
    universal: &'a [MetricResult],
    clean_up: &'a CleanUp,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    earlier: Vec<EarlierRun>,
    /// Where the Trace's file is, relative to the page.
    trace: Option<String>,
    /// Why there is no ladder although there was a Trace.
    trouble: Option<String>,
    ladder: Option<Value>,
    /// The exchange in lines of text, where there is no ladder.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    exchange: &'a [String],
}

/// What has a detail: a case that ran.
pub(super) fn judged(result: &CaseResult) -> Option<&Judged> {
    match &result.outcome {
        CaseOutcome::Judged(judged) => Some(judged),
        CaseOutcome::NotRun(_) => None,
    }
}

/// The detail of a result of the report at this place, packed. Its ladder is that of the masked Trace: no secret is in it.
pub(super) fn packed(report: usize, judged: &Judged, traces: &dyn TraceSource) -> Result<String, HtmlError> {
    let judgement = &judged.judgement;
    let findings = judgement.metrics.iter().chain(&judgement.universal).flat_map(|metric| &metric.findings);
    let evidence: BTreeSet<u64> = findings.flat_map(|finding| finding.events.iter().copied()).collect();
    let (ladder, trouble) = match judged.trace.as_deref().map(|path| traces.trace(report, path)) {
        Some(Ok(trace)) => (Some(ladder::ladder(&trace, &evidence)?), None),
        Some(Err(why)) => (None, Some(why)),
        None => (None, None),
    };
    let place = |path: &String| traces.place(report, path);
    let detail = Detail {
        started: judged.started.to_string(),
        metrics: &judgement.metrics,
        universal: &judgement.universal,
        clean_up: &judgement.clean_up,
        earlier: judged
            .earlier
            .iter()
            .map(|run| EarlierRun { trace: run.trace.as_ref().map(place), ..run.clone() })
            .collect(),
        trace: judged.trace.as_ref().map(place),
        trouble,
        exchange: if ladder.is_some() { &[] } else { &judged.exchange },
        ladder,
    };
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(clean(&detail)?.to_string().as_bytes())?;
    Ok(BASE64_STANDARD.encode(encoder.finish()?))
}
