//! The MTPs of an EUT profile as written.

use std::{borrow::Cow, path::PathBuf};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use crate::profile::{Broker, MqttVersion, Role};

/// A place in the network.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(in crate::profile) struct AddressText(pub(in crate::profile) String);

impl JsonSchema for AddressText {
    fn schema_name() -> Cow<'static, str> {
        "Address".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "title": "host and port, such as 127.0.0.1:8080 or [::1]:8080",
            "pattern": "^(\\[[0-9A-Fa-f:]+\\]|[^:\\s]+):[0-9]{1,5}$"
        })
    }
}

/// One MTP: exactly one key.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
#[allow(dead_code, reason = "read from the tree, key by key, so that one problem does not hide another")]
pub(in crate::profile) struct Mtp {
    /// WebSocket.
    #[serde(default)]
    pub(in crate::profile) websocket: Option<WebSocket>,
    /// MQTT.
    #[serde(default)]
    pub(in crate::profile) mqtt: Option<Mqtt>,
    /// STOMP.
    #[serde(default)]
    pub(in crate::profile) stomp: Option<Stomp>,
    /// A UNIX domain socket.
    #[serde(default)]
    pub(in crate::profile) uds: Option<Uds>,
}

/// WebSocket as MTP.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "read from the tree")]
pub(in crate::profile) struct WebSocket {
    /// The name in results, when there are several; `websocket` when left out.
    #[serde(default)]
    pub(in crate::profile) name: Option<String>,
    /// Which side connects.
    pub(in crate::profile) role: Role,
    /// Where uspec listens, or where the device does.
    pub(in crate::profile) address: AddressText,
    /// The path of the WebSocket's URL; `/` when left out.
    #[serde(default)]
    pub(in crate::profile) path: Option<String>,
    /// TLS; plain TCP when left out.
    #[serde(default)]
    pub(in crate::profile) tls: Option<Tls>,
}

/// MQTT as MTP.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "read from the tree")]
pub(in crate::profile) struct Mqtt {
    /// The name in results; `mqtt5` or `mqtt311` when left out, with `-tls` behind it where there is TLS.
    #[serde(default)]
    pub(in crate::profile) name: Option<String>,
    /// The version of MQTT that the device speaks, in quotes.
    pub(in crate::profile) version: MqttVersion,
    /// Where our broker listens, or where the other one does.
    pub(in crate::profile) address: AddressText,
    /// Whose broker it is; `built_in` when left out.
    #[serde(default)]
    pub(in crate::profile) broker: Option<Broker>,
    /// The topic at which the device reaches our Controller, as its Controller table has it.
    #[schemars(length(min = 1))]
    pub(in crate::profile) controller_topic: String,
    /// The topic at which the device is reached before it has told one; learnt when left out.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub(in crate::profile) agent_topic: Option<String>,
    /// The user name of the device at our broker, or of us at the other one.
    #[serde(default)]
    pub(in crate::profile) username: Option<String>,
    /// The password that belongs to it.
    #[serde(default)]
    pub(in crate::profile) password: Option<String>,
    /// TLS; plain TCP when left out.
    #[serde(default)]
    pub(in crate::profile) tls: Option<Tls>,
}

/// STOMP as MTP.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "read from the tree")]
pub(in crate::profile) struct Stomp {
    /// The name in results; `stomp` when left out, with `-tls` behind it where there is TLS.
    #[serde(default)]
    pub(in crate::profile) name: Option<String>,
    /// Where our broker listens, or where the other one does.
    pub(in crate::profile) address: AddressText,
    /// Whose broker it is; `built_in` when left out.
    #[serde(default)]
    pub(in crate::profile) broker: Option<Broker>,
    /// The destination at which the device reaches our Controller, as its Controller table has it.
    #[schemars(length(min = 1))]
    pub(in crate::profile) controller_destination: String,
    /// The destination at which the device is reached before it has told one; learnt when left out.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub(in crate::profile) agent_destination: Option<String>,
    /// The login of the device at our broker, or of us at the other one.
    #[serde(default)]
    pub(in crate::profile) username: Option<String>,
    /// The passcode that belongs to it.
    #[serde(default)]
    pub(in crate::profile) password: Option<String>,
    /// The virtual host that the device names; any when left out.
    #[serde(default)]
    pub(in crate::profile) virtual_host: Option<String>,
    /// TLS; plain TCP when left out.
    #[serde(default)]
    pub(in crate::profile) tls: Option<Tls>,
}

/// A UNIX domain socket as MTP.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "read from the tree")]
pub(in crate::profile) struct Uds {
    /// The name in results; `uds` when left out, or `uds-server` where the device listens.
    #[serde(default)]
    pub(in crate::profile) name: Option<String>,
    /// Which side connects.
    pub(in crate::profile) role: Role,
    /// The socket's path, relative to the profile: where uspec listens, or where the device does.
    #[schemars(length(min = 1))]
    pub(in crate::profile) path: String,
}

/// TLS of an MTP: a word, or files.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(in crate::profile) enum Tls {
    /// One word.
    Word(GenerateWord),
    /// Files.
    Files(TlsFiles),
}

/// The word for TLS.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::profile) enum GenerateWord {
    /// Everything is made in memory; for the bundled Agent only.
    Generate,
}

/// TLS files, relative to the profile.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::profile) struct TlsFiles {
    /// Our own certificate chain (PEM).
    #[serde(default)]
    pub(in crate::profile) certificate: Option<PathBuf>,
    /// The private key of it (PEM).
    #[serde(default)]
    pub(in crate::profile) key: Option<PathBuf>,
    /// Certificates against which the device's own is verified (PEM).
    #[serde(default)]
    pub(in crate::profile) trust: Option<PathBuf>,
    /// An authority that the device trusts: it issues what the profile does not name.
    #[serde(default)]
    pub(in crate::profile) ca: Option<Authority>,
}

/// A certificate authority.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::profile) struct Authority {
    /// Its certificate (PEM).
    pub(in crate::profile) certificate: PathBuf,
    /// The private key of it (PEM).
    pub(in crate::profile) key: PathBuf,
}
