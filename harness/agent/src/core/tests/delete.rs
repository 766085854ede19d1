use super::*;
use crate::errors::code;
use msg::delete_resp::deleted_object_result::operation_status::OperStatus;
use rstest::rstest;

fn bench() -> Bench {
    let mut bench = Bench::new();
    for (id, retry) in [("a", "true"), ("b", "false")] {
        bench.subscribe(id, "ValueChange", "Device.LocalAgent.SoftwareVersion", &[("NotifRetry", retry)]);
    }
    bench
}

/// The affected paths of a result, or its error code.
fn outcome(resp: &msg::DeleteResp, index: usize) -> Result<Vec<String>, u32> {
    match resp.deleted_obj_results[index].oper_status.clone().unwrap().oper_status.unwrap() {
        OperStatus::OperSuccess(success) => Ok(success.affected_paths),
        OperStatus::OperFailure(failure) => Err(failure.err_code),
    }
}

#[rstest]
#[case("Device.LocalAgent.Subscription.1.", &["Device.LocalAgent.Subscription.1."])]
#[case("Device.LocalAgent.Subscription.*.", &["Device.LocalAgent.Subscription.1.", "Device.LocalAgent.Subscription.2."])]
#[case("Device.LocalAgent.Subscription.[NotifRetry==false].", &["Device.LocalAgent.Subscription.2."])]
#[case("Device.LocalAgent.Subscription.[Alias==\"cpe-2\"].", &["Device.LocalAgent.Subscription.2."])]
#[case("Device.LocalAgent.Subscription.[Alias==\"none\"].", &[])]
#[case("Device.LocalAgent.Subscription.9.", &[])]
fn instances_go(#[case] path: &str, #[case] affected: &[&str]) {
    for allow_partial in [false, true] {
        let mut bench = bench();
        let resp = response!(bench.delete(&[path], allow_partial), DeleteResp);
        assert_eq!(resp.deleted_obj_results[0].requested_path, path);
        assert_eq!(outcome(&resp, 0), Ok(affected.iter().map(|path| (*path).to_owned()).collect()));
        assert_eq!(bench.rows(SUBSCRIPTIONS), 2 - affected.len());
    }
}

#[rstest]
#[case("Device.LocalAgent.InvalidObject.", code::INVALID_PATH)]
#[case("Device.LocalAgent.Subscription.", code::INVALID_PATH_SYNTAX)]
#[case("Device.DeviceInfo.", code::NOT_A_TABLE)]
#[case("Device.LocalAgent.Request.1.", code::DELETE_FAILURE)]
fn paths_that_fail(#[case] path: &str, #[case] expected: u32) {
    let paths = ["Device.LocalAgent.Subscription.1.", path];
    let mut bench = bench();
    assert_eq!(codes(bench.delete(&paths, false)), (expected, vec![(path.to_owned(), expected)]));
    assert_eq!(bench.rows(SUBSCRIPTIONS), 2, "nothing is gone");
    let resp = response!(bench.delete(&paths, true), DeleteResp);
    assert_eq!(outcome(&resp, 1), Err(expected));
    assert_eq!(bench.rows(SUBSCRIPTIONS), 1);
}

#[test]
fn subscriptions_go_with_their_controller() {
    let mut bench = Bench::new();
    bench.add_as(SECOND, "Device.LocalAgent.Subscription.", &[("ID", "theirs")]);
    bench.add("Device.LocalAgent.Subscription.", &[("ID", "ours")]);
    let resp = response!(bench.delete(&["Device.LocalAgent.Controller.2."], false), DeleteResp);
    assert_eq!(outcome(&resp, 0), Ok(vec!["Device.LocalAgent.Controller.2.".to_owned()]));
    assert_eq!(bench.rows(SUBSCRIPTIONS), 1);
    assert_eq!(bench.value("Device.LocalAgent.Subscription.2.ID"), "ours");
}

#[test]
fn an_instance_that_may_not_be_deleted_is_named() {
    let mut bench = Bench::new();
    bench.add("Device.LocalAgent.Subscription.", &[("ID", "x")]);
    let permission = [
        ("Enable", "true"),
        ("Targets", "Device.LocalAgent.Subscription."),
        ("Param", "rwxn"),
        ("Obj", "rwxn"),
        ("InstantiatedObj", "r---"),
    ];
    bench.add("Device.LocalAgent.ControllerTrust.Role.1.Permission.", &permission);
    let path = "Device.LocalAgent.Subscription.1.";
    assert_eq!(
        codes(bench.delete(&[path], false)),
        (code::PERMISSION_DENIED, vec![(path.to_owned(), code::PERMISSION_DENIED)])
    );
    let resp = response!(bench.delete(&["Device.LocalAgent.Subscription.*."], true), DeleteResp);
    let status = resp.deleted_obj_results[0].oper_status.clone().unwrap().oper_status.unwrap();
    let OperStatus::OperSuccess(success) = status else { panic!("{status:?}") };
    assert_eq!((success.affected_paths.len(), success.unaffected_path_errs[0].unaffected_path.as_str()), (0, path));
}
