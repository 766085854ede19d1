use proptest::prelude::*;
use prost::Message as _;
use prost_reflect::{DynamicMessage, ReflectMessage as _};
use rstest::rstest;
use serde_json::json;

use super::*;
use crate::{arbitrary, decode};

const GET: Content = Content::Request(MessageKind::Get);

#[test]
fn a_request_has_its_header_and_its_place() {
    let body = json!({"allow_partial": true, "create_objs": [
        {"obj_path": "Device.LocalAgent.Subscription.", "param_settings": [{"param": "ID", "value": "add1"}]}
    ]});
    let bytes = encode_body(MessageKind::Add, "7", &body).unwrap();
    let expected = json!({
        "header": {"msg_id": "7", "msg_type": "ADD"},
        "body": {"request": {"add": {"allow_partial": true, "create_objs": [{
            "obj_path": "Device.LocalAgent.Subscription.",
            "param_settings": [{"param": "ID", "value": "add1", "required": false}],
        }]}}},
    });
    assert_eq!(message_to_value(&bytes).unwrap(), expected);
    assert!(decode::decode_message(&bytes).is_clean());
}

#[test]
fn what_is_default_is_shown_and_what_is_unset_is_not() {
    let message =
        build_message(Content::Response(MessageKind::Add), "1", &json!({"created_obj_results": [{}]})).unwrap();
    let value = msg_to_value(&message).unwrap();
    assert_eq!(value["body"]["response"]["add_resp"], json!({"created_obj_results": [{"requested_path": ""}]}));
    let message = build_message(GET, "1", &json!({})).unwrap();
    assert_eq!(msg_to_value(&message).unwrap()["body"]["request"]["get"], json!({"param_paths": [], "max_depth": 0}));
}

#[test]
fn a_record_shows_hex_names_and_whole_numbers() {
    let value = json!({
        "version": "1.3",
        "payload_security": "TLS12",
        "mac_signature": "00FF",
        "session_context": {"session_id": u64::MAX, "payload": ["0a", ""], "payload_sar_state": 9},
    });
    let bytes = build_record(&value).unwrap().encode_to_vec();
    let shown = record_to_value(&bytes).unwrap();
    assert_eq!(shown["payload_security"], "TLS12");
    assert_eq!(shown["mac_signature"], "00ff");
    assert_eq!(shown["session_context"]["session_id"], u64::MAX);
    assert_eq!(shown["session_context"]["payload"], json!(["0a", ""]));
    assert_eq!(shown["session_context"]["payload_sar_state"], 9, "no name, so the number");
    assert_eq!(shown["to_id"], "");
    assert!(shown.get("no_session_context").is_none());
}

#[test]
fn maps_are_in_key_order() {
    let body = json!({"command": "Device.X()", "input_args": {"b": "2", "a": "1", "c": "3"}});
    let bytes = encode_body(MessageKind::Operate, "1", &body).unwrap();
    let shown = message_to_value(&bytes).unwrap();
    let keys: Vec<_> = shown["body"]["request"]["operate"]["input_args"].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["a", "b", "c"]);
    assert_eq!(encode_body(MessageKind::Operate, "1", &body).unwrap(), bytes);
}

#[test]
fn every_problem_is_told_at_once() {
    let body = json!({
        "alow_partial": true,
        "create_objs": [
            {"obj_path": 3, "param_settings": {"param": "ID"}},
            {"obj_path": "x", "param_settings": [{"parm": "ID", "required": "yes"}]},
            "x",
        ],
    });
    let told: Vec<_> =
        check_body(MessageKind::Add, &body).into_iter().map(|it| (it.path.to_string(), it.nearest)).collect();
    let expected = [
        ("alow_partial", Some("allow_partial")),
        ("create_objs[0].obj_path", None),
        ("create_objs[0].param_settings", None),
        ("create_objs[1].param_settings[0].parm", Some("param")),
        ("create_objs[1].param_settings[0].required", None),
        ("create_objs[2]", None),
    ];
    assert_eq!(told, expected.map(|(path, nearest)| (path.to_owned(), nearest.map(str::to_owned))));
    let encoded = encode_body(MessageKind::Add, "1", &body).unwrap_err();
    assert_eq!(encoded.len(), expected.len(), "encoding and checking agree");
}

#[rstest]
#[case(json!({"max_depth": -1}), "max_depth: expected a number from 0 to 4294967295, found -1")]
#[case(json!({"max_depth": 1.5}), "max_depth: expected a number from 0 to 4294967295, found 1.5")]
#[case(json!({"max_depth": null}), "max_depth: expected a number from 0 to 4294967295, found nothing")]
#[case(json!({"max_depth": 4_294_967_296_u64}), "max_depth: expected a number from 0 to 4294967295, found 4294967296")]
#[case(json!({"param_paths": "Device."}), "param_paths: expected a list, found \"Device.\"")]
#[case(json!({"param_paths": [true]}), "param_paths[0]: expected a string (put it in quotes), found true")]
#[case(json!({"param_path": []}),
    "param_path: Get has no field param_path; it has param_paths, max_depth; did you mean param_paths?")]
#[case(json!([]), ": expected a map with the fields of Get, found a list")]
fn a_problem_reads_well(#[case] body: Value, #[case] text: &str) {
    let errors = check_body(MessageKind::Get, &body);
    assert_eq!(errors.iter().map(ToString::to_string).collect::<Vec<_>>(), [text]);
}

#[test]
fn an_enum_is_named() {
    let errors = check_value(Schema::get().unwrap().record(), &json!({"payload_security": "TLS13"}));
    assert_eq!(errors[0].nearest.as_deref(), Some("TLS12"));
}

#[test]
fn a_second_member_of_a_oneof_is_refused() {
    let body = json!({"subscription_id": "x", "event": {}, "obj_creation": {}});
    let errors = check_body(MessageKind::Notify, &body);
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].path.to_string(), "obj_creation");
}

#[test]
fn two_members_can_be_sent_by_concatenation() {
    let both = [json!({"no_session_context": {}}), json!({"websocket_connect": {}})];
    let bytes = both.map(|record| build_record(&record).unwrap().encode_to_vec()).concat();
    let found = decode::decode_record(&bytes).irregularities;
    assert_eq!(found.iter().map(decode::Irregularity::requirement).collect::<Vec<_>>(), ["R-ENC.3"]);
}

#[rstest]
#[case(json!({"max_depth": "{{depth}}"}), 0)]
#[case(json!({"max_depth": "{{ depth }}"}), 0)]
#[case(json!({"max_depth": "{{a}}{{b}}"}), 1)]
#[case(json!({"max_depth": "1{{a}}"}), 1)]
#[case(json!({"max_depth": "{{}}"}), 1)]
#[case(json!({"max_depth": "2"}), 1)]
#[case(json!({"param_paths": ["{{a}}.{{b}}"]}), 0)]
#[case(json!({"param_paths": "{{a}}"}), 1)]
fn a_variable_fits_a_single_value(#[case] body: Value, #[case] errors: usize) {
    assert_eq!(check_body(MessageKind::Get, &body).len(), errors);
}

#[test]
fn a_filled_in_variable_reads_as_the_value() {
    let message = build_message(GET, "1", &json!({"max_depth": "2"})).unwrap();
    assert_eq!(msg_to_value(&message).unwrap()["body"]["request"]["get"]["max_depth"], 2);
    let message = build_message(Content::Request(MessageKind::Operate), "1", &json!({"send_resp": "true"})).unwrap();
    assert_eq!(msg_to_value(&message).unwrap()["body"]["request"]["operate"]["send_resp"], true);
    assert!(build_message(GET, "1", &json!({"max_depth": "{{left}}"})).is_err());
}

#[test]
fn a_whole_message_may_contradict_itself() {
    let mut value = message_value(GET, "1", json!({"param_paths": ["Device."]}));
    value["header"]["msg_type"] = json!("SET");
    let decoded = decode::decode_message(&encode_message(&value).unwrap()).value.unwrap();
    assert_eq!(Content::of(&decoded), Some(GET));
    assert_eq!(decoded.header.unwrap().msg_type(), crate::msg::header::MsgType::Set);
    value.as_object_mut().unwrap().remove("body");
    assert!(!decode::decode_message(&encode_message(&value).unwrap()).is_clean());
}

#[test]
fn bytes_that_are_none_have_no_json() {
    assert!(matches!(message_to_value(&[0xff]), Err(JsonError::Decode(_))));
}

fn back(message: &DynamicMessage) -> DynamicMessage {
    from_value::from_value(&message.descriptor(), &to_value(message), from_value::Strings::Template).unwrap()
}

proptest! {
    #[test]
    fn a_message_round_trips(message in arbitrary::message()) {
        prop_assert_eq!(back(&message), message);
    }

    #[test]
    fn a_record_round_trips(record in arbitrary::record()) {
        prop_assert_eq!(back(&record), record);
    }
}
