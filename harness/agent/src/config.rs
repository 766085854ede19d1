//! What a reference Agent is started with.

use crate::faults::FaultSet;
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
}

impl Default for AgentConfig {
    fn default() -> Self {
        Self {
            endpoint_id: "proto::uspec-agent".to_owned(),
            controllers: Vec::new(),
            listen: None,
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

/// A Controller from the factory.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ControllerConfig {
    /// Its Endpoint ID.
    pub endpoint_id: String,
    /// Where the Agent connects to it over WebSocket; without it the Controller is expected to connect.
    pub websocket: Option<WebSocketTarget>,
}

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

    #[test]
    fn a_configuration_is_read_from_yaml_and_says_only_what_differs() {
        let text = "endpoint_id: self::a\ncontrollers:\n  - endpoint_id: self::c\n    websocket: {host: h, port: 81}\nfaults: [get-not-answered]\npersistence: {file: state.json}\n";
        let config: AgentConfig = serde_yaml::from_str(text).unwrap();
        assert!(config.faults.has(Fault::GetNotAnswered));
        assert_eq!(config.persistence, Persistence::File(PathBuf::from("state.json")));
        assert_eq!(config.controllers[0].websocket.as_ref().unwrap().path, "/usp");
        let back: AgentConfig = serde_json::from_str(&serde_json::to_string(&config).unwrap()).unwrap();
        assert_eq!(back, config);
        assert!(serde_yaml::from_str::<AgentConfig>("faults: [no-such-fault]").is_err());
        assert!(serde_yaml::from_str::<AgentConfig>("typo: 1").is_err());
    }
}
