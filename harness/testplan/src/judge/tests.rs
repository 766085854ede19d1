use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};
use uspec_usp::schema::{Content, MessageKind};

use std::time::Duration;

use super::*;
use crate::{
    case::{Action, Answer, Check, Codes, Expected, FrameKind, Lapse, MtpCondition, MtpEvent, RecordEvent, Step},
    profile::Role,
    testing::{
        EUT, SECOND, Story, US, absent_answer, absent_notify, await_answer, await_notify, connect_record, encode,
        error, record, response,
    },
    trace::{ConnectionState, Direction, MtpFacts, Phase, StepOutcome, What},
    verdict::CleanUp,
};

mod packets;
mod silence;

const GET: MessageKind = MessageKind::Get;

fn get_body() -> Value {
    json!({"param_paths": ["Device."]})
}

fn get_resp() -> Value {
    json!({"req_path_results": [{"requested_path": "Device."}]})
}

fn asked() -> Story {
    Story::new().ask("get", GET, get_body())
}

fn denied() -> Value {
    json!({"err_code": 7006, "err_msg": "no"})
}

fn notified(id: &str) -> Value {
    json!({"subscription_id": id, "event": {"obj_path": "Device.", "event_name": "Boot!"}})
}

const NOTIFY: Content = Content::Request(MessageKind::Notify);

/// What came in answer to a Get, a check on it, and its outcome.
#[rstest]
#[case::right(asked().response(&get_resp()).matched(), response("get", None), Outcome::Met)]
#[case::matches(asked().response(&get_resp()).matched(), response("get", Some(json!({"req_path_results": {"$count": 1}}))), Outcome::Met)]
#[case::mismatch(asked().response(&get_resp()).matched(), response("get", Some(json!({"req_path_results": []}))), Outcome::Unmet)]
#[case::undefined(asked().response(&get_resp()).matched(), response("get", Some(json!({"req_path_results": [{"requested_path": "{{x}}"}]}))), Outcome::Unknown)]
#[case::an_error(asked().error(&denied()).matched(), response("get", None), Outcome::Unmet)]
#[case::wrong_response(
    asked().message(Content::Response(MessageKind::Delete), "m1", &json!({})).matched(), response("get", None), Outcome::Unmet
)]
#[case::first_answer_counts(asked().error(&denied()).matched().response(&get_resp()), response("get", None), Outcome::Unmet)]
#[case::other_msg_id(asked().message(Content::Response(GET), "other", &get_resp()).time_out(10_000), response("get", None), Outcome::Unmet)]
#[case::silence(asked().time_out(10_000), response("get", None), Outcome::Unmet)]
#[case::late(asked().time_out(10_000).response(&get_resp()), response("get", None), Outcome::Unmet)]
#[case::connection_closed(
    asked().connection(1, ConnectionState::Closed, json!({})).not_reached("no connection"), response("get", None), Outcome::Unmet
)]
#[case::cut_short(asked().not_reached("the run was interrupted"), response("get", None), Outcome::Unknown)]
#[case::trace_ends(asked(), response("get", None), Outcome::Unknown)]
#[case::fault(asked().end(StepOutcome::Fault { causes: vec!["disk".into()] }), response("get", None), Outcome::Unknown)]
#[case::never_ran(Story::new(), response("get", None), Outcome::Unknown)]
#[case::not_sent(
    Story::new().step("get", Action::Request { kind: GET, body: get_body() }).not_reached("`x` has no value"), response("get", None), Outcome::Unknown
)]
#[case::error_any(asked().error(&denied()).matched(), error("get", &[]), Outcome::Met)]
#[case::error_code(asked().error(&denied()).matched(), error("get", &[7004, 7006]), Outcome::Met)]
#[case::error_other_code(asked().error(&denied()).matched(), error("get", &[7004]), Outcome::Unmet)]
#[case::error_not_applicable(asked().error(&json!({"err_code": 7024})).matched(), error("get", &[]), Outcome::Unmet)]
#[case::error_param_code(
    asked().error(&json!({"err_code": 7004, "param_errs": [{"param_path": "Device.", "err_code": 7024}]})).matched(),
    error("get", &[7004]),
    Outcome::Unmet
)]
#[case::error_pattern(
    asked().error(&denied()).matched(),
    Check::Error { to: "get".into(), codes: Codes::Applicable, matching: Some(crate::testing::pattern(&json!({"param_errs": {"$count": 1}}))) },
    Outcome::Unmet
)]
#[case::error_wanted(asked().response(&get_resp()).matched(), error("get", &[]), Outcome::Unmet)]
#[case::error_silence(asked().time_out(10_000), error("get", &[]), Outcome::Unmet)]
#[case::no_response(asked().time_out(10_000), Check::NoResponse { to: "get".into() }, Outcome::Met)]
#[case::no_response_late(asked().time_out(10_000).response(&get_resp()), Check::NoResponse { to: "get".into() }, Outcome::Unmet)]
#[case::no_response_came(asked().error(&denied()).matched(), Check::NoResponse { to: "get".into() }, Outcome::Unmet)]
#[case::no_response_unwatched(asked().done(), Check::NoResponse { to: "get".into() }, Outcome::Unknown)]
#[case::no_response_watched(
    asked().done().step("quiet", absent_answer("get")).wait(500).done(), Check::NoResponse { to: "get".into() }, Outcome::Met
)]
#[case::no_response_to_garbage(
    Story::new().send("get", vec![0xff]).done().step("quiet", absent_answer("get")).wait(500).done(),
    Check::NoResponse { to: "get".into() },
    Outcome::Met
)]
#[case::stray_answer_to_garbage(
    Story::new().send("get", vec![0xff]).done().step("quiet", absent_answer("get"))
        .message(Content::Error, "?", &json!({"err_code": 7100})).matched(),
    Check::NoResponse { to: "get".into() },
    Outcome::Unmet
)]
#[case::answer_to_send(
    Story::new().send("get", record(US, EUT, encode(Content::Request(GET), "s1", &get_body()))).done()
        .step("wait", await_answer("get")).message(Content::Response(GET), "s1", &get_resp()).matched(),
    response("get", None),
    Outcome::Met
)]
#[case::no_answer_to_send(
    Story::new().send("get", record(US, EUT, encode(Content::Request(GET), "s1", &get_body()))).done()
        .step("wait", await_answer("get")).time_out(5_000),
    response("get", None),
    Outcome::Unmet
)]
#[case::nobody_waits_for_send(
    Story::new().send("get", record(US, EUT, encode(Content::Request(GET), "s1", &get_body()))).done(),
    response("get", None),
    Outcome::Unknown
)]
fn answers_are_judged(#[case] story: Story, #[case] check: Check, #[case] expected: Outcome) {
    let (outcome, findings) = story.metric(check).outcome();
    assert_eq!(outcome, expected, "{findings:#?}");
    assert!(!findings.is_empty() && findings.iter().all(|it| !it.expected.is_empty() && !it.seen.is_empty()));
}

fn received(matching: Option<Value>) -> Check {
    Check::Received { step: "note".into(), matching: matching.map(|source| crate::testing::pattern(&source)) }
}

fn not_received() -> Check {
    Check::NotReceived { step: "note".into() }
}

#[rstest]
#[case::came(Story::new().step("note", await_notify("s")).message(NOTIFY, "n1", &notified("s")).matched(), received(None), Outcome::Met)]
#[case::matches(
    Story::new().step("note", await_notify("s")).message(NOTIFY, "n1", &notified("s")).matched(),
    received(Some(json!({"event": {"event_name": "Boot!"}}))),
    Outcome::Met
)]
#[case::mismatch(
    Story::new().step("note", await_notify("s")).message(NOTIFY, "n1", &notified("s")).matched(),
    received(Some(json!({"event": {"event_name": "Periodic!"}}))),
    Outcome::Unmet
)]
#[case::did_not_come(Story::new().step("note", await_notify("s")).time_out(5_000), received(None), Outcome::Unmet)]
#[case::step_took_the_wrong_one(
    Story::new().step("note", await_notify("s")).message(NOTIFY, "n1", &notified("t")).matched(), received(None), Outcome::Unknown
)]
#[case::connected(
    Story::new().step("note", Action::Await { what: Expected::Connected, answer: Answer::default() }).done(), received(None), Outcome::Met
)]
#[case::not_connected(
    Story::new().step("note", Action::Await { what: Expected::Connected, answer: Answer::default() }).time_out(9), received(None), Outcome::Unmet
)]
#[case::not_reached(Story::new().step("note", await_notify("s")).not_reached("no connection"), received(None), Outcome::Unknown)]
#[case::quiet(Story::new().step("note", absent_notify("s")).wait(900).done(), not_received(), Outcome::Met)]
#[case::quiet_told_as_timeout(Story::new().step("note", absent_notify("s")).time_out(900), not_received(), Outcome::Met)]
#[case::other_subscription(
    Story::new().step("note", absent_notify("s")).message(NOTIFY, "n1", &notified("t")).done(), not_received(), Outcome::Met
)]
#[case::not_quiet(
    Story::new().step("note", absent_notify("s")).message(NOTIFY, "n1", &notified("s")).matched(), not_received(), Outcome::Unmet
)]
#[case::not_quiet_though_the_step_says_so(
    Story::new().step("note", absent_notify("s")).message(NOTIFY, "n1", &notified("s")).done(), not_received(), Outcome::Unmet
)]
#[case::before_the_step(
    Story::new().message(NOTIFY, "n1", &notified("s")).step("note", absent_notify("s")).wait(900).done(), not_received(), Outcome::Met
)]
#[case::deaf(
    Story::new().connection(1, ConnectionState::Open, json!({})).connection(1, ConnectionState::Closed, json!({}))
        .step("note", absent_notify("s")).wait(900).done(),
    not_received(),
    Outcome::Unknown
)]
fn what_steps_await_is_judged(#[case] story: Story, #[case] check: Check, #[case] expected: Outcome) {
    let (outcome, findings) = story.metric(check).outcome();
    assert_eq!(outcome, expected, "{findings:#?}");
}

#[rstest]
#[case(&[true, true], Outcome::Met, Outcome::Met)]
#[case(&[true, false], Outcome::Unmet, Outcome::Met)]
#[case(&[false, false], Outcome::Unmet, Outcome::Unmet)]
#[case(&[], Outcome::Met, Outcome::Unmet)]
fn checks_are_combined(#[case] parts: &[bool], #[case] all: Outcome, #[case] any: Outcome) {
    let story = asked().response(&get_resp()).matched();
    let checks: Vec<_> = parts.iter().map(|met| if *met { response("get", None) } else { error("get", &[]) }).collect();
    assert_eq!(story.clone().metric(Check::All(checks.clone())).outcome().0, all);
    assert_eq!(story.metric(Check::Any(checks)).outcome().0, any);
}

#[test]
fn an_unknown_alternative_leaves_any_unknown() {
    let story = asked().response(&get_resp()).matched();
    let (outcome, findings) = story.metric(Check::Any(vec![error("get", &[]), response("gone", None)])).outcome();
    assert_eq!(outcome, Outcome::Unknown, "{findings:?}");
}

#[test]
fn a_finding_shows_the_error_that_came() {
    let (_, findings) = asked().error(&denied()).matched().metric(response("get", None)).outcome();
    assert!(findings[0].seen.contains("7006 Permission denied") && findings[0].seen.contains("\"no\""), "{findings:?}");
}

fn passing() -> Story {
    asked().response(&get_resp()).matched().metric(response("get", None))
}

fn setup(story: Story) -> Story {
    story
        .phase(Phase::Procedure)
        .ask("get", GET, get_body())
        .response(&get_resp())
        .matched()
        .metric(response("get", None))
}

#[rstest]
#[case::pass(passing(), Verdict::Pass)]
#[case::unmet(passing().metric(error("get", &[])), Verdict::Fail)]
#[case::unknown(passing().metric(response("gone", None)), Verdict::Inconclusive)]
#[case::unmet_beats_unknown(passing().metric(response("gone", None)).metric(error("get", &[])), Verdict::Fail)]
#[case::no_metric(asked().response(&get_resp()).matched(), Verdict::Inconclusive)]
#[case::fault(passing().metric(error("get", &[])).step("x", Action::Wait(Lapse::Fixed(Duration::default()))).end(StepOutcome::Fault { causes: vec!["disk full".into()] }), Verdict::Error)]
#[case::universal(passing().receive(vec![0xff]), Verdict::Fail)]
#[case::setup_done(setup(Story::new().phase(Phase::Setup).ask("s", GET, get_body()).response(&get_resp()).matched()), Verdict::Pass)]
#[case::setup_error(setup(Story::new().phase(Phase::Setup).ask("s", GET, get_body()).error(&denied()).matched()), Verdict::Inconclusive)]
#[case::setup_lacks_capture(
    setup(Story::new().phase(Phase::Setup).ask("s", GET, get_body()).capture("x").response(&get_resp()).matched()), Verdict::Inconclusive
)]
#[case::setup_matches(
    setup(Story::new().phase(Phase::Setup).ask("s", GET, get_body()).wanting(&json!({"req_path_results": {"$count": 1}})).response(&get_resp()).matched()),
    Verdict::Pass
)]
#[case::setup_does_not_match(
    setup(Story::new().phase(Phase::Setup).ask("s", GET, get_body()).wanting(&json!({"req_path_results": []})).response(&get_resp()).matched()),
    Verdict::Inconclusive
)]
#[case::setup_silence_is_universal(setup(Story::new().phase(Phase::Setup).ask("s", GET, get_body()).time_out(9)), Verdict::Fail)]
#[case::setup_not_reached(
    setup(Story::new().phase(Phase::Setup).step("s", Action::Request { kind: GET, body: get_body() }).not_reached("no connection")), Verdict::Inconclusive
)]
#[case::setup_silence_as_wanted(setup(Story::new().phase(Phase::Setup).step("s", absent_notify("s")).time_out(9)), Verdict::Pass)]
#[case::setup_noise(
    setup(Story::new().phase(Phase::Setup).step("s", absent_notify("s")).message(NOTIFY, "n", &notified("s")).matched()), Verdict::Inconclusive
)]
fn verdicts_are_merged(#[case] story: Story, #[case] expected: Verdict) {
    let judgement = story.judge();
    assert_eq!(judgement.verdict, expected, "{judgement:#?}");
    assert_eq!(judgement.reason.is_none(), expected == Verdict::Pass);
}

#[test]
fn metrics_are_unknown_when_the_setup_failed() {
    let story = setup(Story::new().phase(Phase::Setup).ask("s", GET, get_body()).error(&denied()).matched());
    let judgement = story.metric(error("get", &[])).judge();
    assert!(judgement.metrics.iter().all(|metric| metric.outcome == Outcome::Unknown), "{judgement:#?}");
    assert!(judgement.reason.unwrap().contains("setup step 1: Error 7006"));
}

#[test]
fn a_trace_of_another_case_is_our_error() {
    let mut story = passing();
    story.case.id = "1.2".parse().unwrap();
    assert_eq!(story.judge().verdict, Verdict::Error);
}

#[rstest]
#[case(Some("1.4"), &["1.3"], Outcome::Met)]
#[case(Some("1.4"), &["1.3", "1.4"], Outcome::Unmet)]
#[case(Some("1.10"), &["1.9"], Outcome::Met)]
#[case(Some("1.4"), &[], Outcome::Unknown)]
#[case(None, &[], Outcome::Unmet)]
fn metrics_of_later_versions_do_not_count(
    #[case] since: Option<&str>,
    #[case] versions: &[&str],
    #[case] expected: Outcome,
) {
    let mut story = passing().metric(error("get", &[]));
    story.case.metrics.last_mut().unwrap().since = since.map(str::to_owned);
    story.trace.header.usp_versions = versions.iter().map(|it| (*it).to_owned()).collect();
    assert_eq!(story.outcome().0, expected);
}

const DELETE: MessageKind = MessageKind::Delete;

fn deleted(success: bool) -> Value {
    let status = if success { json!({"oper_success": {}}) } else { json!({"oper_failure": {"err_code": 7024}}) };
    json!({"deleted_obj_results": [{"requested_path": "Device.X.1.", "oper_status": status}]})
}

fn cleaning(partial: bool) -> Story {
    let body = json!({"allow_partial": partial, "obj_paths": ["Device.X.1."]});
    passing().phase(Phase::CleanUp).ask("", DELETE, body)
}

fn compared(story: Story, differences: &[&str]) -> Story {
    story.event(What::CleanUp { differences: differences.iter().map(|it| (*it).to_owned()).collect() })
}

fn lacking(variable: &str) -> Story {
    let body = json!({"obj_paths": [format!("{{{{{variable}}}}}")]});
    passing().phase(Phase::CleanUp).step("", Action::Request { kind: DELETE, body }).not_reached("no value")
}

#[rstest]
#[case::clean(compared(cleaning(false).response(&deleted(true)).matched(), &[]), "clean")]
#[case::no_steps(compared(passing(), &[]), "clean")]
#[case::differs(compared(cleaning(false).response(&deleted(true)).matched(), &["a row is left"]), "dirty")]
#[case::refused(compared(cleaning(false).error(&denied()).matched(), &[]), "dirty")]
#[case::failed_inside(compared(cleaning(false).response(&deleted(false)).matched(), &[]), "dirty")]
#[case::partial(compared(cleaning(true).response(&deleted(false)).matched(), &[]), "clean")]
#[case::silent(compared(cleaning(false).time_out(9), &[]), "dirty")]
#[case::nothing_to_do(compared(lacking("never"), &[]), "clean")]
#[case::unreachable(compared(lacking("known").variable("known", "Device.X.1."), &[]), "unverified")]
#[case::not_compared(cleaning(false).response(&deleted(true)).matched(), "unverified")]
fn clean_up_is_told(#[case] story: Story, #[case] expected: &str) {
    let judgement = story.judge();
    let told = match &judgement.clean_up {
        CleanUp::Clean => "clean",
        CleanUp::Dirty(_) => "dirty",
        CleanUp::Unverified(_) => "unverified",
    };
    assert_eq!(told, expected, "{:?}", judgement.clean_up);
}

#[test]
fn the_same_trace_read_back_is_judged_the_same() {
    let story = passing().metric(error("get", &[]));
    let text = story.trace.to_json_lines().unwrap();
    assert_eq!(judge(&story.case, &Trace::from_json_lines(&text).unwrap()), story.judge());
}

fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    let payload = proptest::collection::vec(any::<u8>(), 0..60);
    prop_oneof![payload.clone(), payload.prop_map(|bytes| record(EUT, US, bytes))]
}

proptest! {
    #[test]
    fn any_record_is_judged(bytes in any_bytes(), sent in any_bytes()) {
        let story = asked().receive(bytes.clone()).sent(sent).receive(bytes).matched();
        let story = story.metric(response("get", None)).metric(error("get", &[])).metric(Check::NoResponse { to: "get".into() });
        let judgement = story.judge();
        prop_assert_eq!(judgement.metrics.len(), 3);
        prop_assert!(crate::exchange::lines(&story.trace).len() >= 4);
    }

    #[test]
    fn a_trace_may_be_cut_anywhere(from in 0_usize..12, to in 0_usize..12) {
        let mut story = passing().step("note", await_notify("s")).message(NOTIFY, "n1", &notified("s")).matched()
            .metric(received(None)).metric(not_received());
        story.trace.events = story.trace.events.into_iter().skip(from).take(to).collect();
        prop_assert_eq!(story.judge().metrics.len(), 3);
    }
}

const CLOSE: Expected = Expected::Mtp(MtpEvent::Frame { kind: FrameKind::Close, matching: None });

fn awaited(what: Expected) -> Story {
    Story::new().step("seen", Action::Await { what, answer: Answer::Normal })
}

fn frame(kind: &str, direction: Direction, payload: &[u8]) -> What {
    What::Frame { connection: 1, direction, kind: kind.into(), fin: true, payload: payload.to_vec() }
}

fn closing(code: &[u8]) -> What {
    frame("close", Direction::Received, code)
}

fn seen(matching: Option<Value>) -> Check {
    Check::Received { step: "seen".into(), matching: matching.map(|source| crate::testing::pattern(&source)) }
}

fn attempt() -> Expected {
    Expected::Mtp(MtpEvent::ConnectionAttempt)
}

fn connect_record_wanted() -> Expected {
    Expected::Record(RecordEvent { kind: uspec_usp::decode::RecordKind::WebsocketConnect, matching: None })
}

#[rstest]
#[case::frame(awaited(CLOSE).event(closing(b"\x03\xeb")).matched(), Some(json!({"code": 1003})), Outcome::Met)]
#[case::frame_with_another_code(awaited(CLOSE).event(closing(b"\x03\xe8")).matched(), Some(json!({"code": 1003})), Outcome::Unmet)]
#[case::frame_without_code(awaited(CLOSE).event(closing(b"")).matched(), Some(json!({"code": 1003})), Outcome::Unmet)]
#[case::no_frame(awaited(CLOSE).time_out(9), None, Outcome::Unmet)]
#[case::another_frame(awaited(CLOSE).event(frame("ping", Direction::Received, b"")).matched(), None, Outcome::Unknown)]
#[case::our_own_frame(awaited(CLOSE).event(frame("close", Direction::Sent, b"")).matched(), None, Outcome::Unknown)]
#[case::not_in_the_trace(awaited(CLOSE).done(), None, Outcome::Unknown)]
#[case::attempt(awaited(attempt()).connection(2, ConnectionState::Attempt, json!({})).matched(), Some(json!({"tls": false})), Outcome::Met)]
#[case::end(
    awaited(Expected::Disconnected).connection(1, ConnectionState::Closed, json!({"closed": {"by": "peer", "code": 1000, "reason": "", "clean": true}})).matched(),
    Some(json!({"clean": true, "by": "peer"})), Outcome::Met
)]
#[case::was_connected_already(awaited(Expected::Connected).done(), None, Outcome::Met)]
#[case::was_connected_already_but_how(awaited(Expected::Connected).done(), Some(json!({"subprotocol": "v1.usp"})), Outcome::Unknown)]
#[case::connected(
    awaited(Expected::Connected).connection(1, ConnectionState::Open, json!({"open": {"subprotocol": "v1.usp"}})).matched(),
    Some(json!({"subprotocol": "v1.usp", "extension": {"$absent": true}})), Outcome::Met
)]
#[case::record(
    awaited(connect_record_wanted()).receive(connect_record()).matched(),
    Some(json!({"to_id": US, "websocket_connect": {}})), Outcome::Met
)]
#[case::record_for_another(
    awaited(connect_record_wanted()).receive(connect_record()).matched(), Some(json!({"to_id": "self::nobody"})), Outcome::Unmet
)]
#[case::another_record(
    awaited(connect_record_wanted()).receive(record(EUT, US, encode(NOTIFY, "n", &notified("s")))).matched(), None, Outcome::Unknown
)]
fn events_of_the_mtp_are_judged(#[case] story: Story, #[case] matching: Option<Value>, #[case] expected: Outcome) {
    let (outcome, findings) = story.metric(seen(matching)).outcome();
    assert_eq!(outcome, expected, "{findings:#?}");
}

#[rstest]
#[case::came(awaited(CLOSE).event(closing(b"")).matched(), Outcome::Unmet)]
#[case::did_not(awaited(CLOSE).time_out(9), Outcome::Met)]
#[case::was_there_already(awaited(Expected::Connected).done(), Outcome::Unmet)]
#[case::for_the_other(
    Story::new().step("seen", absent_notify("s")).receive(record(EUT, SECOND, encode(NOTIFY, "n", &notified("s")))).done(), Outcome::Met
)]
#[case::for_ours(
    Story::new().step("seen", absent_notify("s")).receive(record(EUT, US, encode(NOTIFY, "n", &notified("s")))).done(), Outcome::Unmet
)]
fn an_await_may_be_in_vain(#[case] story: Story, #[case] expected: Outcome) {
    let (outcome, findings) = story.metric(Check::NotReceived { step: "seen".into() }).outcome();
    assert_eq!(outcome, expected, "{findings:#?}");
}

#[rstest]
#[case::this_mtp(Some(false), Outcome::Met, "")]
#[case::another_mtp(Some(true), Outcome::Unknown, "does not exist over the MTP websocket")]
#[case::an_old_trace(None, Outcome::Met, "")]
fn a_step_that_does_not_exist_leaves_its_metrics_unknown(
    #[case] tls: Option<bool>,
    #[case] expected: Outcome,
    #[case] why: &str,
) {
    // Two steps with one label; the Trace has the second, unless the MTP has TLS.
    let ask = Story::new().ask("get", GET, get_body());
    let mut story = if tls == Some(true) { Story::new() } else { ask.clone().response(&get_resp()).matched() };
    story.case.procedure = ask.case.procedure;
    let over = |role| Some(MtpCondition { role: Some(role), tls: Some(false), ..MtpCondition::default() });
    let mut first = story.case.procedure[0].clone();
    first.when = over(Role::WeConnect);
    story.case.procedure[0].when = over(Role::EutConnects);
    story.case.procedure.insert(0, first);
    for event in &mut story.trace.events {
        if let What::StepStarted { step, .. } | What::StepEnded { step, .. } = &mut event.what {
            step.index = 1;
        }
        if let What::Record { step: Some(step), .. } = &mut event.what {
            step.index = 1;
        }
    }
    story.trace.header.mtp_facts = tls.map(|tls| MtpFacts::direct("websocket", Some(Role::EutConnects), tls));
    let (outcome, findings) = story.metric(response("get", None)).outcome();
    assert_eq!(outcome, expected, "{findings:#?}");
    assert!(findings[0].seen.contains(why), "{findings:#?}");
}

#[test]
fn a_step_of_another_mtp_is_missing_neither_in_setup_nor_in_clean_up() {
    let mut story = compared(passing(), &[]);
    let elsewhere = Step {
        when: Some(MtpCondition { tls: Some(true), ..MtpCondition::default() }),
        ..Step::new(Action::Wait(Lapse::Fixed(Duration::default())))
    };
    story.case.setup.push(elsewhere.clone());
    story.case.cleanup.push(elsewhere);
    let judgement = story.judge();
    assert_eq!((judgement.verdict, judgement.clean_up), (Verdict::Pass, CleanUp::Clean));
}

#[test]
fn findings_show_the_values_of_variables() {
    let pattern = json!({"req_path_results": [{"requested_path": "{{path}}", "err_msg": "{{nothing}}"}]});
    let story = passing().variable("path", "Device.").metric(response("get", Some(pattern)));
    assert!(story.outcome().1.iter().all(|finding| !finding.expected.contains("{{path}}")));
    let story = Story::new().variable("unique", "k1").step("seen", await_notify("s-{{unique}}")).time_out(9);
    let (_, findings) = story.metric(seen(None)).outcome();
    assert!(findings[0].expected.contains("s-k1"), "{findings:?}");
}

#[test]
fn any_code_counts_when_only_the_error_is_asked_for() {
    let any = Check::Error { to: "get".into(), codes: Codes::Any, matching: None };
    let odd = json!({"err_code": 1, "param_errs": [{"param_path": "Device.", "err_code": 2}]});
    assert_eq!(
        Story::new().ask("get", GET, get_body()).error(&odd).matched().metric(any.clone()).outcome().0,
        Outcome::Met
    );
    assert_eq!(passing().metric(any.clone()).outcome().0, Outcome::Unmet);
    assert_eq!(Story::new().ask("get", GET, get_body()).time_out(9).metric(any).outcome().0, Outcome::Unmet);
}

#[test]
fn what_is_wrong_beside_silence_is_told_before_it() {
    let silent = || Story::new().ask("x", MessageKind::Get, json!({"param_paths": ["Device."]})).time_out(30_000);
    let told = violation(&silent().trace).unwrap();
    assert!(told.starts_with("R-MSG.0 unmet: "), "{told}");
    let elsewhere = silent().receive(record("os::012345-0001", "self::nobody", Vec::new()));
    let told = violation(&elsewhere.trace).unwrap();
    assert!(told.starts_with("R-M") && !told.starts_with("R-MSG.0 ") && told.ends_with("more)"), "{told}");
    assert_eq!(violation(&Story::new().receive(connect_record()).trace), None);
}
