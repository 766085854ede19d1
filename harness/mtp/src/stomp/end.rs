//! One end, of either side: a server with the Controller built in, or a client (an Agent, or a Controller beside somebody else's server).

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{mpsc, watch};

use super::broker::Broker;
use super::client::Client;
use super::handle::StompHandle;
use super::server::Server;
use super::settings::{Command, Order, Settings};
use super::{Login, StompAgentConfig, StompBehaviour, StompFarConfig, StompPlace};
use crate::end::{self, Base, BaseConfig, Begin, Control, Conversation, ORDER_QUEUE, Registry, Retry, run_session};
use crate::error::MtpError;
use crate::event::{Closing, ConnectionId, EndedBy, MtpHappening};
use crate::log::{Log, Sink};
use crate::network::{Address, Network};
use crate::tls::{TlsClient, TlsServer};
use crate::wire::{Tls, Wire};

/// Orders that may wait for one session of a server: they come from every other client. What they may hold together is bounded on its own.
const DELIVERY_QUEUE: usize = 1024;

/// What every task of an end shares. It lives as long as one of them.
#[derive(Debug)]
pub(super) struct End {
    pub(super) base: Base,
    pub(super) endpoint_id: String,
    pub(super) max_record: usize,
    pub(super) login: Option<Login>,
    pub(super) registry: Arc<Registry<Command>>,
    pub(super) settings: watch::Receiver<Settings>,
    pub(super) part: Part,
    /// Where the Agent was last reached, of a Controller beside a server of somebody else's.
    pub(super) learnt: Mutex<Option<String>>,
}

/// What an end is.
#[derive(Debug)]
pub(super) enum Part {
    /// The server with the Controller at `destination`.
    Server { broker: Arc<Broker>, destination: String, agent_destination: Option<String> },
    /// A client, with the `host` header that it sends.
    Client { host: String, role: ClientRole },
}

/// What a client is.
#[derive(Debug, Clone)]
pub(super) enum ClientRole {
    /// An Agent.
    Agent,
    /// The Controller, beside a server of somebody else's.
    Controller { agent_destination: Option<String> },
}

/// Starts a server.
pub(super) async fn serve(
    config: StompFarConfig,
    address: Address,
    tls: Option<TlsServer>,
    network: Arc<dyn Network>,
    sink: Sink,
) -> Result<StompHandle, MtpError> {
    let tls = tls.map(|tls| tls.ready()).transpose()?.map_or(Tls::Off, Tls::Server);
    let broker = Arc::<Broker>::default();
    let part = Part::Server {
        broker: Arc::clone(&broker),
        destination: config.destination,
        agent_destination: config.agent_destination,
    };
    let base = BaseConfig { address, network, sink, retry: Retry::Never, max_connections: config.max_clients.max(1) };
    let listener = end::listener(&base, true).await?;
    let address = listener.as_ref().map(|listener| listener.address());
    let parts = Parts {
        endpoint_id: config.endpoint_id,
        max_record: config.max_record,
        login: config.login,
        part,
        settings: Settings { behaviour: config.behaviour, destination: None, heart_beat: None, tls },
    };
    let (end, control) = build(base, parts, address);
    end::begin(end, listener);
    Ok(StompHandle::new(control, Some(broker)))
}

/// Starts a Controller beside a server of somebody else's.
pub(super) fn attend(config: StompFarConfig, network: Arc<dyn Network>, sink: Sink) -> Result<StompHandle, MtpError> {
    let StompPlace::Beside { address, tls, virtual_host, heart_beat, reconnect } = config.place else {
        return Err(MtpError::Config("this place is not beside a server".to_owned()));
    };
    start_client(ClientConfig {
        address,
        tls,
        host: virtual_host,
        role: ClientRole::Controller { agent_destination: config.agent_destination },
        endpoint_id: config.endpoint_id,
        max_record: config.max_record,
        login: config.login,
        destination: Some(config.destination),
        heart_beat,
        retry: reconnect,
        behaviour: config.behaviour,
        network,
        sink,
    })
}

/// Starts an Agent's end.
pub(super) fn call(config: StompAgentConfig, network: Arc<dyn Network>, sink: Sink) -> Result<StompHandle, MtpError> {
    start_client(ClientConfig {
        address: config.address,
        tls: config.tls,
        host: config.host,
        role: ClientRole::Agent,
        endpoint_id: config.endpoint_id,
        max_record: config.max_record,
        login: config.login,
        destination: config.destination,
        heart_beat: config.heart_beat,
        retry: config.retry,
        behaviour: config.behaviour,
        network,
        sink,
    })
}

/// What a client of either kind is started with.
struct ClientConfig {
    address: Address,
    tls: Option<TlsClient>,
    host: Option<String>,
    role: ClientRole,
    endpoint_id: String,
    max_record: usize,
    login: Option<Login>,
    destination: Option<String>,
    heart_beat: Option<(u32, u32)>,
    retry: Retry,
    behaviour: StompBehaviour,
    network: Arc<dyn Network>,
    sink: Sink,
}

fn start_client(config: ClientConfig) -> Result<StompHandle, MtpError> {
    let ClientConfig { address, tls, network, sink, retry, behaviour, destination, heart_beat, .. } = config;
    let tls = tls.map(|tls| tls.ready(address.host())).transpose()?.map_or(Tls::Off, Tls::Client);
    let host = config.host.unwrap_or_else(|| address.host().to_owned());
    let parts = Parts {
        endpoint_id: config.endpoint_id,
        max_record: config.max_record,
        login: config.login,
        part: Part::Client { host, role: config.role },
        settings: Settings { behaviour, destination, heart_beat, tls },
    };
    let base = BaseConfig { address, network, sink, retry, max_connections: 1 };
    let (end, control) = build(base, parts, None);
    end::begin(end, None);
    Ok(StompHandle::new(control, None))
}

/// What is put together to an end.
struct Parts {
    endpoint_id: String,
    max_record: usize,
    login: Option<Login>,
    part: Part,
    settings: Settings,
}

type Built = (Arc<End>, Control<End, Command, Settings>);

fn build(base: BaseConfig, parts: Parts, address: Option<Address>) -> Built {
    let (base, reins) = Base::new(base);
    let (settings, settings_seen) = watch::channel(parts.settings);
    let registry = Arc::<Registry<Command>>::default();
    let end = Arc::new(End {
        base,
        endpoint_id: parts.endpoint_id,
        max_record: parts.max_record,
        login: parts.login,
        registry: Arc::clone(&registry),
        settings: settings_seen,
        part: parts.part,
        learnt: Mutex::default(),
    });
    let control = Control::new(&end, reins, registry, settings, address);
    (end, control)
}

impl Conversation for End {
    fn base(&self) -> &Base {
        &self.base
    }

    async fn converse(&self, id: ConnectionId, log: Log, begin: Begin) -> bool {
        let tls = self.settings.borrow().tls.clone();
        let wire = tokio::select! {
            wire = self.base.stream(begin, &tls, &log) => wire,
            () = self.base.stopped() => {
                log.emit(MtpHappening::StreamEnded { by: EndedBy::Us }).await;
                None
            }
        };
        let Some(wire) = wire else {
            return false;
        };
        match &self.part {
            Part::Server { broker, destination, agent_destination } => {
                let controller = Controller { broker, destination, agent_destination: agent_destination.as_deref() };
                self.serve(id, wire, controller).await
            }
            Part::Client { host, role } => self.attend(id, wire, host, role).await,
        }
    }
}

/// The Controller that is built into a server.
#[derive(Debug, Clone, Copy)]
pub(super) struct Controller<'a> {
    pub(super) broker: &'a Broker,
    pub(super) destination: &'a str,
    pub(super) agent_destination: Option<&'a str>,
}

impl End {
    async fn serve(&self, id: ConnectionId, mut wire: Wire, controller: Controller<'_>) -> bool {
        let (orders, queue) = mpsc::channel::<Order>(DELIVERY_QUEUE);
        let outcome = Outcome::default();
        let tls = wire.tls.take();
        let session = Server::new(self, controller, id, tls, orders, &outcome);
        run_session(&self.base, wire, session, queue, self.settings.clone()).await;
        let guests = controller.broker.leave(id);
        let Some(closing) = outcome.take() else {
            return false;
        };
        for guest in guests {
            guest.closed(id, MtpHappening::Closed(closing.clone())).await;
        }
        true
    }

    async fn attend(&self, id: ConnectionId, mut wire: Wire, host: &str, role: &ClientRole) -> bool {
        let (orders, queue) = mpsc::channel::<Order>(ORDER_QUEUE);
        let outcome = Outcome::default();
        let tls = wire.tls.take();
        let session = Client::new(self, host, role, id, tls, orders, &outcome);
        run_session(&self.base, wire, session, queue, self.settings.clone()).await;
        outcome.take().is_some()
    }
}

/// How a session that was open has ended; nothing as long as it was not.
#[derive(Debug, Default)]
pub(super) struct Outcome(Mutex<Option<Closing>>);

impl Outcome {
    pub(super) fn set(&self, closing: &Closing) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(closing.clone());
    }

    fn take(&self) -> Option<Closing> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
