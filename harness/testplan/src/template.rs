//! `{{name}}` inside strings: the only way in which a test case refers to what is not known before it runs.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

const OPEN: &str = "{{";
const CLOSE: &str = "}}";

/// A variable that has no value: never set, or its capture did not come about.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the variable `{name}` has no value")]
pub struct Undefined {
    /// The variable.
    pub name: String,
}

/// What may follow the name of a variable that holds an object path: the path without its final dot, which is how TR-106 writes a reference
/// to an object in the value of a parameter.
pub const REFERENCE: &str = ".reference";

/// The same: the last instance number of the path, `4` of `Device.LocalAgent.Subscription.4.`.
pub const INSTANCE: &str = ".instance";

/// The variable that a name is about: the name without what may follow it.
pub fn base(name: &str) -> &str {
    name.strip_suffix(REFERENCE).or_else(|| name.strip_suffix(INSTANCE)).unwrap_or(name)
}

/// The value of a variable, if it has one.
pub fn value<'v>(name: &str, variables: &'v BTreeMap<String, String>) -> Option<&'v str> {
    if let Some(value) = variables.get(name) {
        return Some(value);
    }
    let path = variables.get(base(name))?;
    let reference = path.strip_suffix('.');
    if name.ends_with(REFERENCE) {
        return Some(reference.unwrap_or(path));
    }
    let (_, number) = reference?.rsplit_once('.')?;
    (!number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit())).then_some(number)
}

/// The names of the variables in `text`, in the order of their first appearance.
pub fn placeholders(text: &str) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let names = parts(text).filter_map(|part| match part {
        Part::Variable(name) => Some(name.to_owned()),
        Part::Text(_) => None,
    });
    names.filter(|name| seen.insert(name.clone())).collect()
}

/// The names of the variables in every string of `value`, map keys included, in the order of their first appearance.
pub fn placeholders_in(value: &Value) -> Vec<String> {
    let mut names = Vec::new();
    collect(value, &mut names);
    let mut seen = BTreeSet::new();
    names.retain(|name| seen.insert(name.clone()));
    names
}

/// `text` with every variable replaced by its value. Values are taken as they are: what they hold is not expanded again.
pub fn substitute(text: &str, variables: &BTreeMap<String, String>) -> Result<String, Undefined> {
    parts(text)
        .map(|part| match part {
            Part::Text(text) => Ok(text),
            Part::Variable(name) => value(name, variables).ok_or_else(|| Undefined { name: name.to_owned() }),
        })
        .collect()
}

/// `text` with every variable replaced that has a value; the others stay as they are written, for people to read.
pub fn substitute_known(text: &str, variables: &BTreeMap<String, String>) -> String {
    let shown = |part| match part {
        Part::Text(text) => text.to_owned(),
        Part::Variable(name) => value(name, variables).map_or_else(|| format!("{OPEN}{name}{CLOSE}"), str::to_owned),
    };
    parts(text).map(shown).collect()
}

/// `value` with every variable in its strings and map keys replaced that has a value.
pub fn substitute_known_in(value: &Value, variables: &BTreeMap<String, String>) -> Value {
    match value {
        Value::String(text) => Value::String(substitute_known(text, variables)),
        Value::Array(items) => items.iter().map(|item| substitute_known_in(item, variables)).collect(),
        Value::Object(entries) => {
            let known = |(key, item): (&String, &Value)| {
                (substitute_known(key, variables), substitute_known_in(item, variables))
            };
            Value::Object(entries.iter().map(known).collect())
        }
        other => other.clone(),
    }
}

/// `value` with every variable in its strings and map keys replaced.
pub fn substitute_in(value: &Value, variables: &BTreeMap<String, String>) -> Result<Value, Undefined> {
    Ok(match value {
        Value::String(text) => Value::String(substitute(text, variables)?),
        Value::Array(items) => {
            Value::Array(items.iter().map(|item| substitute_in(item, variables)).collect::<Result<_, _>>()?)
        }
        Value::Object(entries) => Value::Object(
            entries
                .iter()
                .map(|(key, item)| Ok((substitute(key, variables)?, substitute_in(item, variables)?)))
                .collect::<Result<_, Undefined>>()?,
        ),
        other => other.clone(),
    })
}

enum Part<'a> {
    Text(&'a str),
    Variable(&'a str),
}

/// Braces that do not enclose a name stay text, so that a value may hold them.
fn parts(text: &str) -> impl Iterator<Item = Part<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let Some((before, inside)) = rest.split_once(OPEN) else {
            return Some(Part::Text(std::mem::take(&mut rest)));
        };
        if !before.is_empty() {
            rest = rest.get(before.len()..).unwrap_or_default();
            return Some(Part::Text(before));
        }
        match inside.split_once(CLOSE) {
            Some((name, after)) if is_name(name.trim()) => {
                rest = after;
                Some(Part::Variable(name.trim()))
            }
            _ => {
                rest = inside;
                Some(Part::Text(OPEN))
            }
        }
    })
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
}

fn collect(value: &Value, names: &mut Vec<String>) {
    match value {
        Value::String(text) => names.extend(placeholders(text)),
        Value::Array(items) => items.iter().for_each(|item| collect(item, names)),
        Value::Object(entries) => entries.iter().for_each(|(key, item)| {
            names.extend(placeholders(key));
            collect(item, names);
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn variables() -> BTreeMap<String, String> {
        [("sub", "Device.X.1."), ("eut.endpoint_id", "oui:1"), ("odd", "{{sub}}")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into()
    }

    #[rstest]
    #[case("plain", "plain")]
    #[case("{{sub}}Enable", "Device.X.1.Enable")]
    #[case("{{ sub }}", "Device.X.1.")]
    #[case("{{sub}}{{eut.endpoint_id}}", "Device.X.1.oui:1")]
    #[case("{{odd}}", "{{sub}}")]
    #[case("{{sub.reference}}", "Device.X.1")]
    #[case("{{eut.endpoint_id.reference}}", "oui:1")]
    #[case("{{sub.instance}}", "1")]
    #[case("{{}} {{ a b }} {{open", "{{}} {{ a b }} {{open")]
    #[case("{{{sub}}}", "{{{sub}}}")]
    fn values_take_the_place_of_names(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(substitute(text, &variables()).unwrap(), expected);
    }

    #[rstest]
    #[case("Device.LocalAgent.Subscription.4.", Some("4"))]
    #[case("Device.LocalAgent.", None)]
    #[case("Device.A.4.B", None)]
    #[case("4.", None)]
    fn an_object_path_ends_in_its_instance(#[case] path: &str, #[case] number: Option<&str>) {
        let variables = [("it".to_owned(), path.to_owned())].into();
        assert_eq!(value("it.instance", &variables), number);
    }

    #[test]
    fn an_undefined_variable_is_named() {
        let undefined = substitute("a {{nothing}} b", &variables()).unwrap_err();
        assert_eq!(undefined, Undefined { name: "nothing".into() });
        let nested = json!({"a": ["{{sub}}", {"{{nothing}}": 1}]});
        assert_eq!(substitute_in(&nested, &variables()).unwrap_err().name, "nothing");
    }

    #[test]
    fn what_is_not_known_stays_as_it_is_written() {
        assert_eq!(substitute_known("{{sub}}{{ nothing }}", &variables()), "Device.X.1.{{nothing}}");
        let value = json!({"{{sub}}": ["{{nothing}}", "{{sub}}", 1]});
        let known = json!({"Device.X.1.": ["{{nothing}}", "Device.X.1.", 1]});
        assert_eq!(substitute_known_in(&value, &variables()), known);
    }

    #[test]
    fn names_are_listed_once() {
        assert_eq!(placeholders("{{b}} {{a}} {{b}}"), ["b", "a"]);
        assert_eq!(placeholders_in(&json!({"{{k}}": ["{{v}}", "{{k}}", 3, true]})), ["k", "v"]);
    }
}
