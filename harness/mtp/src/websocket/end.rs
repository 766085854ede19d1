//! One end, of either side: what it is besides what every MTP's end is.

use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

use super::session::{self, Session};
use super::settings::{KeepAlive, Settings};
use super::upgrade::{self, Refused, Upgraded};
use super::{Command, SecondSession, WsBehaviour, WsHandle, close_code};
use crate::end::{
    self, Base, BaseConfig, Begin, Control, Conversation, MAX_CONNECTIONS, ORDER_QUEUE, Registry, Retry, run_session,
};
use crate::error::MtpError;
use crate::event::{ConnectionId, EndedBy, Failure, FailureKind, MtpHappening};
use crate::log::{Log, Sink};
use crate::network::{Address, Network};
use crate::tls::{TlsClient, TlsServer};
use crate::wire::{Tls, Wire};

/// Longest wait for the opening handshake, once the stream is there.
const UPGRADE_TIMEOUT: Duration = Duration::from_secs(10);

/// Longest time that a request is left without an answer on purpose: any client has given up by then.
const SILENCE_LIMIT: Duration = Duration::from_secs(15 * 60);

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
    pub(super) base: Base,
    pub(super) endpoint_id: String,
    pub(super) max_record: usize,
    pub(super) place: Place,
    pub(super) registry: Arc<Registry<Command>>,
    pub(super) settings: watch::Receiver<Settings>,
}

/// Where an end is, or whom it calls, beside the address.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) path: String,
    /// The `Host` header of a client.
    pub(super) host: String,
}

/// Starts an end. Everything that can be wrong with its configuration comes back from here.
pub(super) async fn start(config: EndConfig, network: Arc<dyn Network>, sink: Sink) -> Result<WsHandle, MtpError> {
    let (address, place, tls, listens) = settle(config.role)?;
    let base = BaseConfig { address, network, sink, retry: config.retry, max_connections: MAX_CONNECTIONS };
    let listener = end::listener(&base, listens).await?;
    let (base, reins) = Base::new(base);
    let (settings, settings_seen) =
        watch::channel(Settings { behaviour: config.behaviour, keep_alive: config.keep_alive, tls });
    let registry = Arc::<Registry<Command>>::default();
    let end = Arc::new(End {
        base,
        endpoint_id: config.endpoint_id,
        max_record: config.max_record,
        place,
        registry: Arc::clone(&registry),
        settings: settings_seen,
    });
    let address = listener.as_ref().map(|listener| listener.address());
    let control = Control::new(&end, reins, registry, settings, address);
    end::begin(end, listener);
    Ok(WsHandle { control: Arc::new(control), target: None })
}

fn settle(role: WsRole) -> Result<(Address, Place, Tls, bool), MtpError> {
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
    Ok((address, Place { path, host }, tls, listens))
}

impl Conversation for End {
    fn base(&self) -> &Base {
        &self.base
    }

    async fn converse(&self, id: ConnectionId, log: Log, begin: Begin) -> bool {
        let client = matches!(begin, Begin::Open);
        let established = tokio::select! {
            established = self.establish(&log, begin) => established,
            () = self.base.stopped() => {
                log.emit(MtpHappening::StreamEnded { by: EndedBy::Us }).await;
                None
            }
        };
        let Some((wire, upgraded)) = established else {
            return false;
        };
        let (orders, queue) = mpsc::channel(ORDER_QUEUE);
        let peer = upgraded.open.peer_eid().map(str::to_owned);
        if let Some(former) = self.registry.enter(id, peer, orders, log.clone()) {
            former.log.emit(MtpHappening::Superseded { by: id }).await;
            self.replace(&former.orders);
        }
        log.emit(MtpHappening::Open(upgraded.open)).await;
        let session = Session::new(self, id, upgraded.rest, client);
        run_session(&self.base, wire, session, queue, self.settings.clone()).await;
        true
    }
}

impl End {
    /// Gets as far as an open session, or reports why not.
    async fn establish(&self, log: &Log, begin: Begin) -> Option<(Wire, Upgraded)> {
        let client = matches!(begin, Begin::Open);
        let tls = self.settings.borrow().tls.clone();
        let mut wire = self.base.stream(begin, &tls, log).await?;
        let handshake = async {
            if client { upgrade::request(self, &mut wire).await } else { upgrade::answer(self, &mut wire).await }
        };
        let delay = self.settings.borrow().behaviour.send_delay;
        let refused = match timeout(UPGRADE_TIMEOUT.saturating_add(delay), handshake).await {
            Ok(Ok(upgraded)) => {
                let open = upgraded.open.over(wire.tls.take());
                return Some((wire, Upgraded { open, ..upgraded }));
            }
            Ok(Err(refused)) => refused,
            Err(_) => {
                Refused::Failure(Failure::new(FailureKind::Timeout, "the opening handshake did not come to an end"))
            }
        };
        give_up(wire, log, refused).await;
        None
    }

    /// Closes a session that has been replaced by a newer one of the same peer, if that is wanted (R-WS.4).
    fn replace(&self, former: &mpsc::Sender<session::Order>) {
        if self.settings.borrow().behaviour.second_session == SecondSession::CloseFirst {
            let reason = "replaced by a newer session".to_owned();
            let order = (Command::Close { code: Some(close_code::NORMAL), reason }, oneshot::channel().0);
            // A full queue means that the session is stuck; its own timers end it then.
            let _ = former.try_send(order);
        }
    }
}

/// Ends a stream on which no session came about.
async fn give_up(mut wire: Wire, log: &Log, refused: Refused) {
    match refused {
        Refused::Failure(failure) => {
            let by_stream = failure.kind == FailureKind::StreamEnded;
            log.emit(MtpHappening::Failed(failure)).await;
            if by_stream { wire.ended(EndedBy::Peer).await } else { wire.end(false).await }
        }
        Refused::Tls(failure) => {
            log.emit(MtpHappening::TlsFailed(failure)).await;
            wire.ended(EndedBy::Peer).await;
        }
        Refused::HangUp => wire.end(false).await,
        Refused::Silence => {
            let by = keep_silent(&mut wire).await;
            wire.ended(by).await;
        }
    }
}

/// Reads without ever answering, until the client gives up.
async fn keep_silent(wire: &mut Wire) -> EndedBy {
    let reading = async {
        let mut chunk = BytesMut::new();
        loop {
            chunk.clear();
            match wire.read(&mut chunk).await {
                Ok(0) => return EndedBy::Peer,
                Ok(_) => {}
                Err(_) => return EndedBy::Broken,
            }
        }
    };
    timeout(SILENCE_LIMIT, reading).await.unwrap_or(EndedBy::Us)
}
