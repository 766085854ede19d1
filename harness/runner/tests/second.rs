//! The second Controller: on the first one's connection and on its own, where the EUT connects and where we do.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by them")]

mod scripted;

use rstest::rstest;
use scripted::*;
use serde_json::json;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use uspec_mtp::network::{Address, MemoryNetwork, Network};
use uspec_testplan::{
    case::{Action, Answer, CertificateKind, ControllerAction, Expected, MtpEvent, Party, RecordEvent, Step, TestCase},
    trace::{ConnectionState, Direction, Phase, SECOND_CONTROLLER, StepOutcome, Trace, What},
};
use uspec_usp::{
    decode::RecordKind,
    schema::{Content, MessageKind},
};

const SECOND: &str = "self::uspec-second";

fn by_second(step: Step) -> Step {
    Step { by: Party::Second, ..step }
}

fn start_second() -> Step {
    step(Action::Controller(ControllerAction::StartSecond(CertificateKind::Trusted)))
}

fn stop_second() -> Step {
    step(Action::Controller(ControllerAction::StopSecond))
}

fn await_mtp(event: MtpEvent) -> Step {
    step(Action::Await { what: Expected::Mtp(event), answer: Answer::Normal })
}

fn await_notify(subscription: &str) -> Step {
    let what = Expected::Notify { subscription_id: Some(subscription.into()), matching: None };
    Step { within: Some(Duration::from_secs(3).into()), ..step(Action::Await { what, answer: Answer::Normal }) }
}

fn connections_of_records(trace: &Trace) -> Vec<u32> {
    let of_steps = trace.events.iter().filter_map(|event| match &event.what {
        What::Record { connection, step: Some(step), .. } if step.phase == Phase::Procedure => Some(*connection),
        _ => None,
    });
    of_steps.collect()
}

fn is_done(outcome: &StepOutcome) -> bool {
    matches!(outcome, StepOutcome::Done { .. })
}

#[tokio::test(start_paused = true)]
async fn without_a_connection_of_its_own_it_speaks_on_the_first_one_s() {
    let procedure = vec![by_second(get("Device.Fine.")), get("Device.Fine.")];
    let ran = run(good_rule(), &[case("2.9", procedure)]).await;
    assert_sound(&ran.traces[0]);
    assert!(outcomes(&ran.traces[0], Phase::Procedure).iter().all(is_done));
    assert_eq!(connections_of_records(&ran.traces[0]), [1, 1]);
    let seen = ran.eut.seen.lock().unwrap();
    let from: Vec<_> =
        seen.asked.iter().filter(|asked| asked.body.to_string().contains("Fine")).map(|asked| &asked.from).collect();
    assert_eq!(from, [SECOND, US]);
    assert_eq!(ran.traces[0].header.second_endpoint_id, SECOND);
}

#[tokio::test(start_paused = true)]
async fn an_answer_to_the_other_controller_is_none() {
    let rule = on_trigger(|asked| {
        let get = Content::Response(MessageKind::Get);
        vec![Do::Record(addressed(EUT, US, get, &asked.msg_id, &json!({})))]
    });
    let ran = run(rule, &[case("2.9", vec![by_second(get("Device.Trigger."))])]).await;
    assert!(matches!(outcomes(&ran.traces[0], Phase::Procedure)[..], [StepOutcome::TimedOut { .. }]));
}

#[tokio::test(start_paused = true)]
async fn each_is_notified_for_itself_and_answers_for_itself() {
    let rule = on_trigger(|_| {
        let body = json!({"subscription_id": "s", "send_resp": true,
            "event": {"obj_path": "Device.", "event_name": "Boot!"}});
        let notify = addressed(EUT, SECOND, Content::Request(MessageKind::Notify), "n", &body);
        vec![Do::Answer, Do::Record(notify)]
    });
    let procedure = vec![by_second(get("Device.Trigger.")), await_notify("s"), by_second(await_notify("s"))];
    let ran = run(rule, &[case("2.9", procedure)]).await;
    let outcomes = outcomes(&ran.traces[0], Phase::Procedure);
    assert!(
        matches!(outcomes[..], [StepOutcome::Done { .. }, StepOutcome::TimedOut { .. }, StepOutcome::Done { .. }]),
        "{outcomes:?}"
    );
    assert_eq!(ran.eut.seen.lock().unwrap().notify_response_from, [SECOND]);
}

#[tokio::test(start_paused = true)]
async fn one_that_does_not_play_answers_nothing() {
    let rule = on_trigger(|_| {
        let body = json!({"subscription_id": "s", "send_resp": true,
            "event": {"obj_path": "Device.", "event_name": "Boot!"}});
        vec![Do::Record(addressed(EUT, SECOND, Content::Request(MessageKind::Notify), "n", &body)), Do::Answer]
    });
    let ran = run(rule, &[case("2.9", vec![get("Device.Trigger.")])]).await;
    assert!(ran.eut.seen.lock().unwrap().notify_responses.is_empty());
}

/// An EUT that connects to both Controllers, the second of which listens where the variables say.
async fn two_connections(cases: &[TestCase]) -> (Vec<Trace>, MemoryNetwork, Address) {
    let network = MemoryNetwork::new();
    let mut session = open(&network).await;
    let _eut = start(&network, EUT, good_rule()).await;
    let bring_up = session.bring_up(&CancellationToken::new()).await.unwrap();
    let port = bring_up.variables["second.port"].parse().unwrap();
    let address = Address::tcp(&bring_up.variables["second.host"], port);
    let _other = start_at(&network, address.clone(), SECOND, EUT, good_rule()).await;
    let (_, traces) = play(&mut session, &bring_up, cases, &CancellationToken::new()).await;
    traces.iter().for_each(assert_sound);
    (traces, network, address)
}

#[tokio::test(start_paused = true)]
async fn where_the_eut_connects_it_listens_for_itself() {
    let announced = Expected::Record(RecordEvent { kind: RecordKind::WebsocketConnect, matching: None });
    let procedure = vec![
        start_second(),
        by_second(await_mtp(MtpEvent::Connected)),
        by_second(step(Action::Await { what: announced, answer: Answer::Normal })),
        by_second(get("Device.Fine.")),
        get("Device.Fine."),
        stop_second(),
        by_second(await_mtp(MtpEvent::Disconnected)),
        by_second(get("Device.Fine.")),
    ];
    let (traces, network, address) = two_connections(&[case("2.9", procedure)]).await;
    let outcomes = outcomes(&traces[0], Phase::Procedure);
    assert!(outcomes.iter().all(is_done), "{outcomes:?} {:?}", notes(&traces[0]));
    let connections = connections_of_records(&traces[0]);
    assert!(connections[0] >= SECOND_CONTROLLER, "{connections:?}");
    assert_eq!(connections[1..], [1, 1], "once it has stopped, it has none of its own any more");
    assert!(network.connect(&address).await.is_err(), "nobody listens there any more");
}

/// What comes behind a Close is not read any more.
#[rstest]
#[case::by_a_step(vec![stop_second()])]
#[case::after_the_case(vec![])]
#[tokio::test(start_paused = true)]
async fn its_answers_go_out_before_it_ends(#[case] end: Vec<Step>) {
    let network = MemoryNetwork::new();
    let mut session = open(&network).await;
    let _eut = start(&network, EUT, good_rule()).await;
    let bring_up = session.bring_up(&CancellationToken::new()).await.unwrap();
    let address = Address::tcp(&bring_up.variables["second.host"], bring_up.variables["second.port"].parse().unwrap());
    let body = json!({"subscription_id": "s", "send_resp": true,
        "event": {"obj_path": "Device.", "event_name": "Boot!"}});
    let notify = Do::Record(addressed(EUT, SECOND, Content::Request(MessageKind::Notify), "n", &body));
    let rule = on_trigger(move |_| {
        [vec![Do::Answer], vec![notify.clone(); 20], vec![Do::Sleep(Duration::from_secs(1))]].concat()
    });
    let other = start_at(&network, address, SECOND, EUT, rule).await;
    let begin = vec![start_second(), by_second(await_mtp(MtpEvent::Connected))];
    let asked = vec![by_second(get("Device.Trigger.")), by_second(await_notify("s"))];
    let cases = [case("9.9", [begin, asked, end].concat())];
    let (_, traces) = play(&mut session, &bring_up, &cases, &CancellationToken::new()).await;
    assert_sound(&traces[0]);
    tokio::time::sleep(Duration::from_secs(5)).await;
    let is_end =
        |what: &What| matches!(what, What::StepEnded { step, .. } if step.phase == Phase::Procedure && step.index == 3);
    let came = traces[0].events.iter().take_while(|event| !is_end(&event.what)).filter(|event| match &event.what {
        What::Record { connection, direction: Direction::Received, decoded, .. } => {
            *connection >= SECOND_CONTROLLER && decoded.to_string().contains("\"notify\"")
        }
        _ => false,
    });
    let came = came.count();
    let taken = other.seen.lock().unwrap().notify_responses.len();
    assert!(came > 0 && taken >= came, "{taken} of {came} are answered");
    let mut sent = traces[0].events.iter().filter_map(|event| match &event.what {
        What::Frame { connection, direction: Direction::Sent, kind, .. } if *connection >= SECOND_CONTROLLER => {
            Some(kind)
        }
        _ => None,
    });
    assert_eq!(sent.next_back().map(String::as_str), Some("close"), "nothing goes out behind it");
}

#[tokio::test(start_paused = true)]
async fn it_ends_with_its_case() {
    let procedure = vec![start_second(), by_second(await_mtp(MtpEvent::Connected))];
    let cases = [case("2.9", procedure), case("2.10", vec![by_second(get("Device.Fine."))])];
    let (traces, network, address) = two_connections(&cases).await;
    assert_eq!(connections_of_records(&traces[1]), [1]);
    assert!(network.connect(&address).await.is_err());
    let closed = |event: &uspec_testplan::trace::Event| matches!(&event.what, What::Connection { connection, state: ConnectionState::Closed, .. } if *connection >= SECOND_CONTROLLER);
    assert!(traces[0].events.iter().any(closed) && !traces[1].events.iter().any(closed), "its end belongs to its case");
}

#[tokio::test(start_paused = true)]
async fn where_we_connect_it_opens_a_connection_of_its_own() {
    let network = MemoryNetwork::new();
    let _eut = start_listening(&network, good_rule()).await;
    let mut session = open_with(&network, connecting(), no_control()).await;
    let bring_up = session.bring_up(&CancellationToken::new()).await.unwrap();
    let procedure = vec![start_second(), by_second(get("Device.Fine.")), by_second(await_mtp(MtpEvent::Connected))];
    let (_, traces) = play(&mut session, &bring_up, &[case("2.9", procedure)], &CancellationToken::new()).await;
    traces.iter().for_each(assert_sound);
    let outcomes = outcomes(&traces[0], Phase::Procedure);
    let [StepOutcome::Done { matched: Some(_) }, StepOutcome::Done { .. }, StepOutcome::TimedOut { .. }] = outcomes[..]
    else {
        panic!("{outcomes:?}")
    };
    assert_eq!(connections_of_records(&traces[0]), [SECOND_CONTROLLER]);
}

#[tokio::test(start_paused = true)]
async fn a_certificate_without_tls_is_our_fault() {
    let show = step(Action::Controller(ControllerAction::Certificate(CertificateKind::Expired)));
    let ran = run(good_rule(), &[case("9.2", vec![show])]).await;
    assert!(matches!(outcomes(&ran.traces[0], Phase::Procedure)[..], [StepOutcome::Fault { .. }]));
}

#[tokio::test(start_paused = true)]
async fn bring_up_tells_where_it_would_listen_and_what_it_would_show() {
    let ran = run(good_rule(), &[]).await;
    let variables = &ran.bring_up.variables;
    assert_eq!(variables["second.endpoint_id"], SECOND);
    assert_eq!((variables["second.path"].as_str(), variables["second.tls"].as_str()), ("/usp", "false"));
    assert!(variables["alternate.certificate"].contains("BEGIN CERTIFICATE"));
    assert!(variables["second.certificate"].contains("BEGIN CERTIFICATE"));
    assert_eq!(variables["controller.role"], "Device.LocalAgent.ControllerTrust.Role.1.");
    assert!(!variables.contains_key("controller.mtp"), "this EUT does not show it");
}
