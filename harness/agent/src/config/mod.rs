//! What a reference Agent is started with.

mod mtp;

pub use mtp::{
    ListenConfig, MqttSubscription, MqttTarget, MqttVersion, StompTarget, UdsListenConfig, UdsTarget, WebSocketTarget,
};

use crate::faults::FaultSet;
use crate::model::{Protocol, Protocols};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;

/// The configuration of an Agent. Everything has a default except the Controllers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AgentConfig {
    /// The Agent's Endpoint ID.
    pub endpoint_id: String,
    /// The Controllers that the Agent knows from the factory; all have full access.
    pub controllers: Vec<ControllerConfig>,
    /// Where the Agent accepts WebSocket connections, if anywhere (R-WS.6).
    pub listen: Option<ListenConfig>,
    /// Where the Agent accepts connections over a UNIX domain socket, if anywhere (R-UDS.2).
    pub listen_uds: Option<UdsListenConfig>,
    /// Certificate, key and trust for connections with TLS.
    pub tls: Option<TlsIdentity>,
    /// What `Device.DeviceInfo.` says.
    pub identity: Identity,
    /// Where state lives between restarts.
    pub persistence: Persistence,
    /// The faults that are on.
    pub faults: FaultSet,
    /// The time of day at which the Agent's clock starts.
    pub start_time: jiff::Timestamp,
    /// How long a reboot takes, in milliseconds.
    pub reboot_ms: u64,
    /// Seed of the random choices (retry intervals), so that a run can be repeated.
    pub seed: u64,
}

impl AgentConfig {
    /// How long a reboot takes.
    pub fn reboot_time(&self) -> Duration {
        Duration::from_millis(self.reboot_ms)
    }

    /// The MTPs that the Agent has: those that something in the configuration is for, and WebSocket when there is nothing else.
    pub fn protocols(&self) -> Protocols {
        let mut found = Protocols::new();
        found.extend(self.listen.as_ref().map(|_| Protocol::WebSocket));
        found.extend(self.listen_uds.as_ref().map(|_| Protocol::Uds));
        for controller in &self.controllers {
            found.extend(controller.websocket.as_ref().map(|_| Protocol::WebSocket));
            found.extend(controller.stomp.as_ref().map(|_| Protocol::Stomp));
            found.extend(controller.mqtt.as_ref().map(|_| Protocol::Mqtt));
            found.extend(controller.uds.as_ref().map(|_| Protocol::Uds));
        }
        if found.is_empty() {
            found.insert(Protocol::WebSocket);
        }
        found
    }
}

impl Default for AgentConfig {
    fn default() -> Self {
        Self {
            endpoint_id: "proto::uspec-agent".to_owned(),
            controllers: Vec::new(),
            listen: None,
            listen_uds: None,
            tls: None,
            identity: Identity::default(),
            persistence: Persistence::default(),
            faults: FaultSet::default(),
            start_time: jiff::Timestamp::UNIX_EPOCH,
            reboot_ms: 1000,
            seed: 1,
        }
    }
}

/// A Controller from the factory, and how the Agent reaches it: over any number of MTPs. Without any it is expected to connect.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ControllerConfig {
    /// Its Endpoint ID.
    pub endpoint_id: String,
    /// Where the Agent connects to it over WebSocket.
    pub websocket: Option<WebSocketTarget>,
    /// The MQTT server over which the Agent reaches it.
    pub mqtt: Option<MqttTarget>,
    /// The STOMP server over which the Agent reaches it.
    pub stomp: Option<StompTarget>,
    /// The UNIX domain socket on which it accepts the Agent's connections.
    pub uds: Option<UdsTarget>,
}

/// What the Agent shows over TLS, and whom it trusts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsIdentity {
    /// The Agent's certificate, followed by its intermediates.
    pub certificate: Pem,
    /// Its key.
    pub key: Pem,
    /// The trust anchors, one or more: certificates of authorities or of single Controllers.
    pub trust: Option<Pem>,
}

/// One or more PEM sections (RFC 7468).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pem {
    /// In a file.
    File(PathBuf),
    /// The text itself, so that nothing has to be written for an Agent that runs in memory.
    Text(String),
}

/// What the device says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Identity {
    /// `Manufacturer`.
    pub manufacturer: String,
    /// `ManufacturerOUI`, six upper-case hexadecimal digits.
    pub oui: String,
    /// `ProductClass`.
    pub product_class: String,
    /// `SerialNumber`.
    pub serial_number: String,
    /// `ModelName`.
    pub model_name: String,
    /// `ModelNumber`.
    pub model_number: String,
    /// `HardwareVersion`.
    pub hardware_version: String,
    /// `SoftwareVersion`.
    pub software_version: String,
}

impl Default for Identity {
    fn default() -> Self {
        Self {
            manufacturer: "uspec".to_owned(),
            oui: "0ABCDE".to_owned(),
            product_class: "ReferenceAgent".to_owned(),
            serial_number: "1".to_owned(),
            model_name: "uspec reference Agent".to_owned(),
            model_number: "1".to_owned(),
            hardware_version: "1".to_owned(),
            software_version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

/// Where state lives between restarts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Persistence {
    /// In the running process: it survives Reboot(), not the end of the process.
    #[default]
    Memory,
    /// In a JSON file.
    File(PathBuf),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::Fault;
    use rstest::rstest;

    fn read(text: &str) -> AgentConfig {
        serde_yaml::from_str(text).unwrap()
    }

    #[test]
    fn a_configuration_is_read_from_yaml_and_says_only_what_differs() {
        let text = "endpoint_id: self::a\ncontrollers:\n  - endpoint_id: self::c\n    websocket: {host: h, port: 81}\nfaults: [get-not-answered]\npersistence: {file: state.json}\n";
        let config = read(text);
        assert!(config.faults.has(Fault::GetNotAnswered));
        assert_eq!(config.persistence, Persistence::File(PathBuf::from("state.json")));
        assert_eq!(config.controllers[0].websocket.as_ref().unwrap().path, "/usp");
        let back: AgentConfig = serde_json::from_str(&serde_json::to_string(&config).unwrap()).unwrap();
        assert_eq!(back, config);
        assert!(serde_yaml::from_str::<AgentConfig>("faults: [no-such-fault]").is_err());
        assert!(serde_yaml::from_str::<AgentConfig>("typo: 1").is_err());
    }

    #[rstest]
    #[case("{}", &[Protocol::WebSocket])]
    #[case("controllers: [{endpoint_id: self::c}]", &[Protocol::WebSocket])]
    #[case("controllers: [{endpoint_id: self::c, mqtt: {host: h}}]", &[Protocol::Mqtt])]
    #[case("controllers: [{endpoint_id: self::c, stomp: {host: h}, uds: {path: /p}}]", &[Protocol::Stomp, Protocol::Uds])]
    #[case("listen_uds: {path: /p}", &[Protocol::Uds])]
    #[case("{listen: {port: 1}, listen_uds: {path: /p}}", &[Protocol::WebSocket, Protocol::Uds])]
    fn an_agent_has_the_mtps_that_are_configured(#[case] text: &str, #[case] expected: &[Protocol]) {
        assert_eq!(read(text).protocols().into_iter().collect::<Vec<_>>(), expected);
    }
}
