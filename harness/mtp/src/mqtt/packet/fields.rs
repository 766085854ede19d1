//! A packet as a value for people and patterns: everything but the application message.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::property::{Properties, PropertyId, PropertyValue};
use super::{Ack, Connect, MqttVersion, Packet, Publish, SubAck, Subscribe, Subscription, Will, table};

impl Packet {
    /// Everything decoded but the application message, with snake_case names. What does not stand in the packet is absent.
    pub fn fields(&self, version: MqttVersion) -> Value {
        let mut fields = Map::new();
        match self {
            Self::Connect(connect) => of_connect(&mut fields, connect),
            Self::ConnAck(ack) => {
                fields.insert("session_present".into(), json!(ack.session_present));
                fields.insert("reason".into(), json!(ack.reason));
                put_properties(&mut fields, version, &ack.properties);
            }
            Self::Publish(publish) => of_publish(&mut fields, version, publish),
            Self::PubAck(ack) | Self::PubRec(ack) | Self::PubRel(ack) | Self::PubComp(ack) => of_ack(&mut fields, ack),
            Self::Subscribe(subscribe) => of_subscribe(&mut fields, version, subscribe),
            Self::SubAck(ack) | Self::UnsubAck(ack) => of_suback(&mut fields, version, ack),
            Self::Unsubscribe(unsubscribe) => {
                fields.insert("packet_id".into(), json!(unsubscribe.packet_id));
                fields.insert("filters".into(), json!(unsubscribe.filters));
                put_properties(&mut fields, version, &unsubscribe.properties);
            }
            Self::PingReq | Self::PingResp => {}
            Self::Disconnect(disconnect) => put_reason(&mut fields, disconnect.reason, disconnect.properties.as_ref()),
            Self::Auth(auth) => put_reason(&mut fields, auth.reason, auth.properties.as_ref()),
        }
        Value::Object(fields)
    }
}

fn of_connect(fields: &mut Map<String, Value>, connect: &Connect) {
    let version = connect.version();
    let name = version.map_or_else(|| format!("level {}", connect.level), |version| version.to_string());
    fields.insert("protocol_name".into(), json!(connect.protocol_name));
    fields.insert("version".into(), json!(name));
    fields.insert("clean_start".into(), json!(connect.clean_start));
    fields.insert("keep_alive".into(), json!(connect.keep_alive));
    fields.insert("client_id".into(), json!(connect.client_id));
    if let Some(username) = &connect.username {
        fields.insert("username".into(), json!(username));
    }
    if let Some(password) = &connect.password {
        let text = String::from_utf8_lossy(password);
        // What is no text would be lost: nobody could find its octets elsewhere to mask them.
        if let Cow::Owned(_) = text {
            fields.insert("password_hex".into(), json!(hex::encode(password)));
        }
        fields.insert("password".into(), json!(text));
    }
    let version = version.unwrap_or(if connect.level >= 5 { MqttVersion::V5 } else { MqttVersion::V311 });
    if let Some(will) = &connect.will {
        fields.insert("will".into(), of_will(version, will));
    }
    put_properties(fields, version, &connect.properties);
}

fn of_will(version: MqttVersion, will: &Will) -> Value {
    let mut fields = Map::new();
    fields.insert("topic".into(), json!(will.topic));
    fields.insert("qos".into(), json!(will.qos));
    fields.insert("retain".into(), json!(will.retain));
    fields.insert("payload_hex".into(), json!(hex::encode(&will.payload)));
    put_properties(&mut fields, version, &will.properties);
    Value::Object(fields)
}

fn of_publish(fields: &mut Map<String, Value>, version: MqttVersion, publish: &Publish) {
    fields.insert("topic".into(), json!(publish.topic));
    fields.insert("qos".into(), json!(publish.qos));
    fields.insert("retain".into(), json!(publish.retain));
    fields.insert("dup".into(), json!(publish.dup));
    if let Some(packet_id) = publish.packet_id {
        fields.insert("packet_id".into(), json!(packet_id));
    }
    put_properties(fields, version, &publish.properties);
}

fn of_ack(fields: &mut Map<String, Value>, ack: &Ack) {
    fields.insert("packet_id".into(), json!(ack.packet_id));
    put_reason(fields, ack.reason, ack.properties.as_ref());
}

fn of_subscribe(fields: &mut Map<String, Value>, version: MqttVersion, subscribe: &Subscribe) {
    fields.insert("packet_id".into(), json!(subscribe.packet_id));
    let subscriptions = subscribe.subscriptions.iter().map(|one| of_subscription(version, one)).collect();
    fields.insert("subscriptions".into(), Value::Array(subscriptions));
    put_properties(fields, version, &subscribe.properties);
}

fn of_subscription(version: MqttVersion, subscription: &Subscription) -> Value {
    let Subscription { filter, qos, no_local, retain_as_published, retain_handling } = subscription;
    match version {
        MqttVersion::V311 => json!({"filter": filter, "qos": qos}),
        MqttVersion::V5 => json!({
            "filter": filter,
            "qos": qos,
            "no_local": no_local,
            "retain_as_published": retain_as_published,
            "retain_handling": retain_handling,
        }),
    }
}

fn of_suback(fields: &mut Map<String, Value>, version: MqttVersion, ack: &SubAck) {
    fields.insert("packet_id".into(), json!(ack.packet_id));
    if !ack.reasons.is_empty() {
        fields.insert("reasons".into(), json!(ack.reasons));
    }
    put_properties(fields, version, &ack.properties);
}

fn put_reason(fields: &mut Map<String, Value>, reason: Option<u8>, properties: Option<&Properties>) {
    if let Some(reason) = reason {
        fields.insert("reason".into(), json!(reason));
    }
    if let Some(properties) = properties {
        fields.insert("properties".into(), of_properties(properties));
    }
}

fn put_properties(fields: &mut Map<String, Value>, version: MqttVersion, properties: &Properties) {
    if version == MqttVersion::V5 {
        fields.insert("properties".into(), of_properties(properties));
    }
}

/// The first of repeated properties counts, but for the two that may be repeated: they are lists.
fn of_properties(properties: &Properties) -> Value {
    let mut fields = Map::new();
    for property in &properties.0 {
        let Some(row) = table::of(property.id) else {
            continue;
        };
        let value = of_value(&property.value);
        if matches!(property.id, PropertyId::UserProperty | PropertyId::SubscriptionIdentifier) {
            if let Value::Array(list) = fields.entry(row.name).or_insert_with(|| json!([])) {
                list.push(value);
            }
        } else {
            fields.entry(row.name).or_insert(value);
        }
    }
    Value::Object(fields)
}

fn of_value(value: &PropertyValue) -> Value {
    match value {
        PropertyValue::Byte(value) => json!(value),
        PropertyValue::Two(value) => json!(value),
        PropertyValue::Four(value) | PropertyValue::Variable(value) => json!(value),
        PropertyValue::Text(text) => json!(text),
        PropertyValue::Binary(octets) => json!(hex::encode(octets)),
        PropertyValue::Pair(name, value) => json!({"name": name, "value": value}),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn a_password_that_is_no_text_is_shown_as_it_is_too() {
        let connect = |password: &'static [u8]| {
            let connect =
                Connect { password: Some(Bytes::from_static(password)), ..Connect::new(MqttVersion::V5, "c") };
            Packet::Connect(connect).fields(MqttVersion::V5)
        };
        let shown = connect(b"\xffword");
        assert_eq!((&shown["password"], &shown["password_hex"]), (&json!("\u{fffd}word"), &json!("ff776f7264")));
        assert_eq!(connect(b"word").get("password_hex"), None);
    }
}
