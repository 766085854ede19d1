//! Total and loud decoding: any bytes are accepted, kept, and everything that a lenient decoder passes over is reported.
//!
//! One decision behind it: prost yields the value that code acts on, and a strict scanner over the descriptors walks the
//! same bytes for what prost keeps silent about (unknown fields, unknown enum values, singular fields that come twice,
//! two members of a oneof, duplicate map keys). What both yield is never merged into one opinion: the bytes stay, too.

mod irregularity;
mod payload;
mod scan;

use prost::Message;
use prost_reflect::MessageDescriptor;

use crate::{
    field_path::FieldPath,
    msg, record,
    schema::{Schema, SchemaError},
};

pub use irregularity::{Irregularity, IrregularityKind, Root};
pub use payload::{Payload, RecordKind, payload, record_kind};

/// What became of received bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded<T> {
    /// The bytes exactly as received.
    pub bytes: Vec<u8>,
    /// The typed value, or `None` when the bytes cannot be decoded; `irregularities` then says why.
    pub value: Option<T>,
    /// Everything that a strict encoder would not have written, in the order of the bytes. Never empty without a value.
    pub irregularities: Vec<Irregularity>,
}

impl<T> Decoded<T> {
    /// Whether the bytes are exactly what the schema allows.
    pub fn is_clean(&self) -> bool {
        self.irregularities.is_empty()
    }
}

/// Decodes a USP Record (R-ENC.1). Its payload is not looked into: see [`payload`] and [`decode_message`].
pub fn decode_record(bytes: &[u8]) -> Decoded<record::Record> {
    decode(Root::Record, Schema::get().map(Schema::record), bytes)
}

/// Decodes a USP Message (R-ENC.0).
pub fn decode_message(bytes: &[u8]) -> Decoded<msg::Msg> {
    decode(Root::Message, Schema::get().map(Schema::msg), bytes)
}

fn decode<T: Message + Default>(
    root: Root,
    descriptor: Result<&MessageDescriptor, SchemaError>,
    bytes: &[u8],
) -> Decoded<T> {
    let whole = |kind| Irregularity { root, kind, path: FieldPath::root(), offset: 0 };
    let mut irregularities = match descriptor {
        Ok(descriptor) => scan::scan(root, descriptor, bytes),
        // Impossible in a crate that passed its tests; said rather than hidden, and not blamed on the sender.
        Err(error) => vec![whole(IrregularityKind::NotChecked { reason: error.to_string() })],
    };
    let value = match T::decode(bytes) {
        Ok(value) => Some(value),
        Err(error) => {
            if !irregularities.iter().any(|it| it.kind.is_fatal()) {
                irregularities.push(whole(IrregularityKind::Undecodable { reason: error.to_string() }));
            }
            None
        }
    };
    Decoded { bytes: bytes.to_vec(), value, irregularities }
}

#[cfg(test)]
mod tests;
