//! The Agent's end: a client of a broker.

mod opening;
mod session;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio::sync::mpsc;

use super::command::Order;
use super::end::End;
use crate::end::run_session;
use crate::event::ConnectionId;
use crate::wire::Wire;

use self::session::Session;

/// What a client remembers from one connection to the next.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// The Client Identifier that the server assigned (R-MQTT.9).
    assigned: Mutex<Option<String>>,
    /// There is nothing to subscribe to, so that the MTP counts as disabled (R-MQTT.16).
    disabled: AtomicBool,
}

impl Memory {
    fn assigned(&self) -> Option<String> {
        self.assigned.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn assign(&self, client_id: &str) {
        *self.assigned.lock().unwrap_or_else(PoisonError::into_inner) = Some(client_id.to_owned());
    }
}

/// Stays with a connection from its first octet to its last. Tells whether Records could be exchanged.
pub(super) async fn converse(
    end: &End,
    memory: &Memory,
    id: ConnectionId,
    mut wire: Wire,
    (orders, queue): (mpsc::Sender<Order>, mpsc::Receiver<Order>),
    opened: &AtomicBool,
) -> bool {
    let session = Session::new(end, memory, id, orders, wire.tls.take(), opened);
    run_session(&end.base, wire, session, queue, end.settings.clone()).await;
    if memory.disabled.swap(false, Ordering::Relaxed) {
        end.base.until_told().await;
    }
    opened.load(Ordering::Relaxed)
}
