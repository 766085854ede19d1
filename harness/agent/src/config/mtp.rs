//! Where Controllers are, and how the Agent gets there, one kind for each MTP.

use serde::{Deserialize, Serialize};

/// Where a Controller's WebSocket server is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebSocketTarget {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Path of the resource, starting with `/`.
    pub path: String,
    /// Whether TLS is used.
    pub tls: bool,
    /// Seconds between Pings (R-WS.18).
    pub keep_alive: u32,
}

impl Default for WebSocketTarget {
    fn default() -> Self {
        Self { host: "localhost".to_owned(), port: 8080, path: "/usp".to_owned(), tls: false, keep_alive: 60 }
    }
}

/// Where the Agent's own WebSocket server is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ListenConfig {
    /// Address to bind to.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Path of the resource, starting with `/`.
    pub path: String,
    /// Whether TLS is used.
    pub tls: bool,
    /// Seconds between Pings.
    pub keep_alive: u32,
}

impl Default for ListenConfig {
    fn default() -> Self {
        Self { host: "127.0.0.1".to_owned(), port: 8443, path: "/usp".to_owned(), tls: false, keep_alive: 60 }
    }
}

/// The MQTT server that a Controller uses, and the topics of both sides. Controllers with the same server, user and client identifier
/// share one connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MqttTarget {
    /// Host name or address of the server.
    pub host: String,
    /// TCP port of the server.
    pub port: u16,
    /// Whether TLS is used.
    pub tls: bool,
    /// The version of MQTT.
    pub version: MqttVersion,
    /// The client identifier; the server assigns one, or the Endpoint ID is used, when it is empty (R-MQTT.8).
    pub client_id: String,
    /// User name; none is sent when it is empty (R-MQTT.7).
    pub username: String,
    /// Password; none is sent when it is empty.
    pub password: String,
    /// The Controller's own topic, to which Notifications go.
    pub topic: String,
    /// What the Agent subscribes to.
    pub subscriptions: Vec<MqttSubscription>,
    /// The topic at which the Agent is reached (`ResponseTopicConfigured`), when it is none of the subscriptions and the server names none.
    pub response_topic: String,
    /// Quality of service of what the Agent publishes: 0, 1 or 2.
    pub publish_qos: u8,
    /// Seconds without a packet after which the Agent pings the server; 0 for never (R-MQTT.14).
    pub keep_alive: u16,
    /// Whether the server is to forget what it still has of the last connection.
    pub clean_start: bool,
    /// Whether the server is asked for the topic at which the Agent is reached (R-MQTT.12).
    pub request_response_information: bool,
    /// Seconds before the first retry.
    pub retry_time: u32,
}

impl Default for MqttTarget {
    fn default() -> Self {
        Self {
            host: "localhost".to_owned(),
            port: 1883,
            tls: false,
            version: MqttVersion::default(),
            client_id: String::new(),
            username: String::new(),
            password: String::new(),
            topic: "usp/controller".to_owned(),
            subscriptions: Vec::new(),
            response_topic: String::new(),
            publish_qos: 1,
            keep_alive: 60,
            clean_start: true,
            request_response_information: true,
            retry_time: 5,
        }
    }
}

/// A topic filter that the Agent subscribes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MqttSubscription {
    /// The filter.
    pub topic: String,
    /// Highest quality of service: 0, 1 or 2.
    pub qos: u8,
}

impl Default for MqttSubscription {
    fn default() -> Self {
        Self { topic: String::new(), qos: 1 }
    }
}

/// A version of MQTT.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum MqttVersion {
    /// 3.1.1
    #[serde(rename = "3.1.1")]
    V311,
    /// 5.0
    #[default]
    #[serde(rename = "5.0")]
    V5,
}

impl MqttVersion {
    /// The value of `ProtocolVersion`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::V311 => "3.1.1",
            Self::V5 => "5.0",
        }
    }
}

/// The STOMP server that a Controller uses, and the destinations of both sides. Controllers with the same server, user and virtual host
/// share one connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StompTarget {
    /// Host name or address of the server.
    pub host: String,
    /// TCP port of the server.
    pub port: u16,
    /// Whether TLS is used.
    pub tls: bool,
    /// User name; none is sent when it is empty (R-STOMP.3).
    pub username: String,
    /// Password; none is sent when it is empty.
    pub password: String,
    /// The virtual host; the server's host when it is empty (R-STOMP.5).
    pub virtual_host: String,
    /// The Controller's own destination, to which Notifications go.
    pub destination: String,
    /// The Agent's own destination; the server is expected to name one when it is empty (R-STOMP.6).
    pub agent_destination: String,
    /// Milliseconds between heart-beats, those of the Agent and those of the server; without it there are none (R-STOMP.9).
    pub heartbeat: Option<(u32, u32)>,
    /// Seconds before the first retry.
    pub retry_time: u32,
}

impl Default for StompTarget {
    fn default() -> Self {
        Self {
            host: "localhost".to_owned(),
            port: 61613,
            tls: false,
            username: String::new(),
            password: String::new(),
            virtual_host: String::new(),
            destination: "/usp/controller".to_owned(),
            agent_destination: String::new(),
            heartbeat: None,
            retry_time: 60,
        }
    }
}

/// The UNIX domain socket on which a Controller accepts connections.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UdsTarget {
    /// Its path in the file system.
    pub path: String,
}

/// The UNIX domain socket on which the Agent accepts connections.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UdsListenConfig {
    /// Its path in the file system.
    pub path: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::AgentConfig;

    #[test]
    fn the_example_says_everything() {
        let config: AgentConfig =
            serde_yaml::from_str(include_str!("../../../../fixtures/agent/every-mtp.yaml")).unwrap();
        assert_eq!(config.protocols().len(), 4);
        assert_eq!(config.listen, Some(ListenConfig::default()));
        let controller = &config.controllers[0];
        assert_eq!(controller.websocket, Some(WebSocketTarget::default()));
        let mqtt = controller.mqtt.clone().unwrap();
        let own = MqttTarget {
            username: mqtt.username.clone(),
            password: mqtt.password.clone(),
            subscriptions: mqtt.subscriptions.clone(),
            response_topic: mqtt.response_topic.clone(),
            ..MqttTarget::default()
        };
        assert_eq!(mqtt, own);
    }

    #[test]
    fn every_mtp_can_be_written_in_yaml() {
        let text = r#"
controllers:
  - endpoint_id: self::c
    mqtt:
      {host: broker, version: "3.1.1", tls: true, topic: usp/c, subscriptions: [{topic: usp/a/#}], response_topic: usp/a}
    stomp: {host: broker, destination: /c, agent_destination: /a, heartbeat: [15000, 10000]}
    uds: {path: /run/controller}
listen_uds: {path: /run/agent}
"#;
        let config: AgentConfig = serde_yaml::from_str(text).unwrap();
        let controller = &config.controllers[0];
        let mqtt = controller.mqtt.as_ref().unwrap();
        assert_eq!((mqtt.version, mqtt.port, mqtt.keep_alive), (MqttVersion::V311, 1883, 60));
        assert_eq!((mqtt.subscriptions[0].topic.as_str(), mqtt.subscriptions[0].qos), ("usp/a/#", 1));
        assert_eq!(controller.stomp.as_ref().unwrap().heartbeat, Some((15000, 10000)));
        assert_eq!(controller.uds.as_ref().unwrap().path, "/run/controller");
        let back: AgentConfig = serde_json::from_str(&serde_json::to_string(&config).unwrap()).unwrap();
        assert_eq!(back, config);
        assert!(serde_yaml::from_str::<MqttTarget>("{version: \"3.1\"}").is_err());
    }
}
