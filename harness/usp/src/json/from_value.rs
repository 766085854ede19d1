//! JSON to protobuf, with every problem reported at its place.

use std::collections::HashMap;

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, Value as Proto};
use serde_json::Value;

use super::FieldError;
use crate::field_path::{FieldPath, Segment};

/// How a string is read where the schema wants something else than a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strings {
    /// As an author writes: exactly one `{{variable}}` fits any single value, nothing else does.
    Template,
    /// After variables were filled in: the text must read as the value (`true`, `7`).
    Expanded,
}

/// Builds a message, or reports every problem of `value`.
pub(super) fn from_value(
    descriptor: &MessageDescriptor,
    value: &Value,
    strings: Strings,
) -> Result<DynamicMessage, Vec<FieldError>> {
    let mut builder = Builder { strings, path: FieldPath::root(), errors: Vec::new() };
    let message = builder.message(descriptor, value);
    match message {
        Some(message) if builder.errors.is_empty() => Ok(message),
        _ => Err(builder.errors),
    }
}

struct Builder {
    strings: Strings,
    path: FieldPath,
    errors: Vec<FieldError>,
}

impl Builder {
    fn message(&mut self, descriptor: &MessageDescriptor, value: &Value) -> Option<DynamicMessage> {
        let Value::Object(entries) = value else {
            return self.wrong(&format!("a map with the fields of {}", descriptor.name()), value);
        };
        let mut message = DynamicMessage::new(descriptor.clone());
        let mut members: HashMap<String, String> = HashMap::new();
        for (name, item) in entries {
            self.path.push(Segment::Field(name.clone()));
            if let Some(field) = descriptor.get_field_by_name(name) {
                self.oneof(&mut members, &field);
                if let Some(value) = self.field(&field, item) {
                    message.set_field(&field, value);
                }
            } else {
                self.errors.push(FieldError::unknown_field(self.path.clone(), name, descriptor));
            }
            self.path.pop();
        }
        Some(message)
    }

    fn oneof(&mut self, members: &mut HashMap<String, String>, field: &FieldDescriptor) {
        let Some(oneof) = field.containing_oneof() else {
            return;
        };
        if let Some(first) = members.insert(oneof.name().to_owned(), field.name().to_owned()) {
            self.error(format!("{first} is set already, and {} allows one member only", oneof.name()));
        }
    }

    fn field(&mut self, field: &FieldDescriptor, value: &Value) -> Option<Proto> {
        if field.is_map() {
            self.map(field, value)
        } else if field.is_list() {
            self.list(field, value)
        } else {
            self.single(&field.kind(), value)
        }
    }

    fn list(&mut self, field: &FieldDescriptor, value: &Value) -> Option<Proto> {
        let Value::Array(items) = value else {
            return self.wrong("a list", value);
        };
        let mut built = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            self.path.push(Segment::Index(index));
            built.extend(self.single(&field.kind(), item));
            self.path.pop();
        }
        Some(Proto::List(built))
    }

    fn map(&mut self, field: &FieldDescriptor, value: &Value) -> Option<Proto> {
        let Value::Object(entries) = value else {
            return self.wrong("a map", value);
        };
        let kind = field.kind();
        let entry = kind.as_message()?;
        let mut built = HashMap::with_capacity(entries.len());
        for (key, item) in entries {
            self.path.push(Segment::Key(key.clone()));
            if let (Some(key), Some(item)) = (
                self.key(&entry.map_entry_key_field().kind(), key),
                self.single(&entry.map_entry_value_field().kind(), item),
            ) {
                built.insert(key, item);
            }
            self.path.pop();
        }
        Some(Proto::Map(built))
    }

    /// Every map of USP has string keys; another kind would be a new schema, and is refused rather than guessed.
    fn key(&mut self, kind: &Kind, key: &str) -> Option<MapKey> {
        if *kind == Kind::String {
            return Some(MapKey::String(key.to_owned()));
        }
        self.error(format!("maps with {kind:?} keys are not supported"));
        None
    }

    fn single(&mut self, kind: &Kind, value: &Value) -> Option<Proto> {
        if let (Strings::Template, Value::String(text), false) =
            (self.strings, value, matches!(kind, Kind::String | Kind::Message(_)))
            && is_placeholder(text)
        {
            return Some(Proto::default_value(kind));
        }
        match kind {
            Kind::Message(descriptor) => self.message(descriptor, value).map(Proto::Message),
            Kind::String => self.string(value),
            Kind::Bool => self.bool(value),
            Kind::Bytes => self.bytes(value),
            Kind::Enum(_) => self.enumeration(kind, value),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => self.integer(value, "a 32-bit integer").map(Proto::I32),
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => self.integer(value, "a 64-bit integer").map(Proto::I64),
            Kind::Uint32 | Kind::Fixed32 => self.integer(value, "a number from 0 to 4294967295").map(Proto::U32),
            Kind::Uint64 | Kind::Fixed64 => self.integer(value, "a number from 0 to 2^64-1").map(Proto::U64),
            Kind::Float | Kind::Double => {
                self.error("floating point fields are not part of USP".to_owned());
                None
            }
        }
    }

    fn string(&mut self, value: &Value) -> Option<Proto> {
        match value {
            Value::String(text) => Some(Proto::String(text.clone())),
            Value::Bool(_) | Value::Number(_) => self.wrong("a string (put it in quotes)", value),
            _ => self.wrong("a string", value),
        }
    }

    fn bool(&mut self, value: &Value) -> Option<Proto> {
        match (value, self.strings) {
            (Value::Bool(it), _) => Some(Proto::Bool(*it)),
            (Value::String(text), Strings::Expanded) if text == "true" || text == "1" => Some(Proto::Bool(true)),
            (Value::String(text), Strings::Expanded) if text == "false" || text == "0" => Some(Proto::Bool(false)),
            _ => self.wrong("true or false", value),
        }
    }

    fn bytes(&mut self, value: &Value) -> Option<Proto> {
        let decoded = value.as_str().and_then(|text| hex::decode(text.split_whitespace().collect::<String>()).ok());
        match decoded {
            Some(bytes) => Some(Proto::Bytes(bytes.into())),
            None => self.wrong("bytes as a string of hex digits, two for each byte", value),
        }
    }

    fn enumeration(&mut self, kind: &Kind, value: &Value) -> Option<Proto> {
        let descriptor = kind.as_enum()?;
        match value {
            Value::String(name) => {
                if let Some(known) = descriptor.get_value_by_name(name) {
                    return Some(Proto::EnumNumber(known.number()));
                }
                if let (Strings::Expanded, Ok(number)) = (self.strings, name.parse()) {
                    return Some(Proto::EnumNumber(number));
                }
                let names = descriptor.values().map(|it| it.name().to_owned()).collect();
                self.errors.push(FieldError::unknown_name(self.path.clone(), name, descriptor.name(), names));
                None
            }
            // A number that the schema does not name is allowed: R-ENC.2 can be tested in no other way.
            Value::Number(_) => self.integer(value, "a 32-bit enum number").map(Proto::EnumNumber),
            _ => self.wrong(&format!("a value of {}", descriptor.name()), value),
        }
    }

    fn integer<T: TryFrom<i128>>(&mut self, value: &Value, expected: &str) -> Option<T> {
        let number = match value {
            Value::Number(number) => number.as_i128(),
            Value::String(text) if self.strings == Strings::Expanded => text.parse().ok(),
            _ => None,
        };
        match number.and_then(|number| T::try_from(number).ok()) {
            Some(number) => Some(number),
            None => self.wrong(expected, value),
        }
    }

    fn wrong<T>(&mut self, expected: &str, value: &Value) -> Option<T> {
        self.error(format!("expected {expected}, found {}", shown(value)));
        None
    }

    fn error(&mut self, message: String) {
        self.errors.push(FieldError::new(self.path.clone(), message));
    }
}

/// Exactly one `{{variable}}` and nothing around it.
fn is_placeholder(text: &str) -> bool {
    let inner = text.trim().strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}"));
    inner.is_some_and(|name| !name.trim().is_empty() && !name.contains(['{', '}']))
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(it) => it.to_string(),
        Value::Number(it) => it.to_string(),
        Value::String(it) => format!("{it:?}"),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a map".to_owned(),
    }
}
