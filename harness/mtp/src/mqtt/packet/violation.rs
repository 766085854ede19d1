//! What is wrong with a packet.

use bytes::Bytes;

use super::MqttVersion;

/// Octets of evidence that a violation carries at most.
pub const EVIDENCE: usize = 256;

/// One thing that is wrong with a packet. It does not say what becomes of the packet, nor of the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Where it is forbidden, such as `MQTT 5.0 2.2.2.2`.
    pub requirement: String,
    /// What was expected and what was seen.
    pub text: String,
    /// The packet's first octets, [`EVIDENCE`] at most.
    pub octets: Bytes,
}

impl Violation {
    /// A violation without evidence yet.
    pub(crate) fn new(version: MqttVersion, section: Section, text: impl Into<String>) -> Self {
        Self { requirement: section.of(version), text: text.into(), octets: Bytes::new() }
    }

    /// The same with the packet that shows it.
    pub(crate) fn shown_by(mut self, packet: &Bytes) -> Self {
        self.octets = packet.slice(..packet.len().min(EVIDENCE));
        self
    }
}

/// A section, which may have another number in each version of MQTT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Section {
    v5: &'static str,
    v311: &'static str,
}

impl Section {
    /// Same number in both.
    pub(crate) const fn both(number: &'static str) -> Self {
        Self { v5: number, v311: number }
    }

    /// Different numbers in 5.0 and 3.1.1.
    pub(crate) const fn of_each(v5: &'static str, v311: &'static str) -> Self {
        Self { v5, v311 }
    }

    /// The section as a requirement.
    pub(crate) fn of(self, version: MqttVersion) -> String {
        let number = match version {
            MqttVersion::V311 => self.v311,
            MqttVersion::V5 => self.v5,
        };
        format!("MQTT {version} {number}")
    }
}

/// UTF-8 Encoded String.
pub(crate) const UTF8: Section = Section::of_each("1.5.4", "1.5.3");
/// Variable Byte Integer.
pub(crate) const VARIABLE_INTEGER: Section = Section::of_each("1.5.5", "2.2.3");
/// Control packet type.
pub(crate) const TYPE: Section = Section::of_each("2.1.2", "2.2.1");
/// Flags of the fixed header.
pub(crate) const FLAGS: Section = Section::of_each("2.1.3", "2.2.2");
/// Remaining Length.
pub(crate) const REMAINING_LENGTH: Section = Section::of_each("2.1.4", "2.2.3");
/// Packet Identifier.
pub(crate) const PACKET_ID: Section = Section::of_each("2.2.1", "2.3.1");
/// Property Length.
pub(crate) const PROPERTY_LENGTH: Section = Section::both("2.2.2.1");
/// Property.
pub(crate) const PROPERTY: Section = Section::both("2.2.2.2");
/// Topic wildcards.
pub(crate) const WILDCARDS: Section = Section::both("4.7.1");
/// Shared subscriptions.
pub(crate) const SHARED: Section = Section::of_each("4.8.2", "4.7.2");
