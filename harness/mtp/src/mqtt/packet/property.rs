//! Properties of a packet (MQTT 5.0 section 2.2.2).

use bytes::{BufMut, Bytes, BytesMut};

use super::reader::{MOST, Malformed, Reader};
use super::table::{self, Home, Row, Values};
use super::violation::{PROPERTY, PROPERTY_LENGTH};
use super::writer;
use crate::mqtt::topic;

/// Which property it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // the specification's own names
pub enum PropertyId {
    PayloadFormat,
    MessageExpiry,
    ContentType,
    ResponseTopic,
    CorrelationData,
    SubscriptionIdentifier,
    SessionExpiryInterval,
    AssignedClientIdentifier,
    ServerKeepAlive,
    AuthenticationMethod,
    AuthenticationData,
    RequestProblemInformation,
    WillDelayInterval,
    RequestResponseInformation,
    ResponseInformation,
    ServerReference,
    ReasonString,
    ReceiveMaximum,
    TopicAliasMaximum,
    TopicAlias,
    MaximumQos,
    RetainAvailable,
    UserProperty,
    MaximumPacketSize,
    WildcardSubscriptionAvailable,
    SubscriptionIdentifierAvailable,
    SharedSubscriptionAvailable,
}

/// The type of a property's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PropertyType {
    Byte,
    Two,
    Four,
    Variable,
    Text,
    Binary,
    Pair,
}

/// The value of a property. A writer may give any property a value of any type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PropertyValue {
    /// Byte.
    Byte(u8),
    /// Two Byte Integer.
    Two(u16),
    /// Four Byte Integer.
    Four(u32),
    /// Variable Byte Integer.
    Variable(u32),
    /// UTF-8 Encoded String.
    Text(String),
    /// Binary Data.
    Binary(Bytes),
    /// UTF-8 String Pair: name and value.
    Pair(String, String),
}

/// One property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Property {
    /// Which one.
    pub id: PropertyId,
    /// Its value.
    pub value: PropertyValue,
}

/// Properties in the order in which they stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Properties(pub Vec<Property>);

impl Properties {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same and one more behind them.
    #[must_use]
    pub fn with(mut self, id: PropertyId, value: PropertyValue) -> Self {
        self.0.push(Property { id, value });
        self
    }

    /// The same and a text behind them.
    #[must_use]
    pub fn with_text(self, id: PropertyId, text: impl Into<String>) -> Self {
        self.with(id, PropertyValue::Text(text.into()))
    }

    /// The same and a User Property behind them.
    #[must_use]
    pub fn with_user(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.with(PropertyId::UserProperty, PropertyValue::Pair(name.into(), value.into()))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first value of that property.
    pub fn get(&self, id: PropertyId) -> Option<&PropertyValue> {
        self.0.iter().find(|property| property.id == id).map(|property| &property.value)
    }

    /// The first value of that property, if it is a text.
    pub fn text(&self, id: PropertyId) -> Option<&str> {
        match self.get(id)? {
            PropertyValue::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The first value of that property, if it is a number of whatever width.
    pub fn number(&self, id: PropertyId) -> Option<u32> {
        match self.get(id)? {
            PropertyValue::Byte(value) => Some(u32::from(*value)),
            PropertyValue::Two(value) => Some(u32::from(*value)),
            PropertyValue::Four(value) | PropertyValue::Variable(value) => Some(*value),
            PropertyValue::Text(_) | PropertyValue::Binary(_) | PropertyValue::Pair(..) => None,
        }
    }

    /// The values of every User Property of that name.
    pub fn user<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.user_properties().filter(move |(one, _)| *one == name).map(|(_, value)| value)
    }

    /// Every User Property: name and value.
    pub fn user_properties(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().filter_map(|property| match (&property.id, &property.value) {
            (PropertyId::UserProperty, PropertyValue::Pair(name, value)) => Some((name.as_str(), value.as_str())),
            _ => None,
        })
    }

    /// Removes every property of that kind.
    pub fn remove(&mut self, id: PropertyId) {
        self.0.retain(|property| property.id != id);
    }

    /// Reads a Property Length and what it announces. MQTT 3.1.1 has none.
    pub(super) fn read(reader: &mut Reader<'_>, home: Home) -> Result<Self, Malformed> {
        if !reader.is_v5() {
            return Ok(Self::default());
        }
        let length = usize::try_from(reader.variable_integer("the Property Length")?).map_err(|_| Malformed)?;
        let there = reader.remaining();
        if length > there {
            let text = format!("the Property Length is {length}; only {there} octets of the packet are left");
            reader.note(PROPERTY_LENGTH, text);
            return Err(Malformed);
        }
        let mut part = reader.part(length);
        let mut read = Self::default();
        while !part.is_empty() {
            if read.0.len() >= MOST {
                part.note(PROPERTY, format!("more than {MOST} properties, which is more than this end takes"));
                return Err(Malformed);
            }
            match read_one(&mut part, home, &read) {
                Ok(property) => read.0.push(property),
                // The length says where the packet goes on, so that only the rest of the properties is lost.
                Err(Malformed) => break,
            }
        }
        Ok(read)
    }

    /// Writes the Property Length and the properties.
    pub(super) fn write(&self, out: &mut BytesMut) {
        let mut octets = BytesMut::new();
        for property in &self.0 {
            if let Some(row) = table::of(property.id) {
                octets.put_u8(row.number);
                property.value.write(&mut octets);
            }
        }
        writer::variable_integer(out, octets.len());
        out.extend_from_slice(&octets);
    }
}

fn read_one(reader: &mut Reader<'_>, home: Home, before: &Properties) -> Result<Property, Malformed> {
    let number = reader.variable_integer("a Property Identifier")?;
    let Some(row) = table::of_number(number) else {
        let text = format!("there is no property with the identifier {number} (0x{number:02X})");
        reader.note(PROPERTY, text);
        return Err(Malformed);
    };
    let value = PropertyValue::read(reader, row)?;
    if !row.may_stand_in(home) {
        reader.note(PROPERTY, format!("the property {} must not stand in a {}", row.name, home.name()));
    }
    if !row.may_repeat_in(home) && before.get(row.id).is_some() {
        reader.note(row.section, format!("the property {} stands more than once in the {}", row.name, home.name()));
    }
    check_value(reader, row, &value);
    Ok(Property { id: row.id, value })
}

fn check_value(reader: &mut Reader<'_>, row: &Row, value: &PropertyValue) {
    let number = match value {
        PropertyValue::Byte(value) => u32::from(*value),
        PropertyValue::Two(value) => u32::from(*value),
        PropertyValue::Four(value) | PropertyValue::Variable(value) => *value,
        PropertyValue::Text(text) if row.id == PropertyId::ResponseTopic => {
            if let Err(wrong) = topic::check_name(text) {
                reader.note(row.section, format!("the Response Topic \"{text}\" is no Topic Name: {wrong}"));
            }
            return;
        }
        PropertyValue::Text(_) | PropertyValue::Binary(_) | PropertyValue::Pair(..) => return,
    };
    let wrong = match row.values {
        Values::Switch if number > 1 => "neither 0 nor 1",
        Values::Positive if number == 0 => "not to be 0",
        Values::Any | Values::Switch | Values::Positive => return,
    };
    reader.note(row.section, format!("the property {} is {number}, {wrong}", row.name));
}

impl PropertyValue {
    fn read(reader: &mut Reader<'_>, row: &Row) -> Result<Self, Malformed> {
        let what = row.name;
        Ok(match row.kind {
            PropertyType::Byte => Self::Byte(reader.u8(what)?),
            PropertyType::Two => Self::Two(reader.u16(what)?),
            PropertyType::Four => Self::Four(reader.u32(what)?),
            PropertyType::Variable => Self::Variable(reader.variable_integer(what)?),
            PropertyType::Text => Self::Text(reader.text(what)?),
            PropertyType::Binary => Self::Binary(reader.binary(what)?),
            PropertyType::Pair => {
                Self::Pair(reader.text("the name of a User Property")?, reader.text("the value of a User Property")?)
            }
        })
    }

    fn write(&self, out: &mut BytesMut) {
        match self {
            Self::Byte(value) => out.put_u8(*value),
            Self::Two(value) => out.put_u16(*value),
            Self::Four(value) => out.put_u32(*value),
            Self::Variable(value) => writer::variable_integer(out, usize::try_from(*value).unwrap_or(usize::MAX)),
            Self::Text(value) => writer::text(out, value),
            Self::Binary(value) => writer::binary(out, value),
            Self::Pair(name, value) => {
                writer::text(out, name);
                writer::text(out, value);
            }
        }
    }
}
