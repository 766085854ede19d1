use super::*;
use crate::errors::code;
use msg::set_resp::updated_object_result::operation_status::{OperStatus, OperationFailure, OperationSuccess};
use rstest::rstest;

fn bench() -> Bench {
    let mut bench = Bench::new();
    for id in ["a", "b"] {
        bench.subscribe(id, "ValueChange", "Device.LocalAgent.SoftwareVersion", &[("NotifExpiration", "1")]);
    }
    bench
}

fn status(resp: &msg::SetResp, index: usize) -> OperStatus {
    resp.updated_obj_results[index].oper_status.clone().unwrap().oper_status.unwrap()
}

fn success(resp: &msg::SetResp, index: usize) -> OperationSuccess {
    match status(resp, index) {
        OperStatus::OperSuccess(success) => success,
        OperStatus::OperFailure(failure) => panic!("{failure:?}"),
    }
}

fn failure(resp: &msg::SetResp, index: usize) -> OperationFailure {
    match status(resp, index) {
        OperStatus::OperFailure(failure) => failure,
        OperStatus::OperSuccess(success) => panic!("{success:?}"),
    }
}

const FIRST: &str = "Device.LocalAgent.Subscription.1.";
const SECOND_ROW: &str = "Device.LocalAgent.Subscription.2.";

#[rstest]
#[case(FIRST, 1)]
#[case("Device.LocalAgent.Subscription.1", 1)]
#[case("Device.LocalAgent.Subscription.*.", 2)]
#[case("Device.LocalAgent.Subscription.[NotifExpiration>0].", 2)]
#[case("Device.LocalAgent.Subscription.[Recipient==\"Device.LocalAgent.Controller.1\"&&ID==\"a\"].", 1)]
fn what_the_path_stands_for_is_updated(#[case] path: &str, #[case] rows: usize) {
    let mut bench = bench();
    let resp = response!(bench.set(path, "NotifRetry", "1"), SetResp);
    let updated = success(&resp, 0).updated_inst_results;
    assert_eq!((resp.updated_obj_results[0].requested_path.as_str(), updated.len()), (path, rows));
    assert_eq!(updated[0].affected_path, FIRST);
    assert_eq!(updated[0].updated_params, [("NotifRetry".to_owned(), "true".to_owned())].into());
    assert_eq!(bench.value("Device.LocalAgent.Subscription.1.NotifRetry"), "true");
}

#[rstest]
#[case(FIRST, "InvalidParameter", "x", code::UNSUPPORTED_PARAMETER)]
#[case(FIRST, "Enable", "x", code::INVALID_TYPE)]
#[case(FIRST, "NotifType", "x", code::INVALID_VALUE)]
#[case(FIRST, "Recipient", "Device.LocalAgent.Controller.2", code::NON_WRITEABLE_PARAMETER)]
#[case(FIRST, "ID", "other", code::NON_WRITEABLE_PARAMETER)]
#[case(FIRST, "Alias", "other", code::NON_WRITEABLE_PARAMETER)]
#[case(FIRST, "ReferenceList", "Device.", code::NON_WRITEABLE_PARAMETER)]
#[case(
    "Device.LocalAgent.Controller.1.",
    "AssignedRole",
    "Device.LocalAgent.ControllerTrust.Role.9",
    code::INVALID_VALUE
)]
fn a_required_parameter_that_fails_is_an_error(
    #[case] path: &str,
    #[case] name: &str,
    #[case] value: &str,
    #[case] expected: u32,
) {
    let body = bench().set(path, name, value);
    assert_eq!(codes(body), (code::REQUIRED_PARAMETER_FAILED, vec![(format!("{path}{name}"), expected)]));
}

#[rstest]
#[case("Device.LocalAgent.Subscription.9.", code::OBJECT_DOES_NOT_EXIST)]
#[case("Device.LocalAgent.Subscription.", code::OBJECT_DOES_NOT_EXIST)]
#[case("Device.LocalAgent.InvalidObject.", code::INVALID_PATH)]
#[case("Device.LocalAgent.[x].", code::INVALID_PATH_SYNTAX)]
fn a_path_that_fails_is_an_error(#[case] path: &str, #[case] expected: u32) {
    assert_eq!(codes(bench().set(path, "Enable", "true")), (expected, vec![(path.to_owned(), expected)]));
}

#[test]
fn an_error_undoes_everything() {
    let mut bench = bench();
    let objects: [Update<'_>; 2] = [(FIRST, &[("NotifRetry", "true", true)]), (SECOND_ROW, &[("Nothing", "x", true)])];
    assert_eq!(codes(bench.ask(ReqType::Set(set_request(false, &objects)))).0, code::REQUIRED_PARAMETER_FAILED);
    assert_eq!(bench.value("Device.LocalAgent.Subscription.1.NotifRetry"), "false");
}

#[test]
fn with_partial_success_the_others_are_updated() {
    let mut bench = bench();
    let objects: [Update<'_>; 2] = [(FIRST, &[("NotifRetry", "true", true)]), (SECOND_ROW, &[("Nothing", "x", true)])];
    let resp = response!(bench.ask(ReqType::Set(set_request(true, &objects))), SetResp);
    assert_eq!(success(&resp, 0).updated_inst_results.len(), 1);
    let failed = failure(&resp, 1);
    assert_eq!((failed.err_code, failed.updated_inst_failures.len()), (code::REQUIRED_PARAMETER_FAILED, 1));
    let instance = &failed.updated_inst_failures[0];
    assert_eq!((instance.affected_path.as_str(), instance.param_errs[0].param.as_str()), (SECOND_ROW, "Nothing"));
    assert_eq!(bench.value("Device.LocalAgent.Subscription.1.NotifRetry"), "true");
}

#[test]
fn a_search_path_is_all_or_nothing() {
    let mut bench = bench();
    bench.set("Device.LocalAgent.ControllerTrust.Role.1.", "Enable", "true");
    let settings: &[(&str, &str, bool)] = &[("NotifRetry", "true", false), ("Enable", "InvalidValue", true)];
    let resp = response!(
        bench.ask(ReqType::Set(set_request(true, &[("Device.LocalAgent.Subscription.*.", settings)]))),
        SetResp
    );
    assert_eq!(failure(&resp, 0).updated_inst_failures.len(), 2);
    assert_eq!(bench.value("Device.LocalAgent.Subscription.1.NotifRetry"), "false");
}

#[test]
fn parameters_that_are_not_required_may_fail() {
    let mut bench = bench();
    let settings: &[(&str, &str, bool)] = &[("NotifRetry", "true", false), ("InvalidParameter", "x", false)];
    let resp = response!(bench.ask(ReqType::Set(set_request(false, &[(FIRST, settings)]))), SetResp);
    let updated = &success(&resp, 0).updated_inst_results[0];
    assert_eq!(updated.updated_params.keys().collect::<Vec<_>>(), ["NotifRetry"]);
    assert_eq!((updated.param_errs.len(), updated.param_errs[0].err_code), (1, code::UNSUPPORTED_PARAMETER));
}

#[test]
fn a_search_without_matches_succeeds_empty() {
    let mut bench = bench();
    let path = "Device.LocalAgent.Subscription.[Recipient==\"InvalidValue\"].";
    for allow_partial in [false, true] {
        let resp = response!(
            bench.ask(ReqType::Set(set_request(allow_partial, &[(path, &[("NotifRetry", "true", true)])]))),
            SetResp
        );
        assert_eq!(success(&resp, 0), OperationSuccess::default());
    }
}

#[test]
fn keys_count_when_the_message_is_done() {
    let mut bench = Bench::new();
    let (a, b) = ("Device.LocalAgent.Controller.1.", "Device.LocalAgent.Controller.2.");
    let swap: [Update<'_>; 2] = [(a, &[("EndpointID", SECOND, true)]), (b, &[("EndpointID", CONTROLLER, true)])];
    response!(bench.ask(ReqType::Set(set_request(false, &swap))), SetResp);
    let clash = bench.set(b, "EndpointID", SECOND);
    assert_eq!(codes(clash), (code::DUPLICATE_KEY, vec![(format!("{b}EndpointID"), code::DUPLICATE_KEY)]));
}

#[test]
fn a_write_once_parameter_can_be_set_once() {
    let mut bench = Bench::new();
    let path = bench.add("Device.LocalAgent.Subscription.", &[("ID", "x")]);
    response!(bench.set(&path, "ReferenceList", "Device.LocalAgent."), SetResp);
    assert_eq!(codes(bench.set(&path, "ReferenceList", "Device.")).1[0].1, code::NON_WRITEABLE_PARAMETER);
}

#[test]
fn references_may_be_by_key_and_are_kept_by_number() {
    let mut bench = Bench::new();
    response!(
        bench.set(
            "Device.LocalAgent.ControllerTrust.",
            "BannedRole",
            "Device.LocalAgent.ControllerTrust.Role.[Name==\"Untrusted\"]."
        ),
        SetResp
    );
    assert_eq!(bench.value("Device.LocalAgent.ControllerTrust.BannedRole"), "Device.LocalAgent.ControllerTrust.Role.2");
}
