use super::*;
use msg::notify::Notification;
use rstest::rstest;

const CODE: &str = "Device.LocalAgent.Controller.1.ProvisioningCode";

fn set_code(bench: &mut Bench, value: &str) {
    response!(bench.set("Device.LocalAgent.Controller.1.", "ProvisioningCode", value), SetResp);
}

fn kinds(bench: &mut Bench) -> Vec<String> {
    let name = |notify: msg::Notify| match notify.notification.unwrap() {
        Notification::ValueChange(change) => {
            format!("{}: {}={}", notify.subscription_id, change.param_path, change.param_value)
        }
        Notification::ObjCreation(created) => format!("{}: +{}", notify.subscription_id, created.obj_path),
        Notification::ObjDeletion(deleted) => format!("{}: -{}", notify.subscription_id, deleted.obj_path),
        Notification::Event(event) => format!("{}: {}{}", notify.subscription_id, event.obj_path, event.event_name),
        Notification::OperComplete(complete) => format!("{}: {}", notify.subscription_id, complete.command_name),
        Notification::OnBoardReq(request) => format!("{}: on board {}", notify.subscription_id, request.serial_number),
    };
    bench.notifications().into_iter().map(|(_, notify)| name(notify)).collect()
}

#[rstest]
#[case(CODE, true)]
#[case("Device.LocalAgent.Controller.*.ProvisioningCode", true)]
#[case("Device.LocalAgent.Controller.[Enable==true].", true)]
#[case("Device.LocalAgent.", true)]
#[case("Device.LocalAgent.Controller.2.ProvisioningCode", false)]
#[case("Device.LocalAgent.Controller.1.Alias", false)]
#[case("Device.DeviceInfo.", false)]
#[case("Device.Nothing.", false)]
fn value_change(#[case] references: &str, #[case] notified: bool) {
    let mut bench = Bench::new();
    bench.subscribe("vc", "ValueChange", references, &[]);
    set_code(&mut bench, "new");
    let expected: Vec<String> = notified.then(|| format!("vc: {CODE}=new")).into_iter().collect();
    assert_eq!(kinds(&mut bench), expected);
    set_code(&mut bench, "new");
    assert_eq!(kinds(&mut bench).len(), 0, "the same value is no change");
}

#[test]
fn creation_and_deletion_of_instances() {
    let mut bench = Bench::new();
    let table = "Device.LocalAgent.Subscription.";
    bench.subscribe("new", "ObjectCreation", table, &[]);
    bench.subscribe("gone", "ObjectDeletion", table, &[]);
    assert_eq!(kinds(&mut bench), ["new: +Device.LocalAgent.Subscription.2."]);
    let path = bench.subscribe("third", "Event", "Device.Boot!", &[]);
    let notify = bench.notifications().remove(0).1;
    let Some(Notification::ObjCreation(created)) = notify.notification else { panic!() };
    assert_eq!(created.unique_keys["ID"], "third");
    assert_eq!(created.unique_keys["Recipient"], "Device.LocalAgent.Controller.1");
    bench.delete(&[&path], false);
    assert_eq!(kinds(&mut bench), ["gone: -Device.LocalAgent.Subscription.3."]);
}

#[rstest]
#[case("Enable", "false")]
#[case("TimeToLive", "10")]
fn a_subscription_that_ended_is_silent(#[case] name: &str, #[case] value: &str) {
    let mut bench = Bench::new();
    let path = bench.subscribe("vc", "ValueChange", CODE, &[]);
    bench.set(&path, name, value);
    bench.pass(10);
    set_code(&mut bench, "new");
    assert_eq!(kinds(&mut bench).len(), 0);
    assert_eq!(bench.rows(SUBSCRIPTIONS), usize::from(name == "Enable"));
}

#[test]
fn time_to_live_counts_from_the_creation() {
    let mut bench = Bench::new();
    bench.subscribe("vc", "ValueChange", CODE, &[("TimeToLive", "20")]);
    bench.pass(19);
    assert_eq!(bench.rows(SUBSCRIPTIONS), 1);
    bench.pass(1);
    assert_eq!(bench.rows(SUBSCRIPTIONS), 0);
}

#[test]
fn unanswered_notifications_are_sent_again_until_they_are_answered() {
    let mut bench = Bench::new();
    bench.subscribe("vc", "ValueChange", CODE, &[("NotifRetry", "true")]);
    set_code(&mut bench, "new");
    let (msg_id, first) = bench.notifications().remove(0);
    assert!(first.send_resp);
    bench.pass(10);
    assert_eq!(bench.notifications(), [(msg_id.clone(), first.clone())]);
    bench.pass(20);
    assert_eq!(bench.notifications(), [(msg_id.clone(), first)]);
    bench.confirm(&msg_id);
    bench.pass(1000);
    assert!(bench.notifications().is_empty());
}

#[test]
fn retries_end_at_notif_expiration_and_with_the_subscription() {
    let mut bench = Bench::new();
    let path = bench.subscribe("a", "ValueChange", CODE, &[("NotifRetry", "true"), ("NotifExpiration", "20")]);
    set_code(&mut bench, "new");
    bench.pass(20);
    assert!(bench.notifications().len() >= 2);
    bench.pass(1000);
    assert!(bench.notifications().is_empty());
    set_code(&mut bench, "newer");
    bench.notifications();
    bench.delete(&[&path], false);
    bench.pass(1000);
    assert!(bench.notifications().is_empty());
}

#[test]
fn without_retry_no_answer_is_asked_for() {
    let mut bench = Bench::new();
    bench.subscribe("vc", "ValueChange", CODE, &[]);
    set_code(&mut bench, "new");
    assert!(!bench.notifications()[0].1.send_resp);
    bench.pass(100);
    assert!(bench.notifications().is_empty());
}

#[test]
fn notifications_wait_for_the_connection() {
    let mut bench = Bench::new();
    let second = ConnectionId(2);
    bench.add_as(
        SECOND,
        "Device.LocalAgent.Subscription.",
        &[("Enable", "true"), ("ID", "theirs"), ("ReferenceList", CODE)],
    );
    bench.core.closed(CONNECTION);
    bench.inbox.clear();
    let actions = {
        let request = set_request(false, &[("Device.LocalAgent.Controller.1.", &[("ProvisioningCode", "x", true)])]);
        let message = request_message("1", ReqType::Set(request));
        bench.core.handle_record(bench.now, CONNECTION, &plain(CONTROLLER, AGENT, &message).encode_to_vec())
    };
    assert_eq!(actions.len(), 1);
    bench.open(second, SECOND);
    assert_eq!(bench.inbox.iter().map(|(connection, _)| *connection).collect::<Vec<_>>(), [second, second]);
    assert_eq!(kinds(&mut bench), [format!("theirs: {CODE}=x")]);
}

#[rstest]
#[case("Config", 0)]
#[case("NotifyAndConfig", 1)]
fn triggers_change_the_configuration(#[case] action: &str, #[case] notifications: usize) {
    let mut bench = Bench::new();
    let path = bench.subscribe("t", "ValueChange", CODE, &[("TriggerAction", action)]);
    bench.set(&path, "TriggerConfigSettings", &format!("{path}Enable=false"));
    bench.inbox.clear();
    set_code(&mut bench, "new");
    assert_eq!(bench.notifications().len(), notifications);
    assert_eq!(bench.value(&format!("{path}Enable")), "false");
}

#[test]
fn periodic_keeps_its_phase() {
    let mut bench = Bench::new();
    bench.set("Device.LocalAgent.Controller.1.", "PeriodicNotifInterval", "60");
    bench.set("Device.LocalAgent.Controller.1.", "PeriodicNotifTime", "2019-01-01T00:00:10Z");
    bench.subscribe("p", "Event", "Device.LocalAgent.Periodic!", &[]);
    bench.pass(9);
    assert_eq!(kinds(&mut bench).len(), 0);
    bench.pass(1);
    assert_eq!(kinds(&mut bench), ["p: Device.LocalAgent.Periodic!"]);
    bench.pass(59);
    assert_eq!(kinds(&mut bench).len(), 0);
    bench.pass(121);
    assert_eq!(kinds(&mut bench).len(), 3);
}

#[test]
fn on_board_requests_repeat_until_on_boarding_is_complete() {
    let mut bench = Bench::new();
    let controller = "Device.LocalAgent.Controller.1.";
    bench.set(controller, "OnBoardingRestartTime", "60");
    bench.operate(&format!("{controller}SendOnBoardRequest()"), &[]);
    let (msg_id, notify) = bench.notifications().remove(0);
    assert!(notify.send_resp && notify.subscription_id.is_empty());
    bench.confirm(&msg_id);
    assert_eq!(bench.value(&format!("{controller}OnBoardingComplete")), "false");
    bench.pass(59);
    assert!(bench.notifications().is_empty());
    bench.pass(1);
    let (msg_id, _) = bench.notifications().remove(0);
    bench.confirm(&msg_id);
    bench.set(controller, "OnBoardingComplete", "true");
    bench.pass(120);
    assert!(bench.notifications().is_empty());
}

#[test]
fn a_controller_whose_on_boarding_is_not_complete_gets_a_request() {
    let mut bench = Bench::new();
    let controller = "Device.LocalAgent.Controller.1.";
    bench.set(controller, "OnBoardingComplete", "false");
    let (msg_id, _) = bench.notifications().remove(0);
    bench.set(controller, "OnBoardingComplete", "false");
    assert!(bench.notifications().is_empty(), "one is under way");
    bench.confirm(&msg_id);
    let third = "proto::third";
    bench.add("Device.LocalAgent.Controller.", &[("EndpointID", third), ("Enable", "true")]);
    bench.open(ConnectionId(3), third);
    let kinds: Vec<_> = bench.notifications().into_iter().map(|(_, notify)| notify.subscription_id).collect();
    assert_eq!(kinds, [""]);
}

#[test]
fn on_board_requests_are_not_repeated_without_a_restart_time() {
    let mut bench = Bench::new();
    bench.operate("Device.LocalAgent.Controller.1.SendOnBoardRequest()", &[]);
    let (msg_id, _) = bench.notifications().remove(0);
    bench.confirm(&msg_id);
    bench.pass(600);
    assert!(bench.notifications().is_empty());
}
