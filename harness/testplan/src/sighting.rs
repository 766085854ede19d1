//! What an event of a Trace shows, as JSON: what patterns on events of the MTP are held against, and what is captured from them.
//!
//! One decision behind it: runner and judge hold the same pattern against the same value, made here from the same events.

use serde_json::{Map, Value, json};
use uspec_usp::json::record_to_value;

use crate::trace::{ConnectionState, Event, What};

/// How many octets of a Close frame's payload are its status code (RFC 6455 section 5.5.1).
const CLOSE_CODE: usize = 2;

/// What a connection attempt can show.
pub(crate) const ATTEMPT: &[&str] = &["tls"];
/// What an open connection can show.
pub(crate) const CONNECTED: &[&str] = &["tls", "subprotocol", "extension", "eid", "client_id", "subscriptions"];
/// What the end of a connection can show.
pub(crate) const DISCONNECTED: &[&str] = &["by", "code", "reason", "clean"];
/// What a frame can show.
pub(crate) const FRAME: &[&str] = &["kind", "fin", "payload", "payload_hex", "code", "reason"];

/// What the event at `index` shows; `None` for one that no step can await. `tls` says whether the MTP is protected by TLS.
///
/// | event | shows |
/// | --- | --- |
/// | connection attempt | `{tls}` |
/// | open connection | `{tls: {…}, subprotocol, extension, eid, client_id, subscriptions: […]}`; what was not there is absent |
/// | end of a connection | `{by: us, peer or broken, code, reason, clean}` |
/// | frame | `{kind, fin, payload, payload_hex, code, reason}`; the last two of a Close frame |
/// | packet | its fields, and `{kind, body, body_hex}`; what was not on the wire is absent |
/// | Record | the Record, as patterns see it |
pub fn sighting(events: &[Event], index: usize, tls: bool) -> Option<Value> {
    let event = events.get(index)?;
    match &event.what {
        What::Connection { state: ConnectionState::Attempt, .. } => Some(json!({ "tls": tls })),
        What::Connection { connection, state: ConnectionState::Open, details } => {
            Some(open(events.get(..index).unwrap_or_default(), *connection, details))
        }
        What::Connection { state: ConnectionState::Closed | ConnectionState::Failed, details, .. } => {
            Some(end(details))
        }
        What::Frame { kind, fin, payload, .. } => Some(frame(kind, *fin, payload)),
        What::Packet { kind, fields, body, .. } => Some(packet(kind, fields, body)),
        What::Record { bytes, .. } => record_to_value(bytes).ok(),
        _ => None,
    }
}

/// An open connection, with what its handshakes told before.
fn open(before: &[Event], connection: u32, details: &Value) -> Value {
    let mut shown = Map::new();
    let session = details.get("open").unwrap_or(details);
    let of_it = |wanted: ConnectionState| {
        before.iter().rev().find_map(move |event| match &event.what {
            What::Connection { connection: number, state, details } if *number == connection && *state == wanted => {
                Some(details)
            }
            _ => None,
        })
    };
    if let Some(tls) = of_it(ConnectionState::Tls) {
        let mut tls = tls.get("tls_established").unwrap_or(tls).clone();
        drop_nulls(&mut tls);
        shown.insert("tls".to_owned(), tls);
    }
    let mut put = |key: &str, value: Option<&Value>| {
        if let Some(value) = value.filter(|value| !value.is_null()) {
            shown.insert(key.to_owned(), value.clone());
        }
    };
    put("subprotocol", session.get("subprotocol"));
    put("extension", session.get("eid_in_extension"));
    let in_query = session.get("eid_in_query").filter(|value| !value.is_null());
    let anywhere = session.get("eid").filter(|value| !value.is_null());
    put("eid", anywhere.or(in_query).or_else(|| session.get("eid_in_extension")));
    put("client_id", session.get("client_id"));
    put("subscriptions", session.get("subscriptions"));
    Value::Object(shown)
}

/// What is not there is absent, as in Messages.
fn drop_nulls(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        Value::Object(fields) => {
            fields.retain(|_, inner| !inner.is_null());
            fields.values_mut().for_each(drop_nulls);
        }
        _ => {}
    }
}

/// How a connection ended. What has no close of its own broke.
fn end(details: &Value) -> Value {
    if let Some(closing) = details.get("closed") {
        let mut shown = closing.clone();
        drop_nulls(&mut shown);
        return shown;
    }
    if let Some(ended) = details.get("stream_ended") {
        let by = ended.get("by").cloned().unwrap_or_else(|| json!("broken"));
        return json!({"by": by, "reason": "", "clean": false});
    }
    let reason = details.pointer("/failed/text").or_else(|| details.get("text")).cloned().unwrap_or_else(|| json!(""));
    json!({"by": "broken", "reason": reason, "clean": false})
}

fn frame(kind: &str, fin: bool, payload: &[u8]) -> Value {
    let mut shown = json!({
        "kind": kind,
        "fin": fin,
        "payload": String::from_utf8_lossy(payload),
        "payload_hex": hex::encode(payload),
    });
    if kind == "close"
        && let Some(fields) = shown.as_object_mut()
        && let Some((code, reason)) = payload.split_at_checked(CLOSE_CODE)
    {
        let code = code.iter().fold(0u16, |code, octet| (code << 8) | u16::from(*octet));
        fields.insert("code".to_owned(), json!(code));
        fields.insert("reason".to_owned(), json!(String::from_utf8_lossy(reason)));
    }
    shown
}

/// A packet with everything that was in it.
pub(crate) fn packet(kind: &str, fields: &Value, body: &[u8]) -> Value {
    let mut shown = fields.as_object().cloned().unwrap_or_default();
    shown.insert("kind".to_owned(), json!(kind));
    shown.insert("body".to_owned(), json!(String::from_utf8_lossy(body)));
    shown.insert("body_hex".to_owned(), json!(hex::encode(body)));
    Value::Object(shown)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::trace::Direction;

    fn connection(state: ConnectionState, details: Value) -> What {
        What::Connection { connection: 2, state, details }
    }

    fn shown(whats: Vec<What>) -> Value {
        let events: Vec<_> = (0..).zip(whats).map(|(seq, what)| Event { seq, at_us: seq, what }).collect();
        sighting(&events, events.len() - 1, true).unwrap()
    }

    #[test]
    fn an_open_connection_shows_its_own_handshakes() {
        let other = What::Connection { connection: 1, state: ConnectionState::Tls, details: json!({"a": 1}) };
        let tls = connection(
            ConnectionState::Tls,
            json!({"tls_established": {"version": "TLSv1.3", "peer_certificate": null}}),
        );
        let open = connection(
            ConnectionState::Open,
            json!({"open": {"eid_in_query": null, "eid_in_extension": "os::1", "subprotocol": "v1.usp"}}),
        );
        assert_eq!(
            shown(vec![tls, other.clone(), open.clone()]),
            json!({"tls": {"version": "TLSv1.3"}, "subprotocol": "v1.usp", "extension": "os::1", "eid": "os::1"})
        );
        assert_eq!(shown(vec![other, open]), json!({"subprotocol": "v1.usp", "extension": "os::1", "eid": "os::1"}));
    }

    #[rstest]
    #[case::attempt(connection(ConnectionState::Attempt, json!({"attempt": {}})), json!({"tls": true}))]
    #[case::closed(
        connection(ConnectionState::Closed, json!({"closed": {"by": "peer", "code": 1000, "reason": "", "clean": true}})),
        json!({"by": "peer", "code": 1000, "reason": "", "clean": true})
    )]
    #[case::closed_without_a_frame(
        connection(ConnectionState::Closed, json!({"closed": {"by": "broken", "code": null, "reason": "reset", "clean": false}})),
        json!({"by": "broken", "reason": "reset", "clean": false})
    )]
    #[case::failed(
        connection(ConnectionState::Failed, json!({"failed": {"kind": "timeout", "text": "no answer"}})),
        json!({"by": "broken", "reason": "no answer", "clean": false})
    )]
    fn connections_show_what_became_of_them(#[case] what: What, #[case] expected: Value) {
        assert_eq!(shown(vec![what]), expected);
    }

    #[test]
    fn a_session_over_a_broker_shows_whose_it_is() {
        let open = json!({"open": {"eid": "os::1", "eid_in_query": null, "client_id": "c", "subscriptions": ["a/#"]}});
        let expected = json!({"eid": "os::1", "client_id": "c", "subscriptions": ["a/#"]});
        assert_eq!(shown(vec![connection(ConnectionState::Open, open)]), expected);
    }

    #[test]
    fn a_packet_shows_its_fields_and_its_body() {
        let (fields, body) = (json!({"topic": "a/b", "qos": 1}), vec![0x68, 0xff]);
        let packet =
            What::Packet { connection: 1, direction: Direction::Received, kind: "PUBLISH".into(), fields, body };
        let expected = json!({"kind": "PUBLISH", "topic": "a/b", "qos": 1, "body": "h\u{fffd}", "body_hex": "68ff"});
        assert_eq!(shown(vec![packet]), expected);
    }

    #[rstest]
    #[case("ping", b"hi".as_slice(), json!({"kind": "ping", "fin": true, "payload": "hi", "payload_hex": "6869"}))]
    #[case("close", b"\x03\xebno".as_slice(), json!({
        "kind": "close", "fin": true, "payload": "\u{3}\u{fffd}no", "payload_hex": "03eb6e6f", "code": 1003, "reason": "no"
    }))]
    #[case("close", b"\x03".as_slice(), json!({"kind": "close", "fin": true, "payload": "\u{3}", "payload_hex": "03"}))]
    fn frames_show_their_payload(#[case] kind: &str, #[case] payload: &[u8], #[case] expected: Value) {
        let frame = What::Frame {
            connection: 1,
            direction: Direction::Received,
            kind: kind.to_owned(),
            fin: true,
            payload: payload.to_vec(),
        };
        assert_eq!(shown(vec![frame]), expected);
    }
}
