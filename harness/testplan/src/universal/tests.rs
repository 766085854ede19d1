mod mtps;

use std::time::Duration;

use rstest::rstest;
use serde_json::{Value, json};
use uspec_usp::schema::{Content, MessageKind};

use super::RULES;
use crate::{
    case::{Action, Check, ControllerAction, Ending, EutAction, Lapse, MtpAction, Subprotocol},
    testing::{EUT, Story, US, absent_answer, altered, connect_record, encode, record},
    trace::{ConnectionState, Direction, What},
    verdict::Outcome,
};

const GET: Content = Content::Response(MessageKind::Get);
const NOTIFY: Content = Content::Request(MessageKind::Notify);

/// A Get that waits for its answer.
fn asked() -> Story {
    Story::new().ask("get", MessageKind::Get, json!({"param_paths": ["Device."]}))
}

fn ended(by: &str, code: Option<u16>) -> Value {
    json!({"closed": {"by": by, "code": code, "reason": "", "clean": code.is_some()}})
}

/// Somebody who never opened a session.
fn knocked() -> Story {
    Story::new().connection(9, ConnectionState::Attempt, json!({"attempt": {"opener": "peer"}}))
}

/// A connection that breaks after a step.
fn disturbed(action: Action) -> Story {
    opened().step("x", action).done().connection(1, ConnectionState::Closed, ended("broken", None))
}

/// A connection that breaks after a Request.
fn requested(kind: MessageKind, body: Value) -> Story {
    opened().ask("x", kind, body).time_out(1000).connection(1, ConnectionState::Closed, ended("broken", None))
}

fn set(path: &str, param: &str) -> Value {
    json!({"update_objs": [{"obj_path": path, "param_settings": [{"param": param, "value": "x"}]}]})
}

/// The MTP has a name of its own.
fn over_tls(mut story: Story) -> Story {
    story.trace.header.mtp = "websocket-tls".to_owned();
    story
}

fn get_resp() -> Value {
    json!({"req_path_results": [{"requested_path": "Device."}]})
}

/// A Get, and a Record in answer.
fn answered(bytes: Vec<u8>) -> Story {
    asked().receive(bytes).matched()
}

fn good() -> Story {
    asked().response(&get_resp()).matched()
}

fn message(body: Value, alter: impl FnOnce(&mut Value)) -> Story {
    answered(record(EUT, US, altered(GET, "m1", body, alter)))
}

fn notify(body: &Value) -> Story {
    Story::new().message(NOTIFY, "n1", body)
}

fn exchange(kind: MessageKind, request: Value, response: &Value) -> Story {
    Story::new().exchange("x", kind, request, response)
}

fn gsdm(objects: &Value) -> Story {
    let response = json!({"req_obj_results": [{"req_obj_path": "Device.", "supported_objs": objects}]});
    exchange(MessageKind::GetSupportedDM, json!({"obj_paths": ["Device."]}), &response)
}

fn get(requested: &str, resolved: &Value) -> Story {
    let response = json!({"req_path_results": [{"requested_path": requested, "resolved_path_results": resolved}]});
    exchange(MessageKind::Get, json!({"param_paths": [requested]}), &response)
}

fn operate(command: &str, result: &Value) -> Story {
    let request = json!({"command": command, "send_resp": true});
    exchange(MessageKind::Operate, request, &json!({"operation_results": [result]}))
}

fn session(bytes: &str) -> Vec<u8> {
    let record = json!({
        "version": "1.3", "to_id": US, "from_id": EUT,
        "session_context": {"session_id": 1, "sequence_id": 1, "expected_id": 1, "payload": [bytes]}
    });
    prost::Message::encode_to_vec(&uspec_usp::json::build_record(&record).unwrap())
}

fn versioned(version: &str, payload: Vec<u8>) -> Vec<u8> {
    let record = json!({
        "version": version, "to_id": US, "from_id": EUT, "no_session_context": {"payload": hex::encode(payload)}
    });
    prost::Message::encode_to_vec(&uspec_usp::json::build_record(&record).unwrap())
}

fn disconnect() -> Vec<u8> {
    let record = json!({"version": "1.3", "to_id": US, "from_id": EUT, "disconnect": {"reason": "bye"}});
    prost::Message::encode_to_vec(&uspec_usp::json::build_record(&record).unwrap())
}

fn opened() -> Story {
    Story::new().connection(1, ConnectionState::Open, json!({}))
}

fn frame(kind: &str) -> Story {
    let kind = kind.to_owned();
    Story::new().event(What::Frame { connection: 1, direction: Direction::Received, kind, fin: true, payload: vec![1] })
}

fn handshake(opener: &str, target: &str, asked: &[&str], answered: &[&str]) -> Story {
    let headers = |values: &[&str]| -> Vec<Value> {
        values.iter().map(|value| json!({"name": "sec-websocket-protocol", "value": value})).collect()
    };
    Story::new()
        .connection(1, ConnectionState::Attempt, json!({"opener": opener, "peer": "x"}))
        .connection(
            1,
            ConnectionState::Handshake,
            json!({
                "request": {"start": {"request": {"method": "GET", "target": target, "minor_version": 1}}, "headers": headers(asked)},
                "response": {"start": {"response": {"status": 101, "reason": "", "minor_version": 1}}, "headers": headers(answered)}
            }),
        )
        .receive(connect_record())
}

const EID: &str = "/usp?eid=os::012345-0001";

/// The rule, a story, and what it says of it: `None` when it has nothing to say.
#[rstest]
// TP-469 universal 1
#[case("universal 1", good(), Some(Outcome::Met))]
#[case("universal 1", answered(record("nonsense", US, encode(GET, "m1", &get_resp()))), Some(Outcome::Unmet))]
#[case("universal 1", answered(record("os::012345-00 1", US, encode(GET, "m1", &get_resp()))), Some(Outcome::Unmet))]
#[case("universal 1", answered(record("proto::agent", US, encode(GET, "m1", &get_resp()))), Some(Outcome::Unknown))]
// TP-469 universal 2
#[case("universal 2", good(), Some(Outcome::Met))]
#[case("universal 2", answered(vec![0xff, 0xff]), Some(Outcome::Unmet))]
#[case("universal 2", answered(record(EUT, US, vec![0x0a, 0x7f])), Some(Outcome::Unmet))]
#[case("universal 2", answered(record(EUT, US, [encode(GET, "m1", &get_resp()), vec![0xf8, 0x07, 1]].concat())), Some(Outcome::Unmet))]
#[case("universal 2", answered(versioned("1.9", [encode(GET, "m1", &get_resp()), vec![0xf8, 0x07, 1]].concat())), Some(Outcome::Met))]
#[case("universal 2", notify(&json!({"subscription_id": "x"})), Some(Outcome::Unmet))]
#[case("universal 2", operate("Device.X()", &json!({"executed_command": "Device.X()"})), Some(Outcome::Met))]
// TP-469 universal 3
#[case("universal 3", get("Device.", &json!([{"resolved_path": "Device.A.1.", "result_params": {"Stats.X": "1"}}])), Some(Outcome::Met))]
#[case("universal 3", get("Device.", &json!([{"resolved_path": "Device.A.1"}])), Some(Outcome::Unmet))]
#[case("universal 3", get("Device.", &json!([{"resolved_path": "Device..A."}])), Some(Outcome::Unmet))]
#[case("universal 3", get("Device.", &json!([{"resolved_path": "Device.A.", "result_params": {"Device.A.X": "1"}}])), Some(Outcome::Unmet))]
#[case("universal 3", get("Device.", &json!([{"resolved_path": "Device.A.", "result_params": {"X Y": "1"}}])), Some(Outcome::Unmet))]
#[case("universal 3", gsdm(&json!([{"supported_obj_path": "Device.A.{i}.", "supported_params": [{"param_name": "X"}],
    "supported_commands": [{"command_name": "Go()", "input_arg_names": ["In.{i}.A"]}],
    "supported_events": [{"event_name": "Boot!", "arg_names": ["A"]}], "unique_key_sets": [{"key_names": ["X"]}]}])), Some(Outcome::Met))]
#[case("universal 3", gsdm(&json!([{"supported_obj_path": "Device.A.{x}."}])), Some(Outcome::Unmet))]
#[case("universal 3", gsdm(&json!([{"supported_obj_path": "Device.A.", "supported_commands": [{"command_name": "Go"}]}])), Some(Outcome::Unmet))]
#[case("universal 3", gsdm(&json!([{"supported_obj_path": "Device.A.", "supported_events": [{"event_name": "Boot"}]}])), Some(Outcome::Unmet))]
#[case("universal 3", notify(&json!({"event": {"obj_path": "Device.", "event_name": "Boot!"}})), Some(Outcome::Met))]
#[case("universal 3", notify(&json!({"event": {"obj_path": "Device.", "event_name": "Device.Boot!"}})), Some(Outcome::Unmet))]
#[case("universal 3", notify(&json!({"value_change": {"param_path": "Device.A."}})), Some(Outcome::Unmet))]
#[case("universal 3", notify(&json!({"obj_deletion": {"obj_path": "Device.A."}})), Some(Outcome::Unmet))]
#[case("universal 3", operate("Device.nonsense", &json!({"executed_command": "Device.nonsense", "cmd_failure": {"err_code": 7026}})), None)]
#[case("universal 3", operate("Device.X()", &json!({"executed_command": "Device.X"})), Some(Outcome::Unmet))]
#[case("universal 3", asked().error(&json!({"err_code": 7026, "param_errs": [{"param_path": "Device.", "err_code": 7026}]})).matched(), None)]
#[case("universal 3", asked().error(&json!({"err_code": 7026, "param_errs": [{"param_path": "?", "err_code": 7026}]})).matched(), Some(Outcome::Unmet))]
// TP-469 universal 4
#[case("universal 4", get("Device.A.*.", &json!([{"resolved_path": "Device.A.1."}])), Some(Outcome::Met))]
#[case("universal 4", get("Device.A.*.", &json!([{"resolved_path": "Device.A.*."}])), None)]
#[case("universal 4", get("Device.", &json!([{"resolved_path": "Device.A.[K==\"x\"]."}])), Some(Outcome::Unmet))]
#[case("universal 4", operate("Device.A.*.Go()", &json!({"executed_command": "Device.A.*.Go()", "req_output_args": {}})), Some(Outcome::Unmet))]
#[case("universal 4", notify(&json!({"value_change": {"param_path": "Device.A.[K==\"x\"].P"}})), Some(Outcome::Unmet))]
#[case("universal 4", gsdm(&json!([{"supported_obj_path": "Device.A.{i}."}])), None)]
// R-MSG.0
#[case("R-MSG.0", good(), Some(Outcome::Met))]
#[case("R-MSG.0", asked().error(&json!({"err_code": 7000})).matched(), Some(Outcome::Met))]
#[case("R-MSG.0", asked().message(Content::Response(MessageKind::Delete), "m1", &json!({})).matched(), Some(Outcome::Unmet))]
#[case("R-MSG.0", asked().response(&get_resp()).matched().response(&get_resp()), Some(Outcome::Unmet))]
#[case("R-MSG.0", asked().time_out(10_000), Some(Outcome::Unmet))]
#[case("R-MSG.0", asked().connection(1, ConnectionState::Closed, json!({})).time_out(10_000), None)]
#[case("R-MSG.0", asked().event(What::Eut { action: "reboot".into(), outcome: "done".into(), ok: true }).time_out(10_000), None)]
#[case("R-MSG.0", asked().not_reached("interrupted"), None)]
#[case("R-MSG.0", asked(), None)]
#[case("R-MSG.0", asked().time_out(9).metric(Check::NoResponse { to: "get".into() }), None)]
#[case("R-MSG.0", Story::new().ask("o", MessageKind::Operate, json!({"command": "Device.X()"})).time_out(10_000), None)]
#[case("R-MSG.0", Story::new().send("s", record(US, EUT, encode(Content::Request(MessageKind::Get), "s1", &json!({})))).time_out(9), None)]
// R-MSG.0a
#[case("R-MSG.0a", good(), Some(Outcome::Met))]
#[case("R-MSG.0a", answered(session(&hex::encode(encode(GET, "m1", &get_resp())))), Some(Outcome::Unmet))]
// R-MSG.6, R-MSG.7
#[case("R-MSG.6", good(), Some(Outcome::Met))]
#[case("R-MSG.6", message(get_resp(), |it| drop(it.as_object_mut().unwrap().remove("header"))), Some(Outcome::Unmet))]
#[case("R-MSG.6", answered(record(EUT, US, [encode(GET, "m1", &get_resp()), vec![0x0a, 0]].concat())), Some(Outcome::Unmet))]
#[case("R-MSG.7", good(), Some(Outcome::Met))]
#[case("R-MSG.7", message(get_resp(), |it| drop(it.as_object_mut().unwrap().remove("body"))), Some(Outcome::Unmet))]
// R-MSG.8
#[case("R-MSG.8", good(), Some(Outcome::Met))]
#[case("R-MSG.8", message(get_resp(), |it| it["header"]["msg_id"] = json!("")), Some(Outcome::Unmet))]
// R-MSG.9
#[case("R-MSG.9", good(), Some(Outcome::Met))]
#[case("R-MSG.9", asked().message(GET, "other", &get_resp()).time_out(9), Some(Outcome::Unmet))]
#[case("R-MSG.9", asked().message(Content::Error, "other", &json!({"err_code": 7000})).time_out(9), Some(Outcome::Unmet))]
#[case("R-MSG.9", Story::new().message(GET, "earlier", &get_resp()), Some(Outcome::Unknown))]
#[case("R-MSG.9", asked().message(Content::Response(MessageKind::Add), "earlier", &json!({})).response(&get_resp()).matched(), Some(Outcome::Unknown))]
#[case(
    "R-MSG.9",
    Story::new().send("s", vec![0xff]).done().step("q", absent_answer("s")).message(Content::Error, "", &json!({"err_code": 7100})).done(),
    None
)]
// R-MSG.10
#[case("R-MSG.10", good(), Some(Outcome::Met))]
#[case("R-MSG.10", message(get_resp(), |it| it["header"]["msg_type"] = json!("GET")), Some(Outcome::Unmet))]
#[case("R-MSG.10", message(get_resp(), |it| it["header"]["msg_type"] = json!("ERROR")), Some(Outcome::Unmet))]
// R-MTP.4b
#[case("R-MTP.4b", good(), Some(Outcome::Met))]
#[case("R-MTP.4b", answered(record("os::012345-0002", US, encode(GET, "m1", &get_resp()))), Some(Outcome::Unmet))]
#[case("R-MTP.4b", answered(record(EUT, "self::someone", encode(GET, "m1", &get_resp()))), Some(Outcome::Unmet))]
#[case("R-MTP.4b", answered(record(EUT, "", encode(GET, "m1", &get_resp()))), Some(Outcome::Unmet))]
#[case("R-MTP.4b", answered(versioned("", encode(GET, "m1", &get_resp()))), Some(Outcome::Unmet))]
#[case("R-MTP.4b", answered(versioned("one", encode(GET, "m1", &get_resp()))), Some(Outcome::Unmet))]
#[case(
    "R-MTP.4b",
    Story::new().send("s", record("self::second", EUT, encode(Content::Request(MessageKind::Get), "s1", &json!({})))).done()
        .receive(record(EUT, "self::second", encode(GET, "s1", &json!({})))),
    Some(Outcome::Met)
)]
#[case("R-MTP.4b", answered(record(EUT, crate::testing::SECOND, encode(GET, "m1", &get_resp()))), Some(Outcome::Met))]
// connections
#[case("connections", Story::new().connection(1, ConnectionState::Closed, ended("us", None)), Some(Outcome::Met))]
#[case("connections", good().connection(1, ConnectionState::Closed, ended("broken", None)), Some(Outcome::Unmet))]
#[case("connections", good().connection(1, ConnectionState::Closed, ended("peer", None)), Some(Outcome::Unmet))]
#[case("connections", good().connection(1, ConnectionState::Closed, ended("peer", Some(1000))), Some(Outcome::Unknown))]
#[case("connections", good().connection(1, ConnectionState::Closed, json!({"stream_ended": {"by": "broken"}})), None)]
#[case("connections", good().connection(1, ConnectionState::Failed, json!({"failed": {"text": "reset"}})), None)]
#[case("connections", opened().connection(1, ConnectionState::Closed, ended("broken", None)), Some(Outcome::Unmet))]
#[case("connections", knocked().connection(9, ConnectionState::Closed, json!({"stream_ended": {"by": "peer"}})), None)]
#[case("connections", disturbed(Action::Eut(EutAction::Reboot)), Some(Outcome::Met))]
#[case("connections", disturbed(Action::Mtp(MtpAction::Drop(Ending::Reset))), Some(Outcome::Met))]
#[case("connections", disturbed(Action::Mtp(MtpAction::SecondConnection)), Some(Outcome::Met))]
#[case("connections", disturbed(Action::Controller(ControllerAction::StopSecond)), Some(Outcome::Met))]
#[case("connections", disturbed(Action::Mtp(MtpAction::Ping(String::new()))), Some(Outcome::Unmet))]
#[case("connections", disturbed(Action::Wait(Lapse::Fixed(Duration::ZERO))), Some(Outcome::Unmet))]
#[case("connections", requested(MessageKind::Operate, json!({"command": "Device.Reboot()"})), Some(Outcome::Met))]
#[case("connections", requested(MessageKind::Operate, json!({"command": "Device.ScheduleTimer()"})), Some(Outcome::Unmet))]
#[case("connections", requested(MessageKind::Delete, json!({"obj_paths": ["Device.LocalAgent.Controller.2."]})), Some(Outcome::Met))]
#[case("connections", requested(MessageKind::Delete, json!({"obj_paths": ["Device.LocalAgent.Subscription.2."]})), Some(Outcome::Unmet))]
#[case("connections", requested(MessageKind::Add, json!({"create_objs": [{"obj_path": "Device.LocalAgent.Controller.1.MTP."}]})), Some(Outcome::Met))]
#[case(
    "connections",
    requested(MessageKind::Set, set("Device.LocalAgent.Controller.1.", "Enable")),
    Some(Outcome::Met)
)]
#[case(
    "connections",
    requested(MessageKind::Set, set("Device.LocalAgent.Controller.1.", "ProvisioningCode")),
    Some(Outcome::Unmet)
)]
// A reason lasts as long as the connection that it is a reason for.
#[case(
    "connections",
    disturbed(Action::Eut(EutAction::Reboot)).connection(2, ConnectionState::Open, json!({})).connection(2, ConnectionState::Closed, ended("broken", None)),
    Some(Outcome::Unmet)
)]
#[case(
    "connections",
    Story::new().step("x", Action::Mtp(MtpAction::Handshake { subprotocol: Some(Subprotocol::Omit), extension: None })).done()
        .connection(2, ConnectionState::Open, json!({})).connection(2, ConnectionState::Closed, ended("broken", None)),
    Some(Outcome::Met)
)]
// R-MTP.8
#[case("R-MTP.8", over_tls(opened().message(NOTIFY, "n", &json!({"event": {}}))), Some(Outcome::Unmet))]
#[case("R-MTP.8", opened().receive(connect_record()).message(NOTIFY, "n", &json!({"event": {}})), Some(Outcome::Met))]
#[case("R-MTP.8", opened().message(NOTIFY, "n", &json!({"event": {}})).receive(connect_record()), Some(Outcome::Unmet))]
#[case("R-MTP.8", Story::new().message(NOTIFY, "n", &json!({"event": {}})), None)]
#[case("R-MTP.8", opened().receive(connect_record()).receive(disconnect()).message(NOTIFY, "n", &json!({"event": {}})), Some(Outcome::Unmet))]
#[case("R-MTP.8", opened().receive(connect_record()).receive(disconnect()).receive(connect_record()), Some(Outcome::Met))]
// R-WS.10, R-WS.10b, R-WS.11, R-WS.14
#[case("R-WS.10", handshake("peer", EID, &["v1.usp"], &["v1.usp"]), Some(Outcome::Met))]
#[case("R-WS.10", handshake("peer", EID, &["chat, v1.usp"], &["v1.usp"]), Some(Outcome::Met))]
#[case("R-WS.10", handshake("peer", EID, &[], &["v1.usp"]), Some(Outcome::Unmet))]
#[case("R-WS.10", handshake("us", EID, &[], &["v1.usp"]), None)]
#[case("R-WS.10b", handshake("peer", EID, &["v1.usp"], &["v1.usp"]), Some(Outcome::Met))]
#[case("R-WS.10b", handshake("peer", "/usp?a=b&eid=os%3A%3A012345-0001", &["v1.usp"], &["v1.usp"]), Some(Outcome::Met))]
#[case("R-WS.10b", handshake("peer", "/usp", &["v1.usp"], &["v1.usp"]), Some(Outcome::Unmet))]
#[case("R-WS.10b", handshake("peer", "/usp?eid=os::012345-0002", &["v1.usp"], &["v1.usp"]), Some(Outcome::Unmet))]
#[case("R-WS.11", handshake("us", EID, &["v1.usp"], &["v1.usp"]), Some(Outcome::Met))]
#[case("R-WS.11", handshake("us", EID, &["v1.usp"], &[]), Some(Outcome::Unmet))]
#[case("R-WS.11", handshake("us", EID, &[], &[]), None)]
#[case("R-WS.14", frame("binary"), Some(Outcome::Met))]
#[case("R-WS.14", frame("ping"), None)]
#[case("R-WS.14", frame("text"), Some(Outcome::Unmet))]
// Error codes
#[case("error codes", asked().error(&json!({"err_code": 7000})).matched(), Some(Outcome::Met))]
#[case("error codes", asked().error(&json!({"err_code": 7850})).matched(), Some(Outcome::Met))]
#[case("error codes", asked().error(&json!({"err_code": 0})).matched(), Some(Outcome::Unmet))]
#[case("error codes", asked().error(&json!({"err_code": 7004, "param_errs": [{"err_code": 9000}]})).matched(), Some(Outcome::Unmet))]
#[case("error codes", good(), None)]
#[case("error codes", operate("Device.X()", &json!({"executed_command": "Device.X()", "cmd_failure": {"err_code": 0}})), Some(Outcome::Unmet))]
#[case("error codes", operate("Device.X()", &json!({"executed_command": "Device.X()", "cmd_failure": {"err_code": 7299}})), Some(Outcome::Met))]
// Requested paths
#[case("requested paths", good(), Some(Outcome::Met))]
#[case("requested paths", asked().response(&json!({})).matched(), Some(Outcome::Unmet))]
#[case("requested paths", asked().response(&json!({"req_path_results": [{"requested_path": "Device"}]})).matched(), Some(Outcome::Unmet))]
#[case(
    "requested paths",
    asked().response(&json!({"req_path_results": [{"requested_path": "Device."}, {"requested_path": "Device.X."}]})).matched(),
    Some(Outcome::Unmet)
)]
#[case(
    "requested paths",
    exchange(MessageKind::Add, json!({"create_objs": [{"obj_path": "Device.A.*.B."}]}),
        &json!({"created_obj_results": [{"requested_path": "Device.A.*.B."}, {"requested_path": "Device.A.*.B."}]})),
    Some(Outcome::Met)
)]
#[case("requested paths", asked().error(&json!({"err_code": 7000})).matched(), None)]
fn universal_rules_see_good_and_bad(#[case] rule: &str, #[case] story: Story, #[case] expected: Option<Outcome>) {
    let result = story.universal(rule);
    assert_eq!(result.as_ref().map(|result| result.outcome), expected, "{result:#?}");
}

#[test]
fn a_client_that_names_the_eut_is_judged_without_records() {
    let mut story = handshake("peer", EID, &[], &[]);
    story.trace.events.pop();
    assert_eq!(story.universal("R-WS.10").unwrap().outcome, Outcome::Unmet);
    let mut stranger = handshake("peer", "/usp?eid=os::012345-0002", &[], &[]);
    stranger.trace.events.pop();
    assert_eq!(stranger.universal("R-WS.10"), None);
}

#[test]
fn while_the_eut_is_not_known_it_is_whoever_names_an_id_or_answers_us() {
    let judged = |opener: &str, target: &str, rule: &str| {
        let mut story = handshake(opener, target, if opener == "us" { &["v1.usp"] } else { &[] }, &[]);
        story.trace.events.pop();
        story.trace.header.eut_endpoint_id.clear();
        story.universal(rule).map(|result| result.outcome)
    };
    assert_eq!(judged("peer", "/usp?eid=os::012345-0002", "R-WS.10"), Some(Outcome::Unmet));
    assert_eq!(judged("peer", "/", "R-WS.10"), None, "anybody may knock at a port");
    assert_eq!(judged("us", "/usp", "R-WS.11"), Some(Outcome::Unmet));
}

#[test]
fn every_rule_can_be_met_and_unmet() {
    let table: String = [include_str!("tests.rs"), include_str!("tests/mtps.rs")].concat();
    let table: String = table.split_whitespace().collect();
    for (name, _) in RULES {
        let rows = format!("#[case(\"{name}\",").replace(' ', "");
        let outcomes: Vec<_> =
            table.split(rows.as_str()).skip(1).map(|row| row.split("#[case").next().unwrap()).collect();
        for outcome in ["Some(Outcome::Met)", "Some(Outcome::Unmet)"] {
            assert!(outcomes.iter().any(|row| row.contains(outcome)), "{name} has no row with {outcome}");
        }
    }
}

#[test]
fn a_right_exchange_breaks_no_rule() {
    let story = handshake("peer", EID, &["v1.usp"], &["v1.usp"])
        .connection(1, ConnectionState::Open, json!({}))
        .receive(connect_record())
        .get("get", "Device.LocalAgent.", &json!({"Device.LocalAgent.": {"EndpointID": EUT}}));
    let judgement = story.judge();
    assert!(judgement.universal.len() > 10);
    assert!(judgement.universal.iter().all(|rule| rule.outcome == Outcome::Met), "{:#?}", judgement.universal);
}

#[test]
fn an_eut_that_always_breaks_a_rule_does_not_fill_the_report() {
    let story = (0..100).fold(Story::new(), |story, _| story.receive(vec![0xff]));
    let result = story.universal("universal 2").unwrap();
    assert!(result.findings.len() <= super::MAX_FINDINGS + 1, "{}", result.findings.len());
    assert!(result.findings.last().unwrap().seen.contains("92 more"), "{:?}", result.findings.last());
}

#[test]
fn older_euts_are_not_held_to_later_rules() {
    let mut story = opened().message(NOTIFY, "n", &json!({"event": {}}));
    story.trace.header.usp_versions = vec!["1.1".into()];
    assert_eq!(story.universal("R-MTP.8"), None);
    let mut story = handshake("peer", "/usp", &["v1.usp"], &["v1.usp"]);
    story.trace.header.usp_versions = vec!["1.2".into()];
    assert_eq!(story.universal("R-WS.10b"), None);
    story.trace.header.usp_versions.clear();
    assert_eq!(story.universal("R-WS.10b").unwrap().outcome, Outcome::Unknown);
}
