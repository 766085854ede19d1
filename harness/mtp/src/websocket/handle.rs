//! How the owner of an end tells it what to do.

use std::sync::{Arc, Weak};

use bytes::Bytes;
use tokio::sync::{Mutex, mpsc, oneshot, watch};

use super::end::End;
use super::registry::{Command, Registry};
use super::settings::{KeepAlive, Life, Settings};
use super::{RawFrame, WsBehaviour, close_code};
use crate::error::MtpError;
use crate::event::{ConnectionId, Opcode};
use crate::network::Address;
use crate::tls::TlsMaterial;

/// The handle of a running end, of either side. Clones are the same end; the end stops when the last one is gone.
///
/// What is sent goes to the newest open session unless [`WsHandle::at`] names another. Sending waits until the octets are written, so
/// the events must be consumed by somebody else at the same time.
#[derive(Debug, Clone)]
pub struct WsHandle {
    pub(super) shared: Arc<Shared>,
    pub(super) target: Option<ConnectionId>,
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) registry: Arc<Registry>,
    /// Gone when the last task of the end is gone.
    pub(super) end: Weak<End>,
    pub(super) life: watch::Sender<Life>,
    pub(super) settings: watch::Sender<Settings>,
    /// The end holds the sender and never sends: the channel closes with it.
    pub(super) ended: Mutex<mpsc::Receiver<()>>,
    pub(super) address: Option<Address>,
}

impl WsHandle {
    /// The same end; what is sent goes to that session, or fails when it is not open any more.
    #[must_use]
    pub fn at(&self, connection: ConnectionId) -> Self {
        Self { shared: Arc::clone(&self.shared), target: Some(connection) }
    }

    /// The address that is listened at, with its real port; none if this end connects.
    pub fn address(&self) -> Option<&Address> {
        self.shared.address.as_ref()
    }

    /// Whether there is a session to send on.
    pub fn is_open(&self) -> bool {
        self.shared.registry.find(self.target).is_some()
    }

    /// Sends a Record as one binary frame (R-WS.14), unless the behaviour says to fragment it.
    ///
    /// # Errors
    /// [`MtpError::NotOpen`], [`MtpError::Lost`]; so for everything that sends.
    pub async fn send_record(&self, record: impl Into<Bytes>) -> Result<(), MtpError> {
        self.order(Command::Record { bytes: record.into(), fragment: None }).await
    }

    /// Sends a Record in frames of at most `fragment` octets (at least 1), which a peer must put together (R-WS.14b).
    pub async fn send_fragmented(&self, record: impl Into<Bytes>, fragment: usize) -> Result<(), MtpError> {
        self.order(Command::Record { bytes: record.into(), fragment: Some(fragment.max(1)) }).await
    }

    /// Sends one frame as it is, however wrong.
    pub async fn send_frame(&self, frame: RawFrame) -> Result<(), MtpError> {
        self.order(Command::Frame(frame)).await
    }

    /// Sends octets that need not be a frame.
    pub async fn send_octets(&self, octets: impl Into<Bytes>) -> Result<(), MtpError> {
        self.order(Command::Octets(octets.into())).await
    }

    /// Sends a Pong that answers nothing (RFC 6455 section 5.5.3 allows it).
    pub async fn pong(&self, payload: impl Into<Bytes>) -> Result<(), MtpError> {
        self.send_frame(RawFrame::new(Opcode::Pong, payload)).await
    }

    /// Sends a Ping.
    pub async fn ping(&self, payload: impl Into<Bytes>) -> Result<(), MtpError> {
        self.send_frame(RawFrame::new(Opcode::Ping, payload)).await
    }

    /// Begins the closing handshake (RFC 6455 section 7). It goes on by itself and ends with a `Closed` event.
    pub async fn close(&self, code: u16, reason: &str) -> Result<(), MtpError> {
        self.order(Command::Close { code: Some(code), reason: reason.to_owned() }).await
    }

    /// Ends the stream without a closing handshake, as a process that exits does.
    pub async fn hang_up(&self) -> Result<(), MtpError> {
        self.order(Command::HangUp).await
    }

    /// Breaks the stream (TCP: RST), as a network that fails does.
    pub async fn drop_connection(&self) -> Result<(), MtpError> {
        self.order(Command::Break).await
    }

    /// Stops listening, or connecting again; open sessions stay. A connecting end does not even wait for its next retry any more.
    pub fn pause(&self) {
        self.live(|life| life.connecting = false);
    }

    /// Pauses and closes every open session with code 1000.
    pub async fn disconnect(&self) {
        self.pause();
        for id in self.shared.registry.ids() {
            // A session that has just ended needs no closing.
            let _ = self.at(id).close(close_code::NORMAL, "").await;
        }
    }

    /// Listens again, or connects at once without waiting for the next retry.
    pub fn reconnect(&self) {
        self.live(|life| life.connecting = true);
    }

    /// Opens one more connection beside those that there are (compare R-WS.4). It is not opened again after its end, and while it is there
    /// the usual one is not either.
    ///
    /// # Errors
    /// [`MtpError::Config`] for an end that listens, [`MtpError::Stopped`].
    pub fn open_another(&self) -> Result<ConnectionId, MtpError> {
        if self.shared.address.is_some() {
            return Err(MtpError::Config("an end that listens cannot open a connection".to_owned()));
        }
        let end = self.shared.end.upgrade().ok_or(MtpError::Stopped)?;
        Ok(end.spawn_another())
    }

    /// Changes what this end does, from the next handshake or frame on.
    pub fn set_behaviour(&self, behaviour: WsBehaviour) {
        self.shared.settings.send_modify(|settings| settings.behaviour = behaviour);
    }

    /// Changes a part of what this end does, from the next handshake or frame on.
    pub fn change_behaviour(&self, change: impl FnOnce(&mut WsBehaviour)) {
        self.shared.settings.send_modify(|settings| change(&mut settings.behaviour));
    }

    /// Changes the keep-alive interval (R-WS.18), for open sessions too.
    pub fn set_keep_alive(&self, keep_alive: Option<KeepAlive>) {
        self.shared.settings.send_modify(|settings| settings.keep_alive = keep_alive);
    }

    /// Verifies peers of later connections against other trust anchors (PEM, at least one); the own certificate stays. A server demands
    /// a certificate of its clients. With `accept_any` every certificate is accepted, and what came of verifying it stands in the
    /// session (a server accepts none as well). Open sessions are not touched.
    ///
    /// # Errors
    /// [`MtpError::Tls`]: an anchor is not usable, or this end does not use TLS.
    pub fn set_trust(&self, anchors: &str, accept_any: bool) -> Result<(), MtpError> {
        let tls = self.shared.settings.borrow().tls.trusting(anchors, accept_any)?;
        self.shared.settings.send_modify(|settings| settings.tls = tls);
        Ok(())
    }

    /// Shows another certificate in later connections; what is trusted stays. Open sessions are not touched.
    ///
    /// # Errors
    /// [`MtpError::Tls`]: the pair is not usable, or this end does not use TLS.
    pub fn set_identity(&self, identity: TlsMaterial) -> Result<(), MtpError> {
        let tls = self.shared.settings.borrow().tls.showing(identity)?;
        self.shared.settings.send_modify(|settings| settings.tls = tls);
        Ok(())
    }

    /// Closes every session with code 1001, ends everything and waits for it, which takes a few seconds at most.
    pub async fn shutdown(&self) {
        self.live(|life| life.stopping = true);
        while self.shared.ended.lock().await.recv().await.is_some() {}
    }

    fn live(&self, change: impl FnOnce(&mut Life)) {
        self.shared.life.send_modify(change);
    }

    async fn order(&self, command: Command) -> Result<(), MtpError> {
        let (done, written) = oneshot::channel();
        let orders = self.shared.registry.find(self.target).ok_or(MtpError::NotOpen)?;
        orders.send((command, done)).await.map_err(|_| MtpError::Lost)?;
        written.await.map_err(|_| MtpError::Lost)
    }
}
