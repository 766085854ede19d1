use super::*;
use crate::errors::code;
use rstest::rstest;
use uspec_usp::record::SessionContextRecord;

fn get(msg_id: &str) -> Msg {
    let param_paths = vec!["Device.LocalAgent.EndpointID".to_owned()];
    request_message(msg_id, ReqType::Get(msg::Get { param_paths, max_depth: 0 }))
}

#[rstest]
#[case(CONTROLLER, AGENT, true)]
#[case(CONTROLLER, "proto::other", false)]
#[case(AGENT, AGENT, false)]
#[case(AGENT, "proto::other", false)]
#[case("proto::stranger", AGENT, false)]
fn only_known_controllers_that_mean_us_are_answered(#[case] from: &str, #[case] to: &str, #[case] answered: bool) {
    let mut bench = Bench::new();
    bench.record(&plain(from, to, &get("1")));
    assert_eq!(bench.inbox.len(), usize::from(answered));
    assert!(bench.other.is_empty());
}

#[test]
fn the_answer_is_addressed_to_the_sender() {
    let mut bench = Bench::new();
    bench.record(&plain(CONTROLLER, AGENT, &get("1")));
    let (connection, record) = bench.inbox.remove(0);
    assert_eq!(
        (connection, record.from_id.as_str(), record.to_id.as_str(), record.version.as_str()),
        (CONNECTION, AGENT, CONTROLLER, "1.4")
    );
    assert_eq!(message(&record).unwrap().header.unwrap().msg_type, 2);
}

#[test]
fn what_is_no_record_closes_the_connection_with_1003() {
    let mut bench = Bench::new();
    let actions = bench.core.handle_record(bench.now, CONNECTION, b"\xff\xff\xff");
    assert!(matches!(actions.as_slice(), [Action::Close { connection: CONNECTION, code: 1003, .. }]), "{actions:?}");
}

#[test]
fn a_record_without_content_is_discarded() {
    let mut bench = Bench::new();
    let record = Record { record_type: None, ..plain(CONTROLLER, AGENT, &get("1")) };
    bench.record(&record);
    assert!(bench.inbox.is_empty() && bench.other.is_empty());
}

#[test]
fn a_session_context_is_refused_with_an_error() {
    let mut bench = Bench::new();
    let context = SessionContextRecord {
        session_id: 1,
        sequence_id: 1,
        payload: vec![get("1").encode_to_vec()],
        ..Default::default()
    };
    bench.record(&Record {
        record_type: Some(RecordType::SessionContext(context)),
        ..plain(CONTROLLER, AGENT, &get("1"))
    });
    assert_eq!(error(bench.answer("1").unwrap()).err_code, code::SESSION_CONTEXT_NOT_ALLOWED);
}

#[rstest]
#[case(1, code::SECURE_SESSION_NOT_SUPPORTED)]
#[case(7, code::INVALID_RECORD_VALUE)]
fn payload_security_is_refused(#[case] payload_security: i32, #[case] expected: u32) {
    let mut bench = Bench::new();
    bench.record(&Record { payload_security, ..plain(CONTROLLER, AGENT, &get("1")) });
    assert_eq!(error(bench.answer("1").unwrap()).err_code, expected);
}

#[test]
fn a_message_that_cannot_be_read_is_refused_when_its_id_can() {
    let mut bench = Bench::new();
    let header = msg::Header { msg_id: "broken".to_owned(), msg_type: 1 };
    let mut payload = Msg { header: Some(header), body: None }.encode_to_vec();
    // Field 2, the body: two octets that are no Message.
    payload.extend_from_slice(&[0x12, 0x02, 0xff, 0xff]);
    let record_type = Some(RecordType::NoSessionContext(NoSessionContextRecord { payload }));
    bench.record(&Record { record_type, ..plain(CONTROLLER, AGENT, &get("1")) });
    assert_eq!(error(bench.answer("broken").unwrap()).err_code, code::INVALID_ARGUMENTS);
}

fn notify() -> msg::Notify {
    let notification = Some(msg::notify::Notification::ValueChange(msg::notify::ValueChange::default()));
    msg::Notify { notification, ..msg::Notify::default() }
}

#[rstest]
#[case(ReqType::Register(msg::Register::default()))]
#[case(ReqType::Deregister(msg::Deregister::default()))]
#[case(ReqType::Notify(notify()))]
fn requests_for_controllers_are_not_supported(#[case] request: ReqType) {
    assert_eq!(error(Bench::new().ask(request)).err_code, code::MESSAGE_NOT_SUPPORTED);
}

#[rstest]
#[case(None, 1)]
#[case(Some(MsgBody::Request(msg::Request { req_type: None })), 1)]
#[case(Some(MsgBody::Request(msg::Request { req_type: None })), 999)]
fn messages_without_a_request_are_refused(#[case] msg_body: Option<MsgBody>, #[case] msg_type: i32) {
    let mut bench = Bench::new();
    let header = msg::Header { msg_id: "1".to_owned(), msg_type };
    bench.send_message(&Msg { header: Some(header), body: Some(msg::Body { msg_body }) });
    assert_eq!(error(bench.answer("1").unwrap()).err_code, code::INVALID_ARGUMENTS);
}

#[test]
fn two_members_of_a_oneof_are_one_too_many() {
    let mut bench = Bench::new();
    let mut two = plain(CONTROLLER, AGENT, &get("1")).encode_to_vec();
    // A second record_type, an empty websocket_connect (field 9).
    two.extend_from_slice(&[0x4a, 0x00]);
    let actions = bench.core.handle_record(bench.now, CONNECTION, &two);
    assert_eq!(actions, [], "R-ENC.4");
    // A body with two Requests, an empty Get (field 1) and an empty Set (field 4).
    let header = msg::Header { msg_id: "1".to_owned(), msg_type: 1 };
    let mut payload = Msg { header: Some(header), body: None }.encode_to_vec();
    payload.extend_from_slice(&[0x12, 0x06, 0x0a, 0x04, 0x0a, 0x00, 0x22, 0x00]);
    let record_type = Some(RecordType::NoSessionContext(NoSessionContextRecord { payload }));
    bench.record(&Record { record_type, ..plain(CONTROLLER, AGENT, &get("1")) });
    assert_eq!(error(bench.answer("1").unwrap()).err_code, code::INVALID_ARGUMENTS, "R-ENC.5");
}

#[test]
fn a_message_without_an_id_is_ignored() {
    let mut bench = Bench::new();
    bench.send_message(&get(""));
    assert!(bench.inbox.is_empty());
}

#[test]
fn odd_octets_never_panic() {
    let mut bench = Bench::new();
    let good = plain(CONTROLLER, AGENT, &get("1")).encode_to_vec();
    for length in 0..good.len() {
        bench.core.handle_record(bench.now, CONNECTION, &good[..length]);
        let mut flipped = good.clone();
        flipped[length] ^= 0xff;
        bench.core.handle_record(bench.now, CONNECTION, &flipped);
    }
}

#[test]
fn a_faulty_connect_record_comes_after_what_the_session_is_used_for() {
    let mut bench = Bench::with([Fault::ConnectRecordComesLate]);
    bench.record(&plain(CONTROLLER, AGENT, &get("1")));
    assert!(bench.answer("1").is_some());
    bench.pass(34);
    assert!(bench.inbox.is_empty(), "{:?}", bench.inbox);
    bench.pass(60);
    let kinds: Vec<_> =
        bench.inbox.iter().map(|(connection, record)| (*connection, record.record_type.clone())).collect();
    let connect = RecordType::WebsocketConnect(uspec_usp::record::WebSocketConnectRecord {});
    assert_eq!(kinds, [(CONNECTION, Some(connect))], "once");
}
