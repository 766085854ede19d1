use super::*;
use msg::operate_resp::operation_result::OutputArgs;
use rstest::rstest;

fn boot_event(bench: &mut Bench) -> Option<std::collections::BTreeMap<String, String>> {
    let events = bench.notifications().into_iter().filter_map(|(_, notify)| match notify.notification {
        Some(msg::notify::Notification::Event(event)) if event.event_name == "Boot!" => Some(event.params),
        _ => None,
    });
    let events: Vec<_> = events.collect();
    assert!(events.len() <= 1);
    events.into_iter().next()
}

fn reboot(bench: &mut Bench, command: &str, arguments: &[(&str, &str)]) {
    let body = bench.operate(command, arguments);
    let result = response!(body, OperateResp).operation_results.remove(0);
    let output = Some(msg::operate_resp::operation_result::OperationResp::ReqOutputArgs(OutputArgs::default()));
    assert_eq!((result.executed_command.as_str(), result.operation_resp), (command, output));
    bench.restart();
}

#[test]
fn the_connect_record_goes_first() {
    let mut bench = Bench::new();
    bench.open(ConnectionId(2), SECOND);
    let (connection, record) = &bench.inbox[0];
    assert_eq!(*connection, ConnectionId(2));
    assert!(matches!(record.record_type, Some(RecordType::WebsocketConnect(_))) && record.to_id == SECOND);
}

#[test]
fn reboot_is_answered_and_announced_with_the_boot_parameters() {
    let mut bench = Bench::new();
    bench.subscribe("boot", "Event", "Device.Boot!", &[("Persistent", "true")]);
    let table = "Device.LocalAgent.Controller.1.BootParameter.";
    bench.add(table, &[("Enable", "true"), ("ParameterName", "Device.LocalAgent.EndpointID")]);
    bench.add(table, &[("ParameterName", "Device.LocalAgent.SoftwareVersion")]);
    reboot(&mut bench, "Device.Reboot()", &[]);
    assert!(matches!(bench.inbox[0].1.record_type, Some(RecordType::WebsocketConnect(_))));
    let params = boot_event(&mut bench).unwrap();
    assert_eq!(
        (params["CommandKey"].as_str(), params["Cause"].as_str(), params["FirmwareUpdated"].as_str()),
        ("key", "RemoteReboot", "false")
    );
    assert_eq!(params["ParameterMap"], format!("{{\"Device.LocalAgent.EndpointID\":\"{AGENT}\"}}"));
    assert_eq!(bench.value("Device.DeviceInfo.UpTime"), "0");
}

#[test]
fn what_is_not_persistent_is_gone_after_a_reboot() {
    let mut bench = Bench::new();
    bench.subscribe("kept", "Event", "Device.LocalAgent.Periodic!", &[("Persistent", "true")]);
    bench.subscribe("lost", "Event", "Device.Boot!", &[]);
    bench.set("Device.DeviceInfo.", "ProvisioningCode", "here");
    bench.operate("Device.ScheduleTimer()", &[("DelaySeconds", "30")]);
    reboot(&mut bench, "Device.Reboot()", &[("Cause", "LocalReboot")]);
    assert_eq!(boot_event(&mut bench), None);
    assert_eq!((bench.rows(SUBSCRIPTIONS), bench.rows("Device.LocalAgent.Request.{i}.")), (1, 0));
    assert_eq!(bench.value("Device.DeviceInfo.ProvisioningCode"), "here");
    let next = bench.subscribe("next", "Event", "Device.Boot!", &[]);
    assert_eq!(next, "Device.LocalAgent.Subscription.3.", "numbers go on");
}

#[test]
fn factory_reset_forgets_everything() {
    let mut bench = Bench::new();
    bench.subscribe("kept", "Event", "Device.Boot!", &[("Persistent", "true")]);
    bench.set("Device.DeviceInfo.", "ProvisioningCode", "here");
    reboot(&mut bench, "Device.FactoryReset()", &[]);
    assert_eq!((bench.rows(SUBSCRIPTIONS), bench.value("Device.DeviceInfo.ProvisioningCode").as_str()), (0, ""));
}

#[test]
fn message_ids_of_two_boots_differ() {
    let mut bench = Bench::new();
    let settings = [("Persistent", "true")];
    bench.subscribe("vc", "ValueChange", "Device.DeviceInfo.ProvisioningCode", &settings);
    bench.set("Device.DeviceInfo.", "ProvisioningCode", "1");
    let before = bench.notifications().remove(0).0;
    reboot(&mut bench, "Device.Reboot()", &[]);
    bench.set("Device.DeviceInfo.", "ProvisioningCode", "2");
    assert_ne!(bench.notifications().remove(0).0, before);
}

#[rstest]
#[case(Fault::RebootDoesNotReboot)]
fn a_faulty_agent_need_not_reboot(#[case] fault: Fault) {
    let mut bench = Bench::with([fault]);
    bench.operate("Device.Reboot()", &[]);
    assert!(bench.other.is_empty());
}

#[test]
fn a_faulty_agent_may_refuse_to_reboot() {
    use msg::operate_resp::operation_result::OperationResp;
    let mut bench = Bench::with([Fault::RebootIsRefused]);
    let response = response!(bench.operate("Device.Reboot()", &[]), OperateResp);
    let outcome = response.operation_results[0].operation_resp.clone();
    assert!(matches!(&outcome, Some(OperationResp::CmdFailure(failure)) if failure.err_code == 7022), "{outcome:?}");
    assert!(bench.other.is_empty());
}
