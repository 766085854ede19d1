//! The engine: Records and time in, [`Action`]s out. It does no I/O and never looks at a clock by itself.

mod boot;
mod clock;
mod dispatch;
mod links;
mod notify;
mod receive;
mod timers;

pub use boot::Saved;
pub use links::{Arrival, Channel};
pub use receive::Source;

use crate::config::AgentConfig;
use crate::faults::{Fault, FaultSet};
use crate::random::Random;
use crate::store::{RowKey, Store};
use crate::subscriptions::Subscription;
use crate::subscriptions::outbox::Outbox;
use clock::Clock;
use prost::Message as _;
use std::collections::BTreeMap;
use tokio::time::Instant;
use uspec_usp::record::{DisconnectRecord, Record, record::RecordType};

/// The version of USP that the Agent's Records carry.
pub const USP_VERSION: &str = "1.4";

/// WebSocket status for a Record that cannot be extracted (R-WS.16).
pub const UNSUPPORTED_DATA: u16 = 1003;

/// WebSocket status of an ordinary close.
const NORMAL: u16 = 1000;

/// A connection of the MTP, numbered by whoever owns it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// What is to be done after something happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Send a Record.
    Send {
        /// Over which connection.
        connection: ConnectionId,
        /// Over MQTT and STOMP: the topic or destination that it goes to, where it is not the Controller's own.
        to: Option<String>,
        /// The encoded Record.
        record: Vec<u8>,
    },
    /// Close a connection.
    Close {
        /// Which one.
        connection: ConnectionId,
        /// The WebSocket status code; [`UNSUPPORTED_DATA`] over any MTP says that a Record could not be extracted.
        code: u16,
        /// The reason that goes with it.
        reason: &'static str,
    },
    /// Keep this for the next start.
    Save(Saved),
    /// Close everything and, after the time a reboot takes, start again from what is kept here.
    Reboot(Saved),
}

/// A running Agent.
#[derive(Debug)]
pub struct Core {
    config: AgentConfig,
    store: Store,
    clock: Clock,
    random: Random,
    outbox: Outbox,
    links: BTreeMap<ConnectionId, links::Link>,
    operations: Vec<timers::Operation>,
    timers: Vec<(Instant, RowKey)>,
    periodic: BTreeMap<RowKey, timers::Periodic>,
    on_boarding: BTreeMap<RowKey, Instant>,
    /// Subscriptions that are gone but, with a fault, still notify.
    ghosts: Vec<Subscription>,
    next_msg_id: u64,
}

impl Core {
    /// The Endpoint ID.
    pub fn endpoint_id(&self) -> &str {
        &self.config.endpoint_id
    }

    /// The Instantiated Data Model.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The configuration that it was started with.
    pub fn config(&self) -> &AgentConfig {
        &self.config
    }

    /// The Records with which the Agent leaves its Controllers (R-MTP.7).
    pub fn farewell(&self, reason: &str) -> Vec<Action> {
        self.links.keys().filter_map(|connection| self.farewell_over(*connection, reason)).collect()
    }

    /// The connections that are up.
    pub fn connections(&self) -> impl Iterator<Item = ConnectionId> + '_ {
        self.links.keys().copied()
    }

    /// The Record with which the Agent leaves the Controller at the other end of a connection (R-MTP.7).
    pub fn farewell_over(&self, connection: ConnectionId, reason: &str) -> Option<Action> {
        if self.faults().has(Fault::NoDisconnectRecord) {
            return None;
        }
        let peer = self.links.get(&connection)?.peer.as_deref()?;
        let record = DisconnectRecord { reason: reason.to_owned(), reason_code: 0 };
        Some(self.send(connection, peer, RecordType::Disconnect(record)))
    }

    /// Sets a Parameter that says how the MTP is doing, by the path of its Object.
    pub fn report(&mut self, object: &str, name: &str, value: impl Into<String>) {
        if let Some(row) = RowKey::parse(object, self.store.model()) {
            self.store.set(&row, name, value);
        }
    }

    /// The same for what has to survive a restart.
    pub fn learn(&mut self, object: &str, name: &str, value: impl Into<String>) -> Option<Action> {
        self.report(object, name, value);
        let persists = self.config.persistence != crate::config::Persistence::Memory;
        persists.then(|| Action::Save(self.saved(None)))
    }

    fn faults(&self) -> &FaultSet {
        &self.config.faults
    }

    fn send(&self, connection: ConnectionId, to: &str, record_type: RecordType) -> Action {
        Action::Send { connection, to: None, record: self.encode(to, record_type) }
    }

    /// A Record to that Endpoint.
    fn encode(&self, to: &str, record_type: RecordType) -> Vec<u8> {
        let wrong_to_id = self.faults().has(Fault::RecordWrongToId);
        let omits_version = self.faults().has(Fault::RecordOmitsVersion);
        let record = Record {
            version: if omits_version { String::new() } else { USP_VERSION.to_owned() },
            to_id: if wrong_to_id { format!("{to}-other") } else { to.to_owned() },
            from_id: self.config.endpoint_id.clone(),
            record_type: Some(record_type),
            ..Record::default()
        };
        record.encode_to_vec()
    }

    fn fresh_msg_id(&mut self) -> String {
        self.next_msg_id = self.next_msg_id.saturating_add(1);
        format!("agent-{}", self.next_msg_id)
    }
}

#[cfg(test)]
mod tests;
