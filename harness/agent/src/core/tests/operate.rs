use super::*;
use crate::errors::code;
use msg::operate_resp::{OperationResult, operation_result::OperationResp};
use rstest::rstest;

fn results(body: MsgBody) -> Vec<OperationResult> {
    response!(body, OperateResp).operation_results
}

fn failure(result: &OperationResult) -> u32 {
    match &result.operation_resp {
        Some(OperationResp::CmdFailure(failure)) => failure.err_code,
        other => panic!("{other:?}"),
    }
}

const REQUESTS: &str = "Device.LocalAgent.Request.{i}.";

#[test]
fn an_asynchronous_command_has_a_request_until_it_is_over() {
    let mut bench = Bench::new();
    bench.subscribe("op", "OperationComplete", "Device.ScheduleTimer()", &[]);
    let results = results(bench.operate("Device.ScheduleTimer()", &[("DelaySeconds", "30"), ("InvalidArgument", "2")]));
    assert_eq!(results[0].executed_command, "Device.ScheduleTimer()");
    assert_eq!(results[0].operation_resp, Some(OperationResp::ReqObjPath("Device.LocalAgent.Request.1.".to_owned())));
    assert_eq!(bench.value("Device.LocalAgent.Request.1.Originator"), CONTROLLER);
    assert_eq!(bench.value("Device.LocalAgent.Request.1.Status"), "Active");
    bench.pass(29);
    assert!(bench.notifications().is_empty() && bench.rows(REQUESTS) == 1);
    bench.pass(1);
    let (_, notify) = bench.notifications().remove(0);
    let Some(msg::notify::Notification::OperComplete(complete)) = notify.notification else { panic!("{notify:?}") };
    assert_eq!(
        (complete.obj_path.as_str(), complete.command_name.as_str(), complete.command_key.as_str()),
        ("Device.", "ScheduleTimer()", "key")
    );
    assert_eq!(bench.rows(REQUESTS), 0);
}

#[rstest]
#[case(&[])]
#[case(&[("DelaySeconds", "soon")])]
#[case(&[("DelaySeconds", "0")])]
fn arguments_are_checked(#[case] arguments: &[(&str, &str)]) {
    let mut bench = Bench::new();
    bench.subscribe("op", "OperationComplete", "Device.ScheduleTimer()", &[]);
    let results = results(bench.operate("Device.ScheduleTimer()", arguments));
    assert_eq!(failure(&results[0]), code::INVALID_COMMAND_ARGUMENTS);
    bench.pass(120);
    assert!(bench.notifications().is_empty() && bench.rows(REQUESTS) == 0);
}

#[rstest]
#[case("Device.Nothing()", code::INVALID_PATH)]
#[case("Device.LocalAgent.", code::INVALID_PATH)]
#[case("Device.LocalAgent.Controller.9.SendOnBoardRequest()", code::OBJECT_DOES_NOT_EXIST)]
fn commands_that_do_not_exist(#[case] command: &str, #[case] expected: u32) {
    assert_eq!(codes(Bench::new().operate(command, &[])).0, expected);
}

#[test]
fn a_search_executes_everywhere_or_nowhere() {
    let mut bench = Bench::new();
    let all = results(bench.operate("Device.LocalAgent.Controller.*.SendOnBoardRequest()", &[]));
    assert_eq!(
        all.iter().map(|result| result.executed_command.as_str()).collect::<Vec<_>>(),
        ["Device.LocalAgent.Controller.1.SendOnBoardRequest()", "Device.LocalAgent.Controller.2.SendOnBoardRequest()"]
    );
    assert_eq!(
        results(bench.operate("Device.LocalAgent.Controller.[Enable==false].SendOnBoardRequest()", &[])).len(),
        0
    );
}

#[test]
fn without_send_resp_there_is_no_answer_but_errors_come() {
    let mut bench = Bench::new();
    let mut request = msg::Operate { command: "Device.SelfTestDiagnostics()".to_owned(), ..msg::Operate::default() };
    bench.send_message(&request_message("quiet", ReqType::Operate(request.clone())));
    assert_eq!(bench.answer("quiet"), None);
    assert_eq!(bench.rows(REQUESTS), 1);
    "Device.Nothing()".clone_into(&mut request.command);
    bench.send_message(&request_message("wrong", ReqType::Operate(request)));
    assert_eq!(error(bench.answer("wrong").unwrap()).err_code, code::INVALID_PATH);
}

#[test]
fn cancel_ends_a_command() {
    let mut bench = Bench::new();
    bench.subscribe("op", "OperationComplete", "Device.", &[]);
    bench.operate("Device.ScheduleTimer()", &[("DelaySeconds", "30")]);
    bench.operate("Device.LocalAgent.Request.1.Cancel()", &[]);
    let (_, notify) = bench.notifications().remove(0);
    let Some(msg::notify::Notification::OperComplete(complete)) = notify.notification else { panic!("{notify:?}") };
    let Some(msg::notify::operation_complete::OperationResp::CmdFailure(failure)) = complete.operation_resp else {
        panic!()
    };
    assert_eq!((failure.err_code, bench.rows(REQUESTS)), (code::COMMAND_CANCELED, 0));
    bench.pass(60);
    assert!(bench.notifications().is_empty());
}

#[test]
fn output_arguments_come_with_the_completion() {
    let mut bench = Bench::new();
    bench.subscribe("op", "OperationComplete", "Device.SelfTestDiagnostics()", &[]);
    bench.operate("Device.SelfTestDiagnostics()", &[]);
    bench.pass(2);
    let (_, notify) = bench.notifications().remove(0);
    let Some(msg::notify::Notification::OperComplete(complete)) = notify.notification else { panic!("{notify:?}") };
    let Some(msg::notify::operation_complete::OperationResp::ReqOutputArgs(output)) = complete.operation_resp else {
        panic!()
    };
    assert_eq!(output.output_args["Status"], "Complete");
}
