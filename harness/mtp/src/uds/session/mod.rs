//! One connection: the handshake, then Records in both directions, until one side ends the stream.

mod incoming;
mod outgoing;

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use self::outgoing::put;
use super::behaviour::UdsBehaviour;
use super::end::End;
use super::frame::{FrameDecoder, Violation};
use super::tlv::{TLV_HEAD, Tlv};
use super::write::FrameChanges;
use crate::end::{Dialogue, Finish, LONGEST_DELAY, Order, Port, StreamEnd};
use crate::event::{Closing, ConnectionId, EndedBy, Failure, FailureKind};

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

    /// The moment at which the handshake must be done: a client that withholds its own part gives up as well, and begins anew.
    fn greeting_ends(&self) -> Option<Instant> {
        match self.phase {
            Phase::Greeting { introduced, .. } if !introduced || self.client => {
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
            if matches!(self.phase, Phase::Greeting { introduced: true, .. }) {
                return Some(in_order(None));
            }
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

pub(super) fn in_order(closing: Option<Closing>) -> Finish {
    Finish { closing, stream: StreamEnd::InOrder { peer_first: false, done: None } }
}
