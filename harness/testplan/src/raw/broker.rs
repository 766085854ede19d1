//! Steps about MQTT, STOMP and UNIX domain sockets, and the names of their packets, as written.

use std::{borrow::Cow, collections::BTreeMap};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use super::text::Octets;
use crate::case::{PacketKind, Sender};

/// Declares the name of a packet that one side sends.
macro_rules! packet {
    ($(#[$doc:meta])* $name:ident, $sender:expr, $mtp:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Deserialize)]
        #[serde(transparent)]
        pub(crate) struct $name(pub(crate) String);

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                let names: Vec<_> = PacketKind::all($sender, $mtp).map(PacketKind::name).collect();
                json_schema!({"type": "string", "enum": names})
            }
        }
    };
}

packet!(
    /// A packet that an EUT sends, whatever the MTP.
    EutPacket,
    Sender::Eut,
    None
);
packet!(
    /// A packet that our MQTT broker sends.
    BrokerPacket,
    Sender::Us,
    Some("mqtt")
);

/// An action of MQTT: exactly one key.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
pub(crate) struct MqttStep {
    /// What later CONNACKs say beside what they must.
    #[serde(default)]
    pub(crate) connack: Option<Connack>,
    /// The code for every filter of later SUBSCRIBEs.
    #[serde(default)]
    #[schemars(range(min = 0, max = 255))]
    pub(crate) suback: Option<u8>,
    /// Packets that our broker never sends.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub(crate) withhold: Option<Vec<BrokerPacket>>,
    /// How later Records of ours are published.
    #[serde(default)]
    pub(crate) publish: Option<Publish>,
    /// Ends the EUT's connection, in 5.0 with this reason code.
    #[serde(default)]
    #[schemars(range(min = 0, max = 255))]
    pub(crate) disconnect: Option<u8>,
}

/// What later CONNACKs say: at least one key.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
pub(crate) struct Connack {
    /// The Session Present flag.
    #[serde(default)]
    pub(crate) session_present: Option<bool>,
    /// Assigned Client Identifier.
    #[serde(default)]
    pub(crate) assigned_client_id: Option<String>,
    /// Server Keep Alive, in seconds.
    #[serde(default)]
    #[schemars(range(min = 0, max = 65535))]
    pub(crate) server_keep_alive: Option<u16>,
    /// Response Information.
    #[serde(default)]
    pub(crate) response_information: Option<String>,
    /// A User Property `subscribe-topic` for each of these.
    #[serde(default)]
    pub(crate) subscribe_topics: Vec<String>,
    /// Other User Properties.
    #[serde(default)]
    pub(crate) user_properties: BTreeMap<String, String>,
}

/// How later Records of ours are published: at least one key.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
pub(crate) struct Publish {
    /// The topic.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub(crate) topic: Option<String>,
    /// Content Type, or `omit`.
    #[serde(default)]
    pub(crate) content_type: Option<String>,
    /// Our reply topic, or `omit`.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub(crate) response_topic: Option<String>,
    /// The quality of service.
    #[serde(default)]
    #[schemars(range(min = 0, max = 2))]
    pub(crate) qos: Option<u8>,
    /// The Retain flag.
    #[serde(default)]
    pub(crate) retain: Option<bool>,
}

/// An action of STOMP: exactly one key.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
pub(crate) struct StompStep {
    /// What later CONNECTED frames say beside what they must.
    #[serde(default)]
    pub(crate) connected: Option<Connected>,
    /// How later Records of ours are delivered.
    #[serde(default)]
    pub(crate) message: Option<Message>,
    /// Sends an ERROR frame with this message, and ends the connection.
    #[serde(default)]
    pub(crate) error: Option<String>,
    /// No RECEIPT is sent any more.
    #[serde(default)]
    pub(crate) receipts: Option<WithholdWord>,
    /// No heart-beat is sent any more.
    #[serde(default)]
    pub(crate) beats: Option<WithholdWord>,
}

/// The word for what is not sent any more.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WithholdWord {
    /// It is not sent.
    Withhold,
}

/// What later CONNECTED frames say: at least one key.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
pub(crate) struct Connected {
    /// The `subscribe-dest` header.
    #[serde(default)]
    pub(crate) subscribe_dest: Option<String>,
    /// The `heart-beat` header: what we can send and what we want, in milliseconds.
    #[serde(default)]
    #[schemars(length(min = 2, max = 2))]
    pub(crate) heart_beat: Option<Vec<u32>>,
    /// The `version` header.
    #[serde(default)]
    pub(crate) version: Option<String>,
    /// Other headers.
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
}

/// How later Records of ours are delivered: at least one key.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
pub(crate) struct Message {
    /// The `destination` header.
    #[serde(default)]
    pub(crate) destination: Option<String>,
    /// The `content-type` header, or `omit`.
    #[serde(default)]
    pub(crate) content_type: Option<String>,
    /// The `reply-to-dest` header, or `omit`.
    #[serde(default)]
    pub(crate) reply_to: Option<String>,
    /// Other headers.
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
}

/// An action of UNIX domain sockets: exactly one key.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
pub(crate) struct UdsStep {
    /// `withhold`, or the Endpoint ID that our Handshake names in later connections.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub(crate) handshake: Option<String>,
    /// Sends a frame with an Error of this text, and ends the connection.
    #[serde(default)]
    pub(crate) error: Option<String>,
    /// Sends a frame with these TLVs.
    #[serde(default)]
    pub(crate) frame: Option<Vec<Tlv>>,
    /// An Error of the EUT's does not make us end the connection, so that it shows whether the EUT does.
    #[serde(default)]
    pub(crate) errors: Option<IgnoreWord>,
}

/// The word for what is not heeded any more.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum IgnoreWord {
    /// It is not heeded.
    Ignore,
}

/// A TLV: its type, and its value as `text` or `octets`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tlv {
    /// Its type: 1 is a Handshake, 2 an Error, 3 a Record.
    #[serde(rename = "type")]
    #[schemars(range(min = 0, max = 255))]
    pub(crate) kind: u8,
    /// Its value as text.
    #[serde(default)]
    pub(crate) text: Option<String>,
    /// Its value as octets, in place of the text.
    #[serde(default)]
    pub(crate) octets: Option<Octets>,
}
