//! MQTT Control Packets of 3.1.1 and 5.0, read and written.
//!
//! The one decision behind it: reading is lenient and loud. Whatever can still be understood becomes a packet, and everything that is wrong
//! with it is told beside it, because a broker that tests has to report what a library would hide. Writing puts down whatever it is given,
//! the forbidden included.

mod ack;
mod auth;
mod connack;
mod connect;
mod decoder;
mod disconnect;
mod fields;
mod kind;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod properties_hold;
mod property;
mod publish;
mod reader;
mod suback;
mod subscribe;
mod table;
mod unsubscribe;
mod violation;
mod writer;

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize};

pub use self::ack::Ack;
pub use self::auth::Auth;
pub use self::connack::ConnAck;
pub use self::connect::{Connect, Will};
pub use self::decoder::{Decoded, Decoder, MAX_REMAINING, Undecodable};
pub use self::disconnect::Disconnect;
pub use self::kind::{PacketKind, UnknownPacketKind};
pub use self::property::{Properties, Property, PropertyId, PropertyValue};
pub use self::publish::Publish;
pub use self::suback::SubAck;
pub use self::subscribe::{Subscribe, Subscription};
pub use self::unsubscribe::Unsubscribe;
pub use self::violation::{EVIDENCE, Violation};

pub(crate) use self::violation::Section;

/// The versions of MQTT that USP uses (R-MQTT.1, R-MQTT.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum MqttVersion {
    /// MQTT 3.1.1, protocol level 4.
    #[serde(rename = "3.1.1")]
    V311,
    /// MQTT 5.0, protocol level 5.
    #[serde(rename = "5.0")]
    V5,
}

impl MqttVersion {
    /// The protocol level in CONNECT.
    pub fn level(self) -> u8 {
        match self {
            Self::V311 => 4,
            Self::V5 => 5,
        }
    }
}

impl fmt::Display for MqttVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V311 => "3.1.1",
            Self::V5 => "5.0",
        })
    }
}

/// One MQTT Control Packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Packet {
    /// A client asks for a session.
    Connect(Connect),
    /// The server's answer to it.
    ConnAck(ConnAck),
    /// An application message.
    Publish(Publish),
    /// QoS 1: received.
    PubAck(Ack),
    /// QoS 2: received, first step.
    PubRec(Ack),
    /// QoS 2: released.
    PubRel(Ack),
    /// QoS 2: complete.
    PubComp(Ack),
    /// A client subscribes.
    Subscribe(Subscribe),
    /// The server's answer to it.
    SubAck(SubAck),
    /// A client unsubscribes.
    Unsubscribe(Unsubscribe),
    /// The server's answer to it.
    UnsubAck(SubAck),
    /// A client asks for a sign of life.
    PingReq,
    /// The server's answer to it.
    PingResp,
    /// Farewell.
    Disconnect(Disconnect),
    /// Extended authentication (5.0).
    Auth(Auth),
}

impl Packet {
    /// Which one it is.
    pub fn kind(&self) -> PacketKind {
        match self {
            Self::Connect(_) => PacketKind::Connect,
            Self::ConnAck(_) => PacketKind::ConnAck,
            Self::Publish(_) => PacketKind::Publish,
            Self::PubAck(_) => PacketKind::PubAck,
            Self::PubRec(_) => PacketKind::PubRec,
            Self::PubRel(_) => PacketKind::PubRel,
            Self::PubComp(_) => PacketKind::PubComp,
            Self::Subscribe(_) => PacketKind::Subscribe,
            Self::SubAck(_) => PacketKind::SubAck,
            Self::Unsubscribe(_) => PacketKind::Unsubscribe,
            Self::UnsubAck(_) => PacketKind::UnsubAck,
            Self::PingReq => PacketKind::PingReq,
            Self::PingResp => PacketKind::PingResp,
            Self::Disconnect(_) => PacketKind::Disconnect,
            Self::Auth(_) => PacketKind::Auth,
        }
    }

    /// Writes it behind what stands in `out` already. What is too long for MQTT (a text of more than 65535 octets) is cut.
    pub fn write(&self, version: MqttVersion, out: &mut BytesMut) {
        let mut head = BytesMut::new();
        let tail = self.body(version, &mut head);
        out.reserve(head.len() + tail.len() + 5);
        out.put_u8(self.first_octet());
        writer::variable_integer(out, head.len() + tail.len());
        out.extend_from_slice(&head);
        out.extend_from_slice(tail);
    }

    /// It as octets of its own.
    pub fn to_octets(&self, version: MqttVersion) -> Bytes {
        let mut out = BytesMut::new();
        self.write(version, &mut out);
        out.freeze()
    }

    /// How many octets it has.
    pub fn size(&self, version: MqttVersion) -> usize {
        let mut head = BytesMut::new();
        let body = self.body(version, &mut head).len() + head.len();
        // Type and flags, and the Remaining Length, which takes an octet for every seven bits.
        let length = match body {
            0..=127 => 1,
            128..=16_383 => 2,
            16_384..=2_097_151 => 3,
            _ => 4,
        };
        1 + length + body
    }

    /// Type and flags.
    fn first_octet(&self) -> u8 {
        let flags = match self {
            Self::Publish(publish) => publish.flags(),
            other => other.kind().flags().unwrap_or_default(),
        };
        self.kind().number() << 4 | flags
    }

    /// Writes everything behind the fixed header to `head` but the application message, which is given back.
    fn body<'a>(&'a self, version: MqttVersion, head: &mut BytesMut) -> &'a [u8] {
        match self {
            Self::Connect(connect) => connect.write(head),
            Self::ConnAck(ack) => ack.write(version, head),
            Self::Publish(publish) => {
                publish.write_head(version, head);
                return &publish.payload;
            }
            Self::PubAck(ack) | Self::PubRec(ack) | Self::PubRel(ack) | Self::PubComp(ack) => ack.write(head),
            Self::Subscribe(subscribe) => subscribe.write(version, head),
            Self::SubAck(ack) | Self::UnsubAck(ack) => ack.write(version, head),
            Self::Unsubscribe(unsubscribe) => unsubscribe.write(version, head),
            Self::PingReq | Self::PingResp => {}
            Self::Disconnect(disconnect) => disconnect.write(head),
            Self::Auth(auth) => auth.write(head),
        }
        &[]
    }
}
