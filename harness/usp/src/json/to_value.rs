//! Protobuf to JSON.

use std::collections::BTreeMap;

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, ReflectMessage as _, Value as Proto};
use serde_json::{Number, Value};

/// A decoded message as JSON.
///
/// Fields stand in the order of their numbers. Default scalars, empty lists and empty maps are written; message fields
/// and oneof members that are not set are absent. Enums are names, or the number where the schema has no name for it;
/// bytes are lowercase hex; numbers are numbers; map entries are in the order of their keys.
pub fn to_value(message: &DynamicMessage) -> Value {
    let descriptor = message.descriptor();
    let present = descriptor.fields().filter(|field| !field.supports_presence() || message.has_field(field));
    let fields = present.map(|field| (field.name().to_owned(), value_of(&field, &message.get_field(&field)))).collect();
    Value::Object(fields)
}

fn value_of(field: &FieldDescriptor, value: &Proto) -> Value {
    match value {
        Proto::List(items) => Value::Array(items.iter().map(|item| single(&field.kind(), item)).collect()),
        Proto::Map(entries) => {
            let kind = match field.kind() {
                Kind::Message(entry) => entry.map_entry_value_field().kind(),
                scalar => scalar,
            };
            let ordered: BTreeMap<_, _> = entries.iter().collect();
            Value::Object(ordered.into_iter().map(|(key, item)| (key_of(key), single(&kind, item))).collect())
        }
        value => single(&field.kind(), value),
    }
}

fn single(kind: &Kind, value: &Proto) -> Value {
    match value {
        Proto::Bool(it) => Value::Bool(*it),
        Proto::I32(it) => Value::from(*it),
        Proto::I64(it) => Value::from(*it),
        Proto::U32(it) => Value::from(*it),
        Proto::U64(it) => Value::from(*it),
        Proto::F32(it) => float(f64::from(*it)),
        Proto::F64(it) => float(*it),
        Proto::String(it) => Value::String(it.clone()),
        Proto::Bytes(it) => Value::String(hex::encode(it)),
        Proto::EnumNumber(it) => enum_value(kind, *it),
        Proto::Message(it) => to_value(it),
        // Protobuf has no list of lists; kept total all the same.
        Proto::List(items) => Value::Array(items.iter().map(|item| single(kind, item)).collect()),
        Proto::Map(entries) => {
            let ordered: BTreeMap<_, _> = entries.iter().collect();
            Value::Object(ordered.into_iter().map(|(key, item)| (key_of(key), single(kind, item))).collect())
        }
    }
}

fn enum_value(kind: &Kind, number: i32) -> Value {
    let named = kind.as_enum().and_then(|it| it.get_value(number));
    named.map_or_else(|| Value::from(number), |it| Value::String(it.name().to_owned()))
}

/// JSON has no NaN and no infinity; a text is better than nothing. (No field of USP is a float.)
fn float(value: f64) -> Value {
    Number::from_f64(value).map_or_else(|| Value::String(value.to_string()), Value::Number)
}

fn key_of(key: &MapKey) -> String {
    match key {
        MapKey::Bool(it) => it.to_string(),
        MapKey::I32(it) => it.to_string(),
        MapKey::I64(it) => it.to_string(),
        MapKey::U32(it) => it.to_string(),
        MapKey::U64(it) => it.to_string(),
        MapKey::String(it) => it.clone(),
    }
}
