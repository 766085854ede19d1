//! AUTH (MQTT 5.0 section 3.15).

use bytes::BytesMut;

use super::ack::{reason_and_properties, write_reason_and_properties};
use super::kind::PacketKind;
use super::property::Properties;
use super::reader::{Malformed, Reader};
use super::violation::Section;

const REASON: Section = Section::both("3.15.2.1");

/// Extended authentication.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Auth {
    /// Reason Code; absent when it is left out, which means success.
    pub reason: Option<u8>,
    /// Properties; absent when their length is left out.
    pub properties: Option<Properties>,
}

impl Auth {
    /// The Reason Code, whether it is written or not.
    pub fn reason(&self) -> u8 {
        self.reason.unwrap_or_default()
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let (reason, properties) = reason_and_properties(reader, PacketKind::Auth)?;
        if let Some(reason) = reason.filter(|reason| !matches!(reason, 0x00 | 0x18 | 0x19)) {
            reader.note(REASON, format!("an AUTH has no Reason Code {reason} (0x{reason:02X})"));
        }
        Ok(Self { reason, properties })
    }

    pub(super) fn write(&self, out: &mut BytesMut) {
        write_reason_and_properties(out, self.reason, self.properties.as_ref());
    }
}
