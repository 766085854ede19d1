//! What each event of a Trace is called in a diagram, and what it says in a few words.
//!
//! One decision behind it: as with [`exchange`](crate::exchange), the words are read and never judged; they are short whatever the Trace
//! holds, and nothing in them can act on a terminal.

use serde_json::Value;

use crate::{
    exchange::{brief, gist, is_empty},
    show, sighting,
    trace::{ConnectionState, Trace, What},
    view::View,
};

/// How many characters a caption's text has at most.
const MAX_SAID: usize = 160;

/// How many characters a msg_id has at most.
const MAX_ID: usize = 60;

/// A caption.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caption {
    /// What it is: `AddResp`, `PUBACK`, `close frame 1003`, `closed`.
    pub name: String,
    /// What it says; may be empty.
    pub said: String,
    /// The msg_id of the Message in it.
    pub msg_id: Option<String>,
}

/// A caption for each event that crosses a connection or happens to one, at the event's place; `None` for every other event.
pub fn captions(trace: &Trace) -> Vec<Option<Caption>> {
    let mut captions: Vec<_> = (0..trace.events.len()).map(|index| caption(trace, index)).collect();
    for record in View::new(trace).records {
        if let Some(place) = captions.get_mut(record.index) {
            let msg_id = record.msg_id().map(|id| show::cut_at(id, MAX_ID));
            let said = gist(&record).trim_start_matches(": ").to_owned();
            *place = Some(Caption { name: record.name(), said, msg_id });
        }
    }
    captions
}

fn caption(trace: &Trace, index: usize) -> Option<Caption> {
    let (name, said) = match &trace.events.get(index)?.what {
        What::Frame { kind, .. } => frame(kind, &sighting::sighting(&trace.events, index, false)?),
        What::Packet { kind, fields, .. } => (show::cut_at(kind, MAX_ID), words(fields)),
        What::Connection { state, details, .. } => (state_word(*state).to_owned(), words(inner(details))),
        _ => return None,
    };
    Some(Caption { name, said, msg_id: None })
}

fn frame(kind: &str, shown: &Value) -> (String, String) {
    let text = |key: &str| shown.get(key).and_then(Value::as_str).unwrap_or_default();
    let kind = show::cut_at(kind, MAX_ID);
    match (kind.as_str(), shown.get("code").and_then(Value::as_u64)) {
        ("binary" | "continuation", _) => (format!("{kind} frame"), String::new()),
        ("close", Some(code)) => (format!("close frame {code}"), show::cut_at(text("reason"), MAX_SAID)),
        _ => (format!("{kind} frame"), show::cut_at(text("payload"), MAX_SAID)),
    }
}

/// The details of a connection's event stand under one key that repeats its state.
fn inner(details: &Value) -> &Value {
    match details.as_object().filter(|fields| fields.len() == 1).and_then(|fields| fields.values().next()) {
        Some(inner) if inner.is_object() => inner,
        _ => details,
    }
}

fn words(value: &Value) -> String {
    if is_empty(value) { String::new() } else { show::cut_at(&brief(value), MAX_SAID) }
}

const fn state_word(state: ConnectionState) -> &'static str {
    match state {
        ConnectionState::Listening => "listening",
        ConnectionState::Attempt => "connection attempt",
        ConnectionState::Tls => "TLS",
        ConnectionState::Handshake => "handshake",
        ConnectionState::Open => "open",
        ConnectionState::Closed => "closed",
        ConnectionState::Failed => "failed",
        ConnectionState::Oversized => "too large a message",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uspec_usp::schema::MessageKind;

    use super::*;
    use crate::{testing::Story, trace::Direction};

    #[test]
    fn what_crosses_a_connection_or_happens_to_one_has_a_caption() {
        let packet = What::Packet {
            connection: 1,
            direction: Direction::Received,
            kind: "PUBACK".to_owned(),
            fields: json!({"packet_id": 7}),
            body: Vec::new(),
        };
        let close = What::Frame {
            connection: 1,
            direction: Direction::Received,
            kind: "close".to_owned(),
            fin: true,
            payload: b"\x03\xebno\x1b".to_vec(),
        };
        let story = Story::new()
            .connection(1, ConnectionState::Closed, json!({"closed": {"by": "peer", "code": 1000}}))
            .ask("get", MessageKind::Get, json!({"param_paths": ["Device."]}))
            .receive(vec![0xff])
            .event(packet)
            .event(close);
        let seen: Vec<_> =
            captions(&story.trace).into_iter().flatten().map(|it| (it.name, it.said, it.msg_id)).collect();
        let expected = [
            ("closed", r#"{by: "peer", code: 1000}"#, None),
            ("Get", r#"{param_paths: ["Device."]}"#, Some("m1")),
            ("bytes that are no Record", "ff", None),
            ("PUBACK", "{packet_id: 7}", None),
            ("close frame 1003", r"no\u{1b}", None),
        ];
        let expected = expected.map(|(name, said, id)| (name.to_owned(), said.to_owned(), id.map(str::to_owned)));
        assert_eq!(seen, expected);
    }

    #[test]
    fn a_caption_is_short_whatever_was_sent() {
        let long = "x".repeat(5_000);
        let story = Story::new().ask("get", MessageKind::Get, json!({"param_paths": [long]})).connection(
            1,
            ConnectionState::Failed,
            json!({"failed": {"text": long}}),
        );
        for caption in captions(&story.trace).into_iter().flatten() {
            assert!(caption.said.chars().count() < 2 * MAX_SAID, "{caption:?}");
        }
    }
}
