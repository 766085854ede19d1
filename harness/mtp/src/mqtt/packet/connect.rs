//! CONNECT (section 3.1).

use bytes::{BufMut, Bytes, BytesMut};

use super::kind::PacketKind;
use super::property::Properties;
use super::reader::{Malformed, Reader};
use super::table::Home;
use super::violation::Section;
use super::{MqttVersion, writer};
use crate::mqtt::topic;

const PROTOCOL_NAME: Section = Section::both("3.1.2.1");
const PROTOCOL_LEVEL: Section = Section::both("3.1.2.2");
const CONNECT_FLAGS: Section = Section::both("3.1.2.3");
const WILL_FLAG: Section = Section::both("3.1.2.5");
const WILL_QOS: Section = Section::both("3.1.2.6");
const WILL_RETAIN: Section = Section::both("3.1.2.7");
const PASSWORD_FLAG: Section = Section::both("3.1.2.9");
const CLIENT_ID: Section = Section::both("3.1.3.1");
const WILL_TOPIC: Section = Section::of_each("3.1.3.3", "3.1.3.2");

/// The name that every CONNECT carries.
const NAME: &str = "MQTT";

/// A client asks for a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connect {
    /// `MQTT`.
    pub protocol_name: String,
    /// 4 for MQTT 3.1.1, 5 for 5.0.
    pub level: u8,
    /// Begins with a new session (3.1.1: Clean Session).
    pub clean_start: bool,
    /// Most seconds between two packets of the client; 0 for no limit.
    pub keep_alive: u16,
    /// Client Identifier, possibly empty.
    pub client_id: String,
    /// User Name.
    pub username: Option<String>,
    /// Password.
    pub password: Option<Bytes>,
    /// What is published when the client is gone without a farewell.
    pub will: Option<Will>,
    /// Properties (5.0).
    pub properties: Properties,
}

/// What is published when a client is gone without a farewell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Will {
    /// Topic Name.
    pub topic: String,
    /// 0 to 2; 3 is forbidden.
    pub qos: u8,
    /// As a retained message.
    pub retain: bool,
    /// Application message.
    pub payload: Bytes,
    /// Properties (5.0).
    pub properties: Properties,
}

impl Connect {
    /// A conforming CONNECT with a clean start and without keep alive.
    pub fn new(version: MqttVersion, client_id: impl Into<String>) -> Self {
        Self {
            protocol_name: NAME.to_owned(),
            level: version.level(),
            clean_start: true,
            keep_alive: 0,
            client_id: client_id.into(),
            username: None,
            password: None,
            will: None,
            properties: Properties::new(),
        }
    }

    /// The version that it asks for, if it is one of ours.
    pub fn version(&self) -> Option<MqttVersion> {
        match (self.protocol_name.as_str(), self.level) {
            (NAME, 4) => Some(MqttVersion::V311),
            (NAME, 5) => Some(MqttVersion::V5),
            _ => None,
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let protocol_name = reader.text("the Protocol Name")?;
        let level = reader.u8("the Protocol Version")?;
        // Other versions are read like the nearest one, so that whoever refuses them can say who asked.
        reader.version = if level >= MqttVersion::V5.level() { MqttVersion::V5 } else { MqttVersion::V311 };
        if protocol_name != NAME {
            reader.note(PROTOCOL_NAME, format!("the Protocol Name is \"{protocol_name}\", not \"{NAME}\""));
        }
        if !matches!(level, 4 | 5) {
            reader.note(PROTOCOL_LEVEL, format!("the Protocol Version is {level}; 4 is MQTT 3.1.1 and 5 is MQTT 5.0"));
        }
        let flags = reader.u8("the Connect Flags")?;
        check_flags(reader, flags);
        let keep_alive = reader.u16("the Keep Alive")?;
        let properties = Properties::read(reader, Home::Packet(PacketKind::Connect))?;
        let client_id = reader.text("the Client Identifier")?;
        let clean_start = flags & 0x02 != 0;
        if client_id.is_empty() && !clean_start && !reader.is_v5() {
            reader.note(CLIENT_ID, "an empty Client Identifier without Clean Session");
        }
        let will = if flags & 0x04 == 0 { None } else { Some(Will::read(reader, flags)?) };
        let username = if flags & 0x80 == 0 { None } else { Some(reader.text("the User Name")?) };
        let password = if flags & 0x40 == 0 { None } else { Some(reader.binary("the Password")?) };
        Ok(Self { protocol_name, level, clean_start, keep_alive, client_id, username, password, will, properties })
    }

    pub(super) fn write(&self, out: &mut BytesMut) {
        writer::text(out, &self.protocol_name);
        out.put_u8(self.level);
        out.put_u8(self.flags());
        out.put_u16(self.keep_alive);
        let has_properties = self.level >= MqttVersion::V5.level();
        if has_properties {
            self.properties.write(out);
        }
        writer::text(out, &self.client_id);
        if let Some(will) = &self.will {
            if has_properties {
                will.properties.write(out);
            }
            writer::text(out, &will.topic);
            writer::binary(out, &will.payload);
        }
        if let Some(username) = &self.username {
            writer::text(out, username);
        }
        if let Some(password) = &self.password {
            writer::binary(out, password);
        }
    }

    fn flags(&self) -> u8 {
        let will = self.will.as_ref().map_or(0, |will| 0x04 | (will.qos & 3) << 3 | u8::from(will.retain) << 5);
        u8::from(self.username.is_some()) << 7
            | u8::from(self.password.is_some()) << 6
            | will
            | u8::from(self.clean_start) << 1
    }
}

impl Will {
    fn read(reader: &mut Reader<'_>, flags: u8) -> Result<Self, Malformed> {
        let properties = Properties::read(reader, Home::Will)?;
        let topic = reader.text("the Will Topic")?;
        if let Err(wrong) = topic::check_name(&topic) {
            reader.note(WILL_TOPIC, format!("the Will Topic \"{topic}\" is no Topic Name: {wrong}"));
        }
        let payload = reader.binary("the Will Payload")?;
        Ok(Self { topic, qos: flags >> 3 & 3, retain: flags & 0x20 != 0, payload, properties })
    }
}

fn check_flags(reader: &mut Reader<'_>, flags: u8) {
    if flags & 0x01 != 0 {
        reader.note(CONNECT_FLAGS, format!("the reserved Connect Flag is set (flags 0x{flags:02X})"));
    }
    let (will_qos, will_retain) = (flags >> 3 & 3, flags & 0x20 != 0);
    if will_qos == 3 {
        reader.note(WILL_QOS, "the Will QoS is 3");
    }
    if flags & 0x04 == 0 && will_qos != 0 {
        reader.note(WILL_FLAG, format!("a Will QoS of {will_qos} without Will"));
    }
    if flags & 0x04 == 0 && will_retain {
        reader.note(WILL_RETAIN, "Will Retain without Will");
    }
    if flags & 0xC0 == 0x40 && !reader.is_v5() {
        reader.note(PASSWORD_FLAG, "a Password without User Name, which MQTT 3.1.1 forbids");
    }
}
