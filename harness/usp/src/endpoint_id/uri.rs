//! An Endpoint ID in the query of a WebSocket request URI (R-WS.10b, R-WS.10c).

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// The ID is opaque: a percent sign of its own is encoded once more (R-WS.10c). The colon may stand in a query as it is.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':');

/// The value of the query's `eid`, for any text, valid Endpoint ID or not.
pub fn encode_eid(endpoint_id: &str) -> String {
    utf8_percent_encode(endpoint_id, ENCODED).to_string()
}

/// The text that a query's `eid` stands for, decoded exactly once.
pub fn decode_eid(value: &str) -> Result<String, EidError> {
    let broken = value
        .split('%')
        .skip(1)
        .any(|after| !after.get(..2).is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit())));
    if broken {
        return Err(EidError::Percent);
    }
    percent_decode_str(value).decode_utf8().map(Into::into).map_err(|_| EidError::Utf8)
}

/// Why a query's `eid` cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EidError {
    /// A `%` without two hex digits: the sender did not percent-encode (R-WS.10c).
    #[error("a % without two hex digits after it")]
    Percent,
    /// The decoded bytes are no text.
    #[error("not UTF-8 after decoding")]
    Utf8,
}
