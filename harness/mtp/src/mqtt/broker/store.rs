//! What a broker keeps of one client: its session in the sense of MQTT, which may outlive its connection (section 4.1).

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::event::ConnectionId;
use crate::mqtt::command::Order;
use crate::mqtt::packet::{Properties, PropertyId, PropertyValue, Publish};
use crate::mqtt::topic;

/// Messages that may wait for one client.
const MOST_WAITING: usize = 1000;

/// Octets that may wait for one client.
const MOST_WAITING_OCTETS: usize = 16 * 1024 * 1024;

/// Subscriptions of one client.
const MOST_SUBSCRIPTIONS: usize = 256;

/// Octets of the filters of one client.
const MOST_FILTER_OCTETS: usize = 256 * 1024;

/// Messages that may be under way to one client, whatever it allows.
pub(super) const MOST_UNDER_WAY: usize = 1000;

/// An application message on its way through the broker.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) topic: String,
    pub(super) payload: Bytes,
    pub(super) qos: u8,
    pub(super) retain: bool,
    pub(super) properties: Properties,
}

impl Message {
    /// Octets that it takes, roughly.
    pub(super) fn size(&self) -> usize {
        let properties: usize = self
            .properties
            .0
            .iter()
            .map(|property| match &property.value {
                PropertyValue::Text(text) => text.len(),
                PropertyValue::Binary(octets) => octets.len(),
                PropertyValue::Pair(name, value) => name.len() + value.len(),
                PropertyValue::Byte(_)
                | PropertyValue::Two(_)
                | PropertyValue::Four(_)
                | PropertyValue::Variable(_) => 8,
            })
            .sum();
        self.topic.len() + self.payload.len() + properties
    }
}

/// What was granted for a filter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // the protocol's own switches
pub(super) struct Grant {
    pub(super) qos: u8,
    pub(super) no_local: bool,
    pub(super) retain_as_published: bool,
    pub(super) identifier: Option<u32>,
}

/// A connection that a session is on.
#[derive(Debug, Clone)]
pub(super) struct Live {
    pub(super) id: ConnectionId,
    pub(super) orders: mpsc::Sender<Order>,
}

/// A message on its way to one client.
#[derive(Debug, Clone)]
pub(super) struct Delivery {
    pub(super) message: Arc<Message>,
    qos: u8,
    retain: bool,
    identifiers: Vec<u32>,
}

impl Delivery {
    /// The packet that carries it.
    pub(super) fn publish(&self, packet_id: Option<u16>, dup: bool) -> Publish {
        let mut properties = self.message.properties.clone();
        for identifier in &self.identifiers {
            properties = properties.with(PropertyId::SubscriptionIdentifier, PropertyValue::Variable(*identifier));
        }
        Publish {
            dup,
            qos: self.qos,
            retain: self.retain,
            topic: self.message.topic.clone(),
            packet_id,
            properties,
            payload: self.message.payload.clone(),
        }
    }
}

/// How far a message is that was sent with QoS 1 or 2.
#[derive(Debug, Clone)]
pub(super) enum Stage {
    /// Sent, and not acknowledged yet.
    Sent(Box<Publish>),
    /// QoS 2: received, and to be released.
    Releasing,
}

/// What a broker keeps of one client.
#[derive(Debug, Default)]
pub(super) struct Store {
    pub(super) live: Option<Live>,
    /// Until when it is kept without a connection; absent: for ever. Counts only without a connection.
    pub(super) until: Option<Instant>,
    subscriptions: BTreeMap<String, Grant>,
    waiting: VecDeque<Delivery>,
    waiting_octets: usize,
    under_way: BTreeMap<u16, Stage>,
    /// Packet Identifiers of QoS 2 messages of the client that are not released yet.
    received: BTreeSet<u16>,
    last_packet_id: u16,
}

impl Store {
    /// Enters a subscription; none if it is one too many. Tells whether the filter is new.
    pub(super) fn subscribe(&mut self, filter: &str, grant: Grant) -> Option<bool> {
        let is_new = !self.subscriptions.contains_key(filter);
        let octets: usize = self.subscriptions.keys().map(String::len).sum();
        if is_new && (self.subscriptions.len() >= MOST_SUBSCRIPTIONS || octets + filter.len() > MOST_FILTER_OCTETS) {
            return None;
        }
        self.subscriptions.insert(filter.to_owned(), grant);
        Some(is_new)
    }

    /// Removes a subscription; false if there is none.
    pub(super) fn unsubscribe(&mut self, filter: &str) -> bool {
        self.subscriptions.remove(filter).is_some()
    }

    /// Every filter that is subscribed to.
    pub(super) fn filters(&self) -> impl Iterator<Item = &String> {
        self.subscriptions.keys()
    }

    /// The highest QoS granted for a topic, and the identifiers of the subscriptions that match it.
    pub(super) fn granted(&self, name: &str) -> Option<(u8, Vec<u32>)> {
        let matching = || self.subscriptions.iter().filter(|(filter, _)| topic::matches(filter, name));
        let qos = matching().map(|(_, grant)| grant.qos).max()?;
        Some((qos, matching().filter_map(|(_, grant)| grant.identifier).collect()))
    }

    /// Puts a message in if it is subscribed to. False if there is no room for it.
    pub(super) fn offer(&mut self, message: &Arc<Message>, is_own: bool) -> bool {
        let matching: Vec<&Grant> = self
            .subscriptions
            .iter()
            .filter(|(filter, grant)| {
                topic::shared(filter).is_none() && topic::matches(filter, &message.topic) && !(is_own && grant.no_local)
            })
            .map(|(_, grant)| grant)
            .collect();
        let Some(qos) = matching.iter().map(|grant| grant.qos).max() else {
            return true;
        };
        let delivery = Delivery {
            message: Arc::clone(message),
            qos: qos.min(message.qos),
            retain: message.retain && matching.iter().any(|grant| grant.retain_as_published),
            identifiers: matching.iter().filter_map(|grant| grant.identifier).collect(),
        };
        if self.live.is_none() && delivery.qos == 0 {
            return true;
        }
        self.wait(delivery)
    }

    /// The shared subscriptions (MQTT 5.0 section 4.8.2) that a topic matches.
    pub(super) fn shares(&self, name: &str) -> impl Iterator<Item = (&String, &Grant)> {
        self.subscriptions
            .iter()
            .filter(move |(filter, _)| topic::shared(filter).is_some() && topic::matches(filter, name))
    }

    /// Puts a message in for one of its subscriptions.
    pub(super) fn offer_shared(&mut self, message: &Arc<Message>, grant: &Grant) -> bool {
        let (qos, identifiers) = (grant.qos.min(message.qos), grant.identifier.into_iter().collect());
        let retain = message.retain && grant.retain_as_published;
        self.wait(Delivery { message: Arc::clone(message), qos, retain, identifiers })
    }

    /// Puts a retained message in for a new subscription.
    pub(super) fn offer_retained(&mut self, message: &Arc<Message>, grant: &Grant) -> bool {
        let (qos, identifiers) = (grant.qos.min(message.qos), grant.identifier.into_iter().collect());
        self.wait(Delivery { message: Arc::clone(message), qos, retain: true, identifiers })
    }

    fn wait(&mut self, delivery: Delivery) -> bool {
        let octets = self.waiting_octets.saturating_add(delivery.message.size());
        if self.waiting.len() >= MOST_WAITING || (octets > MOST_WAITING_OCTETS && !self.waiting.is_empty()) {
            return false;
        }
        self.waiting_octets = octets;
        self.waiting.push_back(delivery);
        true
    }

    /// Takes the next message that waits, if the window has room for it.
    pub(super) fn next(&mut self, window: usize) -> Option<Publish> {
        if self.waiting.front()?.qos > 0 && !self.has_room(window) {
            return None;
        }
        let delivery = self.waiting.pop_front()?;
        self.waiting_octets = self.waiting_octets.saturating_sub(delivery.message.size());
        let publish = delivery.publish(None, false);
        Some(self.begin(publish))
    }

    /// Whether messages wait.
    pub(super) fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Whether one more message with an acknowledgement may be under way.
    pub(super) fn has_room(&self, window: usize) -> bool {
        self.under_way.len() < window.min(MOST_UNDER_WAY)
    }

    /// Gives a message its Packet Identifier, and remembers it until it is acknowledged.
    pub(super) fn begin(&mut self, mut publish: Publish) -> Publish {
        if publish.qos > 0 {
            let packet_id = self.next_packet_id();
            publish.packet_id = Some(packet_id);
            self.under_way.insert(packet_id, Stage::Sent(Box::new(publish.clone())));
        }
        publish
    }

    /// The client has a message of QoS 1 or is done with one of QoS 2. False if there is none of that number.
    pub(super) fn done(&mut self, packet_id: u16) -> bool {
        self.under_way.remove(&packet_id).is_some()
    }

    /// The client has received a message of QoS 2, which is to be released. False if there is none of that number.
    pub(super) fn release(&mut self, packet_id: u16) -> bool {
        match self.under_way.get_mut(&packet_id) {
            Some(stage) => {
                *stage = Stage::Releasing;
                true
            }
            None => false,
        }
    }

    /// What was under way when the connection ended, in the order in which it was sent as far as the numbers tell.
    pub(super) fn unfinished(&self) -> Vec<(u16, Stage)> {
        self.under_way.iter().map(|(packet_id, stage)| (*packet_id, stage.clone())).collect()
    }

    /// Notes a message of QoS 2 of the client. False if it was received before.
    pub(super) fn receive(&mut self, packet_id: u16) -> bool {
        self.received.insert(packet_id)
    }

    /// The client has released a message of QoS 2. False if there is none of that number.
    pub(super) fn released(&mut self, packet_id: u16) -> bool {
        self.received.remove(&packet_id)
    }

    fn next_packet_id(&mut self) -> u16 {
        // Not more than `MOST_UNDER_WAY` are in use, so that a free one comes soon.
        loop {
            self.last_packet_id = self.last_packet_id.checked_add(1).unwrap_or(1);
            if !self.under_way.contains_key(&self.last_packet_id) {
                return self.last_packet_id;
            }
        }
    }
}
