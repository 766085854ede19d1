//! A Record comes in: is it one, is it for this Agent, who sent it, and is there a Message in it (R-MTP.5, R-ARC.2, R-ENC.2 to
//! R-ENC.5).

use super::{Action, ConnectionId, Core, NORMAL, UNSUPPORTED_DATA};
use crate::errors::{Failure, code};
use crate::faults::Fault;
use crate::store::RowKey;
use prost::Message as _;
use tokio::time::Instant;
use uspec_usp::decode::{Decoded, IrregularityKind, decode_message, decode_record};
use uspec_usp::msg::{self, Msg, body::MsgBody};
use uspec_usp::record::{NoSessionContextRecord, Record, record::PayloadSecurity, record::RecordType};

/// Where a Record came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Over which connection.
    pub connection: ConnectionId,
    /// Over MQTT and STOMP: where its answer is wanted (R-MQTT.25, R-MQTT.26, R-STOMP.23).
    pub reply_to: Option<String>,
}

impl From<ConnectionId> for Source {
    fn from(connection: ConnectionId) -> Self {
        Self { connection, reply_to: None }
    }
}

/// Where an answer goes.
#[derive(Debug, Clone)]
pub(super) struct Sender {
    pub(super) source: Source,
    pub(super) endpoint_id: String,
    pub(super) row: RowKey,
}

/// A Message of which the header alone is read, for a Message whose body cannot be.
#[derive(Clone, PartialEq, prost::Message)]
struct HeaderOnly {
    #[prost(message, optional, tag = "1")]
    header: Option<msg::Header>,
}

impl Core {
    /// A Record arrived over a connection.
    pub fn handle_record(&mut self, now: Instant, source: impl Into<Source>, bytes: &[u8]) -> Vec<Action> {
        let source = source.into();
        self.store.uptime = self.clock.uptime(now);
        let Decoded { value, irregularities, .. } = decode_record(bytes);
        let Some(record) = value else { return self.malformed(&source) };
        if irregularities.iter().any(|found| breaks_oneof(&found.kind)) {
            return Vec::new();
        }
        if self.faults().has(Fault::WrongVersionIgnored)
            && !matches!(record.version.as_str(), "1.0" | "1.1" | "1.2" | "1.3" | "1.4" | "1.5")
        {
            return Vec::new();
        }
        let Some(sender) = self.sender(now, source, &record) else { return Vec::new() };
        // R-MTP.8: nothing goes out before the Connect Record.
        let mut actions = self.greet(now);
        actions.append(&mut match payload(&record) {
            Payload::None => Vec::new(),
            Payload::Message(bytes) => self.message(now, &sender, bytes),
            Payload::Refused(bytes, failure) => self.refuse_payload(&sender, &bytes, failure),
        });
        actions.append(&mut self.tick(now));
        actions
    }

    /// Over MQTT and STOMP such a Record is dropped (R-MTP.5); on other MTPs the connection ends (R-WS.16, R-UDS.23).
    fn malformed(&self, source: &Source) -> Vec<Action> {
        let faults = self.faults();
        if faults.has(Fault::MalformedRecordIgnored) {
            return Vec::new();
        }
        let Some(link) = self.links.get(&source.connection) else {
            let reason = "the Record cannot be extracted";
            let early = Action::Close { connection: source.connection, code: UNSUPPORTED_DATA, reason };
            return if faults.has(Fault::UdsTakesEarlyRecords) { vec![early] } else { Vec::new() };
        };
        if faults.has(Fault::MalformedRecordAnswered) {
            return link.peer.iter().map(|peer| self.answer_malformed(source, peer)).collect();
        }
        if link.channel.is_brokered() && !faults.has(Fault::MalformedRecordEndsSession) {
            return Vec::new();
        }
        let code = if faults.has(Fault::MalformedRecordClosesNormally) { NORMAL } else { UNSUPPORTED_DATA };
        vec![Action::Close { connection: source.connection, code, reason: "the Record cannot be extracted" }]
    }

    /// What no Agent should do: a GetResp that nobody asked for.
    fn answer_malformed(&self, source: &Source, peer: &str) -> Action {
        let resp_type = Some(msg::response::RespType::GetResp(msg::GetResp::default()));
        let body = MsgBody::Response(msg::Response { resp_type });
        let answer = envelope("unasked".to_owned(), body);
        self.send_back(source, peer, &answer)
    }

    /// Who sent the Record, when it is for this Agent and from a Controller that it knows.
    fn sender(&mut self, now: Instant, source: Source, record: &Record) -> Option<Sender> {
        let connection = source.connection;
        let for_us = record.to_id == self.config.endpoint_id || self.faults().has(Fault::RepliesToForeignToId);
        if !for_us {
            return None;
        }
        let asks = !matches!(payload(record), Payload::None);
        let claims_to_be_us = record.from_id == self.config.endpoint_id;
        let row = if claims_to_be_us { None } else { self.identify(now, connection, &record.from_id, asks) };
        let fault = if claims_to_be_us { Fault::RepliesToOwnFromId } else { Fault::RepliesToUnknownController };
        let anyone = || self.store.all_of("Device.LocalAgent.Controller.{i}.").into_iter().next();
        let row = row.or_else(|| if self.faults().has(fault) { anyone() } else { None })?;
        let endpoint_id = record.from_id.clone();
        if let Some(link) = self.links.get_mut(&connection) {
            link.peer.get_or_insert_with(|| endpoint_id.clone());
        }
        Some(Sender { source, endpoint_id, row })
    }

    fn message(&mut self, now: Instant, sender: &Sender, bytes: &[u8]) -> Vec<Action> {
        let invalid = |text: &str| Failure::new(code::INVALID_ARGUMENTS, text);
        let Decoded { value, irregularities, .. } = decode_message(bytes);
        let Some(message) = value else {
            return self.refuse_payload(sender, bytes, invalid("the Message cannot be decoded"));
        };
        if irregularities.iter().any(|found| breaks_oneof(&found.kind)) {
            return self.refuse_payload(sender, bytes, invalid("a oneof of the Message is not there exactly once"));
        }
        if irregularities.iter().any(|found| matches!(found.kind, IrregularityKind::UnknownEnumValue { .. })) {
            return self.refuse_payload(sender, bytes, invalid("an enumeration has no known value"));
        }
        let Some(header) = message.header.filter(|header| !header.msg_id.is_empty()) else { return Vec::new() };
        match message.body.and_then(|body| body.msg_body) {
            Some(MsgBody::Request(msg::Request { req_type: Some(request) })) => {
                self.dispatch(now, sender, &header.msg_id, &request)
            }
            Some(MsgBody::Response(response)) => {
                self.response(now, sender, &header.msg_id, response.resp_type.as_ref());
                Vec::new()
            }
            // An Error about a notification does not deliver it: it is retried like an unanswered one.
            Some(MsgBody::Error(_)) => Vec::new(),
            // Without a body there is no Request to answer; the oneof has been looked at above.
            Some(MsgBody::Request(_)) | None => {
                self.refuse_payload(sender, bytes, invalid("the Message has no Request"))
            }
        }
    }

    /// An Error about a Message that is not processed, when it is a Request and its msg_id can be read (R-MTP.5).
    fn refuse_payload(&self, sender: &Sender, bytes: &[u8], failure: Failure) -> Vec<Action> {
        let header = HeaderOnly::decode(bytes).ok().and_then(|message| message.header);
        match header {
            Some(header) if !header.msg_id.is_empty() && is_request(header.msg_type) => {
                self.refuse(sender, header.msg_id, failure)
            }
            _ => Vec::new(),
        }
    }

    fn refuse(&self, sender: &Sender, msg_id: String, failure: Failure) -> Vec<Action> {
        if self.faults().has(Fault::UndecodableMessageIgnored) {
            return Vec::new();
        }
        let error = crate::messages::Refusal::from(failure).into_error();
        vec![self.reply(sender, &envelope(msg_id, MsgBody::Error(error)))]
    }

    /// Sends a Message back the way that its Request came (R-MSG.0a).
    pub(super) fn reply(&self, sender: &Sender, message: &Msg) -> Action {
        self.send_back(&sender.source, &sender.endpoint_id, message)
    }

    fn send_back(&self, source: &Source, peer: &str, message: &Msg) -> Action {
        match self.send(source.connection, peer, no_session(message)) {
            Action::Send { connection, record, to: _ } => {
                Action::Send { connection, to: source.reply_to.clone(), record }
            }
            other => other,
        }
    }
}

/// What a Record carries.
enum Payload<'a> {
    None,
    Message(&'a [u8]),
    Refused(Vec<u8>, Failure),
}

fn payload(record: &Record) -> Payload<'_> {
    match &record.record_type {
        Some(RecordType::NoSessionContext(context)) => match PayloadSecurity::try_from(record.payload_security) {
            Ok(PayloadSecurity::Plaintext) => Payload::Message(&context.payload),
            Ok(PayloadSecurity::Tls12) => {
                let failure = Failure::new(code::SECURE_SESSION_NOT_SUPPORTED, "payload security is not supported");
                Payload::Refused(context.payload.clone(), failure)
            }
            Err(_) => {
                let failure = Failure::new(code::INVALID_RECORD_VALUE, "payload_security has no known value");
                Payload::Refused(context.payload.clone(), failure)
            }
        },
        Some(RecordType::SessionContext(context)) => {
            let failure = Failure::new(code::SESSION_CONTEXT_NOT_ALLOWED, "Session Contexts are not supported");
            Payload::Refused(context.payload.concat(), failure)
        }
        // Connect and Disconnect Records ask for nothing; a Record without its oneof is discarded (R-ENC.4).
        _ => Payload::None,
    }
}

/// R-ENC.3: a oneof has exactly one of its members.
fn breaks_oneof(kind: &IrregularityKind) -> bool {
    match kind {
        IrregularityKind::SecondOneofMember { .. } | IrregularityKind::MissingOneofMember { .. } => true,
        IrregularityKind::RepeatedSingularField { in_oneof } => *in_oneof,
        _ => false,
    }
}

fn is_request(msg_type: i32) -> bool {
    use msg::header::MsgType;
    let requests = [
        MsgType::Get,
        MsgType::Set,
        MsgType::Add,
        MsgType::Delete,
        MsgType::Operate,
        MsgType::GetInstances,
        MsgType::GetSupportedDm,
        MsgType::GetSupportedProto,
        MsgType::Notify,
        MsgType::Register,
        MsgType::Deregister,
    ];
    // A type of a later version may well be a Request.
    MsgType::try_from(msg_type).map_or(true, |known| requests.contains(&known))
}

/// A Message with the `msg_type` that its body asks for.
pub(super) fn envelope(msg_id: String, body: MsgBody) -> Msg {
    let body = msg::Body { msg_body: Some(body) };
    let msg_type = crate::faults::mangle::message_type(Some(&body)).map_or(0, i32::from);
    Msg { header: Some(msg::Header { msg_id, msg_type }), body: Some(body) }
}

pub(super) fn no_session(message: &Msg) -> RecordType {
    RecordType::NoSessionContext(NoSessionContextRecord { payload: message.encode_to_vec() })
}
