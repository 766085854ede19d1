//! The MQTT MTP (TR-369, "MQTT Binding"; MQTT 3.1.1 and 5.0).
//!
//! The one decision behind it: the broker is our own, down to the octets of each packet, because a test case looks at packets that a library
//! answers by itself, and wants to send ones that a library refuses to send. The Controllers are built into the broker; the Agent's end is a
//! client of its own.

mod agent;
mod behaviour;
mod beside;
mod broker;
mod client;
mod command;
mod end;
mod far;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod handle;
pub mod packet;
pub(crate) mod topic;

pub use self::agent::{MqttAgentConfig, MqttAgentEnd};
pub use self::behaviour::{Change, ClientChanges, ConnackChanges, MqttBehaviour, MqttRefusal, PublishChanges};
pub use self::far::{MqttFarConfig, MqttFarSide, MqttPlace};
pub use self::handle::MqttHandle;
pub use self::packet::MqttVersion;
pub use self::topic::matches as filter_matches;
pub use crate::end::{Retry, RetryParameters};

/// Largest Record taken unless configured otherwise, in octets.
pub const DEFAULT_MAX_RECORD: usize = crate::websocket::DEFAULT_MAX_RECORD;

/// How much larger than its Record a packet may be: topics and properties, in octets.
const PACKET_EXTRA: usize = 256 * 1024;

/// What Content Type says that a PUBLISH carries a Record (R-MQTT.27).
pub const CONTENT_TYPE: &str = "usp.msg";

/// The registered media type, which says the same (R-MQTT.27a).
pub const MEDIA_TYPE: &str = "application/vnd.bbf.usp.msg";

/// The User Property of CONNECT that names the Endpoint (R-MQTT.13).
pub const ENDPOINT_ID: &str = "usp-endpoint-id";

/// The User Property of CONNACK that names a filter to subscribe to (R-MQTT.15).
pub const SUBSCRIBE_TOPIC: &str = "subscribe-topic";

/// Reason Codes of MQTT 5.0 that an end gives (section 2.4).
pub mod reason {
    /// Done, or a normal farewell.
    pub const SUCCESS: u8 = 0x00;
    /// A farewell after which the Will is to be published.
    pub const DISCONNECT_WITH_WILL: u8 = 0x04;
    /// There was no such subscription.
    pub const NO_SUBSCRIPTION_EXISTED: u8 = 0x11;
    /// No closer reason. Also the only failure that the SUBACK of 3.1.1 knows.
    pub const UNSPECIFIED_ERROR: u8 = 0x80;
    /// A packet that cannot be decoded.
    pub const MALFORMED_PACKET: u8 = 0x81;
    /// A packet that is out of place.
    pub const PROTOCOL_ERROR: u8 = 0x82;
    /// No closer reason, and nothing is wrong with the packet.
    pub const IMPLEMENTATION_ERROR: u8 = 0x83;
    /// Another version is wanted.
    pub const UNSUPPORTED_VERSION: u8 = 0x84;
    /// That Client Identifier is not taken.
    pub const CLIENT_IDENTIFIER_NOT_VALID: u8 = 0x85;
    /// Wrong User Name or Password.
    pub const BAD_USER_NAME_OR_PASSWORD: u8 = 0x86;
    /// Not allowed.
    pub const NOT_AUTHORIZED: u8 = 0x87;
    /// The server is not there.
    pub const SERVER_UNAVAILABLE: u8 = 0x88;
    /// The server has too much to do.
    pub const SERVER_BUSY: u8 = 0x89;
    /// The server goes down.
    pub const SERVER_SHUTTING_DOWN: u8 = 0x8B;
    /// Nothing came for one and a half times the Keep Alive.
    pub const KEEP_ALIVE_TIMEOUT: u8 = 0x8D;
    /// Another client with the same identifier has taken the session over.
    pub const SESSION_TAKEN_OVER: u8 = 0x8E;
    /// A Topic Filter that is not taken.
    pub const TOPIC_FILTER_INVALID: u8 = 0x8F;
    /// A Topic Name that is not taken.
    pub const TOPIC_NAME_INVALID: u8 = 0x90;
    /// There is no such packet under way.
    pub const PACKET_IDENTIFIER_NOT_FOUND: u8 = 0x92;
    /// A Topic Alias that was not granted.
    pub const TOPIC_ALIAS_INVALID: u8 = 0x94;
    /// More than this end takes.
    pub const PACKET_TOO_LARGE: u8 = 0x95;
    /// More than this client may have.
    pub const QUOTA_EXCEEDED: u8 = 0x97;
}
