//! The table of properties (MQTT 5.0 section 2.2.2.2).

use super::kind::PacketKind;
use super::property::{PropertyId, PropertyType};
use super::violation::Section;

/// Where properties can stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Home {
    /// In a packet.
    Packet(PacketKind),
    /// In the Will of a CONNECT.
    Will,
}

impl Home {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Packet(kind) => kind.name(),
            Self::Will => "Will",
        }
    }
}

/// What a property may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub(super) id: PropertyId,
    pub(super) number: u8,
    pub(super) name: &'static str,
    pub(super) kind: PropertyType,
    /// Where its meaning is told.
    pub(super) section: Section,
    homes: &'static [Home],
    pub(super) values: Values,
}

/// Which values a number may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Values {
    /// All of its type.
    Any,
    /// 0 or 1.
    Switch,
    /// All but 0.
    Positive,
}

impl Row {
    pub(super) fn may_stand_in(&self, home: Home) -> bool {
        self.id == PropertyId::UserProperty || self.homes.contains(&home)
    }

    /// Whether it may stand there more than once.
    pub(super) fn may_repeat_in(&self, home: Home) -> bool {
        self.id == PropertyId::UserProperty
            || self.id == PropertyId::SubscriptionIdentifier && home == Home::Packet(PacketKind::Publish)
    }
}

const CONNECT: Home = Home::Packet(PacketKind::Connect);
const CONNACK: Home = Home::Packet(PacketKind::ConnAck);
const PUBLISH: Home = Home::Packet(PacketKind::Publish);
const SUBSCRIBE: Home = Home::Packet(PacketKind::Subscribe);
const DISCONNECT: Home = Home::Packet(PacketKind::Disconnect);
const AUTH: Home = Home::Packet(PacketKind::Auth);

/// Where a message's properties stand.
const MESSAGE: &[Home] = &[PUBLISH, Home::Will];

/// Where a reason can be told.
const ANSWERS: &[Home] = &[
    CONNACK,
    Home::Packet(PacketKind::PubAck),
    Home::Packet(PacketKind::PubRec),
    Home::Packet(PacketKind::PubRel),
    Home::Packet(PacketKind::PubComp),
    Home::Packet(PacketKind::SubAck),
    Home::Packet(PacketKind::UnsubAck),
    DISCONNECT,
    AUTH,
];

const fn row(
    id: PropertyId,
    number: u8,
    name: &'static str,
    kind: PropertyType,
    section: &'static str,
    homes: &'static [Home],
    values: Values,
) -> Row {
    Row { id, number, name, kind, section: Section::both(section), homes, values }
}

use PropertyId as Id;
use PropertyType::{Binary, Byte, Four, Pair, Text, Two, Variable};
use Values::{Any, Positive, Switch};

/// Every property.
pub(super) const TABLE: [Row; 27] = [
    row(Id::PayloadFormat, 1, "payload_format", Byte, "3.3.2.3.2", MESSAGE, Switch),
    row(Id::MessageExpiry, 2, "message_expiry", Four, "3.3.2.3.3", MESSAGE, Any),
    row(Id::ContentType, 3, "content_type", Text, "3.3.2.3.9", MESSAGE, Any),
    row(Id::ResponseTopic, 8, "response_topic", Text, "3.3.2.3.5", MESSAGE, Any),
    row(Id::CorrelationData, 9, "correlation_data_hex", Binary, "3.3.2.3.6", MESSAGE, Any),
    row(
        Id::SubscriptionIdentifier,
        11,
        "subscription_identifiers",
        Variable,
        "3.8.2.1.2",
        &[PUBLISH, SUBSCRIBE],
        Positive,
    ),
    row(
        Id::SessionExpiryInterval,
        17,
        "session_expiry_interval",
        Four,
        "3.1.2.11.2",
        &[CONNECT, CONNACK, DISCONNECT],
        Any,
    ),
    row(Id::AssignedClientIdentifier, 18, "assigned_client_identifier", Text, "3.2.2.3.7", &[CONNACK], Any),
    row(Id::ServerKeepAlive, 19, "server_keep_alive", Two, "3.2.2.3.14", &[CONNACK], Any),
    row(Id::AuthenticationMethod, 21, "authentication_method", Text, "3.1.2.11.9", &[CONNECT, CONNACK, AUTH], Any),
    row(Id::AuthenticationData, 22, "authentication_data_hex", Binary, "3.1.2.11.10", &[CONNECT, CONNACK, AUTH], Any),
    row(Id::RequestProblemInformation, 23, "request_problem_information", Byte, "3.1.2.11.7", &[CONNECT], Switch),
    row(Id::WillDelayInterval, 24, "will_delay_interval", Four, "3.1.3.2.2", &[Home::Will], Any),
    row(Id::RequestResponseInformation, 25, "request_response_information", Byte, "3.1.2.11.6", &[CONNECT], Switch),
    row(Id::ResponseInformation, 26, "response_information", Text, "3.2.2.3.15", &[CONNACK], Any),
    row(Id::ServerReference, 28, "server_reference", Text, "3.2.2.3.16", &[CONNACK, DISCONNECT], Any),
    row(Id::ReasonString, 31, "reason_string", Text, "3.2.2.3.9", ANSWERS, Any),
    row(Id::ReceiveMaximum, 33, "receive_maximum", Two, "3.1.2.11.3", &[CONNECT, CONNACK], Positive),
    row(Id::TopicAliasMaximum, 34, "topic_alias_maximum", Two, "3.1.2.11.5", &[CONNECT, CONNACK], Any),
    row(Id::TopicAlias, 35, "topic_alias", Two, "3.3.2.3.4", &[PUBLISH], Positive),
    row(Id::MaximumQos, 36, "maximum_qos", Byte, "3.2.2.3.4", &[CONNACK], Switch),
    row(Id::RetainAvailable, 37, "retain_available", Byte, "3.2.2.3.5", &[CONNACK], Switch),
    row(Id::UserProperty, 38, "user_properties", Pair, "3.1.2.11.8", &[], Any),
    row(Id::MaximumPacketSize, 39, "maximum_packet_size", Four, "3.1.2.11.4", &[CONNECT, CONNACK], Positive),
    row(
        Id::WildcardSubscriptionAvailable,
        40,
        "wildcard_subscription_available",
        Byte,
        "3.2.2.3.11",
        &[CONNACK],
        Switch,
    ),
    row(
        Id::SubscriptionIdentifierAvailable,
        41,
        "subscription_identifier_available",
        Byte,
        "3.2.2.3.12",
        &[CONNACK],
        Switch,
    ),
    row(Id::SharedSubscriptionAvailable, 42, "shared_subscription_available", Byte, "3.2.2.3.13", &[CONNACK], Switch),
];

/// The row of that number.
pub(super) fn of_number(number: u32) -> Option<&'static Row> {
    TABLE.iter().find(|row| u32::from(row.number) == number)
}

/// The row of that property.
pub(super) fn of(id: PropertyId) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.id == id)
}
