//! One Record of a Trace, decoded from its bytes.

use std::cell::OnceCell;

use serde_json::Value;
use uspec_usp::{
    decode::{Decoded, Payload, RecordKind, decode_message, decode_record, payload, record_kind},
    json,
    msg::Msg,
    record::Record,
    schema::{Content, MessageKind},
};

use crate::trace::{Direction, Event, StepRef};

/// One Record.
#[derive(Debug)]
pub(crate) struct RecordSeen<'t> {
    /// Its place among the events.
    pub(crate) index: usize,
    /// The event's own number, for findings.
    pub(crate) seq: u64,
    /// Over which connection.
    pub(crate) connection: u32,
    /// Which way.
    pub(crate) direction: Direction,
    /// The step that sent it.
    pub(crate) step: Option<&'t StepRef>,
    /// The Record, with everything irregular about its bytes.
    pub(crate) record: Decoded<Record>,
    /// Its record type; `None` when there is none or the bytes are no Record.
    pub(crate) kind: Option<RecordKind>,
    /// The Message; `None` when the Record carries none, or not whole and in the clear.
    pub(crate) message: Option<Decoded<Msg>>,
    /// What the Message is; `None` when there is none, or it cannot be decoded, or has no body.
    pub(crate) content: Option<Content>,
    body: OnceCell<Option<Value>>,
}

impl<'t> RecordSeen<'t> {
    pub(super) fn new(
        index: usize,
        event: &Event,
        connection: u32,
        direction: Direction,
        step: Option<&'t StepRef>,
        bytes: &[u8],
    ) -> Self {
        let record = decode_record(bytes);
        let kind = record.value.as_ref().and_then(record_kind);
        let message = record.value.as_ref().and_then(|record| match payload(record) {
            Payload::Message(bytes) => Some(decode_message(&bytes)),
            Payload::None | Payload::Segment(_) | Payload::Tls(_) => None,
        });
        let content = message.as_ref().and_then(|message| message.value.as_ref()).and_then(Content::of);
        let seq = event.seq;
        Self { index, seq, connection, direction, step, record, kind, message, content, body: OnceCell::new() }
    }

    /// The typed Record, when the bytes are one.
    pub(crate) fn typed(&self) -> Option<&Record> {
        self.record.value.as_ref()
    }

    /// The typed Message, when there is one.
    pub(crate) fn msg(&self) -> Option<&Msg> {
        self.message.as_ref()?.value.as_ref()
    }

    /// The Message's msg_id; empty when the header has none, `None` without header or Message.
    pub(crate) fn msg_id(&self) -> Option<&str> {
        self.msg()?.header.as_ref().map(|header| header.msg_id.as_str())
    }

    /// Whether the Message is an answer, or so incomplete that it may be meant as one.
    pub(crate) fn is_answer(&self) -> bool {
        match self.content {
            Some(Content::Response(_) | Content::Error) => true,
            Some(Content::Request(_)) => false,
            None => self.msg().is_some(),
        }
    }

    /// The kind of the Request that it carries.
    pub(crate) fn request(&self) -> Option<MessageKind> {
        match self.content {
            Some(Content::Request(kind)) => Some(kind),
            _ => None,
        }
    }

    /// The fields of the Request, Response or Error, as patterns see them.
    pub(crate) fn body(&self) -> Option<&Value> {
        self.body
            .get_or_init(|| {
                let message = json::message_to_value(&self.message.as_ref()?.bytes).ok()?;
                let steps = self.content?.field_path();
                steps.into_iter().try_fold(message.get("body")?, |value, field| value.get(field)).cloned()
            })
            .as_ref()
    }

    /// What it is, in a word or two: `AddResp`, `Error`, `websocket_connect Record`, `bytes that are no Record`.
    pub(crate) fn name(&self) -> String {
        match (self.content, self.kind) {
            (Some(content), _) => content.name(),
            (None, Some(kind)) if self.message.is_none() => format!("{} Record", kind.field()),
            (None, Some(_)) if self.msg().is_some() => "Message without a body".to_owned(),
            (None, Some(_)) => "Message that cannot be decoded".to_owned(),
            (None, None) if self.record.value.is_some() => "Record without a record type".to_owned(),
            (None, None) => "bytes that are no Record".to_owned(),
        }
    }
}
