//! The data types of MQTT, written.

use bytes::{BufMut, BytesMut};

/// Largest Variable Byte Integer.
const LARGEST: usize = 268_435_455;

/// Longest text and binary value.
const LONGEST: usize = 65_535;

/// Variable Byte Integer; what does not fit is written as the largest one.
pub(super) fn variable_integer(out: &mut BytesMut, value: usize) {
    let mut rest = value.min(LARGEST);
    loop {
        let low = u8::try_from(rest & 0x7F).unwrap_or_default();
        rest >>= 7;
        if rest == 0 {
            out.put_u8(low);
            return;
        }
        out.put_u8(low | 0x80);
    }
}

/// Binary Data; what does not fit is cut.
pub(super) fn binary(out: &mut BytesMut, value: &[u8]) {
    let value = value.get(..LONGEST).unwrap_or(value);
    out.put_u16(u16::try_from(value.len()).unwrap_or(u16::MAX));
    out.extend_from_slice(value);
}

/// UTF-8 Encoded String; what does not fit is cut between two characters.
pub(super) fn text(out: &mut BytesMut, value: &str) {
    let mut end = value.len().min(LONGEST);
    while !value.is_char_boundary(end) {
        end -= 1;
    }
    binary(out, value.get(..end).unwrap_or_default().as_bytes());
}
