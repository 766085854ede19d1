//! How the owner of an end tells it what to do.

use std::sync::Arc;

use bytes::Bytes;

use super::broker::{Hub, Seat};
use super::command::{Command, SeatId};
use super::end::Steering;
use super::packet::Packet;
use super::{MqttAgentConfig, MqttBehaviour, MqttPlace};
use crate::error::MtpError;
use crate::event::{Closing, ConnectionId, EndedBy, MtpHappening};
use crate::log::Sink;
use crate::network::Address;
use crate::tls::TlsMaterial;

/// The handle of a running end, of either side. Clones are the same end; the end stops when the last one is gone.
///
/// What is sent goes to the newest open session unless [`MqttHandle::at`] names another. Sending waits until the octets are written, so
/// the events must be consumed by somebody else at the same time.
#[derive(Debug, Clone)]
pub struct MqttHandle {
    steering: Arc<Steering>,
    role: Role,
    target: Option<ConnectionId>,
}

/// Whose handle it is.
#[derive(Debug, Clone)]
enum Role {
    /// The first Controller's, which the broker belongs to.
    Host(Arc<Hub>),
    /// A further Controller's.
    Guest(Arc<Guest>),
    /// The Agent's.
    Client,
    /// A Controller's that is a client of a broker there.
    Beside(Box<MqttPlace>),
}

/// A further Controller; it leaves the broker with its last handle.
#[derive(Debug)]
struct Guest {
    hub: Arc<Hub>,
    seat: SeatId,
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.hub.stand_up(self.seat);
    }
}

impl MqttHandle {
    pub(super) fn of_broker(steering: Arc<Steering>, hub: Arc<Hub>) -> Self {
        Self { steering, role: Role::Host(hub), target: None }
    }

    pub(super) fn of_client(steering: Arc<Steering>) -> Self {
        Self { steering, role: Role::Client, target: None }
    }

    pub(super) fn of_beside(steering: Arc<Steering>, place: MqttPlace) -> Self {
        Self { steering, role: Role::Beside(Box::new(place)), target: None }
    }

    /// The broker that this end is a client of, if it is a Controller.
    pub(super) fn beside(&self) -> Option<MqttPlace> {
        match &self.role {
            Role::Beside(place) => Some((**place).clone()),
            Role::Host(_) | Role::Guest(_) | Role::Client => None,
        }
    }

    /// A further Controller in the same broker.
    pub(super) async fn share(&self, topic: String, agent_topic: Option<String>, sink: Sink) -> Result<Self, MtpError> {
        let hub = match &self.role {
            Role::Host(hub) => hub,
            Role::Guest(guest) => &guest.hub,
            Role::Client | Role::Beside(_) => return Err(MtpError::Config("only a broker can be shared".to_owned())),
        };
        let seat = hub.sit(topic, agent_topic, sink);
        greet(hub, &seat).await;
        let guest = Guest { hub: Arc::clone(hub), seat: seat.id };
        Ok(Self { steering: Arc::clone(&self.steering), role: Role::Guest(Arc::new(guest)), target: None })
    }

    /// The same end; what is sent goes to that session, or fails when it is not open any more.
    #[must_use]
    pub fn at(&self, connection: ConnectionId) -> Self {
        Self { target: Some(connection), ..self.clone() }
    }

    /// The address that is listened at, with its real port; none if this end connects.
    pub fn address(&self) -> Option<&Address> {
        self.steering.address.as_ref()
    }

    /// Whether there is a session to send on.
    pub fn is_open(&self) -> bool {
        self.steering.registry.find(self.target).is_some()
    }

    /// Publishes a Record to the other side.
    ///
    /// A Controller publishes to where the Agent wanted its last answer, else to the configured topic, else to what the Agent has subscribed
    /// to; an Agent to where the last Record wanted its answer. A broker brings nothing to a client that has not subscribed to it: that is
    /// reported as [`crate::event::FailureKind::Undelivered`].
    ///
    /// # Errors
    /// [`MtpError::NotOpen`], [`MtpError::Lost`]; so for everything that sends.
    pub async fn send_record(&self, record: impl Into<Bytes>) -> Result<(), MtpError> {
        self.order(Command::Record { bytes: record.into(), to: None, seat: self.seat() }).await
    }

    /// Publishes a Record to that topic.
    pub async fn send_record_to(&self, topic: &str, record: impl Into<Bytes>) -> Result<(), MtpError> {
        self.order(Command::Record { bytes: record.into(), to: Some(topic.to_owned()), seat: self.seat() }).await
    }

    /// Sends one packet as it is, however wrong, unless its kind is withheld.
    pub async fn send_packet(&self, packet: Packet) -> Result<(), MtpError> {
        self.order(Command::Packet(Box::new(packet))).await
    }

    /// Sends octets that need not be a packet.
    pub async fn send_octets(&self, octets: impl Into<Bytes>) -> Result<(), MtpError> {
        self.order(Command::Octets(octets.into())).await
    }

    /// As broker: says DISCONNECT with that Reason Code and ends the stream. MQTT 3.1.1 has no such packet: the stream ends.
    pub async fn disconnect_client(&self, reason: u8) -> Result<(), MtpError> {
        self.order(Command::Disconnect { reason: Some(reason) }).await
    }

    /// As client: subscribes, now if a session is open, and in later ones.
    ///
    /// # Errors
    /// [`MtpError::Config`]: no filter, or no client. [`MtpError::Lost`].
    pub async fn subscribe(&self, filter: &str, qos: u8) -> Result<(), MtpError> {
        if let Err(wrong) = super::topic::check_filter(filter) {
            return Err(MtpError::Config(format!("\"{filter}\" is no MQTT topic filter: {wrong}")));
        }
        self.change_client(|config| {
            config.subscriptions.retain(|(one, _)| one != filter);
            config.subscriptions.push((filter.to_owned(), qos));
        })?;
        self.order_if_open(Command::Subscribe { filter: filter.to_owned(), qos }).await
    }

    /// As client: unsubscribes, now if a session is open, and does not subscribe in later ones.
    ///
    /// # Errors
    /// [`MtpError::Config`]: no client. [`MtpError::Lost`].
    pub async fn unsubscribe(&self, filter: &str) -> Result<(), MtpError> {
        self.change_client(|config| config.subscriptions.retain(|(one, _)| one != filter))?;
        self.order_if_open(Command::Unsubscribe(filter.to_owned())).await
    }

    /// As client: changes what counts for the next connection. Address, TLS, retry, the largest Record and the behaviour stay.
    ///
    /// # Errors
    /// [`MtpError::Config`]: no client.
    pub fn change_client(&self, change: impl FnOnce(&mut MqttAgentConfig)) -> Result<(), MtpError> {
        if !matches!(self.role, Role::Client) {
            return Err(MtpError::Config("a broker is no client".to_owned()));
        }
        self.steering.settings.send_modify(|settings| {
            if let Some(config) = &mut settings.client {
                change(config);
            }
        });
        Ok(())
    }

    /// Ends the stream without a farewell, as a process that exits does.
    pub async fn hang_up(&self) -> Result<(), MtpError> {
        self.order(Command::HangUp).await
    }

    /// Breaks the stream (TCP: RST), as a network that fails does.
    pub async fn drop_connection(&self) -> Result<(), MtpError> {
        self.order(Command::Break).await
    }

    /// Stops listening, or connecting again; open sessions stay. A client does not even wait for its next retry any more.
    pub fn pause(&self) {
        if !matches!(self.role, Role::Guest(_)) {
            self.steering.pause();
        }
    }

    /// Pauses and says farewell on every open session. A further Controller of a shared broker only leaves it; the sessions stay.
    pub async fn disconnect(&self) {
        if let Role::Guest(guest) = &self.role {
            guest.leave().await;
            return;
        }
        self.pause();
        for id in self.steering.registry.ids() {
            // A session that has just ended needs no farewell.
            let _ = self.at(id).order(Command::Disconnect { reason: None }).await;
        }
    }

    /// Listens again, or connects at once without waiting for the next retry. A further Controller takes part again.
    pub fn reconnect(&self) {
        let Role::Guest(guest) = &self.role else {
            self.steering.reconnect();
            return;
        };
        if let Some(seat) = guest.hub.set_present(guest.seat, true) {
            let hub = Arc::clone(&guest.hub);
            tokio::spawn(async move { greet(&hub, &seat).await });
        }
    }

    /// Changes what this end does. A shared broker has one behaviour, whoever changes it.
    pub fn set_behaviour(&self, behaviour: MqttBehaviour) {
        self.steering.settings.send_modify(|settings| settings.behaviour = behaviour);
    }

    /// Changes a part of what this end does.
    pub fn change_behaviour(&self, change: impl FnOnce(&mut MqttBehaviour)) {
        self.steering.settings.send_modify(|settings| change(&mut settings.behaviour));
    }

    /// Verifies peers of later connections against other trust anchors (PEM, at least one); the own certificate stays. A server demands
    /// a certificate of its clients. With `accept_any` every certificate is accepted. Open sessions are not touched.
    ///
    /// # Errors
    /// [`MtpError::Tls`]: an anchor is not usable, or this end does not use TLS.
    pub fn set_trust(&self, anchors: &str, accept_any: bool) -> Result<(), MtpError> {
        let tls = self.steering.settings.borrow().tls.trusting(anchors, accept_any)?;
        self.steering.settings.send_modify(|settings| settings.tls = tls);
        Ok(())
    }

    /// Shows another certificate in later connections; what is trusted stays. Open sessions are not touched.
    ///
    /// # Errors
    /// [`MtpError::Tls`]: the pair is not usable, or this end does not use TLS.
    pub fn set_identity(&self, identity: TlsMaterial) -> Result<(), MtpError> {
        let tls = self.steering.settings.borrow().tls.showing(identity)?;
        self.steering.settings.send_modify(|settings| settings.tls = tls);
        Ok(())
    }

    /// Says farewell on every session, ends everything and waits for it, which takes a few seconds at most. A further Controller of a shared
    /// broker only leaves it.
    pub async fn shutdown(&self) {
        match &self.role {
            Role::Guest(guest) => {
                guest.leave().await;
                guest.hub.stand_up(guest.seat);
            }
            Role::Host(_) | Role::Client | Role::Beside(_) => self.steering.shutdown().await,
        }
    }

    fn seat(&self) -> SeatId {
        match &self.role {
            Role::Guest(guest) => guest.seat,
            Role::Host(_) | Role::Client | Role::Beside(_) => 0,
        }
    }

    async fn order(&self, command: Command) -> Result<(), MtpError> {
        self.steering.order(self.target, command).await
    }

    async fn order_if_open(&self, command: Command) -> Result<(), MtpError> {
        match self.order(command).await {
            Err(MtpError::NotOpen) => Ok(()),
            other => other,
        }
    }
}

impl Guest {
    /// Takes no part any more, and tells its own sink that everything is over.
    async fn leave(&self) {
        let Some(seat) = self.hub.set_present(self.seat, false) else {
            return;
        };
        for (id, _) in self.hub.open() {
            let closing = Closing {
                by: EndedBy::Us,
                code: None,
                reason: "this Controller left the broker".to_owned(),
                clean: true,
            };
            seat.log(id).emit(MtpHappening::Closed(closing)).await;
        }
    }
}

/// Tells a further Controller of the sessions that are open.
async fn greet(hub: &Hub, seat: &Seat) {
    for (id, open) in hub.open() {
        seat.log(id).emit(MtpHappening::Open(open)).await;
    }
}
