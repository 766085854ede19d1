//! Who is connected to the server, who has subscribed to what, and which further Controllers there are.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use super::StompFrame;
use super::guest::Guest;
use super::settings::{Command, Order};
use crate::event::{ConnectionId, OpenSession};

/// Octets of other clients' messages that may wait for one client; more than that, and it does not read.
const MAX_WAITING: usize = 4 * 1024 * 1024;

/// The server's memory, shared by its connections. Nothing is kept for destinations that nobody has subscribed to.
#[derive(Debug, Default)]
pub(super) struct Broker {
    state: Mutex<State>,
    messages: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    clients: BTreeMap<ConnectionId, Client>,
    /// Who has subscribed to a destination, and by which id.
    destinations: BTreeMap<String, BTreeSet<(ConnectionId, String)>>,
    guests: Vec<Weak<Guest>>,
}

#[derive(Debug)]
struct Client {
    orders: mpsc::Sender<Order>,
    waiting: Arc<Semaphore>,
    lost: Arc<AtomicU32>,
    open: Option<OpenSession>,
}

/// A message of one client on its way to another.
#[derive(Debug)]
pub(super) struct Delivery {
    /// What was sent.
    pub(super) frame: Arc<StompFrame>,
    /// By which id the receiver has subscribed.
    pub(super) subscription: String,
    /// Gives its share of the receiver's memory back when it is dropped.
    _waiting: Option<OwnedSemaphorePermit>,
}

impl Broker {
    /// A client has connected. Gives back the count of messages that it loses because it does not read.
    pub(super) fn enter(&self, id: ConnectionId, orders: mpsc::Sender<Order>) -> Arc<AtomicU32> {
        let lost = Arc::<AtomicU32>::default();
        let waiting = Arc::new(Semaphore::new(MAX_WAITING));
        self.state().clients.insert(id, Client { orders, waiting, lost: Arc::clone(&lost), open: None });
        lost
    }

    /// A client has gone. Gives back the further Controllers that are to be told.
    pub(super) fn leave(&self, id: ConnectionId) -> Vec<Arc<Guest>> {
        let mut state = self.state();
        state.clients.remove(&id);
        state.destinations.retain(|_, subscribers| {
            subscribers.retain(|(client, _)| *client != id);
            !subscribers.is_empty()
        });
        state.guests()
    }

    /// A client can be sent Records from now on. Gives back the further Controllers that are to be told.
    pub(super) fn open(&self, id: ConnectionId, open: OpenSession) -> Vec<Arc<Guest>> {
        let mut state = self.state();
        if let Some(client) = state.clients.get_mut(&id) {
            client.open = Some(open);
        }
        state.guests()
    }

    /// A further Controller is there. Gives back the sessions that can be used already.
    pub(super) fn invite(&self, guest: &Arc<Guest>) -> Vec<(ConnectionId, OpenSession)> {
        let mut state = self.state();
        state.guests.retain(|guest| guest.strong_count() > 0);
        state.guests.push(Arc::downgrade(guest));
        state.clients.iter().filter_map(|(id, client)| Some((*id, client.open.clone()?))).collect()
    }

    /// The further Controllers that have that destination.
    pub(super) fn guests_at(&self, destination: &str) -> Vec<Arc<Guest>> {
        self.state().guests().into_iter().filter(|guest| guest.destination == destination).collect()
    }

    pub(super) fn subscribe(&self, id: ConnectionId, subscription: &str, destination: &str) {
        let mut state = self.state();
        state.destinations.entry(destination.to_owned()).or_default().insert((id, subscription.to_owned()));
    }

    pub(super) fn unsubscribe(&self, id: ConnectionId, subscription: &str, destination: &str) {
        let mut state = self.state();
        if let Some(subscribers) = state.destinations.get_mut(destination) {
            subscribers.remove(&(id, subscription.to_owned()));
            if subscribers.is_empty() {
                state.destinations.remove(destination);
            }
        }
    }

    /// Hands a message to everybody who has subscribed to its destination. Nobody waits for a client that does not read: it loses the message, and
    /// is told of so when it reads again.
    pub(super) fn deliver(&self, destination: &str, frame: StompFrame) {
        let state = self.state();
        let Some(subscribers) = state.destinations.get(destination) else {
            return;
        };
        let frame = Arc::new(frame);
        for (id, subscription) in subscribers {
            if let Some(client) = state.clients.get(id)
                && client.hand_over(Arc::clone(&frame), subscription.clone()).is_none()
            {
                client.lost.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// The queue of a client, whether it can be sent Records or not.
    pub(super) fn orders(&self, id: ConnectionId) -> Option<mpsc::Sender<Order>> {
        self.state().clients.get(&id).map(|client| client.orders.clone())
    }

    /// Every client's number.
    pub(super) fn ids(&self) -> Vec<ConnectionId> {
        self.state().clients.keys().copied().collect()
    }

    /// The number of a further message.
    pub(super) fn next_message(&self) -> u64 {
        self.messages.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The tables are never left half-changed, so that a poisoned lock still guards sound ones.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn guests(&self) -> Vec<Arc<Guest>> {
        self.guests.iter().filter_map(Weak::upgrade).collect()
    }
}

impl Client {
    fn hand_over(&self, frame: Arc<StompFrame>, subscription: String) -> Option<()> {
        let octets = u32::try_from(frame.body.len().min(MAX_WAITING)).ok()?;
        let waiting = match octets {
            0 => None,
            octets => Some(Arc::clone(&self.waiting).try_acquire_many_owned(octets).ok()?),
        };
        let delivery = Delivery { frame, subscription, _waiting: waiting };
        self.orders.try_send((Command::Deliver(delivery), oneshot::channel().0)).ok()
    }
}
