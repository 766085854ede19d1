//! PUBACK, PUBREC, PUBREL and PUBCOMP (sections 3.4 to 3.7).

use bytes::{BufMut, BytesMut};

use super::kind::PacketKind;
use super::property::Properties;
use super::reader::{Malformed, Reader};
use super::table::Home;
use super::violation::Section;

/// Reasons of PUBACK and PUBREC.
const RECEIVED: &[u8] = &[0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99];

/// Reasons of PUBREL and PUBCOMP.
const RELEASED: &[u8] = &[0x00, 0x92];

/// An acknowledgement of a PUBLISH, or of a step behind it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ack {
    /// Of the PUBLISH.
    pub packet_id: u16,
    /// Reason Code (5.0); absent when it is left out, which means success.
    pub reason: Option<u8>,
    /// Properties (5.0); absent when their length is left out.
    pub properties: Option<Properties>,
}

impl Ack {
    /// The short form: success.
    pub fn of(packet_id: u16) -> Self {
        Self { packet_id, reason: None, properties: None }
    }

    /// The Reason Code, whether it is written or not.
    pub fn reason(&self) -> u8 {
        self.reason.unwrap_or_default()
    }

    pub(super) fn read(reader: &mut Reader<'_>, kind: PacketKind) -> Result<Self, Malformed> {
        let packet_id = reader.packet_id()?;
        let (reason, properties) = reason_and_properties(reader, kind)?;
        let (allowed, section) = match kind {
            PacketKind::PubAck => (RECEIVED, "3.4.2.1"),
            PacketKind::PubRec => (RECEIVED, "3.5.2.1"),
            PacketKind::PubRel => (RELEASED, "3.6.2.1"),
            _ => (RELEASED, "3.7.2.1"),
        };
        if let Some(reason) = reason.filter(|reason| !allowed.contains(reason)) {
            reader.note(Section::both(section), format!("a {kind} has no Reason Code {reason} (0x{reason:02X})"));
        }
        Ok(Self { packet_id, reason, properties })
    }

    pub(super) fn write(&self, out: &mut BytesMut) {
        out.put_u16(self.packet_id);
        write_reason_and_properties(out, self.reason, self.properties.as_ref());
    }
}

/// What may be left out at the end of several packets of 5.0.
pub(super) fn reason_and_properties(
    reader: &mut Reader<'_>,
    kind: PacketKind,
) -> Result<(Option<u8>, Option<Properties>), Malformed> {
    if !reader.is_v5() || reader.is_empty() {
        return Ok((None, None));
    }
    let reason = reader.u8("the Reason Code")?;
    if reader.is_empty() {
        return Ok((Some(reason), None));
    }
    Ok((Some(reason), Some(Properties::read(reader, Home::Packet(kind))?)))
}

/// Writes them. Properties without a reason get the reason 0, as there is no other way to write them.
pub(super) fn write_reason_and_properties(out: &mut BytesMut, reason: Option<u8>, properties: Option<&Properties>) {
    if reason.is_some() || properties.is_some() {
        out.put_u8(reason.unwrap_or_default());
    }
    if let Some(properties) = properties {
        properties.write(out);
    }
}
