//! When what a step does or awaits happened, for rules about time.

use std::time::Duration;

use super::Evidence;
use crate::{
    case::{Action, Expected},
    judge::finding::{unknown, unmet},
    rule::arguments::{Arguments, duration},
    show,
    trace::{StepOutcome, What},
    universal::eut,
    verdict::Finding,
    view::{PacketSeen, StepSeen},
};

/// When neither case nor profile say: Agents count whole seconds.
const DEFAULT_TOLERANCE: Duration = Duration::from_secs(1);

/// When something happened. What a step does has a beginning and an end, between which it took effect; what it awaits is one event.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    /// The earliest, in microseconds since the first event.
    pub(super) from: u64,
    /// The latest.
    pub(super) to: u64,
    /// The event that shows it.
    pub(super) seq: u64,
}

impl Moment {
    /// The shortest and the longest time that can lie between this and a later one.
    pub(super) fn until(self, later: Self) -> (Duration, Duration) {
        let between = |from: u64, to: u64| Duration::from_micros(to.saturating_sub(from));
        (between(self.to, later.from), between(self.from, later.to))
    }
}

/// When what a step awaits came, or what it does took effect: for a Request between the sending and its answer, because the EUT may
/// have acted at any time between them.
pub(super) fn moment(evidence: Evidence<'_>, label: &str) -> Result<Moment, Finding> {
    let step = evidence.step(label).0;
    let expected = match step.map(|step| &step.action) {
        Some(Action::Await { .. }) => format!("what `{label}` awaits"),
        _ => format!("the step `{label}`"),
    };
    let seen = evidence.ran(label, &expected)?;
    if let Some(Action::Await { .. } | Action::Absent { .. }) = step.map(|step| &step.action) {
        return awaited(evidence, seen, expected);
    }
    match seen.outcome {
        Some(StepOutcome::Done { .. }) => Ok(acted(evidence, seen)),
        // A Request that was not answered was asked all the same.
        Some(StepOutcome::TimedOut { .. }) if evidence.view.sent_by(seen).next().is_some() => Ok(acted(evidence, seen)),
        _ => awaited(evidence, seen, expected),
    }
}

/// The time in which a step that acts took effect.
fn acted(evidence: Evidence<'_>, step: &StepSeen<'_>) -> Moment {
    let sent = evidence.view.sent_by(step).next();
    let events = &evidence.view.trace.events;
    let at = |index: usize| events.get(index).map(|event| (event.at_us, event.seq));
    let began = (step.started.at_us, step.started.seq);
    let ended = step.ended.map_or(began, |mark| (mark.at_us, mark.seq));
    let (from, seq) = sent.and_then(|sent| at(sent.index)).unwrap_or(began);
    let answered = sent.and_then(|sent| at(evidence.view.answers(sent).first()?.index));
    let (to, _) = answered.or_else(|| at(matched(evidence, step)?)).unwrap_or(ended);
    Moment { from, to: to.max(from), seq }
}

fn awaited(evidence: Evidence<'_>, step: &StepSeen<'_>, expected: String) -> Result<Moment, Finding> {
    let began = vec![step.started.seq];
    match step.outcome {
        Some(StepOutcome::Done { matched: Some(seq) }) => {
            let event = evidence.view.trace.events.iter().find(|event| event.seq == *seq);
            let found = event.map(|event| Moment { from: event.at_us, to: event.at_us, seq: event.seq });
            found.ok_or_else(|| unknown(expected, "the Trace does not hold it", began))
        }
        Some(StepOutcome::Done { matched: None }) => {
            let end = step.ended.unwrap_or(step.started);
            Ok(Moment { from: end.at_us, to: end.at_us, seq: end.seq })
        }
        Some(StepOutcome::TimedOut { waited_ms }) => {
            if let Some((why, events)) = evidence.unprovoked(step) {
                return Err(unknown(expected, format!("it did not come, but {why}"), events));
            }
            Err(unmet(expected, format!("it did not come within {}", show::seconds(*waited_ms)), began))
        }
        Some(StepOutcome::NotReached { reason }) => {
            Err(unknown(expected, show::cut(&format!("the step was not reached: {reason}")), began))
        }
        Some(StepOutcome::Fault { causes }) => {
            let seen = format!("the harness failed: {}", causes.join(": "));
            Err(unknown(expected, show::cut(&seen), began))
        }
        None => Err(unknown(expected, "the Trace ends before", began)),
    }
}

fn matched(evidence: Evidence<'_>, step: &StepSeen<'_>) -> Option<usize> {
    match step.outcome {
        Some(StepOutcome::Done { matched: Some(seq) }) => {
            evidence.view.trace.events.iter().position(|event| event.seq == *seq)
        }
        _ => None,
    }
}

/// The connection that an event is about.
pub(super) fn connection_of(evidence: Evidence<'_>, seq: u64) -> Option<u32> {
    let event = evidence.view.trace.events.iter().find(|event| event.seq == seq)?;
    match &event.what {
        What::Connection { connection, .. } | What::Packet { connection, .. } | What::Record { connection, .. } => {
            Some(*connection)
        }
        _ => None,
    }
}

/// What the EUT sent from an event on: over the connection that the event is about, or else over any of its own.
pub(super) fn packets_since(evidence: Evidence<'_>, seq: u64) -> Vec<&PacketSeen<'_>> {
    let Some(number) = connection_of(evidence, seq) else {
        return eut::packets(evidence).into_iter().filter(|packet| packet.seq >= seq).collect();
    };
    let here = |packet: &&PacketSeen<'_>| packet.came() && packet.connection == number && packet.seq >= seq;
    evidence.view.packets.iter().filter(here).collect()
}

/// By how much a time may be missed: what the rule says, or the profile's.
pub(super) fn tolerance(evidence: Evidence<'_>, arguments: &Arguments<'_>) -> Result<Duration, Finding> {
    if arguments.maybe("tolerance").is_some() {
        return arguments.duration("tolerance");
    }
    let profile = evidence.view.variables.get("timing.tolerance");
    Ok(profile.and_then(|text| duration(text)).unwrap_or(DEFAULT_TOLERANCE))
}

/// The requirements on retries of what a step awaits: of Notifications, or of sessions of the MTP.
pub(super) fn requirement_of_retries(evidence: Evidence<'_>, label: &str) -> Option<&'static str> {
    match &evidence.step(label).0?.action {
        Action::Await { what: Expected::Notify { .. }, .. } => Some("R-NOT.2"),
        Action::Await { what: Expected::Connected | Expected::Mtp(_), .. } => {
            let facts = evidence.view.trace.header.mtp_facts.as_ref();
            Some(match facts.map_or("websocket", |facts| facts.kind.as_str()) {
                "mqtt" => "R-MQTT.10",
                "stomp" => "R-STOMP.7",
                "uds" => "R-UDS.5",
                _ => "R-WS.19",
            })
        }
        _ => None,
    }
}
