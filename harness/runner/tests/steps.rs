//! What each kind of step does and records, against an EUT that behaves as the test says.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by them")]

mod scripted;

use rstest::rstest;
use scripted::*;
use serde_json::{Value, json};
use std::time::Duration;
use uspec_runner::{SessionConfig, Timing};
use uspec_testplan::{
    case::{Action, Answer, Capture, Expected, Send, Step, TestCase},
    pattern::Pattern,
    trace::{Direction, Phase, StepOutcome, Trace, What},
};
use uspec_usp::schema::{Content, MessageKind};

const DONE: StepOutcome = StepOutcome::Done { matched: None };

fn is_answered(outcome: &StepOutcome) -> bool {
    matches!(outcome, StepOutcome::Done { matched: Some(_) })
}

fn reason(outcome: &StepOutcome) -> &str {
    match outcome {
        StepOutcome::NotReached { reason } => reason,
        other => panic!("{other:?}"),
    }
}

async fn procedure(rule: Rule, steps: Vec<Step>) -> (Vec<StepOutcome>, Trace, Eut) {
    let ran = run(rule, &[case("1.1", steps)]).await;
    let trace = ran.traces.into_iter().next().unwrap();
    assert_sound(&trace);
    (outcomes(&trace, Phase::Procedure), trace, ran.eut)
}

fn notify_of(subscription: &str) -> Expected {
    Expected::Notify { subscription_id: Some(subscription.into()), matching: None }
}

fn await_notify(subscription: &str, answer: Answer) -> Step {
    step(Action::Await { what: notify_of(subscription), answer })
}

fn absent(what: Expected) -> Step {
    step(Action::Absent { what, lasting: None })
}

fn await_what(what: Expected) -> Step {
    step(Action::Await { what, answer: Answer::Normal })
}

fn send(record: &[(&str, Value)]) -> Action {
    let record = record.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let message = Some((MessageKind::Get, json!({"param_paths": ["Device.Trigger."]})));
    Action::Send(Send { message, record, ..Send::default() })
}

fn then_notify(subscription: &'static str) -> Rule {
    on_trigger(move |_| vec![Do::Notify { subscription, send_resp: true }, Do::Answer])
}

#[tokio::test(start_paused = true)]
async fn captured_values_are_used_and_recorded() {
    let steps = vec![add(), get("{{sub}}Enable"), get("Device.LocalAgent.Subscription.{{sub.instance}}.")];
    let (outcomes, trace, eut) = procedure(good_rule(), steps).await;
    assert!(outcomes.iter().all(is_answered), "{outcomes:?}");
    let asked = eut.seen.lock().unwrap().asked.clone();
    let paths: Vec<_> = asked.iter().filter_map(|asked| asked.body.pointer("/param_paths/0")?.as_str()).collect();
    assert!(
        paths.contains(&"Device.LocalAgent.Subscription.1.Enable")
            && paths.contains(&"Device.LocalAgent.Subscription.1.")
    );
    let captured = trace.events.iter().any(|event| matches!(&event.what, What::Captured { name, .. } if name == "sub"));
    assert!(captured);
}

#[tokio::test(start_paused = true)]
async fn a_step_that_lacks_a_value_names_the_step_that_did_not_yield_it() {
    let refuse: Rule = Box::new(|asked| {
        let error = Do::Reply(Content::Error, asked.msg_id.clone(), json!({"err_code": 7012}));
        (asked.kind == MessageKind::Add).then(|| vec![error])
    });
    let (outcomes, ..) = procedure(refuse, vec![add(), get("{{sub}}Enable"), get("Device.Fine.")]).await;
    assert!(is_answered(&outcomes[0]), "an Error is an answer");
    let reason = reason(&outcomes[1]);
    assert!(reason.contains("`add`") && reason.contains("`sub`"), "{reason}");
    assert!(is_answered(&outcomes[2]), "the procedure goes on");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_fit_the_schema_is_our_fault() {
    let (outcomes, ..) = procedure(good_rule(), vec![step(request(MessageKind::Get, json!({"paths": []})))]).await;
    assert!(matches!(&outcomes[0], StepOutcome::Fault { .. }), "{outcomes:?}");
}

#[tokio::test(start_paused = true)]
async fn a_notification_may_come_before_its_step_and_is_answered() {
    let (outcomes, _, eut) =
        procedure(then_notify("s"), vec![get("Device.Trigger."), await_notify("s", Answer::Normal)]).await;
    assert!(outcomes.iter().all(is_answered), "{outcomes:?}");
    assert_eq!(eut.seen.lock().unwrap().notify_responses, ["s"]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_withheld_even_from_a_notification_that_comes_before_its_step() {
    let steps = vec![get("Device.Trigger."), await_notify("s", Answer::Withhold)];
    let (outcomes, _, eut) = procedure(then_notify("s"), steps).await;
    assert!(outcomes.iter().all(is_answered), "{outcomes:?}");
    assert!(eut.seen.lock().unwrap().notify_responses.is_empty());
}

#[tokio::test(start_paused = true)]
async fn no_answer_goes_to_a_notification_that_wants_none() {
    let rule = on_trigger(|_| vec![Do::Notify { subscription: "s", send_resp: false }, Do::Answer]);
    let (outcomes, _, eut) = procedure(rule, vec![get("Device.Trigger."), await_notify("s", Answer::Normal)]).await;
    assert!(is_answered(&outcomes[1]));
    assert!(eut.seen.lock().unwrap().notify_responses.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_notification_is_known_by_its_subscription_and_pattern() {
    let pattern = |name: &str| Some(Pattern::compile(&json!({"event": {"event_name": name}})).unwrap());
    let expected = |matching| Expected::Notify { subscription_id: Some("s".into()), matching };
    let steps = vec![
        get("Device.Trigger."),
        await_notify("t", Answer::Normal),
        await_what(expected(pattern("Other!"))),
        await_what(expected(pattern("Boot!"))),
    ];
    let (outcomes, ..) = procedure(then_notify("s"), steps).await;
    let waited = StepOutcome::TimedOut { waited_ms: 10_000 };
    assert_eq!(outcomes[1..3], [waited.clone(), waited]);
    assert!(is_answered(&outcomes[3]));
}

#[rstest]
#[case::it_comes(then_notify("s"), false)]
#[case::another_comes(then_notify("t"), true)]
#[case::none_comes(good_rule(), true)]
#[tokio::test(start_paused = true)]
async fn what_must_not_come_is_seen_from_the_trigger_on(#[case] rule: Rule, #[case] silent: bool) {
    let (outcomes, ..) = procedure(rule, vec![get("Device.Trigger."), absent(notify_of("s"))]).await;
    assert_eq!(outcomes[1] == DONE, silent, "{outcomes:?}");
    assert_eq!(is_answered(&outcomes[1]), !silent);
}

#[rstest]
#[case::reading(get("Device.Fine."), true)]
#[case::acting(add(), false)]
#[tokio::test(start_paused = true)]
async fn a_notification_outlasts_a_step_that_reads_and_none_that_acts(#[case] between: Step, #[case] lasts: bool) {
    let trigger = || get("Device.Trigger.");
    let pause = step(Action::Wait(Duration::from_secs(1).into()));
    let awaited = await_notify("s", Answer::Normal);
    let (outcomes, ..) = procedure(then_notify("s"), vec![trigger(), pause.clone(), between.clone(), awaited]).await;
    assert_eq!(is_answered(&outcomes[3]), lasts, "{outcomes:?}");
    let forbidden = absent(notify_of("s"));
    let (outcomes, ..) = procedure(then_notify("s"), vec![trigger(), pause, between, forbidden]).await;
    assert_eq!(is_answered(&outcomes[3]), lasts, "{outcomes:?}");
}

#[tokio::test(start_paused = true)]
async fn silence_of_an_eut_that_is_away_says_nothing() {
    let rule = on_trigger(|_| vec![Do::Answer, Do::Away(Duration::from_secs(60))]);
    let (outcomes, ..) = procedure(rule, vec![get("Device.Trigger."), absent(notify_of("s"))]).await;
    assert!(reason(&outcomes[1]).contains("not connected"));
}

#[rstest]
#[case::nothing(|_: &Asked| Vec::new(), false)]
#[case::an_answer(|_: &Asked| vec![Do::Answer], true)]
#[case::to_the_wrong_address(to_the_liar, true)]
#[tokio::test(start_paused = true)]
async fn an_answer_to_a_wrong_record_is_not_overlooked(#[case] act: fn(&Asked) -> Vec<Do>, #[case] came: bool) {
    let wrong = labelled("wrong", send(&[("from_id", json!("self::liar"))]));
    let (outcomes, trace, _) =
        procedure(on_trigger(act), vec![wrong, absent(Expected::ResponseTo("wrong".into()))]).await;
    assert_eq!(outcomes[0], DONE);
    assert_eq!(is_answered(&outcomes[1]), came, "{outcomes:?}");
    let sent = sent_by(&trace, Phase::Procedure, 0);
    assert_eq!(sent.pointer("/record/from_id"), Some(&json!("self::liar")));
}

fn to_the_liar(asked: &Asked) -> Vec<Do> {
    vec![Do::Record(addressed(EUT, "self::liar", Content::Response(MessageKind::Get), &asked.msg_id, &json!({})))]
}

#[tokio::test(start_paused = true)]
async fn an_answer_to_what_was_sent_can_be_awaited_and_captured_from() {
    let capture =
        Capture { name: "value".into(), path: "req_path_results.0.resolved_path_results.0.result_params.Some".into() };
    let wait = Step { capture: vec![capture], ..await_what(Expected::ResponseTo("sent".into())) };
    let steps = vec![
        labelled("sent", send(&[])),
        wait,
        get("Device.{{value}}."),
        await_what(Expected::ResponseTo("nobody".into())),
    ];
    let (outcomes, _, eut) = procedure(good_rule(), steps).await;
    assert!(is_answered(&outcomes[1]) && is_answered(&outcomes[2]), "{outcomes:?}");
    assert!(reason(&outcomes[3]).contains("`nobody`"));
    assert!(
        eut.seen
            .lock()
            .unwrap()
            .asked
            .iter()
            .any(|asked| asked.body.pointer("/param_paths/0") == Some(&json!("Device.value.")))
    );
}

#[tokio::test(start_paused = true)]
async fn connections_can_be_awaited_even_when_they_were_quicker() {
    let steps = vec![
        get("Device.Trigger."),
        step(Action::Wait(Duration::from_secs(5).into())),
        await_what(Expected::Disconnected),
        await_what(Expected::Connected),
        absent(Expected::Disconnected),
    ];
    let (outcomes, ..) = procedure(on_trigger(|_| vec![Do::Answer, Do::HangUp]), steps).await;
    assert!(is_answered(&outcomes[2]) && is_answered(&outcomes[3]), "{outcomes:?}");
    assert!(is_answered(&outcomes[4]), "the connection went away since the trigger");
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_stays_is_not_disconnected() {
    let (outcomes, ..) =
        procedure(good_rule(), vec![await_what(Expected::Disconnected), absent(Expected::Disconnected)]).await;
    assert!(
        matches!(outcomes[..], [StepOutcome::TimedOut { waited_ms: 20_000 }, StepOutcome::Done { matched: None }]),
        "{outcomes:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_setup_that_is_not_reached_spares_the_procedure_but_not_the_clean_up() {
    for (why, setup) in [
        ("Error", vec![get("Device.Trigger.")]),
        ("did not yield", vec![add_without_path()]),
        (
            "otherwise",
            vec![Step {
                matching: Some(Pattern::compile(&json!({"req_path_results": []})).unwrap()),
                ..get("Device.Fine.")
            }],
        ),
    ] {
        let rule = on_trigger(|asked| vec![Do::Reply(Content::Error, asked.msg_id.clone(), json!({"err_code": 7026}))]);
        let cleanup = vec![delete("{{sub}}"), get("Device.Clean.")];
        let case = TestCase { setup, cleanup, ..case("1.1", vec![get("Device.Fine.")]) };
        let ran = run(rule, &[case]).await;
        let trace = &ran.traces[0];
        let outcomes_of = |phase| outcomes(trace, phase);
        assert!(reason(&outcomes_of(Phase::Procedure)[0]).contains(why), "{:?}", outcomes_of(Phase::Procedure));
        assert_eq!(outcomes_of(Phase::CleanUp).len(), 1, "what lacks a value has nothing to clean up");
        assert_sound(trace);
    }
}

fn add_without_path() -> Step {
    let capture = Capture { name: "sub".into(), path: "created_obj_results.0.nothing".into() };
    Step { capture: vec![capture], ..add() }
}

#[tokio::test(start_paused = true)]
async fn what_a_case_leaves_behind_is_deleted_once_and_told_in_two_traces() {
    let ran = run(good_rule(), &[case("1.1", vec![add()]), case("1.2", vec![get("Device.Fine.")])]).await;
    let told = differences(&ran.traces[0]).unwrap();
    assert_eq!(told, ["Device.LocalAgent.Subscription.1. was left behind; the runner deleted it"]);
    assert!(!ran.eut.seen.lock().unwrap().instances.contains("Device.LocalAgent.Subscription.1."));
    assert!(notes(&ran.traces[1]).iter().any(|note| note.contains("1.1") && note.contains("Subscription.1.")));
    assert_eq!(differences(&ran.traces[1]), Some(Vec::new()));
}

#[tokio::test(start_paused = true)]
async fn a_leftover_that_cannot_be_deleted_stays_told_and_does_not_count_against_the_next_case() {
    let keep: Rule = Box::new(|asked| {
        let error = Do::Reply(Content::Error, asked.msg_id.clone(), json!({"err_code": 7006}));
        (asked.kind == MessageKind::Delete).then(|| vec![error])
    });
    let ran = run(keep, &[case("1.1", vec![add()]), case("1.2", vec![get("Device.Fine.")])]).await;
    let told = differences(&ran.traces[0]).unwrap();
    assert!(told[0].contains("still there") && told[0].contains("7006"), "{told:?}");
    assert_eq!(differences(&ran.traces[1]), Some(Vec::new()));
}

#[tokio::test(start_paused = true)]
async fn a_state_that_cannot_be_seen_is_not_called_clean() {
    let blind: Rule = Box::new(|asked| (asked.kind == MessageKind::GetInstances).then(Vec::new));
    let ran = run(blind, &[case("1.1", vec![get("Device.Fine.")])]).await;
    assert_eq!(differences(&ran.traces[0]), None);
    assert!(notes(&ran.traces[0]).iter().any(|note| note.contains("was not seen")));
    assert!(is_answered(&outcomes(&ran.traces[0], Phase::Procedure)[0]));
}

#[tokio::test(start_paused = true)]
async fn an_eut_that_takes_tables_only_is_compared_by_tables() {
    let tables: Rule = Box::new(|asked| {
        let whole = asked.body.pointer("/obj_paths/0") == Some(&json!("Device.LocalAgent."));
        let error = Do::Reply(Content::Error, asked.msg_id.clone(), json!({"err_code": 7026}));
        whole.then(|| vec![error])
    });
    let ran = run(tables, &[case("1.1", vec![add()])]).await;
    assert_eq!(differences(&ran.traces[0]).unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn bring_up_yields_what_cases_start_with() {
    let ran = run(good_rule(), &[case("1.1", vec![get("{{controller.path}}Enable")])]).await;
    let is = |name: &str| ran.bring_up.variables.get(name).map(String::as_str);
    assert_eq!(is("controller.path"), Some("Device.LocalAgent.Controller.1."));
    assert_eq!(is("controller.search"), Some("[Alias==\"cpe-1\"]"));
    assert_eq!(is("controller.unique_key"), Some("[EndpointID==\"self::controller\"&&Alias==\"cpe-1\"]"));
    assert_eq!((is("eut.endpoint_id"), is("controller.endpoint_id")), (Some(EUT), Some(US)));
    assert_eq!(ran.bring_up.usp_versions, ["1.0", "1.1", "1.2", "1.3"]);
    assert_eq!(ran.bring_up.software_version.as_deref(), Some("9.9"));
    assert!(ran.bring_up.supported_dm.is_some() && ran.bring_up.warnings.is_empty(), "{:?}", ran.bring_up.warnings);
    assert_eq!(sent_by(&ran.traces[0], Phase::Procedure, 0).pointer("/record/version"), Some(&json!("1.3")));
    assert!(ran.traces[0].header.variables.contains_key("unique"));
    assert_sound(&ran.bring_up.trace);
}

#[tokio::test(start_paused = true)]
async fn an_eut_that_is_not_named_is_learnt() {
    let config = SessionConfig { eut_endpoint_id: None, ..config() };
    let ran = run_with(config, no_control(), good_rule(), &[case("1.1", vec![get("Device.Fine.")])]).await;
    assert_eq!(ran.bring_up.eut_endpoint_id, EUT);
    assert_eq!(ran.traces[0].header.eut_endpoint_id, EUT);
}

#[tokio::test(start_paused = true)]
async fn what_bring_up_does_not_find_is_the_reason_of_the_cases_that_need_it() {
    let rule: Rule = Box::new(|asked| {
        let table = asked.body.pointer("/param_paths/0") == Some(&json!("Device.LocalAgent.Controller."));
        let empty =
            Do::Reply(Content::Response(MessageKind::Get), asked.msg_id.clone(), json!({"req_path_results": []}));
        table.then(|| vec![empty])
    });
    let ran = run(rule, &[case("1.1", vec![get("{{controller.path}}Enable")])]).await;
    assert_eq!(ran.bring_up.warnings.len(), 1);
    assert!(reason(&outcomes(&ran.traces[0], Phase::Procedure)[0]).contains("no row with our Endpoint ID"));
}

#[tokio::test(start_paused = true)]
async fn msg_ids_and_unique_tokens_never_repeat() {
    let cases = ["1.1", "1.2"].map(|id| case(id, vec![get("Device.Fine."), get("Device.Fine.")]));
    let ran = run(good_rule(), &cases).await;
    let asked = ran.eut.seen.lock().unwrap().asked.clone();
    let ids: std::collections::BTreeSet<_> = asked.iter().map(|asked| asked.msg_id.clone()).collect();
    assert_eq!(ids.len(), asked.len());
    assert_ne!(ran.traces[0].header.variables["unique"], ran.traces[1].header.variables["unique"]);
}

#[tokio::test(start_paused = true)]
async fn what_comes_between_the_cases_is_in_the_next_trace_and_serves_no_step_there() {
    let late = on_trigger(|_| vec![Do::Answer]);
    let network = uspec_mtp::network::MemoryNetwork::new();
    let mut session = open(&network).await;
    let eut = start(&network, EUT, late).await;
    let cancel = tokio_util::sync::CancellationToken::new();
    let bring_up = session.bring_up(&cancel).await.unwrap();
    play(&mut session, &bring_up, &[case("1.1", vec![get("Device.Fine.")])], &cancel).await;
    eut.handle.send_record(notify(EUT, "s", true)).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (_, traces) =
        play(&mut session, &bring_up, &[case("1.2", vec![await_notify("s", Answer::Normal)])], &cancel).await;
    assert!(matches!(outcomes(&traces[0], Phase::Procedure)[0], StepOutcome::TimedOut { .. }));
    assert!(
        matches!(&traces[0].events[0].what, What::Octets { direction: Direction::Received, .. }),
        "{:?}",
        traces[0].events[0]
    );
    assert_eq!(eut.seen.lock().unwrap().notify_responses, ["s"], "it is answered all the same");
    assert_sound(&traces[0]);
}

#[tokio::test(start_paused = true)]
async fn what_comes_after_the_last_case_is_a_warning() {
    let network = uspec_mtp::network::MemoryNetwork::new();
    let mut session = open(&network).await;
    let eut = start(&network, EUT, good_rule()).await;
    session.bring_up(&tokio_util::sync::CancellationToken::new()).await.unwrap();
    eut.handle.close(1001, "bye").await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let warnings = session.close().await;
    assert!(warnings.iter().any(|warning| warning.contains("closed")), "{warnings:?}");
}

#[tokio::test(start_paused = true)]
async fn the_pause_before_each_request_is_kept() {
    let timing = Timing { pace: Duration::from_millis(700), ..timing() };
    let config = SessionConfig { timing, ..config() };
    let steps = vec![get("Device.Fine."), get("Device.Fine.")];
    let ran = run_with(config, no_control(), good_rule(), &[case("1.1", steps)]).await;
    let sent = ran.traces[0].events.iter().filter_map(|event| match &event.what {
        What::Record { direction: Direction::Sent, step: Some(step), .. } if step.phase == Phase::Procedure => {
            Some(event.at_us)
        }
        _ => None,
    });
    let sent: Vec<u64> = sent.collect();
    assert!(sent[1] - sent[0] >= 700_000, "{sent:?}");
}

fn sent_by(trace: &Trace, phase: Phase, index: usize) -> Value {
    let sent = trace.events.iter().find_map(|event| match &event.what {
        What::Record { direction: Direction::Sent, step: Some(step), decoded, .. }
            if step.phase == phase && step.index == index =>
        {
            Some(decoded.clone())
        }
        _ => None,
    });
    sent.unwrap()
}
