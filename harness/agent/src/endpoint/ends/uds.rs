//! UNIX domain sockets: a client for each socket at which a Controller listens, a server for each socket of the Agent.

use super::super::settings::uds as settings;
use super::super::trust::Trust;
use super::{End, EndId, Site, below, connection_id, enabled, enabled_controller, now, number_of, referred};
use crate::core::{Action, Arrival, Channel, ConnectionId, Core, UNSUPPORTED_DATA};
use crate::faults::Fault;
use crate::store::{RowKey, Store};
use std::collections::BTreeMap;
use std::sync::Arc;
use uspec_mtp::MtpError;
use uspec_mtp::event::{AgentHappening, ConnectionId as MtpConnection};
use uspec_mtp::uds::{UdsAgentConfig, UdsAgentEnd, UdsHandle, UdsRole};

/// The name of the MTP, and of the Objects that describe its ends.
const UDS: &str = "UDS";
/// The Parameter that refers to the socket.
const SOCKET: &str = "UnixDomainSocketRef";

/// Where an end is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    listens: bool,
    path: String,
}

/// What the data model says of an end: the Agent's row for it.
pub(super) type Wanted = RowKey;

/// An end.
#[derive(Debug)]
pub(super) struct Uds {
    id: EndId,
    listens: bool,
    /// Whether a fault makes it stop listening when a connection ends.
    accepts_once: bool,
    row: RowKey,
    /// None when it could not be started.
    handle: Option<UdsHandle>,
}

impl End for Uds {
    type Place = Place;
    type Wanted = Wanted;

    /// A socket is in use when an MTP of the Agent refers to it, and as client an MTP of some Controller as well.
    fn wanted(_: &Site, store: &Store) -> BTreeMap<Place, Wanted> {
        let controllers = enabled(store, "Device.LocalAgent.Controller.{i}.MTP.{i}.", UDS).into_iter();
        let called: Vec<RowKey> = controllers
            .filter(|mtp| enabled_controller(store, mtp).is_some())
            .filter_map(|mtp| referred(store, &below(store, &mtp, UDS)?, SOCKET))
            .collect();
        let mut ends = BTreeMap::new();
        for mtp in enabled(store, "Device.LocalAgent.MTP.{i}.", UDS) {
            let Some(socket) = below(store, &mtp, UDS).and_then(|row| referred(store, &row, SOCKET)) else { continue };
            let listens = store.text(&socket, "Mode") == "Listen";
            let path = store.text(&socket, "Path").to_owned();
            if !path.is_empty() && (listens || called.contains(&socket)) {
                ends.insert(Place { listens, path }, mtp);
            }
        }
        ends
    }

    async fn start(site: &Site, core: &mut Core, id: EndId, place: &Place, row: RowKey) -> Self {
        let started = start_end(site, core, id, place).await;
        let handle = started.inspect_err(|error| tracing::warn!(path = %place.path, %error, "MTP not started")).ok();
        let accepts_once = site.config.faults.has(Fault::UdsAcceptsOnce);
        let end = Self { id, listens: place.listens, accepts_once, row, handle };
        end.report(
            core,
            if end.handle.is_none() {
                "Error"
            } else if end.listens {
                "Up"
            } else {
                "Down"
            },
        );
        end
    }

    async fn change(&mut self, _: &Site, _: &mut Core, row: RowKey) -> Vec<Action> {
        self.row = row;
        Vec::new()
    }

    /// There is no TLS below a socket that stays within the device.
    fn adopt(&self, _: &Trust) {}

    fn id(&self) -> EndId {
        self.id
    }

    fn react(&mut self, core: &mut Core, connection: MtpConnection, what: AgentHappening) -> Vec<Action> {
        let connection = connection_id(self.id, connection.0);
        match what {
            AgentHappening::Opened(session) => {
                if !self.listens {
                    self.report(core, "Up");
                }
                let peer = session.peer_eid().map(str::to_owned);
                core.opened(now(), connection, Arrival { peer, tls: None, channel: Channel::Uds })
            }
            AgentHappening::Record { bytes, .. } => core.handle_record(now(), connection, &bytes),
            AgentHappening::Closed(_) => {
                if !self.listens {
                    self.report(core, "Down");
                }
                core.closed(connection);
                let once = self.listens && self.accepts_once;
                if let Some(handle) = self.handle.as_ref().filter(|_| once) {
                    handle.pause();
                }
                Vec::new()
            }
            AgentHappening::Text(_)
            | AgentHappening::Retrying { .. }
            | AgentHappening::Listening { .. }
            | AgentHappening::Failed(_) => Vec::new(),
        }
    }

    async fn send(&self, connection: ConnectionId, _: Option<String>, record: Vec<u8>) -> Result<(), MtpError> {
        self.at(connection)?.send_record(record).await
    }

    /// What cannot be extracted is told in an Error before the end (R-UDS.23).
    async fn close(
        &mut self,
        _: &mut Core,
        connection: ConnectionId,
        status: u16,
        reason: &str,
    ) -> Result<(), MtpError> {
        let handle = self.at(connection)?;
        if status == UNSUPPORTED_DATA { handle.error(reason).await } else { handle.hang_up().await }
    }

    async fn stop(&self) {
        if let Some(handle) = &self.handle {
            handle.pause();
            handle.shutdown().await;
        }
    }

    fn gone(&self, core: &mut Core) {
        self.report(core, "Down");
    }
}

impl Uds {
    fn at(&self, connection: ConnectionId) -> Result<UdsHandle, MtpError> {
        let number = number_of(connection).ok_or(MtpError::NotOpen)?;
        self.handle.as_ref().map(|handle| handle.at(number)).ok_or(MtpError::NotOpen)
    }

    fn report(&self, core: &mut Core, status: &str) {
        let object = self.row.path(core.store().model());
        core.report(&object, "Status", status);
    }
}

async fn start_end(site: &Site, core: &Core, id: EndId, place: &Place) -> Result<UdsHandle, MtpError> {
    let path = place.path.clone();
    let role = if place.listens { UdsRole::Listen { path } } else { UdsRole::Connect { path } };
    let mut config = UdsAgentConfig::new(role, site.config.endpoint_id.clone());
    config.retry = settings::retry(&site.config.faults, site.config.seed);
    config.behaviour = settings::behaviour(&site.config.faults, &early_record(site, core));
    let (handle, events) = UdsAgentEnd::start(config, Arc::clone(&site.network)).await?;
    site.forward(id, events);
    Ok(handle)
}

/// The Record that a fault sends before the Handshake: the Connect Record of the first Controller.
fn early_record(site: &Site, core: &Core) -> Vec<u8> {
    let first = site.config.controllers.first().map(|controller| controller.endpoint_id.as_str());
    core.connect_record(&Channel::Uds, first.unwrap_or_default()).unwrap_or_default()
}
