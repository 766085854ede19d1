use proptest::prelude::*;
use prost::Message as _;
use prost_reflect::{DescriptorPool, ReflectMessage as _, prost_types};
use rstest::rstest;

use super::{irregularity::IrregularityKind as Kind, *};
use crate::{arbitrary, json};

/// version "1.3", to_id "a", from_id "b", and an empty no_session_context.
const RECORD: &str = "0a03312e33 120161 1a0162 3a00";
const RECORD_LEN: usize = 13;

fn bytes(text: &str) -> Vec<u8> {
    hex::decode(text.replace(' ', "")).unwrap()
}

/// A length-delimited field.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2, u8::try_from(content.len()).unwrap()], content].concat()
}

/// A Message with msg_id "1" and this as its body.
fn message(body: &[u8]) -> Vec<u8> {
    [field(1, &bytes("0a0131")), field(2, body)].concat()
}

fn operate(content: &[u8]) -> Vec<u8> {
    message(&field(1, &field(7, content)))
}

fn kinds<T>(decoded: &Decoded<T>) -> Vec<Kind> {
    decoded.irregularities.iter().map(|it| it.kind.clone()).collect()
}

#[rstest]
#[case::as_it_should_be("")]
#[case::default_value_written_out("2000")]
#[case::fields_in_another_order("7a0161 720162")]
#[case::number_in_more_bytes_than_needed("208000")]
fn a_legal_record_is_clean(#[case] appended: &str) {
    let decoded = decode_record(&bytes(&format!("{RECORD}{appended}")));
    assert_eq!(decoded.irregularities, []);
    assert!(decoded.value.is_some());
}

#[rstest]
#[case::unknown_field("980601", Kind::UnknownField { number: 99 }, "", "R-ENC.1", true)]
#[case::unknown_group("9b06 0800 9c06", Kind::UnknownField { number: 99 }, "", "R-ENC.1", true)]
#[case::unknown_enum("2007", Kind::UnknownEnumValue { number: 7, enumeration: "PayloadSecurity".into() },
    "payload_security", "R-ENC.2", true)]
#[case::negative_enum("20ffffffffffffffffff01",
    Kind::UnknownEnumValue { number: -1, enumeration: "PayloadSecurity".into() }, "payload_security", "R-ENC.2", true)]
#[case::enum_that_truncates_to_a_known_one("208180808010",
    Kind::UnknownEnumValue { number: 0x1_0000_0001, enumeration: "PayloadSecurity".into() },
    "payload_security", "R-ENC.2", true)]
#[case::repeated("0a03312e34", Kind::RepeatedSingularField { in_oneof: false }, "version", "R-ENC.1", true)]
#[case::repeated_member("3a00", Kind::RepeatedSingularField { in_oneof: true }, "no_session_context", "R-ENC.3", true)]
#[case::second_member("4a00",
    Kind::SecondOneofMember { oneof: "record_type".into(), first: "no_session_context".into() },
    "websocket_connect", "R-ENC.3", true)]
#[case::wrong_wire_type("7001",
    Kind::WrongWireType { found: "Varint".into(), expected: "LengthDelimited".into() }, "originator_id", "R-ENC.1", false)]
#[case::cut_in_a_string("720561", Kind::Truncated, "originator_id", "R-ENC.1", false)]
#[case::cut_in_a_number("2080", Kind::Truncated, "payload_security", "R-ENC.1", false)]
#[case::cut_in_a_tag("80", Kind::Truncated, "", "R-ENC.1", false)]
#[case::length_beyond_memory("72ffffffffffffffffff01", Kind::Truncated, "originator_id", "R-ENC.1", false)]
#[case::field_zero("0000", Kind::InvalidTag, "", "R-ENC.1", false)]
#[case::wire_type_seven("9f06", Kind::InvalidTag, "", "R-ENC.1", false)]
#[case::end_of_no_group("9c06", Kind::InvalidTag, "", "R-ENC.1", false)]
#[case::overlong("20ffffffffffffffffffff01", Kind::OverlongVarint, "payload_security", "R-ENC.1", false)]
fn an_irregular_record_is_told(
    #[case] appended: &str,
    #[case] kind: Kind,
    #[case] path: &str,
    #[case] requirement: &str,
    #[case] decodable: bool,
) {
    let whole = bytes(&format!("{RECORD}{appended}"));
    let decoded = decode_record(&whole);
    let [found] = decoded.irregularities.as_slice() else { panic!("{:?}", decoded.irregularities) };
    assert_eq!((&found.kind, found.path.to_string().as_str(), found.requirement()), (&kind, path, requirement));
    assert!((RECORD_LEN..=whole.len()).contains(&found.offset), "{found}");
    assert_eq!((decoded.value.is_some(), found.kind.is_fatal()), (decodable, !decodable));
    assert_eq!(decoded.bytes, whole);
}

#[test]
fn text_that_is_no_text_is_told_at_its_byte() {
    let decoded = decode_record(&bytes(&format!("{RECORD} 7203 6162ff")));
    assert_eq!(kinds(&decoded), [Kind::InvalidUtf8]);
    assert_eq!(decoded.irregularities[0].offset, RECORD_LEN + 4);
    assert_eq!(decoded.value, None);
}

#[test]
fn nothing_is_neither_a_record_nor_a_message() {
    assert_eq!(kinds(&decode_record(&[])), [Kind::MissingOneofMember { oneof: "record_type".into() }]);
    let decoded = decode_message(&[]);
    let requirements: Vec<_> = decoded.irregularities.iter().map(Irregularity::requirement).collect();
    assert_eq!(requirements, ["R-MSG.6", "R-MSG.7"]);
    let decoded = decode_message(&[field(1, &[]), field(2, &bytes("1a00"))].concat());
    assert_eq!(
        decoded.irregularities[0].to_string(),
        "Message header: the field msg_id is absent (at byte 2; R-MSG.8)"
    );
    assert_eq!(decoded.irregularities.len(), 1);
}

#[test]
fn a_missing_oneof_is_found_at_any_depth() {
    let add_resp = field(2, &field(5, &field(1, &field(2, &[]))));
    let decoded = decode_message(&message(&add_resp));
    let [found] = decoded.irregularities.as_slice() else { panic!("{:?}", decoded.irregularities) };
    assert_eq!(found.path.to_string(), "body.response.add_resp.created_obj_results[0].oper_status");
    assert_eq!(found.requirement(), "R-ENC.3");
}

#[test]
fn a_map_key_that_comes_twice_is_told() {
    let entry = |key: &str, value: &str| field(4, &[field(1, key.as_bytes()), field(2, value.as_bytes())].concat());
    let clean = operate(&[entry("a", "1"), entry("b", "1")].concat());
    assert_eq!(kinds(&decode_message(&clean)), []);
    let twice = operate(&[entry("a", "1"), entry("b", "1"), entry("a", "2")].concat());
    let decoded = decode_message(&twice);
    assert_eq!(kinds(&decoded), [Kind::DuplicateMapKey { key: "a".into() }]);
    assert_eq!(decoded.irregularities[0].path.to_string(), r#"body.request.operate.input_args["a"]"#);
    assert!(decoded.irregularities[0].kind.is_legal_on_the_wire());
}

#[test]
fn a_map_entry_may_lack_key_and_value_but_only_once() {
    assert_eq!(kinds(&decode_message(&operate(&field(4, &[])))), []);
    let absent_and_empty = [field(4, &[]), field(4, &field(1, b""))].concat();
    assert_eq!(kinds(&decode_message(&operate(&absent_and_empty))), [Kind::DuplicateMapKey { key: String::new() }]);
}

#[test]
fn a_boolean_is_nought_or_one() {
    assert_eq!(kinds(&decode_message(&operate(&bytes("1801")))), []);
    assert_eq!(kinds(&decode_message(&operate(&bytes("1802")))), [Kind::BoolOutOfRange { number: 2 }]);
}

#[test]
fn groups_do_not_exhaust_the_stack() {
    let nested = [0x9b, 0x06].repeat(100_000);
    let decoded = decode_record(&[bytes(RECORD), nested].concat());
    assert_eq!(kinds(&decoded), [Kind::UnknownField { number: 99 }, Kind::DepthExceeded]);
    assert_eq!(decoded.value, None);
}

#[test]
fn counting_stops_somewhere() {
    let decoded = decode_record(&[bytes(RECORD), [0x98, 0x06, 0x01].repeat(1000)].concat());
    assert_eq!(decoded.irregularities.len(), 101);
    assert_eq!(decoded.irregularities.last().map(|it| &it.kind), Some(&Kind::TooMany));
    assert!(decoded.value.is_some());
}

/// USP has no repeated number so far; a field that gets one must not make packed bytes look wrong.
#[rstest]
#[case::packed("0a020103", &[])]
#[case::unpacked("0801 0803", &[])]
#[case::both("0801 0a0103", &[])]
#[case::packed_with_an_unknown_value("0a020109", &["values[1]"])]
#[case::unpacked_with_an_unknown_value("0801 0809", &["values[1]"])]
fn repeated_numbers_may_be_packed_or_not(#[case] text: &str, #[case] paths: &[&str]) {
    use prost_types::{
        DescriptorProto, EnumDescriptorProto, EnumValueDescriptorProto, FieldDescriptorProto, FileDescriptorProto,
        field_descriptor_proto::{Label, Type},
    };
    let values = FieldDescriptorProto {
        name: Some("values".into()),
        number: Some(1),
        label: Some(Label::Repeated.into()),
        r#type: Some(Type::Enum.into()),
        type_name: Some(".t.E".into()),
        ..Default::default()
    };
    let value = |number: i32| EnumValueDescriptorProto {
        name: Some(format!("V{number}")),
        number: Some(number),
        ..Default::default()
    };
    let file = FileDescriptorProto {
        name: Some("t.proto".into()),
        package: Some("t".into()),
        syntax: Some("proto3".into()),
        message_type: vec![DescriptorProto { name: Some("M".into()), field: vec![values], ..Default::default() }],
        enum_type: vec![EnumDescriptorProto {
            name: Some("E".into()),
            value: (0..4).map(value).collect(),
            ..Default::default()
        }],
        ..Default::default()
    };
    let mut pool = DescriptorPool::new();
    pool.add_file_descriptor_proto(file).unwrap();
    let descriptor = pool.get_message_by_name("t.M").unwrap();
    let found = scan::scan(Root::Message, &descriptor, &bytes(text));
    assert_eq!(found.iter().map(|it| it.path.to_string()).collect::<Vec<_>>(), paths);
}

#[test]
fn an_irregularity_is_one_line_and_survives_storage() {
    let decoded = decode_record(&bytes(&format!("{RECORD} 4a00")));
    let found = &decoded.irregularities[0];
    let line = "Record websocket_connect: a second member of the oneof record_type, after no_session_context \
                (at byte 13; R-ENC.3)";
    assert_eq!(found.to_string(), line);
    let stored = serde_json::to_string(found).unwrap();
    assert_eq!(serde_json::from_str::<Irregularity>(&stored).unwrap(), *found);
}

proptest! {
    #[test]
    fn a_valid_record_is_clean(record in arbitrary::record()) {
        let decoded = decode_record(&record.encode_to_vec());
        prop_assert_eq!(&decoded.irregularities, &[]);
        prop_assert!(decoded.value.is_some());
    }

    #[test]
    fn a_valid_message_is_clean(message in arbitrary::message()) {
        let decoded = decode_message(&message.encode_to_vec());
        prop_assert_eq!(&decoded.irregularities, &[]);
        let value = decoded.value.unwrap();
        let again = prost_reflect::DynamicMessage::decode(message.descriptor(), value.encode_to_vec().as_slice());
        prop_assert_eq!(json::to_value(&again.unwrap()), json::to_value(&message));
    }

    #[test]
    fn any_bytes_are_judged(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let (record, message) = (decode_record(&bytes), decode_message(&bytes));
        prop_assert!(record.value.is_some() || !record.is_clean());
        prop_assert!(message.value.is_some() || !message.is_clean());
    }

    /// A byte changed, removed or added: whatever comes of it, no silence and no panic.
    #[test]
    fn a_damaged_message_is_judged(
        message in arbitrary::message(),
        place: proptest::sample::Index,
        with in proptest::collection::vec(any::<u8>(), 0..3),
    ) {
        let mut bytes = message.encode_to_vec();
        let place = place.index(bytes.len());
        bytes.splice(place..=place, with);
        let decoded = decode_message(&bytes);
        prop_assert!(decoded.value.is_some() || decoded.irregularities.iter().any(|it| it.kind.is_fatal()));
        for found in &decoded.irregularities {
            prop_assert!(found.offset <= bytes.len());
            prop_assert!(!found.to_string().contains('\n') || found.path.to_string().contains('\n'));
        }
        if decoded.is_clean() {
            // What is clean says the same to every reader.
            let value = decoded.value.unwrap();
            prop_assert!(decode_message(&value.encode_to_vec()).is_clean());
        }
    }
}
