//! `mtp`: what a case does with our side of the MTP. Whatever it changes is set back after the case.

use super::{Play, done, fault, not_reached};
use crate::{
    bounds::{SEND_LIMIT, after},
    controller::side::party_of,
};
use std::time::Duration;
use tokio::time::Instant;
use uspec_mtp::{
    Handle, MtpError,
    event::Opcode,
    websocket::{RawFrame, SUBPROTOCOL, UpgradeAnswer, WsBehaviour, WsHandle},
};
use uspec_testplan::{
    case::{Ending, Extension, FrameKind, FramePayload, MtpAction, Party, Refusal, Subprotocol},
    profile::Role,
    template::substitute,
    trace::StepOutcome,
};

impl Play<'_> {
    pub(super) async fn mtp(&mut self, by: Party, action: &MtpAction) -> StepOutcome {
        let Some(Handle::WebSocket(end)) = self.controller.side(by).end.clone() else {
            return not_reached("the second Controller has no connection of its own at this moment");
        };
        let outcome = match action {
            MtpAction::Refuse(_) | MtpAction::Accept | MtpAction::SecondConnection => self.connecting(&end, action),
            MtpAction::Handshake { subprotocol, extension } => {
                self.changed.push(by);
                end.change_behaviour(|behaviour| shake(behaviour, subprotocol.as_ref(), *extension));
                Ok(())
            }
            MtpAction::Fragment(size) => {
                self.changed.push(by);
                end.change_behaviour(|behaviour| behaviour.fragment = *size);
                Ok(())
            }
            MtpAction::Delay(lapse) => match self.resolved(Some(lapse)) {
                Ok(delay) => {
                    self.changed.push(by);
                    self.delay(&end, delay.unwrap_or_default());
                    Ok(())
                }
                Err(outcome) => Err(outcome),
            },
            MtpAction::Normal => {
                self.normal(&end);
                Ok(())
            }
            MtpAction::Mqtt(_) | MtpAction::Stomp(_) | MtpAction::Uds(_) => {
                Err(fault(["this step is for another MTP than WebSocket"]))
            }
            MtpAction::Drop(_)
            | MtpAction::Close { .. }
            | MtpAction::Ping(_)
            | MtpAction::Pong(_)
            | MtpAction::Frame { .. }
            | MtpAction::Octets(_) => return self.on_the_wire(by, action).await,
        };
        outcome.err().unwrap_or_else(|| done(None))
    }

    /// Sets back what `mtp` and `controller` steps have changed.
    pub(crate) async fn set_back(&mut self) {
        for by in std::mem::take(&mut self.changed) {
            if let Some(Handle::WebSocket(end)) = self.controller.side(by).end.clone() {
                self.normal(&end);
            }
        }
        for connection in std::mem::take(&mut self.extra) {
            self.controller.answers_first(Party::First).await;
            let another = self.controller.side(Party::First).at(connection);
            if let Some(Handle::WebSocket(another)) = another.filter(|_| self.controller.is_open(connection)) {
                let limit = Instant::now() + SEND_LIMIT;
                let _ = self.controller.drive(another.close(uspec_mtp::websocket::close_code::NORMAL, ""), limit).await;
            }
        }
        self.controllers_back().await;
    }

    /// What decides about later connections.
    fn connecting(&mut self, end: &WsHandle, action: &MtpAction) -> Result<(), StepOutcome> {
        let listens = self.controller.facts.role == Some(Role::EutConnects);
        match action {
            MtpAction::SecondConnection => {
                let id = end.open_another().map_err(|error| fault([error.to_string()]))?;
                self.extra.push(self.controller.side(Party::First).numbered(id));
                Ok(())
            }
            _ if !listens => Err(fault(["where we connect, there is nobody whom we could refuse or accept"])),
            MtpAction::Refuse(Refusal::HttpStatus(status)) => {
                self.changed.push(Party::First);
                end.change_behaviour(|behaviour| behaviour.answer = UpgradeAnswer::Refuse(*status));
                Ok(())
            }
            MtpAction::Refuse(_) => Err(fault(["a WebSocket is not refused so"])),
            _ => {
                end.change_behaviour(|behaviour| behaviour.answer = UpgradeAnswer::Accept);
                Ok(())
            }
        }
    }

    fn delay(&mut self, end: &WsHandle, delay: Duration) {
        self.controller.delay = delay;
        end.change_behaviour(|behaviour| behaviour.send_delay = delay);
    }

    fn normal(&mut self, end: &WsHandle) {
        self.controller.delay = Duration::ZERO;
        end.set_behaviour(WsBehaviour::default());
    }

    /// What goes out on a connection that is there.
    async fn on_the_wire(&mut self, by: Party, action: &MtpAction) -> StepOutcome {
        let action = match self.ready(action) {
            Ok(action) => action,
            Err(outcome) => return outcome,
        };
        let connection = match self.controller.connected(by).await {
            Ok(connection) if party_of(connection) == by => connection,
            Ok(_) => return not_reached("the second Controller has no connection of its own at this moment"),
            Err(failure) => return not_reached(&failure.to_string()),
        };
        let Some(Handle::WebSocket(end)) = self.controller.side(by).at(connection) else {
            return not_reached("our end of the MTP has ended");
        };
        if matches!(action, OnTheWire::Close(_)) {
            self.controller.answers_first(by).await;
        }
        let limit = after(Instant::now(), SEND_LIMIT.saturating_add(self.controller.delay));
        let outcome = self.controller.drive(perform(&end, action), limit).await;
        self.controller.drain();
        match outcome {
            Some(Ok(())) => done(None),
            Some(Err(error)) => not_reached(&format!("the connection was lost meanwhile: {error}")),
            None => not_reached(&format!("the EUT took nothing for {SEND_LIMIT:?}")),
        }
    }

    /// The action with its variables filled in.
    fn ready(&self, action: &MtpAction) -> Result<OnTheWire, StepOutcome> {
        let text = |template: &str| {
            substitute(template, &self.controller.variables)
                .map(String::into_bytes)
                .map_err(|undefined| not_reached(&self.why_undefined(&undefined.name)))
        };
        Ok(match action {
            MtpAction::Drop(Ending::Reset) => OnTheWire::Break,
            MtpAction::Drop(Ending::Close) => OnTheWire::HangUp,
            MtpAction::Close { code } => OnTheWire::Close(*code),
            MtpAction::Ping(payload) => OnTheWire::Frame(RawFrame::new(Opcode::Ping, text(payload)?)),
            MtpAction::Pong(payload) => OnTheWire::Frame(RawFrame::new(Opcode::Pong, text(payload)?)),
            MtpAction::Frame { opcode, fin, payload } => {
                let payload = match payload {
                    FramePayload::Text(template) => text(template)?,
                    FramePayload::Octets(octets) => octets.clone(),
                };
                let frame = RawFrame::new(code(*opcode), payload);
                OnTheWire::Frame(if *fin { frame } else { frame.unfinished() })
            }
            MtpAction::Octets(octets) => OnTheWire::Octets(octets.clone()),
            _ => return Err(fault(["this is nothing that goes out on a connection"])),
        })
    }
}

/// What goes out on a connection.
#[derive(Debug)]
enum OnTheWire {
    Break,
    HangUp,
    Close(u16),
    Frame(RawFrame),
    Octets(Vec<u8>),
}

async fn perform(end: &WsHandle, action: OnTheWire) -> Result<(), MtpError> {
    match action {
        OnTheWire::Break => end.drop_connection().await,
        OnTheWire::HangUp => end.hang_up().await,
        OnTheWire::Close(code) => end.close(code, "").await,
        OnTheWire::Frame(frame) => end.send_frame(frame).await,
        OnTheWire::Octets(octets) => end.send_octets(octets).await,
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
