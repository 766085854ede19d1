//! A GetSupportedDMResp as objects with their parts.

use serde_json::Value;

use super::super::read::{list, supported, text, texts};
use crate::judge::evidence::Reply;

/// The access of a parameter that no Get shows.
pub(in crate::rule) const WRITE_ONLY: &str = "PARAM_WRITE_ONLY";

/// What an Agent says that it supports.
#[derive(Debug, Default)]
pub(in crate::rule) struct Model {
    /// In the order of the Response.
    pub(in crate::rule) objects: Vec<Object>,
}

/// One supported object.
#[derive(Debug)]
pub(in crate::rule) struct Object {
    /// Its path with the dot at its end.
    pub(in crate::rule) path: String,
    /// Where it stands in the Response.
    pub(in crate::rule) place: String,
    pub(in crate::rule) is_multi_instance: bool,
    pub(in crate::rule) parameters: Vec<Parameter>,
    pub(in crate::rule) commands: Vec<Command>,
    pub(in crate::rule) events: Vec<Event>,
    pub(in crate::rule) key_sets: Vec<Vec<String>>,
    pub(in crate::rule) divergent: Vec<String>,
}

/// One supported parameter. Enums are names, or numbers where the schema has none.
#[derive(Debug)]
pub(in crate::rule) struct Parameter {
    pub(in crate::rule) name: String,
    pub(in crate::rule) access: String,
    pub(in crate::rule) value_type: String,
    pub(in crate::rule) value_change: String,
}

/// One supported command.
#[derive(Debug)]
pub(in crate::rule) struct Command {
    pub(in crate::rule) name: String,
    pub(in crate::rule) inputs: Vec<String>,
    pub(in crate::rule) outputs: Vec<String>,
    pub(in crate::rule) kind: String,
}

/// One supported event.
#[derive(Debug)]
pub(in crate::rule) struct Event {
    pub(in crate::rule) name: String,
    pub(in crate::rule) arguments: Vec<String>,
}

impl Model {
    /// All results of a Response.
    pub(in crate::rule) fn new(reply: &Reply<'_>) -> Self {
        let results = list(reply.body, "req_obj_results").iter().enumerate();
        Self { objects: results.flat_map(|(index, result)| objects_of(index, result)).collect() }
    }

    /// One result of a Response.
    pub(in crate::rule) fn of_result(index: usize, result: &Value) -> Self {
        Self { objects: objects_of(index, result) }
    }

    /// The object with this supported path.
    pub(in crate::rule) fn object(&self, supported: &str) -> Option<&Object> {
        self.objects.iter().find(|object| object.path == supported)
    }

    /// The object that describes an object of the Instantiated Data Model.
    pub(in crate::rule) fn object_of(&self, instantiated: &str) -> Option<&Object> {
        self.object(&supported(instantiated)?)
    }

    /// Whether the path is below an object whose rows the Agent says differ.
    pub(in crate::rule) fn is_divergent(&self, instantiated: &str) -> bool {
        self.objects.iter().flat_map(|object| &object.divergent).any(|path| instantiated.starts_with(path.as_str()))
    }
}

fn objects_of(index: usize, result: &Value) -> Vec<Object> {
    let objects = list(result, "supported_objs").iter().enumerate();
    objects.map(|(nth, object)| object_of(format!("req_obj_results[{index}].supported_objs[{nth}]"), object)).collect()
}

fn object_of(place: String, object: &Value) -> Object {
    let mut path = text(object, "supported_obj_path").unwrap_or_default().to_owned();
    if !path.ends_with('.') {
        path.push('.');
    }
    let owned = |value: &Value, field: &str| text(value, field).unwrap_or_default().to_owned();
    let all = |value: &Value, field: &str| texts(value, field).into_iter().map(str::to_owned).collect();
    let parameter = |value: &Value| Parameter {
        name: owned(value, "param_name"),
        access: word(value, "access"),
        value_type: word(value, "value_type"),
        value_change: word(value, "value_change"),
    };
    let command = |value: &Value| Command {
        name: owned(value, "command_name"),
        inputs: all(value, "input_arg_names"),
        outputs: all(value, "output_arg_names"),
        kind: word(value, "command_type"),
    };
    let event = |value: &Value| Event { name: owned(value, "event_name"), arguments: all(value, "arg_names") };
    Object {
        path,
        place,
        is_multi_instance: object.get("is_multi_instance").and_then(Value::as_bool).unwrap_or_default(),
        parameters: list(object, "supported_params").iter().map(parameter).collect(),
        commands: list(object, "supported_commands").iter().map(command).collect(),
        events: list(object, "supported_events").iter().map(event).collect(),
        key_sets: list(object, "unique_key_sets").iter().map(|set| all(set, "key_names")).collect(),
        divergent: all(object, "divergent_paths"),
    }
}

/// An enum's name, or its number where the schema has no name for it.
fn word(owner: &Value, field: &str) -> String {
    match owner.get(field) {
        Some(Value::String(name)) => name.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    }
}
