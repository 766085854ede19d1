//! An Endpoint ID inside a request's query (R-WS.10b, R-WS.10c).

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// Everything but RFC 3986's unreserved characters and the colon, which a query may hold and every Endpoint ID has.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':');

/// The name of the query's pair.
const KEY: &str = "eid";

/// Encodes an Endpoint ID as an opaque text: `doc::agent%21` becomes `doc::agent%2521`.
pub fn encode_eid(endpoint_id: &str) -> String {
    utf8_percent_encode(endpoint_id, ENCODED).to_string()
}

/// Decodes what [`encode_eid`] encoded, once; none if the result is not UTF-8.
pub fn decode_eid(encoded: &str) -> Option<String> {
    percent_decode_str(encoded).decode_utf8().ok().map(Into::into)
}

/// The path of a request's target, without its query.
pub(super) fn path_of(target: &str) -> &str {
    target.split_once('?').map_or(target, |(path, _)| path)
}

/// The decoded Endpoint ID in the query of a request's target. The first pair counts.
pub(super) fn eid_of(target: &str) -> Option<String> {
    let (_, query) = target.split_once('?')?;
    let (_, value) = query.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == KEY)?;
    decode_eid(value)
}

/// `path` with the Endpoint ID put into its query, `value` being encoded or not as the caller wants it.
pub(super) fn with_eid(path: &str, value: &str) -> String {
    let separator = if path.contains('?') { '&' } else { '?' };
    format!("{path}{separator}{KEY}={value}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("doc::agent", "doc::agent")]
    #[case("doc::agent%21", "doc::agent%2521")]
    #[case("os::012345-A B&c=d+e#f/g?h", "os::012345-A%20B%26c%3Dd%2Be%23f%2Fg%3Fh")]
    #[case("self::ä", "self::%C3%A4")]
    fn round_trip(#[case] eid: &str, #[case] encoded: &str) {
        assert_eq!(encode_eid(eid), encoded);
        assert_eq!(decode_eid(encoded).as_deref(), Some(eid));
        assert_eq!(eid_of(&with_eid("/usp", encoded)).as_deref(), Some(eid));
        assert_eq!(eid_of(&with_eid("/usp?a=b", encoded)).as_deref(), Some(eid));
    }

    #[rstest]
    #[case("/usp", None)]
    #[case("/usp?", None)]
    #[case("/usp?eid", None)]
    #[case("/usp?xeid=doc::a", None)]
    #[case("/usp?eid=", Some(""))]
    #[case("/usp?eid=doc::a&eid=doc::b", Some("doc::a"))]
    #[case("/usp?eid=%FF", None)]
    #[case("/usp?eid=doc::a%2", Some("doc::a%2"))]
    fn reads_what_comes(#[case] target: &str, #[case] eid: Option<&str>) {
        assert_eq!(eid_of(target).as_deref(), eid);
        assert_eq!(path_of(target), "/usp");
    }
}
