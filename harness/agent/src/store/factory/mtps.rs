//! The rows of the MTPs that the configuration names. What several Controllers share is there once.

use super::{RowKey, Store, add, set_below};
use crate::config::{AgentConfig, ControllerConfig, ListenConfig, MqttTarget, StompTarget, UdsTarget, WebSocketTarget};
use crate::model::Protocol;

/// The Agent's own MTPs.
const OWN: &str = "Device.LocalAgent.MTP.{i}.";
/// The MTPs of a Controller.
const ITS: &str = "Device.LocalAgent.Controller.{i}.MTP.{i}.";
/// The connections to MQTT servers.
const CLIENTS: &str = "Device.MQTT.Client.{i}.";
/// The connections to STOMP servers.
const CONNECTIONS: &str = "Device.STOMP.Connection.{i}.";
/// The UNIX domain sockets.
const SOCKETS: &str = "Device.UnixDomainSockets.UnixDomainSocket.{i}.";

/// What is said of sessions, and how it is without any.
const IDLE: [(&str, &str, &str); 7] = [
    (OWN, "Status", "Down"),
    (CLIENTS, "Status", "Disabled"),
    (CLIENTS, "ResponseInformation", ""),
    ("Device.MQTT.Client.{i}.Subscription.{i}.", "Status", "Unsubscribed"),
    (CONNECTIONS, "Status", "Disabled"),
    ("Device.LocalAgent.MTP.{i}.MQTT.", "ResponseTopicDiscovered", ""),
    ("Device.LocalAgent.MTP.{i}.STOMP.", "DestinationFromServer", ""),
];

/// Forgets the sessions that there were before the Agent boots.
pub(super) fn idle(store: &mut Store) {
    for (table, name, value) in IDLE {
        for row in store.all_of(table) {
            if store.text(&row, name) != value {
                store.set(&row, name, value);
            }
        }
    }
}

/// The Agent's own ends for what does not depend on a Controller: its servers.
pub(super) fn own(store: &mut Store, config: &AgentConfig) {
    if config.protocols().contains(&Protocol::WebSocket) {
        websocket_server(store, config.listen.as_ref());
    }
    if let Some(listen) = &config.listen_uds {
        socket(store, &listen.path, "Listen");
    }
}

/// How a Controller is reached, in the order of preference.
pub(super) fn of_controller(store: &mut Store, config: &AgentConfig, controller: &ControllerConfig, row: &RowKey) {
    let ControllerConfig { endpoint_id: _, websocket, mqtt, stomp, uds } = controller;
    let reached = websocket.is_some() || mqtt.is_some() || stomp.is_some() || uds.is_some();
    if let Some(target) = websocket {
        let mtp = its(store, row, Protocol::WebSocket);
        websocket_client(store, &mtp, target);
    }
    if let Some(target) = mqtt {
        let own = mqtt_client(store, target);
        let client = reference(store, &own, Protocol::Mqtt);
        let mtp = its(store, row, Protocol::Mqtt);
        let own = own.reference(store.model());
        let values = [("Topic", target.topic.as_str()), ("AgentMTPReference", &own), ("Reference", &client)];
        set_below(store, &mtp, Protocol::Mqtt.name(), &values);
    }
    if let Some(target) = stomp {
        let own = stomp_connection(store, target);
        let connection = reference(store, &own, Protocol::Stomp);
        let mtp = its(store, row, Protocol::Stomp);
        let values = [("Destination", target.destination.as_str()), ("Reference", &connection)];
        set_below(store, &mtp, Protocol::Stomp.name(), &values);
    }
    if let Some(UdsTarget { path }) = uds {
        let socket = socket(store, path, "Connect");
        let mtp = its(store, row, Protocol::Uds);
        set_below(store, &mtp, Protocol::Uds.name(), &[("UnixDomainSocketRef", &socket)]);
    }
    match &config.listen_uds {
        Some(listen) if !reached => {
            let socket = socket(store, &listen.path, "Listen");
            let mtp = its(store, row, Protocol::Uds);
            set_below(store, &mtp, Protocol::Uds.name(), &[("UnixDomainSocketRef", &socket)]);
        }
        None if !reached && config.protocols().contains(&Protocol::WebSocket) => {
            its(store, row, Protocol::WebSocket);
        }
        _ => {}
    }
}

/// A row of a Controller for that MTP, the least preferred so far.
fn its(store: &mut Store, controller: &RowKey, protocol: Protocol) -> RowKey {
    let known = store.model().find(ITS).map_or(0, |table| store.rows_of(table, &controller.instances).len());
    let order = known.saturating_add(1).to_string();
    let values = [("Enable", "true"), ("Protocol", protocol.name()), ("Order", &order)];
    add(store, ITS, &controller.instances, &values)
}

/// The row of the Agent for that MTP whose Object below it refers to `target`, which is made when there is none.
fn own_row(store: &mut Store, protocol: Protocol, (name, target): (&str, &str)) -> (RowKey, bool) {
    let refers = |row: &RowKey| {
        below(store, row, protocol).is_some_and(|below| !target.is_empty() && store.text(&below, name) == target)
    };
    if let Some(known) = store.all_of(OWN).into_iter().find(refers) {
        return (known, false);
    }
    let row = add(store, OWN, &[], &[("Enable", "true"), ("Protocol", protocol.name())]);
    set_below(store, &row, protocol.name(), &[(name, target)]);
    (row, true)
}

fn below(store: &Store, row: &RowKey, protocol: Protocol) -> Option<RowKey> {
    let object = store.model().child(row.object, protocol.name())?;
    Some(RowKey { object, instances: row.instances.clone() })
}

/// What a row of the Agent refers to.
fn reference(store: &Store, own: &RowKey, protocol: Protocol) -> String {
    below(store, own, protocol).map(|below| store.text(&below, "Reference").to_owned()).unwrap_or_default()
}

/// The row with all these values; whether it had to be made.
fn shared(store: &mut Store, table: &str, values: &[(&str, &str)]) -> (RowKey, bool) {
    let same = |row: &RowKey| values.iter().all(|(name, value)| store.text(row, name) == *value);
    match store.all_of(table).into_iter().find(same) {
        Some(known) => (known, false),
        None => (add(store, table, &[], values), true),
    }
}

/// In use when the Agent listens, there and switched off when it only connects.
fn websocket_server(store: &mut Store, listen: Option<&ListenConfig>) {
    let (enable, status) = if listen.is_some() { ("true", "Up") } else { ("false", "Down") };
    let row = add(store, OWN, &[], &[("Enable", enable), ("Protocol", "WebSocket"), ("Status", status)]);
    let off = ListenConfig::default();
    let listen = listen.unwrap_or(&off);
    let (port, tls, keep_alive) = (listen.port.to_string(), listen.tls.to_string(), listen.keep_alive.to_string());
    let values = [
        ("Port", port.as_str()),
        ("Path", &listen.path),
        ("EnableEncryption", &tls),
        ("KeepAliveInterval", &keep_alive),
    ];
    set_below(store, &row, "WebSocket", &values);
}

fn websocket_client(store: &mut Store, mtp: &RowKey, target: &WebSocketTarget) {
    let WebSocketTarget { host, port, path, tls, keep_alive } = target;
    let (port, tls, keep_alive) = (port.to_string(), tls.to_string(), keep_alive.to_string());
    let values = [
        ("Host", host.as_str()),
        ("Port", &port),
        ("Path", path),
        ("EnableEncryption", &tls),
        ("KeepAliveInterval", &keep_alive),
    ];
    set_below(store, mtp, "WebSocket", &values);
}

/// The Agent's row for the connection that `target` describes.
fn mqtt_client(store: &mut Store, target: &MqttTarget) -> RowKey {
    let port = target.port.to_string();
    let values = [
        ("Enable", "true"),
        ("ProtocolVersion", target.version.name()),
        ("BrokerAddress", target.host.as_str()),
        ("BrokerPort", &port),
        ("TransportProtocol", if target.tls { "TLS" } else { "TCP/IP" }),
        ("ClientID", &target.client_id),
        ("Username", &target.username),
        ("Password", &target.password),
    ];
    let (client, is_new) = shared(store, CLIENTS, &values);
    if is_new {
        let clean = target.clean_start.to_string();
        store.set(&client, "CleanSession", clean.clone());
        store.set(&client, "CleanStart", clean);
        store.set(&client, "KeepAliveTime", target.keep_alive.to_string());
        store.set(&client, "RequestResponseInfo", target.request_response_information.to_string());
        store.set(&client, "ConnectRetryTime", target.retry_time.to_string());
    }
    let table = "Device.MQTT.Client.{i}.Subscription.{i}.";
    for subscription in &target.subscriptions {
        let rows = store.model().find(table).map(|table| store.rows_of(table, &client.instances)).unwrap_or_default();
        if rows.iter().all(|row| store.text(row, "Topic") != subscription.topic) {
            let qos = subscription.qos.to_string();
            let values = [("Enable", "true"), ("Topic", subscription.topic.as_str()), ("QoS", &qos)];
            add(store, table, &client.instances, &values);
        }
    }
    let client = client.reference(store.model());
    let (own, is_new) = own_row(store, Protocol::Mqtt, ("Reference", &client));
    if is_new {
        let qos = target.publish_qos.to_string();
        let values = [("ResponseTopicConfigured", target.response_topic.as_str()), ("PublishQoS", &qos)];
        set_below(store, &own, Protocol::Mqtt.name(), &values);
    }
    own
}

/// The Agent's row for the connection that `target` describes.
fn stomp_connection(store: &mut Store, target: &StompTarget) -> RowKey {
    let (port, tls) = (target.port.to_string(), target.tls.to_string());
    let values = [
        ("Enable", "true"),
        ("Host", target.host.as_str()),
        ("Port", &port),
        ("EnableEncryption", &tls),
        ("Username", &target.username),
        ("Password", &target.password),
        ("VirtualHost", &target.virtual_host),
    ];
    let (connection, is_new) = shared(store, CONNECTIONS, &values);
    if is_new {
        let (outgoing, incoming) = target.heartbeat.unwrap_or((0, 0));
        store.set(&connection, "EnableHeartbeats", target.heartbeat.is_some().to_string());
        store.set(&connection, "OutgoingHeartbeat", outgoing.to_string());
        store.set(&connection, "IncomingHeartbeat", incoming.to_string());
        store.set(&connection, "ServerRetryInitialInterval", target.retry_time.to_string());
    }
    let connection = connection.reference(store.model());
    let (own, is_new) = own_row(store, Protocol::Stomp, ("Reference", &connection));
    if is_new {
        set_below(store, &own, Protocol::Stomp.name(), &[("Destination", &target.agent_destination)]);
    }
    own
}

/// The reference to the socket at `path`, which has a row of the Agent.
fn socket(store: &mut Store, path: &str, mode: &str) -> String {
    let (socket, _) = shared(store, SOCKETS, &[("Mode", mode), ("Path", path)]);
    let socket = socket.reference(store.model());
    own_row(store, Protocol::Uds, ("UnixDomainSocketRef", &socket));
    socket
}
