//! What only WebSocket can do.

use super::{Done, OnTheWire, other_mtp};
use crate::play::Play;
use uspec_mtp::{
    MtpError,
    event::Opcode,
    websocket::{RawFrame, SUBPROTOCOL, UpgradeAnswer, WsBehaviour, WsHandle},
};
use uspec_testplan::{
    case::{Extension, FrameKind, FramePayload, MtpAction, Refusal, Subprotocol},
    trace::StepOutcome,
};

/// What goes out on a WebSocket.
#[derive(Debug)]
pub(super) enum Out {
    /// A Close frame with this code.
    Close(u16),
    /// Any frame.
    Frame(RawFrame),
}

impl Play<'_> {
    pub(super) fn web_socket(&mut self, end: &WsHandle, action: &MtpAction) -> Result<Done, StepOutcome> {
        let out = match action {
            MtpAction::Refuse(Refusal::HttpStatus(status)) => {
                end.change_behaviour(|behaviour| behaviour.answer = UpgradeAnswer::Refuse(*status));
                return Ok(Done::Now);
            }
            MtpAction::Refuse(Refusal::HangUp) => {
                end.change_behaviour(|behaviour| behaviour.answer = UpgradeAnswer::HangUp);
                return Ok(Done::Now);
            }
            MtpAction::Accept => {
                end.change_behaviour(|behaviour| behaviour.answer = UpgradeAnswer::Accept);
                return Ok(Done::Now);
            }
            MtpAction::Handshake { subprotocol, extension } => {
                end.change_behaviour(|behaviour| shake(behaviour, subprotocol.as_ref(), *extension));
                return Ok(Done::Now);
            }
            MtpAction::Fragment(size) => {
                end.change_behaviour(|behaviour| behaviour.fragment = *size);
                return Ok(Done::Now);
            }
            MtpAction::Close { code } => Out::Close(*code),
            MtpAction::Ping(payload) => Out::Frame(RawFrame::new(Opcode::Ping, self.filled(payload)?.into_bytes())),
            MtpAction::Pong(payload) => Out::Frame(RawFrame::new(Opcode::Pong, self.filled(payload)?.into_bytes())),
            MtpAction::Frame { opcode, fin, payload } => {
                let payload = match payload {
                    FramePayload::Text(template) => self.filled(template)?.into_bytes(),
                    FramePayload::Octets(octets) => octets.clone(),
                };
                let frame = RawFrame::new(code(*opcode), payload);
                Out::Frame(if *fin { frame } else { frame.unfinished() })
            }
            _ => return Err(other_mtp()),
        };
        Ok(Done::OnTheWire(OnTheWire::WebSocket(out)))
    }
}

impl Out {
    pub(super) fn is_close(&self) -> bool {
        matches!(self, Self::Close(_))
    }

    pub(super) async fn perform(self, end: &WsHandle) -> Result<(), MtpError> {
        match self {
            Self::Close(code) => end.close(code, "").await,
            Self::Frame(frame) => end.send_frame(frame).await,
        }
    }
}

fn shake(behaviour: &mut WsBehaviour, subprotocol: Option<&Subprotocol>, extension: Option<Extension>) {
    let subprotocol = match subprotocol {
        None => Some(SUBPROTOCOL.to_owned()),
        Some(Subprotocol::Omit) => None,
        Some(Subprotocol::Named(name)) => Some(name.clone()),
    };
    behaviour.answer_subprotocol.clone_from(&subprotocol);
    // Whether the EUT goes on with another one is what is asked, so that we must not be the ones who end it.
    behaviour.require_subprotocol = subprotocol.as_deref() == Some(SUBPROTOCOL);
    behaviour.offer_subprotocol = subprotocol;
    let (answer, offer) = match extension {
        None => (WsBehaviour::default().answer_extension, WsBehaviour::default().offer_extension),
        Some(Extension::Omit) => (false, false),
        Some(Extension::Send) => (true, true),
    };
    (behaviour.answer_extension, behaviour.offer_extension) = (answer, offer);
}

fn code(kind: FrameKind) -> Opcode {
    match kind {
        FrameKind::Continuation => Opcode::Continuation,
        FrameKind::Text => Opcode::Text,
        FrameKind::Binary => Opcode::Binary,
        FrameKind::Close => Opcode::Close,
        FrameKind::Ping => Opcode::Ping,
        FrameKind::Pong => Opcode::Pong,
    }
}
