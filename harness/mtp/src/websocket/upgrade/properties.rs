//! Properties of the handshake's reader that hold for any octets.

use proptest::collection::vec;
use proptest::prelude::*;

use super::extension::eid_in;
use super::head::{request as parse_request, response as parse_response};
use crate::event::{HttpHead, HttpHeader, StartLine};

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_octets_are_a_head_or_not(octets in vec(any::<u8>(), 0..400)) {
        for parse in [parse_request, parse_response] {
            if let Ok(Some((_, length))) = parse(&octets) {
                prop_assert!(length <= octets.len());
            }
        }
    }

    #[test]
    fn any_text_that_looks_like_a_head_is_one_or_not(
        target in "/[ -~]{0,60}",
        lines in vec(("[A-Za-z-]{1,12}", "[ -~\\t\u{80}-\u{ff}]{0,40}"), 0..80),
    ) {
        let lines = lines.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect::<Vec<_>>().concat();
        let request = format!("GET {target} HTTP/1.1\r\n{lines}\r\n");
        if let Ok(Some((head, length))) = parse_request(request.as_bytes()) {
            prop_assert!(length <= request.len());
            prop_assert!(head.headers.len() <= 64);
            prop_assert!(head.target().is_some());
        }
        let response = format!("HTTP/1.1 101 {target}\r\n{lines}\r\n");
        if let Ok(Some((head, length))) = parse_response(response.as_bytes()) {
            prop_assert!(length <= response.len());
            prop_assert_eq!(head.status(), Some(101));
        }
    }

    #[test]
    fn any_extension_header_is_understood_or_not(value in "[a-z;,=\"\\\\ ]{0,60}", eid in "[ -~]{0,40}") {
        let head = |value: String| HttpHead {
            start: StartLine::Response { status: 101, reason: String::new(), minor_version: 1 },
            headers: vec![HttpHeader { name: "Sec-WebSocket-Extensions".to_owned(), value }],
        };
        let _ = eid_in(&head(value.clone()));
        let _ = eid_in(&head(format!("bbf-usp-protocol;{value}")));
        let quoted = eid.replace('\\', "\\\\").replace('"', "\\\"");
        prop_assert_eq!(eid_in(&head(format!("bbf-usp-protocol; eid=\"{quoted}\""))), Some(eid));
    }
}
