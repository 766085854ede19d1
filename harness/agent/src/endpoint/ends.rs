//! The MTP ends that the data model asks for: one client for each Controller's MTP, one server for each MTP of the Agent.

use super::trust::{self, Trust};
use super::{identity, settings};
use crate::config::{AgentConfig, TlsIdentity};
use crate::core::{ConnectionId, Core};
use crate::faults::{Fault, FaultSet};
use crate::store::{RowKey, Store};
use std::collections::{BTreeMap, BTreeSet};
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use uspec_mtp::MtpError;
use uspec_mtp::event::{AgentHappening, AgentMtpEvent, ConnectionId as MtpConnection, EVENT_QUEUE};
use uspec_mtp::network::{Address, Network};
use uspec_mtp::tls::TlsClient;
use uspec_mtp::websocket::{RetryParameters, WsAgentConfig, WsAgentEnd, WsHandle, WsRole};

/// Longest time for writing one Record: a peer that does not read must not stop the Agent.
const SEND_LIMIT: Duration = Duration::from_secs(10);
/// Where the Agent listens when the configuration does not say on which address.
const LOOPBACK: &str = "127.0.0.1";

/// Number of an end since the boot.
pub(super) type EndId = u32;

/// Something that an end reports.
#[derive(Debug)]
pub(super) struct EndEvent {
    /// Which end.
    pub(super) end: EndId,
    connection: MtpConnection,
    /// What.
    pub(super) what: AgentHappening,
}

impl EndEvent {
    /// The connection as the engine knows it.
    pub(super) fn connection(&self) -> ConnectionId {
        connection_id(self.end, self.connection)
    }
}

/// Where an end is; what is the same place needs no new end.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    /// The Controller that is connected to; none for a server.
    controller: Option<String>,
    address: Address,
    path: String,
    tls: bool,
}

/// An end that the data model asks for.
#[derive(Debug, Clone)]
struct Wanted {
    /// The `WebSocket.` Object that describes it.
    row: RowKey,
    keep_alive: Duration,
    retry: RetryParameters,
}

#[derive(Debug)]
struct Running {
    id: EndId,
    row: RowKey,
    /// None when it could not be started; it is not tried again until its place changes.
    handle: Option<WsHandle>,
    keep_alive: Duration,
    retry: watch::Sender<RetryParameters>,
}

/// All ends of an Agent.
#[derive(Debug)]
pub(super) struct Ends {
    config: AgentConfig,
    network: Arc<dyn Network>,
    running: BTreeMap<Place, Running>,
    events: mpsc::Receiver<EndEvent>,
    sender: mpsc::Sender<EndEvent>,
    next_id: EndId,
    trust: Trust,
    /// Whether this is not the first boot of the process.
    rebooted: bool,
    /// Whether there was a session since the boot.
    met: bool,
}

impl Ends {
    /// No end yet.
    pub(super) fn new(config: AgentConfig, network: Arc<dyn Network>, rebooted: bool) -> Self {
        let (sender, events) = mpsc::channel(EVENT_QUEUE);
        let trust = Trust::default();
        Self { config, network, running: BTreeMap::new(), events, sender, next_id: 0, trust, rebooted, met: false }
    }

    /// Starts, changes and stops ends until there are those that the data model asks for.
    pub(super) async fn adjust(&mut self, core: &mut Core) {
        self.adopt(Trust::read(core.store(), &self.config, self.met));
        let wanted = wanted(core.store(), &self.config, self.rebooted);
        let kept: BTreeSet<&Place> = wanted.keys().collect();
        let gone: Vec<Place> = self.running.keys().filter(|place| !kept.contains(place)).cloned().collect();
        for place in gone {
            if let Some(handle) = self.running.remove(&place).and_then(|running| running.handle) {
                stop(&handle).await;
            }
        }
        for (place, wanted) in wanted {
            match self.running.get_mut(&place) {
                Some(running) => running.change(&wanted, &self.config.faults),
                None => self.start(core, place, wanted).await,
            }
        }
    }

    /// Lets the ends trust what is trusted now, from their next connections on.
    fn adopt(&mut self, trust: Trust) {
        if self.trust == trust {
            return;
        }
        self.trust = trust;
        for (place, running) in self.running.iter().filter(|(place, _)| place.tls) {
            if let Some(handle) = &running.handle {
                self.trust.apply(handle, place.controller.is_none());
            }
        }
    }

    /// The next event of any end.
    pub(super) async fn next_event(&mut self) -> EndEvent {
        match self.events.recv().await {
            Some(event) => event,
            // Never met: this holds a sender itself.
            None => pending().await,
        }
    }

    /// There is a session.
    pub(super) fn note_session(&mut self) {
        self.met = true;
    }

    /// The Controller that an end connects to.
    pub(super) fn peer(&self, end: EndId) -> Option<String> {
        self.running.iter().find(|(_, running)| running.id == end).and_then(|(place, _)| place.controller.clone())
    }

    /// Shows in the data model how often an end has tried to connect.
    pub(super) fn report_retries(&self, core: &mut Core, end: EndId, retries: u32) {
        if let Some((_, running)) =
            self.running.iter().find(|(place, running)| running.id == end && place.controller.is_some())
        {
            let object = running.row.path(core.store().model());
            core.report(&object, "CurrentRetryCount", retries.to_string());
        }
    }

    /// Sends a Record; what cannot be sent any more is lost, as on any MTP without acknowledgements.
    pub(super) async fn send(&self, connection: ConnectionId, record: Vec<u8>) {
        let Some(handle) = self.handle(connection) else { return };
        match timeout(SEND_LIMIT, handle.send_record(record)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "Record not sent"),
            Err(_) => tracing::debug!("Record not sent in time"),
        }
    }

    /// Begins to close a connection.
    pub(super) async fn close(&self, connection: ConnectionId, code: u16, reason: &str) {
        if let Some(handle) = self.handle(connection)
            && let Ok(Err(error)) = timeout(SEND_LIMIT, handle.close(code, reason)).await
        {
            tracing::debug!(%error, "not closed");
        }
    }

    /// Ends everything.
    pub(super) async fn shut_down(&mut self) {
        // Events must go on being read, or an end could wait for its queue.
        let events = &mut self.events;
        let drain = async { while events.recv().await.is_some() {} };
        let running = std::mem::take(&mut self.running);
        let stop_all = async {
            for handle in running.into_values().filter_map(|running| running.handle) {
                stop(&handle).await;
            }
        };
        tokio::select! {
            () = stop_all => {}
            () = drain => {}
        }
    }

    fn handle(&self, connection: ConnectionId) -> Option<WsHandle> {
        let (end, mtp) =
            (u32::try_from(connection.0 >> 32).ok()?, u32::try_from(connection.0 & u64::from(u32::MAX)).ok()?);
        let running = self.running.values().find(|running| running.id == end)?;
        running.handle.as_ref().map(|handle| handle.at(MtpConnection(mtp)))
    }

    async fn start(&mut self, core: &mut Core, place: Place, wanted: Wanted) {
        self.next_id = self.next_id.saturating_add(1);
        let (retry, parameters) = watch::channel(wanted.retry);
        let outcome = self.start_end(&place, &wanted, parameters).await;
        let object = wanted.row.parent(core.store().model()).map(|row| row.path(core.store().model()));
        if let (None, Some(object)) = (&place.controller, object) {
            core.report(&object, "Status", if outcome.is_ok() { "Up" } else { "Error" });
        }
        let handle =
            outcome.inspect_err(|error| tracing::warn!(address = %place.address, %error, "MTP not started")).ok();
        let running = Running { id: self.next_id, row: wanted.row, handle, keep_alive: wanted.keep_alive, retry };
        self.running.insert(place, running);
    }

    async fn start_end(
        &self,
        place: &Place,
        wanted: &Wanted,
        retry: watch::Receiver<RetryParameters>,
    ) -> Result<WsHandle, MtpError> {
        let faults = &self.config.faults;
        let mut config = WsAgentConfig::new(
            role(place, self.config.tls.as_ref(), &self.trust.anchors)?,
            self.config.endpoint_id.clone(),
        );
        config.keep_alive = settings::keep_alive(wanted.keep_alive, faults);
        config.retry = settings::retry(retry, faults, self.config.seed);
        config.behaviour = settings::behaviour(faults);
        let (handle, events) = WsAgentEnd::start(config, Arc::clone(&self.network)).await?;
        if place.tls {
            self.trust.apply(&handle, place.controller.is_none());
        }
        tokio::spawn(forward(self.next_id, events, self.sender.clone()));
        Ok(handle)
    }
}

impl Running {
    fn change(&mut self, wanted: &Wanted, faults: &FaultSet) {
        self.row.clone_from(&wanted.row);
        self.retry.send_if_modified(|retry| std::mem::replace(retry, wanted.retry) != wanted.retry);
        if self.keep_alive != wanted.keep_alive {
            self.keep_alive = wanted.keep_alive;
            if let Some(handle) = &self.handle {
                handle.set_keep_alive(settings::keep_alive(wanted.keep_alive, faults));
            }
        }
    }
}

/// Ends one end. It is paused first, so that it does not wait for its next retry.
async fn stop(handle: &WsHandle) {
    handle.pause();
    handle.shutdown().await;
}

/// Passes on what one end reports, until the end or the Agent is gone.
async fn forward(end: EndId, mut events: mpsc::Receiver<AgentMtpEvent>, to: mpsc::Sender<EndEvent>) {
    while let Some(event) = events.recv().await {
        if to.send(EndEvent { end, connection: event.connection, what: event.what }).await.is_err() {
            break;
        }
    }
}

fn connection_id(end: EndId, connection: MtpConnection) -> ConnectionId {
    ConnectionId((u64::from(end) << 32) | u64::from(connection.0))
}

/// The ends that the data model asks for.
fn wanted(store: &Store, config: &AgentConfig, rebooted: bool) -> BTreeMap<Place, Wanted> {
    let mut ends = BTreeMap::new();
    let clear = rebooted && config.faults.has(Fault::TlsNotUsedAfterReboot);
    let ignores_new = config.faults.has(Fault::WsIgnoresNewControllers);
    for mtp in enabled_websockets(store, "Device.LocalAgent.MTP.{i}.") {
        let host = config.listen.as_ref().map_or(LOOPBACK, |listen| &listen.host);
        ends.extend(describe(store, &mtp, None, (host, clear)));
    }
    for mtp in enabled_websockets(store, "Device.LocalAgent.Controller.{i}.MTP.{i}.") {
        let Some(controller) = mtp.parent(store.model()).filter(|controller| store.flag(controller, "Enable")) else {
            continue;
        };
        let endpoint_id = store.text(&controller, "EndpointID").to_owned();
        if ignores_new && config.controllers.iter().all(|known| known.endpoint_id != endpoint_id) {
            continue;
        }
        let Some(row) = websocket(store, &mtp) else { continue };
        let host = store.text(&row, "Host").to_owned();
        if !host.is_empty() {
            ends.extend(describe(store, &mtp, Some(endpoint_id), (&host, clear)));
        }
    }
    ends
}

fn enabled_websockets(store: &Store, table: &str) -> Vec<RowKey> {
    let rows = store.all_of(table).into_iter();
    rows.filter(|row| store.flag(row, "Enable") && store.text(row, "Protocol") == "WebSocket").collect()
}

fn websocket(store: &Store, mtp: &RowKey) -> Option<RowKey> {
    store.below(mtp).into_iter().find(|row| store.model().object(row.object).name == "WebSocket")
}

fn describe(
    store: &Store,
    mtp: &RowKey,
    controller: Option<String>,
    (host, clear): (&str, bool),
) -> Option<(Place, Wanted)> {
    let row = websocket(store, mtp)?;
    let number = |name: &str| u32::try_from(store.number(&row, name)).unwrap_or(u32::MAX);
    let port = u16::try_from(store.number(&row, "Port")).ok()?;
    let path = store.text(&row, "Path");
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    let place = Place {
        controller,
        address: Address::tcp(host, port),
        path,
        tls: store.flag(&row, "EnableEncryption") && !clear,
    };
    let retry = RetryParameters {
        maximum: None,
        minimum_wait: Duration::from_secs(u64::from(number("SessionRetryMinimumWaitInterval"))),
        multiplier: number("SessionRetryIntervalMultiplier"),
    };
    let keep_alive = Duration::from_secs(u64::from(number("KeepAliveInterval")));
    Some((place, Wanted { row, keep_alive, retry }))
}

fn role(place: &Place, tls: Option<&TlsIdentity>, anchors: &str) -> Result<WsRole, MtpError> {
    let material = place.tls.then(|| identity::material(tls, anchors)).transpose()?;
    let (address, path) = (place.address.clone(), place.path.clone());
    Ok(match place.controller {
        Some(_) => WsRole::Connect { address, path, host: None, tls: material.map(TlsClient::new) },
        None => WsRole::Listen { address, path, tls: material.map(trust::demanding) },
    })
}
