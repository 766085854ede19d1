use super::*;
use crate::errors::code;
use rstest::rstest;

fn paths(result: &msg::get_resp::RequestedPathResult) -> Vec<&str> {
    result.resolved_path_results.iter().map(|resolved| resolved.resolved_path.as_str()).collect()
}

#[test]
fn a_parameter_comes_with_its_object_and_alone() {
    let result = Bench::new().get("Device.LocalAgent.EndpointID");
    assert_eq!((result.err_code, paths(&result)), (0, vec!["Device.LocalAgent."]));
    let params = &result.resolved_path_results[0].result_params;
    assert_eq!((params.len(), params["EndpointID"].as_str()), (1, AGENT));
}

#[test]
fn an_object_comes_with_all_below_it_parents_first_and_relative_keys() {
    let result = Bench::new().get("Device.LocalAgent.");
    let found = paths(&result);
    assert_eq!(found[0], "Device.LocalAgent.");
    for wanted in [
        "Device.LocalAgent.Controller.1.",
        "Device.LocalAgent.Controller.2.MTP.1.WebSocket.",
        "Device.LocalAgent.ControllerTrust.",
    ] {
        assert!(found.contains(&wanted), "{wanted}");
    }
    assert!(result.resolved_path_results.iter().all(|one| one.result_params.keys().all(|key| !key.contains('.'))));
}

#[rstest]
#[case("Device.LocalAgent.", 1, &["Device.LocalAgent."])]
#[case("Device.LocalAgent.Controller.1.", 1, &["Device.LocalAgent.Controller.1."])]
#[case("Device.LocalAgent.Controller.", 1, &["Device.LocalAgent.Controller.1.", "Device.LocalAgent.Controller.2."])]
#[case("Device.LocalAgent.Controller.1.", 2, &["Device.LocalAgent.Controller.1.", "Device.LocalAgent.Controller.1.TransferCompletePolicy.", "Device.LocalAgent.Controller.1.MTP.1."])]
fn max_depth_limits_the_tree(#[case] path: &str, #[case] depth: u32, #[case] expected: &[&str]) {
    assert_eq!(paths(&Bench::new().get_depth(path, depth)), expected);
}

#[rstest]
#[case("Device.LocalAgent.InvalidParameter", code::INVALID_PATH)]
#[case("Device.LocalAgent.Controller.9.Alias", code::INVALID_PATH)]
#[case("Device.LocalAgent.Controller.9.", code::INVALID_PATH)]
#[case("Device.Reboot()", code::INVALID_PATH)]
#[case("Device..", code::INVALID_PATH_SYNTAX)]
#[case("Device.LocalAgent.Subscription.[Enable==\"true\"].", code::INVALID_PATH_SYNTAX)]
#[case("Device.LocalAgent.Subscription.[Nothing==true].", code::INVALID_PATH)]
fn paths_that_fail(#[case] path: &str, #[case] expected: u32) {
    let result = Bench::new().get(path);
    assert_eq!(
        (result.err_code, result.resolved_path_results.len(), result.requested_path.as_str()),
        (expected, 0, path)
    );
}

#[rstest]
#[case("Device.LocalAgent.Subscription.[Enable==true].")]
#[case("Device.LocalAgent.Subscription.*.Enable")]
#[case("Device.LocalAgent.Subscription.")]
#[case("Device.LocalAgent.Controller.[Alias==\"none\"].BootParameter.")]
fn nothing_found_is_no_error(#[case] path: &str) {
    let result = Bench::new().get(path);
    assert_eq!((result.err_code, result.resolved_path_results.len()), (0, 0));
}

#[rstest]
#[case("[NotifExpiration>10]", 1)]
#[case("[NotifExpiration>=10]", 2)]
#[case("[NotifExpiration<10]", 1)]
#[case("[NotifExpiration<=10]", 2)]
#[case("[NotifExpiration!=10]", 2)]
#[case("*", 3)]
fn search_operators(#[case] identifier: &str, #[case] expected: usize) {
    let mut bench = Bench::new();
    for (id, expiration) in [("a", "5"), ("b", "10"), ("c", "20")] {
        bench.subscribe(id, "ValueChange", "Device.LocalAgent.SoftwareVersion", &[("NotifExpiration", expiration)]);
    }
    let result = bench.get(&format!("Device.LocalAgent.Subscription.{identifier}."));
    assert_eq!(result.resolved_path_results.len(), expected);
}

#[test]
fn several_paths_have_several_results_in_order() {
    let param_paths = ["Device.LocalAgent.EndpointID", "Device.LocalAgent.Invalid"].map(str::to_owned).into();
    let resp = response!(Bench::new().ask(ReqType::Get(msg::Get { param_paths, max_depth: 0 })), GetResp);
    assert_eq!(resp.req_path_results.iter().map(|result| result.err_code).collect::<Vec<_>>(), [0, code::INVALID_PATH]);
}

#[test]
fn uptime_runs_with_the_clock() {
    let mut bench = Bench::new();
    bench.pass(75);
    assert_eq!(bench.value("Device.DeviceInfo.UpTime"), "75");
}
