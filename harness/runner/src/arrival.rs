//! What a Record that came in is, as far as the Controller must know it to act. Lenient: judging the bytes is somebody else's work.

use serde_json::{Map, Value, json};
use uspec_usp::{
    decode::{RecordKind, payload, record_kind},
    json::{message_to_value, record_to_value},
    msg::{Msg, body::MsgBody, header::MsgType, request::ReqType},
    record::Record,
};

/// A received Record: who it is from and for, and what it carries.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Arrival {
    /// `from_id`; empty when the bytes are no Record.
    pub(crate) from: String,
    /// `to_id`.
    pub(crate) to: String,
    /// `version`.
    pub(crate) version: String,
    /// Which member of `record_type` it has.
    pub(crate) kind: Option<RecordKind>,
    /// What it carries.
    pub(crate) content: Carried,
    /// The Record and its Message, for people.
    pub(crate) decoded: Value,
}

/// What a Record carries.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Carried {
    /// A Connect Record (R-MTP.6): the Endpoint announces itself.
    Connect,
    /// A Response or an Error.
    Answer {
        /// What it answers.
        msg_id: String,
        /// The Response's or Error's own fields.
        body: Value,
        /// Whether it is an Error.
        is_error: bool,
    },
    /// A Notification.
    Notify {
        /// Its id.
        msg_id: String,
        /// The Subscription that it is for.
        subscription_id: String,
        /// Whether it wants a Notify Response.
        send_resp: bool,
        /// The Notify's fields.
        body: Value,
    },
    /// Anything else: another Request, a Disconnect Record, bytes that cannot be decoded.
    Other,
}

impl Arrival {
    /// Reads what came in. Total: whatever the bytes are, there is an arrival.
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let decoded = describe(bytes);
        let Ok(record) = <Record as prost::Message>::decode(bytes) else {
            let nobody = String::new;
            let content = Carried::Other;
            return Self { from: nobody(), to: nobody(), version: nobody(), kind: None, content, decoded };
        };
        let kind = record_kind(&record);
        let content = match kind {
            Some(kind) if kind.is_connect() => Carried::Connect,
            _ => carried(&record, decoded.get("message")),
        };
        Self { from: record.from_id, to: record.to_id, version: record.version, kind, content, decoded }
    }
}

/// A Record and its Message as JSON, for people; the payload stands there once, decoded.
pub(crate) fn describe(bytes: &[u8]) -> Value {
    let mut shown = Map::new();
    let record = <Record as prost::Message>::decode(bytes);
    match (record_to_value(bytes), record) {
        (Ok(mut value), Ok(record)) => {
            if let Some(message) = payload(&record).message() {
                shown.insert("message".to_owned(), shown_message(&message));
                hide_payload(&mut value, record_kind(&record), message.len());
            }
            shown.insert("record".to_owned(), value);
        }
        (Err(error), _) => drop(shown.insert("undecodable_record".to_owned(), json!(error.to_string()))),
        (_, Err(error)) => drop(shown.insert("undecodable_record".to_owned(), json!(error.to_string()))),
    }
    Value::Object(shown)
}

fn shown_message(bytes: &[u8]) -> Value {
    message_to_value(bytes).unwrap_or_else(|error| json!({"undecodable_message": error.to_string()}))
}

fn hide_payload(record: &mut Value, kind: Option<RecordKind>, octets: usize) {
    let Some(inner) = kind.and_then(|kind| record.get_mut(kind.field())) else { return };
    if let Some(payload) = inner.get_mut("payload") {
        *payload = json!(format!("{octets} bytes, see message"));
    }
}

fn carried(record: &Record, shown: Option<&Value>) -> Carried {
    let Some(message) = payload(record).message().and_then(|bytes| <Msg as prost::Message>::decode(&*bytes).ok())
    else {
        return Carried::Other;
    };
    let header = message.header.unwrap_or_default();
    let field = |path: &str| shown.and_then(|shown| shown.pointer(path)).cloned().unwrap_or(Value::Null);
    match message.body.and_then(|body| body.msg_body) {
        Some(MsgBody::Request(request)) => match request.req_type {
            Some(ReqType::Notify(notify)) => Carried::Notify {
                msg_id: header.msg_id,
                subscription_id: notify.subscription_id,
                send_resp: notify.send_resp,
                body: field("/body/request/notify"),
            },
            _ => Carried::Other,
        },
        Some(MsgBody::Response(_)) => {
            let body = field("/body/response").as_object().and_then(|response| response.values().next().cloned());
            Carried::Answer { msg_id: header.msg_id, body: body.unwrap_or(Value::Null), is_error: false }
        }
        Some(MsgBody::Error(_)) => {
            Carried::Answer { msg_id: header.msg_id, body: field("/body/error"), is_error: true }
        }
        // Without a body only the header tells whether it was meant as an answer.
        None if is_answer(header.msg_type) => {
            let is_error = header.msg_type == i32::from(MsgType::Error);
            Carried::Answer { msg_id: header.msg_id, body: Value::Null, is_error }
        }
        None => Carried::Other,
    }
}

/// `ERROR` is also the default of a header that says nothing; with a `msg_id` of ours it is an answer all the same.
fn is_answer(msg_type: i32) -> bool {
    MsgType::try_from(msg_type)
        .is_ok_and(|msg_type| msg_type.as_str_name().ends_with("_RESP") || msg_type == MsgType::Error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outgoing::plain_record;
    use rstest::rstest;
    use uspec_usp::{
        json::build_message,
        schema::{Content, MessageKind},
    };

    fn record(content: Content, body: &Value) -> Vec<u8> {
        let message = build_message(content, "m1", body).unwrap();
        plain_record("1.3", "self::us", "self::eut", prost::Message::encode_to_vec(&message))
    }

    #[test]
    fn an_answer_is_known_by_its_msg_id() {
        let arrival = Arrival::read(&record(Content::Response(MessageKind::Get), &json!({"req_path_results": []})));
        assert_eq!(
            (arrival.from.as_str(), arrival.to.as_str(), arrival.version.as_str()),
            ("self::eut", "self::us", "1.3")
        );
        let Carried::Answer { msg_id, body, is_error } = arrival.content else { panic!("{arrival:?}") };
        assert_eq!((msg_id.as_str(), body, is_error), ("m1", json!({"req_path_results": []}), false));
        assert_eq!(arrival.decoded["message"]["header"]["msg_type"], "GET_RESP");
    }

    #[test]
    fn an_error_is_an_answer() {
        let arrival = Arrival::read(&record(Content::Error, &json!({"err_code": 7004})));
        assert!(matches!(arrival.content, Carried::Answer { is_error: true, .. }), "{arrival:?}");
    }

    #[test]
    fn a_request_with_our_msg_id_is_no_answer() {
        let arrival = Arrival::read(&record(Content::Request(MessageKind::Get), &json!({"param_paths": ["Device."]})));
        assert_eq!(arrival.content, Carried::Other);
    }

    #[test]
    fn a_notify_is_known_by_its_subscription() {
        let body = json!({"subscription_id": "s", "send_resp": true, "event": {"event_name": "Boot!"}});
        let arrival = Arrival::read(&record(Content::Request(MessageKind::Notify), &body));
        let Carried::Notify { subscription_id, send_resp, body, .. } = arrival.content else { panic!("{arrival:?}") };
        assert!(send_resp);
        assert_eq!(subscription_id, "s");
        assert_eq!(body["event"]["event_name"], "Boot!");
    }

    #[rstest]
    #[case(&[])]
    #[case(&[0xff, 0xff, 0xff])]
    #[case(&[0x0a, 0x7f])]
    #[case(&[0x3a, 0x04, 0x12, 0x02, 0xff, 0xff])]
    fn garbage_is_an_arrival_too(#[case] bytes: &[u8]) {
        assert_eq!(Arrival::read(bytes).content, Carried::Other);
    }
}
