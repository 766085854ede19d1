//! What is sent to a client: Records of the Controllers, and messages of other clients.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::oneshot;

use super::hub::wake;
use super::session::Session;
use super::store::Message;
use crate::end::Port;
use crate::event::{Direction, Failure, FailureKind, MtpHappening, Route};
use crate::mqtt::behaviour::PublishChanges;
use crate::mqtt::command::SeatId;
use crate::mqtt::packet::{Packet, Properties, PropertyId, PropertyValue, Publish};
use crate::mqtt::{CONTENT_TYPE, MqttVersion, topic};

/// The QoS of Records unless told otherwise (R-MQTT.20).
const RECORD_QOS: u8 = 1;

impl Session<'_> {
    /// Publishes a Record of a Controller.
    pub(super) async fn send_record(
        &mut self,
        port: &mut Port,
        bytes: Bytes,
        to: Option<String>,
        seat: SeatId,
        done: oneshot::Sender<()>,
    ) {
        let Some(seat) = self.hub.seat(seat) else {
            return;
        };
        let (changes, drops) = self.behaviour(|behaviour| (behaviour.publish.clone(), behaviour.drop_publish));
        if drops {
            let _ = done.send(());
            return;
        }
        let Some(to) = changes.topic.clone().or(to).or_else(|| self.reached_at(seat.agent_topic.as_deref())) else {
            let text =
                "it is not known where the Agent can be reached: no reply-to, no configured topic, no usable filter";
            port.fail(Failure::new(FailureKind::Undelivered, text)).await;
            let _ = done.send(());
            return;
        };
        let reply_to = changes.response_topic.apply(&seat.topic);
        let publish = self.compose(&changes, &to, reply_to.as_deref(), &bytes);
        let route = Route { to: Some(to), reply_to };
        let record = MtpHappening::Record { direction: Direction::Sent, bytes, frames: 1, route };
        let qos = changes.qos.unwrap_or(RECORD_QOS).min(2);
        let message = Arc::new(Message {
            topic: publish.topic.clone(),
            payload: publish.payload.clone(),
            qos,
            retain: publish.retain,
            properties: publish.properties.clone(),
        });
        if let Some((granted, identifiers)) = self.store(|store| store.granted(&publish.topic)).flatten() {
            let publish = with_identifiers(Publish { qos: qos.min(granted), ..publish }, &identifiers);
            self.send(port, publish, record, seat.id, done).await;
        } else {
            let text = format!("the client has not subscribed to \"{}\", so that nothing reaches it", publish.topic);
            port.fail(Failure::new(FailureKind::Undelivered, text)).await;
            let _ = done.send(());
        }
        self.route(port, &message, true).await;
    }

    async fn send(
        &mut self,
        port: &mut Port,
        publish: Publish,
        record: MtpHappening,
        seat: SeatId,
        done: oneshot::Sender<()>,
    ) {
        let (window, max_packet) =
            self.client.as_ref().map(|client| (client.window, client.max_packet)).unwrap_or_default();
        let begun = self.store(|store| {
            let fits = publish.qos == 0 || store.has_room(window);
            fits.then(|| store.begin(publish))
        });
        let Some(publish) = begun.flatten() else {
            let text =
                format!("the client acknowledges nothing: as many messages as it allows ({window}) are under way");
            port.fail(Failure::new(FailureKind::Undelivered, text)).await;
            return;
        };
        let packet = Packet::Publish(publish);
        if packet.size(self.version) > max_packet {
            let text = format!("a Record is larger than the Maximum Packet Size of the client, {max_packet} octets");
            port.fail(Failure::new(FailureKind::Undelivered, text)).await;
            return;
        }
        if seat == 0 {
            self.put_with(port, &packet, Some(done), vec![record]);
        } else if let Some(seat) = self.hub.seat(seat) {
            // It is reported to its own Controller, and before it is written: the answer must not overtake it.
            seat.log(self.id).emit(record).await;
            self.put(port, &packet, Some(done));
        }
    }

    /// Where the Agent is reached: where it wants its answers, where it is configured to be, or what it has subscribed to; of the first two
    /// one that it listens at, if any.
    fn reached_at(&self, configured: Option<&str>) -> Option<String> {
        let told = self.client.as_ref().and_then(|client| client.reply_to.clone());
        let known: Vec<String> = told.into_iter().chain(configured.map(str::to_owned)).collect();
        let subscribed = self.store(|store| {
            let listens = |place: &&String| store.filters().any(|filter| topic::matches(filter, place));
            let whole = || store.filters().find(|filter| !topic::has_wildcard(filter));
            let cut = || store.filters().find_map(|filter| topic::without_wildcards(filter));
            let listened_at = known.iter().find(listens).cloned();
            listened_at.or_else(|| whole().and_then(|filter| topic::without_wildcards(filter))).or_else(cut)
        });
        subscribed.flatten().or_else(|| known.into_iter().next())
    }

    /// The PUBLISH of a Record, still without QoS and number.
    fn compose(&self, changes: &PublishChanges, to: &str, reply_to: Option<&str>, bytes: &Bytes) -> Publish {
        let mut publish = Publish { retain: changes.retain, payload: bytes.clone(), ..Publish::default() };
        match self.version {
            MqttVersion::V5 => {
                to.clone_into(&mut publish.topic);
                publish.properties = record_properties(reply_to, changes.content_type.apply(CONTENT_TYPE).as_deref());
            }
            MqttVersion::V311 => {
                publish.topic = reply_to.map_or_else(|| to.to_owned(), |reply_to| topic::with_reply_to(to, reply_to));
            }
        }
        publish
    }

    /// Sends what waits for the client, as long as there is room.
    pub(super) fn deliver(&mut self, port: &mut Port) {
        let Some((client, window, max_packet)) =
            self.client.as_ref().map(|client| (client.id.clone(), client.window, client.max_packet))
        else {
            return;
        };
        while port.outbox.has_room() {
            let Some(publish) = self.hub.next(&client, self.id, window) else {
                return;
            };
            let packet_id = publish.packet_id;
            let packet = Packet::Publish(publish);
            if packet.size(self.version) <= max_packet {
                self.put(port, &packet, None);
            } else if let Some(packet_id) = packet_id {
                // It must not be sent, and counts as if it had been (MQTT 5.0 section 3.1.2.11.4).
                self.store(|store| store.done(packet_id));
            }
        }
        // Orders are taken as soon as there is room again.
        if self.store(|store| store.has_waiting()) == Some(true) {
            wake(&self.orders);
        }
    }
}

/// The properties of a Record's PUBLISH in 5.0.
pub(in crate::mqtt) fn record_properties(reply_to: Option<&str>, content_type: Option<&str>) -> Properties {
    let mut properties = Properties::new();
    if let Some(content_type) = content_type {
        properties = properties.with_text(PropertyId::ContentType, content_type);
    }
    if let Some(reply_to) = reply_to {
        properties = properties.with_text(PropertyId::ResponseTopic, reply_to);
    }
    properties
}

fn with_identifiers(mut publish: Publish, identifiers: &[u32]) -> Publish {
    for identifier in identifiers {
        let value = PropertyValue::Variable(*identifier);
        publish.properties = publish.properties.with(PropertyId::SubscriptionIdentifier, value);
    }
    publish
}
