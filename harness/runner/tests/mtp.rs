//! What a case does with our side of the MTP, and what it sees of the EUT's.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by them")]

mod scripted;

use rstest::rstest;
use scripted::*;
use serde_json::json;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uspec_mtp::network::MemoryNetwork;
use uspec_testplan::{
    case::{
        Action, Answer, Capture, Ending, Expected, FrameKind, FramePayload, Lapse, MtpAction, MtpCondition, MtpEvent,
        RecordEvent, Step, Subprotocol,
    },
    pattern::Pattern,
    profile::Role,
    trace::{ConnectionState, Direction, Phase, StepOutcome, Trace, What},
};
use uspec_usp::decode::RecordKind;

fn mtp(action: MtpAction) -> Step {
    step(Action::Mtp(action))
}

fn awaits(event: MtpEvent) -> Step {
    step(Action::Await { what: Expected::Mtp(event), answer: Answer::Normal })
}

fn absent(event: MtpEvent, seconds: u64) -> Step {
    let lasting = Some(Duration::from_secs(seconds).into());
    step(Action::Absent { what: Expected::Mtp(event), lasting })
}

fn frame_event(kind: FrameKind, pattern: &serde_json::Value) -> MtpEvent {
    MtpEvent::Frame { kind, matching: Some(Pattern::compile(pattern).unwrap()) }
}

fn refuse() -> Step {
    mtp(MtpAction::Refuse(uspec_testplan::case::Refusal::HttpStatus(503)))
}

fn capturing(step: Step, name: &str, path: &str) -> Step {
    Step { capture: vec![Capture { name: name.into(), path: path.into() }], ..step }
}

fn captured(trace: &Trace) -> Vec<(&str, &str)> {
    let all = trace.events.iter().filter_map(|event| match &event.what {
        What::Captured { name, value } => Some((name.as_str(), value.as_str())),
        _ => None,
    });
    all.collect()
}

async fn play_one(procedure: Vec<Step>) -> Vec<Trace> {
    let ran = run(good_rule(), &[case("7.8", procedure), case("7.9", vec![get("Device.Fine.")])]).await;
    ran.traces.iter().for_each(assert_sound);
    ran.traces
}

fn matched(outcome: &StepOutcome) -> Option<u64> {
    match outcome {
        StepOutcome::Done { matched } => *matched,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_eut_tries_again_and_each_attempt_is_another_event() {
    let procedure = vec![
        refuse(),
        mtp(MtpAction::Drop(Ending::Reset)),
        awaits(MtpEvent::Disconnected),
        awaits(MtpEvent::ConnectionAttempt),
        capturing(awaits(MtpEvent::ConnectionAttempt), "tls", "tls"),
        absent(MtpEvent::Connected, 3),
        mtp(MtpAction::Accept),
        capturing(awaits(MtpEvent::Connected), "eid", "eid"),
        get("Device.Fine."),
    ];
    let traces = play_one(procedure).await;
    let outcomes = outcomes(&traces[0], Phase::Procedure);
    let places: Vec<_> = outcomes.iter().map(matched).collect();
    let [None, None, Some(gone), Some(first), Some(second), None, None, Some(back), Some(_)] = places[..] else {
        panic!("{outcomes:?}")
    };
    assert!(gone < first && first < second && second < back);
    let at = |seq: u64| traces[0].events[usize::try_from(seq).unwrap()].at_us;
    assert!(at(second) - at(first) >= 1_000_000, "the EUT waits a second between attempts");
    assert_eq!(captured(&traces[0]), [("tls", "false"), ("eid", EUT)]);
}

#[tokio::test(start_paused = true)]
async fn what_a_case_has_changed_is_set_back_after_it() {
    let procedure = vec![refuse(), mtp(MtpAction::Drop(Ending::Close)), awaits(MtpEvent::ConnectionAttempt)];
    let traces = play_one(procedure).await;
    assert_eq!(traces.len(), 2);
    assert!(matches!(outcomes(&traces[1], Phase::Procedure)[..], [StepOutcome::Done { .. }]));
    assert_eq!(differences(&traces[0]), Some(Vec::new()), "the EUT came back, and was looked at");
}

#[rstest]
#[case::ping(MtpAction::Ping("a{{unique}}".into()), frame_event(FrameKind::Pong, &json!({"payload": "a{{unique}}", "fin": true})))]
#[case::text(
    MtpAction::Frame { opcode: FrameKind::Ping, fin: true, payload: FramePayload::Octets(vec![1, 2]) },
    frame_event(FrameKind::Pong, &json!({"payload_hex": "0102"}))
)]
#[case::octets(MtpAction::Octets(vec![0x89, 0x00]), frame_event(FrameKind::Pong, &json!({"payload": ""})))]
#[case::close(MtpAction::Close { code: 1000 }, frame_event(FrameKind::Close, &json!({"code": 1000})))]
#[tokio::test(start_paused = true)]
async fn a_frame_is_answered_by_a_frame(#[case] action: MtpAction, #[case] answer: MtpEvent) {
    let traces = play_one(vec![mtp(action), awaits(answer)]).await;
    let outcomes = outcomes(&traces[0], Phase::Procedure);
    assert!(matches!(outcomes[..], [StepOutcome::Done { .. }, StepOutcome::Done { matched: Some(_) }]), "{outcomes:?}");
}

#[tokio::test(start_paused = true)]
async fn a_frame_from_before_the_last_acting_step_is_no_answer_to_it() {
    let pong = || frame_event(FrameKind::Pong, &json!({}));
    let procedure = vec![
        mtp(MtpAction::Ping("a".into())),
        step(Action::Wait(Duration::from_secs(1).into())),
        get("x"),
        absent(pong(), 2),
    ];
    let traces = play_one(procedure).await;
    assert_eq!(matched(&outcomes(&traces[0], Phase::Procedure)[3]), None);
}

#[tokio::test(start_paused = true)]
async fn closing_shows_who_ended_it_and_how() {
    let procedure = vec![
        mtp(MtpAction::Close { code: 1001 }),
        capturing(awaits(MtpEvent::Disconnected), "by", "by"),
        capturing(step(Action::Await { what: Expected::Disconnected, answer: Answer::Normal }), "code", "code"),
    ];
    let traces = play_one(procedure).await;
    assert_eq!(captured(&traces[0]), [("by", "us"), ("code", "1001")]);
}

#[tokio::test(start_paused = true)]
async fn the_connect_record_is_an_event_too() {
    let pattern = Pattern::compile(&json!({"to_id": "{{controller.endpoint_id}}"})).unwrap();
    let what = Expected::Record(RecordEvent { kind: RecordKind::WebsocketConnect, matching: Some(pattern) });
    let procedure = vec![
        mtp(MtpAction::Drop(Ending::Close)),
        capturing(step(Action::Await { what, answer: Answer::Normal }), "from", "from_id"),
    ];
    assert_eq!(captured(&play_one(procedure).await[0]), [("from", EUT)]);
}

#[tokio::test(start_paused = true)]
async fn fragments_are_put_together_by_the_eut() {
    let procedure =
        vec![mtp(MtpAction::Fragment(Some(20))), get("Device.Fine."), mtp(MtpAction::Fragment(None)), get("x")];
    let traces = play_one(procedure).await;
    assert!(outcomes(&traces[0], Phase::Procedure).iter().all(|it| matches!(it, StepOutcome::Done { .. })));
    let continued = |trace: &Trace| {
        trace.events.iter().any(|event| {
            matches!(&event.what, What::Frame { kind, direction: Direction::Sent, .. } if kind == "continuation")
        })
    };
    assert!(continued(&traces[0]) && !continued(&traces[1]));
}

#[tokio::test(start_paused = true)]
async fn a_delay_holds_back_what_we_send_and_no_longer_than_the_case() {
    let procedure = vec![mtp(MtpAction::Delay(Duration::from_secs(15).into())), get("Device.Fine.")];
    let begun = Instant::now();
    let traces = play_one(procedure).await;
    assert!(matches!(outcomes(&traces[0], Phase::Procedure)[..], [_, StepOutcome::Done { matched: Some(_) }]));
    assert!(begun.elapsed() >= Duration::from_secs(15));
    let last = |trace: &Trace| trace.events.last().unwrap().at_us;
    assert!(last(&traces[1]) < 2_000_000, "the next case is not delayed");
}

#[tokio::test(start_paused = true)]
async fn a_handshake_without_subprotocol_is_not_gone_on_with() {
    let procedure = vec![
        mtp(MtpAction::Handshake { subprotocol: Some(Subprotocol::Omit), extension: None }),
        mtp(MtpAction::Drop(Ending::Close)),
        awaits(MtpEvent::ConnectionAttempt),
        mtp(MtpAction::Normal),
        awaits(MtpEvent::Connected),
    ];
    let traces = play_one(procedure).await;
    assert!(outcomes(&traces[0], Phase::Procedure).iter().all(|it| matches!(it, StepOutcome::Done { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_second_connection_is_ours_to_open_where_we_connect() {
    let network = MemoryNetwork::new();
    let _eut = start_listening(&network, good_rule()).await;
    let mut session = open_with(&network, connecting(), no_control()).await;
    let bring_up = session.bring_up(&CancellationToken::new()).await.unwrap();
    let procedure = vec![mtp(MtpAction::SecondConnection), awaits(MtpEvent::Connected), get("Device.Fine.")];
    let cases = [case("7.12", procedure), case("7.1", vec![get("Device.Fine.")])];
    let (_, traces) = play(&mut session, &bring_up, &cases, &CancellationToken::new()).await;
    traces.iter().for_each(assert_sound);
    let outcomes = outcomes(&traces[0], Phase::Procedure);
    assert!(outcomes.iter().all(|it| matches!(it, StepOutcome::Done { .. })), "{outcomes:?}");
    let sent_on = |trace: &Trace| {
        trace.events.iter().rev().find_map(|event| match &event.what {
            What::Record { connection, step: Some(step), .. } if step.phase == Phase::Procedure => Some(*connection),
            _ => None,
        })
    };
    assert_eq!(sent_on(&traces[0]), Some(2));
    assert_ne!(sent_on(&traces[1]), Some(2), "the second one ends with its case");
}

#[tokio::test(start_paused = true)]
async fn while_a_second_connection_is_there_the_first_is_not_opened_again() {
    let network = MemoryNetwork::new();
    // It keeps to one session for each Controller and closes the older one.
    let _eut = start_listening(&network, good_rule()).await;
    let mut session = open_with(&network, connecting(), no_control()).await;
    let bring_up = session.bring_up(&CancellationToken::new()).await.unwrap();
    let procedure = vec![
        mtp(MtpAction::SecondConnection),
        awaits(MtpEvent::Disconnected),
        step(Action::Wait(Duration::from_secs(30).into())),
        get("Device.Fine."),
    ];
    let cases = [case("7.2", procedure), case("7.1", vec![get("Device.Fine.")])];
    let (_, traces) = play(&mut session, &bring_up, &cases, &CancellationToken::new()).await;
    let outcomes = outcomes(&traces[0], Phase::Procedure);
    assert!(outcomes.iter().all(|it| matches!(it, StepOutcome::Done { .. })), "{outcomes:?}");
    let changes = |trace: &Trace| -> Vec<(u32, ConnectionState)> {
        let all = trace.events.iter().filter_map(|event| match &event.what {
            What::Connection {
                connection,
                state: state @ (ConnectionState::Open | ConnectionState::Closed),
                details,
            } if details.get("stream_ended").is_none() => Some((*connection, *state)),
            _ => None,
        });
        all.collect()
    };
    let (open, closed) = (ConnectionState::Open, ConnectionState::Closed);
    assert_eq!(changes(&traces[0]), [(2, open), (1, closed), (2, closed), (3, open)], "one session remains");
    assert_eq!(changes(&traces[1]), []);
}

/// An EUT that wants many answers right before our end closes.
#[tokio::test(start_paused = true)]
async fn answers_that_are_on_their_way_go_out_before_our_close() {
    let notify = Do::Notify { subscription: "s", send_resp: true };
    let rule = on_trigger(move |_| [vec![Do::Answer], vec![notify.clone(); 20]].concat());
    let what = Expected::Notify { subscription_id: Some("s".into()), matching: None };
    let awaited = step(Action::Await { what, answer: Answer::Normal });
    let steps =
        vec![get("Device.Trigger."), awaited, mtp(MtpAction::Close { code: 1000 }), awaits(MtpEvent::Disconnected)];
    let ran = run(rule, &[case("7.4", steps)]).await;
    let outcomes = outcomes(&ran.traces[0], Phase::Procedure);
    assert!(outcomes.iter().all(|it| matches!(it, StepOutcome::Done { .. })), "{outcomes:?}");
    let taken = ran.eut.seen.lock().unwrap().notify_responses.len();
    let came = notifications(&ran.traces[0]);
    assert!(came > 0 && taken >= came, "{taken} of {came} are answered");
    assert!(sent_behind_close(&ran.traces[0]).is_empty());
}

/// How many Notifications came before the step that closes.
fn notifications(trace: &Trace) -> usize {
    let closes = |what: &What| matches!(what, What::StepStarted { step, .. } if step.phase == Phase::Procedure && step.index == 2);
    let before = trace.events.iter().take_while(|event| !closes(&event.what));
    let notifies = before.filter(|event| match &event.what {
        What::Record { direction: Direction::Received, decoded, .. } => decoded.to_string().contains("\"notify\""),
        _ => false,
    });
    notifies.count()
}

fn is_close(what: &What) -> bool {
    matches!(what, What::Frame { direction: Direction::Sent, kind, .. } if kind == "close")
}

/// The data frames that follow our Close on the first connection.
fn sent_behind_close(trace: &Trace) -> Vec<u64> {
    let behind = trace.events.iter().skip_while(|event| !is_close(&event.what)).filter(|event| {
        matches!(&event.what, What::Frame { connection: 1, direction: Direction::Sent, kind, .. } if kind != "close")
    });
    behind.map(|event| event.seq).collect()
}

#[tokio::test(start_paused = true)]
async fn a_time_may_be_the_eut_s_own_value() {
    let wait = |template: &str| step(Action::Wait(Lapse::Template(template.into())));
    let value = capturing(get("x"), "two", "req_path_results.0.resolved_path_results.0.result_params.Two");
    let begun = Instant::now();
    let traces = play_one(vec![value, wait("{{two}}0s"), wait("{{nothing}}s"), wait("{{two}}")]).await;
    let outcomes = outcomes(&traces[0], Phase::Procedure);
    assert!(
        matches!(
            outcomes[..],
            [
                StepOutcome::Done { .. },
                StepOutcome::Done { .. },
                StepOutcome::NotReached { .. },
                StepOutcome::NotReached { .. }
            ]
        ),
        "{outcomes:?}"
    );
    assert!(begun.elapsed() >= Duration::from_secs(20));
}

#[tokio::test(start_paused = true)]
async fn a_step_for_another_mtp_leaves_no_event() {
    let only = |role| MtpCondition { role: Some(role), ..MtpCondition::default() };
    let here = Step { when: Some(only(Role::EutConnects)), ..get("Device.Here.") };
    let elsewhere = Step { when: Some(only(Role::WeConnect)), ..get("Device.Elsewhere.") };
    let traces = play_one(vec![elsewhere, here]).await;
    let text = traces[0].to_json_lines().unwrap();
    assert!(text.contains("Device.Here.") && !text.contains("Device.Elsewhere."));
    assert_eq!(outcomes(&traces[0], Phase::Procedure).len(), 1);
    assert_eq!(traces[0].header.mtp_facts.as_ref().unwrap().role, Some(Role::EutConnects));
}
