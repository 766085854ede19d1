//! One connection to a foreign broker, and the sessions of the Agent that can be told apart on it.

use std::collections::VecDeque;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep;
use uspec_usp::decode::decode_record;
use uspec_usp::record::record::RecordType;

use super::BesideConfig;
use super::client::{self, Client};
use crate::end::LONGEST_DELAY;
use crate::event::{Closing, ConnectionId, Direction, EndedBy, Failure, FailureKind, MtpHappening, OpenSession, Route};
use crate::log::Log;
use crate::mqtt::broker::{record_properties, seen};
use crate::mqtt::command::{Command, Order};
use crate::mqtt::end::End;
use crate::mqtt::packet::{Decoded, Packet, Properties, PropertyId, Publish};
use crate::mqtt::{CONTENT_TYPE, MqttVersion, reason, topic};
use crate::wire::Wire;

/// The QoS of Records unless told otherwise (R-MQTT.20).
const RECORD_QOS: u8 = 1;

/// How long a farewell may take when the whole end stops.
const STOP_TIMEOUT: Duration = Duration::from_secs(1);

/// One connection to a foreign broker.
pub(super) struct Session<'a> {
    pub(super) end: &'a End,
    pub(super) config: &'a BesideConfig,
    orders: mpsc::Sender<Order>,
    state: Mutex<State>,
}

/// What changes while it is there.
struct State {
    /// The Agent's session as far as we can tell it from an earlier one.
    id: ConnectionId,
    is_open: bool,
    was_open: bool,
    /// Where the Agent is reached, as it said last.
    reply_to: Option<String>,
    /// Records that rumqttc has not written yet.
    waiting: VecDeque<Waiting>,
}

/// A Record that rumqttc has not written yet.
struct Waiting {
    record: MtpHappening,
    done: oneshot::Sender<()>,
}

/// How a connection has come to its end.
enum Ended {
    /// The broker has ended the stream, or it broke.
    Stream(io::Result<()>),
    /// We have said farewell.
    Farewell,
    /// We end the stream without one.
    HangUp(oneshot::Sender<()>),
    /// We break the stream.
    Break(oneshot::Sender<()>),
    /// rumqttc cannot go on.
    Client(String),
}

impl<'a> Session<'a> {
    pub(super) fn new(end: &'a End, config: &'a BesideConfig, id: ConnectionId, orders: mpsc::Sender<Order>) -> Self {
        let state = State { id, is_open: false, was_open: false, reply_to: None, waiting: VecDeque::new() };
        Self { end, config, orders, state: Mutex::new(state) }
    }

    /// Runs it to its end. Tells whether an Agent could be reached.
    pub(super) async fn run(self, mut wire: Wire, queue: mpsc::Receiver<Order>) -> bool {
        let ended = match self.converse(&mut wire, queue).await {
            Ok(ended) => ended,
            Err(error) => Ended::Client(error.to_string()),
        };
        let (closing, failure) = match &ended {
            Ended::Stream(Ok(())) => (by(EndedBy::Peer, "the broker ended the stream", false), None),
            Ended::Stream(Err(error)) => (by(EndedBy::Broken, &error.to_string(), false), None),
            Ended::Farewell => (by(EndedBy::Us, "this end said farewell", true), None),
            Ended::HangUp(_) => (by(EndedBy::Us, "this end hung up", false), None),
            Ended::Break(_) => (by(EndedBy::Us, "this end broke the stream", false), None),
            Ended::Client(why) => {
                (by(EndedBy::Us, why, false), Some(format!("the connection to the broker is of no use: {why}")))
            }
        };
        let failure = match &ended {
            Ended::Stream(_) => Some("the broker ended the connection".to_owned()),
            _ => failure,
        };
        let log = self.log();
        if let Some(text) = failure {
            log.emit(MtpHappening::Failed(Failure::new(FailureKind::StreamEnded, text))).await;
        }
        self.close(closing).await;
        // Whoever still waits for something to be written learns that it will not be.
        self.state().waiting.clear();
        wire.log = log;
        match ended {
            Ended::Stream(Ok(())) => wire.ended(EndedBy::Peer).await,
            Ended::Stream(Err(_)) => wire.ended(EndedBy::Broken).await,
            Ended::Farewell | Ended::Client(_) => wire.end(false).await,
            Ended::HangUp(done) => {
                wire.end(false).await;
                let _ = done.send(());
            }
            Ended::Break(done) => {
                wire.break_off().await;
                let _ = done.send(());
            }
        }
        self.state().was_open
    }

    async fn converse(&self, wire: &mut Wire, queue: mpsc::Receiver<Order>) -> io::Result<Ended> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let (client, driver) = client::start(self.config, listener.local_addr()?.port()).await;
        let driving = driver.drive();
        tokio::pin!(driving);
        let local: TcpStream = tokio::select! {
            accepted = listener.accept() => accepted?.0,
            why = &mut driving => return Ok(Ended::Client(why)),
        };
        local.set_nodelay(true)?;
        let (mut local_in, mut local_out) = local.into_split();
        let stopping = async {
            self.end.base.stopped().await;
            client.disconnect().await;
            sleep(STOP_TIMEOUT).await;
        };
        Ok(tokio::select! {
            biased;
            result = self.pump_in(&mut wire.reader, &mut local_out) => Ended::Stream(result),
            result = self.pump_out(&mut local_in, &mut wire.writer) => result.map_or_else(|error| Ended::Stream(Err(error)), |()| Ended::Farewell),
            ended = self.obey(queue, &client) => ended,
            () = stopping => Ended::Farewell,
            why = &mut driving => Ended::Client(why),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing is left half-changed, so that a poisoned lock still guards a sound state.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The log of the Agent's session.
    pub(super) fn log(&self) -> Log {
        let id = self.state().id;
        self.end.base.log(id)
    }

    /// Does what its owner orders, until the connection is to end.
    async fn obey(&self, mut queue: mpsc::Receiver<Order>, client: &Client) -> Ended {
        loop {
            let Some((command, done)) = queue.recv().await else {
                return Ended::Farewell;
            };
            match command {
                Command::Record { bytes, to, .. } => self.send_record(client, bytes, to, done).await,
                Command::Disconnect { .. } => {
                    client.disconnect().await;
                    let _ = done.send(());
                }
                Command::HangUp => return Ended::HangUp(done),
                Command::Break => return Ended::Break(done),
                // On the Agent's connection to a foreign broker nothing else can be done. Who ordered it hears that it is lost.
                Command::Packet(_)
                | Command::Octets(_)
                | Command::Subscribe { .. }
                | Command::Unsubscribe(_)
                | Command::Wake
                | Command::TakenOver => {}
            }
        }
    }

    async fn send_record(&self, client: &Client, bytes: Bytes, to: Option<String>, done: oneshot::Sender<()>) {
        let behaviour = self.end.settings.borrow().behaviour.clone();
        if behaviour.drop_publish {
            let _ = done.send(());
            return;
        }
        if !behaviour.send_delay.is_zero() {
            sleep(behaviour.send_delay.min(LONGEST_DELAY)).await;
        }
        let changes = behaviour.publish;
        let known = self.state().reply_to.clone().or_else(|| self.config.agent_topic.clone());
        let Some(to) = changes.topic.clone().or(to).or(known) else {
            let text = "it is not known where the Agent can be reached";
            self.log().emit(MtpHappening::Failed(Failure::new(FailureKind::Undelivered, text))).await;
            return;
        };
        let reply_to = changes.response_topic.apply(&self.config.topic);
        let (name, properties) = match (self.config.version, &reply_to) {
            (MqttVersion::V5, reply_to) => {
                let content_type = changes.content_type.apply(CONTENT_TYPE);
                (to.clone(), record_properties(reply_to.as_deref(), content_type.as_deref()))
            }
            (MqttVersion::V311, Some(reply_to)) => (topic::with_reply_to(&to, reply_to), Properties::new()),
            (MqttVersion::V311, None) => (to.clone(), Properties::new()),
        };
        let route = Route { to: Some(to), reply_to };
        let record = MtpHappening::Record { direction: Direction::Sent, bytes: bytes.clone(), frames: 1, route };
        self.state().waiting.push_back(Waiting { record, done });
        let qos = changes.qos.unwrap_or(RECORD_QOS);
        if !client.publish(&name, qos, changes.retain, &properties, bytes).await {
            self.state().waiting.pop_back();
        }
    }

    /// A packet of ours was written. Tells whether it was the farewell.
    pub(super) async fn on_sent(&self, decoded: Decoded) -> bool {
        let Some(packet) = decoded.packet else {
            return false;
        };
        let log = self.log();
        let seen = seen(&packet, self.config.version);
        log.emit(MtpHappening::Packet { direction: Direction::Sent, packet: seen }).await;
        if matches!(packet, Packet::Publish(_)) {
            let waiting = self.state().waiting.pop_front();
            if let Some(Waiting { record, done }) = waiting {
                log.emit(record).await;
                // Nobody may be waiting any more.
                let _ = done.send(());
            }
        }
        matches!(packet, Packet::Disconnect(_))
    }

    /// A packet of the broker came. What is wrong with it is not the Agent's fault, and is not told.
    pub(super) async fn on_received(&self, decoded: Decoded) {
        let Some(packet) = decoded.packet else {
            return;
        };
        let report =
            MtpHappening::Packet { direction: Direction::Received, packet: seen(&packet, self.config.version) };
        match packet {
            Packet::Publish(publish) => self.on_publish(publish, report).await,
            Packet::ConnAck(ack) if ack.reason != reason::SUCCESS => {
                let text = format!("the broker refused the session with {} (0x{:02X})", ack.reason, ack.reason);
                self.log().emit(report).await;
                let failure = Failure::new(FailureKind::Refused { reason: ack.reason }, text);
                self.log().emit(MtpHappening::Failed(failure)).await;
            }
            Packet::SubAck(ack) => {
                self.log().emit(report).await;
                if ack.reasons.iter().all(|code| *code >= reason::UNSPECIFIED_ERROR) {
                    let text = "the broker does not let the Controller subscribe to its own topic";
                    self.log().emit(MtpHappening::Failed(Failure::new(FailureKind::NothingSubscribed, text))).await;
                } else if let Some(known) = &self.config.agent_topic {
                    self.open(None, known).await;
                }
            }
            _ => self.log().emit(report).await,
        }
    }

    async fn on_publish(&self, publish: Publish, report: MtpHappening) {
        let (to, in_topic) = topic::split_reply_to(&publish.topic);
        if !topic::is_at_or_below(to, &self.config.topic) {
            self.log().emit(report).await;
            return;
        }
        let reply_to = match self.config.version {
            MqttVersion::V5 => publish.properties.text(PropertyId::ResponseTopic).map(str::to_owned),
            MqttVersion::V311 => in_topic,
        };
        let (eid, subscribed) = introduction(&publish.payload);
        let is_open = self.state().is_open;
        if is_open && subscribed.is_some() {
            self.begin_anew().await;
        }
        let known = reply_to.clone().or(subscribed).or_else(|| self.config.agent_topic.clone());
        if let Some(known) = &known {
            self.state().reply_to = Some(known.clone());
        }
        self.log().emit(report).await;
        self.open(eid, known.as_deref().unwrap_or_default()).await;
        let route = Route { to: Some(to.to_owned()), reply_to };
        let record =
            MtpHappening::Record { direction: Direction::Received, bytes: publish.payload.clone(), frames: 1, route };
        self.log().emit(record).await;
    }

    /// The Agent has begun a new session with the broker, as its connect Record tells.
    async fn begin_anew(&self) {
        self.close(by(EndedBy::Peer, "the Agent has begun a new session", false)).await;
        self.log().emit(MtpHappening::StreamEnded { by: EndedBy::Peer }).await;
        let id = self.end.base.next_id();
        self.state().id = id;
    }

    /// Records can be sent from now on.
    async fn open(&self, eid: Option<String>, reached_at: &str) {
        let id = {
            let mut state = self.state();
            if state.is_open {
                return;
            }
            state.is_open = true;
            state.was_open = true;
            state.id
        };
        let log = self.log();
        self.end.registry.enter(id, None, self.orders.clone(), log.clone());
        let subscriptions = vec![reached_at.to_owned()];
        log.emit(MtpHappening::Open(OpenSession { eid, subscriptions, ..OpenSession::default() })).await;
    }

    async fn close(&self, closing: Closing) {
        let (id, was_open) = {
            let mut state = self.state();
            (state.id, std::mem::take(&mut state.is_open))
        };
        self.end.registry.leave(id);
        if was_open {
            self.log().emit(MtpHappening::Closed(closing)).await;
        }
    }
}

fn by(by: EndedBy, reason: &str, clean: bool) -> Closing {
    Closing { by, code: None, reason: reason.to_owned(), clean }
}

/// Who sent a Record, and, if it is one that introduces a session, where the Agent says that it is subscribed.
fn introduction(bytes: &Bytes) -> (Option<String>, Option<String>) {
    let Some(record) = decode_record(bytes).value else {
        return (None, None);
    };
    let subscribed = match record.record_type {
        Some(RecordType::MqttConnect(connect)) => Some(connect.subscribed_topic),
        _ => None,
    };
    (Some(record.from_id).filter(|eid| !eid.is_empty()), subscribed)
}
