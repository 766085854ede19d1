use super::*;
use crate::errors::code;
use msg::add_resp::created_object_result::operation_status::{OperStatus, OperationSuccess};
use rstest::rstest;

const TABLE: &str = "Device.LocalAgent.Subscription.";

fn failure(resp: &msg::AddResp, index: usize) -> u32 {
    match resp.created_obj_results[index].oper_status.as_ref().unwrap().oper_status.as_ref().unwrap() {
        OperStatus::OperFailure(failure) => failure.err_code,
        OperStatus::OperSuccess(success) => panic!("{success:?}"),
    }
}

#[test]
fn a_subscription_gets_its_keys_and_values() {
    let mut bench = Bench::new();
    let settings = [
        ("Enable", "true"),
        ("ID", "add1"),
        ("NotifType", "ValueChange"),
        ("ReferenceList", "Device.LocalAgent.SoftwareVersion"),
    ];
    let resp = response!(bench.ask(ReqType::Add(add_request(false, &[(TABLE, &settings)]))), AddResp);
    let success = add_success(&resp, 0);
    assert_eq!(success.instantiated_path, "Device.LocalAgent.Subscription.1.");
    assert!(success.param_errs.is_empty());
    let keys: Vec<(&str, &str)> =
        success.unique_keys.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(keys, [("Alias", "cpe-1"), ("ID", "add1"), ("Recipient", "Device.LocalAgent.Controller.1")]);
    for (name, value) in settings {
        assert_eq!(bench.value(&format!("{TABLE}1.{name}")), value);
    }
    assert_eq!(bench.value("Device.LocalAgent.Subscription.1.CreationDate"), "2026-01-01T00:00:00Z");
}

#[rstest]
#[case(TABLE, &[("Enable", "InvalidValue")], code::REQUIRED_PARAMETER_FAILED, ("Device.LocalAgent.Subscription.Enable", code::INVALID_TYPE))]
#[case(TABLE, &[("NotifType", "Other")], code::REQUIRED_PARAMETER_FAILED, ("Device.LocalAgent.Subscription.NotifType", code::INVALID_VALUE))]
#[case(TABLE, &[("Nothing", "x")], code::REQUIRED_PARAMETER_FAILED, ("Device.LocalAgent.Subscription.Nothing", code::UNSUPPORTED_PARAMETER))]
#[case(TABLE, &[("CreationDate", "2026-01-01T00:00:00Z")], code::REQUIRED_PARAMETER_FAILED, ("Device.LocalAgent.Subscription.CreationDate", code::NON_WRITEABLE_PARAMETER))]
#[case("Device.LocalAgent.InvalidObject.", &[], code::INVALID_PATH, ("Device.LocalAgent.InvalidObject.", code::INVALID_PATH))]
#[case("Device.LocalAgent.", &[], code::NOT_A_TABLE, ("Device.LocalAgent.", code::NOT_A_TABLE))]
#[case("Device.LocalAgent.Request.", &[], code::NON_CREATABLE_OBJECT, ("Device.LocalAgent.Request.", code::NON_CREATABLE_OBJECT))]
#[case("Device.LocalAgent.Controller.9.BootParameter.", &[], code::OBJECT_DOES_NOT_EXIST, ("Device.LocalAgent.Controller.9.BootParameter.", code::OBJECT_DOES_NOT_EXIST))]
fn a_failure_without_partial_success_is_an_error(
    #[case] path: &str,
    #[case] settings: &[(&str, &str)],
    #[case] expected: u32,
    #[case] detail: (&str, u32),
) {
    let mut bench = Bench::new();
    let first: (&str, &[(&str, &str)]) = (TABLE, &[("ID", "first")]);
    let body = bench.ask(ReqType::Add(add_request(false, &[first, (path, settings)])));
    assert_eq!(codes(body), (expected, vec![(detail.0.to_owned(), detail.1)]));
    assert_eq!(bench.rows(SUBSCRIPTIONS), 0, "nothing stays");
}

#[test]
fn with_partial_success_the_others_are_made() {
    let mut bench = Bench::new();
    let objects: [(&str, &[(&str, &str)]); 2] =
        [(TABLE, &[("ID", "good")]), (TABLE, &[("Enable", "bad"), ("ID", "bad")])];
    let resp = response!(bench.ask(ReqType::Add(add_request(true, &objects))), AddResp);
    assert_eq!(add_success(&resp, 0).unique_keys["ID"], "good");
    assert_eq!(failure(&resp, 1), code::REQUIRED_PARAMETER_FAILED);
    assert_eq!(bench.rows(SUBSCRIPTIONS), 1);
}

#[test]
fn parameters_that_are_not_required_may_fail_but_keys_may_not() {
    let mut bench = Bench::new();
    let mut request = add_request(false, &[(TABLE, &[("Enable", "True"), ("ID", "x")])]);
    for setting in &mut request.create_objs[0].param_settings {
        setting.required = false;
    }
    let resp = response!(bench.ask(ReqType::Add(request.clone())), AddResp);
    let errors = &add_success(&resp, 0).param_errs;
    assert_eq!((errors.len(), errors[0].param.as_str(), errors[0].err_code), (1, "Enable", code::INVALID_TYPE));
    "Alias".clone_into(&mut request.create_objs[0].param_settings[1].param);
    "88InvalidAlias".clone_into(&mut request.create_objs[0].param_settings[1].value);
    let (_, details) = codes(bench.ask(ReqType::Add(request)));
    assert_eq!(details, [("Device.LocalAgent.Subscription.Alias".to_owned(), code::INVALID_VALUE)]);
}

#[test]
fn equal_keys_are_refused() {
    let mut bench = Bench::new();
    bench.add(TABLE, &[("ID", "same")]);
    let (expected, details) = codes(bench.ask(ReqType::Add(add_request(false, &[(TABLE, &[("ID", "same")])]))));
    assert_eq!((expected, details[0].1), (code::DUPLICATE_KEY, code::DUPLICATE_KEY));
    // The ID is unique per Recipient only.
    bench.add_as(SECOND, TABLE, &[("ID", "same")]);
}

#[test]
fn keys_that_are_left_open_are_chosen_and_differ() {
    let mut bench = Bench::new();
    let resp = response!(bench.ask(ReqType::Add(add_request(false, &[(TABLE, &[]), (TABLE, &[])]))), AddResp);
    let (first, second) = (&add_success(&resp, 0).unique_keys, &add_success(&resp, 1).unique_keys);
    assert!(
        first["ID"] != second["ID"] && first["Alias"] != second["Alias"] && first["Recipient"] == second["Recipient"]
    );
}

#[test]
fn search_paths_add_to_every_match() {
    let mut bench = Bench::new();
    let path = "Device.LocalAgent.Controller.[Enable==true].BootParameter.";
    let settings = [("Enable", "true"), ("ParameterName", "Device.LocalAgent.SoftwareVersion")];
    let resp = response!(bench.ask(ReqType::Add(add_request(false, &[(path, &settings)]))), AddResp);
    assert_eq!(resp.created_obj_results.len(), 2);
    assert!(resp.created_obj_results.iter().all(|result| result.requested_path == path));
    assert_eq!(add_success(&resp, 1).instantiated_path, "Device.LocalAgent.Controller.2.BootParameter.1.");
    let none = "Device.LocalAgent.Controller.[Enable==false].BootParameter.";
    let resp = response!(bench.ask(ReqType::Add(add_request(false, &[(none, &settings)]))), AddResp);
    assert_eq!(*add_success(&resp, 0), OperationSuccess::default());
}

#[test]
fn parameters_of_single_objects_below_can_be_set() {
    let mut bench = Bench::new();
    let path = bench.add("Device.LocalAgent.MTP.", &[("WebSocket.Port", "81")]);
    assert_eq!(bench.value(&format!("{path}WebSocket.Port")), "81");
}

#[rstest]
#[case(Fault::ObjectDeletionIsRefused, "ObjectDeletion", "Device.LocalAgent.Subscription.", true)]
#[case(Fault::ObjectDeletionIsRefused, "ObjectCreation", "Device.LocalAgent.Subscription.", false)]
#[case(Fault::SubscriptionSearchIsRefused, "ValueChange", "Device.LocalAgent.Controller.*.Enable", true)]
#[case(Fault::SubscriptionSearchIsRefused, "ValueChange", "Device.LocalAgent.Controller.1.Enable", false)]
fn a_faulty_agent_may_refuse_subscriptions(
    #[case] fault: Fault,
    #[case] kind: &str,
    #[case] references: &str,
    #[case] refused: bool,
) {
    let mut bench = Bench::with([fault]);
    let settings = [("ID", "one"), ("NotifType", kind), ("ReferenceList", references)];
    let answer = bench.ask(ReqType::Add(add_request(false, &[("Device.LocalAgent.Subscription.", &settings)])));
    assert_eq!((matches!(answer, MsgBody::Error(_)), bench.rows(SUBSCRIPTIONS)), (refused, usize::from(!refused)));
}
