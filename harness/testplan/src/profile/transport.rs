//! The MTPs over which the cases run, with what is needed to speak each.

use std::{fmt, path::PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{secrets::Secret, trace::MtpFacts};

/// One MTP over which the cases run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mtp {
    /// Its name in results; unique in the profile.
    pub name: String,
    /// What it is.
    pub transport: Transport,
}

/// What an MTP is, with what is needed to speak it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transport {
    /// WebSocket.
    WebSocket(WebSocket),
    /// MQTT.
    Mqtt(Mqtt),
    /// STOMP.
    Stomp(Stomp),
    /// A UNIX domain socket.
    Uds(Uds),
}

/// WebSocket as MTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebSocket {
    /// Which side connects.
    pub role: Role,
    /// Where we listen (`EutConnects`), or where the device does (`WeConnect`).
    pub address: Address,
    /// The path of the WebSocket's URL, with its leading `/`.
    pub path: String,
    /// TLS; `None` for plain TCP.
    pub tls: Option<Tls>,
}

/// MQTT as MTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mqtt {
    /// The version of MQTT that the device speaks.
    pub version: MqttVersion,
    /// Whose broker it is.
    pub broker: Broker,
    /// Where our broker listens (`BuiltIn`), or where the other one does (`Beside`).
    pub address: Address,
    /// The topic at which the device reaches our Controller; without wildcards.
    pub controller_topic: String,
    /// The topic at which the device is reached before it has told one; without wildcards. `None`: it is learnt.
    pub agent_topic: Option<String>,
    /// The user name that the device must give to our broker, or that we give to the other one.
    pub username: Option<String>,
    /// The password that belongs to it.
    pub password: Option<String>,
    /// TLS; `None` for plain TCP.
    pub tls: Option<Tls>,
}

/// STOMP as MTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stomp {
    /// Whose broker it is.
    pub broker: Broker,
    /// Where our broker listens (`BuiltIn`), or where the other one does (`Beside`).
    pub address: Address,
    /// The destination at which the device reaches our Controller.
    pub controller_destination: String,
    /// The destination at which the device is reached before it has told one. `None`: it is learnt.
    pub agent_destination: Option<String>,
    /// The login that the device must give to our broker, or that we give to the other one.
    pub username: Option<String>,
    /// The passcode that belongs to it.
    pub password: Option<String>,
    /// The virtual host that the device must name to our broker, or that we name to the other one.
    pub virtual_host: Option<String>,
    /// TLS; `None` for plain TCP.
    pub tls: Option<Tls>,
}

/// A UNIX domain socket as MTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uds {
    /// Which side connects.
    pub role: Role,
    /// The socket's path: where we listen (`EutConnects`), or where the device does (`WeConnect`).
    pub path: PathBuf,
}

/// Which side opens the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The device connects, uspec listens.
    EutConnects,
    /// uspec connects, the device listens.
    WeConnect,
}

/// Whose broker carries the Records of an MTP that has one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Broker {
    /// Ours: every packet of the device is seen, and the broker can be told to misbehave.
    #[default]
    BuiltIn,
    /// Another one, of which we are a client like the device.
    Beside,
}

/// A version of MQTT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum MqttVersion {
    /// MQTT 3.1.1.
    #[serde(rename = "3.1.1")]
    V311,
    /// MQTT 5.0.
    #[serde(rename = "5.0")]
    V5,
}

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// A name or an IP address, without brackets.
    pub host: String,
    /// The port; 0 asks for any free one when listening.
    pub port: u16,
}

/// TLS of an MTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tls {
    /// From files.
    Files(TlsFiles),
    /// Everything is made in memory, for an EUT in the same process.
    Generate,
}

/// TLS files; each exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// Our own certificate chain (PEM) and its private key (PEM); when we listen, there is this or `authority`.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// Certificates against which the device's own is verified (PEM). Without it the device's certificate is recorded, not verified.
    pub trust: Option<PathBuf>,
    /// Certificate and private key (PEM) of an authority that the device trusts: what is missing, and the certificates of the second
    /// Controller and the wrong ones, are issued by it.
    pub authority: Option<(PathBuf, PathBuf)>,
}

impl Mtp {
    /// The kind of MTP, as the plan index and features name it.
    pub fn kind(&self) -> &'static str {
        match self.transport {
            Transport::WebSocket(_) => "websocket",
            Transport::Mqtt(_) => "mqtt",
            Transport::Stomp(_) => "stomp",
            Transport::Uds(_) => "uds",
        }
    }

    /// What cases and judge must know of it.
    pub fn facts(&self) -> MtpFacts {
        let kind = self.kind();
        match &self.transport {
            Transport::WebSocket(it) => MtpFacts::direct(kind, Some(it.role), it.tls.is_some()),
            Transport::Uds(it) => MtpFacts::direct(kind, Some(it.role), false),
            Transport::Mqtt(it) => {
                let version = Some(it.version.name().to_owned());
                MtpFacts { version, ..MtpFacts::brokered(kind, it.broker, it.tls.is_some()) }
            }
            Transport::Stomp(it) => MtpFacts::brokered(kind, it.broker, it.tls.is_some()),
        }
    }
}

impl Transport {
    /// TLS of the MTP; `None` for plain TCP and for UNIX domain sockets.
    pub const fn tls(&self) -> Option<&Tls> {
        match self {
            Self::WebSocket(it) => it.tls.as_ref(),
            Self::Mqtt(it) => it.tls.as_ref(),
            Self::Stomp(it) => it.tls.as_ref(),
            Self::Uds(_) => None,
        }
    }

    /// What no report may show of it.
    pub fn secrets(&self) -> Vec<Secret> {
        let password = match self {
            Self::Mqtt(it) => it.password.as_deref(),
            Self::Stomp(it) => it.password.as_deref(),
            Self::WebSocket(_) | Self::Uds(_) => None,
        };
        password.map(|password| Secret::new("the profile's password", password)).into_iter().collect()
    }
}

impl MqttVersion {
    /// As cases, profiles and Traces write it: `5.0` or `3.1.1`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::V311 => "3.1.1",
            Self::V5 => "5.0",
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}
