//! How the owner of an end steers it, whichever MTP it speaks.

use std::sync::{Arc, Weak};

use tokio::sync::{Mutex, mpsc, oneshot, watch};

use super::{Conversation, Registry, Reins, spawn_another};
use crate::error::MtpError;
use crate::event::ConnectionId;
use crate::network::Address;

/// What an end is to do at large.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Life {
    /// Connections are wanted: accepted, or opened.
    pub(crate) connecting: bool,
    /// Everything is to end.
    pub(crate) stopping: bool,
}

/// What the handles of an end share: `E` is the end, `C` what its sessions can be told to do, `S` what can be changed while it runs.
#[derive(Debug)]
pub(crate) struct Control<E, C, S> {
    /// Its open sessions.
    pub(crate) registry: Arc<Registry<C>>,
    /// What can be changed while it runs.
    pub(crate) settings: watch::Sender<S>,
    /// Where it listens, with the real port; none if it connects.
    pub(crate) address: Option<Address>,
    /// Gone when the last task of the end is gone.
    end: Weak<E>,
    life: watch::Sender<Life>,
    /// The end holds the sender and never sends: the channel closes with it.
    ended: Mutex<mpsc::Receiver<()>>,
}

impl<E: Conversation, C, S> Control<E, C, S> {
    /// Steers that end.
    pub(crate) fn new(
        end: &Arc<E>,
        reins: Reins,
        registry: Arc<Registry<C>>,
        settings: watch::Sender<S>,
        address: Option<Address>,
    ) -> Self {
        let Reins { life, ended } = reins;
        Self { registry, settings, address, end: Arc::downgrade(end), life, ended: Mutex::new(ended) }
    }

    /// The end, while it is there.
    pub(crate) fn end(&self) -> Option<Arc<E>> {
        self.end.upgrade()
    }

    /// Stops listening, or connecting again; open sessions stay. A connecting end does not even wait for its next retry any more.
    pub(crate) fn pause(&self) {
        self.life.send_modify(|life| life.connecting = false);
    }

    /// Listens again, or connects at once without waiting for the next retry.
    pub(crate) fn reconnect(&self) {
        self.life.send_modify(|life| life.connecting = true);
    }

    /// Ends everything and waits for it.
    pub(crate) async fn shutdown(&self) {
        self.life.send_modify(|life| life.stopping = true);
        while self.ended.lock().await.recv().await.is_some() {}
    }

    /// Opens one more connection beside those that there are.
    ///
    /// # Errors
    /// [`MtpError::Config`] for an end that listens, [`MtpError::Stopped`].
    pub(crate) fn open_another(&self) -> Result<ConnectionId, MtpError> {
        if self.address.is_some() {
            return Err(MtpError::Config("an end that listens cannot open a connection".to_owned()));
        }
        Ok(spawn_another(self.end().ok_or(MtpError::Stopped)?))
    }

    /// Tells a session, or the current one, what to do, and waits until it is done.
    ///
    /// # Errors
    /// [`MtpError::NotOpen`], [`MtpError::Lost`].
    pub(crate) async fn order(&self, target: Option<ConnectionId>, command: C) -> Result<(), MtpError> {
        let (done, written) = oneshot::channel();
        let orders = self.registry.find(target).ok_or(MtpError::NotOpen)?;
        orders.send((command, done)).await.map_err(|_| MtpError::Lost)?;
        written.await.map_err(|_| MtpError::Lost)
    }
}
