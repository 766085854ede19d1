//! How the owner of an end tells it what to do.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use super::end::End;
use super::session::Command;
use super::{FrameChanges, Tlv, UdsBehaviour};
use crate::end::{Control, Order, Registry};
use crate::error::MtpError;
use crate::event::ConnectionId;
use crate::network::Address;
use crate::tls::{TlsError, TlsMaterial};

/// The handle of a running end, of either side. Clones are the same end; the end stops when the last one is gone.
///
/// What is sent goes to the newest connection whose handshake is done unless [`UdsHandle::at`] names another. All but Records can be sent,
/// and everything can be ended, before the handshake is done too. Sending waits until the octets are written, so the events must be
/// consumed by somebody else at the same time.
#[derive(Debug, Clone)]
pub struct UdsHandle {
    pub(super) control: Arc<Control<End, Command, UdsBehaviour>>,
    /// The connections whose handshake is not done.
    pub(super) greeting: Arc<Registry<Command>>,
    pub(super) target: Option<ConnectionId>,
}

impl UdsHandle {
    /// The same end; what is sent goes to that connection, or fails when it is not there any more.
    #[must_use]
    pub fn at(&self, connection: ConnectionId) -> Self {
        Self { target: Some(connection), ..self.clone() }
    }

    /// The address that is listened at; none if this end connects.
    pub fn address(&self) -> Option<&Address> {
        self.control.address.as_ref()
    }

    /// Whether there is a connection to send Records on.
    pub fn is_open(&self) -> bool {
        self.control.registry.find(self.target).is_some()
    }

    /// Sends a Record in a frame of its own (R-UDS.22).
    ///
    /// # Errors
    /// [`MtpError::NotOpen`], [`MtpError::Lost`]; so for everything that sends.
    pub async fn send_record(&self, record: impl Into<Bytes>) -> Result<(), MtpError> {
        let open = self.control.registry.find(self.target);
        // Who takes Records before the handshake is done answers them too.
        let early = || self.greeting.find(self.target).filter(|_| self.control.settings.borrow().take_early_records);
        order(open.or_else(early), Command::Record(record.into())).await
    }

    /// Sends one frame of these TLVs, with nothing that the behaviour changes; none makes a frame that nobody may send (R-UDS.6).
    pub async fn send_frame(&self, tlvs: Vec<Tlv>) -> Result<(), MtpError> {
        self.send_frame_changed(tlvs, FrameChanges::default()).await
    }

    /// Sends one frame of these TLVs with parts of it made wrong.
    pub async fn send_frame_changed(&self, tlvs: Vec<Tlv>, changes: FrameChanges) -> Result<(), MtpError> {
        self.order(Command::Frame(tlvs, changes)).await
    }

    /// Sends octets that need not be a frame.
    pub async fn send_octets(&self, octets: impl Into<Bytes>) -> Result<(), MtpError> {
        self.order(Command::Octets(octets.into())).await
    }

    /// Says in an Error what cannot be processed, such as a Record that cannot be decoded, and ends the connection (R-UDS.23). What the
    /// behaviour says about Errors counts here too. An Error alone is sent by [`UdsHandle::send_frame`].
    pub async fn error(&self, text: &str) -> Result<(), MtpError> {
        self.order(Command::Error(text.to_owned())).await
    }

    /// Ends the stream in order, which is all the farewell that this MTP has.
    pub async fn hang_up(&self) -> Result<(), MtpError> {
        self.order(Command::HangUp).await
    }

    /// Breaks the stream. Over a real socket the peer sees no more of it than its end, unless it had sent what was never read here.
    pub async fn drop_connection(&self) -> Result<(), MtpError> {
        self.order(Command::Break).await
    }

    /// Stops listening (the socket's file goes), or connecting again; connections stay. A connecting end does not even wait for its next
    /// retry any more.
    pub fn pause(&self) {
        self.control.pause();
    }

    /// Pauses and ends every connection in order.
    pub async fn disconnect(&self) {
        self.pause();
        let ids = self.greeting.ids().into_iter().chain(self.control.registry.ids());
        for id in ids {
            // A connection that has just ended needs no ending.
            let _ = self.at(id).hang_up().await;
        }
    }

    /// Listens again, or connects at once without waiting for the next retry.
    pub fn reconnect(&self) {
        self.control.reconnect();
    }

    /// Opens one more connection beside those that there are. It is not opened again after its end, and while it is there the usual one
    /// is not either.
    ///
    /// # Errors
    /// [`MtpError::Config`] for an end that listens, [`MtpError::Stopped`].
    pub fn open_another(&self) -> Result<ConnectionId, MtpError> {
        self.control.open_another()
    }

    /// Changes what this end does, from the next frame on.
    pub fn set_behaviour(&self, behaviour: UdsBehaviour) {
        self.control.settings.send_replace(behaviour);
    }

    /// Changes a part of what this end does, from the next frame on.
    pub fn change_behaviour(&self, change: impl FnOnce(&mut UdsBehaviour)) {
        self.control.settings.send_modify(change);
    }

    /// There is no certificate to change: TLS over UNIX domain sockets is an option (R-UDS.23a) that is not used here.
    ///
    /// # Errors
    /// [`MtpError::Tls`], always.
    pub fn set_identity(&self, _identity: TlsMaterial) -> Result<(), MtpError> {
        Err(TlsError::NotInUse.into())
    }

    /// Ends every connection in order, ends everything and waits for it, which takes a few seconds at most.
    pub async fn shutdown(&self) {
        self.control.shutdown().await;
    }

    async fn order(&self, command: Command) -> Result<(), MtpError> {
        let open = self.control.registry.find(self.target);
        order(open.or_else(|| self.greeting.find(self.target)), command).await
    }
}

async fn order(whom: Option<mpsc::Sender<Order<Command>>>, command: Command) -> Result<(), MtpError> {
    let (done, written) = oneshot::channel();
    whom.ok_or(MtpError::NotOpen)?.send((command, done)).await.map_err(|_| MtpError::Lost)?;
    written.await.map_err(|_| MtpError::Lost)
}
