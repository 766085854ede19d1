//! One client's connection, as the server sees it.

mod frames;
mod opening;
mod sending;

use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::StompBehaviour;
use super::StompFrame;
use super::decoder::{Decoder, Incoming, Sender};
use super::end::{Controller, End, Outcome};
use super::packet;
use super::pulse::Pulse;
use super::rules;
use super::settings::{Command, Order};
use super::violation::Violation;
use crate::end::{Dialogue, Finish, LONGEST_DELAY, Port, StreamEnd};
use crate::event::{Closing, ConnectionId, Direction, EndedBy, Failure, FailureKind};
use crate::tls::TlsSession;

/// How long a client may stay without opening a session, or without an answer on purpose: longer than any test case.
const IDLE_LIMIT: Duration = Duration::from_secs(15 * 60);

/// How long a frame may take to come as a whole after its last octet came.
const FRAME_LIMIT: Duration = Duration::from_secs(60);

/// How much may wait for a client that asks without reading.
const MAX_WAITING: usize = 4 * 1024 * 1024;

/// One client's connection.
pub(super) struct Server<'a> {
    end: &'a End,
    controller: Controller<'a>,
    id: ConnectionId,
    tls: Option<Box<TlsSession>>,
    decoder: Decoder,
    pulse: Pulse,
    phase: Phase,
    since: Instant,
    peer: Option<String>,
    subscriptions: Vec<Subscription>,
    /// The last `reply-to-dest` of a Record.
    reply_to: Option<String>,
    /// Records can be sent to it.
    opened: bool,
    orders: mpsc::Sender<Order>,
    lost: Arc<AtomicU32>,
    outcome: &'a Outcome,
}

/// How far the session is.
enum Phase {
    /// The opening frame has not come.
    Fresh,
    /// It has come and stays without an answer, like everything else.
    Silent,
    Connected,
    /// What is left is to be written, and that is all.
    Leaving {
        closing: Closing,
        peer_first: bool,
    },
}

/// What a client has subscribed to.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Subscription {
    id: String,
    destination: String,
    /// Messages are to be acknowledged.
    acknowledged: bool,
}

impl<'a> Server<'a> {
    /// A connection that begins.
    pub(super) fn new(
        end: &'a End,
        controller: Controller<'a>,
        id: ConnectionId,
        tls: Option<Box<TlsSession>>,
        orders: mpsc::Sender<Order>,
        outcome: &'a Outcome,
    ) -> Self {
        let now = Instant::now();
        Self {
            end,
            controller,
            id,
            tls,
            decoder: Decoder::new(Sender::Client, end.max_record),
            pulse: Pulse::new(now),
            phase: Phase::Fresh,
            since: now,
            peer: None,
            subscriptions: Vec::new(),
            reply_to: None,
            opened: false,
            lost: controller.broker.enter(id, orders.clone()),
            orders,
            outcome,
        }
    }
}

impl Dialogue for Server<'_> {
    type Command = Command;

    fn inbox(&mut self) -> &mut BytesMut {
        self.decoder.buffer()
    }

    fn take_settings(&mut self, port: &mut Port) {
        let settings = self.end.settings.borrow();
        port.outbox.set_delay(settings.behaviour.send_delay.min(LONGEST_DELAY));
        self.pulse.set_sends(settings.behaviour.send_beats, Instant::now());
    }

    async fn take(&mut self, port: &mut Port) -> Option<Finish> {
        if !self.decoder.buffer().is_empty() {
            self.pulse.heard(Instant::now());
        }
        while !matches!(self.phase, Phase::Leaving { .. }) {
            match self.decoder.next() {
                Ok(None) => return None,
                Ok(Some(Incoming::Beats(count))) => {
                    port.log.emit(packet::beats(Direction::Received, count)).await;
                }
                Ok(Some(Incoming::Frame { frame, head, remarks })) => {
                    if let Some(finish) = self.on_incoming(port, frame, &head, remarks).await {
                        return Some(finish);
                    }
                }
                Err(violation) => return Some(self.violated(port, violation, None).await),
            }
        }
        self.look_behind(port).await;
        None
    }

    async fn on_order(&mut self, port: &mut Port, command: Command, done: oneshot::Sender<()>) -> Option<Finish> {
        match command {
            Command::Record { bytes, to, from } => self.put_record(port, bytes, to, from.as_deref(), done).await,
            Command::Deliver(delivery) => self.put_delivery(port, &delivery).await,
            Command::Frame(frame) => self.put(port, &frame, Some(done)),
            Command::Octets(octets) => packet::put_octets(port, &octets, done),
            Command::Error { message, body } => {
                self.put(port, &error(&message, body, None), Some(done));
                self.phase = Phase::Leaving { closing: ended(EndedBy::Us, message, false), peer_first: false };
            }
            Command::Goodbye | Command::HangUp => {
                let closing = ended(EndedBy::Us, "this end hung up".to_owned(), false);
                let stream = StreamEnd::InOrder { peer_first: false, done: Some(done) };
                return Some(self.finish(closing, stream));
            }
            Command::Break => {
                let closing = ended(EndedBy::Us, "this end broke the stream".to_owned(), false);
                return Some(self.finish(closing, StreamEnd::Break(Some(done))));
            }
        }
        None
    }

    fn deadline(&self) -> Option<Instant> {
        let idle = match self.phase {
            Phase::Fresh | Phase::Silent => Some(self.since + IDLE_LIMIT),
            Phase::Connected | Phase::Leaving { .. } => None,
        };
        [idle, self.frame_limit(), self.pulse.deadline()].into_iter().flatten().min()
    }

    async fn on_timer(&mut self, port: &mut Port, now: Instant) -> Option<Finish> {
        if self.frame_limit().is_some_and(|at| at <= now) {
            let text = format!("the rest of a frame was expected; nothing came for {} s", FRAME_LIMIT.as_secs());
            let violation = Violation::new("STOMP 1.2 STOMP Frames", text, &self.decoder.evidence());
            return Some(self.violated(port, violation, None).await);
        }
        if matches!(self.phase, Phase::Fresh | Phase::Silent) && self.since + IDLE_LIMIT <= now {
            let closing = ended(EndedBy::Us, "no session was opened".to_owned(), false);
            return Some(self.finish(closing, StreamEnd::InOrder { peer_first: false, done: None }));
        }
        if let Some(agreed) = self.pulse.newly_silent(now) {
            let text = format!("a heart-beat every {agreed} ms is agreed on; nothing came for twice as long");
            port.fail(Failure::against("R-STOMP.11", FailureKind::Timeout, text)).await;
        }
        if self.pulse.is_beat_due(now) {
            packet::put_beat(port);
        }
        None
    }

    fn on_stop(&mut self, _port: &mut Port) {
        if !matches!(self.phase, Phase::Leaving { .. }) {
            let closing = ended(EndedBy::Us, "this end stops".to_owned(), false);
            self.phase = Phase::Leaving { closing, peer_first: false };
        }
    }

    async fn on_end(&mut self, port: &mut Port) -> Finish {
        let mut text = "the stream ended without DISCONNECT".to_owned();
        let pending = self.decoder.pending();
        if pending > 0 {
            text = format!("the stream ended inside a frame, after {pending} octets of it");
            let failure = Failure::against("STOMP 1.2 STOMP Frames", FailureKind::StreamEnded, text.as_str());
            port.fail(failure.with_octets(&self.decoder.evidence())).await;
        }
        self.finish(ended(EndedBy::Peer, text, false), StreamEnd::Gone(EndedBy::Peer))
    }

    fn on_break(&mut self, _port: &mut Port, why: &str, by: EndedBy) -> Finish {
        let stream = if by == EndedBy::Us { StreamEnd::Break(None) } else { StreamEnd::Gone(by) };
        self.finish(ended(EndedBy::Broken, why.to_owned(), false), stream)
    }

    fn leaving(&self) -> Option<Finish> {
        match &self.phase {
            Phase::Leaving { closing, peer_first } => {
                let stream = StreamEnd::InOrder { peer_first: *peer_first, done: None };
                Some(self.finish(closing.clone(), stream))
            }
            Phase::Fresh | Phase::Silent | Phase::Connected => None,
        }
    }

    fn leave(&mut self) {
        self.end.registry.leave(self.id);
    }
}

impl Server<'_> {
    /// Reports a frame and whatever is wrong with it, and does what it asks for.
    async fn on_incoming(
        &mut self,
        port: &mut Port,
        frame: StompFrame,
        head: &Bytes,
        remarks: Vec<Violation>,
    ) -> Option<Finish> {
        port.log.emit(packet::seen(Direction::Received, &frame)).await;
        if matches!(self.phase, Phase::Silent) {
            return None;
        }
        let wrong = rules::violations(&frame, head);
        for violation in remarks.iter().chain(&wrong) {
            packet::report(port, violation, self.end.max_record).await;
        }
        self.on_frame(port, frame, head).await
    }

    /// Tells of a frame behind the farewell, which nobody may send (STOMP 1.2, "DISCONNECT").
    async fn look_behind(&mut self, port: &mut Port) {
        let said_goodbye = matches!(&self.phase, Phase::Leaving { closing, .. } if closing.clean);
        if said_goodbye && let Ok(Some(Incoming::Frame { frame, head, .. })) = self.decoder.next() {
            port.log.emit(packet::seen(Direction::Received, &frame)).await;
            let text = format!("no frame may follow DISCONNECT; {} was seen", frame.command);
            packet::report(port, &Violation::new(rules::section("DISCONNECT"), text, &head), self.end.max_record).await;
        }
    }

    /// The client has violated the protocol: it is told so and left.
    async fn violated(&mut self, port: &mut Port, violation: Violation, receipt: Option<&str>) -> Finish {
        packet::report(port, &violation, self.end.max_record).await;
        self.refuse(port, violation.text, receipt).await
    }

    /// Sends an `ERROR` and ends the stream.
    async fn refuse(&mut self, port: &mut Port, why: String, receipt: Option<&str>) -> Finish {
        if !matches!(self.phase, Phase::Silent) {
            self.put(port, &error(&why, Bytes::new(), receipt), None);
        }
        port.last_words().await;
        self.finish(ended(EndedBy::Us, why, false), StreamEnd::InOrder { peer_first: false, done: None })
    }

    /// Sends a frame that carries no Record.
    fn put(&mut self, port: &mut Port, frame: &StompFrame, done: Option<oneshot::Sender<()>>) {
        self.pulse.sent(Instant::now());
        packet::put(port, frame, None, done);
    }

    /// The end of the session, if there was one, and of the stream.
    fn finish(&self, closing: Closing, stream: StreamEnd) -> Finish {
        if self.opened {
            self.outcome.set(&closing);
        }
        Finish { closing: self.opened.then_some(closing), stream }
    }

    fn frame_limit(&self) -> Option<Instant> {
        (self.decoder.pending() > 0).then(|| self.pulse.last_heard() + FRAME_LIMIT)
    }

    fn behaviour<T>(&self, look: impl FnOnce(&StompBehaviour) -> T) -> T {
        look(&self.end.settings.borrow().behaviour)
    }
}

/// How a session has ended.
fn ended(by: EndedBy, reason: String, clean: bool) -> Closing {
    Closing { by, code: None, reason, clean }
}

/// An `ERROR` frame; `receipt` is what the frame had asked for that it answers.
fn error(message: &str, body: Bytes, receipt: Option<&str>) -> StompFrame {
    let frame = StompFrame::new("ERROR").with("message", message).with_some("receipt-id", receipt);
    if body.is_empty() {
        return frame;
    }
    frame.with("content-type", "text/plain").with("content-length", body.len().to_string()).with_body(body)
}
