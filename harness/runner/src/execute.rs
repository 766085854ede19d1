//! Runs the planned cases in their order.

use crate::session::Session;
use std::{collections::BTreeMap, time::Duration};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uspec_testplan::{
    case::{CaseId, TestCase},
    run_report::EndedBy,
    trace::Trace,
};

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
        let trace = Box::pin(session.run_case(case, variables, cancel)).await;
        progress(Progress::CaseEnded { case, trace: Box::new(trace), duration: begun.elapsed() });
        if !cancel.is_cancelled() {
            end.interrupted = session.take_end();
        }
    }
    if cancel.is_cancelled() {
        end.interrupted.get_or_insert_with(Interruption::person);
    }
    end
}
