//! DISCONNECT (section 3.14).

use bytes::BytesMut;

use super::ack::{reason_and_properties, write_reason_and_properties};
use super::kind::PacketKind;
use super::property::Properties;
use super::reader::{Malformed, Reader};
use super::violation::Section;

const REASON: Section = Section::both("3.14.2.1");

/// Reasons of DISCONNECT.
const REASONS: &[u8] = &[
    0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8B, 0x8D, 0x8E, 0x8F, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98,
    0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9E, 0x9F, 0xA0, 0xA1, 0xA2,
];

/// Farewell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Disconnect {
    /// Reason Code (5.0); absent when it is left out, which means a normal farewell.
    pub reason: Option<u8>,
    /// Properties (5.0); absent when their length is left out.
    pub properties: Option<Properties>,
}

impl Disconnect {
    /// With a Reason Code, which MQTT 3.1.1 does not have.
    pub fn because(reason: u8) -> Self {
        Self { reason: Some(reason), properties: None }
    }

    /// The Reason Code, whether it is written or not.
    pub fn reason(&self) -> u8 {
        self.reason.unwrap_or_default()
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let (reason, properties) = reason_and_properties(reader, PacketKind::Disconnect)?;
        if let Some(reason) = reason.filter(|reason| !REASONS.contains(reason)) {
            reader.note(REASON, format!("a DISCONNECT has no Reason Code {reason} (0x{reason:02X})"));
        }
        Ok(Self { reason, properties })
    }

    pub(super) fn write(&self, out: &mut BytesMut) {
        write_reason_and_properties(out, self.reason, self.properties.as_ref());
    }
}
