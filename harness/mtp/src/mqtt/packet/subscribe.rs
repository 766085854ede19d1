//! SUBSCRIBE (section 3.8).

use bytes::{BufMut, BytesMut};

use super::kind::PacketKind;
use super::property::Properties;
use super::reader::{MOST, Malformed, Reader};
use super::table::Home;
use super::violation::{SHARED, Section, WILDCARDS};
use super::{MqttVersion, writer};
use crate::mqtt::topic;

const PAYLOAD: Section = Section::both("3.8.3");
const OPTIONS: Section = Section::of_each("3.8.3.1", "3.8.3");

/// A client subscribes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subscribe {
    /// Packet Identifier.
    pub packet_id: u16,
    /// What to; at least one.
    pub subscriptions: Vec<Subscription>,
    /// Properties (5.0).
    pub properties: Properties,
}

/// One filter and how messages that match it are to come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // the protocol's own switches
pub struct Subscription {
    /// Topic Filter.
    pub filter: String,
    /// Most QoS wanted.
    pub qos: u8,
    /// Own messages are not wanted (5.0).
    pub no_local: bool,
    /// The RETAIN flag is wanted as it was published (5.0).
    pub retain_as_published: bool,
    /// Whether retained messages are wanted at once: 0 yes, 1 if the subscription is new, 2 no (5.0).
    pub retain_handling: u8,
}

impl Subscription {
    /// Of that filter, with at most that QoS.
    pub fn new(filter: impl Into<String>, qos: u8) -> Self {
        Self { filter: filter.into(), qos, ..Self::default() }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let filter = reader.text("a Topic Filter")?;
        check_filter(reader, &filter);
        let options = reader.u8("Subscription Options")?;
        let reserved = if reader.is_v5() { 0xC0 } else { 0xFC };
        if options & reserved != 0 {
            reader.note(OPTIONS, format!("reserved Subscription Options are set (0x{options:02X})"));
        }
        let subscription = Self {
            qos: options & 3,
            no_local: reader.is_v5() && options & 4 != 0,
            retain_as_published: reader.is_v5() && options & 8 != 0,
            retain_handling: if reader.is_v5() { options >> 4 & 3 } else { 0 },
            filter,
        };
        if subscription.qos == 3 {
            reader.note(OPTIONS, format!("the QoS of the subscription to \"{}\" is 3", subscription.filter));
        }
        if subscription.retain_handling == 3 {
            reader.note(OPTIONS, format!("the Retain Handling of \"{}\" is 3", subscription.filter));
        }
        if subscription.no_local && topic::shared(&subscription.filter).is_some() {
            reader.note(OPTIONS, format!("No Local on the shared subscription \"{}\"", subscription.filter));
        }
        Ok(subscription)
    }

    fn options(&self) -> u8 {
        self.qos & 3
            | u8::from(self.no_local) << 2
            | u8::from(self.retain_as_published) << 3
            | (self.retain_handling & 3) << 4
    }
}

/// Notes what is wrong with a Topic Filter.
pub(super) fn check_filter(reader: &mut Reader<'_>, filter: &str) {
    if let Err(wrong) = topic::check_filter(filter) {
        let section = if filter.starts_with(topic::SHARE) && reader.is_v5() { SHARED } else { WILDCARDS };
        reader.note(section, format!("\"{filter}\" is no Topic Filter: {wrong}"));
    }
}

impl Subscribe {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let packet_id = reader.packet_id()?;
        let properties = Properties::read(reader, Home::Packet(PacketKind::Subscribe))?;
        let mut subscriptions = Vec::new();
        while !reader.is_empty() {
            if subscriptions.len() >= MOST {
                reader.note(PAYLOAD, format!("more than {MOST} Topic Filters, which is more than this end takes"));
                return Err(Malformed);
            }
            subscriptions.push(Subscription::read(reader)?);
        }
        if subscriptions.is_empty() {
            reader.note(PAYLOAD, "a SUBSCRIBE without a Topic Filter");
        }
        Ok(Self { packet_id, subscriptions, properties })
    }

    pub(super) fn write(&self, version: MqttVersion, out: &mut BytesMut) {
        out.put_u16(self.packet_id);
        if version == MqttVersion::V5 {
            self.properties.write(out);
        }
        for subscription in &self.subscriptions {
            writer::text(out, &subscription.filter);
            out.put_u8(subscription.options());
        }
    }
}
