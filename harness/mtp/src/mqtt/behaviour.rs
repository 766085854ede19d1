//! What an end does that a test case, or a fault of the reference Agent, may want otherwise.

use std::collections::BTreeSet;
use std::time::Duration;

use super::packet::PacketKind;

/// What an end does. The default conforms to MQTT and TR-369; every other value is there to provoke the peer, or to be an Agent with a known
/// fault. It can be changed at run time and counts for what is sent or answered from then on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MqttBehaviour {
    /// As broker: answers every CONNECT like that instead of opening a session.
    pub refuse: Option<MqttRefusal>,
    /// As broker: what stands in CONNACK.
    pub connack: ConnackChanges,
    /// As broker: the Reason Code for every filter of later SUBSCRIBEs; one from 0x80 on grants nothing.
    pub suback: Option<u8>,
    /// Kinds of packets that are never sent. What their sender does otherwise stays: a session whose CONNACK is withheld is still open.
    pub withhold: BTreeSet<PacketKind>,
    /// How later Records are published.
    pub publish: PublishChanges,
    /// Everything that is sent above TLS goes out that much later, in its order. What breaks or ends the stream does not wait.
    pub send_delay: Duration,
    /// Later Records of ours are lost on their way, as if they had been sent.
    pub drop_publish: bool,
    /// As client: what it does otherwise.
    pub client: ClientChanges,
}

/// How a CONNECT is answered when no session is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MqttRefusal {
    /// With a CONNACK of that Reason Code of 5.0 and the end of the stream. A client of 3.1.1 gets the return code that comes nearest.
    Connack(u8),
    /// The stream is ended without an answer.
    HangUp,
    /// Nothing: the stream stays open until the client gives up.
    Silence,
}

/// What stands in a broker's CONNACK. What is absent or empty is not sent, but for what MQTT demands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConnackChanges {
    /// Says that a session was kept, whether it was or not.
    pub session_present: Option<bool>,
    /// The identifier for clients that bring none (5.0); without it the broker makes one up.
    pub assigned_client_id: Option<String>,
    /// Server Keep Alive in seconds (5.0), by which the broker then goes.
    pub server_keep_alive: Option<u16>,
    /// Response Information (5.0), for clients that asked for it.
    pub response_information: Option<String>,
    /// Filters to subscribe to (R-MQTT.15), each a User Property `subscribe-topic` (5.0).
    pub subscribe_topics: Vec<String>,
    /// Further User Properties (5.0).
    pub user_properties: Vec<(String, String)>,
    /// Session Expiry Interval in seconds (5.0), by which the broker then goes.
    pub session_expiry_interval: Option<u32>,
    /// Maximum QoS (5.0). It is only said: the broker takes every QoS.
    pub maximum_qos: Option<u8>,
    /// Maximum Packet Size (5.0). It is only said: the broker takes what it is configured to take.
    pub maximum_packet_size: Option<u32>,
    /// Receive Maximum (5.0). It is only said.
    pub receive_maximum: Option<u16>,
    /// Reason String (5.0).
    pub reason_string: Option<String>,
}

/// What becomes of something that is usually there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Change {
    /// It is as usual.
    #[default]
    Keep,
    /// It is left out.
    Omit,
    /// It is this.
    Set(String),
}

impl Change {
    /// What it makes of the usual value.
    pub(super) fn apply(&self, usual: &str) -> Option<String> {
        match self {
            Self::Keep => Some(usual.to_owned()),
            Self::Omit => None,
            Self::Set(other) => Some(other.clone()),
        }
    }
}

/// How Records are published.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PublishChanges {
    /// The Topic Name, without the reply-to of 3.1.1.
    pub topic: Option<String>,
    /// The reply-to: Response Topic in 5.0, `/reply-to=` in 3.1.1 (R-MQTT.22).
    pub response_topic: Change,
    /// Content Type in 5.0 (R-MQTT.27).
    pub content_type: Change,
    /// The QoS; a broker never gives more than it granted.
    pub qos: Option<u8>,
    /// The RETAIN flag.
    pub retain: bool,
}

/// What a client does against TR-369 or MQTT.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // independent switches, not states of one machine
pub struct ClientChanges {
    /// Another level of the protocol in CONNECT than that of the version (R-MQTT.1).
    pub level: Option<u8>,
    /// The User Property `usp-endpoint-id` (R-MQTT.13).
    pub endpoint_id: Change,
    /// Client Identifier (R-MQTT.8, R-MQTT.11); omitted, it is the empty text.
    pub client_id: Change,
    /// Leaves User Name and Password out (R-MQTT.7).
    pub omit_credentials: bool,
    /// Another Keep Alive in seconds than the configured one (R-MQTT.14).
    pub keep_alive: Option<u16>,
    /// Leaves Request Response Information out (R-MQTT.12).
    pub omit_request_response_information: bool,
    /// Forgets an assigned Client Identifier (R-MQTT.9).
    pub forget_assigned_client_id: bool,
    /// Goes on with its own Keep Alive although the server gave another (MQTT 5.0 3.2.2.3.14).
    pub ignore_server_keep_alive: bool,
    /// Does not subscribe to what `subscribe-topic` names (R-MQTT.15).
    pub ignore_subscribe_topics: bool,
    /// Neither subscribes to Response Information nor uses it as reply-to (R-MQTT.15, R-MQTT.21).
    pub ignore_response_information: bool,
    /// Stays although it has nothing to subscribe to (R-MQTT.16).
    pub stay_without_filter: bool,
    /// Stays, and publishes, although nothing was granted (R-MQTT.17).
    pub stay_without_grant: bool,
    /// Never subscribes (R-MQTT.15).
    pub never_subscribe: bool,
    /// Writes the reply-to of 3.1.1 with its slashes (R-MQTT.24).
    pub keep_reply_to_slashes: bool,
    /// Drops Records whose Content Type is the media type (R-MQTT.27a).
    pub refuse_media_type: bool,
    /// Drops Records that come with QoS 0 (against R-MQTT.20).
    pub drop_qos_0: bool,
    /// Reads the reply-to of 3.1.1 without turning `%2F` back (R-MQTT.25).
    pub keep_reply_to_escapes: bool,
    /// Leaves without DISCONNECT.
    pub omit_disconnect: bool,
}
