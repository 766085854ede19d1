//! Writes the Trace of one case, within bounds.
//!
//! One decision behind it: what a step waits for is always kept; everything else is kept up to a bound, and a note says where it was cut.

use crate::bounds::{EVENT_OVERHEAD, FRAME_LOG, OCTET_LOG, OTHER_LOG, RECORD_LOG};
use tokio::time::Instant;
use uspec_testplan::trace::{ConnectionState, Event, Header, Phase, StepOutcome, StepRef, Trace, What};

/// The Trace being written.
#[derive(Debug)]
pub(crate) struct Recorder {
    header: Header,
    origin: Instant,
    events: Vec<Event>,
    octets: Budget,
    frames: Budget,
    records: Budget,
    others: Budget,
    running: Option<StepRef>,
    begun: bool,
}

/// Whether an event may be left out when there are too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// It stays, whatever came before: a step, or what a step waits for.
    Always,
    /// It stays within the bounds.
    WithinBounds,
}

impl Recorder {
    /// Begins a Trace whose first event happened at `origin`.
    pub(crate) fn new(header: Header, origin: Instant) -> Self {
        Self {
            header,
            origin,
            events: Vec::new(),
            octets: Budget::new("octets", OCTET_LOG),
            frames: Budget::new("frames", FRAME_LOG),
            records: Budget::new("Records that no step waits for", RECORD_LOG),
            others: Budget::new("events of connections", OTHER_LOG * EVENT_OVERHEAD),
            running: None,
            begun: false,
        }
    }

    /// Adds what has just happened.
    pub(crate) fn now(&mut self, what: What) -> u64 {
        self.push(Instant::now(), what)
    }

    /// Adds what happened at `at` if the bounds allow it, and gives its place.
    pub(crate) fn log(&mut self, at: Instant, what: What, keep: Keep) -> Option<u64> {
        if keep == Keep::WithinBounds {
            let budget = match &what {
                What::Octets { .. } => &mut self.octets,
                What::Frame { .. } | What::Packet { .. } => &mut self.frames,
                What::Record { .. } => &mut self.records,
                _ => &mut self.others,
            };
            match budget.spend(size(&what)) {
                Spent::Yes => {}
                Spent::No => return None,
                Spent::FirstNo(text) => {
                    self.push(at, What::Note { text });
                    return None;
                }
            }
        }
        Some(self.push(at, what))
    }

    /// A remark for people.
    pub(crate) fn note(&mut self, text: impl Into<String>) {
        self.log(Instant::now(), What::Note { text: text.into() }, Keep::WithinBounds);
    }

    /// A step begins.
    pub(crate) fn step_started(&mut self, step: &StepRef, action: String) {
        self.running = Some(step.clone());
        self.begun = true;
        self.now(What::StepStarted { step: step.clone(), action });
    }

    /// A step ended.
    pub(crate) fn step_ended(&mut self, step: &StepRef, outcome: StepOutcome) {
        self.running = None;
        self.now(What::StepEnded { step: step.clone(), outcome });
    }

    /// Ends the step that is under way, because nothing more comes of it.
    pub(crate) fn interrupt(&mut self, reason: &str) -> Option<StepRef> {
        let step = self.running.take()?;
        let outcome = StepOutcome::NotReached { reason: reason.to_owned() };
        self.now(What::StepEnded { step: step.clone(), outcome });
        Some(step)
    }

    /// What the Trace says about itself, to be completed while a run finds it out.
    pub(crate) fn header_mut(&mut self) -> &mut Header {
        &mut self.header
    }

    /// What the Trace says about itself.
    pub(crate) fn header(&self) -> &Header {
        &self.header
    }

    /// Everything so far.
    pub(crate) fn events(&self) -> &[Event] {
        &self.events
    }

    /// Whether a step has begun.
    pub(crate) fn has_steps(&self) -> bool {
        self.begun
    }

    /// The last failure of a connection, in words.
    pub(crate) fn last_failure(&self) -> Option<String> {
        self.events.iter().rev().find_map(|event| match &event.what {
            What::Connection { state: ConnectionState::Failed | ConnectionState::Oversized, details, .. } => {
                let text = details.pointer("/failed/text").and_then(serde_json::Value::as_str);
                Some(text.map_or_else(|| details.to_string(), str::to_owned))
            }
            _ => None,
        })
    }

    /// How many events there are.
    pub(crate) fn len(&self) -> usize {
        self.events.len()
    }

    /// The Trace. What was left out is counted in last notes.
    pub(crate) fn finish(mut self) -> Trace {
        for text in [&self.octets, &self.frames, &self.records, &self.others]
            .into_iter()
            .filter_map(Budget::summary)
            .collect::<Vec<_>>()
        {
            self.now(What::Note { text });
        }
        Trace { header: self.header, events: self.events }
    }

    fn push(&mut self, at: Instant, what: What) -> u64 {
        let seq = u64::try_from(self.events.len()).unwrap_or(u64::MAX);
        let since = at.saturating_duration_since(self.origin).as_micros();
        // Two ends write at once, and an event may have waited while something else was noted: time never runs backwards in a Trace.
        let before = self.events.last().map_or(0, |event| event.at_us);
        let at_us = u64::try_from(since).unwrap_or(u64::MAX).max(before);
        self.events.push(Event { seq, at_us, what });
        seq
    }
}

/// A step of the runner's own beside those of the case.
pub(crate) fn own_step(phase: Phase, index: usize, label: &str) -> StepRef {
    StepRef { phase, index, label: Some(label.to_owned()) }
}

/// How much of one kind of event is still kept.
#[derive(Debug)]
struct Budget {
    what: &'static str,
    left: usize,
    events_cut: u64,
    octets_cut: u64,
}

enum Spent {
    Yes,
    No,
    FirstNo(String),
}

impl Budget {
    fn new(what: &'static str, left: usize) -> Self {
        Self { what, left, events_cut: 0, octets_cut: 0 }
    }

    /// Once one event did not fit, none does: a log with holes would mislead.
    fn spend(&mut self, octets: usize) -> Spent {
        let cost = octets.saturating_add(EVENT_OVERHEAD);
        if self.events_cut == 0 && cost <= self.left {
            self.left -= cost;
            return Spent::Yes;
        }
        self.events_cut += 1;
        self.octets_cut = self.octets_cut.saturating_add(u64::try_from(octets).unwrap_or(u64::MAX));
        match self.events_cut {
            1 => Spent::FirstNo(format!(
                "from here on, {} are not kept any more: the Trace has enough of them",
                self.what
            )),
            _ => Spent::No,
        }
    }

    fn summary(&self) -> Option<String> {
        (self.events_cut > 0)
            .then(|| format!("{} left out: {} events with {} octets", self.what, self.events_cut, self.octets_cut))
    }
}

fn size(what: &What) -> usize {
    match what {
        What::Octets { bytes, .. } | What::Record { bytes, .. } => bytes.len(),
        What::Frame { payload, .. } => payload.len(),
        What::Packet { body, .. } => body.len(),
        What::Note { text } => text.len(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::header;
    use std::time::Duration;
    use uspec_testplan::trace::Direction;

    fn octets(count: usize) -> What {
        What::Octets { connection: 1, direction: Direction::Received, bytes: vec![0; count] }
    }

    fn record(count: usize) -> What {
        What::Record {
            connection: 1,
            direction: Direction::Received,
            step: None,
            bytes: vec![0; count],
            decoded: serde_json::Value::Null,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn time_counts_from_the_first_event() {
        let origin = Instant::now();
        let mut recorder = Recorder::new(header(), origin);
        recorder.log(origin, octets(1), Keep::WithinBounds);
        tokio::time::sleep(Duration::from_millis(3)).await;
        recorder.note("later");
        let trace = recorder.finish();
        assert_eq!(trace.events.iter().map(|event| (event.seq, event.at_us)).collect::<Vec<_>>(), [(0, 0), (1, 3000)]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_octet_log_is_cut_once_and_says_so() {
        let mut recorder = Recorder::new(header(), Instant::now());
        for _ in 0..3 {
            recorder.log(Instant::now(), octets(OCTET_LOG / 2), Keep::WithinBounds);
        }
        assert!(recorder.log(Instant::now(), octets(1), Keep::WithinBounds).is_none(), "no hole after the cut");
        let trace = recorder.finish();
        let notes = trace.events.iter().filter(|event| matches!(event.what, What::Note { .. })).count();
        assert_eq!((trace.events.len(), notes), (3, 2));
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_step_waits_for_is_kept_after_a_flood() {
        let mut recorder = Recorder::new(header(), Instant::now());
        while recorder.log(Instant::now(), record(1024 * 1024), Keep::WithinBounds).is_some() {}
        assert!(recorder.log(Instant::now(), record(10), Keep::WithinBounds).is_none());
        assert!(recorder.log(Instant::now(), record(10), Keep::Always).is_some());
    }
}
