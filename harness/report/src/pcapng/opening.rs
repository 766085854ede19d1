//! How the connections were opened that last over several cases.
//!
//! One decision behind it: without its opening, no tool knows that a stream is a WebSocket or which version of MQTT it is. So the opening of
//! a connection, as the Trace in which it happened has it, is repeated at the head of each later capture, and a comment says from where.

use std::collections::BTreeMap;

use super::capture::FULL;
use uspec_testplan::{
    case::CaseId,
    trace::{ConnectionState, Direction, Event, Trace, What},
};

/// How many octets of an opening are kept: those of an opening that is none.
const MAX_OPENING: usize = 64 * 1024;

/// How many open connections are remembered. One EUT has a handful at most.
const MAX_CONNECTIONS: usize = 64;

/// The openings of the connections of one MTP that have not ended.
#[derive(Debug, Clone, Default)]
pub struct Openings(BTreeMap<u32, Opening>);

/// How a connection was opened.
#[derive(Debug, Clone)]
pub(super) struct Opening {
    /// The case in whose Trace it stands.
    pub(super) case: CaseId,
    /// Microseconds since 1970.
    pub(super) at_us: u64,
    /// Whether we called; `None` when the Trace does not tell.
    pub(super) we_called: Option<bool>,
    /// What crossed it until Records could.
    pub(super) octets: Vec<(Direction, Vec<u8>)>,
    /// What else is to be said of it.
    pub(super) comments: Vec<String>,
    /// Whether everything of it is here.
    pub(super) whole: bool,
    open: bool,
}

impl Openings {
    /// Takes in what a Trace shows, after it was rendered: the connections that it opened and did not end.
    pub fn learn(&mut self, trace: &Trace) {
        let mut full = false;
        for event in &trace.events {
            if matches!(&event.what, What::Note { text } if text.starts_with(FULL)) {
                full = true;
                // What came of these openings so far is not all of it.
                self.0.values_mut().filter(|opening| !opening.open).for_each(|opening| opening.whole = false);
            }
            self.event(trace, event, full);
        }
        while self.0.len() > MAX_CONNECTIONS {
            self.0.pop_first();
        }
    }

    pub(super) fn of(&self, connection: u32) -> Option<&Opening> {
        self.0.get(&connection).filter(|opening| opening.open && opening.whole)
    }

    /// `full`: the Trace keeps no octets any more.
    fn event(&mut self, trace: &Trace, event: &Event, full: bool) {
        match &event.what {
            What::Connection { connection, state: ConnectionState::Attempt, details } => {
                let opening = Opening {
                    case: trace.header.case.clone(),
                    at_us: moment(trace, event),
                    we_called: we_called(details),
                    octets: Vec::new(),
                    comments: Vec::new(),
                    whole: !full,
                    open: false,
                };
                self.0.insert(*connection, opening);
            }
            What::Connection { connection, state: ConnectionState::Open, .. } => {
                if let Some(opening) = self.0.get_mut(connection) {
                    opening.open = true;
                    // Without octets there is nothing to repeat.
                    opening.whole &= !opening.octets.is_empty();
                }
            }
            What::Connection { connection, state: ConnectionState::Tls, details } => {
                if let Some(opening) = self.0.get_mut(connection) {
                    opening.comments.extend(super::capture::tls(details));
                }
            }
            What::Connection { connection, state: ConnectionState::Closed | ConnectionState::Failed, .. } => {
                self.0.remove(connection);
            }
            What::Octets { connection, direction, bytes } => {
                if let Some(opening) = self.0.get_mut(connection).filter(|opening| !opening.open) {
                    let before: usize = opening.octets.iter().map(|(_, octets)| octets.len()).sum();
                    if before.saturating_add(bytes.len()) > MAX_OPENING {
                        opening.whole = false;
                    } else {
                        opening.octets.push((*direction, bytes.clone()));
                    }
                }
            }
            _ => {}
        }
    }
}

/// When an event happened, in microseconds since 1970.
pub(super) fn moment(trace: &Trace, event: &Event) -> u64 {
    start(trace).saturating_add(event.at_us)
}

/// When a Trace began, in microseconds since 1970.
pub(super) fn start(trace: &Trace) -> u64 {
    u64::try_from(trace.header.started.as_microsecond()).unwrap_or_default()
}

/// Who called, as the event of the attempt has it.
pub(super) fn we_called(details: &serde_json::Value) -> Option<bool> {
    match details.pointer("/attempt/opener").and_then(serde_json::Value::as_str) {
        Some("us") => Some(true),
        Some("peer") => Some(false),
        _ => None,
    }
}
