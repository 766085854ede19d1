//! UNSUBSCRIBE (section 3.10).

use bytes::{BufMut, BytesMut};

use super::kind::PacketKind;
use super::property::Properties;
use super::reader::{MOST, Malformed, Reader};
use super::subscribe::check_filter;
use super::table::Home;
use super::violation::Section;
use super::{MqttVersion, writer};

const PAYLOAD: Section = Section::both("3.10.3");

/// A client unsubscribes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unsubscribe {
    /// Packet Identifier.
    pub packet_id: u16,
    /// From which Topic Filters; at least one.
    pub filters: Vec<String>,
    /// Properties (5.0).
    pub properties: Properties,
}

impl Unsubscribe {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let packet_id = reader.packet_id()?;
        let properties = Properties::read(reader, Home::Packet(PacketKind::Unsubscribe))?;
        let mut filters = Vec::new();
        while !reader.is_empty() {
            if filters.len() >= MOST {
                reader.note(PAYLOAD, format!("more than {MOST} Topic Filters, which is more than this end takes"));
                return Err(Malformed);
            }
            let filter = reader.text("a Topic Filter")?;
            check_filter(reader, &filter);
            filters.push(filter);
        }
        if filters.is_empty() {
            reader.note(PAYLOAD, "an UNSUBSCRIBE without a Topic Filter");
        }
        Ok(Self { packet_id, filters, properties })
    }

    pub(super) fn write(&self, version: MqttVersion, out: &mut BytesMut) {
        out.put_u16(self.packet_id);
        if version == MqttVersion::V5 {
            self.properties.write(out);
        }
        for filter in &self.filters {
            writer::text(out, filter);
        }
    }
}
