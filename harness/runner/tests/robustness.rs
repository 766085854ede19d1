//! Whatever the EUT does, each case ends within its bound with the right outcome of each step, and the next one runs.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by them")]

mod scripted;

use bytes::Bytes;
use rstest::rstest;
use scripted::*;
use serde_json::json;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uspec_mtp::{
    event::Opcode,
    network::{MemoryNetwork, Network},
};
use uspec_runner::BringUpReason;
use uspec_testplan::{
    case::TestCase,
    run_report::EndedBy,
    trace::{ConnectionState, Direction, Phase, StepOutcome, Trace, What},
};
use uspec_usp::schema::{Content, MessageKind};

/// What becomes of the Get that the EUT misbehaves at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ends {
    Answered,
    InVain,
}

fn two_cases() -> [TestCase; 2] {
    [case("1.1", vec![get("Device.Trigger.")]), case("1.2", vec![get("Device.Fine.")])]
}

fn wrong_msg_id(_: &Asked) -> Vec<Do> {
    vec![Do::Reply(Content::Response(MessageKind::Get), "somebody-else's".into(), json!({}))]
}

fn for_someone_else(asked: &Asked) -> Vec<Do> {
    vec![Do::Record(addressed(EUT, "self::other", Content::Response(MessageKind::Get), &asked.msg_id, &json!({})))]
}

fn from_someone_else(asked: &Asked) -> Vec<Do> {
    vec![Do::Record(addressed("self::other", US, Content::Response(MessageKind::Get), &asked.msg_id, &json!({})))]
}

fn a_request_with_the_same_msg_id(asked: &Asked) -> Vec<Do> {
    vec![Do::Reply(Content::Request(MessageKind::Get), asked.msg_id.clone(), json!({"param_paths": ["Device."]}))]
}

fn an_error(asked: &Asked) -> Vec<Do> {
    vec![Do::Reply(Content::Error, asked.msg_id.clone(), json!({"err_code": 7000}))]
}

fn garbage_octets(_: &Asked) -> Vec<Do> {
    vec![Do::Octets(vec![0xff; 64])]
}

fn never_ending_fragments(_: &Asked) -> Vec<Do> {
    let mut acts = vec![frame(Opcode::Binary, &[0; 16], false)];
    acts.extend((0..5_000).map(|_| frame(Opcode::Continuation, &[0; 16], false)));
    acts
}

fn a_huge_announced_frame(_: &Asked) -> Vec<Do> {
    // FIN and binary, masked, 64 MiB in the 64-bit length, a mask, and only then a few octets.
    let mut octets = vec![0x82, 0xff];
    octets.extend((64_u64 * 1024 * 1024).to_be_bytes());
    octets.extend([0; 4 + 100]);
    vec![Do::Octets(octets)]
}

fn flood(asked: &Asked) -> Vec<Do> {
    let junk = reply(
        EUT,
        Content::Response(MessageKind::Get),
        "flood",
        &json!({"req_path_results": [{"requested_path": "x".repeat(20_000)}]}),
    );
    let mut acts: Vec<_> = (0..500).map(|_| Do::Record(junk.clone())).collect();
    acts.push(Do::Reply(Content::Response(MessageKind::Get), asked.msg_id.clone(), json!({})));
    acts
}

fn flood_of_notifies(_: &Asked) -> Vec<Do> {
    notifies(5_000, false)
}

/// Not so many that this EUT, which reads nothing meanwhile, chokes on our answers.
fn notifies_to_be_answered(_: &Asked) -> Vec<Do> {
    notifies(500, true)
}

fn notifies(count: usize, send_resp: bool) -> Vec<Do> {
    let mut acts: Vec<_> = (0..count).map(|_| Do::Notify { subscription: "flood", send_resp }).collect();
    acts.push(Do::Answer);
    acts
}

#[rstest]
#[case::nothing_at_all(|_: &Asked| Vec::new(), Ends::InVain)]
#[case::too_late(|_: &Asked| vec![Do::Sleep(Duration::from_secs(11)), Do::Answer], Ends::InVain)]
#[case::just_in_time(|_: &Asked| vec![Do::Sleep(Duration::from_secs(9)), Do::Answer], Ends::Answered)]
#[case::twice(|_: &Asked| vec![Do::Answer, Do::Answer], Ends::Answered)]
#[case::wrong_msg_id(wrong_msg_id, Ends::InVain)]
#[case::for_someone_else(for_someone_else, Ends::InVain)]
#[case::from_someone_else(from_someone_else, Ends::InVain)]
#[case::a_request_with_the_same_msg_id(a_request_with_the_same_msg_id, Ends::InVain)]
#[case::an_error(an_error, Ends::Answered)]
#[case::empty_record(|_: &Asked| vec![Do::Record(Vec::new())], Ends::InVain)]
#[case::garbage_record(|_: &Asked| vec![Do::Record(vec![0xff; 300])], Ends::InVain)]
#[case::garbage_then_answer(|_: &Asked| vec![Do::Record(vec![0xff; 300]), Do::Answer], Ends::Answered)]
#[case::text(|_: &Asked| vec![frame(Opcode::Text, b"hello", true)], Ends::InVain)]
#[case::garbage_octets(garbage_octets, Ends::InVain)]
#[case::closes(|_: &Asked| vec![Do::Close(1000)], Ends::InVain)]
#[case::hangs_up(|_: &Asked| vec![Do::HangUp], Ends::InVain)]
#[case::away_for_long(|_: &Asked| vec![Do::Away(Duration::from_secs(15))], Ends::InVain)]
#[case::answers_and_closes(|_: &Asked| vec![Do::Answer, Do::Close(1000)], Ends::Answered)]
#[case::answers_on_its_next_connection(answers_on_its_next_connection, Ends::Answered)]
#[case::huge_announced_frame(a_huge_announced_frame, Ends::InVain)]
#[case::never_ending_fragments(never_ending_fragments, Ends::InVain)]
#[case::flood(flood, Ends::Answered)]
#[case::flood_of_notifies(flood_of_notifies, Ends::Answered)]
#[case::notifies_to_be_answered(notifies_to_be_answered, Ends::Answered)]
#[tokio::test(start_paused = true)]
async fn the_case_ends_and_the_next_one_runs(#[case] act: fn(&Asked) -> Vec<Do>, #[case] ends: Ends) {
    let begun = Instant::now();
    let ran = run(on_trigger(act), &two_cases()).await;
    assert!(begun.elapsed() < Duration::from_secs(90), "took {:?}", begun.elapsed());
    ran.traces.iter().for_each(assert_sound);
    let [bad, good] = &ran.traces[..] else { panic!("{:?}", ran.end) };
    match (&outcomes(bad, Phase::Procedure)[..], ends) {
        ([StepOutcome::Done { matched: Some(_) }], Ends::Answered) | ([StepOutcome::TimedOut { .. }], Ends::InVain) => {
        }
        (other, _) => panic!("{other:?}"),
    }
    assert!(
        matches!(outcomes(good, Phase::Procedure)[..], [StepOutcome::Done { matched: Some(_) }]),
        "{:?}",
        notes(good)
    );
    assert_eq!(differences(good), Some(Vec::new()), "{:?}", notes(good));
    assert_eq!(ran.end.interrupted, None);
}

fn answers_on_its_next_connection(asked: &Asked) -> Vec<Do> {
    let answer = Do::Reply(Content::Response(MessageKind::Get), asked.msg_id.clone(), json!({}));
    vec![Do::HangUp, Do::Sleep(Duration::from_secs(4)), answer]
}

#[tokio::test(start_paused = true)]
async fn the_first_of_two_answers_counts_and_both_are_in_the_trace() {
    let ran = run(on_trigger(|_| vec![Do::Answer, Do::Answer]), &two_cases()).await;
    let came: Vec<_> = records(&ran.traces[0], Direction::Received);
    let [StepOutcome::Done { matched: Some(matched) }] = outcomes(&ran.traces[0], Phase::Procedure)[..] else {
        panic!()
    };
    let copies: Vec<_> =
        came.iter().filter(|(_, bytes)| *bytes == came.iter().find(|(seq, _)| *seq == matched).unwrap().1).collect();
    assert_eq!(copies.len(), 2);
    assert_eq!(copies[0].0, matched);
}

#[tokio::test(start_paused = true)]
async fn a_flood_fills_neither_trace_nor_memory_and_hides_no_answer() {
    let ran = run(on_trigger(flood), &two_cases()).await;
    let trace = &ran.traces[0];
    let octets: usize = records(trace, Direction::Received).iter().map(|(_, bytes)| bytes.len()).sum();
    assert!(octets < 9 * 1024 * 1024, "{octets}");
    let [StepOutcome::Done { matched: Some(matched) }] = outcomes(trace, Phase::Procedure)[..] else { panic!() };
    assert!(matches!(&trace.events[usize::try_from(matched).unwrap()].what, What::Record { .. }));
    assert!(notes(trace).iter().any(|note| note.contains("left out")), "{:?}", notes(trace));
}

#[tokio::test(start_paused = true)]
async fn a_connection_lost_while_an_answer_is_due_ends_the_wait_soon_after_the_eut_is_back() {
    let cases = [case("1.1", vec![with_limit(get("Device.Trigger."), 600)])];
    let ran = run(on_trigger(|_| vec![Do::HangUp]), &cases).await;
    let [StepOutcome::TimedOut { waited_ms }] = outcomes(&ran.traces[0], Phase::Procedure)[..] else { panic!() };
    assert!((1_000..20_000).contains(&waited_ms), "{waited_ms}");
    assert!(
        notes(&ran.traces[0]).iter().any(|note| note.contains("came back on another")),
        "{:?}",
        notes(&ran.traces[0])
    );
}

#[tokio::test(start_paused = true)]
async fn a_request_waits_for_the_connection_to_come_back() {
    let procedure = vec![get("Device.Trigger."), get("Device.Fine.")];
    let ran = run(on_trigger(|_| vec![Do::Away(Duration::from_secs(15))]), &[case("1.1", procedure)]).await;
    let outcomes = outcomes(&ran.traces[0], Phase::Procedure);
    assert!(matches!(outcomes[..], [StepOutcome::TimedOut { .. }, StepOutcome::Done { .. }]), "{outcomes:?}");
}

#[tokio::test(start_paused = true)]
async fn an_eut_that_stays_away_ends_the_run_and_every_case_is_accounted_for() {
    let cases: Vec<_> = ["1.1", "1.2", "1.3", "1.4", "1.5", "1.6"]
        .map(|id| case(id, vec![get("Device.Trigger."), get("Device.Fine.")]))
        .into();
    let begun = Instant::now();
    let ran = run(on_trigger(|_| vec![Do::Away(Duration::from_secs(100_000))]), &cases).await;
    assert!(begun.elapsed() < Duration::from_secs(300), "took {:?}", begun.elapsed());
    let why = ran.end.interrupted.as_ref().unwrap();
    assert_eq!(why.by, EndedBy::Eut);
    assert!(why.reason.contains("did not come back after case 1.1") && why.reason.contains("GET"), "{}", why.reason);
    assert_eq!((ran.traces.len(), ran.end.not_reached.len()), (1, 5), "every case is accounted for");
    let outcomes = outcomes(&ran.traces[0], Phase::Procedure);
    let [StepOutcome::TimedOut { .. }, StepOutcome::NotReached { reason }] = &outcomes[..] else {
        panic!("{outcomes:?}")
    };
    assert!(reason.contains("not connected"), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn an_announced_monster_is_told_and_never_read() {
    let ran = run(on_trigger(a_huge_announced_frame), &two_cases()).await;
    let oversized = ran.traces[0]
        .events
        .iter()
        .any(|event| matches!(&event.what, What::Connection { state: ConnectionState::Oversized, .. }));
    assert!(oversized);
}

#[tokio::test(start_paused = true)]
async fn an_eut_that_never_connects_ends_the_bring_up() {
    let network = MemoryNetwork::new();
    let mut session = open(&network).await;
    let failure = session.bring_up(&CancellationToken::new()).await.unwrap_err();
    assert!(matches!(failure.reason, BringUpReason::NeverConnected { .. }), "{failure}");
    assert_sound(&failure.trace);
}

#[tokio::test(start_paused = true)]
async fn another_endpoint_is_named() {
    let network = MemoryNetwork::new();
    let mut session = open(&network).await;
    let _eut = start(&network, "os::somebody-else", good_rule()).await;
    let begun = Instant::now();
    let failure = session.bring_up(&CancellationToken::new()).await.unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    let text = failure.to_string();
    assert!(text.contains(EUT) && text.contains("os::somebody-else"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn somebody_else_beside_the_eut_does_no_harm() {
    let network = MemoryNetwork::new();
    let mut session = open(&network).await;
    let _other = start(&network, "os::somebody-else", good_rule()).await;
    let _eut = start(&network, EUT, good_rule()).await;
    let bring_up = session.bring_up(&CancellationToken::new()).await.unwrap();
    let (_, traces) = play(&mut session, &bring_up, &two_cases(), &CancellationToken::new()).await;
    assert!(matches!(outcomes(&traces[1], Phase::Procedure)[..], [StepOutcome::Done { .. }]));
}

#[tokio::test(start_paused = true)]
async fn where_we_connect_we_connect_again() {
    let network = MemoryNetwork::new();
    let _eut = start_listening(&network, on_trigger(|_| vec![Do::HangUp])).await;
    let mut session = open_with(&network, connecting(), no_control()).await;
    let bring_up = session.bring_up(&CancellationToken::new()).await.unwrap();
    let (_, traces) = play(&mut session, &bring_up, &two_cases(), &CancellationToken::new()).await;
    traces.iter().for_each(assert_sound);
    assert!(matches!(outcomes(&traces[0], Phase::Procedure)[..], [StepOutcome::TimedOut { .. }]));
    assert!(matches!(outcomes(&traces[1], Phase::Procedure)[..], [StepOutcome::Done { .. }]));
}

#[tokio::test(start_paused = true)]
async fn where_nobody_listens_the_reason_says_so() {
    let network = MemoryNetwork::new();
    let mut session = open_with(&network, connecting(), no_control()).await;
    let failure = session.bring_up(&CancellationToken::new()).await.unwrap_err().to_string();
    assert!(failure.contains("controller:8080") && failure.contains("refused"), "{failure}");
}

#[tokio::test(start_paused = true)]
async fn an_eut_that_answers_nothing_ends_the_bring_up() {
    let network = MemoryNetwork::new();
    let mut session = open(&network).await;
    let _eut = start(&network, EUT, Box::new(|_| Some(Vec::new()))).await;
    let failure = session.bring_up(&CancellationToken::new()).await.unwrap_err();
    assert!(matches!(failure.reason, BringUpReason::Silent(_)), "{failure}");
}

#[tokio::test(start_paused = true)]
async fn what_is_no_web_socket_is_no_eut() {
    let network = MemoryNetwork::new();
    let mut session = open(&network).await;
    let noise = network.clone();
    tokio::spawn(async move {
        for _ in 0..50 {
            let mut stream = noise.connect(&address()).await.unwrap();
            let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, b"\x16\x03\x01 not HTTP at all \r\n\r\n").await;
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    });
    let failure = session.bring_up(&CancellationToken::new()).await.unwrap_err();
    let BringUpReason::NeverConnected { seen, .. } = &failure.reason else { panic!("{failure}") };
    assert!(seen.is_some(), "the reason tells what came instead");
}

fn with_limit(step: uspec_testplan::case::Step, seconds: u64) -> uspec_testplan::case::Step {
    uspec_testplan::case::Step { within: Some(Duration::from_secs(seconds).into()), ..step }
}

fn records(trace: &Trace, wanted: Direction) -> Vec<(u64, Bytes)> {
    let records = trace.events.iter().filter_map(|event| match &event.what {
        What::Record { direction, bytes, .. } if *direction == wanted => Some((event.seq, Bytes::from(bytes.clone()))),
        _ => None,
    });
    records.collect()
}
