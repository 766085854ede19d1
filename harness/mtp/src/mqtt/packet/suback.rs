//! SUBACK and UNSUBACK (sections 3.9 and 3.11).

use bytes::{BufMut, BytesMut};

use super::MqttVersion;
use super::kind::PacketKind;
use super::property::Properties;
use super::reader::{MOST, Malformed, Reader};
use super::table::Home;
use super::violation::Section;

const PAYLOAD: Section = Section::both("3.9.3");

/// The server's answer to SUBSCRIBE or UNSUBSCRIBE.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SubAck {
    /// Of the packet that it answers.
    pub packet_id: u16,
    /// One Reason Code for each filter; the UNSUBACK of 3.1.1 has none.
    pub reasons: Vec<u8>,
    /// Properties (5.0).
    pub properties: Properties,
}

impl SubAck {
    pub(super) fn read(reader: &mut Reader<'_>, kind: PacketKind) -> Result<Self, Malformed> {
        let packet_id = reader.packet_id()?;
        let properties = Properties::read(reader, Home::Packet(kind))?;
        if kind == PacketKind::UnsubAck && !reader.is_v5() {
            return Ok(Self { packet_id, reasons: Vec::new(), properties });
        }
        let reasons = reader.all().to_vec();
        if reasons.is_empty() || reasons.len() > MOST {
            reader.note(PAYLOAD, format!("a {kind} with {} Reason Codes", reasons.len()));
        }
        Ok(Self { packet_id, reasons, properties })
    }

    pub(super) fn write(&self, version: MqttVersion, out: &mut BytesMut) {
        out.put_u16(self.packet_id);
        if version == MqttVersion::V5 {
            self.properties.write(out);
        }
        out.extend_from_slice(&self.reasons);
    }
}
