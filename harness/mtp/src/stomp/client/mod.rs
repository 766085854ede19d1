//! The client's side of a connection: an Agent's, or that of a Controller beside a server of somebody else's.

mod beside;
mod frames;
mod opening;
mod sending;

use std::sync::PoisonError;
use std::time::Duration;

use bytes::BytesMut;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::decoder::{Decoder, Incoming, Sender};
use super::end::{ClientRole, End, Outcome};
use super::pulse::Pulse;
use super::settings::{Command, Order};
use super::violation::Violation;
use super::{ClientChanges, StompBehaviour, StompFrame, packet, rules};
use crate::end::{Dialogue, Finish, LONGEST_DELAY, Port, StreamEnd};
use crate::event::{Closing, ConnectionId, Direction, EndedBy, Failure, FailureKind};
use crate::tls::TlsSession;

/// Longest wait for `CONNECTED`, once the stream is there.
const OPENING_LIMIT: Duration = Duration::from_secs(10);

/// How long the server may take to give the receipt for `DISCONNECT`.
const FAREWELL_LIMIT: Duration = Duration::from_secs(2);

/// The same when the whole end stops.
const STOP_LIMIT: Duration = Duration::from_secs(1);

/// How long a frame may take to come as a whole after its last octet came.
const FRAME_LIMIT: Duration = Duration::from_secs(60);

/// A client's connection.
pub(super) struct Client<'a> {
    end: &'a End,
    host: &'a str,
    role: &'a ClientRole,
    id: ConnectionId,
    tls: Option<Box<TlsSession>>,
    decoder: Decoder,
    pulse: Pulse,
    phase: Phase,
    /// When the present phase must be over, if it must.
    until: Option<Instant>,
    send_delay: Duration,
    /// What was configured when it was last looked at.
    configured: Option<String>,
    /// The server's `subscribe-dest`.
    told: Option<String>,
    subscription: Option<Subscription>,
    /// How many subscriptions there have been.
    subscriptions: u32,
    /// How many transactions there have been.
    transactions: u32,
    /// The last `reply-to-dest` of a Record.
    reply_to: Option<String>,
    /// The Endpoint ID that the last Record came from, beside a server of somebody else's.
    peer: Option<String>,
    opened: bool,
    orders: mpsc::Sender<Order>,
    outcome: &'a Outcome,
}

/// How far the session is.
enum Phase {
    /// Nothing was sent yet.
    Begin,
    /// `CONNECTED` is awaited.
    Opening,
    Connected,
    /// The receipt for `DISCONNECT` is awaited.
    Farewell(Closing),
    /// What is left is to be written, and that is all.
    Leaving {
        closing: Closing,
        peer_first: bool,
    },
}

/// What is subscribed to.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Subscription {
    id: String,
    destination: String,
}

impl<'a> Client<'a> {
    /// A connection whose stream is there.
    pub(super) fn new(
        end: &'a End,
        host: &'a str,
        role: &'a ClientRole,
        id: ConnectionId,
        tls: Option<Box<TlsSession>>,
        orders: mpsc::Sender<Order>,
        outcome: &'a Outcome,
    ) -> Self {
        Self {
            end,
            host,
            role,
            id,
            tls,
            decoder: Decoder::new(Sender::Server, end.max_record),
            pulse: Pulse::new(Instant::now()),
            phase: Phase::Begin,
            until: None,
            send_delay: Duration::ZERO,
            configured: None,
            told: None,
            subscription: None,
            subscriptions: 0,
            transactions: 0,
            reply_to: end.learnt.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            peer: None,
            opened: false,
            orders,
            outcome,
        }
    }
}

impl Dialogue for Client<'_> {
    type Command = Command;

    fn inbox(&mut self) -> &mut BytesMut {
        self.decoder.buffer()
    }

    fn take_settings(&mut self, port: &mut Port) {
        let (delay, sends, configured) = {
            let settings = self.end.settings.borrow();
            (settings.behaviour.send_delay, settings.behaviour.send_beats, settings.destination.clone())
        };
        self.send_delay = delay.min(LONGEST_DELAY);
        port.outbox.set_delay(self.send_delay);
        self.pulse.set_sends(sends, Instant::now());
        let changed = self.configured != configured;
        self.configured = configured;
        match self.phase {
            Phase::Begin => self.open_session(port),
            Phase::Connected if changed => self.move_subscription(port),
            Phase::Connected | Phase::Opening | Phase::Farewell(_) | Phase::Leaving { .. } => {}
        }
    }

    async fn take(&mut self, port: &mut Port) -> Option<Finish> {
        if !self.decoder.buffer().is_empty() {
            self.pulse.heard(Instant::now());
        }
        while !matches!(self.phase, Phase::Leaving { .. }) {
            match self.decoder.next() {
                Ok(None) => return None,
                Ok(Some(Incoming::Beats(count))) => {
                    if port.log.is_whole() {
                        port.log.emit(packet::beats(Direction::Received, count)).await;
                    }
                }
                Ok(Some(Incoming::Frame { frame, head, remarks })) => {
                    for violation in remarks.iter().chain(&rules::violations(&frame, &head)) {
                        self.report(port, violation).await;
                    }
                    if let Some(finish) = self.on_frame(port, frame, &head).await {
                        return Some(finish);
                    }
                }
                Err(violation) => return Some(self.violated(port, &violation).await),
            }
        }
        None
    }

    async fn on_order(&mut self, port: &mut Port, command: Command, done: oneshot::Sender<()>) -> Option<Finish> {
        match command {
            // Behind DISCONNECT nothing may be sent (STOMP 1.2, "DISCONNECT"). Who ordered it hears that it is lost.
            Command::Record { .. } if matches!(self.phase, Phase::Farewell(_)) => {}
            Command::Record { bytes, to, .. } => self.put_record(port, bytes, to, done),
            Command::Frame(frame) => self.put(port, &frame, Some(done)),
            Command::Octets(octets) => packet::put_octets(port, &octets, done),
            Command::Goodbye => {
                self.say_goodbye(port, "this end says goodbye", FAREWELL_LIMIT, Some(done));
            }
            Command::HangUp => {
                let closing = self.ended(EndedBy::Us, "this end hung up");
                let stream = StreamEnd::InOrder { peer_first: false, done: Some(done) };
                return Some(self.finish(closing, stream));
            }
            Command::Break => {
                let closing = self.ended(EndedBy::Us, "this end broke the stream");
                return Some(self.finish(closing, StreamEnd::Break(Some(done))));
            }
            // These are a server's.
            Command::Deliver(_) | Command::Error { .. } => {}
        }
        None
    }

    fn deadline(&self) -> Option<Instant> {
        [self.until, self.frame_limit(), self.pulse.deadline()].into_iter().flatten().min()
    }

    async fn on_timer(&mut self, port: &mut Port, now: Instant) -> Option<Finish> {
        if self.until.is_some_and(|at| at <= now) {
            self.until = None;
            if let Phase::Farewell(closing) = &self.phase {
                let (closing, stream) = (closing.clone(), StreamEnd::InOrder { peer_first: false, done: None });
                return Some(self.finish(closing, stream));
            }
            let text = format!("CONNECTED or ERROR was expected; nothing came for {} s", OPENING_LIMIT.as_secs());
            port.fail(Failure::against("STOMP 1.2 Connecting", FailureKind::Timeout, text)).await;
            return Some(self.on_break(port, "no CONNECTED came in time", EndedBy::Us));
        }
        if self.frame_limit().is_some_and(|at| at <= now) {
            let text = format!("the rest of a frame was expected; nothing came for {} s", FRAME_LIMIT.as_secs());
            let violation = Violation::new("STOMP 1.2 STOMP Frames", text, &self.decoder.evidence());
            return Some(self.violated(port, &violation).await);
        }
        if let Some(agreed) = self.pulse.newly_silent(now) {
            let text = format!("a heart-beat every {agreed} ms is agreed on; nothing came for twice as long");
            port.fail(Failure::against("STOMP 1.2 Heart-beating", FailureKind::Timeout, text)).await;
            return Some(self.on_break(port, "the server's heart-beats stay away", EndedBy::Us));
        }
        if self.pulse.is_beat_due(now) {
            packet::put_beat(port);
        }
        None
    }

    fn on_stop(&mut self, port: &mut Port) {
        match self.phase {
            Phase::Begin | Phase::Opening => {
                let closing = self.ended(EndedBy::Us, "this end stops");
                self.phase = Phase::Leaving { closing, peer_first: false };
            }
            Phase::Connected => self.say_goodbye(port, "this end stops", STOP_LIMIT, None),
            Phase::Farewell(_) | Phase::Leaving { .. } => {}
        }
    }

    async fn on_end(&mut self, port: &mut Port) -> Finish {
        if let Phase::Farewell(closing) = &self.phase {
            return self.finish(closing.clone(), StreamEnd::Gone(EndedBy::Peer));
        }
        let pending = self.decoder.pending();
        let text = match (&self.phase, pending) {
            (_, 1..) => format!("the stream ended inside a frame, after {pending} octets of it"),
            (Phase::Opening, _) => "the stream ended in place of CONNECTED".to_owned(),
            _ => "the stream ended".to_owned(),
        };
        let failure = Failure::new(FailureKind::StreamEnded, text.as_str());
        port.fail(failure.with_octets(&self.decoder.evidence())).await;
        self.finish(self.ended(EndedBy::Peer, &text), StreamEnd::Gone(EndedBy::Peer))
    }

    fn on_break(&mut self, _port: &mut Port, why: &str, by: EndedBy) -> Finish {
        let stream = if by == EndedBy::Us { StreamEnd::Break(None) } else { StreamEnd::Gone(by) };
        self.finish(self.ended(EndedBy::Broken, why), stream)
    }

    fn leaving(&self) -> Option<Finish> {
        match &self.phase {
            Phase::Leaving { closing, peer_first } => {
                let stream = StreamEnd::InOrder { peer_first: *peer_first, done: None };
                Some(self.finish(closing.clone(), stream))
            }
            Phase::Begin | Phase::Opening | Phase::Connected | Phase::Farewell(_) => None,
        }
    }

    fn leave(&mut self) {
        self.end.registry.leave(self.id);
    }
}

impl Client<'_> {
    /// Says `DISCONNECT` and waits for its receipt for so long (STOMP 1.2, "DISCONNECT"; R-STOMP.28).
    fn say_goodbye(&mut self, port: &mut Port, why: &str, limit: Duration, done: Option<oneshot::Sender<()>>) {
        if matches!(self.phase, Phase::Farewell(_) | Phase::Leaving { .. }) {
            return;
        }
        if !self.client(|changes| changes.say_goodbye) {
            self.phase = Phase::Leaving { closing: self.ended(EndedBy::Us, why), peer_first: false };
            if let Some(done) = done {
                // Nobody may be waiting any more.
                let _ = done.send(());
            }
            return;
        }
        self.put(port, &StompFrame::new("DISCONNECT").with("receipt", self.farewell()), done);
        self.until = Some(Instant::now() + self.send_delay + limit);
        self.phase = Phase::Farewell(Closing { clean: true, ..self.ended(EndedBy::Us, why) });
    }

    /// The server has violated the protocol: it is left.
    async fn violated(&mut self, port: &mut Port, violation: &Violation) -> Finish {
        self.report(port, violation).await;
        let closing = self.ended(EndedBy::Us, &violation.text);
        self.finish(closing, StreamEnd::InOrder { peer_first: false, done: None })
    }

    /// Sends a frame that carries no Record.
    fn put(&mut self, port: &mut Port, frame: &StompFrame, done: Option<oneshot::Sender<()>>) {
        self.pulse.sent(Instant::now());
        packet::put(port, frame, None, done);
    }

    /// How the session ends if it ends like this.
    fn ended(&self, by: EndedBy, why: &str) -> Closing {
        match &self.phase {
            Phase::Farewell(closing) | Phase::Leaving { closing, .. } => closing.clone(),
            Phase::Begin | Phase::Opening | Phase::Connected => {
                Closing { by, code: None, reason: why.to_owned(), clean: false }
            }
        }
    }

    /// The end of the session, if there was one, and of the stream.
    fn finish(&self, closing: Closing, stream: StreamEnd) -> Finish {
        if self.opened {
            self.outcome.set(&closing);
        }
        Finish { closing: self.opened.then_some(closing), stream }
    }

    fn farewell(&self) -> String {
        format!("goodbye-{}", self.id.0)
    }

    fn frame_limit(&self) -> Option<Instant> {
        (self.decoder.pending() > 0).then(|| self.pulse.last_heard() + FRAME_LIMIT)
    }

    fn behaviour<T>(&self, look: impl FnOnce(&StompBehaviour) -> T) -> T {
        look(&self.end.settings.borrow().behaviour)
    }

    fn client<T>(&self, look: impl FnOnce(&ClientChanges) -> T) -> T {
        self.behaviour(|behaviour| look(&behaviour.client))
    }
}
