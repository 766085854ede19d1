//! What every MTP's ends have in common: they listen or connect, number their connections, keep their sessions, and go on until they are
//! stopped.
//!
//! The one decision behind it: an MTP is a folder that says what it does with one connection ([`Conversation`], and [`Dialogue`] once a
//! stream is there); when there is a connection, what is still to be written and who is told when it is, is the same for all of them.

mod control;
mod outbox;
mod registry;
mod retry;
mod session;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::sleep;

use crate::error::MtpError;
use crate::event::{ConnectionId, Failure, FailureKind, MtpHappening};
use crate::log::{Log, Sink};
use crate::network::{Address, BoxStream, Listener, Network};
use crate::tls::TlsFailure;
use crate::wire::{Tls, Wire, WireFailure};

pub(crate) use self::control::{Control, Life};
pub(crate) use self::outbox::Outbox;
pub(crate) use self::registry::{Order, Registry};
pub use self::retry::{Retry, RetryParameters, RetryWait};
pub(crate) use self::session::{Dialogue, Finish, LONGEST_DELAY, Port, StreamEnd, run_session};

/// Connections that a listening end serves at a time unless told otherwise, handshakes included. An Agent has one; the rest is for those
/// that leak.
pub(crate) const MAX_CONNECTIONS: usize = 32;

/// Orders that may wait for one session. Each sender waits for its own, so that this bounds nothing but concurrent senders.
pub(crate) const ORDER_QUEUE: usize = 16;

/// Pause after an accept that failed, so that a lasting failure (no file descriptors left) does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Failed accepts, or failed tries to listen again, in a row before the end gives its listening place up.
const MAX_LISTEN_FAILURES: u32 = 50;

/// How a connection begins.
pub(crate) enum Begin {
    /// We open it.
    Open,
    /// A peer has opened it.
    Accepted(BoxStream, Address),
}

/// What an end does with one connection, from its first octet to its last.
pub(crate) trait Conversation: Send + Sync + 'static {
    /// What it has in common with other ends.
    fn base(&self) -> &Base;

    /// Stays with a connection until it has ended. Tells whether there was a session, which sets the count of retries back.
    fn converse(&self, id: ConnectionId, log: Log, begin: Begin) -> impl Future<Output = bool> + Send;
}

/// What every task of an end shares with every other MTP's. It lives as long as one of them.
#[derive(Debug)]
pub(crate) struct Base {
    /// Where it listens, or whom it calls.
    pub(crate) address: Address,
    network: Arc<dyn Network>,
    sink: Sink,
    life: watch::Receiver<Life>,
    retry: Retry,
    max_connections: usize,
    next_id: AtomicU32,
    /// Connections that were opened beside the usual one and have not ended.
    others: watch::Sender<usize>,
    /// Never used for sending: it closes the handle's channel when the end is gone.
    _ended: mpsc::Sender<()>,
}

/// What a base is made of.
pub(crate) struct BaseConfig {
    pub(crate) address: Address,
    pub(crate) network: Arc<dyn Network>,
    pub(crate) sink: Sink,
    pub(crate) retry: Retry,
    pub(crate) max_connections: usize,
}

/// What is left of an end's beginning: to be made a [`Control`] of.
pub(crate) struct Reins {
    pub(crate) life: watch::Sender<Life>,
    pub(crate) ended: mpsc::Receiver<()>,
}

impl Base {
    /// A base, and what steers it.
    pub(crate) fn new(config: BaseConfig) -> (Self, Reins) {
        let (life, life_seen) = watch::channel(Life { connecting: true, stopping: false });
        let (ending, ended) = mpsc::channel(1);
        let base = Self {
            address: config.address,
            network: config.network,
            sink: config.sink,
            life: life_seen,
            retry: config.retry,
            max_connections: config.max_connections,
            next_id: AtomicU32::new(1),
            others: watch::Sender::new(0),
            _ended: ending,
        };
        (base, Reins { life, ended })
    }

    /// Waits until everything is to end.
    pub(crate) async fn stopped(&self) {
        let mut life = self.life.clone();
        // An error means that the last handle is gone.
        let _ = life.wait_for(|life| life.stopping).await;
    }

    /// Waits until its owner says anything about what it is to do at large, whatever it is.
    pub(crate) async fn until_told(&self) {
        let mut life = self.life.clone();
        let now = *life.borrow_and_update();
        if !now.stopping && now.connecting {
            // An error means that the last handle is gone.
            let _ = life.changed().await;
        }
    }

    /// The log of one connection.
    pub(crate) fn log(&self, id: ConnectionId) -> Log {
        self.sink.log(id)
    }

    /// Opens or takes over the stream of a connection, with TLS if it is to be, and reports why when there is none.
    pub(crate) async fn stream(&self, begin: Begin, tls: &Tls, log: &Log) -> Option<Wire> {
        let wire = match begin {
            Begin::Open => Wire::connect(&*self.network, &self.address, tls, log.clone()).await,
            Begin::Accepted(stream, peer) => Wire::accept(stream, peer, tls, log.clone()).await,
        };
        match wire {
            Ok(wire) => Some(wire),
            Err(WireFailure::Unreachable(failure)) => {
                log.emit(MtpHappening::Failed(failure)).await;
                None
            }
            Err(WireFailure::Tls(failure)) => {
                report_tls_failure(log, failure).await;
                None
            }
        }
    }

    /// The number of a further connection.
    pub(crate) fn next_id(&self) -> ConnectionId {
        ConnectionId(self.next_id.fetch_add(1, Ordering::Relaxed))
    }

    /// Waits until the usual connection is wanted and no other is there; false if everything is to end instead.
    async fn wait_for_turn(&self) -> bool {
        while self.wait_for_connecting().await {
            if *self.others.borrow() == 0 {
                return true;
            }
            self.wait_until_alone().await;
        }
        false
    }

    /// Waits until no connection beside the usual one is there, or everything is to end. A peer that keeps to one session (R-WS.4) would
    /// have the usual one and the other replace each other again and again.
    async fn wait_until_alone(&self) {
        let mut others = self.others.subscribe();
        tokio::select! {
            _ = others.wait_for(|others| *others == 0) => {}
            () = self.stopped() => {}
        }
    }

    /// Waits before the retry of that number, or until somebody says what to do.
    async fn wait_for_retry(&self, retry: u32) {
        let mut life = self.life.clone();
        let now = *life.borrow_and_update();
        if now.stopping || !now.connecting {
            return;
        }
        match self.retry.wait(retry) {
            Some(wait) => {
                self.log(ConnectionId::END).emit(MtpHappening::Waiting { retry, wait }).await;
                tokio::select! {
                    () = sleep(wait) => {}
                    _ = life.changed() => {}
                }
            }
            None => {
                let _ = life.changed().await;
            }
        }
    }

    /// Waits until connections are wanted; false if everything is to end instead.
    async fn wait_for_connecting(&self) -> bool {
        let mut life = self.life.clone();
        // The last handle is gone: nobody can want a connection any more.
        if life.has_changed().is_err() {
            return false;
        }
        life.wait_for(|life| life.stopping || life.connecting).await.is_ok_and(|life| !life.stopping)
    }
}

/// The place to listen at, when this end listens.
pub(crate) async fn listener(base: &BaseConfig, listens: bool) -> Result<Option<Box<dyn Listener>>, MtpError> {
    Ok(if listens { Some(base.network.listen(&base.address).await?) } else { None })
}

/// Begins to work: listens with that listener, or connects without one.
pub(crate) fn begin<E: Conversation>(end: Arc<E>, listener: Option<Box<dyn Listener>>) {
    match listener {
        Some(listener) => tokio::spawn(listen(end, listener)),
        None => tokio::spawn(call(end)),
    };
}

/// Opens one more connection in a task of its own.
pub(crate) fn spawn_another<E: Conversation>(end: Arc<E>) -> ConnectionId {
    let id = end.base().next_id();
    end.base().others.send_modify(|others| *others = others.saturating_add(1));
    tokio::spawn(async move {
        let log = end.base().log(id);
        end.converse(id, log, Begin::Open).await;
        end.base().others.send_modify(|others| *others = others.saturating_sub(1));
    });
    id
}

async fn listen<E: Conversation>(end: Arc<E>, first: Box<dyn Listener>) {
    let base = end.base();
    let log = base.log(ConnectionId::END);
    let places = Arc::new(Semaphore::new(base.max_connections));
    let mut listener = Some(first);
    let mut failures = 0;
    while failures < MAX_LISTEN_FAILURES {
        let mut here = match listener.take() {
            Some(listener) => listener,
            None => match base.network.listen(&base.address).await {
                Ok(listener) => listener,
                Err(error) => {
                    failures += 1;
                    log.emit(MtpHappening::Failed(Failure::new(FailureKind::ListenerBroken, error.to_string()))).await;
                    sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            },
        };
        log.emit(MtpHappening::Listening { address: here.address() }).await;
        let mut life = base.life.clone();
        tokio::select! {
            _ = life.wait_for(|life| life.stopping || !life.connecting) => {}
            () = accept_all(&end, &mut *here, &places, &mut failures) => {}
        }
        drop(here);
        log.emit(MtpHappening::ListeningStopped).await;
        if !base.wait_for_connecting().await {
            return;
        }
    }
}

/// Accepts connections until the listener has failed too often.
async fn accept_all<E: Conversation>(
    end: &Arc<E>,
    listener: &mut dyn Listener,
    places: &Arc<Semaphore>,
    failures: &mut u32,
) {
    let base = end.base();
    while *failures < MAX_LISTEN_FAILURES {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                *failures += 1;
                let failure = Failure::new(FailureKind::ListenerBroken, error.to_string());
                base.log(ConnectionId::END).emit(MtpHappening::Failed(failure)).await;
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        *failures = 0;
        let id = base.next_id();
        let log = base.log(id);
        let Ok(place) = Arc::clone(places).try_acquire_owned() else {
            let text = format!("{peer} is one connection more than the {} that are served", base.max_connections);
            log.emit(MtpHappening::Failed(Failure::new(FailureKind::TooManyConnections, text))).await;
            continue;
        };
        let end = Arc::clone(end);
        tokio::spawn(async move {
            end.converse(id, log, Begin::Accepted(stream, peer)).await;
            drop(place);
        });
    }
}

async fn call<E: Conversation>(end: Arc<E>) {
    let base = end.base();
    let mut retry: u32 = 0;
    while base.wait_for_turn().await {
        let id = base.next_id();
        let was_open = end.converse(id, base.log(id), Begin::Open).await;
        // R-WS.20: an open session sets the count back.
        retry = if was_open { 1 } else { retry.saturating_add(1) };
        base.wait_until_alone().await;
        base.wait_for_retry(retry).await;
    }
}

/// Reports that there is no TLS on a stream, which is gone with it.
async fn report_tls_failure(log: &Log, failure: Box<TlsFailure>) {
    log.emit(MtpHappening::TlsFailed(failure)).await;
    log.emit(MtpHappening::StreamEnded { by: crate::event::EndedBy::Us }).await;
}
