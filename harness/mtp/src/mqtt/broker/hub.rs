//! Where the sessions of a broker meet: who is connected, what is subscribed to, and which Controllers are built in.
//!
//! The one decision behind it: everything shared stands behind one lock that is held for a moment and never across a wait; a session tells
//! another one that something waits for it by an order that may be lost without harm.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::retained::Retained;
use super::store::{Grant, Live, Message, Stage, Store};
use super::stores::Stores;
use super::{BrokerConfig, Seat};
use crate::event::{ConnectionId, OpenSession};
use crate::log::Sink;
use crate::mqtt::command::{Command, Order, SeatId};
use crate::mqtt::packet::Publish;

/// Sessions that are kept without a connection.
const MOST_KEPT: usize = 1024;

/// Where the sessions of a broker meet.
#[derive(Debug)]
pub(in crate::mqtt) struct Hub {
    pub(super) config: BrokerConfig,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    stores: Stores,
    retained: Retained,
    seats: Vec<Seat>,
    /// The sessions that can be sent to.
    open: BTreeMap<ConnectionId, OpenSession>,
    next_seat: SeatId,
    next_client: u32,
    /// Whose turn it is in shared subscriptions.
    turn: usize,
}

/// What became of a client's wish to have a session.
#[derive(Debug)]
pub(super) struct Admitted {
    /// Its session was kept.
    pub(super) session_present: bool,
    /// What was under way when its connection ended.
    pub(super) unfinished: Vec<(u16, Stage)>,
    /// The connection that had the session until now.
    pub(super) former: Option<Live>,
}

impl Hub {
    /// A hub with the first Controller.
    pub(in crate::mqtt) fn new(config: BrokerConfig, sink: Sink) -> Self {
        let first =
            Seat { id: 0, topic: config.topic.clone(), agent_topic: config.agent_topic.clone(), sink, present: true };
        let state = State {
            stores: Stores::default(),
            retained: Retained::default(),
            seats: vec![first],
            open: BTreeMap::new(),
            next_seat: 1,
            next_client: 1,
            turn: 0,
        };
        Self { config, state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing is left half-changed, so that a poisoned lock still guards a sound state.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a client in: with a new session, or with the one that was kept.
    pub(super) fn admit(&self, client: &str, clean: bool, live: Live) -> Admitted {
        let mut state = self.state();
        state.stores.expire(Instant::now());
        let kept = state.stores.remove(client);
        let former = kept.as_ref().and_then(|store| store.live.clone());
        let kept = kept.filter(|_| !clean);
        let session_present = kept.is_some();
        let mut store = kept.unwrap_or_default();
        store.live = Some(live);
        store.until = None;
        let unfinished = store.unfinished();
        state.stores.put(client, store);
        Admitted { session_present, unfinished, former }
    }

    /// An identifier for a client that brought none.
    pub(super) fn new_client_id(&self) -> String {
        let mut state = self.state();
        let number = state.next_client;
        state.next_client = number.wrapping_add(1);
        format!("uspec-client-{number}")
    }

    /// A connection has ended; its session is kept for so long, or for ever without a limit.
    pub(super) fn depart(&self, client: &str, id: ConnectionId, keep: Option<Duration>) {
        let mut state = self.state();
        state.open.remove(&id);
        let mine = |store: &Store| store.live.as_ref().is_some_and(|live| live.id == id);
        let Some(store) = state.stores.get_mut(client).filter(|store| mine(store)) else {
            return;
        };
        store.live = None;
        store.until = keep.map(|keep| Instant::now() + keep);
        let kept = state.stores.all().filter(|store| store.live.is_none()).count();
        if keep == Some(Duration::ZERO) || kept > MOST_KEPT {
            state.stores.remove(client);
        }
    }

    /// Notes that a session can be sent to.
    pub(super) fn opened(&self, id: ConnectionId, open: OpenSession) {
        self.state().open.insert(id, open);
    }

    /// The sessions that can be sent to.
    pub(in crate::mqtt) fn open(&self) -> Vec<(ConnectionId, OpenSession)> {
        self.state().open.iter().map(|(id, open)| (*id, open.clone())).collect()
    }

    /// Does something with a client's session, if it is there; its subscriptions change through [`Hub::subscribe`] and [`Hub::unsubscribe`].
    pub(super) fn with<T>(&self, client: &str, act: impl FnOnce(&mut Store) -> T) -> Option<T> {
        self.state().stores.get_mut(client).map(act)
    }

    /// Enters a subscription and lets the retained messages that match it wait for the client. None if it is one too many.
    pub(super) fn subscribe(&self, client: &str, filter: &str, grant: &Grant, retain_handling: u8) -> Option<()> {
        let mut state = self.state();
        let state = &mut *state;
        let is_new = state.stores.subscribe(client, filter, grant.clone())?;
        let store = state.stores.get_mut(client)?;
        // A shared subscription gets no retained messages (MQTT 5.0 section 4.8.2).
        let wanted = match retain_handling {
            0 => true,
            1 => is_new,
            _ => false,
        };
        if wanted && crate::mqtt::topic::shared(filter).is_none() {
            for message in state.retained.matching(filter) {
                // Without room for it there is none for the others either.
                if !store.offer_retained(&message, grant) {
                    break;
                }
            }
        }
        Some(())
    }

    /// Removes a subscription of a client; false if there is none.
    pub(super) fn unsubscribe(&self, client: &str, filter: &str) -> bool {
        self.state().stores.unsubscribe(client, filter)
    }

    /// Brings a message to everybody who has subscribed to it, but not to `except`. Tells how many had no room for it.
    pub(super) fn route(&self, message: &Arc<Message>, from: Option<&str>, except: Option<&str>) -> usize {
        let mut state = self.state();
        let state = &mut *state;
        let mut lost = 0;
        if message.retain && !state.retained.keep(message) {
            lost += 1;
        }
        let interested = state.stores.interested(&message.topic);
        for client in interested.iter().map(String::as_str).filter(|client| except != Some(client)) {
            let offered = state.stores.get_mut(client).is_none_or(|store| store.offer(message, from == Some(client)));
            lost += usize::from(!offered);
        }
        lost += state.route_shared(message, &interested);
        for client in &interested {
            if let Some(store) = state.stores.get_mut(client).filter(|store| store.has_waiting())
                && let Some(live) = &store.live
            {
                wake(&live.orders);
            }
        }
        lost
    }

    /// Takes the next message that waits for a client.
    pub(super) fn next(&self, client: &str, id: ConnectionId, window: usize) -> Option<Publish> {
        let mut state = self.state();
        let store = state.stores.get_mut(client)?;
        store.live.as_ref().filter(|live| live.id == id)?;
        store.next(window)
    }

    /// The Controller that a topic belongs to: of several the one with the longest topic.
    pub(super) fn seat_at(&self, name: &str) -> Option<Seat> {
        let state = self.state();
        state.seats.iter().filter(|seat| seat.listens_to(name)).max_by_key(|seat| seat.topic.len()).cloned()
    }

    /// The Controller of that number.
    pub(super) fn seat(&self, id: SeatId) -> Option<Seat> {
        self.state().seats.iter().find(|seat| seat.id == id).cloned()
    }

    /// The Controllers beside the first that take part.
    pub(in crate::mqtt) fn guests(&self) -> Vec<Seat> {
        self.state().seats.iter().filter(|seat| seat.id != 0 && seat.present).cloned().collect()
    }

    /// Takes a further Controller in.
    pub(in crate::mqtt) fn sit(&self, topic: String, agent_topic: Option<String>, sink: Sink) -> Seat {
        let mut state = self.state();
        let seat = Seat { id: state.next_seat, topic, agent_topic, sink, present: true };
        state.next_seat = state.next_seat.wrapping_add(1);
        state.seats.push(seat.clone());
        seat
    }

    /// A Controller takes part from now on, or not. None if it was so, or if it has left.
    pub(in crate::mqtt) fn set_present(&self, id: SeatId, present: bool) -> Option<Seat> {
        let mut state = self.state();
        let seat = state.seats.iter_mut().find(|seat| seat.id == id && seat.present != present)?;
        seat.present = present;
        Some(seat.clone())
    }

    /// A Controller leaves for good.
    pub(in crate::mqtt) fn stand_up(&self, id: SeatId) {
        self.state().seats.retain(|seat| seat.id == 0 || seat.id != id);
    }
}

impl State {
    /// Brings a message to one client of each group that shares a matching subscription, in turn.
    fn route_shared(&mut self, message: &Arc<Message>, interested: &BTreeSet<String>) -> usize {
        let mut groups: BTreeMap<String, Vec<(String, Grant)>> = BTreeMap::new();
        for client in interested {
            let Some(store) = self.stores.get_mut(client).filter(|store| store.live.is_some()) else { continue };
            for (filter, grant) in store.shares(&message.topic) {
                groups.entry(filter.clone()).or_default().push((client.clone(), grant.clone()));
            }
        }
        let mut lost = 0;
        for members in groups.into_values() {
            let place = self.turn.checked_rem(members.len()).unwrap_or_default();
            self.turn = self.turn.wrapping_add(1);
            if let Some((client, grant)) = members.get(place)
                && let Some(store) = self.stores.get_mut(client)
                && !store.offer_shared(message, grant)
            {
                lost += 1;
            }
        }
        lost
    }
}

/// Tells a session that messages wait for it. A full queue needs no further order: whatever it holds makes the session look.
pub(super) fn wake(orders: &mpsc::Sender<Order>) {
    let _ = orders.try_send((Command::Wake, oneshot::channel().0));
}
