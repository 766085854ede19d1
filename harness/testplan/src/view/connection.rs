//! What happened to each MTP connection of a Trace.

use serde_json::Value;

use crate::trace::{ConnectionState, Event, Trace, What};

/// One connection.
#[derive(Debug)]
pub(crate) struct ConnectionSeen<'t> {
    /// Its number in the Trace.
    pub(crate) number: u32,
    /// Its events with their places, in order.
    pub(crate) events: Vec<(usize, &'t Event, ConnectionState, &'t Value)>,
}

/// The opening handshake of a WebSocket session, as far as the Trace has it.
#[derive(Debug)]
pub(crate) struct Handshake<'t> {
    /// Number of its event.
    pub(crate) seq: u64,
    /// The client's request: method, target, headers.
    pub(crate) request: &'t Value,
    /// The server's response; `None` when none came.
    pub(crate) response: Option<&'t Value>,
    /// Whether the EUT is the client; `None` when the Trace does not tell.
    pub(crate) eut_is_client: Option<bool>,
}

impl<'t> ConnectionSeen<'t> {
    /// Where Records could flow from, when the Trace has that; `None` for a session that was open before the Trace began.
    pub(crate) fn opened(&self) -> Option<usize> {
        self.first(ConnectionState::Open).map(|(index, ..)| *index)
    }

    /// The event that ended it.
    pub(crate) fn closed(&self) -> Option<(usize, &'t Event)> {
        let ended = |state: &ConnectionState| matches!(state, ConnectionState::Closed | ConnectionState::Failed);
        self.events.iter().find(|(_, _, state, _)| ended(state)).map(|(index, event, ..)| (*index, *event))
    }

    /// Its opening handshake.
    pub(crate) fn handshake(&self) -> Option<Handshake<'t>> {
        let (_, event, _, details) = self.first(ConnectionState::Handshake)?;
        let inner = details.get("handshake").unwrap_or(details);
        let request = inner.get("request").filter(|request| request.is_object())?;
        let response = inner.get("response").filter(|response| response.is_object());
        Some(Handshake { seq: event.seq, request, response, eut_is_client: self.eut_is_client() })
    }

    /// Who opened the stream, by the event of the attempt.
    pub(crate) fn eut_is_client(&self) -> Option<bool> {
        let (_, _, _, details) = self.first(ConnectionState::Attempt)?;
        let inner = details.get("attempt").unwrap_or(details);
        match inner.get("opener").and_then(Value::as_str)? {
            "peer" | "eut" => Some(true),
            "us" => Some(false),
            _ => None,
        }
    }

    fn first(&self, wanted: ConnectionState) -> Option<&(usize, &'t Event, ConnectionState, &'t Value)> {
        self.events.iter().find(|(_, _, state, _)| *state == wanted)
    }
}

impl Handshake<'_> {
    /// Path and query of the request, still percent-encoded.
    pub(crate) fn target(&self) -> Option<&str> {
        self.request.pointer("/start/request/target").or_else(|| self.request.get("target"))?.as_str()
    }

    /// Status of the response.
    pub(crate) fn status(&self) -> Option<u64> {
        let response = self.response?;
        response.pointer("/start/response/status").or_else(|| response.get("status"))?.as_u64()
    }

    /// Every item of a comma-separated header of `head`, over all its lines.
    pub(crate) fn header<'h>(head: &'h Value, name: &str) -> Vec<&'h str> {
        let lines = head.get("headers").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let text = |line: &'h Value, key: &str| line.get(key).and_then(Value::as_str);
        let named = lines.iter().filter(|line| text(line, "name").is_some_and(|it| it.eq_ignore_ascii_case(name)));
        named.filter_map(|line| text(line, "value")).flat_map(|value| value.split(',')).map(str::trim).collect()
    }
}

/// Every connection of a Trace.
pub(super) fn all(trace: &Trace) -> Vec<ConnectionSeen<'_>> {
    let mut connections: Vec<ConnectionSeen<'_>> = Vec::new();
    for (index, event) in trace.events.iter().enumerate() {
        let What::Connection { connection, state, details } = &event.what else { continue };
        let entry = (index, event, *state, details);
        match connections.iter_mut().find(|seen| seen.number == *connection) {
            Some(seen) => seen.events.push(entry),
            None => connections.push(ConnectionSeen { number: *connection, events: vec![entry] }),
        }
    }
    connections
}
