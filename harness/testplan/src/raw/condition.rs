//! Conditions on the MTP of a result, as written.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    case::{self, EutAction},
    profile::{Broker, MqttVersion, Role},
};

/// A condition on the MTP of a result: at least one key.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
pub(crate) struct MtpCondition {
    /// The kind of MTP.
    #[serde(default)]
    pub(crate) mtp: Option<MtpKinds>,
    /// Which side connects.
    #[serde(default)]
    pub(crate) role: Option<Role>,
    /// Whether TLS protects it.
    #[serde(default)]
    pub(crate) tls: Option<bool>,
    /// The version of MQTT, in quotes.
    #[serde(default)]
    pub(crate) version: Option<MqttVersion>,
    /// Whose broker it is.
    #[serde(default)]
    pub(crate) broker: Option<Broker>,
}

/// What the bench must offer for a case: at least one key.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
pub(crate) struct Needs {
    /// The kind of MTP.
    #[serde(default)]
    pub(crate) mtp: Option<MtpKinds>,
    /// Which side connects.
    #[serde(default)]
    pub(crate) role: Option<Role>,
    /// Whether TLS protects it.
    #[serde(default)]
    pub(crate) tls: Option<bool>,
    /// The version of MQTT, in quotes.
    #[serde(default)]
    pub(crate) version: Option<MqttVersion>,
    /// Whose broker it is.
    #[serde(default)]
    pub(crate) broker: Option<Broker>,
    /// What must be possible with the device.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub(crate) control: Vec<EutAction>,
    /// A second Controller that the EUT can be told of, or that can come by itself.
    #[serde(default)]
    pub(crate) second: bool,
}

/// One kind of MTP or several.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum MtpKinds {
    /// Only this.
    One(MtpKind),
    /// Any of these.
    Several(#[schemars(length(min = 1))] Vec<MtpKind>),
}

/// A kind of MTP.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MtpKind {
    /// WebSocket.
    Websocket,
    /// MQTT.
    Mqtt,
    /// STOMP.
    Stomp,
    /// UNIX domain sockets.
    Uds,
}

impl MtpKind {
    /// Its word.
    const fn name(self) -> &'static str {
        match self {
            Self::Websocket => "websocket",
            Self::Mqtt => "mqtt",
            Self::Stomp => "stomp",
            Self::Uds => "uds",
        }
    }
}

impl MtpKinds {
    /// Their words.
    pub(crate) fn names(&self) -> Vec<String> {
        let kinds = match self {
            Self::One(kind) => std::slice::from_ref(kind),
            Self::Several(kinds) => kinds,
        };
        kinds.iter().map(|kind| kind.name().to_owned()).collect()
    }
}

impl MtpCondition {
    /// The condition; what is left out holds for any.
    pub(crate) fn lower(self) -> case::MtpCondition {
        let kinds = self.mtp.map(|kinds| kinds.names()).unwrap_or_default();
        let Self { role, tls, version, broker, .. } = self;
        case::MtpCondition { kinds, role, tls, version, broker }
    }
}

impl Needs {
    /// What the bench must offer.
    pub(crate) fn lower(self) -> case::Needs {
        let Self { mtp, role, tls, version, broker, control, second } = self;
        case::Needs { over: MtpCondition { mtp, role, tls, version, broker }.lower(), control, second }
    }
}
