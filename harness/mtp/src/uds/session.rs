//! One connection: the handshake, then Records in both directions, until one side ends the stream.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::behaviour::{BadHandshake, HandshakeSent, SecondHandshake, UdsBehaviour, UnknownTlvs};
use super::end::End;
use super::frame::{FrameDecoder, Violation};
use super::handshake::{self, Introduction};
use super::seen;
use super::tlv::{TLV_HEAD, TYPE_ERROR, TYPE_HANDSHAKE, TYPE_RECORD, Tlv};
use super::write::{FrameChanges, write_frame};
use crate::end::{Dialogue, Finish, LONGEST_DELAY, Order, Port, StreamEnd};
use crate::event::{Closing, ConnectionId, Direction, EndedBy, Failure, FailureKind, MtpHappening, OpenSession, Route};

/// How long a frame may stop in its midst. A sender writes it at once, so that octets that do not come will never come.
const FRAME_TIMEOUT: Duration = Duration::from_secs(30);

/// How long what is still to be written may take when the whole end stops.
const STOP_TIMEOUT: Duration = Duration::from_secs(1);

/// What a connection can be told to do.
#[derive(Debug)]
pub(super) enum Command {
    /// Sends a Record.
    Record(Bytes),
    /// Sends one frame of these TLVs, with these changes.
    Frame(Vec<Tlv>, FrameChanges),
    /// Sends octets as they are, between two frames.
    Octets(Bytes),
    /// Says what could not be processed, and ends the connection (R-UDS.23).
    Error(String),
    /// Ends the stream in order.
    HangUp,
    /// Breaks the stream.
    Break,
}

/// One connection.
pub(super) struct Session<'a> {
    end: &'a End,
    id: ConnectionId,
    client: bool,
    decoder: FrameDecoder,
    /// The way in for orders, to be entered among the open sessions.
    orders: mpsc::Sender<Order<Command>>,
    /// Set once the handshake is done.
    opened: &'a AtomicBool,
    phase: Phase,
    /// Since when the peer is to introduce itself.
    greeting_since: Instant,
    /// Since when a frame waits for its next octets.
    frame_since: Option<Instant>,
    /// Until when everything must be written because the end stops.
    stop_at: Option<Instant>,
    /// Something came that cannot be parsed, and the connection was to stay: nothing is understood any more.
    deaf: bool,
    /// Any octet came.
    heard: bool,
}

/// How far a connection is.
enum Phase {
    /// Nothing was sent yet.
    New,
    /// The handshake is not done.
    Greeting {
        /// Our Handshake is sent, or about to be.
        sent: bool,
        /// The peer has introduced itself.
        introduced: bool,
    },
    /// The handshake is done as soon as our answer is written.
    Answering(oneshot::Receiver<()>),
    /// The handshake is done.
    Open,
    /// It is over when everything is written.
    Leaving(Option<Closing>),
}

impl<'a> Session<'a> {
    /// A connection whose stream is there.
    pub(super) fn new(
        end: &'a End,
        id: ConnectionId,
        client: bool,
        orders: mpsc::Sender<Order<Command>>,
        opened: &'a AtomicBool,
    ) -> Self {
        Self {
            end,
            id,
            client,
            decoder: FrameDecoder::new(end.max_record.saturating_add(TLV_HEAD)),
            orders,
            opened,
            phase: Phase::New,
            greeting_since: Instant::now(),
            frame_since: None,
            stop_at: None,
            deaf: false,
            heard: false,
        }
    }

    /// The moment at which the peer must have introduced itself.
    fn greeting_ends(&self) -> Option<Instant> {
        match self.phase {
            Phase::Greeting { introduced: false, .. } => {
                let limit = self.end.behaviour.borrow().handshake_limit?;
                Some(self.greeting_since + limit.min(LONGEST_DELAY))
            }
            _ => None,
        }
    }

    fn frame_ends(&self) -> Option<Instant> {
        self.frame_since.map(|since| since + FRAME_TIMEOUT)
    }
}

impl Dialogue for Session<'_> {
    type Command = Command;

    fn inbox(&mut self) -> &mut BytesMut {
        self.decoder.buffer()
    }

    fn take_settings(&mut self, port: &mut Port) {
        port.outbox.set_delay(self.end.behaviour.borrow().send_delay.min(LONGEST_DELAY));
    }

    async fn take(&mut self, port: &mut Port) -> Option<Finish> {
        if matches!(self.phase, Phase::New) {
            self.begin(port);
        }
        self.heard |= !self.decoder.pending().is_empty();
        while !self.deaf {
            match self.decoder.next() {
                Ok(Some(tlvs)) => {
                    if let Some(finish) = self.on_frame(port, tlvs).await {
                        return Some(finish);
                    }
                }
                Ok(None) => break,
                Err(violation) => {
                    if let Some(finish) = self.violated(port, violation).await {
                        return Some(finish);
                    }
                }
            }
        }
        if self.deaf {
            self.decoder.buffer().clear();
        }
        self.frame_since = (!self.decoder.pending().is_empty()).then(Instant::now);
        None
    }

    async fn on_order(&mut self, port: &mut Port, command: Command, done: oneshot::Sender<()>) -> Option<Finish> {
        match command {
            Command::Record(record) => self.put_record(port, record, Some(done)),
            Command::Frame(tlvs, changes) => put(port, &tlvs, &changes, Some(done), None),
            Command::Octets(octets) => port.outbox.put(Some(done), |out| {
                out.extend_from_slice(&octets);
                Vec::new()
            }),
            Command::Error(text) => return self.refuse(port, &text, Some(done)).await,
            Command::HangUp => {
                let closing = self.closing(EndedBy::Us, "this end hung up", true);
                return Some(Finish { closing, stream: StreamEnd::InOrder { peer_first: false, done: Some(done) } });
            }
            Command::Break => {
                let closing = self.closing(EndedBy::Us, "this end broke the stream", false);
                return Some(Finish { closing, stream: StreamEnd::Break(Some(done)) });
            }
        }
        None
    }

    fn deadline(&self) -> Option<Instant> {
        [self.greeting_ends(), self.frame_ends(), self.stop_at].into_iter().flatten().min()
    }

    async fn on_timer(&mut self, port: &mut Port, now: Instant) -> Option<Finish> {
        let due = |timer: Option<Instant>| timer.is_some_and(|at| at <= now);
        if due(self.stop_at) {
            return Some(self.on_break(port, "the peer reads nothing", EndedBy::Us));
        }
        if due(self.frame_ends()) {
            let violation = self.decoder.unfinished(&format!("nothing for {} s", FRAME_TIMEOUT.as_secs()));
            self.frame_since = None;
            return self.violated(port, violation).await;
        }
        if due(self.greeting_ends()) {
            return Some(self.on_silence(port).await);
        }
        None
    }

    fn on_stop(&mut self, _port: &mut Port) {
        let closing = self.closing(EndedBy::Us, "this end stops", true);
        self.phase = Phase::Leaving(closing);
        self.stop_at = Some(Instant::now() + STOP_TIMEOUT);
    }

    /// The peer has ended the stream, which is its goodbye unless it stopped inside a frame.
    async fn on_end(&mut self, port: &mut Port) -> Finish {
        let inside = !self.decoder.pending().is_empty();
        let was_open = self.is_open();
        if inside {
            let Violation { text, octets, .. } = self.decoder.unfinished("the stream ended");
            port.fail(Failure::against("R-UDS.9", FailureKind::StreamEnded, text).with_octets(&octets)).await;
        } else if !was_open && (self.client || self.heard) {
            let text = "the stream ended before the handshake was done";
            port.fail(Failure::against(self.introduction(), FailureKind::StreamEnded, text)).await;
        }
        let reason = if inside { "the stream ended inside a frame" } else { "the peer ended the stream" };
        Finish { closing: self.closing(EndedBy::Peer, reason, !inside), stream: StreamEnd::Gone(EndedBy::Peer) }
    }

    fn on_break(&mut self, _port: &mut Port, why: &str, by: EndedBy) -> Finish {
        let closing = self.closing(EndedBy::Broken, why, false);
        let stream = if by == EndedBy::Us { StreamEnd::Break(None) } else { StreamEnd::Gone(by) };
        Finish { closing, stream }
    }

    fn leaving(&self) -> Option<Finish> {
        match &self.phase {
            Phase::Leaving(closing) => Some(in_order(closing.clone())),
            Phase::New | Phase::Greeting { .. } | Phase::Answering(_) | Phase::Open => None,
        }
    }

    fn leave(&mut self) {
        self.end.greeting.leave(self.id);
        self.end.registry.leave(self.id);
    }
}

/// What comes in.
impl Session<'_> {
    async fn on_frame(&mut self, port: &mut Port, tlvs: Vec<Tlv>) -> Option<Finish> {
        if port.log.is_whole() {
            port.log.emit(seen::received(&tlvs)).await;
        }
        let unknown_tlvs = self.end.behaviour.borrow().unknown_tlvs;
        let is_known = |tlv: &Tlv| matches!(tlv.kind, TYPE_HANDSHAKE | TYPE_ERROR | TYPE_RECORD);
        if unknown_tlvs == UnknownTlvs::IgnoreFrame && !tlvs.iter().all(is_known) {
            return None;
        }
        for Tlv { kind, value } in tlvs {
            let finish = match (kind, unknown_tlvs) {
                (TYPE_HANDSHAKE, _) => self.on_handshake(port, &value).await,
                (TYPE_ERROR, _) => self.on_error(port, &value).await,
                (TYPE_RECORD, _) | (_, UnknownTlvs::TakeAsRecords) => {
                    self.on_record(port, value).await;
                    None
                }
                (_, UnknownTlvs::Refuse) => self.refuse(port, &format!("unknown TLV type {kind}"), None).await,
                (_, UnknownTlvs::Ignore | UnknownTlvs::IgnoreFrame) => None,
            };
            if finish.is_some() {
                return finish;
            }
        }
        None
    }

    async fn on_handshake(&mut self, port: &mut Port, value: &[u8]) -> Option<Finish> {
        let Phase::Greeting { introduced: false, sent } = self.phase else {
            return self.on_second_handshake(port).await;
        };
        let introduction = match handshake::read(value) {
            Ok(introduction) => introduction,
            Err(text) => {
                let failure = Failure::against(self.introduction(), FailureKind::ProtocolViolation, &*text);
                port.fail(failure.with_octets(value)).await;
                let what = self.end.behaviour.borrow().bad_handshake;
                match what {
                    BadHandshake::Refuse => return self.refuse(port, &text, None).await,
                    BadHandshake::Ignore => return None,
                    BadHandshake::Take => Introduction { endpoint_id: seen::text(value), remarks: Vec::new() },
                }
            }
        };
        for (requirement, text) in introduction.remarks {
            port.fail(Failure::against(requirement, FailureKind::ProtocolViolation, text).with_octets(value)).await;
        }
        if self.end.behaviour.borrow().handshake == HandshakeSent::Withheld && !sent {
            self.phase = Phase::Greeting { sent, introduced: true };
            return None;
        }
        self.open(port, introduction.endpoint_id, sent).await;
        None
    }

    /// The handshake is done, or will be once our answer is written.
    async fn open(&mut self, port: &mut Port, eid: String, sent: bool) {
        let (orders, log) = (self.orders.clone(), port.log.clone());
        self.end.greeting.leave(self.id);
        if let Some(former) = self.end.registry.enter(self.id, Some(eid.clone()), orders, log) {
            former.log.emit(MtpHappening::Superseded { by: self.id }).await;
        }
        self.opened.store(true, Ordering::Relaxed);
        let open = MtpHappening::Open(OpenSession { eid: Some(eid), ..OpenSession::default() });
        if sent {
            self.phase = Phase::Open;
            port.log.emit(open).await;
        } else {
            // R-UDS.17. Whatever is ordered from now on goes out behind it.
            let (done, written) = oneshot::channel();
            self.phase = Phase::Answering(written);
            self.put_handshake(port, Some(done), Some(open));
        }
    }

    async fn on_second_handshake(&mut self, port: &mut Port) -> Option<Finish> {
        let what = self.end.behaviour.borrow().second_handshake;
        match what {
            SecondHandshake::Ignore => None,
            SecondHandshake::Answer => {
                self.put_handshake(port, None, None);
                None
            }
            SecondHandshake::Refuse => self.refuse(port, "the handshake is done already", None).await,
        }
    }

    async fn on_error(&mut self, port: &mut Port, value: &[u8]) -> Option<Finish> {
        let text = format!("the peer sent an Error: {}", seen::text(value));
        if !self.is_open() {
            port.fail(Failure::new(FailureKind::Refused { reason: 0 }, &*text)).await;
        }
        // R-UDS.25.
        let obeyed = self.end.behaviour.borrow().obey_errors;
        obeyed.then(|| in_order(self.closing(EndedBy::Peer, &text, false)))
    }

    async fn on_record(&mut self, port: &mut Port, bytes: Bytes) {
        if !self.is_open() {
            let text = "a Record came before the handshake was done";
            let failure = Failure::against("R-UDS.20", FailureKind::ProtocolViolation, text);
            port.fail(failure.with_octets(&bytes)).await;
            if !self.end.behaviour.borrow().take_early_records {
                return;
            }
        }
        let (direction, route) = (Direction::Received, Route::default());
        port.log.emit(MtpHappening::Record { direction, bytes, frames: 1, route }).await;
    }

    /// What came cannot be parsed (R-UDS.24).
    async fn violated(&mut self, port: &mut Port, violation: Violation) -> Option<Finish> {
        let Violation { requirement, text, octets, oversized } = violation;
        if let Some(announced) = oversized {
            port.log.emit(MtpHappening::Oversized { limit: self.end.max_record, announced }).await;
        }
        let failure = Failure::new(FailureKind::ProtocolViolation, &*text).with_octets(&octets);
        port.fail(Failure { requirement: requirement.map(str::to_owned), ..failure }).await;
        let finish = self.refuse(port, &text, None).await;
        self.deaf = finish.is_none();
        finish
    }

    /// The peer has not introduced itself in time (R-UDS.18; a server does not wait longer either).
    async fn on_silence(&mut self, port: &mut Port) -> Finish {
        let limit = self.end.behaviour.borrow().handshake_limit.unwrap_or_default();
        let text = format!("no Handshake came within {} s", limit.as_secs());
        port.fail(Failure::against(self.introduction(), FailureKind::Timeout, &*text)).await;
        if self.end.behaviour.borrow().send_errors {
            self.put_error(port, &text, None);
        }
        port.last_words().await;
        in_order(None)
    }
}

/// What goes out.
impl Session<'_> {
    /// The stream is there: a client introduces itself (R-UDS.16).
    fn begin(&mut self, port: &mut Port) {
        let behaviour = self.behaviour();
        for record in &behaviour.early_records {
            self.put_record(port, record.clone(), None);
        }
        let sent = (self.client || behaviour.handshake_first) && behaviour.handshake != HandshakeSent::Withheld;
        if sent {
            self.put_handshake(port, None, None);
        }
        self.greeting_since = Instant::now() + behaviour.send_delay.min(LONGEST_DELAY);
        self.phase = Phase::Greeting { sent, introduced: false };
    }

    /// Says what cannot be processed and ends the connection, as far as the behaviour has it so.
    async fn refuse(&mut self, port: &mut Port, text: &str, done: Option<oneshot::Sender<()>>) -> Option<Finish> {
        let (send, end) = {
            let behaviour = self.end.behaviour.borrow();
            (behaviour.send_errors, behaviour.end_after_error)
        };
        let mut done = done;
        if send {
            self.put_error(port, text, done.take());
        }
        if !end {
            return None;
        }
        port.last_words().await;
        let closing = self.closing(EndedBy::Us, text, false);
        Some(Finish { closing, stream: StreamEnd::InOrder { peer_first: false, done } })
    }

    fn put_handshake(&self, port: &mut Port, done: Option<oneshot::Sender<()>>, then: Option<MtpHappening>) {
        let UdsBehaviour { handshake, types, frames, .. } = self.behaviour();
        let value = match handshake {
            HandshakeSent::Own | HandshakeSent::Withheld => Bytes::from(self.end.endpoint_id.clone()),
            HandshakeSent::Other(endpoint_id) => Bytes::from(endpoint_id),
            HandshakeSent::Octets(octets) => octets,
        };
        put(port, &[Tlv { kind: types.handshake, value }], &frames, done, then);
    }

    fn put_error(&self, port: &mut Port, text: &str, done: Option<oneshot::Sender<()>>) {
        let UdsBehaviour { types, frames, .. } = self.behaviour();
        put(port, &[Tlv::new(types.error, text.to_owned())], &frames, done, None);
    }

    fn put_record(&self, port: &mut Port, record: Bytes, done: Option<oneshot::Sender<()>>) {
        let (direction, route) = (Direction::Sent, Route::default());
        let (kind, frames) = {
            let behaviour = self.end.behaviour.borrow();
            (behaviour.types.record, behaviour.frames.clone())
        };
        let report = MtpHappening::Record { direction, bytes: record.clone(), frames: 1, route };
        put(port, &[Tlv { kind, value: record }], &frames, done, Some(report));
    }
}

/// What it is.
impl Session<'_> {
    fn behaviour(&self) -> UdsBehaviour {
        self.end.behaviour.borrow().clone()
    }

    /// The requirement by which the peer introduces itself.
    fn introduction(&self) -> &'static str {
        if self.client { "R-UDS.17" } else { "R-UDS.16" }
    }

    /// Whether the handshake is done.
    fn is_open(&mut self) -> bool {
        if let Phase::Answering(written) = &mut self.phase
            && written.try_recv().is_ok()
        {
            self.phase = Phase::Open;
        }
        matches!(self.phase, Phase::Open)
    }

    /// What is reported of the end of a session, if there was one.
    fn closing(&mut self, by: EndedBy, reason: &str, clean: bool) -> Option<Closing> {
        if let Phase::Leaving(closing) = &self.phase {
            return closing.clone();
        }
        self.is_open().then(|| Closing { by, code: None, reason: reason.to_owned(), clean })
    }
}

fn in_order(closing: Option<Closing>) -> Finish {
    Finish { closing, stream: StreamEnd::InOrder { peer_first: false, done: None } }
}

/// Puts one frame into the outbox; `then` is reported behind it.
fn put(
    port: &mut Port,
    tlvs: &[Tlv],
    changes: &FrameChanges,
    done: Option<oneshot::Sender<()>>,
    then: Option<MtpHappening>,
) {
    let seen = port.log.is_whole().then(|| seen::sent(tlvs, changes));
    port.outbox.put(done, |out| {
        write_frame(tlvs, changes, out);
        seen.into_iter().chain(then).collect()
    });
}
