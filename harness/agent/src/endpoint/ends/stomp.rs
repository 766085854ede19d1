//! STOMP: one client for each connection to a server that an MTP of the Agent refers to, shared by the Controllers behind that server.

use super::super::identity;
use super::super::settings::stomp as settings;
use super::super::trust::Trust;
use super::broker::{self, Peer, Seats, Session};
use super::{End, EndId, Site, below, number, seconds};
use crate::core::{Action, Channel, ConnectionId, Core, UNSUPPORTED_DATA};
use crate::faults::{Fault, FaultSet};
use crate::model::Protocol;
use crate::store::{RowKey, Store};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::watch;
use uspec_mtp::MtpError;
use uspec_mtp::event::{AgentHappening, ConnectionId as MtpConnection, FailureKind, OpenSession};
use uspec_mtp::network::Address;
use uspec_mtp::stomp::{Login, ServerRetry, StompAgentConfig, StompAgentEnd, StompHandle};
use uspec_mtp::tls::TlsClient;

/// The connections to servers.
const CONNECTIONS: &str = "Device.STOMP.Connection.{i}.";

/// Where an end is, and as whom it goes there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    connection: RowKey,
    address: Address,
    tls: bool,
    username: String,
    password: String,
    virtual_host: String,
}

/// What the data model says of an end.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    /// The Agent's own row for it.
    own: RowKey,
    destination: Option<String>,
    heart_beat: Option<(u32, u32)>,
    retry: ServerRetry,
    peers: Vec<Peer>,
}

/// An end.
#[derive(Debug)]
pub(super) struct Stomp {
    id: EndId,
    connection: RowKey,
    wanted: Wanted,
    tls: bool,
    /// None when it could not be started.
    handle: Option<StompHandle>,
    retry: watch::Sender<ServerRetry>,
    seats: Seats,
    /// Whether the server says where the Agent is reached, whatever is configured (R-STOMP.6).
    told: bool,
    faults: FaultSet,
}

impl End for Stomp {
    type Place = Place;
    type Wanted = Wanted;

    fn wanted(site: &Site, store: &Store) -> BTreeMap<Place, Wanted> {
        let rows = store.all_of(CONNECTIONS).into_iter().filter(|connection| store.flag(connection, "Enable"));
        rows.filter_map(|connection| describe(site, store, &connection)).collect()
    }

    async fn start(site: &Site, core: &mut Core, id: EndId, place: &Place, wanted: Wanted) -> Self {
        let (retry, parameters) = watch::channel(wanted.retry);
        let started = start_end(site, id, place, &wanted, parameters).await;
        let handle =
            started.inspect_err(|error| tracing::warn!(address = %place.address, %error, "MTP not started")).ok();
        let faults = site.config.faults.clone();
        let (connection, tls, seats) = (place.connection.clone(), place.tls, Seats::new(id, &faults));
        let end = Self { id, connection, wanted, tls, handle, retry, seats, told: false, faults };
        end.report(core, if end.handle.is_some() { ("Connecting", "Down") } else { ("Error_Misconfigured", "Error") });
        end
    }

    async fn change(&mut self, _: &Site, core: &mut Core, wanted: Wanted) -> Vec<Action> {
        self.retry.send_if_modified(|retry| std::mem::replace(retry, wanted.retry) != wanted.retry);
        let before = std::mem::replace(&mut self.wanted, wanted);
        let Some(handle) = &self.handle else { return Vec::new() };
        if before.heart_beat != self.wanted.heart_beat {
            handle.set_heart_beat(self.wanted.heart_beat);
        }
        let mut actions = Vec::new();
        if before.destination != self.wanted.destination {
            let elsewhere = self.faults.has(Fault::StompMovesElsewhere).then(|| settings::NOWHERE.to_owned());
            let destination = elsewhere.or_else(|| self.wanted.destination.clone());
            // Without any nobody could tell the Agent anything any more: that counts from the next connection on.
            if destination.is_some() || !self.seats.is_open() {
                handle.set_destination(destination.clone());
            }
            if destination.is_some() && !self.told && !self.faults.has(Fault::StompDoesNotResubscribe) {
                actions = self.seats.moved(core, &Channel::Stomp { destination });
            }
        }
        if before.peers != self.wanted.peers {
            actions.append(&mut self.seats.adjust(core, &self.wanted.peers));
        }
        actions
    }

    fn adopt(&self, trust: &Trust) {
        if let Some(handle) = self.handle.as_ref().filter(|_| self.tls) {
            trust.apply(false, |anchors, any| handle.set_trust(anchors, any));
        }
    }

    fn id(&self) -> EndId {
        self.id
    }

    fn react(&mut self, core: &mut Core, _: MtpConnection, what: AgentHappening) -> Vec<Action> {
        match what {
            AgentHappening::Opened(session) => self.opened(core, *session),
            AgentHappening::Record { bytes, route } => self.seats.heard(core, &bytes, route),
            AgentHappening::Closed(_) => {
                self.seats.close(core);
                self.report(core, ("Connecting", "Down"));
                if let Some(handle) = self.handle.as_ref().filter(|_| self.wanted.destination.is_none()) {
                    handle.set_destination(None);
                }
                Vec::new()
            }
            AgentHappening::Failed(failure) => {
                match failure.kind {
                    FailureKind::NothingSubscribed => self.report(core, ("Error_Misconfigured", "Error")),
                    FailureKind::Refused { .. } => self.report(core, ("Error", "Down")),
                    _ if !self.seats.is_open() => self.report(core, ("ServerNotPresent", "Down")),
                    _ => {}
                }
                Vec::new()
            }
            AgentHappening::Text(_) | AgentHappening::Retrying { .. } | AgentHappening::Listening { .. } => Vec::new(),
        }
    }

    async fn send(&self, connection: ConnectionId, to: Option<String>, record: Vec<u8>) -> Result<(), MtpError> {
        let destination = self.seats.address(connection, to)?;
        self.handle.as_ref().ok_or(MtpError::NotOpen)?.send_record_to(&destination, record).await
    }

    async fn close(&mut self, core: &mut Core, connection: ConnectionId, status: u16, _: &str) -> Result<(), MtpError> {
        if status == UNSUPPORTED_DATA {
            return self.handle.as_ref().ok_or(MtpError::NotOpen)?.hang_up().await;
        }
        self.seats.leave(core, connection);
        Ok(())
    }

    async fn stop(&self) {
        if let Some(handle) = &self.handle {
            handle.pause();
            handle.shutdown().await;
        }
    }

    fn gone(&self, core: &mut Core) {
        self.report(core, ("Disabled", "Down"));
    }
}

impl Stomp {
    /// A session is there: the data model shows what the server has told, and Controllers are greeted.
    fn opened(&mut self, core: &mut Core, session: OpenSession) -> Vec<Action> {
        let OpenSession { reached_at, told_by_server, tls, .. } = session;
        self.report(core, ("Enabled", "Up"));
        self.told = told_by_server.is_some() && !self.faults.has(Fault::StompIgnoresSubscribeDest);
        let own = below(core.store(), &self.wanted.own, Protocol::Stomp.name());
        if let Some(own) = own.map(|own| own.path(core.store().model())) {
            core.report(&own, "DestinationFromServer", told_by_server.unwrap_or_default());
        }
        let session = Session { channel: Channel::Stomp { destination: reached_at }, tls };
        self.seats.open(core, session, &self.wanted.peers)
    }

    /// Shows how the connection, and the MTP over it, are doing.
    fn report(&self, core: &mut Core, (connection, mtp): (&str, &str)) {
        for (row, status) in [(&self.connection, connection), (&self.wanted.own, mtp)] {
            let object = row.path(core.store().model());
            core.report(&object, "Status", status);
        }
    }
}

/// The end for a connection, when an MTP of the Agent refers to it.
fn describe(site: &Site, store: &Store, connection: &RowKey) -> Option<(Place, Wanted)> {
    let faults = &site.config.faults;
    let own = broker::own(store, Protocol::Stomp, connection)?;
    let details = below(store, &own, Protocol::Stomp.name())?;
    let text = |row: &RowKey, name: &str| store.text(row, name).to_owned();
    let host = text(connection, "Host");
    let port = u16::try_from(store.number(connection, "Port")).ok().filter(|_| !host.is_empty())?;
    let clear = site.rebooted && faults.has(Fault::TlsNotUsedAfterReboot);
    let place = Place {
        address: Address::tcp(host, port),
        tls: store.flag(connection, "EnableEncryption") && !clear,
        username: text(connection, "Username"),
        password: text(connection, "Password"),
        virtual_host: text(connection, "VirtualHost"),
        connection: connection.clone(),
    };
    let configured = Some(text(&details, "Destination")).filter(|destination| !destination.is_empty());
    let other = faults.has(Fault::StompIgnoresDestination).then(|| settings::NOWHERE.to_owned());
    let beats = || (number(store, connection, "OutgoingHeartbeat"), number(store, connection, "IncomingHeartbeat"));
    let wanted = Wanted {
        destination: configured.map(|configured| other.unwrap_or(configured)),
        heart_beat: store.flag(connection, "EnableHeartbeats").then(beats),
        retry: ServerRetry {
            initial: seconds(store, connection, "ServerRetryInitialInterval"),
            multiplier: number(store, connection, "ServerRetryIntervalMultiplier"),
            maximum: seconds(store, connection, "ServerRetryMaxInterval"),
        },
        peers: broker::peers(store, Protocol::Stomp, "Destination", (connection, &own)),
        own,
    };
    Some((place, wanted))
}

async fn start_end(
    site: &Site,
    id: EndId,
    place: &Place,
    wanted: &Wanted,
    retry: watch::Receiver<ServerRetry>,
) -> Result<StompHandle, MtpError> {
    let faults = &site.config.faults;
    let mut config = StompAgentConfig::new(place.address.clone(), site.config.endpoint_id.clone());
    let material = || identity::material(site.config.tls.as_ref(), &site.trust.anchors);
    config.tls = place.tls.then(material).transpose()?.map(TlsClient::new);
    config.login = (!place.username.is_empty()).then(|| Login::new(&place.username, &place.password));
    config.host = Some(place.virtual_host.clone()).filter(|host| !host.is_empty());
    config.destination.clone_from(&wanted.destination);
    config.heart_beat = wanted.heart_beat;
    config.retry = settings::retry(retry, faults, site.config.seed);
    config.behaviour = settings::behaviour(faults);
    let (handle, events) = StompAgentEnd::start(config, Arc::clone(&site.network)).await?;
    if place.tls {
        site.trust.apply(false, |anchors, any| handle.set_trust(anchors, any));
    }
    site.forward(id, events);
    Ok(handle)
}
