//! An open session: frames in both directions until one side closes it or the stream breaks.

use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncWriteExt, WriteHalf};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until, timeout};

use super::end::End;
use super::frame::{FrameDecoder, Violation};
use super::message::{Assembler, Message};
use super::outbox::Outbox;
use super::registry::{Command, Order};
use super::settings::{KeepAlive, Settings};
use super::{RawFrame, close_code};
use crate::event::{Closing, ConnectionId, Direction, EndedBy, Failure, FailureKind, MtpHappening, Opcode};
use crate::network::BoxStream;
use crate::wire::{Wire, read_some};

/// How long the peer may take to answer a Close. TP-469 7.4 sets no limit; a device that is busy with a request needs a moment.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the peer may take to answer a Close when the whole end stops.
const STOP_TIMEOUT: Duration = Duration::from_secs(1);

/// How long the peer may go without reading anything while octets wait for it.
const STALL_TIMEOUT: Duration = Duration::from_secs(60);

/// Longest time that anything is held back, whatever the behaviour says: longer than any test case.
const LONGEST_DELAY: Duration = Duration::from_secs(24 * 3600);

/// How long we try to tell a peer that it has violated the protocol.
const LAST_WORDS_TIMEOUT: Duration = Duration::from_secs(2);

/// Longest reason that fits into a Close frame behind its code.
const MAX_REASON: usize = 123;

/// An open session.
pub(super) struct Session<'a> {
    end: &'a End,
    id: ConnectionId,
    client: bool,
    wire: Wire,
    decoder: FrameDecoder,
    assembler: Assembler,
    outbox: Outbox,
    send_delay: Duration,
    keep_alive: Option<KeepAlive>,
    orders: mpsc::Receiver<Order>,
    settings: watch::Receiver<Settings>,
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
    stall: Option<Instant>,
}

/// How a session has come to its end.
struct Finish {
    closing: Closing,
    stream: StreamEnd,
}

enum StreamEnd {
    /// It is to be ended in order.
    InOrder(Option<oneshot::Sender<()>>),
    /// It is to be broken.
    Break(Option<oneshot::Sender<()>>),
    /// It has ended.
    Gone(EndedBy),
}

/// What a session has waited for.
enum Woken {
    Stopped,
    Timer,
    Settings,
    Written(io::Result<usize>),
    Ordered(Order),
    Read(io::Result<usize>),
}

impl<'a> Session<'a> {
    /// A session that begins with the octets that came behind the handshake.
    pub(super) fn new(
        end: &'a End,
        id: ConnectionId,
        wire: Wire,
        begun: BytesMut,
        orders: mpsc::Receiver<Order>,
        client: bool,
    ) -> Self {
        Self {
            end,
            id,
            client,
            wire,
            decoder: FrameDecoder::new(begun, end.max_record, !client),
            assembler: Assembler::new(end.max_record),
            outbox: Outbox::new(client),
            send_delay: Duration::ZERO,
            keep_alive: None,
            orders,
            settings: end.settings.clone(),
            phase: Phase::Open,
            timers: Timers::default(),
        }
    }

    /// Runs it to its end.
    pub(super) async fn run(mut self) {
        let Finish { closing, stream } = self.work().await;
        self.end.registry.leave(self.id);
        let Self { wire, orders, outbox, client, .. } = self;
        // Whoever still waits for something to be written learns that it will not be.
        drop((orders, outbox));
        let was_clean = closing.clean;
        wire.log.emit(MtpHappening::Closed(closing)).await;
        let done = match stream {
            StreamEnd::InOrder(done) => {
                // RFC 6455 section 7.1.1: the server ends the stream first.
                wire.end(client && was_clean).await;
                done
            }
            StreamEnd::Break(done) => {
                wire.break_off().await;
                done
            }
            StreamEnd::Gone(by) => {
                wire.ended(by).await;
                None
            }
        };
        if let Some(done) = done {
            // Nobody may be waiting any more.
            let _ = done.send(());
        }
    }

    async fn work(&mut self) -> Finish {
        let end = self.end;
        let stopped = end.stopped();
        // One timer for all deadlines: it is set anew only for an earlier one, and waking up early does no harm.
        let alarm = sleep_until(Instant::now());
        tokio::pin!(stopped, alarm);
        let mut armed: Option<Instant> = None;
        let (mut stopping, mut watching) = (false, true);
        self.take_settings();
        if let Some(finish) = self.take_frames().await {
            return finish;
        }
        loop {
            if let Phase::Answered(closing) = &self.phase
                && self.outbox.is_done()
            {
                return Finish { closing: closing.clone(), stream: StreamEnd::InOrder(None) };
            }
            self.watch_stall();
            if let Some(wake) = self.timers.next().into_iter().chain(self.outbox.next_due()).min()
                && armed.is_none_or(|at| wake < at)
            {
                alarm.as_mut().reset(wake);
                armed = Some(wake);
            }
            let answered = matches!(self.phase, Phase::Answered(_));
            // The order is fixed, so that equal runs are equal; what is seldom ready comes first, so that nothing starves.
            let woken = tokio::select! {
                biased;
                () = &mut stopped, if !stopping => { stopping = true; Woken::Stopped }
                () = &mut alarm, if armed.is_some() => { armed = None; Woken::Timer }
                changed = self.settings.changed(), if watching => { watching = changed.is_ok(); Woken::Settings }
                count = push(&mut self.wire.writer, self.outbox.octets()), if !self.outbox.is_idle() => Woken::Written(count),
                Some(order) = self.orders.recv(), if self.outbox.has_room() && !answered => Woken::Ordered(order),
                count = read_some(&mut self.wire.reader, self.decoder.buffer()), if !answered => Woken::Read(count),
            };
            if let Some(finish) = self.handle(woken).await {
                return finish;
            }
        }
    }

    async fn handle(&mut self, woken: Woken) -> Option<Finish> {
        match woken {
            Woken::Stopped => {
                self.begin_closing(Some(close_code::GOING_AWAY), String::new(), STOP_TIMEOUT, None);
                self.outbox.release(None);
                None
            }
            Woken::Timer => self.on_timer(Instant::now()).await,
            Woken::Settings => {
                self.settings.mark_unchanged();
                self.take_settings();
                None
            }
            Woken::Written(Ok(count)) => {
                self.on_written(count).await;
                None
            }
            Woken::Read(Ok(0)) => Some(self.on_end().await),
            Woken::Read(Ok(count)) => {
                self.wire.log.octets(Direction::Received, self.decoder.latest(count)).await;
                self.take_frames().await
            }
            Woken::Written(Err(error)) | Woken::Read(Err(error)) => {
                Some(self.broken(&error.to_string(), EndedBy::Broken))
            }
            Woken::Ordered((command, done)) => self.on_order(command, done),
        }
    }

    fn on_order(&mut self, command: Command, done: oneshot::Sender<()>) -> Option<Finish> {
        match command {
            // Behind a Close no data frame may go out (RFC 6455 section 5.5.1). Who ordered it hears that it is lost.
            Command::Record { .. } if matches!(self.phase, Phase::Closing(_)) => {}
            Command::Record { bytes, fragment } => {
                let fragment = fragment.or(self.settings.borrow().behaviour.fragment);
                self.outbox.put_record(bytes, fragment, done);
            }
            Command::Frame(frame) => self.outbox.put_frame(&frame, Some(done)),
            Command::Octets(octets) => self.outbox.put_octets(&octets, done),
            Command::Close { code, reason } => self.begin_closing(code, reason, CLOSE_TIMEOUT, Some(done)),
            Command::HangUp => {
                let closing = self.unclean(EndedBy::Us, "this end hung up");
                return Some(Finish { closing, stream: StreamEnd::InOrder(Some(done)) });
            }
            Command::Break => {
                let closing = self.unclean(EndedBy::Us, "this end broke the stream");
                return Some(Finish { closing, stream: StreamEnd::Break(Some(done)) });
            }
        }
        None
    }

    fn begin_closing(&mut self, code: Option<u16>, reason: String, wait: Duration, done: Option<oneshot::Sender<()>>) {
        if matches!(self.phase, Phase::Answered(_)) {
            return;
        }
        let reason = shortened(reason);
        self.outbox.put_frame(&RawFrame::close(code, &reason), done);
        self.timers.close = Some(Instant::now() + self.send_delay + wait);
        self.phase = Phase::Closing(Closing { by: EndedBy::Us, code, reason, clean: false });
    }

    async fn on_written(&mut self, count: usize) {
        if self.wire.log.is_whole() {
            let octets = self.outbox.take_written(count);
            if !octets.is_empty() {
                self.wire.log.emit(MtpHappening::Octets { direction: Direction::Sent, bytes: octets }).await;
            }
        } else {
            self.outbox.skip_written(count);
        }
        self.timers.stall = None;
        while let Some(parcel) = self.outbox.next_sent() {
            for report in parcel.reports {
                self.wire.log.emit(report).await;
            }
            if let Some(done) = parcel.done {
                // Nobody may be waiting any more.
                let _ = done.send(());
            }
        }
    }

    async fn take_frames(&mut self) -> Option<Finish> {
        loop {
            let frame = match self.decoder.next() {
                Ok(Some(frame)) => frame,
                Ok(None) => return None,
                Err(violation) => return Some(self.violated(violation).await),
            };
            if self.wire.log.is_whole() {
                let seen = MtpHappening::Frame { direction: Direction::Received, frame: frame.clone() };
                self.wire.log.emit(seen).await;
            }
            let accept_fragments = self.settings.borrow().behaviour.accept_fragments;
            match self.assembler.take(&frame, accept_fragments) {
                Ok(None) => {}
                Ok(Some(message)) => {
                    if let Some(finish) = self.on_message(message).await {
                        return Some(finish);
                    }
                    if matches!(self.phase, Phase::Answered(_)) {
                        return None;
                    }
                }
                Err(violation) => return Some(self.violated(violation).await),
            }
        }
    }

    async fn on_message(&mut self, message: Message) -> Option<Finish> {
        let direction = Direction::Received;
        match message {
            Message::Binary { bytes, frames } => {
                self.wire.log.emit(MtpHappening::Record { direction, bytes, frames }).await;
            }
            Message::Text(bytes) => self.wire.log.emit(MtpHappening::Text { direction, bytes }).await,
            Message::Ping(payload) => {
                if self.settings.borrow().behaviour.answer_pings {
                    self.outbox.put_pong(payload);
                }
            }
            Message::Pong(_) => {
                let unasked = self.timers.pong.take().is_none();
                if unasked && !self.settings.borrow().behaviour.accept_unasked_pongs {
                    let reason = "a Pong that nobody asked for".to_owned();
                    self.begin_closing(Some(close_code::PROTOCOL_ERROR), reason, CLOSE_TIMEOUT, None);
                }
            }
            Message::Close { code, reason } => return self.on_close(code, reason),
        }
        None
    }

    fn on_close(&mut self, code: Option<u16>, reason: String) -> Option<Finish> {
        match &self.phase {
            Phase::Closing(ours) => {
                let closing = Closing { clean: true, ..ours.clone() };
                Some(Finish { closing, stream: StreamEnd::InOrder(None) })
            }
            Phase::Open if self.settings.borrow().behaviour.answer_close => {
                self.outbox.put_frame(&RawFrame::close(code, ""), None);
                self.timers =
                    Timers { close: Some(Instant::now() + self.send_delay + CLOSE_TIMEOUT), ..Timers::default() };
                self.phase = Phase::Answered(Closing { by: EndedBy::Peer, code, reason, clean: true });
                None
            }
            Phase::Open | Phase::Answered(_) => None,
        }
    }

    async fn on_timer(&mut self, now: Instant) -> Option<Finish> {
        self.outbox.release(Some(now));
        let due = |timer: Option<Instant>| timer.is_some_and(|at| at <= now);
        if due(self.timers.close) {
            let text = format!("no Close came within {} s", CLOSE_TIMEOUT.as_secs());
            self.fail(Failure::against("RFC 6455 7.1.2", FailureKind::Timeout, text)).await;
            return Some(self.broken("no Close came in time", EndedBy::Us));
        }
        if due(self.timers.stall) {
            let text = format!("the peer has read nothing for {} s", STALL_TIMEOUT.as_secs());
            self.fail(Failure::new(FailureKind::Timeout, text)).await;
            return Some(self.broken("the peer reads nothing", EndedBy::Us));
        }
        if due(self.timers.pong) {
            self.fail(Failure::against("R-WS.17", FailureKind::Timeout, "a Ping was not answered in time")).await;
            return Some(self.broken("a Ping was not answered", EndedBy::Us));
        }
        if due(self.timers.ping) {
            self.outbox.put_frame(&RawFrame::new(Opcode::Ping, Bytes::new()), None);
            let keep_alive = self.keep_alive;
            self.timers.ping = keep_alive.map(|keep_alive| now + keep_alive.interval);
            if self.timers.pong.is_none() {
                self.timers.pong = keep_alive.and_then(|keep_alive| keep_alive.answer_within).map(|wait| now + wait);
            }
        }
        None
    }

    /// The peer has ended the stream.
    async fn on_end(&mut self) -> Finish {
        let text = match self.decoder.pending() {
            0 => "the stream ended without a Close".to_owned(),
            pending => format!("the stream ended inside a frame, after {pending} octets of it"),
        };
        if matches!(self.phase, Phase::Open) {
            self.fail(Failure::against("RFC 6455 7.1.2", FailureKind::StreamEnded, &*text)).await;
        }
        self.broken(&text, EndedBy::Peer)
    }

    /// The peer has violated the protocol: it is told so and left.
    async fn violated(&mut self, violation: Violation) -> Finish {
        if let Some(announced) = violation.oversized {
            self.wire.log.emit(MtpHappening::Oversized { limit: self.end.max_record, announced }).await;
        }
        let Violation { section, text, close_code, .. } = violation;
        self.fail(Failure::against(section, FailureKind::ProtocolViolation, &*text)).await;
        let reason = shortened(text);
        if matches!(self.phase, Phase::Open) {
            self.outbox.put_frame(&RawFrame::close(Some(close_code), &reason), None);
        }
        self.outbox.release(None);
        // The peer may not read any more, or may have gone: it is not owed more than the attempt.
        let _ = timeout(LAST_WORDS_TIMEOUT, self.push_all()).await;
        let closing = Closing { by: EndedBy::Us, code: Some(close_code), reason, clean: false };
        Finish { closing, stream: StreamEnd::InOrder(None) }
    }

    async fn push_all(&mut self) -> io::Result<()> {
        while !self.outbox.is_done() {
            let count = push(&mut self.wire.writer, self.outbox.octets()).await?;
            self.on_written(count).await;
        }
        Ok(())
    }

    /// The end of a session whose stream is of no more use.
    fn broken(&self, why: &str, by: EndedBy) -> Finish {
        let closing = self.unclean(EndedBy::Broken, why);
        let stream = if by == EndedBy::Us { StreamEnd::Break(None) } else { StreamEnd::Gone(by) };
        Finish { closing, stream }
    }

    /// The closing handshake as far as it got.
    fn unclean(&self, by: EndedBy, why: &str) -> Closing {
        match &self.phase {
            Phase::Open => Closing { by, code: None, reason: why.to_owned(), clean: false },
            Phase::Closing(closing) | Phase::Answered(closing) => Closing { clean: false, ..closing.clone() },
        }
    }

    fn take_settings(&mut self) {
        let (keep_alive, delay) = {
            let settings = self.settings.borrow();
            (settings.keep_alive, settings.behaviour.send_delay)
        };
        self.send_delay = delay.min(LONGEST_DELAY);
        self.outbox.set_delay(self.send_delay);
        // Only a new interval begins anew: other changes must not put the next Ping off.
        if self.keep_alive != keep_alive {
            self.keep_alive = keep_alive;
            self.arm_ping();
        }
    }

    fn arm_ping(&mut self) {
        self.timers.ping = self.keep_alive.map(|keep_alive| Instant::now() + keep_alive.interval);
        self.timers.pong = None;
    }

    fn watch_stall(&mut self) {
        if self.outbox.is_idle() {
            self.timers.stall = None;
        } else if self.timers.stall.is_none() {
            self.timers.stall = Some(Instant::now() + STALL_TIMEOUT);
        }
    }

    async fn fail(&mut self, failure: Failure) {
        self.wire.log.emit(MtpHappening::Failed(failure)).await;
    }
}

impl Timers {
    /// The earliest of them.
    fn next(&self) -> Option<Instant> {
        [self.ping, self.pong, self.close, self.stall].into_iter().flatten().min()
    }
}

/// Writes what it can, or flushes if there is nothing to write. Cancelling it loses nothing.
async fn push(writer: &mut WriteHalf<BoxStream>, octets: &[u8]) -> io::Result<usize> {
    if octets.is_empty() {
        writer.flush().await?;
        return Ok(0);
    }
    match writer.write(octets).await? {
        0 => Err(io::ErrorKind::WriteZero.into()),
        count => Ok(count),
    }
}

/// A reason that fits into a Close frame.
fn shortened(mut reason: String) -> String {
    while reason.len() > MAX_REASON {
        reason.pop();
    }
    reason
}
