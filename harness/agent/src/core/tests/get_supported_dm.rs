use super::*;
use crate::errors::code;
use msg::get_supported_dm_resp::{RequestedObjectResult, SupportedObjectResult};
use rstest::rstest;

fn ask(path: &str, first_level_only: bool, details: bool) -> RequestedObjectResult {
    let request = msg::GetSupportedDm {
        obj_paths: vec![path.to_owned()],
        first_level_only,
        return_commands: details,
        return_events: details,
        return_params: details,
        return_unique_key_sets: details,
    };
    let mut resp = response!(Bench::new().ask(ReqType::GetSupportedDm(request)), GetSupportedDmResp);
    resp.req_obj_results.remove(0)
}

fn find<'a>(result: &'a RequestedObjectResult, path: &str) -> &'a SupportedObjectResult {
    result.supported_objs.iter().find(|object| object.supported_obj_path == path).unwrap_or_else(|| panic!("{path}"))
}

#[test]
fn the_whole_tree_with_everything() {
    let result = ask("Device.", false, true);
    assert!(result.data_model_inst_uri.starts_with("urn:broadband-forum-org:tr-181-2-"));
    let subscription = find(&result, "Device.LocalAgent.Subscription.{i}.");
    assert!(subscription.is_multi_instance && subscription.access == 1);
    let keys: Vec<Vec<&str>> =
        subscription.unique_key_sets.iter().map(|set| set.key_names.iter().map(String::as_str).collect()).collect();
    assert_eq!(keys, [vec!["Alias"], vec!["Recipient", "ID"]]);
    for object in &result.supported_objs {
        assert!(object.supported_params.iter().all(|param| param.value_type != 0 && param.value_change != 0));
        assert!(object.supported_commands.iter().all(|command| command.command_type != 0));
    }
    let timer = find(&result, "Device.")
        .supported_commands
        .iter()
        .find(|command| command.command_name == "ScheduleTimer()")
        .unwrap();
    assert_eq!((timer.input_arg_names.as_slice(), timer.command_type), (&["DelaySeconds".to_owned()][..], 2));
}

#[test]
fn the_first_level_describes_the_object_and_lists_its_children() {
    let result = ask("Device.LocalAgent.Controller.", true, true);
    let paths: Vec<&str> = result.supported_objs.iter().map(|object| object.supported_obj_path.as_str()).collect();
    let base = "Device.LocalAgent.Controller.{i}.";
    assert_eq!(
        paths,
        ["", "TransferCompletePolicy.", "MTP.{i}.", "BootParameter.{i}."].map(|below| format!("{base}{below}"))
    );
    assert!(!result.supported_objs[0].supported_params.is_empty());
    for child in &result.supported_objs[1..] {
        assert!(
            child.supported_params.is_empty()
                && child.supported_commands.is_empty()
                && child.supported_events.is_empty()
        );
    }
    assert_eq!(result.supported_objs[2].unique_key_sets.len(), 2);
}

#[test]
fn what_is_not_asked_for_is_not_returned() {
    for object in ask("Device.", false, false).supported_objs {
        assert!(
            object.supported_params.is_empty()
                && object.unique_key_sets.is_empty()
                && object.supported_events.is_empty()
        );
    }
}

#[rstest]
#[case("Device.LocalAgent.Subscription", "Device.LocalAgent.Subscription.{i}.")]
#[case("Device.LocalAgent.Subscription.{i}.", "Device.LocalAgent.Subscription.{i}.")]
#[case("Device.LocalAgent.Controller.1.MTP.", "Device.LocalAgent.Controller.{i}.MTP.{i}.")]
#[case("Device.LocalAgent.Controller.{i}.MTP.{i}.WebSocket.", "Device.LocalAgent.Controller.{i}.MTP.{i}.WebSocket.")]
fn notations_of_the_same_object(#[case] path: &str, #[case] expected: &str) {
    let result = ask(path, true, false);
    assert_eq!((result.err_code, result.supported_objs[0].supported_obj_path.as_str()), (0, expected));
}

#[rstest]
#[case("Device.Reboot()", [1, 0, 0])]
#[case("Device.Boot!", [0, 1, 0])]
#[case("Device.LocalAgent.EndpointID", [0, 0, 1])]
#[case("Device.LocalAgent.Controller.{i}.Alias", [0, 0, 1])]
fn one_element_comes_alone(#[case] path: &str, #[case] expected: [usize; 3]) {
    let result = ask(path, false, true);
    let object = &result.supported_objs[0];
    assert_eq!(
        [object.supported_commands.len(), object.supported_events.len(), object.supported_params.len()],
        expected
    );
    assert_eq!((result.supported_objs.len(), object.unique_key_sets.len()), (1, 0));
}

#[rstest]
#[case("Device.LocalAgent.UnsupportedObject.", code::INVALID_PATH)]
#[case("Device.Nothing()", code::INVALID_PATH)]
#[case("Other.", code::INVALID_PATH)]
#[case("Device.LocalAgent.Controller.9.", code::OBJECT_DOES_NOT_EXIST)]
#[case("Device.LocalAgent.Controller.{i}.MTP.1.", code::INVALID_PATH_SYNTAX)]
#[case("Device.LocalAgent.Controller.*.MTP.", code::INVALID_PATH_SYNTAX)]
fn failures(#[case] path: &str, #[case] expected: u32) {
    let result = ask(path, false, true);
    assert_eq!((result.err_code, result.supported_objs.len(), result.req_obj_path.as_str()), (expected, 0, path));
}

#[test]
fn supported_protocol() {
    let request = msg::GetSupportedProtocol { controller_supported_protocol_versions: "1.0".to_owned() };
    let resp = response!(Bench::new().ask(ReqType::GetSupportedProtocol(request)), GetSupportedProtocolResp);
    assert_eq!(resp.agent_supported_protocol_versions, "1.0,1.1,1.2,1.3,1.4");
}
