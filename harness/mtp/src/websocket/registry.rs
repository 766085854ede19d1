//! The open sessions of one end.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use super::RawFrame;
use crate::event::ConnectionId;
use crate::log::Log;

/// What a session can be told to do.
#[derive(Debug)]
pub(super) enum Command {
    /// Sends a Record, in fragments of at most that many octets if any.
    Record { bytes: Bytes, fragment: Option<usize> },
    /// Sends one frame as it is.
    Frame(RawFrame),
    /// Sends octets as they are, between two frames.
    Octets(Bytes),
    /// Begins the closing handshake.
    Close { code: Option<u16>, reason: String },
    /// Ends the stream without a closing handshake, in order.
    HangUp,
    /// Breaks the stream.
    Break,
}

/// A command and whom to tell when its octets have been written.
pub(super) type Order = (Command, oneshot::Sender<()>);

/// The open sessions of one end. Not more than one is the current one: the newest.
#[derive(Debug, Default)]
pub(super) struct Registry {
    sessions: Mutex<BTreeMap<ConnectionId, Entry>>,
}

#[derive(Debug)]
struct Entry {
    peer: Option<String>,
    orders: mpsc::Sender<Order>,
    log: Log,
}

/// The session that a newer one of the same peer has replaced.
#[derive(Debug)]
pub(super) struct Former {
    pub(super) orders: mpsc::Sender<Order>,
    pub(super) log: Log,
}

impl Registry {
    /// Enters an open session, and gives back the same peer's session before it.
    pub(super) fn enter(
        &self,
        id: ConnectionId,
        peer: Option<String>,
        orders: mpsc::Sender<Order>,
        log: Log,
    ) -> Option<Former> {
        let mut sessions = self.sessions();
        let former = sessions
            .values()
            .rev()
            .find(|entry| entry.peer == peer)
            .map(|entry| Former { orders: entry.orders.clone(), log: entry.log.clone() });
        sessions.insert(id, Entry { peer, orders, log });
        former
    }

    /// Removes a session; nothing can be sent on it any more.
    pub(super) fn leave(&self, id: ConnectionId) {
        self.sessions().remove(&id);
    }

    /// Whether that peer has an open session.
    pub(super) fn has_peer(&self, peer: Option<&str>) -> bool {
        self.sessions().values().any(|entry| entry.peer.as_deref() == peer)
    }

    /// The given session, or the current one.
    pub(super) fn find(&self, id: Option<ConnectionId>) -> Option<mpsc::Sender<Order>> {
        let sessions = self.sessions();
        let entry = match id {
            Some(id) => sessions.get(&id),
            None => sessions.values().next_back(),
        };
        entry.map(|entry| entry.orders.clone())
    }

    /// Every open session's number.
    pub(super) fn ids(&self) -> Vec<ConnectionId> {
        self.sessions().keys().copied().collect()
    }

    fn sessions(&self) -> MutexGuard<'_, BTreeMap<ConnectionId, Entry>> {
        // The table is never left half-changed, so that a poisoned lock still guards a sound one.
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
