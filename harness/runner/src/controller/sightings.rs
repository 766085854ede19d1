//! What happened on the MTP that a step of the case asks for: each event goes to one step at most.
//!
//! One decision behind it: only what some step of the case could mean is kept, so that a flood of anything else costs nothing.

use crate::bounds::SIGHTINGS;
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};
use uspec_testplan::{
    case::{Action, Expected, FrameKind, MtpEvent, PacketKind, Party, RecordEvent, TestCase},
    pattern::{Context, Pattern},
    template::{placeholders_in, value},
};
use uspec_usp::decode::RecordKind;

/// The kind of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SightingKind {
    /// The EUT tries to connect.
    Attempt,
    /// A session of the EUT opened.
    Connected,
    /// A session of the EUT ended.
    Disconnected,
    /// The EUT sent a frame.
    Frame(FrameKind),
    /// The EUT sent a packet.
    Packet(PacketKind),
    /// The EUT sent a Record.
    Record(RecordKind),
}

/// An event that a step may take.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sighting {
    /// Its place in the Trace.
    pub(crate) seq: u64,
    /// What it shows.
    pub(crate) shown: Value,
    number: u64,
    party: Party,
    kind: SightingKind,
}

/// How many events there were: what comes later is not before it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mark(u64);

/// Which event a step means.
#[derive(Debug, Clone)]
pub(crate) struct WantedSighting {
    kind: SightingKind,
    matching: Option<Pattern>,
}

/// The events of one case that no step has taken yet.
#[derive(Debug, Default)]
pub(crate) struct Sightings {
    asked_for: Vec<SightingKind>,
    seen: VecDeque<Sighting>,
    next: u64,
    /// Events that had to be dropped.
    pub(crate) dropped: u64,
}

impl Sightings {
    /// A log of what the steps of `case` could mean.
    pub(crate) fn for_case(case: &TestCase) -> Self {
        let steps = case.setup.iter().chain(&case.procedure).chain(&case.cleanup);
        let asked_for = steps.filter_map(|step| match &step.action {
            Action::Await { what, .. } | Action::Absent { what, .. } => WantedSighting::of(what).map(|it| it.kind),
            _ => None,
        });
        Self { asked_for: asked_for.collect(), ..Self::default() }
    }

    /// Whether a step of the case may ask for such an event.
    pub(crate) fn concern(&self, kind: SightingKind) -> bool {
        self.asked_for.contains(&kind)
    }

    /// Takes an event in that stands in the Trace at `seq`.
    pub(crate) fn saw(&mut self, party: Party, kind: SightingKind, seq: u64, shown: Value) {
        self.seen.push_back(Sighting { seq, shown, number: self.next, party, kind });
        self.next = self.next.saturating_add(1);
        if self.seen.len() > SIGHTINGS {
            // Connections change seldom; what floods is what was sent.
            let sent = |seen: &Sighting| {
                matches!(seen.kind, SightingKind::Frame(_) | SightingKind::Packet(_) | SightingKind::Record(_))
            };
            let index = self.seen.iter().position(sent).unwrap_or(0);
            self.seen.remove(index);
            self.dropped = self.dropped.saturating_add(1);
        }
    }

    /// Here and now.
    pub(crate) fn mark(&self) -> Mark {
        Mark(self.next)
    }

    /// The first event since `since` that is meant and was not taken, taken out.
    pub(crate) fn take(
        &mut self,
        since: Mark,
        party: Party,
        wanted: &WantedSighting,
        variables: &BTreeMap<String, String>,
    ) -> Option<Sighting> {
        let index = self.seen.iter().position(|seen| {
            seen.number >= since.0 && seen.party == party && seen.kind == wanted.kind && wanted.fits(seen, variables)
        })?;
        self.seen.remove(index)
    }
}

impl WantedSighting {
    /// What a step that waits for this means; `None` for what is no event of the MTP.
    pub(crate) fn of(expected: &Expected) -> Option<Self> {
        let plain = |kind| Some(Self { kind, matching: None });
        match expected {
            Expected::Mtp(MtpEvent::ConnectionAttempt) => plain(SightingKind::Attempt),
            Expected::Mtp(MtpEvent::Connected) => plain(SightingKind::Connected),
            Expected::Mtp(MtpEvent::Disconnected) => plain(SightingKind::Disconnected),
            Expected::Mtp(MtpEvent::Frame { kind, matching }) => {
                Some(Self { kind: SightingKind::Frame(*kind), matching: matching.clone() })
            }
            Expected::Mtp(MtpEvent::Packet { kind, matching }) => {
                Some(Self { kind: SightingKind::Packet(*kind), matching: matching.clone() })
            }
            Expected::Record(RecordEvent { kind, matching }) => {
                Some(Self { kind: SightingKind::Record(*kind), matching: matching.clone() })
            }
            Expected::ResponseTo(_) | Expected::Notify { .. } | Expected::Connected | Expected::Disconnected => None,
        }
    }

    /// Whether it is a change of a connection, for which the EUT needs its own time.
    pub(crate) fn is_connection(&self) -> bool {
        matches!(self.kind, SightingKind::Attempt | SightingKind::Connected | SightingKind::Disconnected)
    }

    /// The variable without a value that keeps it from being said what is meant.
    pub(crate) fn undefined(&self, variables: &BTreeMap<String, String>) -> Option<String> {
        let names = self.matching.iter().flat_map(|pattern| placeholders_in(pattern.source()));
        names.into_iter().find(|name| value(name, variables).is_none())
    }

    fn fits(&self, seen: &Sighting, variables: &BTreeMap<String, String>) -> bool {
        let context = Context { variables, answered: None };
        self.matching.as_ref().is_none_or(|pattern| pattern.is_match(&seen.shown, &context))
    }
}

/// The kind of a frame by the word that the Trace has for it.
pub(crate) fn frame_kind(word: &str) -> Option<FrameKind> {
    use FrameKind::{Binary, Close, Continuation, Ping, Pong, Text};
    [Continuation, Text, Binary, Close, Ping, Pong].into_iter().find(|kind| kind.name() == word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{case, step};
    use serde_json::json;

    const PING: SightingKind = SightingKind::Frame(FrameKind::Ping);

    fn awaits(what: Expected) -> Sightings {
        let answer = uspec_testplan::case::Answer::Normal;
        Sightings::for_case(&case("7.1", vec![step(Action::Await { what, answer })]))
    }

    fn ping() -> Expected {
        Expected::Mtp(MtpEvent::Frame { kind: FrameKind::Ping, matching: None })
    }

    fn wanted(what: &Expected) -> WantedSighting {
        WantedSighting::of(what).unwrap()
    }

    fn take(log: &mut Sightings, since: Mark, party: Party) -> Option<u64> {
        log.take(since, party, &wanted(&ping()), &BTreeMap::new()).map(|seen| seen.seq)
    }

    #[test]
    fn each_event_goes_to_one_step() {
        let mut log = awaits(ping());
        log.saw(Party::First, PING, 3, json!({}));
        log.saw(Party::First, PING, 5, json!({}));
        assert_eq!([0, 1, 2].map(|_| take(&mut log, Mark(0), Party::First)), [Some(3), Some(5), None]);
    }

    #[test]
    fn what_came_before_the_last_acting_step_does_not_count() {
        let mut log = awaits(ping());
        log.saw(Party::First, PING, 3, json!({}));
        let since = log.mark();
        assert_eq!(take(&mut log, since, Party::First), None);
        log.saw(Party::First, PING, 9, json!({}));
        assert_eq!(take(&mut log, since, Party::First), Some(9));
    }

    #[test]
    fn each_controller_sees_its_own() {
        let mut log = awaits(ping());
        log.saw(Party::Second, PING, 3, json!({}));
        assert_eq!(take(&mut log, Mark(0), Party::First), None);
        assert_eq!(take(&mut log, Mark(0), Party::Second), Some(3));
    }

    #[test]
    fn only_what_the_case_asks_for_concerns_it() {
        let log = awaits(ping());
        assert!(log.concern(PING) && !log.concern(SightingKind::Attempt));
        assert!(!log.concern(SightingKind::Frame(FrameKind::Pong)));
    }

    #[test]
    fn a_flood_is_bounded_and_drops_no_change_of_a_connection() {
        let mut log = awaits(Expected::Mtp(MtpEvent::Connected));
        log.saw(Party::First, SightingKind::Connected, 0, json!({}));
        for seq in 1..20_000 {
            log.saw(Party::First, PING, seq, json!({}));
        }
        assert_eq!(log.seen.len(), SIGHTINGS);
        let connected = wanted(&Expected::Mtp(MtpEvent::Connected));
        assert_eq!(log.take(Mark(0), Party::First, &connected, &BTreeMap::new()).unwrap().seq, 0);
    }
}
