//! Patterns in words.

use serde_json::{Map, Value};
use uspec_report::text::cut;

use super::{body::value, variables::shown};

/// A condition is for reading; the case's file has it whole.
const LIMIT: usize = 600;

/// Everything that a pattern wants, in one sentence.
pub(super) fn sentence(pattern: &Value) -> String {
    cut(&all("", pattern).join(" and "), LIMIT)
}

/// Everything that a pattern wants of what stands at `place`, one phrase each.
pub(super) fn all(place: &str, pattern: &Value) -> Vec<String> {
    match pattern {
        Value::Object(fields) if fields.keys().any(|key| key.starts_with('$')) => {
            let each = fields.iter().flat_map(|(name, argument)| {
                if name.starts_with('$') { matched(place, name, argument) } else { all(&below(place, name), argument) }
            });
            each.collect()
        }
        Value::Object(fields) => fields.iter().flat_map(|(name, inner)| all(&below(place, name), inner)).collect(),
        Value::Array(items) if items.is_empty() => vec![format!("{} empty", is(place))],
        Value::Array(items) => {
            let count = items.len();
            let many = if count == 1 { "one item".to_owned() } else { format!("{count} items") };
            let first = format!("{many} in {}", named(place));
            let inner = items.iter().enumerate().flat_map(|(index, item)| all(&format!("{place}[{index}]"), item));
            std::iter::once(first).chain(inner).collect()
        }
        Value::String(text) => vec![equal(place, &format!("`{}`", shown(text)))],
        other => vec![equal(place, &other.to_string())],
    }
}

fn matched(place: &str, matcher: &str, argument: &Value) -> Vec<String> {
    let here = named(place);
    let joined = |patterns: &Value, with: &str| {
        let items = patterns.as_array().map(Vec::as_slice).unwrap_or_default();
        items.iter().map(|item| format!("({})", of_item(item))).collect::<Vec<_>>().join(with)
    };
    let phrase = match matcher {
        "$all_of" => {
            return argument.as_array().into_iter().flatten().flat_map(|inner| all(place, inner)).collect();
        }
        "$any" => format!("{here}, whatever it is"),
        "$absent" => format!("no {here}"),
        "$empty" if argument == &Value::Bool(false) => format!("{here}, and not empty"),
        "$empty" => format!("{} empty", is(place)),
        "$count" => format!("{} in {here}", count(argument)),
        "$some" => format!("in {here} some item with {}", of_item(argument)),
        "$every" => format!("in {here} of each item: {}", of_item(argument)),
        "$none" => format!("in {here} no item with {}", of_item(argument)),
        "$unordered" => format!("in {here} exactly these items, in any order: {}", joined(argument, ", ")),
        "$contains" => format!("in {here} at least these items: {}", joined(argument, ", ")),
        "$keys" => keys(&here, argument),
        "$each_key" => format!("in {here} of each name: {}", of_item(argument)),
        "$each_value" => format!("in {here} of each value: {}", of_item(argument)),
        "$one_of" => {
            let choices: Vec<_> = argument
                .as_array()
                .map(Vec::as_slice)
                .unwrap_or_default()
                .iter()
                .map(|choice| all(place, choice).join(" and "))
                .collect();
            format!("either {}", choices.join(", or "))
        }
        "$not" => format!("not: {}", all(place, argument).join(" and ")),
        "$regex" => format!("{} a text of the form {}", is(place), value(argument)),
        "$boolean" => equal(place, &argument.to_string()),
        "$value" => format!("{} a right value of type {}", is(place), value(argument)),
        "$number" => format!("{} a number{}", is(place), bounds(argument)),
        "$error_code" => format!("{} an error code that TR-369 allows there", is(place)),
        "$instance_of" => format!("{} the path of a row of {}", is(place), value(argument)),
        "$object_path" => format!("{} the path of an object", is(place)),
        "$parameter_path" => format!("{} the path of a parameter", is(place)),
        "$command_path" => format!("{} the path of a command", is(place)),
        "$event_path" => format!("{} the path of an event", is(place)),
        "$relative_path" => format!("{} the relative path of a parameter", is(place)),
        "$relative_object" => format!("{} the relative path of an object", is(place)),
        "$supported_path" => format!("{} a path of the supported data model", is(place)),
        // One that is newer than these words.
        other => format!("{} as {other} {} says", is(place), value(argument)),
    };
    vec![phrase]
}

/// A pattern on something that has no name.
fn of_item(pattern: &Value) -> String {
    all("", pattern).join(" and ")
}

fn below(place: &str, name: &str) -> String {
    let name = shown(name);
    if place.is_empty() { name } else { format!("{place}.{name}") }
}

/// The place as something that is there.
fn named(place: &str) -> String {
    if place.is_empty() { "it".to_owned() } else { place.to_owned() }
}

/// What stands there is of some kind.
fn is(place: &str) -> String {
    format!("{} is", named(place))
}

/// What stands there has this value.
fn equal(place: &str, value: &str) -> String {
    if place.is_empty() { format!("the value {value}") } else { format!("{place} = {value}") }
}

fn count(argument: &Value) -> String {
    let items = |count: &Value| if count.as_u64() == Some(1) { "item" } else { "items" };
    match argument {
        Value::Object(bounds) => match (bounds.get("min"), bounds.get("max")) {
            (Some(min), Some(max)) => format!("{min} to {max} items"),
            (Some(min), None) => format!("at least {min} {}", items(min)),
            (None, Some(max)) => format!("at most {max} {}", items(max)),
            (None, None) => "any number of items".to_owned(),
        },
        exact => format!("exactly {exact} {}", items(exact)),
    }
}

fn keys(here: &str, argument: &Value) -> String {
    match argument {
        Value::Object(keys) => {
            let of = |key: &str| keys.get(key).map(value).unwrap_or_default();
            let optional = of("optional");
            let may = if optional.is_empty() { String::new() } else { format!(" and maybe {optional}") };
            format!("in {here} exactly the names {}{may}", of("all_of"))
        }
        names => format!("in {here} exactly the names {}", value(names)),
    }
}

fn bounds(argument: &Value) -> String {
    let none = Map::new();
    let bounds = argument.as_object().unwrap_or(&none);
    let words = [("min", "from"), ("above", "above"), ("max", "up to"), ("below", "below")];
    let told = words.iter().filter_map(|(key, word)| Some(format!(" {word} {}", value(bounds.get(*key)?))));
    told.collect()
}
