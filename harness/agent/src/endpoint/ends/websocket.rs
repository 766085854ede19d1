//! WebSocket: one client for each Controller's MTP, one server for each MTP of the Agent.

use super::super::identity;
use super::super::settings::websocket as settings;
use super::super::trust::{self, Trust};
use super::{End, EndId, Site, below, connection_id, enabled, enabled_controller, now, number, number_of, seconds};
use crate::config::TlsIdentity;
use crate::core::{Action, Arrival, ConnectionId, Core, UNSUPPORTED_DATA};
use crate::faults::{Fault, FaultSet};
use crate::store::{RowKey, Store};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use uspec_mtp::MtpError;
use uspec_mtp::event::{AgentHappening, ConnectionId as MtpConnection};
use uspec_mtp::network::Address;
use uspec_mtp::tls::TlsClient;
use uspec_mtp::websocket::{RetryParameters, WsAgentConfig, WsAgentEnd, WsHandle, WsRole};

/// Where the Agent listens when the configuration does not say on which address.
const LOOPBACK: &str = "127.0.0.1";

/// Where an end is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// The Controller that is connected to; none for a server.
    controller: Option<String>,
    address: Address,
    path: String,
    tls: bool,
}

/// What the data model says of an end.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    /// The `WebSocket.` Object that describes it.
    row: RowKey,
    keep_alive: Duration,
    retry: RetryParameters,
}

/// An end.
#[derive(Debug)]
pub(super) struct WebSocket {
    id: EndId,
    /// The Controller that is connected to; none for a server.
    controller: Option<String>,
    tls: bool,
    row: RowKey,
    /// None when it could not be started.
    handle: Option<WsHandle>,
    keep_alive: Duration,
    retry: watch::Sender<RetryParameters>,
    faults: FaultSet,
}

impl End for WebSocket {
    type Place = Place;
    type Wanted = Wanted;

    fn wanted(site: &Site, store: &Store) -> BTreeMap<Place, Wanted> {
        let config = &site.config;
        let mut ends = BTreeMap::new();
        let clear = site.rebooted && config.faults.has(Fault::TlsNotUsedAfterReboot);
        let ignores_new = config.faults.has(Fault::WsIgnoresNewControllers);
        for mtp in enabled(store, "Device.LocalAgent.MTP.{i}.", "WebSocket") {
            let host = config.listen.as_ref().map_or(LOOPBACK, |listen| &listen.host);
            ends.extend(describe(store, &mtp, None, (host, clear)));
        }
        for mtp in enabled(store, "Device.LocalAgent.Controller.{i}.MTP.{i}.", "WebSocket") {
            let Some(controller) = enabled_controller(store, &mtp) else { continue };
            let endpoint_id = store.text(&controller, "EndpointID").to_owned();
            if ignores_new && config.controllers.iter().all(|known| known.endpoint_id != endpoint_id) {
                continue;
            }
            let Some(row) = below(store, &mtp, "WebSocket") else { continue };
            let host = store.text(&row, "Host").to_owned();
            if !host.is_empty() {
                ends.extend(describe(store, &mtp, Some(endpoint_id), (&host, clear)));
            }
        }
        ends
    }

    async fn start(site: &Site, core: &mut Core, id: EndId, place: &Place, wanted: Wanted) -> Self {
        let (retry, parameters) = watch::channel(wanted.retry);
        let outcome = start_end(site, id, place, &wanted, parameters).await;
        let object = wanted.row.parent(core.store().model()).map(|row| row.path(core.store().model()));
        if let (None, Some(object)) = (&place.controller, object) {
            core.report(&object, "Status", if outcome.is_ok() { "Up" } else { "Error" });
        }
        let handle =
            outcome.inspect_err(|error| tracing::warn!(address = %place.address, %error, "MTP not started")).ok();
        Self {
            id,
            controller: place.controller.clone(),
            tls: place.tls,
            row: wanted.row,
            handle,
            keep_alive: wanted.keep_alive,
            retry,
            faults: site.config.faults.clone(),
        }
    }

    async fn change(&mut self, _: &Site, _: &mut Core, wanted: Wanted) -> Vec<Action> {
        self.row = wanted.row;
        self.retry.send_if_modified(|retry| std::mem::replace(retry, wanted.retry) != wanted.retry);
        if self.keep_alive != wanted.keep_alive {
            self.keep_alive = wanted.keep_alive;
            if let Some(handle) = &self.handle {
                handle.set_keep_alive(settings::keep_alive(wanted.keep_alive, &self.faults));
            }
        }
        Vec::new()
    }

    fn adopt(&self, trust: &Trust) {
        if let Some(handle) = self.handle.as_ref().filter(|_| self.tls) {
            trust.apply(self.controller.is_none(), |anchors, any| handle.set_trust(anchors, any));
        }
    }

    fn id(&self) -> EndId {
        self.id
    }

    fn react(&mut self, core: &mut Core, connection: MtpConnection, what: AgentHappening) -> Vec<Action> {
        let connection = connection_id(self.id, connection.0);
        match what {
            AgentHappening::Opened(session) => {
                let peer = self.controller.as_deref().or(session.peer_eid()).map(str::to_owned);
                self.report_retries(core, 0);
                core.opened(now(), connection, Arrival::of(peer.as_deref(), session.tls))
            }
            AgentHappening::Record { bytes, .. } => core.handle_record(now(), connection, &bytes),
            AgentHappening::Text(_) if self.faults.has(Fault::WsIgnoresText) => Vec::new(),
            AgentHappening::Text(_) => {
                vec![Action::Close { connection, code: UNSUPPORTED_DATA, reason: "a text message is no Record" }]
            }
            AgentHappening::Closed(_) => {
                core.closed(connection);
                Vec::new()
            }
            AgentHappening::Retrying { retry, .. } => {
                self.report_retries(core, retry);
                Vec::new()
            }
            AgentHappening::Listening { .. } | AgentHappening::Failed(_) => Vec::new(),
        }
    }

    async fn send(&self, connection: ConnectionId, _: Option<String>, record: Vec<u8>) -> Result<(), MtpError> {
        self.at(connection)?.send_record(record).await
    }

    async fn close(
        &mut self,
        _: &mut Core,
        connection: ConnectionId,
        status: u16,
        reason: &str,
    ) -> Result<(), MtpError> {
        self.at(connection)?.close(status, reason).await
    }

    /// It is paused first, so that it does not wait for its next retry.
    async fn stop(&self) {
        if let Some(handle) = &self.handle {
            handle.pause();
            handle.shutdown().await;
        }
    }
}

impl WebSocket {
    fn at(&self, connection: ConnectionId) -> Result<WsHandle, MtpError> {
        let number = number_of(connection).ok_or(MtpError::NotOpen)?;
        self.handle.as_ref().map(|handle| handle.at(number)).ok_or(MtpError::NotOpen)
    }

    /// Shows in the data model how often a client has tried to connect.
    fn report_retries(&self, core: &mut Core, retries: u32) {
        if self.controller.is_some() {
            let object = self.row.path(core.store().model());
            core.report(&object, "CurrentRetryCount", retries.to_string());
        }
    }
}

async fn start_end(
    site: &Site,
    id: EndId,
    place: &Place,
    wanted: &Wanted,
    retry: watch::Receiver<RetryParameters>,
) -> Result<WsHandle, MtpError> {
    let faults = &site.config.faults;
    let mut config = WsAgentConfig::new(
        role(place, site.config.tls.as_ref(), &site.trust.anchors)?,
        site.config.endpoint_id.clone(),
    );
    config.keep_alive = settings::keep_alive(wanted.keep_alive, faults);
    config.retry = settings::retry(retry, faults, site.config.seed);
    config.behaviour = settings::behaviour(faults);
    let (handle, events) = WsAgentEnd::start(config, Arc::clone(&site.network)).await?;
    if place.tls {
        site.trust.apply(place.controller.is_none(), |anchors, any| handle.set_trust(anchors, any));
    }
    site.forward(id, events);
    Ok(handle)
}

fn describe(
    store: &Store,
    mtp: &RowKey,
    controller: Option<String>,
    (host, clear): (&str, bool),
) -> Option<(Place, Wanted)> {
    let row = below(store, mtp, "WebSocket")?;
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
        minimum_wait: seconds(store, &row, "SessionRetryMinimumWaitInterval"),
        multiplier: number(store, &row, "SessionRetryIntervalMultiplier"),
        maximum: None,
    };
    let keep_alive = seconds(store, &row, "KeepAliveInterval");
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
