//! One connection to a broker, from its first octet to its last.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::Memory;
use crate::end::{Dialogue, Finish, LONGEST_DELAY, Port, StreamEnd};
use crate::event::{Closing, ConnectionId, Direction, EndedBy, Failure, FailureKind, MtpHappening, Route};
use crate::mqtt::behaviour::MqttBehaviour;
use crate::mqtt::broker::{record_properties, seen};
use crate::mqtt::command::{Command, Order};
use crate::mqtt::end::End;
use crate::mqtt::packet::{
    Ack, Decoded, Decoder, Disconnect, MAX_REMAINING, Packet, PropertyId, Publish, Unsubscribe, Violation,
};
use crate::mqtt::{CONTENT_TYPE, MEDIA_TYPE, MqttAgentConfig, MqttVersion, PACKET_EXTRA, reason, topic};
use crate::tls::TlsSession;

/// One connection to a broker.
pub(super) struct Session<'a> {
    pub(super) end: &'a End,
    pub(super) memory: &'a Memory,
    pub(super) id: ConnectionId,
    pub(super) orders: mpsc::Sender<Order>,
    pub(super) tls: Option<Box<TlsSession>>,
    pub(super) opened: &'a AtomicBool,
    /// The configuration as it was when the connection began.
    pub(super) config: MqttAgentConfig,
    pub(super) phase: Phase,
    pub(super) timers: Timers,
    pub(super) client_id: String,
    /// Longest time between two packets of ours; zero for no limit.
    pub(super) keep_alive: Duration,
    pub(super) max_qos: u8,
    pub(super) max_packet: usize,
    pub(super) response_information: Option<String>,
    /// Filters of SUBSCRIBEs that are not answered yet.
    pub(super) asked: BTreeMap<u16, Vec<String>>,
    pub(super) granted: Vec<String>,
    pub(super) reached_at: Option<String>,
    decoder: Decoder,
    last_packet_id: u16,
    /// Where the last Record wanted its answer.
    last_reply_to: Option<String>,
    /// Packet Identifiers of QoS 2 messages that are not released yet.
    received: BTreeSet<u16>,
}

/// How far a connection is.
pub(super) enum Phase {
    /// Nothing is said yet.
    New,
    /// CONNACK is awaited.
    Connecting,
    /// The first SUBACK is awaited.
    Subscribing,
    /// Records can be exchanged.
    Open,
    /// What is still to be written is the last.
    Leaving { closing: Closing, peer_first: bool },
}

#[derive(Default)]
pub(super) struct Timers {
    pub(super) answer: Option<Instant>,
    ping: Option<Instant>,
    pong: Option<Instant>,
}

impl<'a> Session<'a> {
    /// A connection on which nothing has been said.
    pub(super) fn new(
        end: &'a End,
        memory: &'a Memory,
        id: ConnectionId,
        orders: mpsc::Sender<Order>,
        tls: Option<Box<TlsSession>>,
        opened: &'a AtomicBool,
    ) -> Self {
        let config = end.settings.borrow().client.as_deref().cloned();
        // A client always has one; the other is never used.
        let config = config.unwrap_or_else(|| MqttAgentConfig::new(end.base.address.clone(), MqttVersion::V5, ""));
        Self {
            end,
            memory,
            id,
            orders,
            tls,
            opened,
            decoder: Decoder::new(config.max_record.saturating_add(PACKET_EXTRA), config.version),
            config,
            phase: Phase::New,
            timers: Timers::default(),
            client_id: String::new(),
            keep_alive: Duration::ZERO,
            max_qos: 2,
            max_packet: MAX_REMAINING,
            response_information: None,
            asked: BTreeMap::new(),
            granted: Vec::new(),
            reached_at: None,
            last_packet_id: 0,
            last_reply_to: None,
            received: BTreeSet::new(),
        }
    }
}

impl Dialogue for Session<'_> {
    type Command = Command;

    fn inbox(&mut self) -> &mut BytesMut {
        self.decoder.buffer()
    }

    fn take_settings(&mut self, port: &mut Port) {
        port.outbox.set_delay(self.behaviour(|behaviour| behaviour.send_delay).min(LONGEST_DELAY));
    }

    async fn take(&mut self, port: &mut Port) -> Option<Finish> {
        if matches!(self.phase, Phase::New) {
            self.connect(port);
        }
        while !matches!(self.phase, Phase::Leaving { .. }) {
            let decoded = match self.decoder.next_packet() {
                Ok(Some(decoded)) => decoded,
                Ok(None) => break,
                Err(undecodable) => {
                    report(port, undecodable.violation.clone()).await;
                    return Some(self.malformed(port, undecodable.violation.text.as_str()).await);
                }
            };
            if let Some(finish) = self.on_decoded(port, decoded).await {
                return Some(finish);
            }
        }
        None
    }

    async fn on_order(&mut self, port: &mut Port, command: Command, done: oneshot::Sender<()>) -> Option<Finish> {
        match command {
            Command::Record { bytes, to, .. } => self.send_record(port, &bytes, to, done).await,
            Command::Packet(packet) => {
                self.put(port, &packet, Some(done));
            }
            Command::Octets(octets) => port.outbox.put(Some(done), |out| {
                out.extend_from_slice(&octets);
                Vec::new()
            }),
            Command::Subscribe { filter, qos } => self.subscribe(port, vec![(filter, qos)], Some(done)),
            Command::Unsubscribe(filter) => {
                let packet_id = self.next_packet_id();
                self.granted.retain(|one| *one != filter);
                let unsubscribe = Unsubscribe { packet_id, filters: vec![filter], ..Unsubscribe::default() };
                self.put(port, &Packet::Unsubscribe(unsubscribe), Some(done));
            }
            Command::Disconnect { reason } => self.say_farewell(port, reason, "this end said farewell", Some(done)),
            Command::HangUp => {
                let closing = self.unclean(EndedBy::Us, "this end hung up");
                return Some(self.finish(closing, StreamEnd::InOrder { peer_first: false, done: Some(done) }));
            }
            Command::Break => {
                let closing = self.unclean(EndedBy::Us, "this end broke the stream");
                return Some(self.finish(closing, StreamEnd::Break(Some(done))));
            }
            // Only a broker's sessions tell each other these.
            Command::Wake | Command::TakenOver => {}
        }
        None
    }

    fn deadline(&self) -> Option<Instant> {
        [self.timers.answer, self.timers.ping, self.timers.pong].into_iter().flatten().min()
    }

    async fn on_timer(&mut self, port: &mut Port, now: Instant) -> Option<Finish> {
        let due = |timer: Option<Instant>| timer.is_some_and(|at| at <= now);
        if due(self.timers.answer) {
            self.timers.answer = None;
            if matches!(self.phase, Phase::Subscribing) {
                self.leave_unsubscribed(port, "SUBSCRIBE was not answered in time").await;
                return None;
            }
            port.fail(Failure::new(FailureKind::Timeout, "CONNECT was not answered in time")).await;
            return Some(self.hang_up("CONNECT was not answered in time"));
        }
        if due(self.timers.pong) {
            port.fail(Failure::new(FailureKind::Timeout, "PINGREQ was not answered in time")).await;
            return Some(self.on_break(port, "PINGREQ was not answered", EndedBy::Us));
        }
        if due(self.timers.ping) {
            self.arm_ping();
            if self.put(port, &Packet::PingReq, None) && self.timers.pong.is_none() {
                self.timers.pong = Some(now + self.keep_alive);
            }
        }
        None
    }

    fn on_stop(&mut self, port: &mut Port) {
        self.say_farewell(port, None, "this end stops", None);
    }

    async fn on_end(&mut self, port: &mut Port) -> Finish {
        let text = "the stream ended without a DISCONNECT";
        if !matches!(self.phase, Phase::Open | Phase::Leaving { .. }) {
            port.fail(Failure::new(FailureKind::StreamEnded, text)).await;
        }
        self.finish(self.unclean(EndedBy::Peer, text), StreamEnd::Gone(EndedBy::Peer))
    }

    fn on_break(&mut self, _port: &mut Port, why: &str, by: EndedBy) -> Finish {
        let stream = if by == EndedBy::Us { StreamEnd::Break(None) } else { StreamEnd::Gone(by) };
        self.finish(self.unclean(EndedBy::Broken, why), stream)
    }

    fn leaving(&self) -> Option<Finish> {
        let Phase::Leaving { closing, peer_first } = &self.phase else {
            return None;
        };
        Some(self.finish(closing.clone(), StreamEnd::InOrder { peer_first: *peer_first, done: None }))
    }

    fn leave(&mut self) {
        self.end.registry.leave(self.id);
    }
}

impl Session<'_> {
    /// A part of the behaviour as it is now.
    pub(super) fn behaviour<T>(&self, part: impl FnOnce(&MqttBehaviour) -> T) -> T {
        part(&self.end.settings.borrow().behaviour)
    }

    async fn on_decoded(&mut self, port: &mut Port, decoded: Decoded) -> Option<Finish> {
        let Decoded { kind, packet, violations, .. } = decoded;
        for violation in violations {
            report(port, violation).await;
        }
        let Some(packet) = packet else {
            return Some(self.malformed(port, &format!("a {kind} that cannot be decoded")).await);
        };
        match packet {
            Packet::ConnAck(ack) if matches!(self.phase, Phase::Connecting) => {
                return self.on_connack(port, &ack).await;
            }
            Packet::SubAck(ack) => self.on_suback(port, &ack).await,
            Packet::Publish(publish) => self.on_publish(port, publish).await,
            Packet::PubRec(ack) if ack.reason() < reason::UNSPECIFIED_ERROR => {
                self.put(port, &Packet::PubRel(Ack::of(ack.packet_id)), None);
            }
            Packet::PubRel(ack) => {
                self.received.remove(&ack.packet_id);
                self.put(port, &Packet::PubComp(Ack::of(ack.packet_id)), None);
            }
            Packet::PingResp => self.timers.pong = None,
            Packet::Disconnect(disconnect) => {
                let code = Some(u16::from(disconnect.reason()));
                let closing = Closing { by: EndedBy::Peer, code, reason: "DISCONNECT".to_owned(), clean: true };
                self.phase = Phase::Leaving { closing, peer_first: true };
            }
            Packet::PubAck(_) | Packet::PubRec(_) | Packet::PubComp(_) | Packet::UnsubAck(_) => {}
            Packet::ConnAck(_)
            | Packet::Connect(_)
            | Packet::Subscribe(_)
            | Packet::Unsubscribe(_)
            | Packet::PingReq
            | Packet::Auth(_) => return Some(self.malformed(port, &format!("a {kind} that is out of place")).await),
        }
        None
    }

    async fn on_publish(&mut self, port: &mut Port, publish: Publish) {
        let packet_id = publish.packet_id.unwrap_or_default();
        let qos = publish.qos;
        if qos < 2 || self.received.insert(packet_id) {
            self.take_message(port, publish).await;
        }
        match qos {
            1 => self.put(port, &Packet::PubAck(Ack::of(packet_id)), None),
            2 => self.put(port, &Packet::PubRec(Ack::of(packet_id)), None),
            _ => false,
        };
    }

    async fn take_message(&mut self, port: &mut Port, publish: Publish) {
        let (refuses, keeps) =
            self.behaviour(|behaviour| (behaviour.client.refuse_media_type, behaviour.client.keep_reply_to_escapes));
        // R-MQTT.27a. Without a Content Type there is nothing that says that it is no Record.
        let is_record = match publish.properties.text(PropertyId::ContentType) {
            Some(MEDIA_TYPE) => !refuses,
            Some(CONTENT_TYPE) | None => true,
            Some(_) => false,
        };
        let dropped = publish.qos == 0 && self.behaviour(|behaviour| behaviour.client.drop_qos_0);
        if !is_record || dropped {
            return;
        }
        let (to, in_topic) = topic::split_reply_to(&publish.topic);
        let reply_to = match self.config.version {
            MqttVersion::V5 => publish.properties.text(PropertyId::ResponseTopic).map(str::to_owned),
            MqttVersion::V311 if keeps => in_topic.map(|reply_to| reply_to.replace('/', "%2F")),
            MqttVersion::V311 => in_topic,
        };
        if reply_to.is_some() {
            self.last_reply_to.clone_from(&reply_to);
        }
        let route = Route { to: Some(to.to_owned()), reply_to };
        let bytes = publish.payload;
        port.log.emit(MtpHappening::Record { direction: Direction::Received, bytes, frames: 1, route }).await;
    }

    async fn send_record(&mut self, port: &mut Port, bytes: &Bytes, to: Option<String>, done: oneshot::Sender<()>) {
        let (changes, drops, keeps) = self.behaviour(|behaviour| {
            (behaviour.publish.clone(), behaviour.drop_publish, behaviour.client.keep_reply_to_slashes)
        });
        if drops {
            let _ = done.send(());
            return;
        }
        let Some(to) = changes.topic.or(to).or_else(|| self.last_reply_to.clone()) else {
            let text = "it is not known where the Controller can be reached";
            port.fail(Failure::new(FailureKind::Undelivered, text)).await;
            return;
        };
        let own = self.reached_at.clone();
        let reply_to = own.map_or_else(|| changes.response_topic.apply(""), |own| changes.response_topic.apply(&own));
        let reply_to = reply_to.filter(|reply_to| !reply_to.is_empty());
        let qos = changes.qos.unwrap_or(self.config.publish_qos).min(self.max_qos);
        let mut publish = Publish { qos, retain: changes.retain, payload: bytes.clone(), ..Publish::default() };
        match (self.config.version, &reply_to) {
            (MqttVersion::V5, reply_to) => {
                publish.topic = to;
                let content_type = changes.content_type.apply(CONTENT_TYPE);
                publish.properties = record_properties(reply_to.as_deref(), content_type.as_deref());
            }
            (MqttVersion::V311, Some(reply_to)) if keeps => publish.topic = format!("{to}/reply-to={reply_to}"),
            (MqttVersion::V311, Some(reply_to)) => publish.topic = topic::with_reply_to(&to, reply_to),
            (MqttVersion::V311, None) => publish.topic = to,
        }
        publish.packet_id = (qos > 0).then(|| self.next_packet_id());
        let packet = Packet::Publish(publish);
        if packet.size(self.config.version) > self.max_packet {
            let text = format!("a Record is larger than the broker's Maximum Packet Size, {} octets", self.max_packet);
            port.fail(Failure::new(FailureKind::Undelivered, text)).await;
            return;
        }
        self.put(port, &packet, Some(done));
    }

    /// The broker cannot be understood: it is told so and left.
    async fn malformed(&mut self, port: &mut Port, text: &str) -> Finish {
        if self.config.version == MqttVersion::V5 {
            self.put(port, &Packet::Disconnect(Disconnect::because(reason::MALFORMED_PACKET)), None);
        }
        port.last_words().await;
        let code = Some(u16::from(reason::MALFORMED_PACKET));
        let closing = Closing { by: EndedBy::Us, code, reason: text.to_owned(), clean: false };
        self.finish(closing, StreamEnd::InOrder { peer_first: false, done: None })
    }

    /// Says farewell, and leaves when it is said.
    pub(super) fn say_farewell(
        &mut self,
        port: &mut Port,
        code: Option<u8>,
        why: &str,
        done: Option<oneshot::Sender<()>>,
    ) {
        if matches!(self.phase, Phase::Leaving { .. }) {
            return;
        }
        let says = !self.behaviour(|behaviour| behaviour.client.omit_disconnect);
        if says && !matches!(self.phase, Phase::New | Phase::Connecting) {
            let reason = code.filter(|_| self.config.version == MqttVersion::V5);
            self.put(port, &Packet::Disconnect(Disconnect { reason, properties: None }), done);
        } else if let Some(done) = done {
            let _ = done.send(());
        }
        let code = says.then_some(u16::from(code.unwrap_or(reason::SUCCESS)));
        let closing = Closing { by: EndedBy::Us, code, reason: why.to_owned(), clean: says };
        self.timers = Timers::default();
        self.phase = Phase::Leaving { closing, peer_first: false };
    }

    /// Ends a stream on which there is no session.
    pub(super) fn hang_up(&self, why: &str) -> Finish {
        self.finish(self.unclean(EndedBy::Us, why), StreamEnd::InOrder { peer_first: false, done: None })
    }

    /// The end of the session, which is only told if there was one.
    fn finish(&self, closing: Closing, stream: StreamEnd) -> Finish {
        let was_open = self.opened.load(std::sync::atomic::Ordering::Relaxed);
        Finish { closing: was_open.then_some(closing), stream }
    }

    fn unclean(&self, by: EndedBy, why: &str) -> Closing {
        match &self.phase {
            Phase::Leaving { closing, .. } => closing.clone(),
            _ => Closing { by, code: None, reason: why.to_owned(), clean: false },
        }
    }

    /// The next packet is due one Keep Alive from now.
    pub(super) fn arm_ping(&mut self) {
        let counts = !self.keep_alive.is_zero() && matches!(self.phase, Phase::Subscribing | Phase::Open);
        self.timers.ping = counts.then(|| Instant::now() + self.keep_alive);
    }

    pub(super) fn next_packet_id(&mut self) -> u16 {
        self.last_packet_id = self.last_packet_id.checked_add(1).unwrap_or(1);
        self.last_packet_id
    }

    /// Puts a packet in, unless its kind is withheld; tells whether it is sent.
    pub(super) fn put(&mut self, port: &mut Port, packet: &Packet, done: Option<oneshot::Sender<()>>) -> bool {
        if self.behaviour(|behaviour| behaviour.withhold.contains(&packet.kind())) {
            if let Some(done) = done {
                // As far as its sender can tell it was sent.
                let _ = done.send(());
            }
            return false;
        }
        let version = self.config.version;
        let is_whole = port.log.is_whole();
        port.outbox.put(done, |out| {
            packet.write(version, out);
            let report = || MtpHappening::Packet { direction: Direction::Sent, packet: seen(packet, version) };
            if is_whole { vec![report()] } else { Vec::new() }
        });
        self.arm_ping();
        true
    }
}

async fn report(port: &mut Port, violation: Violation) {
    let Violation { requirement, text, octets } = violation;
    let failure = Failure::against(&requirement, FailureKind::ProtocolViolation, text).with_octets(&octets);
    port.fail(failure).await;
}
