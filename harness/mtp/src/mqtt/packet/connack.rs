//! CONNACK (section 3.2).

use bytes::{BufMut, BytesMut};

use super::MqttVersion;
use super::kind::PacketKind;
use super::property::Properties;
use super::reader::{Malformed, Reader};
use super::table::Home;
use super::violation::Section;

const ACKNOWLEDGE_FLAGS: Section = Section::of_each("3.2.2.1", "3.2.2.2");

/// The server's answer to CONNECT.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConnAck {
    /// The server has kept a session of this client.
    pub session_present: bool,
    /// Reason Code (3.1.1: return code); 0 is success.
    pub reason: u8,
    /// Properties (5.0).
    pub properties: Properties,
}

impl ConnAck {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let flags = reader.u8("the Connect Acknowledge Flags")?;
        if flags & 0xFE != 0 {
            reader.note(ACKNOWLEDGE_FLAGS, format!("reserved Connect Acknowledge Flags are set (0x{flags:02X})"));
        }
        let reason = reader.u8("the Connect Reason Code")?;
        if flags & 1 != 0 && reason != 0 {
            reader.note(ACKNOWLEDGE_FLAGS, format!("Session Present with the Reason Code {reason}"));
        }
        let properties = Properties::read(reader, Home::Packet(PacketKind::ConnAck))?;
        Ok(Self { session_present: flags & 1 != 0, reason, properties })
    }

    pub(super) fn write(&self, version: MqttVersion, out: &mut BytesMut) {
        out.put_u8(u8::from(self.session_present));
        out.put_u8(self.reason);
        if version == MqttVersion::V5 {
            self.properties.write(out);
        }
    }
}
