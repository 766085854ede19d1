//! How the owner of an end tells it what to do.

use std::sync::Arc;

use bytes::Bytes;

use super::end::End;
use super::settings::{KeepAlive, Settings};
use super::{Command, RawFrame, WsBehaviour, close_code};
use crate::end::Control;
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
    pub(super) control: Arc<Control<End, Command, Settings>>,
    pub(super) target: Option<ConnectionId>,
}

impl WsHandle {
    /// The same end; what is sent goes to that session, or fails when it is not open any more.
    #[must_use]
    pub fn at(&self, connection: ConnectionId) -> Self {
        Self { control: Arc::clone(&self.control), target: Some(connection) }
    }

    /// The address that is listened at, with its real port; none if this end connects.
    pub fn address(&self) -> Option<&Address> {
        self.control.address.as_ref()
    }

    /// Whether there is a session to send on.
    pub fn is_open(&self) -> bool {
        self.control.registry.find(self.target).is_some()
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
        self.control.pause();
    }

    /// Pauses and closes every open session with code 1000.
    pub async fn disconnect(&self) {
        self.pause();
        for id in self.control.registry.ids() {
            // A session that has just ended needs no closing.
            let _ = self.at(id).close(close_code::NORMAL, "").await;
        }
    }

    /// Listens again, or connects at once without waiting for the next retry.
    pub fn reconnect(&self) {
        self.control.reconnect();
    }

    /// Opens one more connection beside those that there are (compare R-WS.4). It is not opened again after its end, and while it is there
    /// the usual one is not either.
    ///
    /// # Errors
    /// [`MtpError::Config`] for an end that listens, [`MtpError::Stopped`].
    pub fn open_another(&self) -> Result<ConnectionId, MtpError> {
        self.control.open_another()
    }

    /// Changes what this end does, from the next handshake or frame on.
    pub fn set_behaviour(&self, behaviour: WsBehaviour) {
        self.control.settings.send_modify(|settings| settings.behaviour = behaviour);
    }

    /// Changes a part of what this end does, from the next handshake or frame on.
    pub fn change_behaviour(&self, change: impl FnOnce(&mut WsBehaviour)) {
        self.control.settings.send_modify(|settings| change(&mut settings.behaviour));
    }

    /// Changes the keep-alive interval (R-WS.18), for open sessions too.
    pub fn set_keep_alive(&self, keep_alive: Option<KeepAlive>) {
        self.control.settings.send_modify(|settings| settings.keep_alive = keep_alive);
    }

    /// Verifies peers of later connections against other trust anchors (PEM, at least one); the own certificate stays. A server demands
    /// a certificate of its clients. With `accept_any` every certificate is accepted, and what came of verifying it stands in the
    /// session (a server accepts none as well). Open sessions are not touched.
    ///
    /// # Errors
    /// [`MtpError::Tls`]: an anchor is not usable, or this end does not use TLS.
    pub fn set_trust(&self, anchors: &str, accept_any: bool) -> Result<(), MtpError> {
        let tls = self.control.settings.borrow().tls.trusting(anchors, accept_any)?;
        self.control.settings.send_modify(|settings| settings.tls = tls);
        Ok(())
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

    /// Closes every session with code 1001, ends everything and waits for it, which takes a few seconds at most.
    pub async fn shutdown(&self) {
        self.control.shutdown().await;
    }

    async fn order(&self, command: Command) -> Result<(), MtpError> {
        self.control.order(self.target, command).await
    }
}
