//! MQTT: one client for each connection to a server that an MTP of the Agent refers to, shared by the Controllers behind that server.

use super::super::identity;
use super::super::settings::mqtt as settings;
use super::super::trust::Trust;
use super::broker::{self, Peer, Seats, Session};
use super::{End, EndId, Site, below, number, seconds};
use crate::core::{Action, Channel, ConnectionId, Core, UNSUPPORTED_DATA};
use crate::faults::{Fault, FaultSet};
use crate::model::Protocol;
use crate::store::{RowKey, Store};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::sync::watch;
use uspec_mtp::MtpError;
use uspec_mtp::event::{AgentHappening, ConnectionId as MtpConnection, FailureKind, OpenSession};
use uspec_mtp::mqtt::{MqttAgentConfig, MqttAgentEnd, MqttHandle, MqttVersion, reason};
use uspec_mtp::network::Address;
use uspec_mtp::tls::TlsClient;
use uspec_mtp::websocket::RetryParameters;

/// The connections to servers.
const CLIENTS: &str = "Device.MQTT.Client.{i}.";
/// The filters of a connection.
const SUBSCRIPTIONS: &str = "Device.MQTT.Client.{i}.Subscription.{i}.";

/// Where an end is. What else is said of a connection counts from the next one on (TR-181), and needs no new end.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    client: RowKey,
    address: Address,
    tls: bool,
}

/// What the data model says of an end.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    /// The Agent's own row for it.
    own: RowKey,
    connection: Connection,
    subscriptions: BTreeMap<String, Subscription>,
    retry: RetryParameters,
    peers: Vec<Peer>,
}

/// What counts from the next connection on.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Connection {
    version: MqttVersion,
    client_id: Option<String>,
    username: Option<String>,
    password: Option<String>,
    keep_alive: u16,
    clean_start: bool,
    request_response_information: bool,
    response_topic: Option<String>,
    publish_qos: u8,
}

/// A filter that is subscribed to.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Subscription {
    row: RowKey,
    qos: u8,
}

/// An end.
#[derive(Debug)]
pub(super) struct Mqtt {
    id: EndId,
    client: RowKey,
    wanted: Wanted,
    tls: bool,
    /// None when it could not be started.
    handle: Option<MqttHandle>,
    retry: watch::Sender<RetryParameters>,
    seats: Seats,
    /// What the server has granted in this session.
    granted: Vec<String>,
    /// What was subscribed to when it was started.
    original: BTreeSet<String>,
    /// Whether it has left because there was nothing to subscribe to (R-MQTT.16).
    disabled: bool,
    faults: FaultSet,
}

impl End for Mqtt {
    type Place = Place;
    type Wanted = Wanted;

    fn wanted(site: &Site, store: &Store) -> BTreeMap<Place, Wanted> {
        let rows = store.all_of(CLIENTS).into_iter().filter(|client| store.flag(client, "Enable"));
        rows.filter_map(|client| describe(site, store, client)).collect()
    }

    async fn start(site: &Site, core: &mut Core, id: EndId, place: &Place, wanted: Wanted) -> Self {
        let (retry, parameters) = watch::channel(wanted.retry);
        let started = start_end(site, id, place, &wanted, parameters);
        let handle = match started.await {
            Ok(handle) => Some(handle),
            Err(error) => {
                tracing::warn!(address = %place.address, %error, "MTP not started");
                None
            }
        };
        let faults = site.config.faults.clone();
        let (client, tls, seats) = (place.client.clone(), place.tls, Seats::new(id, &faults));
        let original = wanted.subscriptions.keys().cloned().collect();
        let granted = Vec::new();
        let end = Self { id, client, wanted, tls, handle, retry, seats, granted, original, disabled: false, faults };
        let status = if end.handle.is_some() { ("Connecting", "Down") } else { ("Error_Misconfigured", "Error") };
        end.report(core, status);
        end
    }

    async fn change(&mut self, _: &Site, core: &mut Core, wanted: Wanted) -> Vec<Action> {
        self.retry.send_if_modified(|retry| std::mem::replace(retry, wanted.retry) != wanted.retry);
        let before = std::mem::replace(&mut self.wanted, wanted);
        if before.connection != self.wanted.connection
            && let Some(handle) = &self.handle
        {
            let connection = self.wanted.connection.clone();
            // Only a server's handle would refuse it.
            let _ = handle.change_client(|config| connection.apply(config));
        }
        if before.subscriptions != self.wanted.subscriptions {
            self.subscribe(core, &before.subscriptions).await;
        }
        if before.peers == self.wanted.peers { Vec::new() } else { self.seats.adjust(core, &self.wanted.peers) }
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
            AgentHappening::Record { route, .. } if self.drops(route.to.as_deref()) => Vec::new(),
            AgentHappening::Record { bytes, route } => self.seats.heard(core, &bytes, route),
            AgentHappening::Closed(_) => {
                self.seats.close(core);
                self.report(core, ("Connecting", "Down"));
                self.report_subscriptions(core, |_| "Unsubscribed");
                Vec::new()
            }
            AgentHappening::Failed(failure) => {
                match failure.kind {
                    FailureKind::NothingSubscribed => {
                        self.disabled = self.wanted.subscriptions.is_empty();
                        self.report(core, ("Error_Misconfigured", "Error"));
                    }
                    FailureKind::Refused { .. } => self.report(core, ("Error", "Down")),
                    _ if !self.seats.is_open() => self.report(core, ("Error_BrokerUnreachable", "Down")),
                    _ => {}
                }
                Vec::new()
            }
            AgentHappening::Text(_) | AgentHappening::Retrying { .. } | AgentHappening::Listening { .. } => Vec::new(),
        }
    }

    async fn send(&self, connection: ConnectionId, to: Option<String>, record: Vec<u8>) -> Result<(), MtpError> {
        let topic = self.seats.address(connection, to)?;
        self.handle.as_ref().ok_or(MtpError::NotOpen)?.send_record_to(&topic, record).await
    }

    async fn close(&mut self, core: &mut Core, connection: ConnectionId, status: u16, _: &str) -> Result<(), MtpError> {
        if status == UNSUPPORTED_DATA {
            return self.handle.as_ref().ok_or(MtpError::NotOpen)?.disconnect_client(reason::SUCCESS).await;
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
        self.report_subscriptions(core, |_| "Unsubscribed");
    }
}

impl Mqtt {
    /// A session is there. What the server has told goes into the data model (R-MQTT.9), and Controllers are greeted.
    fn opened(&mut self, core: &mut Core, session: OpenSession) -> Vec<Action> {
        let OpenSession { client_id, subscriptions, reached_at, told_by_server, tls, .. } = session;
        self.disabled = false;
        self.granted.clone_from(&subscriptions);
        self.report(core, ("Connected", "Up"));
        let granted = |filter: &str| subscriptions.iter().any(|one| one == filter);
        self.report_subscriptions(core, |filter| if granted(filter) { "Subscribed" } else { "Error" });
        let client = self.client.path(core.store().model());
        let told = told_by_server.unwrap_or_default();
        core.report(&client, "ResponseInformation", told.clone());
        let own = below(core.store(), &self.wanted.own, Protocol::Mqtt.name());
        if let Some(own) = own.map(|own| own.path(core.store().model())) {
            core.report(&own, "ResponseTopicDiscovered", told);
        }
        let mut actions = Vec::new();
        let unnamed = core.store().text(&self.client, "ClientID").is_empty();
        let learns = unnamed && !self.faults.has(Fault::MqttIgnoresAssignedClientId);
        if let Some(client_id) = client_id.filter(|_| learns) {
            actions.extend(core.learn(&client, "ClientID", client_id));
        }
        if subscriptions.is_empty() && self.faults.has(Fault::MqttStaysAfterRefusedSubscription) {
            return actions;
        }
        let publishes = subscriptions.is_empty() && self.faults.has(Fault::MqttPublishesAfterRefusedSubscription);
        let refused = self.wanted.subscriptions.keys().next().filter(|_| publishes).cloned();
        let v5 = self.wanted.connection.version == MqttVersion::V5;
        let session = Session { channel: Channel::Mqtt { v5, topic: reached_at.or(refused) }, tls };
        actions.append(&mut self.seats.open(core, session, &self.wanted.peers));
        if publishes {
            let first = core.connections().find(|connection| super::end_of(*connection) == Some(self.id));
            let reason = "nothing is subscribed to";
            actions.extend(first.map(|connection| Action::Close { connection, code: UNSUPPORTED_DATA, reason }));
        }
        actions
    }

    /// Subscribes to what is new and unsubscribes from what is gone (R-MQTT.15, R-MQTT.34).
    async fn subscribe(&mut self, core: &mut Core, before: &BTreeMap<String, Subscription>) {
        let Some(handle) = self.handle.clone() else { return };
        for (filter, Subscription { row, qos }) in &self.wanted.subscriptions {
            if before.get(filter).is_some_and(|known| known.qos == *qos) {
                continue;
            }
            let outcome = if self.faults.has(Fault::MqttIgnoresNewSubscriptions) {
                handle.change_client(|config| config.subscriptions.push((filter.clone(), *qos)))
            } else {
                let outcome = handle.subscribe(filter, *qos).await;
                if self.faults.has(Fault::MqttForgetsNewSubscriptions) {
                    // What cannot be changed has ended, and is not subscribed to anyway.
                    let _ = handle.change_client(|config| config.subscriptions.retain(|(one, _)| one != filter));
                }
                outcome
            };
            let status = match outcome {
                Ok(()) if self.seats.is_open() => {
                    self.granted.push(filter.clone());
                    "Subscribed"
                }
                Ok(()) => "Unsubscribed",
                Err(_) => "Error",
            };
            report_subscription(core, row, status);
        }
        for (filter, subscription) in before {
            if !self.wanted.subscriptions.contains_key(filter) {
                self.unsubscribe(&handle, filter).await;
                report_subscription(core, &subscription.row, "Unsubscribed");
            }
        }
        if self.disabled && !self.wanted.subscriptions.is_empty() {
            self.disabled = false;
            handle.reconnect();
        }
    }

    /// Whether a fault drops what comes at that topic.
    fn drops(&self, topic: Option<&str>) -> bool {
        let by = |filter: &str| topic.is_some_and(|topic| filter.strip_suffix("/#").unwrap_or(filter) == topic);
        let mut added = self.wanted.subscriptions.iter().filter(|(filter, _)| !self.original.contains(*filter));
        added.any(|(filter, one)| by(filter) && settings::drops(one.qos, &self.faults))
    }

    /// Unsubscribes, but from the last filter not before the next connection: nobody could tell the Agent anything any more.
    async fn unsubscribe(&mut self, handle: &MqttHandle, filter: &str) {
        let is_last = self.granted.iter().all(|granted| granted == filter);
        let outcome = if is_last {
            handle.change_client(|config| config.subscriptions.retain(|(one, _)| one != filter))
        } else {
            self.granted.retain(|granted| granted != filter);
            handle.unsubscribe(filter).await
        };
        outcome.unwrap_or_else(|error| tracing::debug!(%error, filter, "not unsubscribed"));
    }

    /// Shows how the connection, and the MTP over it, are doing.
    fn report(&self, core: &mut Core, (connection, mtp): (&str, &str)) {
        for (row, status) in [(&self.client, connection), (&self.wanted.own, mtp)] {
            let object = row.path(core.store().model());
            core.report(&object, "Status", status);
        }
    }

    fn report_subscriptions(&self, core: &mut Core, status: impl Fn(&str) -> &'static str) {
        for (filter, subscription) in &self.wanted.subscriptions {
            report_subscription(core, &subscription.row, status(filter));
        }
    }
}

impl Connection {
    /// What the rows of the connection and of the MTP say.
    fn read(site: &Site, store: &Store, client: &RowKey, own: &RowKey) -> Self {
        let faults = &site.config.faults;
        let text = |row: &RowKey, name: &str| Some(store.text(row, name).to_owned()).filter(|text| !text.is_empty());
        let version =
            if store.text(client, "ProtocolVersion") == "3.1.1" { MqttVersion::V311 } else { MqttVersion::V5 };
        let clean = if version == MqttVersion::V5 { "CleanStart" } else { "CleanSession" };
        Self {
            version,
            client_id: settings::client_id(store.text(client, "ClientID"), site.rebooted, faults),
            username: text(client, "Username"),
            password: text(client, "Password").filter(|_| !faults.has(Fault::MqttOmitsPassword)),
            keep_alive: u16::try_from(store.number(client, "KeepAliveTime")).unwrap_or(u16::MAX),
            clean_start: store.flag(client, clean),
            request_response_information: store.flag(client, "RequestResponseInfo"),
            response_topic: text(own, "ResponseTopicConfigured")
                .filter(|_| !faults.has(Fault::MqttIgnoresResponseTopicConfigured)),
            publish_qos: u8::try_from(store.number(own, "PublishQoS")).unwrap_or(1),
        }
    }

    fn apply(self, config: &mut MqttAgentConfig) {
        config.version = self.version;
        config.client_id = self.client_id;
        config.username = self.username;
        config.password = self.password;
        config.keep_alive = self.keep_alive;
        config.clean_start = self.clean_start;
        config.request_response_information = self.request_response_information;
        config.response_topic = self.response_topic;
        config.publish_qos = self.publish_qos;
    }
}

/// The end for a connection, when an MTP of the Agent refers to it.
fn describe(site: &Site, store: &Store, client: RowKey) -> Option<(Place, Wanted)> {
    let own = broker::own(store, Protocol::Mqtt, &client)?;
    let host = store.text(&client, "BrokerAddress");
    let port = u16::try_from(store.number(&client, "BrokerPort")).ok().filter(|_| !host.is_empty())?;
    let clear = site.rebooted && site.config.faults.has(Fault::TlsNotUsedAfterReboot);
    let tls = store.text(&client, "TransportProtocol") == "TLS" && !clear;
    let details = below(store, &own, Protocol::Mqtt.name())?;
    let retry = RetryParameters {
        minimum_wait: seconds(store, &client, "ConnectRetryTime"),
        multiplier: number(store, &client, "ConnectRetryIntervalMultiplier"),
        maximum: Some(seconds(store, &client, "ConnectRetryMaxInterval")),
    };
    let wanted = Wanted {
        connection: Connection::read(site, store, &client, &details),
        subscriptions: subscriptions(store, &client),
        retry,
        peers: broker::peers(store, Protocol::Mqtt, "Topic", (&client, &own)),
        own,
    };
    Some((Place { address: Address::tcp(host, port), client, tls }, wanted))
}

fn subscriptions(store: &Store, client: &RowKey) -> BTreeMap<String, Subscription> {
    let table = store.model().find(SUBSCRIPTIONS);
    let rows = table.map(|table| store.rows_of(table, &client.instances)).unwrap_or_default();
    let enabled = rows.into_iter().filter(|row| store.flag(row, "Enable") && !store.text(row, "Topic").is_empty());
    let read = |row: RowKey| {
        let qos = u8::try_from(store.number(&row, "QoS")).unwrap_or(1);
        (store.text(&row, "Topic").to_owned(), Subscription { row, qos })
    };
    enabled.map(read).collect()
}

async fn start_end(
    site: &Site,
    id: EndId,
    place: &Place,
    wanted: &Wanted,
    retry: watch::Receiver<RetryParameters>,
) -> Result<MqttHandle, MtpError> {
    let faults = &site.config.faults;
    let endpoint_id = site.config.endpoint_id.clone();
    let mut config = MqttAgentConfig::new(place.address.clone(), wanted.connection.version, endpoint_id);
    wanted.connection.clone().apply(&mut config);
    let material = || identity::material(site.config.tls.as_ref(), &site.trust.anchors);
    config.tls = place.tls.then(material).transpose()?.map(TlsClient::new);
    config.subscriptions = wanted.subscriptions.iter().map(|(filter, one)| (filter.clone(), one.qos)).collect();
    config.retry = settings::retry(retry, faults, site.config.seed);
    config.behaviour = settings::behaviour(faults);
    let (handle, events) = MqttAgentEnd::start(config, Arc::clone(&site.network)).await?;
    if place.tls {
        site.trust.apply(false, |anchors, any| handle.set_trust(anchors, any));
    }
    site.forward(id, events);
    Ok(handle)
}

fn report_subscription(core: &mut Core, row: &RowKey, status: &str) {
    let object = row.path(core.store().model());
    core.report(&object, "Status", status);
}
