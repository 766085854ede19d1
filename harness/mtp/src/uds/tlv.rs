//! One TLV of a frame: a type, and a value whose meaning the type gives.

use bytes::Bytes;

/// Type of a TLV that carries the sender's Endpoint ID (R-UDS.12).
pub const TYPE_HANDSHAKE: u8 = 1;

/// Type of a TLV that carries an error message (R-UDS.13).
pub const TYPE_ERROR: u8 = 2;

/// Type of a TLV that carries a USP Record (R-UDS.14).
pub const TYPE_RECORD: u8 = 3;

/// Octets before the value: one of type (R-UDS.10) and four of length (R-UDS.11).
pub(super) const TLV_HEAD: usize = 5;

/// One TLV of a frame. It can be of any type, since what nobody defined must be ignored (R-UDS.15).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tlv {
    /// Its type.
    pub kind: u8,
    /// Its value.
    pub value: Bytes,
}

impl Tlv {
    /// A TLV of any type.
    pub fn new(kind: u8, value: impl Into<Bytes>) -> Self {
        Self { kind, value: value.into() }
    }

    /// One that introduces its sender (R-UDS.12).
    pub fn handshake(endpoint_id: &str) -> Self {
        Self::new(TYPE_HANDSHAKE, endpoint_id.to_owned())
    }

    /// One that says why the sender gives up (R-UDS.13).
    pub fn error(text: &str) -> Self {
        Self::new(TYPE_ERROR, text.to_owned())
    }

    /// One that carries a Record (R-UDS.14).
    pub fn record(record: impl Into<Bytes>) -> Self {
        Self::new(TYPE_RECORD, record)
    }
}
