//! Subscriptions: what happened ([`Occurrence`]), whom it concerns ([`matching`]), what is sent ([`notify`]), and delivery with
//! retries ([`outbox`]).

pub mod matching;
pub mod notify;
pub mod outbox;
pub mod trigger;

use crate::errors::Failure;
use crate::model::value;
use crate::store::change::Change;
use crate::store::{RowKey, Store};
use std::collections::BTreeMap;

/// The table of Subscriptions.
pub const TABLE: &str = "Device.LocalAgent.Subscription.{i}.";

/// Something that Subscriptions can be about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Occurrence {
    /// The data model changed.
    Change(Change),
    /// An asynchronous Command is over.
    Completion {
        /// The Object of the Command.
        row: RowKey,
        /// Its name.
        command: String,
        /// Its `command_key`.
        key: String,
        /// Output arguments, or why it failed.
        result: Result<BTreeMap<String, String>, Failure>,
    },
    /// An Event.
    Event {
        /// The Object of the Event.
        row: RowKey,
        /// Its name.
        name: String,
        /// Its arguments.
        arguments: BTreeMap<String, String>,
        /// The Controller that it is for, when it is for one alone.
        only: Option<RowKey>,
    },
}

/// One row of the Subscription table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// The row.
    pub row: RowKey,
    /// `ID`, the `subscription_id` of its notifications.
    pub id: String,
    /// The row of the Controller that is notified.
    pub recipient: RowKey,
    /// `NotifType`.
    pub kind: String,
    /// The items of `ReferenceList`.
    pub references: Vec<String>,
    /// `TriggerAction`.
    pub action: String,
    /// The items of `TriggerConfigSettings`.
    pub settings: Vec<String>,
    /// Whether unanswered notifications are sent again.
    pub retry: bool,
    /// For how long, in seconds; 0 is without end.
    pub expiration: u64,
}

impl Subscription {
    /// Reads an enabled Subscription; nothing when the row is disabled or incomplete.
    pub fn read(store: &Store, row: &RowKey) -> Option<Self> {
        let recipient = RowKey::parse(store.text(row, "Recipient"), store.model())?;
        let items = |name: &str| value::items(store.text(row, name)).into_iter().map(str::to_owned).collect();
        store.flag(row, "Enable").then(|| Self {
            row: row.clone(),
            id: store.text(row, "ID").to_owned(),
            recipient,
            kind: store.text(row, "NotifType").to_owned(),
            references: items("ReferenceList"),
            action: store.text(row, "TriggerAction").to_owned(),
            settings: items("TriggerConfigSettings"),
            retry: store.flag(row, "NotifRetry"),
            expiration: store.number(row, "NotifExpiration"),
        })
    }

    /// The Subscriptions that are enabled.
    pub fn all(store: &Store) -> Vec<Self> {
        store.all_of(TABLE).iter().filter_map(|row| Self::read(store, row)).collect()
    }

    /// Whether its trigger sends a notification.
    pub fn notifies(&self) -> bool {
        self.action != "Config"
    }

    /// Whether its trigger changes the configuration.
    pub fn configures(&self) -> bool {
        self.action != "Notify"
    }
}
