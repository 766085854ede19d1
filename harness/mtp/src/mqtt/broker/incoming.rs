//! What a connected client sends.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::session::{Phase, Session};
use super::store::{Grant, Message};
use crate::end::{Finish, Port};
use crate::event::{Closing, Direction, EndedBy, Failure, FailureKind, MtpHappening, Route};
use crate::mqtt::packet::{
    Ack, Disconnect, Packet, PacketKind, PropertyId, Publish, Section, SubAck, Subscribe, Subscription, Unsubscribe,
};
use crate::mqtt::{MqttVersion, reason, topic};

/// CONNECT comes first.
const CONNECT_FIRST: Section = Section::both("3.1");
/// Who sends what.
const DIRECTION: Section = Section::of_each("2.1.2", "2.2.1");
/// Topic Alias.
const TOPIC_ALIAS: Section = Section::both("3.3.2.3.4");
/// A client says no Subscription Identifier.
const PUBLISH_ACTIONS: Section = Section::of_each("3.3.4", "3.3.5");
/// Extended authentication.
const AUTHENTICATION: Section = Section::both("4.12");
/// Session Expiry Interval in DISCONNECT.
const DISCONNECT_EXPIRY: Section = Section::both("3.14.2.2.2");

impl Session<'_> {
    /// A packet came.
    pub(super) async fn on_packet(&mut self, port: &mut Port, packet: Packet, octets: &Bytes) -> Option<Finish> {
        let kind = packet.kind();
        if self.client.is_none() && kind != PacketKind::Connect {
            self.accuse(port, CONNECT_FIRST, &format!("the first packet is a {kind}, not a CONNECT"), octets).await;
            return Some(self.malformed(port, reason::PROTOCOL_ERROR, "no CONNECT").await);
        }
        match packet {
            Packet::Connect(connect) => return self.on_connect(port, connect, octets).await,
            Packet::Publish(publish) => return self.on_publish(port, publish, octets).await,
            Packet::PubAck(ack) | Packet::PubComp(ack) => {
                self.store(|store| store.done(ack.packet_id));
            }
            Packet::PubRec(ack) => self.on_pubrec(port, &ack),
            Packet::PubRel(ack) => self.on_pubrel(port, &ack),
            Packet::Subscribe(subscribe) => self.on_subscribe(port, subscribe).await,
            Packet::Unsubscribe(unsubscribe) => self.on_unsubscribe(port, unsubscribe),
            Packet::PingReq => self.put(port, &Packet::PingResp, None),
            Packet::Disconnect(disconnect) => self.on_disconnect(port, &disconnect, octets).await,
            Packet::Auth(_) => {
                let text = "an AUTH although CONNECT named no Authentication Method";
                self.accuse(port, AUTHENTICATION, text, octets).await;
                return Some(self.malformed(port, reason::PROTOCOL_ERROR, text).await);
            }
            Packet::ConnAck(_) | Packet::SubAck(_) | Packet::UnsubAck(_) | Packet::PingResp => {
                let text = format!("a {kind}, which only a server sends");
                self.accuse(port, DIRECTION, &text, octets).await;
                return Some(self.malformed(port, reason::PROTOCOL_ERROR, &text).await);
            }
        }
        None
    }

    /// Does something with what is kept of the client.
    pub(super) fn store<T>(&self, act: impl FnOnce(&mut super::store::Store) -> T) -> Option<T> {
        self.client.as_ref().and_then(|client| self.hub.with(&client.id, act))
    }

    async fn on_publish(&mut self, port: &mut Port, publish: Publish, octets: &Bytes) -> Option<Finish> {
        if publish.qos > 2 {
            // Reported already; whether it is to be acknowledged, and how, nobody can say.
            return Some(self.malformed(port, reason::MALFORMED_PACKET, "a PUBLISH with QoS 3").await);
        }
        if publish.properties.get(PropertyId::TopicAlias).is_some() {
            let text = "a Topic Alias, although CONNACK granted none (Topic Alias Maximum 0)";
            self.accuse(port, TOPIC_ALIAS, text, octets).await;
            return Some(self.malformed(port, reason::TOPIC_ALIAS_INVALID, text).await);
        }
        if publish.properties.get(PropertyId::SubscriptionIdentifier).is_some() {
            let text = "a Subscription Identifier in a PUBLISH of a client";
            self.accuse(port, PUBLISH_ACTIONS, text, octets).await;
        }
        let packet_id = publish.packet_id.unwrap_or_default();
        let is_new = publish.qos < 2 || self.store(|store| store.receive(packet_id)).unwrap_or(true);
        let qos = publish.qos;
        if is_new && topic::check_name(&publish.topic).is_ok() {
            self.take_message(port, publish).await;
        }
        match qos {
            1 => self.put(port, &Packet::PubAck(Ack::of(packet_id)), None),
            2 => self.put(port, &Packet::PubRec(Ack::of(packet_id)), None),
            _ => {}
        }
        None
    }

    /// Brings a message to the Controller that it is for, and to everybody who has subscribed to it.
    async fn take_message(&mut self, port: &mut Port, publish: Publish) {
        let (to, in_topic) = topic::split_reply_to(&publish.topic);
        let reply_to = match self.version {
            MqttVersion::V5 => publish.properties.text(PropertyId::ResponseTopic).map(str::to_owned),
            MqttVersion::V311 => in_topic,
        };
        if let Some(seat) = self.hub.seat_at(to) {
            if let (Some(client), Some(reply_to)) = (&mut self.client, &reply_to) {
                client.reply_to = Some(reply_to.clone());
            }
            // Where an answer is wanted there is a peer, whether it has subscribed here or not.
            self.open(port).await;
            let route = Route { to: Some(to.to_owned()), reply_to };
            let bytes = publish.payload.clone();
            let record = MtpHappening::Record { direction: Direction::Received, bytes, frames: 1, route };
            if seat.id == 0 {
                port.log.emit(record).await;
            } else {
                seat.log(self.id).emit(record).await;
            }
        }
        let mut properties = publish.properties;
        properties.remove(PropertyId::SubscriptionIdentifier);
        let Publish { topic, payload, qos, retain, .. } = publish;
        let message = Arc::new(Message { topic, payload, qos, retain, properties });
        self.route(port, &message, false).await;
    }

    /// Brings a message to everybody who has subscribed to it; `but_us` leaves this client out.
    pub(super) async fn route(&self, port: &mut Port, message: &Arc<Message>, but_us: bool) {
        let from = self.client.as_ref().map(|client| client.id.as_str());
        let lost = self.hub.route(message, from, from.filter(|_| but_us));
        if lost > 0 {
            let text =
                format!("a message to \"{}\" is lost for {lost} clients: too much waits for them", message.topic);
            port.fail(Failure::new(FailureKind::Undelivered, text)).await;
        }
    }

    fn on_pubrec(&mut self, port: &mut Port, ack: &Ack) {
        if ack.reason() >= reason::UNSPECIFIED_ERROR {
            self.store(|store| store.done(ack.packet_id));
            return;
        }
        let known = self.store(|store| store.release(ack.packet_id)).unwrap_or(false);
        self.put(port, &Packet::PubRel(self.answer(ack.packet_id, known)), None);
    }

    fn on_pubrel(&mut self, port: &mut Port, ack: &Ack) {
        let known = self.store(|store| store.released(ack.packet_id)).unwrap_or(false);
        self.put(port, &Packet::PubComp(self.answer(ack.packet_id, known)), None);
    }

    /// An acknowledgement that says whether its number is known, as far as the version can say so.
    fn answer(&self, packet_id: u16, known: bool) -> Ack {
        let unknown = !known && self.version == MqttVersion::V5;
        Ack { reason: unknown.then_some(reason::PACKET_IDENTIFIER_NOT_FOUND), ..Ack::of(packet_id) }
    }

    async fn on_subscribe(&mut self, port: &mut Port, subscribe: Subscribe) {
        let told = self.behaviour(|behaviour| behaviour.suback);
        let identifier = subscribe.properties.number(PropertyId::SubscriptionIdentifier);
        let mut reasons: Vec<u8> =
            subscribe.subscriptions.iter().map(|one| self.subscribe(one, identifier, told)).collect();
        if reasons.is_empty() {
            // There is nothing to grant, but an answer is better than none: what is wrong is reported.
            reasons.push(self.failure(reason::PROTOCOL_ERROR));
        }
        let ack = SubAck { packet_id: subscribe.packet_id, reasons, ..SubAck::default() };
        self.put(port, &Packet::SubAck(ack), None);
        self.open_if_subscribed(port).await;
    }

    /// Enters one subscription. Gives back its Reason Code.
    fn subscribe(&self, wanted: &Subscription, identifier: Option<u32>, told: Option<u8>) -> u8 {
        if let Some(code) = told.filter(|code| *code >= reason::UNSPECIFIED_ERROR) {
            return code;
        }
        if topic::check_filter(&wanted.filter).is_err() {
            return self.failure(reason::TOPIC_FILTER_INVALID);
        }
        if wanted.qos > 2 || wanted.retain_handling > 2 {
            return self.failure(reason::UNSPECIFIED_ERROR);
        }
        let qos = told.unwrap_or(wanted.qos).min(2);
        let grant = Grant {
            qos,
            no_local: wanted.no_local,
            retain_as_published: wanted.retain_as_published,
            identifier: identifier.filter(|identifier| *identifier > 0),
        };
        let client = self.client.as_ref().map(|client| client.id.as_str()).unwrap_or_default();
        match self.hub.subscribe(client, &wanted.filter, &grant, wanted.retain_handling) {
            Some(()) => qos,
            None => self.failure(reason::QUOTA_EXCEEDED),
        }
    }

    /// A Reason Code of SUBACK, as far as the version has it.
    fn failure(&self, code: u8) -> u8 {
        match self.version {
            MqttVersion::V5 => code,
            MqttVersion::V311 => reason::UNSPECIFIED_ERROR,
        }
    }

    fn on_unsubscribe(&mut self, port: &mut Port, unsubscribe: Unsubscribe) {
        let Unsubscribe { packet_id, filters, .. } = unsubscribe;
        let client = self.client.as_ref().map(|client| client.id.as_str());
        let existed = |filter: &String| client.is_some_and(|client| self.hub.unsubscribe(client, filter));
        let code = |existed| if existed { reason::SUCCESS } else { reason::NO_SUBSCRIPTION_EXISTED };
        let mut reasons: Vec<u8> = filters.iter().map(|filter| code(existed(filter))).collect();
        if self.version == MqttVersion::V311 {
            reasons.clear();
        }
        let ack = SubAck { packet_id, reasons, ..SubAck::default() };
        self.put(port, &Packet::UnsubAck(ack), None);
    }

    async fn on_disconnect(&mut self, port: &mut Port, disconnect: &Disconnect, octets: &Bytes) {
        let expiry = disconnect.properties.as_ref().and_then(|all| all.number(PropertyId::SessionExpiryInterval));
        let mut wrong = false;
        if let Some(client) = &mut self.client {
            if disconnect.reason() != reason::DISCONNECT_WITH_WILL {
                client.will = None;
            }
            if let Some(seconds) = expiry {
                wrong = client.keep == Some(Duration::ZERO) && seconds > 0;
                if !wrong {
                    client.keep = (seconds != u32::MAX).then(|| Duration::from_secs(u64::from(seconds)));
                }
            }
        }
        if wrong {
            let text = "a Session Expiry Interval in DISCONNECT, although the one in CONNECT was 0";
            self.accuse(port, DISCONNECT_EXPIRY, text, octets).await;
        }
        let code = disconnect.reason.map(u16::from).or_else(|| (self.version == MqttVersion::V5).then_some(0));
        let closing = Closing { by: EndedBy::Peer, code, reason: "DISCONNECT".to_owned(), clean: true };
        self.phase = Phase::Leaving { closing, peer_first: true };
    }

    /// Publishes what the client wanted to be published if it is gone without a farewell.
    pub(super) fn publish_will(&mut self) {
        let Some(will) = self.client.as_mut().and_then(|client| client.will.take()) else {
            return;
        };
        if topic::check_name(&will.topic).is_err() || will.qos > 2 {
            return;
        }
        let mut properties = will.properties;
        properties.remove(PropertyId::WillDelayInterval);
        let (topic, payload, qos, retain) = (will.topic, will.payload, will.qos, will.retain);
        // Nobody is left to be told that it is lost for somebody.
        self.hub.route(&Arc::new(Message { topic, payload, qos, retain, properties }), None, None);
    }
}
