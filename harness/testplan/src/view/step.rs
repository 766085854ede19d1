//! One step of a Trace.

use crate::trace::{Event, Phase, StepOutcome, StepRef};

/// One step that began, or whose end alone is left in the Trace.
#[derive(Debug)]
pub(crate) struct StepSeen<'t> {
    /// Which.
    pub(crate) step: &'t StepRef,
    /// Place, number and time of the event that began it.
    pub(crate) started: Mark,
    /// The same of the one that ended it; `None` when the Trace ends before.
    pub(crate) ended: Option<Mark>,
    /// How it ended.
    pub(crate) outcome: Option<&'t StepOutcome>,
}

/// Place, number and time of an event.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    /// Place among the events.
    pub(crate) index: usize,
    /// The event's own number.
    pub(crate) seq: u64,
    /// Microseconds since the first event.
    pub(crate) at_us: u64,
}

impl<'t> StepSeen<'t> {
    pub(super) fn new(index: usize, event: &Event, step: &'t StepRef) -> Self {
        Self { step, started: Mark::of(index, event), ended: None, outcome: None }
    }

    pub(super) fn only_ended(index: usize, event: &Event, step: &'t StepRef, outcome: &'t StepOutcome) -> Self {
        let mark = Mark::of(index, event);
        Self { step, started: mark, ended: Some(mark), outcome: Some(outcome) }
    }

    pub(super) fn end(&mut self, index: usize, event: &Event, outcome: &'t StepOutcome) {
        self.ended = Some(Mark::of(index, event));
        self.outcome = Some(outcome);
    }

    /// Whether it stands there in the case.
    pub(crate) fn is(&self, phase: Phase, index: usize) -> bool {
        self.step.phase == phase && self.step.index == index
    }

    /// Whether an event at this place happened while the step ran.
    pub(crate) fn spans(&self, index: usize) -> bool {
        index > self.started.index && self.ended.is_none_or(|ended| index < ended.index)
    }

    /// How it is called in findings: its label, or its place.
    pub(crate) fn name(&self) -> String {
        match &self.step.label {
            Some(label) => format!("`{label}`"),
            None => format!("{} step {}", phase_name(self.step.phase), self.step.index.saturating_add(1)),
        }
    }

    /// Milliseconds from its beginning to its end.
    pub(crate) fn lasted_ms(&self) -> Option<u64> {
        self.ended.map(|ended| ended.at_us.saturating_sub(self.started.at_us) / 1000)
    }
}

impl Mark {
    fn of(index: usize, event: &Event) -> Self {
        Self { index, seq: event.seq, at_us: event.at_us }
    }
}

/// A phase in words.
pub(crate) const fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::BringUp => "bring-up",
        Phase::Setup => "setup",
        Phase::Procedure => "procedure",
        Phase::CleanUp => "clean-up",
    }
}
