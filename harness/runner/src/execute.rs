//! Runs the planned cases in their order.

use crate::session::Session;
use std::{collections::BTreeMap, time::Duration};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uspec_testplan::{
    case::{CaseId, TestCase},
    run_report::EndedBy,
    trace::{Phase, StepOutcome, Trace, What},
};

/// After this many cases in a row during which the EUT was never connected, the run ends: each of them costs the whole connect limit,
/// and none says anything.
const LOST_CASES: usize = 3;

/// What the person at the terminal, and whoever judges, hears about a run while it goes on.
#[derive(Debug)]
pub enum Progress<'a> {
    /// A case begins.
    CaseStarted {
        /// The case.
        case: &'a TestCase,
        /// Its place, from 1.
        nth: usize,
        /// How many there are.
        of: usize,
    },
    /// A case ended; the Trace is the receiver's now.
    CaseEnded {
        /// The case.
        case: &'a TestCase,
        /// What happened.
        trace: Box<Trace>,
        /// How long it took.
        duration: Duration,
    },
    /// A case will not run, because the run has ended before it.
    NotReached {
        /// The case.
        case: &'a TestCase,
        /// Why.
        reason: &'a str,
    },
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RunEnd {
    /// Why it ended before the last case, when it did.
    pub interrupted: Option<Interruption>,
    /// The cases that were not reached.
    pub not_reached: Vec<CaseId>,
}

/// Why a run ended before its last case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interruption {
    /// Whose doing it is.
    pub by: EndedBy,
    /// In words, for every report.
    pub reason: String,
}

impl Interruption {
    pub(crate) fn new(by: EndedBy, reason: impl Into<String>) -> Self {
        Self { by, reason: reason.into() }
    }

    fn person() -> Self {
        Self::new(EndedBy::Person, "the run was interrupted")
    }
}

/// Runs `cases` in their order, each with `variables`. Ends when all have run, shortly after `cancel`, or when the EUT does not come back.
pub async fn execute(
    session: &mut Session,
    cases: &[&TestCase],
    variables: &BTreeMap<String, String>,
    cancel: &CancellationToken,
    progress: &mut (dyn FnMut(Progress<'_>) + Send),
) -> RunEnd {
    let mut end = RunEnd::default();
    let mut lost = 0;
    for (index, case) in cases.iter().enumerate() {
        if end.interrupted.is_none() && cancel.is_cancelled() {
            end.interrupted = Some(Interruption::person());
        }
        if let Some(Interruption { reason, .. }) = &end.interrupted {
            end.not_reached.push(case.id.clone());
            progress(Progress::NotReached { case, reason });
            continue;
        }
        progress(Progress::CaseStarted { case, nth: index.saturating_add(1), of: cases.len() });
        let begun = Instant::now();
        let trace = session.run_case(case, variables, cancel).await;
        lost = if was_deaf(session, &trace) { lost + 1 } else { 0 };
        progress(Progress::CaseEnded { case, trace: Box::new(trace), duration: begun.elapsed() });
        if lost >= LOST_CASES && !cancel.is_cancelled() {
            let reason = format!("the EUT was not connected during the last {LOST_CASES} cases");
            end.interrupted = Some(Interruption::new(EndedBy::Eut, reason));
        }
    }
    if cancel.is_cancelled() {
        end.interrupted.get_or_insert_with(Interruption::person);
    }
    end
}

/// Whether nothing came from the EUT and nothing could be sent to it.
fn was_deaf(session: &Session, trace: &Trace) -> bool {
    let any = |wanted: fn(&What) -> bool| trace.events.iter().any(|event| wanted(&event.what));
    let tried = any(
        |what| matches!(what, What::StepEnded { step, outcome: StepOutcome::NotReached { .. } } if step.phase != Phase::BringUp),
    );
    tried && !session.is_connected() && !any(|what| matches!(what, What::Record { .. }))
}
