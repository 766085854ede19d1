//! Frames put together to messages (RFC 6455 section 5.4), and the payload of Close.

use bytes::{Bytes, BytesMut};

use super::frame::Violation;
use crate::event::{FrameSeen, Opcode};

/// What a frame completes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Message {
    Binary { bytes: Bytes, frames: u32 },
    Text(Bytes),
    Ping(Bytes),
    Pong(Bytes),
    Close { code: Option<u16>, reason: String },
}

/// The fragments of the message that is under way. Holds at most `max_message` octets.
#[derive(Debug)]
pub(super) struct Assembler {
    max_message: usize,
    begun: Option<Begun>,
}

#[derive(Debug)]
struct Begun {
    binary: bool,
    bytes: BytesMut,
    frames: u32,
}

impl Assembler {
    pub(super) fn new(max_message: usize) -> Self {
        Self { max_message, begun: None }
    }

    /// Takes the next frame and gives back what it completes, if anything.
    pub(super) fn take(&mut self, frame: &FrameSeen, accept_fragments: bool) -> Result<Option<Message>, Violation> {
        let payload = frame.payload.clone();
        match frame.opcode {
            Opcode::Ping => Ok(Some(Message::Ping(payload))),
            Opcode::Pong => Ok(Some(Message::Pong(payload))),
            Opcode::Close => close(&payload).map(Some),
            Opcode::Reserved(code) => Err(Violation::new("RFC 6455 5.2", format!("reserved opcode {code}"))),
            Opcode::Text | Opcode::Binary if self.begun.is_some() => {
                Err(Violation::new("RFC 6455 5.4", "a new message begins before the fragmented one has ended"))
            }
            Opcode::Continuation if self.begun.is_none() => {
                Err(Violation::new("RFC 6455 5.4", "a continuation frame continues nothing"))
            }
            Opcode::Text if frame.fin => Ok(Some(Message::Text(payload))),
            Opcode::Binary if frame.fin => Ok(Some(Message::Binary { bytes: payload, frames: 1 })),
            _ if !accept_fragments => Err(Violation::new("RFC 6455 5.4", "fragmented messages are not taken")),
            Opcode::Text | Opcode::Binary | Opcode::Continuation => self.fragment(frame),
        }
    }

    fn fragment(&mut self, frame: &FrameSeen) -> Result<Option<Message>, Violation> {
        let mut begun = self.begun.take().unwrap_or_else(|| Begun {
            binary: frame.opcode == Opcode::Binary,
            bytes: BytesMut::new(),
            frames: 0,
        });
        let together = begun.bytes.len().saturating_add(frame.payload.len());
        if together > self.max_message {
            return Err(Violation::oversized(self.max_message, u64::try_from(together).unwrap_or(u64::MAX)));
        }
        begun.bytes.extend_from_slice(&frame.payload);
        begun.frames = begun.frames.saturating_add(1);
        if !frame.fin {
            self.begun = Some(begun);
            return Ok(None);
        }
        let bytes = begun.bytes.freeze();
        Ok(Some(if begun.binary { Message::Binary { bytes, frames: begun.frames } } else { Message::Text(bytes) }))
    }
}

fn close(payload: &Bytes) -> Result<Message, Violation> {
    let Some((code, reason)) = payload.split_first_chunk::<2>() else {
        return if payload.is_empty() {
            Ok(Message::Close { code: None, reason: String::new() })
        } else {
            Err(Violation::new("RFC 6455 5.5.1", "a Close frame has one octet of payload"))
        };
    };
    let code = u16::from_be_bytes(*code);
    if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
        return Err(Violation::new("RFC 6455 7.4", format!("a Close frame has code {code}, which nobody may send")));
    }
    match std::str::from_utf8(reason) {
        Ok(reason) => Ok(Message::Close { code: Some(code), reason: reason.to_owned() }),
        Err(_) => Err(Violation::new("RFC 6455 5.5.1", "the reason in a Close frame is not UTF-8")),
    }
}
