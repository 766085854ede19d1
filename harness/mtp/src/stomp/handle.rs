//! How the owner of an end tells it what to do.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use super::broker::Broker;
use super::end::End;
use super::guest::Guest;
use super::settings::{Command, Order, Settings};
use super::{StompBehaviour, StompFrame};
use crate::end::Control;
use crate::error::MtpError;
use crate::event::ConnectionId;
use crate::log::Sink;
use crate::network::Address;
use crate::tls::TlsMaterial;

/// The handle of a running end, of either side. Clones are the same end; the end stops when the last one is gone.
///
/// What is sent goes to the newest open session unless [`StompHandle::at`] names another. Sending waits until the octets are written, so
/// the events must be consumed by somebody else at the same time.
#[derive(Debug, Clone)]
pub struct StompHandle {
    control: Arc<Control<End, Command, Settings>>,
    /// Of a server.
    broker: Option<Arc<Broker>>,
    /// The further Controller that it is the handle of, if it is one's.
    guest: Option<Arc<Guest>>,
    target: Option<ConnectionId>,
}

impl StompHandle {
    pub(super) fn new(control: Control<End, Command, Settings>, broker: Option<Arc<Broker>>) -> Self {
        Self { control: Arc::new(control), broker, guest: None, target: None }
    }

    /// A further Controller on this server.
    pub(super) fn invite(self, destination: String, sink: Sink) -> Result<Self, MtpError> {
        let Some(broker) = &self.broker else {
            return Err(MtpError::Config("only a server can have a further Controller".to_owned()));
        };
        let guest = Guest::invite(broker, destination, sink);
        Ok(Self { guest: Some(guest), target: None, ..self })
    }

    /// The same end; what is sent goes to that session, or fails when it is not there any more. A server's client can be told everything but Records
    /// before its session is open.
    #[must_use]
    pub fn at(&self, connection: ConnectionId) -> Self {
        Self { target: Some(connection), ..self.clone() }
    }

    /// The address that is listened at, with its real port; none if this end connects.
    pub fn address(&self) -> Option<&Address> {
        self.control.address.as_ref()
    }

    /// Whether there is a session to send Records on.
    pub fn is_open(&self) -> bool {
        self.control.registry.find(self.target).is_some()
    }

    /// Sends a Record where the peer is reached: as server in a `MESSAGE`, as client in a `SEND` (R-STOMP.18).
    ///
    /// # Errors
    /// [`MtpError::NotOpen`], [`MtpError::Lost`] (also if nobody knows where the peer is reached); so for everything that sends.
    pub async fn send_record(&self, record: impl Into<Bytes>) -> Result<(), MtpError> {
        self.send(record.into(), None).await
    }

    /// Sends a Record to that destination.
    pub async fn send_record_to(&self, destination: &str, record: impl Into<Bytes>) -> Result<(), MtpError> {
        self.send(record.into(), Some(destination.to_owned())).await
    }

    /// Sends one frame as it is, with the escapes that its command demands and nothing added. A frame that is wrong in itself is sent with
    /// [`Self::send_octets`].
    pub async fn send_frame(&self, frame: StompFrame) -> Result<(), MtpError> {
        self.order(Command::Frame(frame)).await
    }

    /// Sends octets that need not be a frame.
    pub async fn send_octets(&self, octets: impl Into<Bytes>) -> Result<(), MtpError> {
        self.order(Command::Octets(octets.into())).await
    }

    /// As server: sends an `ERROR` with that `message` header and body, and ends the connection (R-STOMP.25).
    pub async fn error(&self, message: &str, body: impl Into<Bytes>) -> Result<(), MtpError> {
        self.order(Command::Error { message: message.to_owned(), body: body.into() }).await
    }

    /// Ends the stream in order without `DISCONNECT`, as a process that exits does.
    pub async fn hang_up(&self) -> Result<(), MtpError> {
        self.order(Command::HangUp).await
    }

    /// Breaks the stream (TCP: RST), as a network that fails does.
    pub async fn drop_connection(&self) -> Result<(), MtpError> {
        self.order(Command::Break).await
    }

    /// Stops listening, or connecting again; open sessions stay. A connecting end does not even wait for its next retry any more. A further Controller
    /// pauses nobody.
    pub fn pause(&self) {
        if self.guest.is_none() {
            self.control.pause();
        }
    }

    /// Pauses and ends every session in order: a client says `DISCONNECT`, a server ends the streams. A further Controller ends nothing.
    pub async fn disconnect(&self) {
        if self.guest.is_some() {
            return;
        }
        self.pause();
        let ids = self.broker.as_ref().map_or_else(|| self.control.registry.ids(), |broker| broker.ids());
        for id in ids {
            // A session that has just ended needs no ending.
            let _ = self.at(id).order(Command::Goodbye).await;
        }
    }

    /// Listens again, or connects at once without waiting for the next retry.
    pub fn reconnect(&self) {
        self.control.reconnect();
    }

    /// Opens one more connection beside those that there are. It is not opened again after its end, and while it is there the usual one is not
    /// either.
    ///
    /// # Errors
    /// [`MtpError::Config`] for an end that listens, [`MtpError::Stopped`].
    pub fn open_another(&self) -> Result<ConnectionId, MtpError> {
        self.control.open_another()
    }

    /// Changes what this end does, from the next frame on.
    pub fn set_behaviour(&self, behaviour: StompBehaviour) {
        self.control.settings.send_modify(|settings| settings.behaviour = behaviour);
    }

    /// Changes a part of what this end does, from the next frame on.
    pub fn change_behaviour(&self, change: impl FnOnce(&mut StompBehaviour)) {
        self.control.settings.send_modify(|settings| change(&mut settings.behaviour));
    }

    /// As client: changes the configured destination. An open session that was not told another one by the server moves its subscription there
    /// (R-STOMP.29).
    pub fn set_destination(&self, destination: Option<String>) {
        self.control.settings.send_modify(|settings| settings.destination = destination);
    }

    /// As client: changes the heart-beats that later connections offer, in milliseconds (R-STOMP.8 to R-STOMP.10).
    pub fn set_heart_beat(&self, heart_beat: Option<(u32, u32)>) {
        self.control.settings.send_modify(|settings| settings.heart_beat = heart_beat);
    }

    /// Shows another certificate in later connections; what is trusted stays. Open sessions are not touched.
    ///
    /// # Errors
    /// [`MtpError::Tls`]: the pair is not usable, or this end does not use TLS.
    pub fn set_identity(&self, identity: TlsMaterial) -> Result<(), MtpError> {
        let tls = self.control.settings.borrow().tls.showing(identity)?;
        self.control.settings.send_modify(|settings| settings.tls = tls);
        Ok(())
    }

    /// Verifies peers of later connections against other trust anchors (PEM, at least one), as over WebSocket.
    ///
    /// # Errors
    /// [`MtpError::Tls`]: an anchor is not usable, or this end does not use TLS.
    pub fn set_trust(&self, anchors: &str, accept_any: bool) -> Result<(), MtpError> {
        let tls = self.control.settings.borrow().tls.trusting(anchors, accept_any)?;
        self.control.settings.send_modify(|settings| settings.tls = tls);
        Ok(())
    }

    /// Ends everything in order and waits for it, which takes a few seconds at most. A further Controller just leaves, with its last handle.
    pub async fn shutdown(&self) {
        if self.guest.is_none() {
            self.control.shutdown().await;
        }
    }

    async fn send(&self, bytes: Bytes, to: Option<String>) -> Result<(), MtpError> {
        let Some(guest) = &self.guest else {
            return self.order(Command::Record { bytes, to, from: None }).await;
        };
        let target = self.target.or_else(|| self.control.registry.ids().last().copied()).ok_or(MtpError::NotOpen)?;
        self.at(target).order(Command::Record { bytes, to, from: Some(Arc::clone(guest)) }).await
    }

    async fn order(&self, command: Command) -> Result<(), MtpError> {
        let (done, written) = oneshot::channel();
        let orders = self.orders(&command).ok_or(MtpError::NotOpen)?;
        orders.send((command, done)).await.map_err(|_| MtpError::Lost)?;
        written.await.map_err(|_| MtpError::Lost)
    }

    fn orders(&self, command: &Command) -> Option<mpsc::Sender<Order>> {
        let open = || self.control.registry.find(self.target);
        match (&self.broker, self.target, command) {
            (_, _, Command::Record { .. }) | (None, ..) | (_, None, _) => open(),
            (Some(broker), Some(id), _) => broker.orders(id),
        }
    }
}
