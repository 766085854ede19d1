//! The reference Agent's configuration, as it mirrors one MTP of a profile.

use uspec_agent::{
    AgentConfig, ControllerConfig, FaultSet, ListenConfig, MqttSubscription, MqttTarget, MqttVersion, StompTarget,
    UdsListenConfig, UdsTarget, WebSocketTarget,
};
use uspec_testplan::profile::{self, EutProfile, Mqtt, Mtp, Role, Stomp, Transport, Uds, WebSocket};

/// Where the Agent is reached over a broker, when the profile does not say.
const AGENT_TOPIC: &str = "usp/agent";

/// The user name and password that the Agent has where the profile demands none: cases look for them in its CONNECT.
const CREDENTIALS: (&str, &str) = ("uspec-agent", "open sesame");

/// An Agent that has this MTP alone.
pub fn agent_config(profile: &EutProfile, mtp: &Mtp, faults: FaultSet) -> AgentConfig {
    let mut config = AgentConfig { faults, start_time: jiff::Timestamp::now(), ..AgentConfig::default() };
    if let Some(id) = &profile.eut_endpoint_id {
        config.endpoint_id.clone_from(id);
    }
    let mut controller =
        ControllerConfig { endpoint_id: profile.controller_endpoint_id.clone(), ..ControllerConfig::default() };
    match &mtp.transport {
        Transport::WebSocket(it) => web_socket(&mut config, &mut controller, it),
        Transport::Mqtt(it) => controller.mqtt = Some(mqtt(it)),
        Transport::Stomp(it) => controller.stomp = Some(stomp(it)),
        Transport::Uds(it) => uds(&mut config, &mut controller, it),
    }
    config.controllers.push(controller);
    config
}

fn web_socket(config: &mut AgentConfig, controller: &mut ControllerConfig, it: &WebSocket) {
    let (host, port, path, tls) = (it.address.host.clone(), it.address.port, it.path.clone(), it.tls.is_some());
    match it.role {
        Role::EutConnects => {
            controller.websocket = Some(WebSocketTarget { host, port, path, tls, ..WebSocketTarget::default() });
        }
        Role::WeConnect => config.listen = Some(ListenConfig { host, port, path, tls, ..ListenConfig::default() }),
    }
}

fn mqtt(it: &Mqtt) -> MqttTarget {
    let topic = it.agent_topic.clone().unwrap_or_else(|| AGENT_TOPIC.to_owned());
    // A client of 3.1.1 gets its Records at its topic with the sender's own behind it (R-MQTT.24).
    let (version, filter) = match it.version {
        profile::MqttVersion::V5 => (MqttVersion::V5, topic.clone()),
        profile::MqttVersion::V311 => (MqttVersion::V311, format!("{topic}/#")),
    };
    let (username, password) = credentials(it.username.as_ref(), it.password.as_ref());
    MqttTarget {
        host: it.address.host.clone(),
        port: it.address.port,
        tls: it.tls.is_some(),
        version,
        username,
        password,
        topic: it.controller_topic.clone(),
        subscriptions: vec![MqttSubscription { topic: filter, qos: 1 }],
        response_topic: topic,
        ..MqttTarget::default()
    }
}

fn stomp(it: &Stomp) -> StompTarget {
    let (username, password) = credentials(it.username.as_ref(), it.password.as_ref());
    StompTarget {
        host: it.address.host.clone(),
        port: it.address.port,
        tls: it.tls.is_some(),
        username,
        password,
        virtual_host: it.virtual_host.clone().unwrap_or_default(),
        destination: it.controller_destination.clone(),
        agent_destination: it.agent_destination.clone().unwrap_or_else(|| AGENT_TOPIC.to_owned()),
        ..StompTarget::default()
    }
}

fn uds(config: &mut AgentConfig, controller: &mut ControllerConfig, it: &Uds) {
    let path = it.path.display().to_string();
    match it.role {
        Role::EutConnects => controller.uds = Some(UdsTarget { path }),
        Role::WeConnect => config.listen_uds = Some(UdsListenConfig { path }),
    }
}

fn credentials(username: Option<&String>, password: Option<&String>) -> (String, String) {
    match username {
        Some(name) => (name.clone(), password.cloned().unwrap_or_default()),
        None => (CREDENTIALS.0.to_owned(), CREDENTIALS.1.to_owned()),
    }
}
