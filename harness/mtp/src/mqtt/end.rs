//! One end, of either side: what it is besides what every MTP's end is.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use tokio::sync::{mpsc, watch};

use super::beside::{self, BesideConfig};
use super::broker::{self, BrokerConfig, Hub};
use super::client;
use super::command::Command;
use super::{MqttAgentConfig, MqttBehaviour, MqttFarConfig, MqttHandle, MqttPlace, MqttVersion};
use crate::end::{self, Base, BaseConfig, Begin, Control, Conversation, ORDER_QUEUE, Registry, Retry};
use crate::error::MtpError;
use crate::event::ConnectionId;
use crate::log::{Log, Sink};
use crate::network::{Address, Network};
use crate::tls::TlsServer;
use crate::wire::Tls;

/// What can be changed while an end runs.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) behaviour: MqttBehaviour,
    /// TLS of later connections.
    pub(super) tls: Tls,
    /// As client: everything that counts for the next connection. Address, TLS, retry and behaviour in it do not.
    pub(super) client: Option<Box<MqttAgentConfig>>,
}

/// What every task of an end shares. It lives as long as one of them.
#[derive(Debug)]
pub(super) struct End {
    pub(super) base: Base,
    pub(super) registry: Arc<Registry<Command>>,
    pub(super) settings: watch::Receiver<Settings>,
    role: Role,
}

/// Which side an end is.
#[derive(Debug)]
pub(super) enum Role {
    /// A broker.
    Broker(Arc<Hub>),
    /// The client of one.
    Client(client::Memory),
    /// A Controller as client of a broker that is not ours.
    Beside(BesideConfig),
}

/// What steers an end.
pub(super) type Steering = Control<End, Command, Settings>;

/// What a broker begins with besides its own configuration.
pub(super) struct Start {
    pub(super) address: Address,
    pub(super) network: Arc<dyn Network>,
    pub(super) sink: Sink,
    pub(super) behaviour: MqttBehaviour,
    pub(super) max_connections: usize,
}

/// Starts a broker.
pub(super) async fn start_broker(
    start: Start,
    config: BrokerConfig,
    tls: Option<TlsServer>,
) -> Result<MqttHandle, MtpError> {
    let Start { address, network, sink, behaviour, max_connections } = start;
    let tls = tls.map(|tls| tls.ready()).transpose()?.map_or(Tls::Off, Tls::Server);
    let hub = Arc::new(Hub::new(config, sink.clone()));
    let base = BaseConfig { address, network, sink, retry: Retry::Never, max_connections };
    let listener = end::listener(&base, true).await?;
    let settings = Settings { behaviour, tls, client: None };
    let address = listener.as_ref().map(|listener| listener.address());
    let (control, end) = assemble(base, settings, Role::Broker(Arc::clone(&hub)), address);
    end::begin(end, listener);
    Ok(MqttHandle::of_broker(control, hub))
}

/// Starts a client.
pub(super) fn start_client(
    config: MqttAgentConfig,
    network: Arc<dyn Network>,
    sink: Sink,
) -> Result<MqttHandle, MtpError> {
    let tls = config.tls.as_ref();
    let tls = tls.map(|tls| tls.clone().ready(config.address.host())).transpose()?.map_or(Tls::Off, Tls::Client);
    let (address, retry) = (config.address.clone(), config.retry.clone());
    let base = BaseConfig { address, network, sink, retry, max_connections: 1 };
    let settings = Settings { behaviour: config.behaviour.clone(), tls, client: Some(Box::new(config)) };
    let (control, end) = assemble(base, settings, Role::Client(client::Memory::default()), None);
    end::begin(end, None);
    Ok(MqttHandle::of_client(control))
}

/// Starts a Controller as client of a broker that is not ours.
pub(super) fn start_beside(
    place: MqttPlace,
    config: MqttFarConfig,
    network: Arc<dyn Network>,
    sink: Sink,
) -> Result<MqttHandle, MtpError> {
    let MqttPlace::Beside { address, tls, reconnect } = place.clone() else {
        return Err(MtpError::Config("no broker to be a client of".to_owned()));
    };
    let tls = tls.map(|tls| tls.ready(address.host())).transpose()?.map_or(Tls::Off, Tls::Client);
    let base = BaseConfig { address, network, sink, retry: reconnect, max_connections: 1 };
    let settings = Settings { behaviour: config.behaviour, tls, client: None };
    let beside = BesideConfig {
        version: config.versions.first().copied().unwrap_or(MqttVersion::V5),
        endpoint_id: config.endpoint_id,
        credentials: config.credentials,
        max_record: config.max_record,
        topic: config.topic,
        agent_topic: config.agent_topic,
    };
    let (control, end) = assemble(base, settings, Role::Beside(beside), None);
    end::begin(end, None);
    Ok(MqttHandle::of_beside(control, place))
}

fn assemble(base: BaseConfig, settings: Settings, role: Role, address: Option<Address>) -> (Arc<Steering>, Arc<End>) {
    let (base, reins) = Base::new(base);
    let (settings, settings_seen) = watch::channel(settings);
    let registry = Arc::<Registry<Command>>::default();
    let end = Arc::new(End { base, registry: Arc::clone(&registry), settings: settings_seen, role });
    let control = Control::new(&end, reins, registry, settings, address);
    (Arc::new(control), end)
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
                log.emit(crate::event::MtpHappening::StreamEnded { by: crate::event::EndedBy::Us }).await;
                None
            }
        };
        let Some(wire) = wire else {
            return false;
        };
        let (orders, queue) = mpsc::channel(ORDER_QUEUE);
        match &self.role {
            Role::Broker(hub) => {
                broker::converse(self, hub, id, wire, (orders, queue)).await;
                false
            }
            Role::Beside(config) => beside::converse(self, config, id, wire, (orders, queue)).await,
            Role::Client(memory) => {
                let opened = AtomicBool::new(false);
                client::converse(self, memory, id, wire, (orders, queue), &opened).await
            }
        }
    }
}
