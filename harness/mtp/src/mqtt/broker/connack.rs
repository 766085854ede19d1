//! What a CONNECT is answered with.

use crate::mqtt::behaviour::ConnackChanges;
use crate::mqtt::packet::{ConnAck, Connect, Properties, PropertyId, PropertyValue};
use crate::mqtt::{MqttVersion, SUBSCRIBE_TOPIC, reason};

/// A CONNACK that refuses. Return codes of 3.1.1 are the nearest to the reason.
pub(super) fn refusal(version: MqttVersion, code: u8) -> ConnAck {
    let code = match version {
        MqttVersion::V5 => code,
        MqttVersion::V311 => return_code(code),
    };
    ConnAck { session_present: false, reason: code, properties: Properties::new() }
}

/// The return code of 3.1.1 (its section 3.2.2.3) that comes nearest to a Reason Code of 5.0.
fn return_code(code: u8) -> u8 {
    match code {
        0..=5 => code,
        reason::UNSUPPORTED_VERSION => 1,
        reason::CLIENT_IDENTIFIER_NOT_VALID => 2,
        reason::BAD_USER_NAME_OR_PASSWORD => 4,
        reason::NOT_AUTHORIZED | 0x8A => 5,
        _ => 3,
    }
}

/// A CONNACK that opens a session; `assigned` is the identifier that the client got.
pub(super) fn success(
    connect: &Connect,
    changes: &ConnackChanges,
    session_present: bool,
    assigned: Option<&str>,
) -> ConnAck {
    let session_present = changes.session_present.unwrap_or(session_present);
    let mut properties = Properties::new();
    if connect.version() != Some(MqttVersion::V5) {
        return ConnAck { session_present, reason: reason::SUCCESS, properties };
    }
    let two = |value: u16| PropertyValue::Two(value);
    if let Some(value) = changes.session_expiry_interval {
        properties = properties.with(PropertyId::SessionExpiryInterval, PropertyValue::Four(value));
    }
    if let Some(value) = changes.receive_maximum {
        properties = properties.with(PropertyId::ReceiveMaximum, two(value));
    }
    if let Some(value) = changes.maximum_qos {
        properties = properties.with(PropertyId::MaximumQos, PropertyValue::Byte(value));
    }
    if let Some(value) = changes.maximum_packet_size {
        properties = properties.with(PropertyId::MaximumPacketSize, PropertyValue::Four(value));
    }
    if let Some(assigned) = assigned {
        properties = properties.with_text(PropertyId::AssignedClientIdentifier, assigned);
    }
    if let Some(value) = changes.server_keep_alive {
        properties = properties.with(PropertyId::ServerKeepAlive, two(value));
    }
    // Who does not ask for it must not get it (section 3.1.2.11.6).
    if connect.properties.number(PropertyId::RequestResponseInformation) == Some(1)
        && let Some(information) = &changes.response_information
    {
        properties = properties.with_text(PropertyId::ResponseInformation, information);
    }
    if let Some(text) = &changes.reason_string {
        properties = properties.with_text(PropertyId::ReasonString, text);
    }
    for filter in &changes.subscribe_topics {
        properties = properties.with_user(SUBSCRIBE_TOPIC, filter);
    }
    for (name, value) in &changes.user_properties {
        properties = properties.with_user(name, value);
    }
    ConnAck { session_present, reason: reason::SUCCESS, properties }
}
