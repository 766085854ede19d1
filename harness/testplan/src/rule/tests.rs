mod mtps;

use rstest::rstest;
use serde_json::{Value, json};
use uspec_usp::schema::MessageKind;

use super::*;
use crate::{
    case::{Action, Answer, Ending, Expected, MtpAction, MtpEvent},
    testing::{Story, await_notify},
    trace::{ConnectionState, Phase},
    verdict::Outcome,
};

const SUBSCRIPTION: &str = "Device.S.";

/// An Add of two objects that answers with these `oper_success`.
fn add(story: Story, settings: &Value, successes: &[Value]) -> Story {
    let create: Vec<_> =
        successes.iter().map(|_| json!({"obj_path": SUBSCRIPTION, "param_settings": settings})).collect();
    let results: Vec<_> = successes
        .iter()
        .map(|success| json!({"requested_path": SUBSCRIPTION, "oper_status": {"oper_success": success}}))
        .collect();
    story.exchange("add", MessageKind::Add, json!({"create_objs": create}), &json!({"created_obj_results": results}))
}

fn created(path: &str, keys: &Value) -> Value {
    json!({"instantiated_path": path, "unique_keys": keys})
}

fn keyed(keys: &Value, shown: &Value) -> Story {
    let story = add(Story::new(), &json!([]), &[created("Device.S.1.", keys)]);
    let with = json!({"of": "add", "read": "get", "keys": ["ID"], "optional": ["Alias"]});
    story.get("get", "Device.S.1.", &json!({"Device.S.1.": shown})).rule("unique_keys", with)
}

fn valued(settings: &Value, shown: &Value) -> Story {
    let story = add(Story::new(), settings, &[created("Device.S.1.", &json!({}))]);
    story.get("get", "Device.S.1.", shown).rule("values_match", json!({"of": "add", "read": "get"}))
}

fn instances(before: &Value, after: &Value, with: &Value) -> Story {
    let mut arguments = json!({"before": "before", "after": "after", "table": SUBSCRIPTION});
    arguments.as_object_mut().unwrap().extend(with.as_object().unwrap().clone());
    let story = Story::new().variable("old", "Device.S.1.").phase(Phase::Setup).get("before", SUBSCRIPTION, before);
    let story = add(story.phase(Phase::Procedure), &json!([]), &[created("Device.S.2.", &json!({}))]);
    story.get("after", SUBSCRIPTION, after).rule("same_instances", arguments)
}

fn delete(affected: &[&str]) -> Story {
    let response = json!({"deleted_obj_results": [
        {"requested_path": "Device.S.*.", "oper_status": {"oper_success": {"affected_paths": affected}}}
    ]});
    Story::new().exchange("delete", MessageKind::Delete, json!({"obj_paths": ["Device.S.*."]}), &response)
}

fn gone(affected: &[&str], left: &Value) -> Story {
    delete(affected).get("after", SUBSCRIPTION, left).rule("instances_gone", json!({"of": "delete", "read": "after"}))
}

fn failed_get(story: Story, label: &str, path: &str, code: u32) -> Story {
    let body = json!({"req_path_results": [{"requested_path": path, "err_code": code}]});
    story.exchange(label, MessageKind::Get, json!({"param_paths": [path]}), &body)
}

/// Three rows, and a Get that found these of them.
fn search(found: &[&str], condition: Value, only: Option<&str>) -> Story {
    let all = json!({
        "Device.S.1.": {"N": "5", "On": "true", "List": "a, b", "At": "2021-01-01T00:00:00Z"},
        "Device.S.1.Sub.": {"X": "1"},
        "Device.S.2.": {"N": "10", "On": "0", "List": "ab", "At": "2022-01-01T00:00:00Z"},
        "Device.S.3.": {"N": "50", "On": "1", "List": "", "At": "0001-01-01T00:00:00Z"}
    });
    let objects: serde_json::Map<_, _> = found.iter().map(|path| ((*path).to_owned(), json!({}))).collect();
    let mut with = json!({"found": "found", "all": "all", "table": SUBSCRIPTION});
    if !condition.is_null() {
        with["where"] = condition;
    }
    if let Some(only) = only {
        with["only"] = json!(only);
    }
    let story = Story::new().get("all", SUBSCRIPTION, &all).get("found", "Device.S.*.", &Value::Object(objects));
    story.rule("search_matches", with)
}

fn condition(parameter: &str, op: &str, value: &str) -> Value {
    json!({"parameter": parameter, "op": op, "value": value})
}

const R1: &str = "Device.S.1.";
const R2: &str = "Device.S.2.";
const R3: &str = "Device.S.3.";

fn keys_of(rule: &str, values: &[Option<&str>], optional: bool) -> Story {
    let success = |(index, value): (usize, Option<&str>)| {
        let keys = value.map_or_else(|| json!({}), |value| json!({"ID": value}));
        created(&format!("Device.S.{}.", index + 1), &keys)
    };
    let successes: Vec<_> = values.iter().copied().enumerate().map(success).collect();
    add(Story::new(), &json!([]), &successes).rule(rule, json!({"of": "add", "key": "ID", "optional": optional}))
}

fn get_instances(story: Story, label: &str, first_level: bool, rows: &[(&str, Value)]) -> Story {
    let rows: Vec<_> =
        rows.iter().map(|(path, keys)| json!({"instantiated_obj_path": path, "unique_keys": keys})).collect();
    let request = json!({"obj_paths": [SUBSCRIPTION], "first_level_only": first_level});
    let response = json!({"req_path_results": [{"requested_path": SUBSCRIPTION, "curr_insts": rows}]});
    story.exchange(label, MessageKind::GetInstances, request, &response)
}

fn listed(rows: &[&str], first_level: bool) -> Story {
    let objects = json!({"Device.S.1.": {"A": "1"}, "Device.S.1.T.4.": {"B": "1"}, "Device.S.2.": {"A": "1"}});
    let rows: Vec<_> = rows.iter().map(|path| (*path, json!({}))).collect();
    let story = Story::new().get("get", SUBSCRIPTION, &objects);
    get_instances(story, "of", first_level, &rows).rule("lists_all_instances", json!({"of": "of", "read": "get"}))
}

fn gsdm(story: Story, label: &str, requested: &str, objects: &Value) -> Story {
    let request = json!({"obj_paths": [requested], "return_params": true});
    let response = json!({"req_obj_results": [{"req_obj_path": requested, "supported_objs": objects}]});
    story.exchange(label, MessageKind::GetSupportedDM, request, &response)
}

fn param(name: &str) -> Value {
    json!({"param_name": name, "value_type": "PARAM_STRING", "value_change": "VALUE_CHANGE_ALLOWED"})
}

/// The model of the tree that the tests of whole trees use.
fn tree() -> Value {
    json!([
        {"supported_obj_path": "Device.L.", "supported_params": [param("E")]},
        {"supported_obj_path": "Device.L.Empty."},
        {"supported_obj_path": "Device.L.One.", "supported_params": [param("O")]},
        {"supported_obj_path": "Device.L.M.{i}.", "is_multi_instance": true, "supported_params": [param("P")]},
        {"supported_obj_path": "Device.L.M.{i}.In.", "supported_params": [param("I")]},
        {"supported_obj_path": "Device.L.M.{i}.Opt.Deep.", "supported_params": [param("D")]}
    ])
}

fn covered(objects: &Value, depth: Option<usize>) -> Story {
    let story = gsdm(Story::new(), "dm", "Device.L.", &tree());
    let response = json!({"req_path_results": [{"requested_path": "Device.L.M.", "curr_insts": [{"instantiated_obj_path": "Device.L.M.7."}]}]});
    let story = story.exchange("rows", MessageKind::GetInstances, json!({"obj_paths": ["Device.L.M."]}), &response);
    let mut with = json!({"of": "get", "instances": "rows", "dm": "dm", "optional": ["Device.L.M.{i}.Opt."]});
    if let Some(depth) = depth {
        with["depth"] = json!(depth);
    }
    story.get("get", "Device.L.", objects).rule("sub_objects", with)
}

fn parametered(objects: &Value) -> Story {
    let model = json!([{"supported_obj_path": "Device.L.", "supported_params": [
        param("E"), param("F"), {"param_name": "W", "access": "PARAM_WRITE_ONLY"}
    ]}]);
    gsdm(Story::new(), "dm", "Device.L.", &model)
        .get("get", "Device.L.", objects)
        .rule("object_parameters", json!({"of": "get", "dm": "dm"}))
}

fn reread(objects: &Value) -> Story {
    let all = json!({"Device.S.1.": {"A": "1", "B": "2"}});
    Story::new()
        .get("all", SUBSCRIPTION, &all)
        .get("get", "Device.S.1.", objects)
        .rule("object_parameters", json!({"of": "get", "read": "all"}))
}

fn versions(list: &str) -> Story {
    let story = Story::new().exchange(
        "v",
        MessageKind::GetSupportedProtocol,
        json!({"controller_supported_protocol_versions": "1.3"}),
        &json!({"agent_supported_protocol_versions": list}),
    );
    story.rule("protocol_versions", json!({"of": "v"}))
}

fn exist(read: &Value) -> Story {
    let story = add(Story::new(), &json!([]), &[created(R1, &json!({})), created(R2, &json!({}))]);
    story.get("get", SUBSCRIPTION, read).rule("instances_exist", json!({"of": "add", "read": "get"}))
}

/// Notifies after these pauses in milliseconds.
fn retried(pauses: &[u64], first: u64) -> Story {
    let body = json!({"subscription_id": "s", "event": {"obj_path": "Device.", "event_name": "Boot!"}});
    let notify = |story: Story, label: &str, pause: u64| {
        let story = story.step(label, await_notify("s")).wait(pause);
        story.message(uspec_usp::schema::Content::Request(MessageKind::Notify), "n", &body).matched()
    };
    let labels: Vec<_> = (0..pauses.len()).map(|index| format!("retry{index}")).collect();
    let story = notify(Story::new(), "start", 0);
    let story = pauses.iter().zip(&labels).fold(story, |story, (pause, label)| notify(story, label, *pause));
    let with = json!({"start": "start", "attempts": labels, "minimum": "5s", "multiplier": "2000", "first": first});
    story.rule("retry_interval", with)
}

/// A Request that takes `takes` milliseconds to be answered, and an event that comes `later` milliseconds after the answer; the
/// profile's tolerance is a second.
fn spaced(takes: u64, later: u64, mut with: Value) -> Story {
    let body = json!({"param_paths": [R1]});
    let story =
        Story::new().ask("asked", MessageKind::Get, body).wait(takes).response(&json!({"req_path_results": []}));
    let notify = json!({"subscription_id": "s", "event": {"obj_path": "Device.", "event_name": "Boot!"}});
    let story = story.matched().step("came", await_notify("s")).wait(later);
    let story = story.message(uspec_usp::schema::Content::Request(MessageKind::Notify), "n", &notify).matched();
    with["from"] = json!("asked");
    with["to"] = json!("came");
    story.rule("interval", with)
}

#[rstest]
#[case("unique_keys", keyed(&json!({"ID": "a"}), &json!({"ID": "a"})), Outcome::Met)]
#[case("unique_keys", keyed(&json!({"ID": "a", "Alias": "b"}), &json!({"ID": "a", "Alias": "b"})), Outcome::Met)]
#[case("unique_keys", keyed(&json!({"ID": "a"}), &json!({"ID": "a", "Alias": "b"})), Outcome::Unmet)]
#[case("unique_keys", keyed(&json!({"ID": "a", "Alias": "b"}), &json!({"ID": "a"})), Outcome::Unmet)]
#[case("unique_keys", keyed(&json!({}), &json!({"ID": "a"})), Outcome::Unmet)]
#[case("unique_keys", keyed(&json!({"ID": "a", "X": "b"}), &json!({"ID": "a", "X": "b"})), Outcome::Unmet)]
#[case("unique_keys", keyed(&json!({"ID": "a"}), &json!({"ID": "b"})), Outcome::Unmet)]
#[case("values_match", valued(&json!([{"param": "On", "value": "true"}]), &json!({"Device.S.1.": {"On": "1"}})), Outcome::Met)]
#[case("values_match", valued(&json!([{"param": "Sub.X", "value": "a"}]), &json!({"Device.S.1.Sub.": {"X": "a"}})), Outcome::Met)]
#[case("values_match", valued(&json!([{"param": "On", "value": "true"}]), &json!({"Device.S.1.": {"On": "false"}})), Outcome::Unmet)]
#[case("values_match", valued(&json!([{"param": "On", "value": "true"}]), &json!({"Device.S.1.": {}})), Outcome::Unmet)]
#[case("values_match", valued(&json!([]), &json!({"Device.S.1.": {}})), Outcome::Unmet)]
#[case("same_instances", instances(&json!({R1: {}}), &json!({R1: {"A": "1"}}), &json!({})), Outcome::Met)]
#[case("same_instances", instances(&json!({R1: {}}), &json!({R1: {}, R2: {}}), &json!({})), Outcome::Unmet)]
#[case("same_instances", instances(&json!({R1: {}}), &json!({}), &json!({})), Outcome::Unmet)]
#[case("same_instances", instances(&json!({R1: {}}), &json!({R1: {}, R2: {}, "Device.S.2.Sub.": {}}), &json!({"added": "add"})), Outcome::Met)]
#[case("same_instances", instances(&json!({R1: {}}), &json!({R1: {}}), &json!({"added": "add"})), Outcome::Unmet)]
#[case("same_instances", instances(&json!({R1: {}, R2: {}}), &json!({R2: {}}), &json!({"removed": ["{{old}}"]})), Outcome::Met)]
#[case("same_instances", instances(&json!({R1: {}}), &json!({R1: {}}), &json!({"removed": ["{{old}}"]})), Outcome::Unmet)]
#[case("same_instances", instances(&json!({R1: {}}), &json!({}), &json!({"removed": ["{{gone}}"]})), Outcome::Unknown)]
#[case("same_instances", failed_get(failed_get(Story::new(), "before", SUBSCRIPTION, 7026), "after", SUBSCRIPTION, 7026)
    .rule("same_instances", json!({"before": "before", "after": "after", "table": SUBSCRIPTION})), Outcome::Unknown)]
#[case("instances_gone", gone(&[R1], &json!({R2: {}})), Outcome::Met)]
#[case("instances_gone", gone(&[R1], &json!({"Device.S.1.Sub.": {}})), Outcome::Unmet)]
#[case("instances_gone", gone(&[], &json!({})), Outcome::Unmet)]
#[case("instances_gone", failed_get(delete(&[R1]), "after", R1, 7026).rule("instances_gone", json!({"of": "delete", "read": "after"})), Outcome::Met)]
#[case("instances_gone", failed_get(delete(&[R1]), "after", R1, 7006).rule("instances_gone", json!({"of": "delete", "read": "after"})), Outcome::Unknown)]
#[case("search_matches", search(&[R1, R2, R3], Value::Null, None), Outcome::Met)]
#[case("search_matches", search(&[R1, "Device.S.1.Sub.", R2, R3], Value::Null, None), Outcome::Met)]
#[case("search_matches", search(&[R1, R2], Value::Null, None), Outcome::Unmet)]
#[case("search_matches", search(&[R3], condition("N", ">", "10"), None), Outcome::Met)]
#[case("search_matches", search(&[R2, R3], condition("N", ">", "10"), None), Outcome::Unmet)]
#[case("search_matches", search(&[R2, R3], condition("N", ">", "10"), Some("complete")), Outcome::Met)]
#[case("search_matches", search(&[], condition("N", ">", "10"), Some("sound")), Outcome::Met)]
#[case("search_matches", search(&[], condition("N", ">", "10"), Some("complete")), Outcome::Unmet)]
#[case("search_matches", search(&[R2, R3], condition("N", ">=", "10"), None), Outcome::Met)]
#[case("search_matches", search(&[R1], condition("N", "<", "10"), None), Outcome::Met)]
#[case("search_matches", search(&[R1, R2], condition("N", "<=", "10"), None), Outcome::Met)]
#[case("search_matches", search(&[R1, R3], condition("On", "==", "true"), None), Outcome::Met)]
#[case("search_matches", search(&[R2], condition("On", "!=", "true"), None), Outcome::Met)]
#[case("search_matches", search(&[R1], condition("List", "~=", "b"), None), Outcome::Met)]
#[case("search_matches", search(&[R1], condition("At", "<", "2021-06-06T08:00:00Z"), None), Outcome::Met)]
#[case("search_matches", search(&[R1], condition("Sub.X", "==", "1"), None), Outcome::Met)]
#[case("search_matches", search(&[R1], condition("Unseen", "==", "1"), None), Outcome::Unknown)]
#[case("search_matches", search(&["Device.T.1."], condition("N", ">", "100"), None), Outcome::Unmet)]
#[case("distinct", keys_of("distinct", &[Some("a"), Some("b")], false), Outcome::Met)]
#[case("distinct", keys_of("distinct", &[Some("a"), Some("a")], false), Outcome::Unmet)]
#[case("distinct", keys_of("distinct", &[Some("a"), None], false), Outcome::Unmet)]
#[case("distinct", keys_of("distinct", &[None, None], false), Outcome::Unmet)]
#[case("distinct", keys_of("distinct", &[None, None], true), Outcome::Met)]
#[case("distinct", keys_of("distinct", &[Some("a")], false), Outcome::Unmet)]
#[case("identical", keys_of("identical", &[Some("a"), Some("a")], false), Outcome::Met)]
#[case("identical", keys_of("identical", &[Some("a"), Some("b")], false), Outcome::Unmet)]
#[case("lists_all_instances", listed(&[R1, "Device.S.1.T.4.", R2], false), Outcome::Met)]
#[case("lists_all_instances", listed(&[R1, R2], false), Outcome::Unmet)]
#[case("lists_all_instances", listed(&[R1, R2], true), Outcome::Met)]
#[case("lists_all_instances", listed(&[R1], true), Outcome::Unmet)]
#[case("sub_objects", covered(&json!({"Device.L.": {}, "Device.L.One.": {}, "Device.L.M.7.": {}, "Device.L.M.7.In.": {}}), None), Outcome::Met)]
#[case("sub_objects", covered(&json!({"Device.L.": {}, "Device.L.One.": {}, "Device.L.M.7.": {"In.I": "1"}}), None), Outcome::Met)]
#[case("sub_objects", covered(&json!({"Device.L.": {}, "Device.L.One.": {}, "Device.L.M.7.": {}}), None), Outcome::Unmet)]
#[case("sub_objects", covered(&json!({"Device.L.": {}, "Device.L.M.7.": {}, "Device.L.M.7.In.": {}}), None), Outcome::Unmet)]
#[case("sub_objects", covered(&json!({"Device.L.": {}, "Device.L.One.": {}, "Device.L.M.7.": {}}), Some(2)), Outcome::Met)]
#[case("sub_objects", covered(&json!({"Device.L.": {}, "Device.L.One.": {}, "Device.L.M.7.": {}, "Device.L.M.7.In.": {}}), Some(2)), Outcome::Unmet)]
#[case("sub_objects", covered(&json!({"Device.L.": {}}), Some(1)), Outcome::Met)]
#[case("sub_objects", covered(&json!({"Device.L.": {}, "Device.Q.": {}}), Some(1)), Outcome::Unmet)]
#[case("object_parameters", parametered(&json!({"Device.L.": {"E": "1", "F": "2"}})), Outcome::Met)]
#[case("object_parameters", parametered(&json!({"Device.L.": {"E": "1", "F": "2", "W": ""}})), Outcome::Met)]
#[case("object_parameters", parametered(&json!({"Device.L.": {"E": "1"}})), Outcome::Unmet)]
#[case("object_parameters", parametered(&json!({"Device.L.": {"E": "1", "F": "2", "G": "3"}})), Outcome::Unmet)]
#[case("object_parameters", parametered(&json!({})), Outcome::Unknown)]
#[case("object_parameters", reread(&json!({"Device.S.1.": {"B": "9", "A": "1"}})), Outcome::Met)]
#[case("object_parameters", reread(&json!({"Device.S.1.": {"A": "1"}})), Outcome::Unmet)]
#[case("protocol_versions", versions("1.0,1.1,1.3"), Outcome::Met)]
#[case("protocol_versions", versions("1.3"), Outcome::Met)]
#[case("protocol_versions", versions(""), Outcome::Unmet)]
#[case("protocol_versions", versions("1.0;1.1"), Outcome::Unmet)]
#[case("protocol_versions", versions("1.0,,1.1"), Outcome::Unmet)]
#[case("instances_exist", exist(&json!({R1: {}, R2: {}})), Outcome::Met)]
#[case("instances_exist", exist(&json!({R1: {}})), Outcome::Unmet)]
#[case("interval", spaced(0, 10_000, json!({"earliest": "9s", "latest": "11s"})), Outcome::Met)]
#[case("interval", spaced(0, 10_000, json!({"earliest": "12s"})), Outcome::Unmet)]
#[case("interval", spaced(0, 10_000, json!({"latest": "8s"})), Outcome::Unmet)]
#[case("interval", spaced(0, 10_000, json!({"latest": "8s", "tolerance": "3s"})), Outcome::Met)]
#[case("interval", spaced(0, 10_500, json!({"earliest": "11s", "latest": "11s"})), Outcome::Met)]
// It may have acted at any time between the Request and its answer.
#[case("interval", spaced(5_000, 10_000, json!({"earliest": "14s"})), Outcome::Met)]
#[case("interval", spaced(5_000, 10_000, json!({"latest": "11s"})), Outcome::Met)]
#[case("interval", spaced(5_000, 10_000, json!({"earliest": "17s"})), Outcome::Unmet)]
#[case("interval", spaced(5_000, 10_000, json!({"latest": "8500ms"})), Outcome::Unmet)]
#[case("interval", spaced(0, 10_000, json!({"latest": "{{longest}}s"})).variable("longest", "10"), Outcome::Met)]
#[case("interval", spaced(0, 10_000, json!({"latest": "{{longest}}s"})), Outcome::Unknown)]
#[case("interval", spaced(0, 10_000, json!({"latest": "{{longest}}s"})).variable("longest", "-3"), Outcome::Unknown)]
#[case("retry_interval", retried(&[7_000, 15_000], 1), Outcome::Met)]
#[case("retry_interval", retried(&[7_000, 7_000], 1), Outcome::Unmet)]
#[case("retry_interval", retried(&[2_000], 1), Outcome::Unmet)]
#[case("retry_interval", retried(&[4_500], 1), Outcome::Met)]
#[case("retry_interval", retried(&[12_000], 1), Outcome::Unmet)]
#[case("retry_interval", retried(&[12_000], 2), Outcome::Met)]
fn rules_see_good_and_bad(#[case] rule: &str, #[case] story: Story, #[case] expected: Outcome) {
    let (outcome, findings) = story.outcome();
    assert_eq!(outcome, expected, "{rule}: {findings:#?}");
    assert!(!findings.is_empty());
}

fn aspect(check: &str, objects: &Value) -> Story {
    gsdm(Story::new(), "gsdm", "Device.L.", objects).rule("supported_dm", json!({"of": "gsdm", "check": check}))
}

fn one_param(parameter: &Value) -> Story {
    aspect("parameters", &json!([{"supported_obj_path": "Device.L.", "supported_params": [parameter]}]))
}

fn one_command(command: &Value) -> Story {
    aspect("commands", &json!([{"supported_obj_path": "Device.L.", "supported_commands": [command]}]))
}

fn one_event(event: &Value) -> Story {
    aspect("events", &json!([{"supported_obj_path": "Device.L.", "supported_events": [event]}]))
}

fn keyed_table(sets: &Value, rows: &[(&str, Value)], every: bool) -> Story {
    let story = get_instances(Story::new(), "rows", false, rows);
    let object = json!({"supported_obj_path": "Device.S.{i}.", "is_multi_instance": true, "unique_key_sets": sets,
        "supported_params": [param("K"), param("L")]});
    let with = json!({"of": "gsdm", "check": "unique_keys", "instances": "rows", "every_table": every});
    gsdm(story, "gsdm", SUBSCRIPTION, &json!([object])).rule("supported_dm", with)
}

fn against_read(check: &str, objects: &Value) -> Story {
    let existing = json!({"Device.L.": {"E": "1"}, "Device.L.M.7.": {"P": "1"}});
    let story = gsdm(Story::new().get("existing", "Device.L.", &existing), "gsdm", "Device.L.", objects);
    story.rule("supported_dm", json!({"of": "gsdm", "check": check, "read": "existing"}))
}

fn first_level(paths: &[&str]) -> Story {
    let objects: Vec<_> = paths.iter().map(|path| json!({"supported_obj_path": path})).collect();
    let story = gsdm(gsdm(Story::new(), "tree", "Device.L.", &tree()), "gsdm", "Device.L.", &json!(objects));
    story.rule("supported_dm", json!({"of": "gsdm", "check": "first_level", "tree": "tree"}))
}

fn element(requested: &str, objects: &Value) -> Story {
    gsdm(Story::new(), "gsdm", requested, objects).rule("supported_dm", json!({"of": "gsdm", "check": "element"}))
}

#[rstest]
#[case(one_param(&param("A")), Outcome::Met)]
#[case(one_param(&param("Sub.A")), Outcome::Met)]
#[case(one_param(&param("Device.L.A")), Outcome::Unmet)]
#[case(one_param(&param("")), Outcome::Unmet)]
#[case(one_param(&json!({"param_name": "A", "value_change": "VALUE_CHANGE_ALLOWED"})), Outcome::Unmet)]
#[case(one_param(&json!({"param_name": "A", "value_type": "PARAM_INT"})), Outcome::Unmet)]
#[case(one_param(&json!({"param_name": "A", "value_type": 99, "value_change": "VALUE_CHANGE_ALLOWED"})), Outcome::Unmet)]
#[case(one_param(&json!({"param_name": "A", "access": 9, "value_type": "PARAM_INT", "value_change": "VALUE_CHANGE_ALLOWED"})), Outcome::Unmet)]
#[case(one_command(&json!({"command_name": "Go()", "command_type": "CMD_SYNC", "input_arg_names": ["A", "B.{i}."], "output_arg_names": ["R.{i}.X"]})), Outcome::Met)]
#[case(one_command(&json!({"command_name": "Go", "command_type": "CMD_SYNC"})), Outcome::Unmet)]
#[case(one_command(&json!({"command_name": "Go()"})), Outcome::Unmet)]
#[case(one_command(&json!({"command_name": "Go()", "command_type": "CMD_ASYNC", "input_arg_names": ["Device.L.A"]})), Outcome::Unmet)]
#[case(one_command(&json!({"command_name": "Go()", "command_type": "CMD_ASYNC", "output_arg_names": [""]})), Outcome::Unmet)]
#[case(one_event(&json!({"event_name": "Boot!", "arg_names": ["Cause"]})), Outcome::Met)]
#[case(one_event(&json!({"event_name": "Boot"})), Outcome::Unmet)]
#[case(one_event(&json!({"event_name": "Boot!", "arg_names": ["Device.Cause"]})), Outcome::Unmet)]
#[case(keyed_table(&json!([{"key_names": ["K"]}]), &[(R1, json!({"K": "a"})), (R2, json!({"K": "b"}))], false), Outcome::Met)]
#[case(keyed_table(&json!([{"key_names": ["K"]}]), &[(R1, json!({"K": "a"})), (R2, json!({"K": "a"}))], false), Outcome::Unmet)]
#[case(keyed_table(&json!([{"key_names": ["K", "L"]}]), &[(R1, json!({"K": "a", "L": "1"})), (R2, json!({"K": "a", "L": "2"}))], false), Outcome::Met)]
#[case(keyed_table(&json!([{"key_names": []}]), &[], false), Outcome::Unmet)]
#[case(keyed_table(&json!([{"key_names": ["X"]}]), &[], false), Outcome::Unmet)]
#[case(keyed_table(&json!([{"key_names": ["K"]}]), &[(R1, json!({"L": "a"}))], false), Outcome::Unmet)]
#[case(keyed_table(&json!([]), &[(R1, json!({"K": "a"}))], false), Outcome::Met)]
#[case(keyed_table(&json!([]), &[(R1, json!({"K": "a"}))], true), Outcome::Unmet)]
#[case(keyed_table(&json!([]), &[], true), Outcome::Unknown)]
#[case(aspect("unique_keys", &json!([{"supported_obj_path": "Device.L.", "unique_key_sets": [{"key_names": ["K"]}]}])), Outcome::Unmet)]
#[case(against_read("objects", &tree()), Outcome::Met)]
#[case(against_read("objects", &json!([{"supported_obj_path": "Device.L."}])), Outcome::Unmet)]
#[case(against_read("objects", &json!([{"supported_obj_path": "Device.L."}, {"supported_obj_path": "Device.L.M.{i}."}])), Outcome::Unmet)]
#[case(against_read("objects", &json!([{"supported_obj_path": "Device.L."}, {"supported_obj_path": "Device.L.M.{i}.", "is_multi_instance": true},
    {"supported_obj_path": "Device.Q."}])), Outcome::Unmet)]
#[case(against_read("objects", &json!([{"supported_obj_path": "Device.L."},
    {"supported_obj_path": "Device.L.M.{i}.", "is_multi_instance": true, "divergent_paths": ["Device.L.M.7."]}])), Outcome::Met)]
#[case(against_read("parameters_listed", &tree()), Outcome::Met)]
#[case(against_read("parameters_listed", &json!([{"supported_obj_path": "Device.L.", "supported_params": [param("X")]}])), Outcome::Unmet)]
#[case(first_level(&["Device.L.", "Device.L.Empty.", "Device.L.One.", "Device.L.M.{i}."]), Outcome::Met)]
#[case(first_level(&["Device.L.", "Device.L.Empty.", "Device.L.One."]), Outcome::Unmet)]
#[case(first_level(&["Device.L.", "Device.L.Empty.", "Device.L.One.", "Device.L.M.{i}.", "Device.L.M.{i}.In."]), Outcome::Unmet)]
#[case(element("Device.L.Go()", &json!([{"supported_obj_path": "Device.L.", "supported_commands": [{"command_name": "Go()"}]}])), Outcome::Met)]
#[case(element("Device.Boot!", &json!([{"supported_obj_path": "Device.", "supported_events": [{"event_name": "Boot!"}]}])), Outcome::Met)]
#[case(element("Device.L.E", &json!([{"supported_obj_path": "Device.L.", "supported_params": [param("E")]}])), Outcome::Met)]
#[case(element("Device.L.E", &json!([{"supported_obj_path": "Device.L.", "supported_params": [param("E"), param("F")]}])), Outcome::Unmet)]
#[case(element("Device.L.E", &json!([{"supported_obj_path": "Device.L.", "supported_params": [param("E")], "supported_events": [{"event_name": "Boot!"}]}])), Outcome::Unmet)]
#[case(element("Device.L.Go()", &json!([{"supported_obj_path": "Device.L.", "supported_params": [param("Go")]}])), Outcome::Unmet)]
#[case(element("Device.L.E", &json!([])), Outcome::Unmet)]
fn aspects_of_the_supported_model(#[case] story: Story, #[case] expected: Outcome) {
    let (outcome, findings) = story.outcome();
    assert_eq!(outcome, expected, "{findings:#?}");
}

#[test]
fn a_failed_request_makes_every_aspect_unmet() {
    let response = json!({"req_obj_results": [{"req_obj_path": "Device.L.", "err_code": 7026}]});
    let story =
        Story::new().exchange("gsdm", MessageKind::GetSupportedDM, json!({"obj_paths": ["Device.L."]}), &response);
    let (outcome, findings) = story.rule("supported_dm", json!({"of": "gsdm", "check": "parameters"})).outcome();
    assert_eq!(outcome, Outcome::Unmet, "{findings:?}");
}

#[rstest]
#[case("unique_keys", json!({"of": "add", "read": "get", "keys": ["ID"]}), &[])]
#[case("unique_keys", json!({"of": "add", "raed": "get", "keys": "ID"}), &["raed", "keys", ""])]
#[case("search_matches", json!({"found": "a", "all": "b", "table": "T.", "where": {"parameter": "P", "op": "=", "value": "1"}}), &["where.op"])]
#[case("search_matches", json!({"found": "a", "all": "b", "table": "T.", "only": "compete"}), &["only"])]
#[case("search_matches", json!({"found": "a", "all": "b", "table": "T.", "where": {"op": "=="}}), &["where", "where"])]
#[case("supported_dm", json!({"of": "a", "check": "element", "every_table": "yes"}), &["every_table"])]
#[case("interval", json!({"from": "a", "to": "b"}), &[""])]
#[case("interval", json!({"from": "a", "to": "b", "latest": "5"}), &["latest"])]
#[case("interval", json!({"from": "a", "to": "b", "latest": "{{x}}s"}), &[])]
#[case("distinct", json!([]), &[""])]
#[case("nothing", json!({}), &[""])]
fn arguments_are_checked(#[case] name: &str, #[case] with: Value, #[case] wrong: &[&str]) {
    let problems: Vec<_> = check_arguments(name, &with).iter().map(|it| it.path.to_string()).collect();
    assert_eq!(problems, wrong);
}

#[test]
fn labels_are_told() {
    let with = json!({"start": "a", "attempts": ["b", "c"], "minimum": "5s", "multiplier": "{{x}}"});
    let labels: Vec<_> =
        labels("retry_interval", &with).into_iter().map(|(path, label)| (path.to_string(), label)).collect();
    let expected = [("start", "a"), ("attempts[0]", "b"), ("attempts[1]", "c")];
    assert_eq!(labels, expected.map(|(path, label)| (path.to_owned(), label.to_owned())));
}

#[test]
fn every_rule_is_met_and_unmet_above() {
    let table: String = [include_str!("tests.rs"), include_str!("tests/mtps.rs")].concat();
    let table: String = table.split_whitespace().collect();
    for name in names().into_iter().filter(|name| *name != "supported_dm") {
        let rows: Vec<_> = table
            .split(&format!("#[case(\"{name}\","))
            .skip(1)
            .map(|row| row.split("#[case").next().unwrap())
            .collect();
        for outcome in ["Outcome::Met", "Outcome::Unmet"] {
            assert!(rows.iter().any(|row| row.contains(outcome)), "{name} has no row with {outcome}");
        }
    }
    assert!(names().is_sorted());
    assert!(names().iter().all(|name| describe(name).is_some_and(|lines| lines.len() > 1)));
}

#[test]
fn many_findings_are_counted() {
    let parameters: Vec<_> = (0..50).map(|index| json!({"param_name": format!("P{index}")})).collect();
    let (_, findings) =
        aspect("parameters", &json!([{"supported_obj_path": "Device.L.", "supported_params": parameters}])).outcome();
    assert_eq!(findings.len(), MAX_FINDINGS);
    assert!(findings.last().unwrap().seen.contains("88 more"), "{:?}", findings.last());
}

/// A step of ours that takes two seconds to break the connection, and an attempt to connect again so long after its end.
fn dropped(later: u64) -> Story {
    let attempt = Expected::Mtp(MtpEvent::ConnectionAttempt);
    Story::new()
        .step("dropped", Action::Mtp(MtpAction::Drop(Ending::Reset)))
        .wait(2_000)
        .done()
        .step("attempt", Action::Await { what: attempt, answer: Answer::Normal })
        .wait(later)
        .connection(2, ConnectionState::Attempt, json!({}))
        .matched()
        .rule(
            "retry_interval",
            json!({"start": "dropped", "attempts": ["attempt"], "minimum": "5s", "multiplier": "2000"}),
        )
}

#[rstest]
#[case(2_500, Outcome::Met)]
#[case(10_500, Outcome::Met)]
#[case(1_500, Outcome::Unmet)]
#[case(11_500, Outcome::Unmet)]
fn what_a_step_ends_ends_while_it_runs(#[case] later: u64, #[case] expected: Outcome) {
    let (outcome, findings) = dropped(later).outcome();
    assert_eq!(outcome, expected, "{findings:#?}");
    assert_eq!(findings[0].requirement.as_deref(), Some("R-WS.19"));
    assert!(findings[0].expected.starts_with("retry 1 after 5.0 s to 10.0 s"), "{findings:#?}");
}

#[test]
fn an_attempt_that_does_not_come_is_told_with_its_window() {
    let with = json!({"start": "first", "attempts": ["second"], "minimum": "5s", "multiplier": "2000", "first": 2});
    let notify = json!({"subscription_id": "s", "event": {"obj_path": "Device.", "event_name": "Boot!"}});
    let story = Story::new().step("first", await_notify("s"));
    let story = story.message(uspec_usp::schema::Content::Request(MessageKind::Notify), "n", &notify).matched();
    let (outcome, findings) =
        story.step("second", await_notify("s")).time_out(60_000).rule("retry_interval", with).outcome();
    assert_eq!((outcome, findings[0].requirement.as_deref()), (Outcome::Unmet, Some("R-NOT.2")));
    assert!(findings[0].expected.starts_with("retry 2 after 10.0 s to 20.0 s"), "{findings:#?}");
}
