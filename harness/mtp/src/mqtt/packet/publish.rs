//! PUBLISH (section 3.3).

use bytes::{BufMut, Bytes, BytesMut};

use super::kind::PacketKind;
use super::property::{Properties, PropertyId};
use super::reader::{Malformed, Reader};
use super::table::Home;
use super::violation::Section;
use super::{MqttVersion, writer};
use crate::mqtt::topic;

const DUP: Section = Section::both("3.3.1.1");
const QOS: Section = Section::both("3.3.1.2");
const TOPIC_NAME: Section = Section::both("3.3.2.1");

/// An application message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Publish {
    /// It may have been sent before.
    pub dup: bool,
    /// 0 to 2; 3 is forbidden.
    pub qos: u8,
    /// It is kept for later subscribers, or was.
    pub retain: bool,
    /// Topic Name.
    pub topic: String,
    /// Packet Identifier, with a QoS above 0.
    pub packet_id: Option<u16>,
    /// Properties (5.0).
    pub properties: Properties,
    /// Application message.
    pub payload: Bytes,
}

impl Publish {
    pub(super) fn read(reader: &mut Reader<'_>, flags: u8) -> Result<Self, Malformed> {
        let (dup, qos, retain) = (flags & 8 != 0, flags >> 1 & 3, flags & 1 != 0);
        if qos == 3 {
            reader.note(QOS, "both QoS bits are set: there is no QoS 3");
        }
        if dup && qos == 0 {
            reader.note(DUP, "DUP is set with QoS 0");
        }
        let topic = reader.text("the Topic Name")?;
        let packet_id = if qos == 0 { None } else { Some(reader.packet_id()?) };
        let properties = Properties::read(reader, Home::Packet(PacketKind::Publish))?;
        let aliased = topic.is_empty() && properties.get(PropertyId::TopicAlias).is_some();
        if !aliased && let Err(wrong) = topic::check_name(&topic) {
            reader.note(TOPIC_NAME, format!("\"{topic}\" is no Topic Name: {wrong}"));
        }
        Ok(Self { dup, qos, retain, topic, packet_id, properties, payload: reader.all() })
    }

    /// Everything before the application message.
    pub(super) fn write_head(&self, version: MqttVersion, out: &mut BytesMut) {
        writer::text(out, &self.topic);
        if let Some(packet_id) = self.packet_id {
            out.put_u16(packet_id);
        }
        if version == MqttVersion::V5 {
            self.properties.write(out);
        }
    }

    pub(super) fn flags(&self) -> u8 {
        u8::from(self.dup) << 3 | (self.qos & 3) << 1 | u8::from(self.retain)
    }
}
