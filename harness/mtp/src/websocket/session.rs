//! An open session: frames in both directions until one side closes it or the stream breaks.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use rustls::crypto::{SecureRandom, aws_lc_rs};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::end::End;
use super::frame::{FrameDecoder, Violation};
use super::message::{Assembler, Message};
use super::settings::KeepAlive;
use super::{RawFrame, close_code};
use crate::end::{Dialogue, Finish, LONGEST_DELAY, Port, StreamEnd};
use crate::event::{Closing, ConnectionId, Direction, EndedBy, Failure, FailureKind, MtpHappening, Opcode, Route};

/// How long the peer may take to answer a Close. TP-469 7.4 sets no limit; a device that is busy with a request needs a moment.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the peer may take to answer a Close when the whole end stops.
const STOP_TIMEOUT: Duration = Duration::from_secs(1);

/// Longest reason that fits into a Close frame behind its code.
const MAX_REASON: usize = 123;

/// What a session can be told to do.
#[derive(Debug)]
pub(super) enum Command {
    /// Sends a Record, in fragments of at most that many octets if any.
    Record { bytes: Bytes, fragment: Option<usize> },
    /// Sends one frame as it is.
    Frame(RawFrame),
    /// Sends octets as they are, between two frames.
    Octets(Bytes),
    /// Begins the closing handshake.
    Close { code: Option<u16>, reason: String },
    /// Ends the stream without a closing handshake, in order.
    HangUp,
    /// Breaks the stream.
    Break,
}

/// A command and whom to tell.
pub(super) type Order = crate::end::Order<Command>;

/// An open session.
pub(super) struct Session<'a> {
    end: &'a End,
    id: ConnectionId,
    client: bool,
    decoder: FrameDecoder,
    assembler: Assembler,
    send_delay: Duration,
    keep_alive: Option<KeepAlive>,
    random: &'static dyn SecureRandom,
    phase: Phase,
    timers: Timers,
}

/// How far the closing handshake is.
enum Phase {
    Open,
    /// We have sent a Close.
    Closing(Closing),
    /// We have answered the peer's Close, and only this answer is still to be written.
    Answered(Closing),
}

#[derive(Default)]
struct Timers {
    ping: Option<Instant>,
    pong: Option<Instant>,
    close: Option<Instant>,
}

impl<'a> Session<'a> {
    /// A session that begins with the octets that came behind the handshake.
    pub(super) fn new(end: &'a End, id: ConnectionId, begun: BytesMut, client: bool) -> Self {
        Self {
            end,
            id,
            client,
            decoder: FrameDecoder::new(begun, end.max_record, !client),
            assembler: Assembler::new(end.max_record),
            send_delay: Duration::ZERO,
            keep_alive: None,
            random: aws_lc_rs::default_provider().secure_random,
            phase: Phase::Open,
            timers: Timers::default(),
        }
    }
}

impl Dialogue for Session<'_> {
    type Command = Command;

    fn inbox(&mut self) -> &mut BytesMut {
        self.decoder.buffer()
    }

    fn take_settings(&mut self, port: &mut Port) {
        let (keep_alive, delay) = {
            let settings = self.end.settings.borrow();
            (settings.keep_alive, settings.behaviour.send_delay)
        };
        self.send_delay = delay.min(LONGEST_DELAY);
        port.outbox.set_delay(self.send_delay);
        // Only a new interval begins anew: other changes must not put the next Ping off.
        if self.keep_alive != keep_alive {
            self.keep_alive = keep_alive;
            self.arm_ping();
        }
    }

    async fn take(&mut self, port: &mut Port) -> Option<Finish> {
        loop {
            let frame = match self.decoder.next() {
                Ok(Some(frame)) => frame,
                Ok(None) => return None,
                Err(violation) => return Some(self.violated(port, violation).await),
            };
            if port.log.is_whole() {
                let seen = MtpHappening::Frame { direction: Direction::Received, frame: frame.clone() };
                port.log.emit(seen).await;
            }
            let accept_fragments = self.end.settings.borrow().behaviour.accept_fragments;
            match self.assembler.take(&frame, accept_fragments) {
                Ok(None) => {}
                Ok(Some(message)) => {
                    if let Some(finish) = self.on_message(port, message).await {
                        return Some(finish);
                    }
                    if matches!(self.phase, Phase::Answered(_)) {
                        return None;
                    }
                }
                Err(violation) => return Some(self.violated(port, violation).await),
            }
        }
    }

    async fn on_order(&mut self, port: &mut Port, command: Command, done: oneshot::Sender<()>) -> Option<Finish> {
        match command {
            // Behind a Close no data frame may go out (RFC 6455 section 5.5.1). Who ordered it hears that it is lost.
            Command::Record { .. } if matches!(self.phase, Phase::Closing(_)) => {}
            Command::Record { bytes, fragment } => {
                let fragment = fragment.or(self.end.settings.borrow().behaviour.fragment);
                self.put_record(port, bytes, fragment, done);
            }
            Command::Frame(frame) => self.put_frame(port, &frame, Some(done)),
            Command::Octets(octets) => port.outbox.put(Some(done), |out| {
                out.extend_from_slice(&octets);
                Vec::new()
            }),
            Command::Close { code, reason } => self.begin_closing(port, code, reason, CLOSE_TIMEOUT, Some(done)),
            Command::HangUp => {
                let closing = Some(self.unclean(EndedBy::Us, "this end hung up"));
                return Some(Finish { closing, stream: StreamEnd::InOrder { peer_first: false, done: Some(done) } });
            }
            Command::Break => {
                let closing = Some(self.unclean(EndedBy::Us, "this end broke the stream"));
                return Some(Finish { closing, stream: StreamEnd::Break(Some(done)) });
            }
        }
        None
    }

    fn deadline(&self) -> Option<Instant> {
        [self.timers.ping, self.timers.pong, self.timers.close].into_iter().flatten().min()
    }

    async fn on_timer(&mut self, port: &mut Port, now: Instant) -> Option<Finish> {
        let due = |timer: Option<Instant>| timer.is_some_and(|at| at <= now);
        if due(self.timers.close) {
            let text = format!("no Close came within {} s", CLOSE_TIMEOUT.as_secs());
            port.fail(Failure::against("RFC 6455 7.1.2", FailureKind::Timeout, text)).await;
            return Some(self.on_break(port, "no Close came in time", EndedBy::Us));
        }
        if due(self.timers.pong) {
            port.fail(Failure::against("R-WS.17", FailureKind::Timeout, "a Ping was not answered in time")).await;
            return Some(self.on_break(port, "a Ping was not answered", EndedBy::Us));
        }
        if due(self.timers.ping) {
            self.put_frame(port, &RawFrame::new(Opcode::Ping, Bytes::new()), None);
            let keep_alive = self.keep_alive;
            self.timers.ping = keep_alive.map(|keep_alive| now + keep_alive.interval);
            if self.timers.pong.is_none() {
                self.timers.pong = keep_alive.and_then(|keep_alive| keep_alive.answer_within).map(|wait| now + wait);
            }
        }
        None
    }

    fn on_stop(&mut self, port: &mut Port) {
        self.begin_closing(port, Some(close_code::GOING_AWAY), String::new(), STOP_TIMEOUT, None);
    }

    /// The peer has ended the stream.
    async fn on_end(&mut self, port: &mut Port) -> Finish {
        let text = match self.decoder.pending() {
            0 => "the stream ended without a Close".to_owned(),
            pending => format!("the stream ended inside a frame, after {pending} octets of it"),
        };
        if matches!(self.phase, Phase::Open) {
            port.fail(Failure::against("RFC 6455 7.1.2", FailureKind::StreamEnded, &*text)).await;
        }
        self.on_break(port, &text, EndedBy::Peer)
    }

    fn on_break(&mut self, _port: &mut Port, why: &str, by: EndedBy) -> Finish {
        let closing = Some(self.unclean(EndedBy::Broken, why));
        let stream = if by == EndedBy::Us { StreamEnd::Break(None) } else { StreamEnd::Gone(by) };
        Finish { closing, stream }
    }

    fn leaving(&self) -> Option<Finish> {
        match &self.phase {
            Phase::Answered(closing) => Some(self.in_order(closing.clone())),
            Phase::Open | Phase::Closing(_) => None,
        }
    }

    fn leave(&mut self) {
        self.end.registry.leave(self.id);
    }
}

impl Session<'_> {
    /// The end of a session that both sides have closed. RFC 6455 section 7.1.1: the server ends the stream first.
    fn in_order(&self, closing: Closing) -> Finish {
        let peer_first = self.client && closing.clean;
        Finish { closing: Some(closing), stream: StreamEnd::InOrder { peer_first, done: None } }
    }

    fn begin_closing(
        &mut self,
        port: &mut Port,
        code: Option<u16>,
        reason: String,
        wait: Duration,
        done: Option<oneshot::Sender<()>>,
    ) {
        if matches!(self.phase, Phase::Answered(_)) {
            return;
        }
        let reason = shortened(reason);
        self.put_frame(port, &RawFrame::close(code, &reason), done);
        self.timers.close = Some(Instant::now() + self.send_delay + wait);
        self.phase = Phase::Closing(Closing { by: EndedBy::Us, code, reason, clean: false });
    }

    async fn on_message(&mut self, port: &mut Port, message: Message) -> Option<Finish> {
        let direction = Direction::Received;
        match message {
            Message::Binary { bytes, frames } => {
                port.log.emit(MtpHappening::Record { direction, bytes, frames, route: Route::default() }).await;
            }
            Message::Text(bytes) => port.log.emit(MtpHappening::Text { direction, bytes }).await,
            Message::Ping(payload) => {
                if self.end.settings.borrow().behaviour.answer_pings {
                    let pong = RawFrame::new(Opcode::Pong, payload);
                    // Only the latest Ping must be answered (RFC 6455 section 5.5.3).
                    port.outbox.put_sheddable(|out| vec![self.write(&pong, out)]);
                }
            }
            Message::Pong(_) => {
                let unasked = self.timers.pong.take().is_none();
                if unasked && !self.end.settings.borrow().behaviour.accept_unasked_pongs {
                    let reason = "a Pong that nobody asked for".to_owned();
                    self.begin_closing(port, Some(close_code::PROTOCOL_ERROR), reason, CLOSE_TIMEOUT, None);
                }
            }
            Message::Close { code, reason } => return self.on_close(port, code, reason),
        }
        None
    }

    fn on_close(&mut self, port: &mut Port, code: Option<u16>, reason: String) -> Option<Finish> {
        match &self.phase {
            Phase::Closing(ours) => Some(self.in_order(Closing { clean: true, ..ours.clone() })),
            Phase::Open if self.end.settings.borrow().behaviour.answer_close => {
                self.put_frame(port, &RawFrame::close(code, ""), None);
                self.timers =
                    Timers { close: Some(Instant::now() + self.send_delay + CLOSE_TIMEOUT), ..Timers::default() };
                self.phase = Phase::Answered(Closing { by: EndedBy::Peer, code, reason, clean: true });
                None
            }
            Phase::Open | Phase::Answered(_) => None,
        }
    }

    /// The peer has violated the protocol: it is told so and left.
    async fn violated(&mut self, port: &mut Port, violation: Violation) -> Finish {
        if let Some(announced) = violation.oversized {
            port.log.emit(MtpHappening::Oversized { limit: self.end.max_record, announced }).await;
        }
        let Violation { section, text, close_code, .. } = violation;
        port.fail(Failure::against(section, FailureKind::ProtocolViolation, &*text)).await;
        let reason = shortened(text);
        if matches!(self.phase, Phase::Open) {
            self.put_frame(port, &RawFrame::close(Some(close_code), &reason), None);
        }
        port.last_words().await;
        let closing = Closing { by: EndedBy::Us, code: Some(close_code), reason, clean: false };
        Finish { closing: Some(closing), stream: StreamEnd::InOrder { peer_first: false, done: None } }
    }

    /// The closing handshake as far as it got.
    fn unclean(&self, by: EndedBy, why: &str) -> Closing {
        match &self.phase {
            Phase::Open => Closing { by, code: None, reason: why.to_owned(), clean: false },
            Phase::Closing(closing) | Phase::Answered(closing) => Closing { clean: false, ..closing.clone() },
        }
    }

    fn arm_ping(&mut self) {
        self.timers.ping = self.keep_alive.map(|keep_alive| Instant::now() + keep_alive.interval);
        self.timers.pong = None;
    }

    /// Puts a Record in, in frames of at most `fragment` octets if any.
    fn put_record(&self, port: &mut Port, record: Bytes, fragment: Option<usize>, done: oneshot::Sender<()>) {
        let frames = fragments(&record, fragment);
        port.outbox.put(Some(done), |out| {
            let mut reports: Vec<_> = frames.iter().map(|frame| self.write(frame, out)).collect();
            let count = u32::try_from(frames.len()).unwrap_or(u32::MAX);
            let (direction, route) = (Direction::Sent, Route::default());
            reports.push(MtpHappening::Record { direction, bytes: record, frames: count, route });
            reports
        });
    }

    fn put_frame(&self, port: &mut Port, frame: &RawFrame, done: Option<oneshot::Sender<()>>) {
        port.outbox.put(done, |out| vec![self.write(frame, out)]);
    }

    /// Writes one frame and gives back the report of it.
    fn write(&self, frame: &RawFrame, out: &mut BytesMut) -> MtpHappening {
        // A client masks its frames (RFC 6455 section 5.1).
        let masked = frame.masked.unwrap_or(self.client);
        frame.write(masked.then(|| self.mask()), out);
        MtpHappening::Frame { direction: Direction::Sent, frame: frame.seen(masked) }
    }

    fn mask(&self) -> [u8; 4] {
        let mut mask = [0; 4];
        // Without randomness the frame is still a valid one; an unpredictable mask protects proxies, of which there is none here.
        let _ = self.random.fill(&mut mask);
        mask
    }
}

/// A Record in frames of at most `size` octets if any; at least one.
fn fragments(record: &Bytes, size: Option<usize>) -> Vec<RawFrame> {
    let size = size.unwrap_or(usize::MAX).max(1);
    let mut frames: Vec<RawFrame> = Vec::new();
    let mut rest = record.clone();
    loop {
        let payload = rest.split_to(rest.len().min(size));
        let opcode = if frames.is_empty() { Opcode::Binary } else { Opcode::Continuation };
        let fin = rest.is_empty();
        frames.push(RawFrame { fin, ..RawFrame::new(opcode, payload) });
        if fin {
            return frames;
        }
    }
}

/// A reason that fits into a Close frame.
fn shortened(mut reason: String) -> String {
    while reason.len() > MAX_REASON {
        reason.pop();
    }
    reason
}
