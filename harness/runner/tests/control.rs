//! Controlling the device, and ending a run early.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by them")]

mod scripted;

use rstest::rstest;
use scripted::*;
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use uspec_mtp::{network::MemoryNetwork, websocket::WsHandle};
use uspec_runner::{
    ControlFault, EutControl, Method, ProgramControl,
    control::{ControlFuture, Program},
};
use uspec_testplan::{
    case::{Action, EutAction, Send, Step, TestCase},
    trace::{Phase, StepOutcome, Trace, What},
};
use uspec_usp::schema::{Content, MessageKind};

/// Controls a scripted EUT through its own end of the MTP, as the cli does with the reference Agent.
#[derive(Debug)]
struct Switch {
    handle: std::sync::OnceLock<WsHandle>,
    reboot: Method,
    boot: Duration,
}

impl Switch {
    fn new(reboot: Method) -> Arc<Self> {
        Arc::new(Self { handle: std::sync::OnceLock::new(), reboot, boot: Duration::from_secs(3) })
    }
}

impl EutControl for Switch {
    fn method(&self, action: EutAction) -> Method {
        match action {
            EutAction::Reboot => self.reboot.clone(),
            EutAction::Start | EutAction::Stop | EutAction::PowerCycle => Method::Direct,
            EutAction::FactoryReset => Method::Missing,
        }
    }

    fn perform(&self, action: EutAction) -> ControlFuture<'_> {
        Box::pin(async move {
            let handle = self.handle.get().ok_or_else(|| ControlFault::new(["no EUT"]))?;
            if action != EutAction::Start {
                handle.pause();
                let _ = handle.drop_connection().await;
            }
            if action != EutAction::Stop {
                sleep(self.boot).await;
                handle.reconnect();
            }
            Ok("switched".to_owned())
        })
    }
}

fn usp_reboot(start_after: bool) -> Method {
    Method::UspCommand { command: "Device.Reboot()".into(), start_after }
}

fn eut(action: EutAction) -> Step {
    step(Action::Eut(action))
}

async fn play_switched(switch: &Arc<Switch>, rule: Rule, cases: &[TestCase]) -> Vec<Trace> {
    let network = MemoryNetwork::new();
    let mut session = open_with(&network, config(), switch.clone()).await;
    let device = start(&network, EUT, rule).await;
    switch.handle.set(device.handle.clone()).unwrap();
    let cancel = CancellationToken::new();
    let bring_up = session.bring_up(&cancel).await.unwrap();
    let (_, traces) = play(&mut session, &bring_up, cases, &cancel).await;
    traces.iter().for_each(assert_sound);
    traces
}

fn actions(trace: &Trace) -> Vec<(String, bool)> {
    let done = trace.events.iter().filter_map(|event| match &event.what {
        What::Eut { action, ok, .. } => Some((action.clone(), *ok)),
        _ => None,
    });
    done.collect()
}

fn reboots(asked: &Asked) -> bool {
    asked.kind == MessageKind::Operate && asked.body["command"] == "Device.Reboot()"
}

#[tokio::test(start_paused = true)]
async fn a_power_cycle_ends_with_the_eut_s_new_connection() {
    let steps = vec![eut(EutAction::PowerCycle), get("Device.Fine.")];
    let traces = play_switched(&Switch::new(Method::Missing), good_rule(), &[case("1.1", steps)]).await;
    let outcomes = outcomes(&traces[0], Phase::Procedure);
    assert!(matches!(outcomes[..], [StepOutcome::Done { matched: Some(_) }, StepOutcome::Done { .. }]), "{outcomes:?}");
    assert_eq!(actions(&traces[0]), [("power_cycle".to_owned(), true)]);
}

#[tokio::test(start_paused = true)]
async fn an_eut_can_be_stopped_and_started() {
    let steps = vec![eut(EutAction::Stop), eut(EutAction::Start), eut(EutAction::Start)];
    let traces = play_switched(&Switch::new(Method::Missing), good_rule(), &[case("1.1", steps)]).await;
    let outcomes = outcomes(&traces[0], Phase::Procedure);
    assert!(outcomes.iter().all(|outcome| matches!(outcome, StepOutcome::Done { .. })), "{outcomes:?}");
}

#[tokio::test(start_paused = true)]
async fn a_reboot_by_usp_waits_for_an_eut_that_comes_back_by_itself() {
    let rule: Rule = Box::new(|asked| {
        reboots(asked)
            .then(|| vec![Do::Answer, Do::Sleep(Duration::from_millis(600)), Do::Away(Duration::from_secs(5))])
    });
    let traces = play_switched(
        &Switch::new(usp_reboot(false)),
        rule,
        &[case("1.1", vec![eut(EutAction::Reboot), get("Device.Fine.")])],
    )
    .await;
    let outcomes = outcomes(&traces[0], Phase::Procedure);
    assert!(matches!(outcomes[..], [StepOutcome::Done { matched: Some(_) }, StepOutcome::Done { .. }]), "{outcomes:?}");
}

#[tokio::test(start_paused = true)]
async fn an_eut_that_ends_with_its_reboot_is_started_again() {
    let gone = || -> Rule {
        Box::new(|asked| reboots(asked).then(|| vec![Do::Answer, Do::Away(Duration::from_secs(100_000))]))
    };
    let operate = serde_json::json!({"command": "Device.Reboot()", "send_resp": true});
    let by_hand = step(request(MessageKind::Operate, operate.clone()));
    let sent = Send { message: Some((MessageKind::Operate, operate)), ..Send::default() };
    for reboot in [eut(EutAction::Reboot), by_hand, step(Action::Send(sent))] {
        let steps = vec![reboot, step(Action::Wait(Duration::from_secs(1).into())), get("Device.Fine.")];
        let traces = play_switched(&Switch::new(usp_reboot(true)), gone(), &[case("1.1", steps)]).await;
        let outcomes = outcomes(&traces[0], Phase::Procedure);
        assert!(outcomes.iter().all(|outcome| matches!(outcome, StepOutcome::Done { .. })), "{outcomes:?}");
        assert!(actions(&traces[0]).contains(&("start".to_owned(), true)));
    }
}

#[tokio::test(start_paused = true)]
async fn an_eut_that_does_not_come_back_is_not_waited_for_for_ever() {
    let rule: Rule = Box::new(|asked| reboots(asked).then(|| vec![Do::Answer, Do::Away(Duration::from_secs(100_000))]));
    let begun = Instant::now();
    let traces = play_switched(
        &Switch::new(usp_reboot(false)),
        rule,
        &[case("1.1", vec![eut(EutAction::Reboot), get("Device.Fine.")])],
    )
    .await;
    let outcomes = outcomes(&traces[0], Phase::Procedure);
    assert!(matches!(outcomes[..], [StepOutcome::TimedOut { .. }, StepOutcome::NotReached { .. }]), "{outcomes:?}");
    assert!(begun.elapsed() < Duration::from_secs(120), "{:?}", begun.elapsed());
}

#[rstest::rstest]
#[case::with_an_error(Content::Error, serde_json::json!({"err_code": 7006}))]
#[case::by_the_command(
    Content::Response(MessageKind::Operate),
    serde_json::json!({"operation_results": [{"executed_command": "Device.Reboot()", "cmd_failure": {"err_code": 7022}}]})
)]
#[tokio::test(start_paused = true)]
async fn a_refused_reboot_is_the_eut_s_doing(#[case] content: Content, #[case] body: serde_json::Value) {
    let rule: Rule =
        Box::new(move |asked| reboots(asked).then(|| vec![Do::Reply(content, asked.msg_id.clone(), body.clone())]));
    let traces =
        play_switched(&Switch::new(usp_reboot(false)), rule, &[case("1.1", vec![eut(EutAction::Reboot)])]).await;
    assert!(matches!(outcomes(&traces[0], Phase::Procedure)[..], [StepOutcome::NotReached { .. }]));
    assert_eq!(actions(&traces[0]), [("reboot".to_owned(), false)]);
}

#[tokio::test(start_paused = true)]
async fn what_the_profile_does_not_say_how_to_do_is_our_fault() {
    let traces =
        play_switched(&Switch::new(Method::Missing), good_rule(), &[case("1.1", vec![eut(EutAction::FactoryReset)])])
            .await;
    let [StepOutcome::Fault { causes }] = &outcomes(&traces[0], Phase::Procedure)[..] else { panic!() };
    assert!(causes[0].contains("factory_reset"), "{causes:?}");
}

/// Programs run in real time, which the paused clock would not wait for.
#[tokio::test]
async fn a_program_that_fails_is_named_with_status_and_output() {
    let program = Program { argv: ["sh", "-c", "echo no relay >&2; exit 3"].map(str::to_owned).into(), limit: None };
    let control = Arc::new(ProgramControl::new().with_program(EutAction::PowerCycle, program));
    let ran =
        run_with(config(), control, good_rule(), &[case("1.1", vec![eut(EutAction::PowerCycle), get("Device.Fine.")])])
            .await;
    let outcomes = outcomes(&ran.traces[0], Phase::Procedure);
    let [StepOutcome::Fault { causes }, StepOutcome::Done { .. }] = &outcomes[..] else { panic!("{outcomes:?}") };
    let text = causes.join(": ");
    assert!(text.contains("sh -c") && text.contains("exit status: 3") && text.contains("no relay"), "{text}");
}

/// What comes of a program that has to start the EUT again after its reboot, and does not.
#[rstest]
#[case::fails(&["sh", "-c", "echo no such unit; exit 5"], None, &["sh -c", "exit status: 5", "no such unit"])]
#[case::hangs(&["sh", "-c", "echo waiting; exec sleep 60"], Some(50), &["sh -c", "did not end within 50ms", "waiting"])]
#[case::is_missing(&["/nonexistent/start-eut"], None, &["/nonexistent/start-eut", "could not be started"])]
#[tokio::test]
async fn an_eut_that_nobody_starts_again_is_our_fault(
    #[case] argv: &[&str],
    #[case] limit_ms: Option<u64>,
    #[case] named: &[&str],
) {
    let argv = argv.iter().map(|word| (*word).to_owned()).collect();
    let program = Program { argv, limit: limit_ms.map(Duration::from_millis) };
    let control = ProgramControl::new()
        .with_usp_command(EutAction::Reboot, "Device.Reboot()", true)
        .with_program(EutAction::Start, program);
    let rule: Rule = Box::new(|asked| reboots(asked).then(|| vec![Do::Answer, Do::Away(Duration::from_secs(100_000))]));
    // Programs run in real time, so that every wait of this test has to be short.
    let short = Duration::from_millis(300);
    let timing = uspec_runner::Timing { connect: short, boot: short, silence: short, ..timing() };
    let config = uspec_runner::SessionConfig { timing, ..config() };
    let cases =
        [case("1.1", vec![eut(EutAction::Reboot), get("Device.Fine.")]), case("1.2", vec![get("Device.Fine.")])];
    let ran = run_with(config, Arc::new(control), rule, &cases).await;
    let outcomes = outcomes(&ran.traces[0], Phase::Procedure);
    let [StepOutcome::Fault { causes }, StepOutcome::Fault { .. }] = &outcomes[..] else { panic!("{outcomes:?}") };
    let why = ran.end.interrupted.unwrap().reason;
    for text in [causes.join(": "), why] {
        assert!(named.iter().all(|part| text.contains(part)), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_interruption_ends_the_case_cleans_up_and_accounts_for_the_rest() {
    let network = MemoryNetwork::new();
    let mut session = open(&network).await;
    let device = start(&network, EUT, good_rule()).await;
    let cancel = CancellationToken::new();
    let bring_up = session.bring_up(&cancel).await.unwrap();
    let long = vec![add(), step(Action::Wait(Duration::from_secs(3600).into())), get("Device.Fine.")];
    let cases =
        [TestCase { cleanup: vec![delete("{{sub}}")], ..case("1.1", long) }, case("1.2", vec![get("Device.Fine.")])];
    let begun = Instant::now();
    let ctrl_c = cancel.clone();
    tokio::spawn(async move {
        sleep(Duration::from_secs(2)).await;
        ctrl_c.cancel();
    });
    let (end, traces) = play(&mut session, &bring_up, &cases, &cancel).await;
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    assert_eq!(end.not_reached.iter().map(ToString::to_string).collect::<Vec<_>>(), ["1.2"]);
    let outcomes_of = |phase| outcomes(&traces[0], phase);
    assert!(matches!(
        outcomes_of(Phase::Procedure)[..],
        [StepOutcome::Done { .. }, StepOutcome::NotReached { .. }, StepOutcome::NotReached { .. }]
    ));
    assert!(matches!(outcomes_of(Phase::CleanUp)[..], [StepOutcome::Done { .. }]), "the clean-up is tried");
    assert!(!device.seen.lock().unwrap().instances.contains("Device.LocalAgent.Subscription.1."));
    assert_sound(&traces[0]);
}

#[tokio::test(start_paused = true)]
async fn an_interrupted_clean_up_of_a_dead_eut_ends_in_time() {
    let network = MemoryNetwork::new();
    let mut session = open(&network).await;
    let rule: Rule = Box::new(|asked| (asked.kind == MessageKind::Delete || is_trigger(asked)).then(Vec::new));
    let _device = start(&network, EUT, rule).await;
    let cancel = CancellationToken::new();
    let bring_up = session.bring_up(&cancel).await.unwrap();
    let cleanup = vec![delete("{{sub}}"), delete("{{sub}}"), delete("{{sub}}"), delete("{{sub}}")];
    let cases = [TestCase { cleanup, ..case("1.1", vec![add(), get("Device.Trigger.")]) }];
    let ctrl_c = cancel.clone();
    tokio::spawn(async move {
        sleep(Duration::from_secs(2)).await;
        ctrl_c.cancel();
    });
    let begun = Instant::now();
    let (_, traces) = play(&mut session, &bring_up, &cases, &cancel).await;
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    assert_eq!(outcomes(&traces[0], Phase::CleanUp).len(), 4);
    assert_sound(&traces[0]);
}

#[tokio::test(start_paused = true)]
async fn a_port_in_use_is_told_before_anything_starts() {
    let network = MemoryNetwork::new();
    let _first = open(&network).await;
    let second = uspec_runner::Session::open(config(), Arc::new(network.clone()), no_control()).await;
    let error = second.unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("controller:8080"), "{error}: {source}");
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_dropped_frees_its_port() {
    let network = MemoryNetwork::new();
    drop(open(&network).await);
    sleep(Duration::from_secs(2)).await;
    assert!(uspec_runner::Session::open(config(), Arc::new(network.clone()), no_control()).await.is_ok());
}
