//! Every matcher by its key. A new one is a function in its family's file and a line here.

use serde_json::Value;
use uspec_usp::field_path::FieldPath;

use super::{Matcher, entries, error_code, items, logic, multiset, paths, presence, text, typed};
use crate::problem::{Problem, nearest};

type Compile = fn(&Value, &FieldPath, &mut Vec<Problem>) -> Option<Box<dyn Matcher>>;

pub(super) const MATCHERS: &[(&str, Compile)] = &[
    ("$absent", presence::absent),
    ("$all_of", logic::all_of),
    ("$any", presence::any),
    ("$boolean", typed::boolean),
    ("$command_path", paths::command_path),
    ("$contains", multiset::contains),
    ("$count", presence::count),
    ("$each_key", entries::each_key),
    ("$each_value", entries::each_value),
    ("$empty", presence::empty),
    ("$error_code", error_code::error_code),
    ("$event_path", paths::event_path),
    ("$every", items::every),
    ("$instance_of", paths::instance_of),
    ("$keys", entries::keys),
    ("$none", items::none),
    ("$not", logic::not),
    ("$number", typed::number),
    ("$object_path", paths::object_path),
    ("$one_of", logic::one_of),
    ("$parameter_path", paths::parameter_path),
    ("$regex", text::regex),
    ("$relative_object", paths::relative_object),
    ("$relative_path", paths::relative_path),
    ("$some", items::some),
    ("$supported_path", paths::supported_path),
    ("$unordered", multiset::unordered),
    ("$value", typed::value),
];

/// Compiles the matcher `name` with its argument. `None` when a problem was added.
pub(super) fn compile(
    name: &str,
    argument: &Value,
    path: &FieldPath,
    problems: &mut Vec<Problem>,
) -> Option<Box<dyn Matcher>> {
    if let Some((_, compile)) = MATCHERS.iter().find(|(it, _)| *it == name) {
        return compile(argument, path, problems);
    }
    let problem = Problem::new(path.clone(), format!("there is no matcher `{name}`"));
    problems.push(match nearest(name, MATCHERS.iter().map(|(it, _)| *it)) {
        Some(near) => problem.help(format!("did you mean `{near}`?")),
        None => problem,
    });
    None
}
