//! What a decoded Record carries.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::record::{
    Record,
    record::{PayloadSecurity, RecordType},
    session_context_record::PayloadSarState,
};

/// The member of `record_type` that a Record has; the names are those of the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names are the standard's own")]
pub enum RecordKind {
    NoSessionContext,
    SessionContext,
    WebsocketConnect,
    MqttConnect,
    StompConnect,
    Disconnect,
    UdsConnect,
}

impl RecordKind {
    /// The field of `Record.record_type`.
    pub const fn field(self) -> &'static str {
        match self {
            Self::NoSessionContext => "no_session_context",
            Self::SessionContext => "session_context",
            Self::WebsocketConnect => "websocket_connect",
            Self::MqttConnect => "mqtt_connect",
            Self::StompConnect => "stomp_connect",
            Self::Disconnect => "disconnect",
            Self::UdsConnect => "uds_connect",
        }
    }

    /// Whether it announces an Endpoint on an MTP, and carries no Message.
    pub const fn is_connect(self) -> bool {
        matches!(self, Self::WebsocketConnect | Self::MqttConnect | Self::StompConnect | Self::UdsConnect)
    }
}

/// Which member of `record_type` is set; `None` if none is (against R-ENC.3).
pub const fn record_kind(record: &Record) -> Option<RecordKind> {
    match &record.record_type {
        None => None,
        Some(RecordType::NoSessionContext(_)) => Some(RecordKind::NoSessionContext),
        Some(RecordType::SessionContext(_)) => Some(RecordKind::SessionContext),
        Some(RecordType::WebsocketConnect(_)) => Some(RecordKind::WebsocketConnect),
        Some(RecordType::MqttConnect(_)) => Some(RecordKind::MqttConnect),
        Some(RecordType::StompConnect(_)) => Some(RecordKind::StompConnect),
        Some(RecordType::Disconnect(_)) => Some(RecordKind::Disconnect),
        Some(RecordType::UdsConnect(_)) => Some(RecordKind::UdsConnect),
    }
}

/// What the payload of a Record is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payload<'a> {
    /// The Record carries no payload: connect and disconnect Records, and session context Records that only
    /// acknowledge or ask for a retransmission.
    None,
    /// The bytes of one whole USP Message.
    Message(Cow<'a, [u8]>),
    /// A part of a Message: the session context's segmentation is in use.
    Segment(Cow<'a, [u8]>),
    /// TLS records, to be opened before anything can be said about the Message. Each instance of the repeated payload
    /// field is kept apart.
    Tls(Vec<&'a [u8]>),
}

impl<'a> Payload<'a> {
    /// The Message's bytes, where the Record alone has all of them in the clear.
    pub fn message(self) -> Option<Cow<'a, [u8]>> {
        match self {
            Self::Message(bytes) => Some(bytes),
            Self::None | Self::Segment(_) | Self::Tls(_) => None,
        }
    }
}

/// The payload of a Record, as far as this Record alone tells.
///
/// `payload_security` counts in a session context only: Records without one cannot hold TLS records, and are read as
/// plain even where the field says otherwise.
pub fn payload(record: &Record) -> Payload<'_> {
    match &record.record_type {
        Some(RecordType::NoSessionContext(plain)) => Payload::Message(Cow::Borrowed(&plain.payload)),
        Some(RecordType::SessionContext(session)) => {
            let parts: Vec<_> = session.payload.iter().map(Vec::as_slice).collect();
            if parts.iter().all(|part| part.is_empty()) {
                Payload::None
            } else if record.payload_security() != PayloadSecurity::Plaintext {
                Payload::Tls(parts)
            } else if session.payload_sar_state() == PayloadSarState::None {
                Payload::Message(joined(&parts))
            } else {
                Payload::Segment(joined(&parts))
            }
        }
        _ => Payload::None,
    }
}

fn joined<'a>(parts: &[&'a [u8]]) -> Cow<'a, [u8]> {
    match parts {
        [single] => Cow::Borrowed(single),
        several => Cow::Owned(several.concat()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{NoSessionContextRecord, SessionContextRecord, WebSocketConnectRecord};

    fn record(record_type: RecordType) -> Record {
        Record { record_type: Some(record_type), ..Record::default() }
    }

    fn session(payload: &[&[u8]], state: PayloadSarState) -> Record {
        let payload = payload.iter().map(|part| part.to_vec()).collect();
        let context = SessionContextRecord { payload, payload_sar_state: state.into(), ..Default::default() };
        record(RecordType::SessionContext(context))
    }

    #[test]
    fn a_message_is_taken_out_of_either_context() {
        let plain = record(RecordType::NoSessionContext(NoSessionContextRecord { payload: vec![1, 2] }));
        assert_eq!(payload(&plain).message().as_deref(), Some(&[1, 2][..]));
        let whole = session(&[&[1], &[2]], PayloadSarState::None);
        assert_eq!(payload(&whole).message().as_deref(), Some(&[1, 2][..]));
    }

    #[test]
    fn a_part_is_no_message() {
        let part = session(&[&[1]], PayloadSarState::Begin);
        assert_eq!(payload(&part), Payload::Segment(Cow::Borrowed(&[1])));
        assert_eq!(payload(&session(&[], PayloadSarState::None)), Payload::None);
        let mut sealed = session(&[&[1], &[2]], PayloadSarState::None);
        sealed.set_payload_security(PayloadSecurity::Tls12);
        assert_eq!(payload(&sealed), Payload::Tls(vec![&[1], &[2]]));
    }

    #[test]
    fn a_connect_record_has_none() {
        let connect = record(RecordType::WebsocketConnect(WebSocketConnectRecord {}));
        assert_eq!(payload(&connect), Payload::None);
        assert_eq!(record_kind(&connect), Some(RecordKind::WebsocketConnect));
        assert_eq!(record_kind(&Record::default()), None);
    }
}
