//! A stream that is spoken on: octets in both directions until one side ends it or it breaks.
//!
//! The one decision behind it: what is written, read, timed and ordered is driven here, in a fixed order; what octets mean, and what is
//! answered, is the MTP's own ([`Dialogue`]).

use std::io;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncWriteExt, WriteHalf};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until, timeout};

use super::{Base, Order, Outbox};
use crate::event::{Closing, Direction, EndedBy, Failure, FailureKind, MtpHappening};
use crate::log::Log;
use crate::network::BoxStream;
use crate::wire::{Wire, read_some};

/// How long the peer may go without reading anything while octets wait for it.
const STALL_TIMEOUT: Duration = Duration::from_secs(60);

/// How long we try to tell a peer something before we leave it.
const LAST_WORDS_TIMEOUT: Duration = Duration::from_secs(2);

/// Longest time that anything is held back, whatever the behaviour says: longer than any test case.
pub(crate) const LONGEST_DELAY: Duration = Duration::from_secs(24 * 3600);

/// What an MTP does with a stream.
pub(crate) trait Dialogue: Send {
    /// What its owner can tell it to do.
    type Command: Send;

    /// Where octets that came are put, behind those that were not taken yet.
    fn inbox(&mut self) -> &mut BytesMut;

    /// Takes over what can be changed from outside: at the beginning, and whenever it has changed.
    fn take_settings(&mut self, port: &mut Port);

    /// Takes the whole frames out of the inbox: at the beginning, and whenever octets came.
    fn take(&mut self, port: &mut Port) -> impl Future<Output = Option<Finish>> + Send;

    /// Does what its owner ordered. `done` goes into the outbox with what is to be written; dropping it says that it is lost.
    fn on_order(
        &mut self,
        port: &mut Port,
        command: Self::Command,
        done: oneshot::Sender<()>,
    ) -> impl Future<Output = Option<Finish>> + Send;

    /// The next moment at which something is to be done without anything coming.
    fn deadline(&self) -> Option<Instant>;

    /// Does what is due; waking up too early must do no harm.
    fn on_timer(&mut self, port: &mut Port, now: Instant) -> impl Future<Output = Option<Finish>> + Send;

    /// The whole end is to stop: says farewell, and is over within about a second.
    fn on_stop(&mut self, port: &mut Port);

    /// The peer has ended the stream.
    fn on_end(&mut self, port: &mut Port) -> impl Future<Output = Finish> + Send;

    /// The stream is of no more use: it broke, or the peer reads nothing any more (`by` us).
    fn on_break(&mut self, port: &mut Port, why: &str, by: EndedBy) -> Finish;

    /// With what the session is over as soon as everything is written; nothing is read or ordered any more then.
    fn leaving(&self) -> Option<Finish>;

    /// The session is over: nothing can be sent on it any more.
    fn leave(&mut self);
}

/// The way out of a dialogue: what it writes and reports.
pub(crate) struct Port {
    /// What is still to be written.
    pub(crate) outbox: Outbox,
    /// Where it reports to.
    pub(crate) log: Log,
    wire: Wire,
}

/// How a session has come to its end.
pub(crate) struct Finish {
    /// What is reported of it; none when there was no session yet.
    pub(crate) closing: Option<Closing>,
    /// What becomes of the stream.
    pub(crate) stream: StreamEnd,
}

/// What becomes of a stream at the end of its session.
pub(crate) enum StreamEnd {
    /// It is ended in order; `peer_first` gives the peer the chance to end it first.
    InOrder {
        /// Whether the peer may end it first.
        peer_first: bool,
        /// Whom to tell.
        done: Option<oneshot::Sender<()>>,
    },
    /// It is broken.
    Break(Option<oneshot::Sender<()>>),
    /// It has ended.
    Gone(EndedBy),
}

/// What a session has waited for.
enum Woken<C> {
    Stopped,
    Timer,
    Settings,
    Written(io::Result<usize>),
    Ordered(Order<C>),
    Read(io::Result<usize>),
}

impl Port {
    /// Reports a failure.
    pub(crate) async fn fail(&mut self, failure: Failure) {
        self.log.emit(MtpHappening::Failed(failure)).await;
    }

    /// Goes on as another connection: from now on everything is reported as that one's.
    pub(crate) fn go_on_as(&mut self, log: Log) {
        self.wire.log = log.clone();
        self.log = log;
    }

    /// Writes everything that waits, held back or not, if the peer takes it soon. It may not read any more, or may have gone: it is not
    /// owed more than the attempt.
    pub(crate) async fn last_words(&mut self) {
        self.outbox.release(None);
        let pushing = async {
            while !self.outbox.is_done() {
                let count = push(&mut self.wire.writer, self.outbox.octets()).await?;
                self.on_written(count).await;
            }
            io::Result::Ok(())
        };
        let _ = timeout(LAST_WORDS_TIMEOUT, pushing).await;
    }

    async fn on_written(&mut self, count: usize) {
        if self.log.is_whole() {
            let octets = self.outbox.take_written(count);
            if !octets.is_empty() {
                self.log.emit(MtpHappening::Octets { direction: Direction::Sent, bytes: octets }).await;
            }
        } else {
            self.outbox.skip_written(count);
        }
        while let Some(parcel) = self.outbox.next_sent() {
            for report in parcel.reports {
                self.log.emit(report).await;
            }
            if let Some(done) = parcel.done {
                // Nobody may be waiting any more.
                let _ = done.send(());
            }
        }
    }

    /// Ends the stream as the session has ended.
    async fn end(self, stream: StreamEnd) {
        let done = match stream {
            StreamEnd::InOrder { peer_first, done } => {
                self.wire.end(peer_first).await;
                done
            }
            StreamEnd::Break(done) => {
                self.wire.break_off().await;
                done
            }
            StreamEnd::Gone(by) => {
                self.wire.ended(by).await;
                None
            }
        };
        if let Some(done) = done {
            // Nobody may be waiting any more.
            let _ = done.send(());
        }
    }
}

/// Drives a dialogue on a stream to its end.
pub(crate) async fn run_session<D: Dialogue, S>(
    base: &Base,
    wire: Wire,
    mut dialogue: D,
    mut orders: mpsc::Receiver<Order<D::Command>>,
    settings: watch::Receiver<S>,
) {
    let mut port = Port { outbox: Outbox::default(), log: wire.log.clone(), wire };
    let Finish { closing, stream } = work(base, &mut port, &mut dialogue, &mut orders, settings).await;
    dialogue.leave();
    // Whoever still waits for something to be written learns that it will not be.
    drop((orders, std::mem::take(&mut port.outbox), dialogue));
    if let Some(closing) = closing {
        port.log.emit(MtpHappening::Closed(closing)).await;
    }
    port.end(stream).await;
}

async fn work<D: Dialogue, S>(
    base: &Base,
    port: &mut Port,
    dialogue: &mut D,
    orders: &mut mpsc::Receiver<Order<D::Command>>,
    mut settings: watch::Receiver<S>,
) -> Finish {
    let stopped = base.stopped();
    // One timer for all deadlines: it is set anew only for an earlier one, and waking up early does no harm.
    let alarm = sleep_until(Instant::now());
    tokio::pin!(stopped, alarm);
    let mut armed: Option<Instant> = None;
    let mut stall: Option<Instant> = None;
    let (mut stopping, mut watching) = (false, true);
    settings.mark_unchanged();
    dialogue.take_settings(port);
    if let Some(finish) = dialogue.take(port).await {
        return finish;
    }
    loop {
        let leaving = dialogue.leaving();
        if port.outbox.is_done()
            && let Some(finish) = leaving
        {
            return finish;
        }
        let leaving = leaving.is_some();
        stall = if port.outbox.is_idle() { None } else { stall.or_else(|| Some(Instant::now() + STALL_TIMEOUT)) };
        if let Some(wake) = [dialogue.deadline(), stall, port.outbox.next_due()].into_iter().flatten().min()
            && armed.is_none_or(|at| wake < at)
        {
            alarm.as_mut().reset(wake);
            armed = Some(wake);
        }
        // The order is fixed, so that equal runs are equal; what is seldom ready comes first, so that nothing starves.
        let woken = tokio::select! {
            biased;
            () = &mut stopped, if !stopping => { stopping = true; Woken::Stopped }
            () = &mut alarm, if armed.is_some() => { armed = None; Woken::Timer }
            changed = settings.changed(), if watching => { watching = changed.is_ok(); Woken::Settings }
            count = push(&mut port.wire.writer, port.outbox.octets()), if !port.outbox.is_idle() => Woken::Written(count),
            Some(order) = orders.recv(), if port.outbox.has_room() && !leaving => Woken::Ordered(order),
            count = read_some(&mut port.wire.reader, dialogue.inbox()), if !leaving && !port.outbox.is_clogged() => Woken::Read(count),
        };
        if matches!(woken, Woken::Written(Ok(_))) {
            stall = None;
        }
        if let Some(finish) = handle(port, dialogue, woken, stall).await {
            return finish;
        }
    }
}

async fn handle<D: Dialogue>(
    port: &mut Port,
    dialogue: &mut D,
    woken: Woken<D::Command>,
    stall: Option<Instant>,
) -> Option<Finish> {
    match woken {
        Woken::Stopped => {
            dialogue.on_stop(port);
            port.outbox.release(None);
            None
        }
        Woken::Timer => {
            let now = Instant::now();
            port.outbox.release(Some(now));
            if stall.is_some_and(|at| at <= now) {
                let text = format!("the peer has read nothing for {} s", STALL_TIMEOUT.as_secs());
                port.fail(Failure::new(FailureKind::Timeout, text)).await;
                return Some(dialogue.on_break(port, "the peer reads nothing", EndedBy::Us));
            }
            dialogue.on_timer(port, now).await
        }
        Woken::Settings => {
            dialogue.take_settings(port);
            None
        }
        Woken::Written(Ok(count)) => {
            port.on_written(count).await;
            None
        }
        Woken::Read(Ok(0)) => Some(dialogue.on_end(port).await),
        Woken::Read(Ok(count)) => {
            let inbox = dialogue.inbox();
            let latest = inbox.get(inbox.len().saturating_sub(count)..).unwrap_or_default();
            port.log.octets(Direction::Received, latest).await;
            dialogue.take(port).await
        }
        Woken::Written(Err(error)) | Woken::Read(Err(error)) => {
            Some(dialogue.on_break(port, &error.to_string(), EndedBy::Broken))
        }
        Woken::Ordered((command, done)) => dialogue.on_order(port, command, done).await,
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
