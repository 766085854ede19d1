//! The open sessions of one end.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{mpsc, oneshot};

use crate::event::ConnectionId;
use crate::log::Log;

/// A command and whom to tell when its octets have been written.
pub(crate) type Order<C> = (C, oneshot::Sender<()>);

/// The open sessions of one end. Not more than one is the current one: the newest.
#[derive(Debug)]
pub(crate) struct Registry<C> {
    sessions: Mutex<BTreeMap<ConnectionId, Entry<C>>>,
}

#[derive(Debug)]
struct Entry<C> {
    peer: Option<String>,
    orders: mpsc::Sender<Order<C>>,
    log: Log,
}

/// The session that a newer one of the same peer has replaced.
#[derive(Debug)]
pub(crate) struct Former<C> {
    pub(crate) orders: mpsc::Sender<Order<C>>,
    pub(crate) log: Log,
}

impl<C> Default for Registry<C> {
    fn default() -> Self {
        Self { sessions: Mutex::default() }
    }
}

impl<C> Registry<C> {
    /// Enters an open session, and gives back the same peer's session before it.
    pub(crate) fn enter(
        &self,
        id: ConnectionId,
        peer: Option<String>,
        orders: mpsc::Sender<Order<C>>,
        log: Log,
    ) -> Option<Former<C>> {
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
    pub(crate) fn leave(&self, id: ConnectionId) {
        self.sessions().remove(&id);
    }

    /// Whether that peer has an open session.
    pub(crate) fn has_peer(&self, peer: Option<&str>) -> bool {
        self.sessions().values().any(|entry| entry.peer.as_deref() == peer)
    }

    /// The given session, or the current one.
    pub(crate) fn find(&self, id: Option<ConnectionId>) -> Option<mpsc::Sender<Order<C>>> {
        let sessions = self.sessions();
        let entry = match id {
            Some(id) => sessions.get(&id),
            None => sessions.values().next_back(),
        };
        entry.map(|entry| entry.orders.clone())
    }

    /// Every open session's number.
    pub(crate) fn ids(&self) -> Vec<ConnectionId> {
        self.sessions().keys().copied().collect()
    }

    fn sessions(&self) -> MutexGuard<'_, BTreeMap<ConnectionId, Entry<C>>> {
        // The table is never left half-changed, so that a poisoned lock still guards a sound one.
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
