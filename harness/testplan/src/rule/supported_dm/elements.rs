//! What each listed parameter, command and event must say of itself.

use uspec_usp::path::PathKind;

use super::model::{Command, Event, Model, Object, Parameter};
use crate::{
    judge::finding::{met, unmet},
    pattern::is_relative,
    show,
    verdict::Finding,
};

const ACCESS: &[&str] = &["PARAM_READ_ONLY", "PARAM_READ_WRITE", "PARAM_WRITE_ONLY"];

const TYPES: &[&str] = &[
    "PARAM_BASE_64",
    "PARAM_BOOLEAN",
    "PARAM_DATE_TIME",
    "PARAM_DECIMAL",
    "PARAM_HEX_BINARY",
    "PARAM_INT",
    "PARAM_LONG",
    "PARAM_STRING",
    "PARAM_UNSIGNED_INT",
    "PARAM_UNSIGNED_LONG",
];

const VALUE_CHANGES: &[&str] = &["VALUE_CHANGE_ALLOWED", "VALUE_CHANGE_WILL_IGNORE"];

const COMMAND_TYPES: &[&str] = &["CMD_SYNC", "CMD_ASYNC"];

pub(super) fn parameters(model: &Model, seq: u64) -> Vec<Finding> {
    each(
        model,
        "supported_params",
        seq,
        |object| &object.parameters,
        |parameter: &Parameter| {
            [
                wrong(is_relative(&parameter.name, PathKind::Parameter), "a relative parameter", &parameter.name),
                wrong(ACCESS.contains(&parameter.access.as_str()), "an access", &parameter.access),
                wrong(
                    TYPES.contains(&parameter.value_type.as_str()),
                    "a value_type that is known",
                    &parameter.value_type,
                ),
                wrong(
                    VALUE_CHANGES.contains(&parameter.value_change.as_str()),
                    "a value_change that is known",
                    &parameter.value_change,
                ),
            ]
            .into_iter()
            .flatten()
            .map(|(expected, seen)| (parameter.name.clone(), expected, seen))
            .collect()
        },
    )
}

pub(super) fn commands(model: &Model, seq: u64) -> Vec<Finding> {
    each(
        model,
        "supported_commands",
        seq,
        |object| &object.commands,
        |command: &Command| {
            let arguments = command.inputs.iter().chain(&command.outputs).filter(|name| !is_argument(name));
            [
                wrong(is_relative(&command.name, PathKind::Command), "a relative command, ending in ()", &command.name),
                wrong(COMMAND_TYPES.contains(&command.kind.as_str()), "a command_type that is known", &command.kind),
            ]
            .into_iter()
            .flatten()
            .chain(arguments.map(|name| ("a relative path of an argument", name.clone())))
            .map(|(expected, seen)| (command.name.clone(), expected, seen))
            .collect()
        },
    )
}

pub(super) fn events(model: &Model, seq: u64) -> Vec<Finding> {
    each(
        model,
        "supported_events",
        seq,
        |object| &object.events,
        |event: &Event| {
            let arguments = event.arguments.iter().filter(|name| !is_argument(name));
            wrong(is_relative(&event.name, PathKind::Event), "a relative event, ending in !", &event.name)
                .into_iter()
                .chain(arguments.map(|name| ("a relative path of an argument", name.clone())))
                .map(|(expected, seen)| (event.name.clone(), expected, seen))
                .collect()
        },
    )
}

/// Judges every entry of one list of every object: `problems` yields name, expected and seen.
fn each<T>(
    model: &Model,
    field: &str,
    seq: u64,
    entries: impl Fn(&Object) -> &Vec<T>,
    problems: impl Fn(&T) -> Vec<(String, &'static str, String)>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut judged = 0_usize;
    for object in &model.objects {
        for (index, entry) in entries(object).iter().enumerate() {
            judged = judged.saturating_add(1);
            for (name, expected, seen) in problems(entry) {
                let seen = format!("{} in {}{}", show::quoted(&seen), show::cut(&object.path), show::cut(&name));
                findings.push(unmet(expected, seen, vec![seq]).at(format!("{}.{field}[{index}]", object.place)));
            }
        }
    }
    if findings.is_empty() {
        findings.push(met(format!("valid entries in {field}"), format!("{judged} entries"), vec![seq]));
    }
    findings
}

fn wrong(right: bool, expected: &'static str, seen: &str) -> Option<(&'static str, String)> {
    (!right).then(|| (expected, seen.to_owned()))
}

fn is_argument(name: &str) -> bool {
    is_relative(name, PathKind::Parameter) || is_relative(name, PathKind::Object)
}
