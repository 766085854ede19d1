//! What fits a shape, and what is said about what does not.

use rstest::rstest;
use serde::Deserialize;

use super::*;
use crate::{raw::text::Duration, yaml};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "only its shape counts")]
struct Sample {
    #[schemars(length(min = 1, max = 8))]
    name: String,
    #[serde(default)]
    flag: Option<bool>,
    #[serde(default)]
    count: Option<u8>,
    #[serde(default)]
    within: Option<Duration>,
    #[serde(default)]
    mode: Option<Mode>,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    body: Option<Value>,
    #[serde(default)]
    one_of: Option<OneOf>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Mode {
    /// The first.
    Fast,
    /// The second.
    Slow,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "only its shape counts")]
enum OneOf {
    Number(u16),
    Numbers(Vec<u16>),
}

fn check(text: &str) -> Vec<String> {
    let mut problems = Problems::new("x.yaml");
    let tree = yaml::parse(text, &mut problems).unwrap();
    let read = Shape::<Sample>::new().read(&tree, &mut problems);
    assert_eq!(read.is_none(), problems.len() > 0);
    problems.iter().map(|it| format!("{}:{} {}", it.line, it.column, it.message)).collect()
}

#[test]
fn what_fits_is_read() {
    let text = "name: x\nflag: true\ncount: 3\nwithin: 5s\nmode: fast\ntags: [a]\nbody: {a: null}\none_of: [1, 2]\n";
    assert_eq!(check(text), Vec::<String>::new());
}

#[rstest]
#[case("nmae: x\n", &["1:1 unknown key `nmae`", "1:1 `name` is missing"])]
#[case("name: 1.10\n", &["1:7 expected a text, found the number 1.10"])]
#[case("name: ''\n", &["1:7 the text is empty"])]
#[case("name: ninechars\n", &["1:7 the text has 9 characters, the limit is 8"])]
#[case("name: x\nflag: yes\n", &["2:7 expected true or false, found the text \"yes\""])]
#[case("name: x\ncount: 300\n", &["2:8 expected a whole number from 0 to 255, found 300"])]
#[case("name: x\nwithin: 5\n", &["2:9 expected a duration with its unit, such as `30s`, `500ms` or `2m`, found the number 5"])]
#[case("name: x\nwithin: 5 s\n", &["2:9 `5 s` is not a duration with its unit, such as `30s`, `500ms` or `2m`"])]
#[case("name: x\nmode: fats\n", &["2:7 `fats` is not one of `fast`, `slow`"])]
#[case("name: x\ntags: a\n", &["2:7 expected a list, found the text \"a\""])]
#[case("name: x\ntags: [a, 1, {b: c}]\n", &["2:11 expected a text, found the number 1", "2:14 expected a text, found a map"])]
#[case("name: x\nflag:\n", &["2:1 `flag` has no value"])]
#[case("name: x\none_of: {a: 1}\n", &["2:9 expected a whole number from 0 to 65535 or a list, found a map"])]
#[case("[]\n", &["1:1 expected a map, found a list"])]
fn everything_that_does_not_fit_is_reported(#[case] text: &str, #[case] expected: &[&str]) {
    assert_eq!(check(text), expected);
}
