use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};
use uspec_usp::schema::{Content, MessageKind};

use super::*;

fn variables() -> BTreeMap<String, String> {
    [("sub", "Device.LocalAgent.Subscription.7."), ("id", "a.b"), ("table", "Device.LocalAgent.Subscription.")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

fn judge(pattern: &Value, value: &Value) -> Vec<Finding> {
    let variables = variables();
    let context = Context { variables: &variables, answered: Some(MessageKind::Set) };
    Pattern::compile(pattern).unwrap_or_else(|problems| panic!("{problems:?}")).matches(value, &context)
}

/// Each line: a pattern, a value that it matches, and one that it does not.
#[rstest]
#[case::string(json!("a"), json!("a"), json!("b"))]
#[case::string_is_no_number(json!("1"), json!("1"), json!(1))]
#[case::number(json!(7026), json!(7026), json!(7016))]
#[case::boolean_by_type(json!(true), json!(true), json!("true"))]
#[case::variable(json!("{{sub}}Enable"), json!("Device.LocalAgent.Subscription.7.Enable"), json!("{{sub}}Enable"))]
#[case::subset(json!({"a": 1}), json!({"a": 1, "b": 2}), json!({"b": 2}))]
#[case::variable_key(json!({"{{id}}": "x"}), json!({"a.b": "x"}), json!({"id": "x"}))]
#[case::nested(json!({"a": {"b": ["x"]}}), json!({"a": {"b": ["x"]}}), json!({"a": {"b": ["x", "x"]}}))]
#[case::list_order(json!([1, 2]), json!([1, 2]), json!([2, 1]))]
#[case::empty_list(json!([]), json!([]), json!([1]))]
#[case::empty_map_is_any_map(json!({}), json!({"a": 1}), json!([]))]
#[case::any(json!({"a": {"$any": true}}), json!({"a": []}), json!({}))]
#[case::absent(json!({"a": {"$absent": true}}), json!({}), json!({"a": ""}))]
#[case::empty_string(json!({"$empty": true}), json!(""), json!("x"))]
#[case::empty_map(json!({"$empty": true}), json!({}), json!({"a": 1}))]
#[case::empty_is_there(json!({"a": {"$empty": true}}), json!({"a": []}), json!({}))]
#[case::not_empty(json!({"$empty": false}), json!([1]), json!([]))]
#[case::not_empty_is_there(json!({"a": {"$empty": false}}), json!({"a": "x"}), json!({}))]
#[case::count(json!({"$count": 2}), json!([1, 2]), json!([1]))]
#[case::count_of_map(json!({"$count": 1}), json!({"a": 1}), json!({}))]
#[case::count_of_no_string(json!({"$count": 1}), json!([1]), json!("a"))]
#[case::count_min(json!({"$count": {"min": 1}}), json!([1, 2, 3]), json!([]))]
#[case::count_max(json!({"$count": {"max": 1}}), json!([]), json!([1, 2]))]
#[case::some(json!({"$some": {"a": 1}}), json!([{"a": 2}, {"a": 1}]), json!([{"a": 2}]))]
#[case::some_of_none(json!({"$some": 1}), json!([1]), json!([]))]
#[case::every(json!({"$every": 1}), json!([1, 1]), json!([1, 2]))]
#[case::every_of_empty(json!({"$every": 1}), json!([]), json!({}))]
#[case::every_with_count(json!({"$every": 1, "$count": {"min": 1}}), json!([1]), json!([]))]
#[case::none(json!({"$none": 1}), json!([2]), json!([2, 1]))]
#[case::unordered(json!({"$unordered": [1, 2]}), json!([2, 1]), json!([2, 2]))]
#[case::unordered_is_exact(json!({"$unordered": [1]}), json!([1]), json!([1, 2]))]
#[case::unordered_needs_a_swap(
    json!({"$unordered": [{"$any": true}, 1]}), json!([1, 2]), json!([3, 2])
)]
#[case::contains(json!({"$contains": [2, 1]}), json!([1, 3, 2]), json!([1, 3]))]
#[case::contains_distinct(json!({"$contains": [1, 1]}), json!([1, 1]), json!([1, 2]))]
#[case::keys(json!({"$keys": ["a", "b"]}), json!({"b": 1, "a": 1}), json!({"a": 1}))]
#[case::keys_no_more(json!({"$keys": ["a"]}), json!({"a": 1}), json!({"a": 1, "b": 1}))]
#[case::keys_optional(
    json!({"$keys": {"all_of": ["a"], "optional": ["b"]}}), json!({"a": 1, "b": 1}), json!({"a": 1, "c": 1})
)]
#[case::keys_others(json!({"$keys": {"all_of": ["a"], "others": true}}), json!({"a": 1, "z": 1}), json!({"z": 1}))]
#[case::keys_and_values(json!({"$keys": ["a"], "a": "x"}), json!({"a": "x"}), json!({"a": "y"}))]
#[case::each_key(json!({"$each_key": {"$regex": "[A-Z].*"}}), json!({"Ab": 1}), json!({"Ab": 1, "b": 1}))]
#[case::each_value(json!({"$each_value": {"$boolean": true}}), json!({"a": "1"}), json!({"a": "1", "b": "0"}))]
#[case::one_of(json!({"$one_of": [1, 2]}), json!(2), json!(3))]
#[case::one_of_may_be_absent(
    json!({"a": {"$one_of": [{"$absent": true}, 1]}}), json!({}), json!({"a": 2})
)]
#[case::all_of(json!({"$all_of": [{"a": 1}, {"b": 2}]}), json!({"a": 1, "b": 2}), json!({"a": 1}))]
#[case::not(json!({"$not": 1}), json!(2), json!(1))]
#[case::regex_is_whole(json!({"$regex": "a+"}), json!("aa"), json!("aab"))]
#[case::regex_alternatives(json!({"$regex": "a|b"}), json!("b"), json!("bc"))]
#[case::regex_variable_is_text(json!({"$regex": "{{id}}\\d"}), json!("a.b1"), json!("axb1"))]
#[case::boolean(json!({"$boolean": true}), json!("1"), json!("True"))]
#[case::boolean_false(json!({"$boolean": false}), json!("false"), json!("true"))]
#[case::value_int(json!({"$value": "int"}), json!("-5"), json!("5.0"))]
#[case::value_date(json!({"$value": "dateTime"}), json!("2026-11-22T10:00:00Z"), json!("now"))]
#[case::value_not_empty(json!({"$value": "base64"}), json!("QQ=="), json!(""))]
#[case::value_string(json!({"$value": "string"}), json!(""), json!(1))]
#[case::number_text(json!({"$number": {"min": 1, "max": 10}}), json!("10"), json!("11"))]
#[case::number_open(json!({"$number": {"above": 0, "below": 5}}), json!(4), json!(5))]
#[case::number_is_one(json!({"$number": {}}), json!("1.5"), json!("x"))]
#[case::error_top(json!({"err_code": {"$error_code": "applicable"}}), json!({"err_code": 7000}), json!({"err_code": 7024}))]
#[case::error_param(
    json!({"param_errs": [{"err_code": {"$error_code": "applicable"}}]}),
    json!({"param_errs": [{"err_code": 7012}]}),
    json!({"param_errs": [{"err_code": 7024}]})
)]
#[case::error_failure(
    json!({"oper_failure": {"err_code": {"$error_code": "applicable"}}}),
    json!({"oper_failure": {"err_code": 7020}}),
    json!({"oper_failure": {"err_code": 0}})
)]
#[case::error_is_a_number(json!({"err_code": {"$error_code": "applicable"}}), json!({"err_code": 7999}), json!({"err_code": "7999"}))]
#[case::instance(json!({"$instance_of": "{{table}}"}), json!("Device.LocalAgent.Subscription.3."), json!("Device.LocalAgent.Subscription."))]
#[case::instance_by_number(
    json!({"$instance_of": "Device.LocalAgent.Subscription."}),
    json!("Device.LocalAgent.Subscription.3."),
    json!("Device.LocalAgent.Subscription.[ID==\"a\"].")
)]
#[case::instance_nested(
    json!({"$instance_of": "Device.A.{i}.B."}), json!("Device.A.1.B.2."), json!("Device.A.1.C.2.")
)]
#[case::instance_fixed(json!({"$instance_of": "Device.A.1.B."}), json!("Device.A.1.B.2."), json!("Device.A.3.B.2."))]
#[case::object_path(json!({"$object_path": true}), json!("Device.A.1."), json!("Device.A.*."))]
#[case::object_path_dot(json!({"$object_path": true}), json!("Device.A."), json!("Device.A"))]
#[case::parameter_path(json!({"$parameter_path": true}), json!("Device.A.1.B"), json!("Device.A.1."))]
#[case::command_path(json!({"$command_path": true}), json!("Device.A.1.B()"), json!("Device.A.1.B"))]
#[case::event_path(json!({"$event_path": true}), json!("Device.Boot!"), json!("Device.Boot"))]
#[case::relative_path(json!({"$relative_path": true}), json!("Stats.BytesSent"), json!("Device.A.B"))]
#[case::relative_argument(json!({"$relative_path": true}), json!("Result.{i}.Radio"), json!("Result.{j}.Radio"))]
#[case::relative_object(json!({"$relative_object": true}), json!("Stats."), json!("Stats"))]
#[case::supported_path(json!({"$supported_path": true}), json!("Device.A.{i}."), json!("Device.A.*."))]
fn patterns_match_and_do_not(#[case] pattern: Value, #[case] good: Value, #[case] bad: Value) {
    assert_eq!(judge(&pattern, &good), [], "{pattern} must match {good}");
    let findings = judge(&pattern, &bad);
    assert!(!findings.is_empty(), "{pattern} must not match {bad}");
    assert!(findings.iter().all(|it| it.outcome == Outcome::Unmet && !it.expected.is_empty() && !it.seen.is_empty()));
}

#[test]
fn every_matcher_has_a_row_above() {
    let table = include_str!("tests.rs");
    for name in matcher_names() {
        assert!(table.contains(&format!("\"{name}\":")), "{name} has no row");
    }
    assert!(matcher_names().is_sorted());
}

#[test]
fn a_finding_names_the_place() {
    let pattern = json!({"created_obj_results": [{"oper_status": {"oper_success": {"unique_keys": {"ID": "a"}}}}]});
    let value = json!({"created_obj_results": [{"oper_status": {"oper_success": {"unique_keys": {"ID": "b\u{1b}"}}}}]});
    let findings = judge(&pattern, &value);
    assert_eq!(findings.len(), 1);
    let path = findings[0].path.as_deref();
    assert_eq!(path, Some(r#"created_obj_results[0].oper_status.oper_success.unique_keys["ID"]"#));
    assert_eq!((findings[0].expected.as_str(), findings[0].seen.as_str()), (r#""a""#, r#""b\u{1b}""#));
}

#[test]
fn an_item_that_comes_close_is_explained() {
    let findings = judge(&json!({"$some": {"a": 1, "b": 2}}), &json!([{"a": 9, "b": 9}, {"a": 1, "b": 3}]));
    assert_eq!(findings.last().unwrap().path.as_deref(), Some("[1].b"));
    let findings = judge(&json!({"$unordered": [{"a": 1}, {"a": 2, "b": 2}]}), &json!([{"a": 1}, {"a": 2, "b": 3}]));
    assert_eq!(findings.last().unwrap().path.as_deref(), Some("[1].b"));
}

#[rstest]
#[case(json!("{{gone}}"), json!("x"), Some(Outcome::Unknown))]
#[case(json!({"$one_of": ["{{gone}}", "x"]}), json!("x"), None)]
#[case(json!({"$one_of": ["{{gone}}", "x"]}), json!("y"), Some(Outcome::Unknown))]
#[case(json!({"$some": "{{gone}}"}), json!(["x"]), Some(Outcome::Unknown))]
#[case(json!({"$none": "{{gone}}"}), json!(["x"]), Some(Outcome::Unknown))]
#[case(json!({"$not": "{{gone}}"}), json!("x"), Some(Outcome::Unknown))]
#[case(json!({"$contains": ["{{gone}}"]}), json!(["x"]), Some(Outcome::Unknown))]
#[case(json!({"$contains": ["{{gone}}"]}), json!([]), Some(Outcome::Unmet))]
#[case(json!({"$keys": ["{{gone}}"]}), json!({}), Some(Outcome::Unknown))]
#[case(json!({"$regex": "{{gone}}.*"}), json!("x"), Some(Outcome::Unknown))]
#[case(json!({"a": "{{gone}}", "b": 1}), json!({"a": "x", "b": 2}), Some(Outcome::Unmet))]
fn an_undefined_variable_is_unknown(#[case] pattern: Value, #[case] value: Value, #[case] expected: Option<Outcome>) {
    let findings = judge(&pattern, &value);
    assert_eq!(findings.iter().map(|it| it.outcome).max(), expected, "{findings:?}");
}

#[rstest]
#[case(json!(null), "")]
#[case(json!({"$evry": 1}), "$evry")]
#[case(json!({"a": {"$count": "2"}}), "a.$count")]
#[case(json!({"$count": {"min": 2, "max": 1}}), "$count")]
#[case(json!({"$count": {"least": 1}}), "$count.least")]
#[case(json!({"$any": false}), "$any")]
#[case(json!({"$absent": 1}), "$absent")]
#[case(json!({"$regex": "("}), "$regex")]
#[case(json!({"$value": "integer"}), "$value")]
#[case(json!({"$number": {"min": "1"}}), "$number.min")]
#[case(json!({"$error_code": 7004}), "$error_code")]
#[case(json!({"$one_of": []}), "$one_of")]
#[case(json!({"$unordered": {"a": 1}}), "$unordered")]
#[case(json!({"$keys": [1]}), "$keys")]
#[case(json!({"$instance_of": "Device.*"}), "$instance_of")]
#[case(json!({"a": [{"b": {"$boolean": "true"}}]}), "a[0].b.$boolean")]
fn mistakes_are_reported_at_their_place(#[case] pattern: Value, #[case] path: &str) {
    let problems = Pattern::compile(&pattern).unwrap_err();
    assert_eq!(problems[0].path.to_string(), path);
}

#[test]
fn all_mistakes_are_reported_at_once() {
    let problems = Pattern::compile(&json!({"a": {"$evry": 1}, "b": {"$count": -1}})).unwrap_err();
    assert_eq!(problems.len(), 2);
    assert_eq!(problems[0].help.as_deref(), Some("did you mean `$every`?"));
}

#[test]
fn a_pattern_may_not_exhaust_the_stack() {
    let deep = (0..500).fold(json!(1), |inner, _| json!({"a": inner}));
    assert!(Pattern::compile(&deep).is_err());
}

#[rstest]
#[case(json!({"created_obj_results": {"$every": {"oper_status": {"oper_success": {"param_errs": [], "unique_keys": {"X": "y"}}}}}}), None)]
#[case(json!({"created_obj_results": [{"oper_status": {"oper_failure": {"err_code": {"$error_code": "applicable"}}}}]}), None)]
#[case(json!({"created_obj_results": {"$count": 1, "$some": {"$one_of": [{"requested_path": "a"}, {"oper_status": {"$any": true}}]}}}), None)]
#[case(json!({"created_objs_results": {"$any": true}}), Some("created_objs_results"))]
#[case(json!({"created_obj_results": {"oper_status": {}}}), Some("created_obj_results.oper_status"))]
#[case(json!({"created_obj_results": {"$some": {"oper_sucess": {"$absent": true}}}}), Some("created_obj_results.$some.oper_sucess"))]
#[case(json!({"created_obj_results": [{"requested_path": 5}]}), Some("created_obj_results[0].requested_path"))]
#[case(json!({"created_obj_results": [{"requested_path": {"$count": 1}}]}), Some("created_obj_results[0].requested_path.$count"))]
#[case(json!({"created_obj_results": [{"oper_status": {"$boolean": true}}]}), Some("created_obj_results[0].oper_status.$boolean"))]
#[case(json!({"created_obj_results": "x"}), Some("created_obj_results"))]
fn fields_are_held_against_the_schema(#[case] pattern: Value, #[case] wrong: Option<&str>) {
    let pattern = Pattern::compile(&pattern).unwrap();
    let problems = pattern.check_fields(Content::Response(MessageKind::Add));
    assert_eq!(problems.first().map(|it| it.path.to_string()).as_deref(), wrong, "{problems:?}");
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[^{}$]{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("[a-zA-Z_][^{}$]{0,5}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn a_value_without_matchers_is_a_pattern_that_it_matches(value in any_json()) {
        prop_assert_eq!(judge(&value, &value), []);
    }

    #[test]
    fn no_pattern_panics_on_any_value(
        name in proptest::sample::select(matcher_names()), argument in any_json(), value in any_json()
    ) {
        if let Ok(pattern) = Pattern::compile(&json!({name: argument})) {
            let variables = variables();
            let _ = pattern.matches(&value, &Context { variables: &variables, answered: None });
        }
    }
}
