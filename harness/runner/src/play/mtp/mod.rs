//! `mtp`: what a case does with our side of the MTP. Whatever it changes is set back after the case.
//!
//! One decision behind it: what every MTP can do stands here; what only one can, in that one's file. A step for another MTP than the one in use
//! is kept out of the case's plan by its conditions, so that it is our fault when it arrives here.

mod mqtt;
mod stomp;
mod uds;
mod websocket;

use super::{Play, done, fault, not_reached};
use crate::{
    bounds::{SEND_LIMIT, after},
    controller::{SendFailure, side::party_of},
};
use std::time::Duration;
use tokio::time::Instant;
use uspec_mtp::{
    Handle, MtpError, event::ConnectionId, mqtt::MqttBehaviour, stomp::StompBehaviour, uds::UdsBehaviour,
    websocket::WsBehaviour,
};
use uspec_testplan::{
    case::{Change, Ending, MtpAction, Party},
    profile::Role,
    template::substitute,
    trace::StepOutcome,
};

/// What goes out on a connection, or ends it.
#[derive(Debug)]
enum OnTheWire {
    Break,
    HangUp,
    Octets(Vec<u8>),
    WebSocket(websocket::Out),
    Mqtt(mqtt::Out),
    Stomp(stomp::Out),
    Uds(uds::Out),
}

/// What an action comes to.
enum Done {
    /// It is done.
    Now,
    /// It goes out on the EUT's connection.
    OnTheWire(OnTheWire),
}

impl Play<'_> {
    pub(super) async fn mtp(&mut self, by: Party, action: &MtpAction) -> StepOutcome {
        let Some(end) = self.controller.side(by).end.clone() else {
            return not_reached("the second Controller has no connection of its own at this moment");
        };
        match self.change(by, &end, action) {
            Ok(Done::Now) => done(None),
            Ok(Done::OnTheWire(out)) => self.on_the_wire(by, out).await,
            Err(outcome) => outcome,
        }
    }

    /// Sets back what `mtp` and `controller` steps have changed.
    pub(crate) async fn set_back(&mut self) {
        for by in std::mem::take(&mut self.changed) {
            if let Some(end) = self.controller.side(by).end.clone() {
                self.normal(&end);
            }
        }
        for connection in std::mem::take(&mut self.extra) {
            self.controller.answers_first(Party::First).await;
            let another = self.controller.side(Party::First).at(connection);
            if let Some(another) = another.filter(|_| self.controller.is_open(connection)) {
                let limit = Instant::now() + SEND_LIMIT;
                let _ = self.controller.drive(farewell(&another), limit).await;
            }
        }
        self.controllers_back().await;
    }

    /// Does what can be done at once, and says what is to go out.
    fn change(&mut self, by: Party, end: &Handle, action: &MtpAction) -> Result<Done, StepOutcome> {
        match action {
            MtpAction::Drop(Ending::Reset) => return Ok(Done::OnTheWire(OnTheWire::Break)),
            MtpAction::Drop(Ending::Close) => return Ok(Done::OnTheWire(OnTheWire::HangUp)),
            MtpAction::Octets(octets) => return Ok(Done::OnTheWire(OnTheWire::Octets(octets.clone()))),
            MtpAction::Normal => {
                self.normal(end);
                return Ok(Done::Now);
            }
            MtpAction::Delay(lapse) => {
                let delay = self.resolved(Some(lapse))?.unwrap_or_default();
                self.changed.push(by);
                self.controller.delay = delay;
                delay_sending(end, delay);
                return Ok(Done::Now);
            }
            MtpAction::SecondConnection => {
                self.another_connection(end)?;
                return Ok(Done::Now);
            }
            MtpAction::Refuse(_) | MtpAction::Accept if self.controller.facts.role != Some(Role::EutConnects) => {
                return Err(fault(["where we connect, there is nobody whom we could refuse or accept"]));
            }
            _ => {}
        }
        self.changed.push(by);
        match end {
            Handle::WebSocket(end) => self.web_socket(end, action),
            Handle::Mqtt(end) => self.mqtt(end, action),
            Handle::Stomp(end) => self.stomp(end, action),
            Handle::Uds(end) => self.uds(end, action),
        }
    }

    fn another_connection(&mut self, end: &Handle) -> Result<(), StepOutcome> {
        let opened = match end {
            Handle::WebSocket(end) => end.open_another(),
            Handle::Uds(end) => end.open_another(),
            Handle::Mqtt(_) | Handle::Stomp(_) => return Err(other_mtp()),
        };
        let id = opened.map_err(|error| fault([error.to_string()]))?;
        self.extra.push(self.controller.side(Party::First).numbered(id));
        Ok(())
    }

    fn normal(&mut self, end: &Handle) {
        self.controller.delay = Duration::ZERO;
        match end {
            Handle::WebSocket(end) => end.set_behaviour(WsBehaviour::default()),
            Handle::Mqtt(end) => end.set_behaviour(MqttBehaviour::default()),
            Handle::Stomp(end) => end.set_behaviour(StompBehaviour::default()),
            Handle::Uds(end) => end.set_behaviour(UdsBehaviour::default()),
        }
    }

    /// What goes out on a connection that is there.
    async fn on_the_wire(&mut self, by: Party, out: OnTheWire) -> StepOutcome {
        let connection = match self.reached(by).await {
            Ok(connection) if party_of(connection) == by => connection,
            Ok(_) => return not_reached("the second Controller has no connection of its own at this moment"),
            Err(failure) => return not_reached(&failure.to_string()),
        };
        let Some(end) = self.controller.side(by).at(connection) else {
            return not_reached("our end of the MTP has ended");
        };
        if out.is_farewell() {
            self.controller.answers_first(by).await;
        }
        let limit = after(Instant::now(), SEND_LIMIT.saturating_add(self.controller.delay));
        let outcome = self.controller.drive(Box::pin(perform(&end, out)), limit).await;
        self.controller.drain();
        match outcome {
            Some(Ok(())) => done(None),
            Some(Err(error)) => not_reached(&format!("the connection was lost meanwhile: {error}")),
            None => not_reached(&format!("the EUT took nothing for {SEND_LIMIT:?}")),
        }
    }

    /// The EUT's connection; over a UNIX domain socket also one whose handshake is not done.
    async fn reached(&mut self, by: Party) -> Result<ConnectionId, SendFailure> {
        let side = self.controller.side(by);
        let beginning = side.connections.beginning().filter(|_| matches!(side.end, Some(Handle::Uds(_))));
        match beginning.filter(|_| self.controller.current_of(by).is_none()) {
            Some(connection) => Ok(connection),
            None => self.controller.connected(by).await,
        }
    }

    /// A text with its variables filled in.
    fn filled(&self, template: &str) -> Result<String, StepOutcome> {
        substitute(template, &self.controller.variables)
            .map_err(|undefined| not_reached(&self.why_undefined(&undefined.name)))
    }

    /// The same for what may be left as it is.
    fn filled_if_any(&self, template: Option<&String>) -> Result<Option<String>, StepOutcome> {
        template.map(|template| self.filled(template)).transpose()
    }

    /// The same for a header or property that may be changed.
    fn filled_change(&self, change: Option<&Change>) -> Result<Option<Change>, StepOutcome> {
        Ok(match change {
            None => None,
            Some(Change::Omit) => Some(Change::Omit),
            Some(Change::Set(template)) => Some(Change::Set(self.filled(template)?)),
        })
    }
}

impl OnTheWire {
    /// Whether nothing may follow it, so that what we still owe must go out first.
    fn is_farewell(&self) -> bool {
        match self {
            Self::WebSocket(out) => out.is_close(),
            Self::Mqtt(_) | Self::Stomp(_) => true,
            Self::Uds(out) => out.is_error(),
            Self::Break | Self::HangUp | Self::Octets(_) => false,
        }
    }
}

async fn perform(end: &Handle, out: OnTheWire) -> Result<(), MtpError> {
    match (end, out) {
        (end, OnTheWire::Break) => end.drop_connection().await,
        (end, OnTheWire::HangUp) => end.hang_up().await,
        (Handle::WebSocket(end), OnTheWire::Octets(octets)) => end.send_octets(octets).await,
        (Handle::Mqtt(end), OnTheWire::Octets(octets)) => end.send_octets(octets).await,
        (Handle::Stomp(end), OnTheWire::Octets(octets)) => end.send_octets(octets).await,
        (Handle::Uds(end), OnTheWire::Octets(octets)) => end.send_octets(octets).await,
        (Handle::WebSocket(end), OnTheWire::WebSocket(out)) => out.perform(end).await,
        (Handle::Mqtt(end), OnTheWire::Mqtt(out)) => out.perform(end).await,
        (Handle::Stomp(end), OnTheWire::Stomp(out)) => out.perform(end).await,
        (Handle::Uds(end), OnTheWire::Uds(out)) => out.perform(end).await,
        // `change` makes it by the handle that it has.
        _ => Err(MtpError::NotOpen),
    }
}

/// Ends a connection in the way of its MTP.
async fn farewell(end: &Handle) -> Result<(), MtpError> {
    match end {
        Handle::WebSocket(end) => end.close(uspec_mtp::websocket::close_code::NORMAL, "").await,
        end => end.hang_up().await,
    }
}

fn delay_sending(end: &Handle, delay: Duration) {
    match end {
        Handle::WebSocket(end) => end.change_behaviour(|behaviour| behaviour.send_delay = delay),
        Handle::Mqtt(end) => end.change_behaviour(|behaviour| behaviour.send_delay = delay),
        Handle::Stomp(end) => end.change_behaviour(|behaviour| behaviour.send_delay = delay),
        Handle::Uds(end) => end.change_behaviour(|behaviour| behaviour.send_delay = delay),
    }
}

/// The step is for another MTP: the case should have said so.
fn other_mtp() -> StepOutcome {
    fault(["this step is for another MTP than the one in use"])
}
