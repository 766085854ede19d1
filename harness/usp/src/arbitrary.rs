//! Random values of the schema for property tests: valid in every way that R-ENC.3 and R-MSG ask for.

use proptest::prelude::*;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, Value};

use crate::schema::Schema;

/// A random valid `usp.Msg`.
pub(crate) fn message() -> impl Strategy<Value = DynamicMessage> {
    of(Schema::get().unwrap().msg().clone())
}

/// A random valid `usp_record.Record`.
pub(crate) fn record() -> impl Strategy<Value = DynamicMessage> {
    of(Schema::get().unwrap().record().clone())
}

fn of(descriptor: MessageDescriptor) -> impl Strategy<Value = DynamicMessage> {
    proptest::collection::vec(any::<u8>(), 0..300).prop_map(move |entropy| {
        let mut source = Source { bytes: entropy.into_iter() };
        source.message(&descriptor)
    })
}

/// Decisions drawn from random bytes; when they run out, everything becomes small, so shrinking works.
struct Source {
    bytes: std::vec::IntoIter<u8>,
}

impl Source {
    fn below(&mut self, bound: usize) -> usize {
        usize::from(self.bytes.next().unwrap_or(0)) % bound.max(1)
    }

    fn message(&mut self, descriptor: &MessageDescriptor) -> DynamicMessage {
        let mut message = DynamicMessage::new(descriptor.clone());
        for field in descriptor.fields().filter(|field| field.containing_oneof().is_none()) {
            let optional = matches!(field.kind(), Kind::Message(_)) && !["header", "body"].contains(&field.name());
            if field.name() == "msg_id" {
                // Never empty, because an empty string would not be written at all.
                message.set_field(&field, Value::String(format!("id{}", self.below(256))));
            } else if !optional || field.is_list() || field.is_map() || self.below(2) == 1 {
                let value = self.field(&field);
                message.set_field(&field, value);
            }
        }
        for oneof in descriptor.oneofs() {
            let members: Vec<_> = oneof.fields().collect();
            let member = &members[self.below(members.len())];
            let value = self.field(member);
            message.set_field(member, value);
        }
        message
    }

    fn field(&mut self, field: &FieldDescriptor) -> Value {
        let kind = field.kind();
        if field.is_map() {
            let value = kind.as_message().unwrap().map_entry_value_field().kind();
            let count = self.below(4);
            return Value::Map((0..count).map(|_| (MapKey::String(self.string()), self.single(&value))).collect());
        }
        if field.is_list() {
            let count = self.below(4);
            return Value::List((0..count).map(|_| self.single(&kind)).collect());
        }
        self.single(&kind)
    }

    fn single(&mut self, kind: &Kind) -> Value {
        match kind {
            Kind::Message(descriptor) => Value::Message(self.message(descriptor)),
            Kind::String => Value::String(self.string()),
            Kind::Bytes => Value::Bytes((0..self.below(5)).map(|_| u8::try_from(self.below(256)).unwrap()).collect()),
            Kind::Bool => Value::Bool(self.below(2) == 1),
            Kind::Enum(descriptor) => {
                let values: Vec<_> = descriptor.values().collect();
                Value::EnumNumber(values[self.below(values.len())].number())
            }
            Kind::Fixed32 => Value::U32([0, 1, 7004, u32::MAX][self.below(4)]),
            Kind::Uint64 => Value::U64([0, 1, 300, u64::MAX][self.below(4)]),
            other => panic!("the schema has a new kind of field: {other:?}"),
        }
    }

    fn string(&mut self) -> String {
        ["", "a", "Device.LocalAgent.", "true", "{{x}}", "ünï\u{0}\"cøde"][self.below(6)].to_owned()
    }
}
