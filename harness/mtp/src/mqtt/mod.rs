//! The MQTT MTP (TR-369, "MQTT Binding"; MQTT 3.1.1 and 5.0).
//!
//! The one decision behind it: the broker is our own, down to the octets of each packet, because a test case looks at packets that a library
//! answers by itself, and wants to send ones that a library refuses to send.

pub mod packet;
pub(crate) mod topic;

pub use self::packet::MqttVersion;
