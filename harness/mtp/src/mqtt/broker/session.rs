//! One client's connection, from its first octet to its last.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::Hub;
use crate::end::{Dialogue, Finish, LONGEST_DELAY, Port, StreamEnd};
use crate::event::{Closing, ConnectionId, Direction, EndedBy, Failure, FailureKind, MtpHappening, PacketSeen};
use crate::mqtt::behaviour::MqttBehaviour;
use crate::mqtt::command::{Command, Order};
use crate::mqtt::end::End;
use crate::mqtt::packet::{Decoded, Decoder, Disconnect, Packet, PacketKind, Section, Undecodable, Violation, Will};
use crate::mqtt::{MqttVersion, PACKET_EXTRA, reason};
use crate::tls::TlsSession;

/// Longest wait for CONNECT once the stream is there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// Longest time that a CONNECT is left without an answer on purpose: any client has given up by then.
const SILENCE_LIMIT: Duration = Duration::from_secs(15 * 60);

/// Keep Alive.
const KEEP_ALIVE: Section = Section::both("3.1.2.10");

/// One client's connection.
pub(super) struct Session<'a> {
    pub(super) end: &'a End,
    pub(super) hub: &'a Arc<Hub>,
    pub(super) id: ConnectionId,
    pub(super) orders: mpsc::Sender<Order>,
    pub(super) tls: Option<Box<TlsSession>>,
    pub(super) decoder: Decoder,
    pub(super) version: MqttVersion,
    pub(super) phase: Phase,
    /// The client, once its CONNECT was taken.
    pub(super) client: Option<Client>,
    /// Whether the session can be sent to.
    pub(super) is_open: bool,
    /// Nothing at all has come yet.
    untouched: bool,
    deadline: Option<Instant>,
    farewell: &'a Mutex<Option<Closing>>,
}

/// How far a connection is.
pub(super) enum Phase {
    /// CONNECT is awaited.
    Connecting,
    /// There is a session.
    Connected,
    /// CONNECT is left without an answer.
    Silent,
    /// What is still to be written is the last.
    Leaving { closing: Closing, peer_first: bool },
}

/// A client whose CONNECT was taken.
pub(super) struct Client {
    /// Client Identifier, its own or an assigned one.
    pub(super) id: String,
    /// `usp-endpoint-id`.
    pub(super) endpoint_id: Option<String>,
    /// Longest silence, one and a half times the Keep Alive.
    pub(super) patience: Option<Duration>,
    /// How long its session is kept.
    pub(super) keep: Option<Duration>,
    /// Published when it is gone without a farewell.
    pub(super) will: Option<Will>,
    /// Messages with an acknowledgement that may be under way to it.
    pub(super) window: usize,
    /// Largest packet that it takes.
    pub(super) max_packet: usize,
    /// Where it wants to be answered, as it said last.
    pub(super) reply_to: Option<String>,
}

impl<'a> Session<'a> {
    /// A connection on which nothing has been said.
    pub(super) fn new(
        end: &'a End,
        hub: &'a Arc<Hub>,
        id: ConnectionId,
        orders: mpsc::Sender<Order>,
        tls: Option<Box<TlsSession>>,
        farewell: &'a Mutex<Option<Closing>>,
    ) -> Self {
        let max_packet = hub.config.max_record.saturating_add(PACKET_EXTRA);
        Self {
            end,
            hub,
            id,
            orders,
            tls,
            decoder: Decoder::new(max_packet, MqttVersion::V311),
            version: MqttVersion::V311,
            phase: Phase::Connecting,
            client: None,
            is_open: false,
            untouched: true,
            deadline: Some(Instant::now() + CONNECT_TIMEOUT),
            farewell,
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
        self.untouched &= self.decoder.pending().is_empty();
        while !matches!(self.phase, Phase::Leaving { .. }) {
            let decoded = match self.decoder.next_packet() {
                Ok(Some(decoded)) => decoded,
                Ok(None) => break,
                Err(undecodable) => return Some(self.on_undecodable(port, *undecodable).await),
            };
            self.heard();
            if let Some(finish) = self.on_decoded(port, decoded).await {
                return Some(finish);
            }
        }
        self.deliver(port);
        None
    }

    async fn on_order(&mut self, port: &mut Port, command: Command, done: oneshot::Sender<()>) -> Option<Finish> {
        match command {
            Command::Record { bytes, to, seat } => self.send_record(port, bytes, to, seat, done).await,
            Command::Packet(packet) => self.put(port, &packet, Some(done)),
            Command::Octets(octets) => port.outbox.put(Some(done), |out| {
                out.extend_from_slice(&octets);
                Vec::new()
            }),
            Command::Disconnect { reason } => self.say_farewell(port, reason, "this end said farewell", Some(done)),
            Command::TakenOver => {
                self.say_farewell(
                    port,
                    Some(reason::SESSION_TAKEN_OVER),
                    "another client has the same identifier",
                    None,
                );
            }
            Command::HangUp => {
                let stream = StreamEnd::InOrder { peer_first: false, done: Some(done) };
                return Some(self.finish(self.unclean(EndedBy::Us, "this end hung up"), stream));
            }
            Command::Break => {
                let closing = self.unclean(EndedBy::Us, "this end broke the stream");
                return Some(self.finish(closing, StreamEnd::Break(Some(done))));
            }
            // Only clients subscribe. Who ordered it hears that it is lost.
            Command::Wake | Command::Subscribe { .. } | Command::Unsubscribe(_) => {}
        }
        self.deliver(port);
        None
    }

    fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    async fn on_timer(&mut self, port: &mut Port, now: Instant) -> Option<Finish> {
        if self.deadline.is_none_or(|at| at > now) {
            return None;
        }
        self.deadline = None;
        match &self.phase {
            Phase::Connecting => {
                let text = format!("no CONNECT came within {} s", CONNECT_TIMEOUT.as_secs());
                port.fail(Failure::new(FailureKind::Timeout, text)).await;
                Some(self.hang_up("no CONNECT came in time"))
            }
            Phase::Silent => Some(self.hang_up("nobody wanted to wait any longer")),
            Phase::Connected => {
                let patience = self.client.as_ref().and_then(|client| client.patience).unwrap_or_default();
                let text =
                    format!("nothing came for {} s, one and a half times the Keep Alive", patience.as_secs_f32());
                let requirement = KEEP_ALIVE.of(self.version);
                port.fail(Failure::against(&requirement, FailureKind::Timeout, text)).await;
                self.say_farewell(port, Some(reason::KEEP_ALIVE_TIMEOUT), "the Keep Alive has expired", None);
                None
            }
            Phase::Leaving { .. } => None,
        }
    }

    fn on_stop(&mut self, port: &mut Port) {
        self.say_farewell(port, Some(reason::SERVER_SHUTTING_DOWN), "this end stops", None);
        // Without a client there is no farewell that anybody would understand.
        if !matches!(self.phase, Phase::Leaving { .. }) {
            let closing = self.unclean(EndedBy::Us, "this end stops");
            self.phase = Phase::Leaving { closing, peer_first: false };
        }
    }

    async fn on_end(&mut self, port: &mut Port) -> Finish {
        let pending = self.decoder.pending().len();
        let text = if pending > 0 {
            format!("the stream ended inside a packet, after {pending} octets of it")
        } else {
            "the stream ended without a DISCONNECT".to_owned()
        };
        // A stream that ends untouched was a probe; one that was not answered is given up, as it should be.
        let expected = self.untouched || matches!(self.phase, Phase::Silent | Phase::Leaving { .. });
        if !expected && (pending > 0 || self.client.is_none()) {
            port.fail(Failure::new(FailureKind::StreamEnded, &*text).with_octets(self.decoder.pending())).await;
        }
        self.finish(self.unclean(EndedBy::Peer, &text), StreamEnd::Gone(EndedBy::Peer))
    }

    fn on_break(&mut self, _port: &mut Port, why: &str, by: EndedBy) -> Finish {
        let stream = if by == EndedBy::Us { StreamEnd::Break(None) } else { StreamEnd::Gone(by) };
        self.finish(self.unclean(EndedBy::Broken, why), stream)
    }

    fn leaving(&self) -> Option<Finish> {
        let Phase::Leaving { closing, peer_first } = &self.phase else {
            return None;
        };
        let stream = StreamEnd::InOrder { peer_first: *peer_first, done: None };
        Some(self.finish(closing.clone(), stream))
    }

    fn leave(&mut self) {
        self.end.registry.leave(self.id);
        if let Some(client) = &self.client {
            self.hub.depart(&client.id, self.id, client.keep);
        }
        self.publish_will();
    }
}

impl Session<'_> {
    /// A part of the behaviour as it is now.
    pub(super) fn behaviour<T>(&self, part: impl FnOnce(&MqttBehaviour) -> T) -> T {
        part(&self.end.settings.borrow().behaviour)
    }

    /// Reports a packet that came and what is wrong with it, and does what it wants.
    async fn on_decoded(&mut self, port: &mut Port, decoded: Decoded) -> Option<Finish> {
        let Decoded { kind, packet, violations, octets } = decoded;
        // What CONNECT says about the version counts for itself already.
        let version = match &packet {
            Some(Packet::Connect(connect)) => connect.version().unwrap_or(self.version),
            _ => self.version,
        };
        if let Some(packet) = &packet {
            let seen = seen(packet, version);
            port.log.emit(MtpHappening::Packet { direction: Direction::Received, packet: seen }).await;
        }
        for violation in violations {
            self.report(port, violation).await;
        }
        match packet {
            _ if matches!(self.phase, Phase::Silent) => None,
            Some(packet) => self.on_packet(port, packet, &octets).await,
            None => {
                Some(self.malformed(port, reason::MALFORMED_PACKET, &format!("a {kind} that cannot be decoded")).await)
            }
        }
    }

    async fn on_undecodable(&mut self, port: &mut Port, undecodable: Undecodable) -> Finish {
        let Undecodable { violation, announced } = undecodable;
        let text = violation.text.clone();
        let mut code = reason::MALFORMED_PACKET;
        if let Some(announced) = announced {
            code = reason::PACKET_TOO_LARGE;
            let limit = self.hub.config.max_record.saturating_add(PACKET_EXTRA);
            port.log.emit(MtpHappening::Oversized { limit, announced }).await;
        }
        self.report(port, violation).await;
        self.malformed(port, code, &text).await
    }

    /// Reports a violation.
    pub(super) async fn report(&self, port: &mut Port, violation: Violation) {
        let Violation { requirement, text, octets } = violation;
        let failure = Failure::against(&requirement, FailureKind::ProtocolViolation, text).with_octets(&octets);
        port.fail(failure).await;
    }

    /// Reports what is wrong with a packet that was decoded.
    pub(super) async fn accuse(&self, port: &mut Port, section: Section, text: &str, octets: &Bytes) {
        let violation = Violation::new(self.version, section, text).shown_by(octets);
        self.report(port, violation).await;
    }

    /// The client cannot be understood: it is told so and left.
    pub(super) async fn malformed(&mut self, port: &mut Port, code: u8, text: &str) -> Finish {
        if self.client.is_some() && self.version == MqttVersion::V5 {
            self.put(port, &Packet::Disconnect(Disconnect::because(code)), None);
        }
        port.last_words().await;
        let code = self.client.is_some().then_some(u16::from(code));
        let closing = Closing { by: EndedBy::Us, code, reason: text.to_owned(), clean: false };
        self.finish(closing, StreamEnd::InOrder { peer_first: false, done: None })
    }

    /// Says farewell, as far as the version has one, and leaves when it is said.
    fn say_farewell(&mut self, port: &mut Port, code: Option<u8>, why: &str, done: Option<oneshot::Sender<()>>) {
        if self.client.is_none() || matches!(self.phase, Phase::Leaving { .. }) {
            return;
        }
        let mut closing = Closing { by: EndedBy::Us, code: None, reason: why.to_owned(), clean: true };
        if self.version == MqttVersion::V5 {
            closing.code = Some(u16::from(code.unwrap_or(reason::SUCCESS)));
            self.put(port, &Packet::Disconnect(Disconnect { reason: code, properties: None }), done);
        } else if let Some(done) = done {
            // MQTT 3.1.1 has no farewell of a server: the stream ends.
            let _ = done.send(());
        }
        self.phase = Phase::Leaving { closing, peer_first: false };
    }

    /// Ends a stream on which there is no session.
    pub(super) fn hang_up(&self, why: &str) -> Finish {
        let closing = self.unclean(EndedBy::Us, why);
        self.finish(closing, StreamEnd::InOrder { peer_first: false, done: None })
    }

    /// The end of the session, which is only told if there was one.
    pub(super) fn finish(&self, closing: Closing, stream: StreamEnd) -> Finish {
        if !self.is_open {
            return Finish { closing: None, stream };
        }
        *self.farewell.lock().unwrap_or_else(PoisonError::into_inner) = Some(closing.clone());
        Finish { closing: Some(closing), stream }
    }

    /// The end of a session without a farewell.
    fn unclean(&self, by: EndedBy, why: &str) -> Closing {
        match &self.phase {
            Phase::Leaving { closing, .. } => closing.clone(),
            _ => Closing { by, code: None, reason: why.to_owned(), clean: false },
        }
    }

    /// Lets a CONNECT be without an answer.
    pub(super) fn fall_silent(&mut self) {
        self.phase = Phase::Silent;
        self.deadline = Some(Instant::now() + SILENCE_LIMIT);
    }

    /// The client has given a sign of life.
    pub(super) fn heard(&mut self) {
        if matches!(self.phase, Phase::Connected) {
            let patience = self.client.as_ref().and_then(|client| client.patience);
            self.deadline = patience.map(|patience| Instant::now() + patience);
        }
    }

    /// Puts a packet in, unless its kind is withheld, and reports it when it is written.
    pub(super) fn put(&self, port: &mut Port, packet: &Packet, done: Option<oneshot::Sender<()>>) {
        self.put_with(port, packet, done, Vec::new());
    }

    /// The same, with what is reported behind it.
    pub(super) fn put_with(
        &self,
        port: &mut Port,
        packet: &Packet,
        done: Option<oneshot::Sender<()>>,
        further: Vec<MtpHappening>,
    ) {
        if self.behaviour(|behaviour| behaviour.withhold.contains(&packet.kind())) {
            if let Some(done) = done {
                // As far as its sender can tell it was sent.
                let _ = done.send(());
            }
            return;
        }
        let version = self.version;
        let write = |out: &mut BytesMut| {
            packet.write(version, out);
            let mut reports = vec![MtpHappening::Packet { direction: Direction::Sent, packet: seen(packet, version) }];
            reports.extend(further);
            reports
        };
        if packet.kind() == PacketKind::PingResp {
            port.outbox.put_sheddable(write);
        } else {
            port.outbox.put(done, write);
        }
    }
}

/// A packet as it is reported.
pub(in crate::mqtt) fn seen(packet: &Packet, version: MqttVersion) -> PacketSeen {
    let body = match packet {
        Packet::Publish(publish) => publish.payload.clone(),
        _ => Bytes::new(),
    };
    PacketSeen { kind: packet.kind().name().to_owned(), fields: packet.fields(version), body }
}
