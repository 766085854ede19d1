//! The settings of the Agent that go with an MTP of a profile.
//!
//! One decision behind it: both forms, the parameters for any Agent and the factory-reset file for OB-USP-A, are made from one list of
//! facts, so that neither can say what the other does not.

use std::fmt::Write as _;

use crate::profile::{Broker, Mqtt, MqttVersion, Mtp, Role, Stomp, Transport, Uds, WebSocket};

/// The settings of the Agent that go with a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentSide {
    /// For any Agent: the parameters of its data model, `{i}` for a row that it has or gets.
    pub parameters: Vec<(String, String)>,
    /// For OB-USP-A: a factory-reset file, which it reads into an empty database.
    pub obuspa_reset: String,
    /// The command that starts OB-USP-A with it.
    pub obuspa_command: String,
    /// What else the Agent needs, in sentences.
    pub notes: Vec<String>,
}

/// The Agent's Endpoint ID where nobody has chosen one.
const SOME_AGENT: &str = "proto::my-agent";
/// The Agent's own topic or destination where the profile names none.
const SOME_TOPIC: &str = "usp/agent";
const SOME_DESTINATION: &str = "/queue/usp-agent";

/// The Role that has all permissions in OB-USP-A.
const ALL_PERMISSIONS: &str = "Device.LocalAgent.ControllerTrust.Role.1";

/// The settings for this MTP. `host` is the name or address by which the device reaches us, or the broker.
pub fn agent_side(mtp: &Mtp, controller: &str, eut: Option<&str>, host: &str) -> AgentSide {
    let eut = eut.unwrap_or(SOME_AGENT);
    let facts = facts(mtp, host, eut);
    AgentSide {
        parameters: parameters(&facts, controller),
        obuspa_reset: reset(&facts, mtp, controller),
        obuspa_command: command(mtp, eut),
        notes: notes(mtp, host),
    }
}

/// What must stand in the Agent's data model, in the order in which it is told.
#[derive(Default)]
struct Facts {
    /// The row that describes the connection.
    transport: Option<Connection>,
    /// Of `Device.LocalAgent.MTP.{i}.`.
    agent: Vec<(&'static str, String)>,
    /// Of `Device.LocalAgent.Controller.{i}.MTP.{i}.`.
    controller: Vec<(&'static str, String)>,
}

/// The row that describes a connection.
struct Connection {
    /// Its table.
    table: &'static str,
    parameters: Vec<(&'static str, String)>,
    /// What another Agent may leave at its defaults.
    only_obuspa: Vec<(&'static str, String)>,
}

fn facts(mtp: &Mtp, host: &str, eut: &str) -> Facts {
    match &mtp.transport {
        Transport::WebSocket(it) => web_socket(it, host),
        Transport::Mqtt(it) => mqtt(it, host, eut),
        Transport::Stomp(it) => stomp(it, host),
        Transport::Uds(it) => uds(it),
    }
}

fn web_socket(it: &WebSocket, host: &str) -> Facts {
    let tls = it.tls.is_some().to_string();
    let port = it.address.port.to_string();
    match it.role {
        Role::EutConnects => Facts {
            agent: vec![("Enable", "false".to_owned()), ("Protocol", "WebSocket".to_owned())],
            controller: vec![
                ("Enable", "true".to_owned()),
                ("Protocol", "WebSocket".to_owned()),
                ("WebSocket.Host", host.to_owned()),
                ("WebSocket.Port", port),
                ("WebSocket.Path", it.path.clone()),
                ("WebSocket.EnableEncryption", tls),
                ("WebSocket.KeepAliveInterval", "30".to_owned()),
                ("WebSocket.SessionRetryMinimumWaitInterval", "5".to_owned()),
                ("WebSocket.SessionRetryIntervalMultiplier", "2000".to_owned()),
            ],
            transport: None,
        },
        Role::WeConnect => Facts {
            agent: vec![
                ("Enable", "true".to_owned()),
                ("Protocol", "WebSocket".to_owned()),
                ("WebSocket.Port", port),
                ("WebSocket.Path", it.path.clone()),
                ("WebSocket.EnableEncryption", tls),
                ("WebSocket.KeepAliveInterval", "30".to_owned()),
            ],
            controller: vec![("Enable", "false".to_owned()), ("Protocol", "WebSocket".to_owned())],
            transport: None,
        },
    }
}

fn mqtt(it: &Mqtt, host: &str, eut: &str) -> Facts {
    let v5 = it.version == MqttVersion::V5;
    let mut client = vec![
        ("Enable", "true".to_owned()),
        ("ProtocolVersion", it.version.name().to_owned()),
        ("TransportProtocol", if it.tls.is_some() { "TLS" } else { "TCP/IP" }.to_owned()),
        ("BrokerAddress", host.to_owned()),
        ("BrokerPort", it.address.port.to_string()),
    ];
    client.extend(credentials(it.broker, it.username.as_ref(), it.password.as_ref()));
    client.push(("RequestResponseInfo", v5.to_string()));
    let only_obuspa = settings(&[
        // The broker of MQTT 5.0 assigns one.
        ("ClientID", if v5 { "" } else { eut }),
        ("KeepAliveTime", "60"),
        ("ConnectRetryTime", "5"),
        ("ConnectRetryIntervalMultiplier", "2000"),
        ("ConnectRetryMaxInterval", "60"),
    ]);
    Facts {
        transport: Some(Connection { table: "Device.MQTT.Client.", parameters: client, only_obuspa }),
        agent: vec![
            ("Enable", "true".to_owned()),
            ("Protocol", "MQTT".to_owned()),
            ("MQTT.Reference", "Device.MQTT.Client.".to_owned()),
            ("MQTT.ResponseTopicConfigured", it.agent_topic.clone().unwrap_or_else(|| SOME_TOPIC.to_owned())),
            ("MQTT.PublishQoS", "1".to_owned()),
        ],
        controller: vec![
            ("Enable", "true".to_owned()),
            ("Protocol", "MQTT".to_owned()),
            ("MQTT.Reference", "Device.MQTT.Client.".to_owned()),
            ("MQTT.Topic", it.controller_topic.clone()),
        ],
    }
}

fn stomp(it: &Stomp, host: &str) -> Facts {
    let mut connection = vec![
        ("Enable", "true".to_owned()),
        ("Host", host.to_owned()),
        ("Port", it.address.port.to_string()),
        ("EnableEncryption", it.tls.is_some().to_string()),
    ];
    connection.extend(credentials(it.broker, it.username.as_ref(), it.password.as_ref()));
    connection.push(("VirtualHost", it.virtual_host.clone().unwrap_or_else(|| "/".to_owned())));
    connection.push(("EnableHeartbeats", "true".to_owned()));
    connection.push(("OutgoingHeartbeat", "30000".to_owned()));
    connection.push(("IncomingHeartbeat", "300000".to_owned()));
    let only_obuspa = settings(&[
        ("ServerRetryInitialInterval", "5"),
        ("ServerRetryIntervalMultiplier", "2000"),
        ("ServerRetryMaxInterval", "60"),
    ]);
    let agent = it.agent_destination.clone().unwrap_or_else(|| SOME_DESTINATION.to_owned());
    Facts {
        transport: Some(Connection { table: "Device.STOMP.Connection.", parameters: connection, only_obuspa }),
        agent: vec![
            ("Enable", "true".to_owned()),
            ("Protocol", "STOMP".to_owned()),
            ("STOMP.Reference", "Device.STOMP.Connection.".to_owned()),
            ("STOMP.Destination", agent),
        ],
        controller: vec![
            ("Enable", "true".to_owned()),
            ("Protocol", "STOMP".to_owned()),
            ("STOMP.Reference", "Device.STOMP.Connection.".to_owned()),
            ("STOMP.Destination", it.controller_destination.clone()),
        ],
    }
}

fn uds(it: &Uds) -> Facts {
    let mode = match it.role {
        Role::EutConnects => "Connect",
        Role::WeConnect => "Listen",
    };
    let socket = vec![("Mode", mode.to_owned()), ("Path", it.path.display().to_string())];
    let row = || {
        vec![
            ("Enable", "true".to_owned()),
            ("Protocol", "UDS".to_owned()),
            ("UDS.UnixDomainSocketRef", "Device.UnixDomainSockets.UnixDomainSocket.".to_owned()),
        ]
    };
    let only_obuspa = settings(&[("AuthRequired", "false"), ("RegistrationRestricted", "false")]);
    Facts {
        transport: Some(Connection {
            table: "Device.UnixDomainSockets.UnixDomainSocket.",
            parameters: socket,
            only_obuspa,
        }),
        agent: row(),
        controller: row(),
    }
}

fn settings(all: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    all.iter().map(|(name, value)| (*name, (*value).to_owned())).collect()
}

/// At our own broker without a user name any name will do. Beside us there is a broker whose users only the lab knows.
fn credentials(broker: Broker, username: Option<&String>, password: Option<&String>) -> [(&'static str, String); 2] {
    let anybody = if broker == Broker::BuiltIn { "agent" } else { "" };
    let name = username.cloned().unwrap_or_else(|| anybody.to_owned());
    [("Username", name), ("Password", password.cloned().unwrap_or_else(|| anybody.to_owned()))]
}

/// A parameter that refers to a row of the connection's table.
fn is_reference(name: &str) -> bool {
    name.ends_with("Reference") || name.ends_with("Ref")
}

fn parameters(facts: &Facts, controller: &str) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let value = |name: &str, value: &str| if is_reference(name) { format!("{value}{{i}}") } else { value.to_owned() };
    if let Some(Connection { table, parameters, .. }) = &facts.transport {
        all.extend(parameters.iter().map(|(name, it)| (format!("{table}{{i}}.{name}"), it.clone())));
    }
    // A row that is switched off is there for OB-USP-A alone.
    let on = |row: &[(&str, String)]| !row.iter().any(|(name, value)| *name == "Enable" && value == "false");
    let agent = facts.agent.iter().filter(|_| on(&facts.agent));
    all.extend(agent.map(|(name, it)| (format!("Device.LocalAgent.MTP.{{i}}.{name}"), value(name, it))));
    let ours = "Device.LocalAgent.Controller.{i}.";
    all.push((format!("{ours}EndpointID"), controller.to_owned()));
    all.push((format!("{ours}Enable"), "true".to_owned()));
    let role = "(a Role that has every permission)".to_owned();
    all.push((format!("{ours}AssignedRole"), role));
    let theirs = facts.controller.iter().filter(|_| on(&facts.controller));
    all.extend(theirs.map(|(name, it)| (format!("{ours}MTP.{{i}}.{name}"), value(name, it))));
    all
}

fn reset(facts: &Facts, mtp: &Mtp, controller: &str) -> String {
    let mut text = format!("# Data model of an empty database, for the MTP {} of uspec.\n", mtp.name);
    let mut line = |path: &str, value: &str| {
        if value.chars().any(|c| c == '"' || c.is_control()) {
            // The format has no way to write it.
            let _ = writeln!(text, "# {path}: set this one by hand, its value cannot stand here");
        } else {
            let _ = writeln!(text, "{path} \"{value}\"");
        }
    };
    let value = |name: &str, value: &str| if is_reference(name) { format!("{value}1") } else { value.to_owned() };
    if let Some(Connection { table, parameters, only_obuspa }) = &facts.transport {
        line(&format!("{table}1.Alias"), "cpe-1");
        for (name, it) in parameters {
            line(&format!("{table}1.{name}"), it);
        }
        for (name, it) in only_obuspa {
            line(&format!("{table}1.{name}"), it);
        }
    }
    line("Device.LocalAgent.MTP.1.Alias", "cpe-1");
    for (name, it) in &facts.agent {
        line(&format!("Device.LocalAgent.MTP.1.{name}"), &value(name, it));
    }
    let ours = "Device.LocalAgent.Controller.1.";
    for (name, it) in [
        ("EndpointID", controller),
        ("Alias", "cpe-1"),
        ("Enable", "true"),
        ("AssignedRole", ALL_PERMISSIONS),
        ("PeriodicNotifInterval", "86400"),
        ("PeriodicNotifTime", "0001-01-01T00:00:00Z"),
        ("USPNotifRetryMinimumWaitInterval", "5"),
        ("USPNotifRetryIntervalMultiplier", "2000"),
        ("ControllerCode", ""),
        ("MTP.1.Alias", "cpe-1"),
    ] {
        line(&format!("{ours}{name}"), it);
    }
    for (name, it) in &facts.controller {
        line(&format!("{ours}MTP.1.{name}"), &value(name, it));
    }
    line("Internal.Reboot.Cause", "LocalFactoryReset");
    text
}

fn notes(mtp: &Mtp, host: &str) -> Vec<String> {
    let mut notes = Vec::new();
    if mtp.transport.tls().is_some() {
        let need = "The Agent needs a certificate and key of its own (OB-USP-A: both in one file, agent-both.pem), and must trust that of \
            uspec (ca.pem). `uspec pki` writes all of them.";
        notes.push(need.to_owned());
        let is_address = host.parse::<std::net::IpAddr>().is_ok();
        if is_address && matches!(mtp.transport, Transport::Mqtt(_) | Transport::Stomp(_)) {
            notes.push(format!(
                "OB-USP-A refuses a certificate by an address over {}: give --host a DNS name in place of {host}.",
                mtp.kind().to_uppercase()
            ));
        }
    }
    notes
}

fn command(mtp: &Mtp, eut: &str) -> String {
    let tls = if mtp.transport.tls().is_some() { " -t ca.pem -a agent-both.pem" } else { "" };
    // As Service it connects; without the option it listens at the path.
    let service = matches!(&mtp.transport, Transport::Uds(it) if it.role == Role::EutConnects);
    let service = if service { " -R \"\"" } else { "" };
    let command =
        format!("USP_ENDPOINT_ID={eut} obuspa -p -v 2 -i lo -f usp.db -s cli.sock -r factory-reset.txt{tls}{service}");
    // It ends with 0 after Device.Reboot() and Device.FactoryReset().
    format!("while {command}; do sleep 0.2; done")
}
