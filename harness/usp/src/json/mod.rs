//! USP Records and Messages as JSON values with the schema's own field names, as test cases and reports write them.
//!
//! One decision behind it: this is not protobuf's JSON mapping. Names are not camel-cased, 64-bit numbers are numbers,
//! bytes are lowercase hex, and default scalars and empty lists are shown, so that a test case can compare what the
//! schema says rather than what an encoder happened to leave out.

mod error;
mod from_value;
mod to_value;

use prost::Message as _;
use prost_reflect::{DynamicMessage, MessageDescriptor};
use serde_json::{Value, json};

use crate::{
    field_path::FieldPath,
    msg, record,
    schema::{Content, MessageKind, Schema, SchemaError},
};

pub use error::FieldError;
pub use to_value::to_value;

/// A USP Message's bytes as JSON. Lenient like prost; [`crate::decode`] tells what it passed over.
pub fn message_to_value(bytes: &[u8]) -> Result<Value, JsonError> {
    bytes_to_value(Schema::get()?.msg(), bytes)
}

/// A USP Record's bytes as JSON; the payload stays hex. Lenient like prost; [`crate::decode`] tells what it passed over.
pub fn record_to_value(bytes: &[u8]) -> Result<Value, JsonError> {
    bytes_to_value(Schema::get()?.record(), bytes)
}

/// A typed USP Message as JSON.
pub fn msg_to_value(message: &msg::Msg) -> Result<Value, JsonError> {
    message_to_value(&message.encode_to_vec())
}

/// The whole Message that carries `body` as its Request, Response or Error, still as JSON, so that a test can alter or
/// remove any part before it is encoded with [`encode_message`].
pub fn message_value(content: Content, msg_id: &str, body: Value) -> Value {
    let header = json!({"msg_id": msg_id, "msg_type": content.msg_type().as_str_name()});
    let nested = content.field_path().into_iter().rev().fold(body, |inner, field| json!({field: inner}));
    json!({"header": header, "body": nested})
}

/// Builds the Message that carries `body` as its Request, Response or Error.
///
/// Strings stand for booleans, numbers and enums where they read as such, because a variable expands to a string.
/// Every problem is reported, with its path counted from `body`.
pub fn build_message(content: Content, msg_id: &str, body: &Value) -> Result<msg::Msg, Vec<FieldError>> {
    let schema = Schema::get().map_err(ours)?;
    // Checked alone first, so that paths start where the author started to write.
    from_value::from_value(&schema.content(content).map_err(ours)?, body, from_value::Strings::Expanded)?;
    let whole = message_value(content, msg_id, body.clone());
    let dynamic = from_value::from_value(schema.msg(), &whole, from_value::Strings::Expanded)?;
    transcode(&dynamic)
}

/// The bytes of a Request: header with `msg_id` and the kind's `msg_type`, and `body.request.<field>` from `body`.
pub fn encode_body(kind: MessageKind, msg_id: &str, body: &Value) -> Result<Vec<u8>, Vec<FieldError>> {
    build_message(Content::Request(kind), msg_id, body).map(|message| message.encode_to_vec())
}

/// The bytes of a whole Message written as JSON (`header`, `body`); any field may be absent or contradict another.
///
/// Both members of a oneof cannot stand in one value. To send such a Message, encode each alone and concatenate the
/// bytes: protobuf reads the concatenation as the union.
pub fn encode_message(message: &Value) -> Result<Vec<u8>, Vec<FieldError>> {
    let schema = Schema::get().map_err(ours)?;
    let dynamic = from_value::from_value(schema.msg(), message, from_value::Strings::Expanded)?;
    transcode::<msg::Msg>(&dynamic).map(|message| message.encode_to_vec())
}

/// A typed Record from JSON; `payload` and the other bytes fields are hex strings.
pub fn build_record(record: &Value) -> Result<record::Record, Vec<FieldError>> {
    let schema = Schema::get().map_err(ours)?;
    let dynamic = from_value::from_value(schema.record(), record, from_value::Strings::Expanded)?;
    transcode(&dynamic)
}

/// Every problem of a Request's body as an author wrote it: unknown fields, wrong types, second members of a oneof.
///
/// A string that is exactly one `{{variable}}` fits any single value; any other string must fit as it stands.
pub fn check_body(kind: MessageKind, body: &Value) -> Vec<FieldError> {
    check(Content::Request(kind), body)
}

/// Like [`check_body`] for a Response or Error as well.
pub fn check(content: Content, body: &Value) -> Vec<FieldError> {
    match Schema::get().and_then(|schema| schema.content(content)) {
        Ok(descriptor) => check_value(&descriptor, body),
        Err(error) => ours(error),
    }
}

/// Like [`check_body`] for any message of the schema, such as a whole Record or Message.
pub fn check_value(descriptor: &MessageDescriptor, value: &Value) -> Vec<FieldError> {
    from_value::from_value(descriptor, value, from_value::Strings::Template).err().unwrap_or_default()
}

/// Why bytes have no JSON form.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum JsonError {
    /// Not decodable as protobuf of this schema.
    #[error(transparent)]
    Decode(#[from] prost::DecodeError),
    /// The crate itself was built wrongly.
    #[error(transparent)]
    Schema(#[from] SchemaError),
}

fn bytes_to_value(descriptor: &MessageDescriptor, bytes: &[u8]) -> Result<Value, JsonError> {
    Ok(to_value(&DynamicMessage::decode(descriptor.clone(), bytes)?))
}

/// Through the typed message, because its maps are ordered: equal values must give equal bytes.
fn transcode<T: prost::Message + Default>(dynamic: &DynamicMessage) -> Result<T, Vec<FieldError>> {
    dynamic.transcode_to().map_err(ours)
}

/// A fault of ours must not be lost where only field errors can be returned.
fn ours(error: impl std::fmt::Display) -> Vec<FieldError> {
    vec![FieldError::new(FieldPath::root(), error.to_string())]
}

#[cfg(test)]
mod tests;
