//! What only our end of a UNIX domain socket can do.

use super::{Done, OnTheWire, other_mtp};
use crate::play::Play;
use uspec_mtp::{
    MtpError,
    uds::{HandshakeSent, Tlv, UdsHandle, UdsRefusal},
};
use uspec_testplan::{
    case::{HandshakeChange, MtpAction, Refusal, TlvPayload, UdsAction},
    trace::StepOutcome,
};

/// What goes out on a UNIX domain socket.
#[derive(Debug)]
pub(super) enum Out {
    /// An Error with this text; the connection ends.
    Error(String),
    /// A frame.
    Frame(Vec<Tlv>),
}

impl Play<'_> {
    pub(super) fn uds(&mut self, end: &UdsHandle, action: &MtpAction) -> Result<Done, StepOutcome> {
        let out = match action {
            MtpAction::Refuse(Refusal::HangUp) => {
                end.change_behaviour(|behaviour| behaviour.refuse = Some(UdsRefusal::HangUp));
                return Ok(Done::Now);
            }
            MtpAction::Accept => {
                end.change_behaviour(|behaviour| behaviour.refuse = None);
                return Ok(Done::Now);
            }
            MtpAction::Uds(UdsAction::Handshake(change)) => {
                let handshake = match change {
                    HandshakeChange::Withhold => HandshakeSent::Withheld,
                    HandshakeChange::Other(template) => HandshakeSent::Other(self.filled(template)?),
                };
                end.change_behaviour(|behaviour| behaviour.handshake = handshake);
                return Ok(Done::Now);
            }
            MtpAction::Uds(UdsAction::IgnoreErrors) => {
                end.change_behaviour(|behaviour| behaviour.obey_errors = false);
                return Ok(Done::Now);
            }
            MtpAction::Uds(UdsAction::Error(text)) => Out::Error(self.filled(text)?),
            MtpAction::Uds(UdsAction::Frame(tlvs)) => {
                let tlv = |(kind, payload): &(u8, TlvPayload)| {
                    let value = match payload {
                        TlvPayload::Text(template) => self.filled(template)?.into_bytes(),
                        TlvPayload::Octets(octets) => octets.clone(),
                    };
                    Ok(Tlv { kind: *kind, value: value.into() })
                };
                Out::Frame(tlvs.iter().map(tlv).collect::<Result<_, StepOutcome>>()?)
            }
            _ => return Err(other_mtp()),
        };
        Ok(Done::OnTheWire(OnTheWire::Uds(out)))
    }
}

impl Out {
    pub(super) fn is_error(&self) -> bool {
        matches!(self, Self::Error(_))
    }

    pub(super) async fn perform(self, end: &UdsHandle) -> Result<(), MtpError> {
        match self {
            Self::Error(text) => end.error(&text).await,
            Self::Frame(tlvs) => end.send_frame(tlvs).await,
        }
    }
}
