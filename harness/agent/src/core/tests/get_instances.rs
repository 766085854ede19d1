use super::*;
use crate::errors::code;
use rstest::rstest;

fn ask(bench: &mut Bench, path: &str, first_level_only: bool) -> (u32, Vec<String>) {
    let request = msg::GetInstances { obj_paths: vec![path.to_owned()], first_level_only };
    let resp = response!(bench.ask(ReqType::GetInstances(request)), GetInstancesResp);
    assert_eq!(resp.req_path_results[0].requested_path, path);
    let result = &resp.req_path_results[0];
    (result.err_code, result.curr_insts.iter().map(|instance| instance.instantiated_obj_path.clone()).collect())
}

#[rstest]
#[case("Device.LocalAgent.Controller.", true, &["Device.LocalAgent.Controller.1.", "Device.LocalAgent.Controller.2."])]
#[case("Device.LocalAgent.Controller.", false, &["Device.LocalAgent.Controller.1.", "Device.LocalAgent.Controller.1.MTP.1.", "Device.LocalAgent.Controller.2.", "Device.LocalAgent.Controller.2.MTP.1."])]
#[case("Device.LocalAgent.Controller.*.MTP.", true, &["Device.LocalAgent.Controller.1.MTP.1.", "Device.LocalAgent.Controller.2.MTP.1."])]
#[case("Device.LocalAgent.Controller.[Alias==\"cpe-2\"].MTP.", false, &["Device.LocalAgent.Controller.2.MTP.1."])]
#[case("Device.LocalAgent.Controller.[Alias==\"none\"].MTP.", false, &[])]
#[case("Device.LocalAgent.Subscription.", false, &[])]
fn instances(#[case] path: &str, #[case] first_level_only: bool, #[case] expected: &[&str]) {
    assert_eq!(
        ask(&mut Bench::new(), path, first_level_only),
        (0, expected.iter().map(|path| (*path).to_owned()).collect())
    );
}

#[rstest]
#[case("Device.LocalAgent.InvalidObject.", code::INVALID_PATH)]
#[case("Device.DeviceInfo.", code::NOT_A_TABLE)]
#[case("Device.LocalAgent.Controller.9.MTP.", code::OBJECT_DOES_NOT_EXIST)]
#[case("Device.LocalAgent..", code::INVALID_PATH_SYNTAX)]
fn failures(#[case] path: &str, #[case] expected: u32) {
    assert_eq!(ask(&mut Bench::new(), path, true), (expected, Vec::new()));
}

#[test]
fn unique_keys_come_along() {
    let request =
        msg::GetInstances { obj_paths: vec!["Device.LocalAgent.Controller.".to_owned()], first_level_only: true };
    let resp = response!(Bench::new().ask(ReqType::GetInstances(request)), GetInstancesResp);
    let keys = &resp.req_path_results[0].curr_insts[1].unique_keys;
    assert_eq!((keys["Alias"].as_str(), keys["EndpointID"].as_str(), keys.len()), ("cpe-2", SECOND, 2));
}
