//! One end, of either side: it listens or connects, and keeps doing so until it is stopped.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::{Mutex, Semaphore, mpsc, watch};
use tokio::time::sleep;

use super::connection::{self, Begin};
use super::handle::Shared;
use super::registry::Registry;
use super::settings::{KeepAlive, Life, Settings};
use super::{Retry, WsBehaviour, WsHandle};
use crate::error::MtpError;
use crate::event::{ConnectionId, Failure, FailureKind, MtpHappening};
use crate::log::Sink;
use crate::network::{Address, Listener, Network};
use crate::tls::{TlsClient, TlsServer};
use crate::wire::Tls;

/// Connections that a listening end serves at a time, handshakes included. An Agent has one; the rest is for those that leak.
const MAX_CONNECTIONS: usize = 32;

/// Pause after an accept that failed, so that a lasting failure (no file descriptors left) does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Failed accepts, or failed tries to listen again, in a row before the end gives its listening place up.
const MAX_LISTEN_FAILURES: u32 = 50;

/// Which side of the opening handshake an end is.
#[derive(Debug, Clone)]
pub enum WsRole {
    /// A WebSocket server.
    Listen {
        /// Where to listen; port 0 for any free one.
        address: Address,
        /// Path of the USP Endpoint's resource (R-WS.2), such as `/usp`.
        path: String,
        /// TLS, for `wss`.
        tls: Option<TlsServer>,
    },
    /// A WebSocket client.
    Connect {
        /// The server's address.
        address: Address,
        /// Path of the server's resource (R-WS.2), such as `/usp`.
        path: String,
        /// The `Host` header; made of the address if absent.
        host: Option<String>,
        /// TLS, for `wss`.
        tls: Option<TlsClient>,
    },
}

/// What an end of either side is started with.
#[derive(Debug)]
pub(super) struct EndConfig {
    pub(super) role: WsRole,
    pub(super) endpoint_id: String,
    pub(super) max_record: usize,
    pub(super) keep_alive: Option<KeepAlive>,
    pub(super) retry: Retry,
    pub(super) behaviour: WsBehaviour,
}

/// What every task of an end shares. It lives as long as one of them.
#[derive(Debug)]
pub(super) struct End {
    pub(super) endpoint_id: String,
    pub(super) max_record: usize,
    pub(super) place: Place,
    pub(super) network: Arc<dyn Network>,
    pub(super) registry: Arc<Registry>,
    pub(super) settings: watch::Receiver<Settings>,
    sink: Sink,
    life: watch::Receiver<Life>,
    retry: Retry,
    next_id: AtomicU32,
    /// Connections that were opened beside the usual one and have not ended.
    others: watch::Sender<usize>,
    /// Never used for sending: it closes the handle's channel when the end is gone.
    _ended: mpsc::Sender<()>,
}

/// Where an end is, or whom it calls.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) address: Address,
    pub(super) path: String,
    /// The `Host` header of a client.
    pub(super) host: String,
}

/// Starts an end. Everything that can be wrong with its configuration comes back from here.
pub(super) async fn start(config: EndConfig, network: Arc<dyn Network>, sink: Sink) -> Result<WsHandle, MtpError> {
    let (place, tls, listens) = settle(config.role)?;
    let listener = if listens { Some(network.listen(&place.address).await?) } else { None };
    let (life, life_seen) = watch::channel(Life { connecting: true, stopping: false });
    let (settings, settings_seen) =
        watch::channel(Settings { behaviour: config.behaviour, keep_alive: config.keep_alive, tls });
    let (ending, ended) = mpsc::channel(1);
    let end = Arc::new(End {
        endpoint_id: config.endpoint_id,
        max_record: config.max_record,
        place,
        network,
        registry: Arc::default(),
        settings: settings_seen,
        sink,
        life: life_seen,
        retry: config.retry,
        next_id: AtomicU32::new(1),
        others: watch::Sender::new(0),
        _ended: ending,
    });
    let shared = Shared {
        registry: Arc::clone(&end.registry),
        end: Arc::downgrade(&end),
        life,
        settings,
        ended: Mutex::new(ended),
        address: listener.as_ref().map(|listener| listener.address()),
    };
    match listener {
        Some(listener) => tokio::spawn(end.listen(listener)),
        None => tokio::spawn(end.call()),
    };
    Ok(WsHandle { shared: Arc::new(shared), target: None })
}

fn settle(role: WsRole) -> Result<(Place, Tls, bool), MtpError> {
    let (address, path, host, tls, listens) = match role {
        WsRole::Listen { address, path, tls } => {
            let tls = tls.map(|tls| tls.ready()).transpose()?.map_or(Tls::Off, Tls::Server);
            (address, path, None, tls, true)
        }
        WsRole::Connect { address, path, host, tls } => {
            let tls = tls.map(|tls| tls.ready(address.host())).transpose()?.map_or(Tls::Off, Tls::Client);
            (address, path, host, tls, false)
        }
    };
    if !path.starts_with('/') {
        return Err(MtpError::Config(format!("the WebSocket path \"{path}\" does not begin with a slash")));
    }
    if path.contains(|c: char| c.is_ascii_control() || c == ' ' || c == '#') {
        return Err(MtpError::Config(format!("the WebSocket path \"{path}\" cannot stand in a request")));
    }
    let host = host.unwrap_or_else(|| address.to_string());
    Ok((Place { address, path, host }, tls, listens))
}

impl End {
    /// Opens one more connection in a task of its own.
    pub(super) fn spawn_another(self: Arc<Self>) -> ConnectionId {
        let id = self.next_id();
        self.others.send_modify(|others| *others = others.saturating_add(1));
        tokio::spawn(async move {
            connection::run(&self, id, self.sink.log(id), Begin::Open).await;
            self.others.send_modify(|others| *others = others.saturating_sub(1));
        });
        id
    }

    /// Waits until everything is to end.
    pub(super) async fn stopped(&self) {
        let mut life = self.life.clone();
        // An error means that the last handle is gone.
        let _ = life.wait_for(|life| life.stopping).await;
    }

    async fn listen(self: Arc<Self>, first: Box<dyn Listener>) {
        let log = self.sink.log(ConnectionId::END);
        let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let mut listener = Some(first);
        let mut failures = 0;
        while failures < MAX_LISTEN_FAILURES {
            let mut here = match listener.take() {
                Some(listener) => listener,
                None => match self.network.listen(&self.place.address).await {
                    Ok(listener) => listener,
                    Err(error) => {
                        failures += 1;
                        log.emit(MtpHappening::Failed(Failure::new(FailureKind::ListenerBroken, error.to_string())))
                            .await;
                        sleep(ACCEPT_PAUSE).await;
                        continue;
                    }
                },
            };
            log.emit(MtpHappening::Listening { address: here.address() }).await;
            let mut life = self.life.clone();
            tokio::select! {
                _ = life.wait_for(|life| life.stopping || !life.connecting) => {}
                () = self.accept_all(&mut *here, &places, &mut failures) => {}
            }
            drop(here);
            log.emit(MtpHappening::ListeningStopped).await;
            if !self.wait_for_connecting().await {
                return;
            }
        }
    }

    /// Accepts connections until the listener has failed too often.
    async fn accept_all(self: &Arc<Self>, listener: &mut dyn Listener, places: &Arc<Semaphore>, failures: &mut u32) {
        while *failures < MAX_LISTEN_FAILURES {
            let (stream, peer) = match listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    *failures += 1;
                    let failure = Failure::new(FailureKind::ListenerBroken, error.to_string());
                    self.sink.log(ConnectionId::END).emit(MtpHappening::Failed(failure)).await;
                    sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            *failures = 0;
            let id = self.next_id();
            let log = self.sink.log(id);
            let Ok(place) = Arc::clone(places).try_acquire_owned() else {
                let text = format!("{peer} is one connection more than the {MAX_CONNECTIONS} that are served");
                log.emit(MtpHappening::Failed(Failure::new(FailureKind::TooManyConnections, text))).await;
                continue;
            };
            let end = Arc::clone(self);
            tokio::spawn(async move {
                connection::run(&end, id, log, Begin::Accepted(stream, peer)).await;
                drop(place);
            });
        }
    }

    async fn call(self: Arc<Self>) {
        let mut retry: u32 = 0;
        while self.wait_for_turn().await {
            let id = self.next_id();
            let was_open = connection::run(&self, id, self.sink.log(id), Begin::Open).await;
            // R-WS.20: an open session sets the count back.
            retry = if was_open { 1 } else { retry.saturating_add(1) };
            self.wait_until_alone().await;
            self.wait_for_retry(retry).await;
        }
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
                self.sink.log(ConnectionId::END).emit(MtpHappening::Waiting { retry, wait }).await;
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

    fn next_id(&self) -> ConnectionId {
        ConnectionId(self.next_id.fetch_add(1, Ordering::Relaxed))
    }
}
