//! One end, of either side: what it is besides what every MTP's end is.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use super::session::{Command, Session};
use super::{UdsBehaviour, UdsHandle};
use crate::end::{
    self, Base, BaseConfig, Begin, Control, Conversation, MAX_CONNECTIONS, ORDER_QUEUE, Registry, Retry, run_session,
};
use crate::error::MtpError;
use crate::event::{ConnectionId, EndedBy, MtpHappening};
use crate::log::{Log, Sink};
use crate::network::{Address, Network};
use crate::wire::Tls;

/// Shortest wait of a client before it connects again (R-UDS.5).
const SHORTEST_WAIT: Duration = Duration::from_secs(1);

/// Longest wait of a client before it connects again (R-UDS.5).
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Which side of the socket an end is. An Endpoint is one of them and never both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UdsRole {
    /// A server (R-UDS.2, R-UDS.3).
    Listen {
        /// The path of the socket's file, which must not be there, or be left over from a server that is gone.
        path: String,
    },
    /// A client (R-UDS.4).
    Connect {
        /// The path of the server's socket file.
        path: String,
    },
}

/// What an end of either side is started with.
#[derive(Debug)]
pub(super) struct EndConfig {
    pub(super) role: UdsRole,
    pub(super) endpoint_id: String,
    pub(super) max_record: usize,
    pub(super) retry: Retry,
    pub(super) behaviour: UdsBehaviour,
}

/// What every task of an end shares. It lives as long as one of them.
#[derive(Debug)]
pub(super) struct End {
    base: Base,
    pub(super) endpoint_id: String,
    pub(super) max_record: usize,
    /// The connections whose handshake is done.
    pub(super) registry: Arc<Registry<Command>>,
    /// The connections whose handshake is not done.
    pub(super) greeting: Arc<Registry<Command>>,
    pub(super) behaviour: watch::Receiver<UdsBehaviour>,
}

/// The waits that TR-369 gives a client (R-UDS.5).
pub(super) fn retry() -> Retry {
    Retry::between(SHORTEST_WAIT, LONGEST_WAIT, 0)
}

/// Starts an end. Everything that can be wrong with its configuration comes back from here.
pub(super) async fn start(config: EndConfig, network: Arc<dyn Network>, sink: Sink) -> Result<UdsHandle, MtpError> {
    let (path, listens) = match config.role {
        UdsRole::Listen { path } => (path, true),
        UdsRole::Connect { path } => (path, false),
    };
    if path.is_empty() {
        return Err(MtpError::Config("the path of the UNIX domain socket is empty".to_owned()));
    }
    let address = Address::unix(path);
    let base = BaseConfig { address, network, sink, retry: config.retry, max_connections: MAX_CONNECTIONS };
    let listener = end::listener(&base, listens).await?;
    let (base, reins) = Base::new(base);
    let (settings, behaviour) = watch::channel(config.behaviour);
    let (registry, greeting) = (Arc::<Registry<Command>>::default(), Arc::<Registry<Command>>::default());
    let end = Arc::new(End {
        base,
        endpoint_id: config.endpoint_id,
        max_record: config.max_record,
        registry: Arc::clone(&registry),
        greeting: Arc::clone(&greeting),
        behaviour,
    });
    let address = listener.as_ref().map(|listener| listener.address());
    let control = Control::new(&end, reins, registry, settings, address);
    end::begin(end, listener);
    Ok(UdsHandle { control: Arc::new(control), greeting, target: None })
}

impl Conversation for End {
    fn base(&self) -> &Base {
        &self.base
    }

    async fn converse(&self, id: ConnectionId, log: Log, begin: Begin) -> bool {
        let client = matches!(begin, Begin::Open);
        let wire = tokio::select! {
            wire = self.base.stream(begin, &Tls::Off, &log) => wire,
            () = self.base.stopped() => {
                log.emit(MtpHappening::StreamEnded { by: EndedBy::Us }).await;
                None
            }
        };
        let Some(wire) = wire else {
            return false;
        };
        let (orders, queue) = mpsc::channel(ORDER_QUEUE);
        self.greeting.enter(id, None, orders.clone(), log);
        let opened = AtomicBool::new(false);
        let session = Session::new(self, id, client, orders, &opened);
        run_session(&self.base, wire, session, queue, self.behaviour.clone()).await;
        opened.load(Ordering::Relaxed)
    }
}
