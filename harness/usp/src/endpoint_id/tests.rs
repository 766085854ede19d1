use proptest::prelude::*;
use rstest::rstest;

use super::*;

#[rstest]
fn valid(
    #[values(
        "oui:00256D:my-unique-bbf-id-42",
        "oui:0123456:x",
        "oui:012345abc:x",
        "cid:3AA3F8:my-unique-usp-id-42",
        "pen:3561:my-unique-bbf-id-42",
        "self::my-Agent",
        "self:a.b-_1:my-Agent",
        "user::x",
        "user:abcdef:x",
        "os::00256D-0123456789",
        "os::012345-%20-serial",
        "ops::00256D-STB-0123456789",
        "ops::00256D-STB-with-dashes",
        "uuid::f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
        "uuid::F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6",
        "imei::990000862471854",
        "proto::my-Agent",
        "doc:a.b:x",
        "fqdn::www.example.org",
        "fqdn::www.example.org."
    )]
    text: &str,
) {
    let id = EndpointId::parse(text).unwrap();
    assert_eq!(id.to_string(), text);
    assert_eq!(EndpointId::parse_urn(&id.to_urn()), Ok(id));
}

#[rstest]
// Form.
#[case("", &["R-ARC.2a"])]
#[case("oui:00256D", &["R-ARC.2a"])]
#[case("nope::x", &["R-ARC.2a"])]
#[case("OUI:00256D:x", &["R-ARC.2a"])]
// authority-id.
#[case("oui::x", &["R-ARC.2a"])]
#[case("oui:00256D12:x", &["R-ARC.2a"])]
#[case("oui:00256G:x", &["R-ARC.2a"])]
#[case("cid:0123456:x", &["R-ARC.2a"])]
#[case("pen::x", &["R-ARC.2a"])]
#[case("pen:0x12:x", &["R-ARC.2a"])]
#[case("self:1234567:x", &["R-ARC.2a"])]
#[case("user:a~b:x", &["R-ARC.2a"])]
#[case("proto:a.b:x", &["R-ARC.2a"])]
#[case("os:00256D:00256D-1", &["R-ARC.2a"])]
#[case("uuid:x:f81d4fae-7dec-11d0-a765-00a0c91e6bf6", &["R-ARC.2a"])]
// instance-id by scheme.
#[case("os::00256D", &["R-ARC.2a"])]
#[case("os::00256D-", &["R-ARC.2a"])]
#[case("ops::00256D-0123456789", &["R-ARC.2a"])]
#[case("uuid::f81d4fae", &["R-ARC.2a"])]
#[case("uuid::g81d4fae-7dec-11d0-a765-00a0c91e6bf6", &["R-ARC.2a"])]
#[case("imei::99000086247185", &["R-ARC.2a"])]
#[case("fqdn::192.0.2.1", &["R-ARC.2a"])]
#[case("fqdn::-a.example.org", &["R-ARC.2a"])]
#[case("fqdn::*.example.org", &["R-ARC.2a", "R-ARC.5"])]
// instance-id of every scheme.
#[case("self::", &["R-ARC.5"])]
#[case("self::a b", &["R-ARC.5"])]
#[case("self::a:b", &["R-ARC.5"])]
#[case("self::a%2", &["R-ARC.5"])]
#[case("self::a%zz", &["R-ARC.5"])]
#[case("self::grün", &["R-ARC.5"])]
#[case("self::0123456789012345678901234567890123456789012345678901", &["R-ARC.6"])]
// All at once.
#[case("oui:zz:a b~0123456789012345678901234567890123456789012345678", &["R-ARC.2a", "R-ARC.6", "R-ARC.5", "R-ARC.5"])]
fn invalid(#[case] text: &str, #[case] requirements: &[&str]) {
    let error = EndpointId::parse(text).unwrap_err();
    let found: Vec<_> = error.violations.iter().map(|violation| violation.requirement).collect();
    assert_eq!(found, requirements, "{error}");
}

#[test]
fn fifty_characters_are_allowed() {
    assert!(EndpointId::parse(&format!("self::{}", "a".repeat(50))).is_ok());
}

#[rstest]
#[case("proto::x", Some("R-ARC.4"))]
#[case("doc::x", Some("R-ARC.4"))]
#[case("oui:00256d:x", Some("R-ARC.3"))]
#[case("os::00256D-1", Some("R-ARC.3"))]
#[case("pen:3561:x", Some("R-ARC.3"))]
// TR-369's own example has a wrong check digit: enough of a reason to remark only.
#[case("imei::990000862471854", Some("R-ARC.2a"))]
#[case("imei::990000862471853", None)]
#[case("ops::012345--1", Some("R-ARC.2a"))]
#[case("self::x", None)]
fn remarked(#[case] text: &str, #[case] requirement: Option<&str>) {
    let remarks = EndpointId::parse(text).unwrap().remarks();
    assert_eq!(remarks.first().map(|remark| remark.requirement), requirement);
}

#[test]
fn the_percent_sign_is_encoded_once_more() {
    assert_eq!(encode_eid("os::012345-a%20b"), "os::012345-a%2520b");
    assert_eq!(decode_eid("os%3A%3A012345-a%2520b").as_deref(), Ok("os::012345-a%20b"));
    assert_eq!(decode_eid("os::012345-a%2"), Err(EidError::Percent));
    assert_eq!(decode_eid("%ff"), Err(EidError::Utf8));
}

#[test]
fn a_urn_needs_its_prefix() {
    assert!(EndpointId::parse_urn("self::x").is_err());
    assert!(EndpointId::parse_urn("URN:BBF:usp:id:self::x").is_ok());
}

proptest! {
    #[test]
    fn any_text_is_judged(text in ".*") {
        if let Ok(id) = EndpointId::parse(&text) {
            prop_assert_eq!(id.to_string(), text);
        }
    }

    #[test]
    fn text_of_the_right_shape_is_judged(text in "(oui|os|ops|self|imei|fqdn|uuid):[0-9A-F.]{0,9}:[0-9A-Fa-f.%-]{0,55}") {
        if let Err(error) = EndpointId::parse(&text) {
            prop_assert!(!error.violations.is_empty());
        }
    }

    #[test]
    fn an_eid_round_trips(text in ".*") {
        let encoded = encode_eid(&text);
        prop_assert!(encoded.is_ascii() && !encoded.contains([' ', '&', '#', '=', '+']));
        prop_assert_eq!(decode_eid(&encoded), Ok(text));
    }
}
