//! What fuzzing asks of this crate: each function takes any octets, and panics when a promise is broken.
//!
//! Only there with the feature `fuzzing`, for `harness/fuzz`, and in tests, which try what fuzzing once found.

use prost::Message;

use crate::decode::{Decoded, Payload, decode_message, decode_record, payload};
use crate::endpoint_id::EndpointId;
use crate::json::{build_record, encode_message, message_to_value, record_to_value};
use crate::path::{Path, SupportedPath};

/// A USP Record, and the Message in it.
///
/// # Panics
/// When it is decoded otherwise once it was encoded again, or made JSON of, or when nothing tells why it cannot be decoded.
pub fn record(octets: &[u8]) {
    let decoded = decode_record(octets);
    told(&decoded, octets);
    let as_json = record_to_value(octets);
    let Some(value) = &decoded.value else {
        assert!(as_json.is_err(), "JSON was made of what cannot be decoded");
        return;
    };
    let again = decode_record(&value.encode_to_vec());
    assert_eq!(again.value.as_ref(), Some(value), "what is encoded is decoded");
    if decoded.is_clean() {
        assert!(again.is_clean(), "{:?}", again.irregularities);
        let as_json = as_json.unwrap_or_else(|error| unreachable!("a clean Record has no JSON: {error}"));
        assert_eq!(build_record(&as_json).as_ref(), Ok(value), "JSON and back");
    }
    if let Some(inner) = Payload::message(payload(value)) {
        message(&inner);
    }
}

/// A USP Message.
///
/// # Panics
/// As [`record`].
pub fn message(octets: &[u8]) {
    let decoded = decode_message(octets);
    told(&decoded, octets);
    let as_json = message_to_value(octets);
    let Some(value) = &decoded.value else {
        assert!(as_json.is_err(), "JSON was made of what cannot be decoded");
        return;
    };
    let again = decode_message(&value.encode_to_vec());
    assert_eq!(again.value.as_ref(), Some(value), "what is encoded is decoded");
    if decoded.is_clean() {
        assert!(again.is_clean(), "{:?}", again.irregularities);
        let as_json = as_json.unwrap_or_else(|error| unreachable!("a clean Message has no JSON: {error}"));
        let encoded = encode_message(&as_json).map(|octets| decode_message(&octets).value);
        assert_eq!(encoded.as_ref().map(Option::as_ref), Ok(Some(value)), "JSON and back");
    }
}

/// An Endpoint ID, and paths of the data model.
///
/// # Panics
/// When what was read and written is not read again as the same.
pub fn names(octets: &[u8]) {
    let text = String::from_utf8_lossy(octets);
    if let Ok(id) = EndpointId::parse(&text) {
        assert_eq!(id.to_string(), text);
        assert_eq!(EndpointId::parse_urn(&id.to_urn()).as_ref(), Ok(&id));
        let _ = id.remarks();
    }
    if let Ok(path) = Path::parse(&text) {
        let _ = (path.deviations(), path.parent(), path.to_supported(), path.instance_number());
        assert_eq!(Path::parse(&path.to_string()).as_ref(), Ok(&path), "what is written is read");
    }
    let _ = Path::parse_reference(&text);
    if let Ok(path) = SupportedPath::parse(&text) {
        assert_eq!(SupportedPath::parse(&path.to_string()).as_ref(), Ok(&path), "what is written is read");
    }
}

/// The octets are kept, and whatever was passed over can be told.
fn told<T>(decoded: &Decoded<T>, octets: &[u8]) {
    assert_eq!(decoded.bytes, octets);
    assert!(decoded.value.is_some() || !decoded.irregularities.is_empty(), "undecodable, and nothing says why");
    for irregularity in &decoded.irregularities {
        assert!(irregularity.offset <= octets.len(), "{irregularity}");
        let _ = (irregularity.to_string(), irregularity.requirement());
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    #[rstest]
    #[case("record", crate::fuzzing::record)]
    #[case("message", crate::fuzzing::message)]
    #[case("names", crate::fuzzing::names)]
    fn every_seed_passes(#[case] target: &str, #[case] fuzz: fn(&[u8])) {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds").join(target);
        let mut count = 0;
        for seed in std::fs::read_dir(folder).unwrap() {
            fuzz(&std::fs::read(seed.unwrap().path()).unwrap());
            count += 1;
        }
        assert!(count > 0);
    }
}
