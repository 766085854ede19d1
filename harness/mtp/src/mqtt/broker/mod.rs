//! The broker: one [`Session`] for each connection, and the [`Hub`] where they meet.

mod admission;
mod connack;
mod hub;
mod incoming;
mod outgoing;
mod retained;
mod seat;
mod session;
mod store;
mod stores;

use std::sync::{Arc, Mutex};

use tokio::sync::mpsc;

use super::MqttVersion;
use super::command::Order;
use super::end::End;
use crate::end::run_session;
use crate::event::{Closing, ConnectionId, MtpHappening};
use crate::wire::Wire;

pub(super) use self::hub::Hub;
pub(super) use self::outgoing::record_properties;
pub(super) use self::seat::Seat;
use self::session::Session;
pub(super) use self::session::seen;

/// What a broker is started with, beside what every end is.
#[derive(Debug)]
pub(super) struct BrokerConfig {
    pub(super) versions: Vec<MqttVersion>,
    pub(super) credentials: Option<(String, String)>,
    pub(super) max_record: usize,
    /// The first Controller's topic.
    pub(super) topic: String,
    /// Where the Agent is reached while it has not told it.
    pub(super) agent_topic: Option<String>,
}

/// Stays with a client from its first octet to its last.
pub(super) async fn converse(
    end: &End,
    hub: &Arc<Hub>,
    id: ConnectionId,
    mut wire: Wire,
    (orders, queue): (mpsc::Sender<Order>, mpsc::Receiver<Order>),
) {
    // What the session leaves behind for the other Controllers: the drivers' own report goes to the first one alone.
    let farewell: Mutex<Option<Closing>> = Mutex::new(None);
    let session = Session::new(end, hub, id, orders, wire.tls.take(), &farewell);
    run_session(&end.base, wire, session, queue, end.settings.clone()).await;
    let farewell = farewell.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(closing) = farewell {
        for seat in hub.guests() {
            seat.log(id).emit(MtpHappening::Closed(closing.clone())).await;
        }
    }
}
