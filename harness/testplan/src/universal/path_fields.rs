//! Which fields of an Agent's Messages hold Path Names, and of which form.
//!
//! Left out are fields that return what the Controller wrote (`requested_path`, `req_obj_path`): they are as right or
//! wrong as that was. Fields that return it only sometimes are marked where their text is the Controller's.

use serde_json::Value;
use uspec_usp::schema::{Content, MessageKind};

/// One text that names something in the data model.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PathField<'a> {
    /// Where it stands.
    pub(super) place: String,
    /// The text.
    pub(super) text: &'a str,
    /// What it must be.
    pub(super) form: Form,
    /// Whether the Controller's Request has it so.
    pub(super) echo: bool,
}

/// The form of a Path Name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// An Object or one of its rows: ends in a dot.
    Object,
    /// A row of a table.
    Instance,
    /// A Parameter.
    Parameter,
    /// A Command: ends in `()`.
    Command,
    /// An Object, Parameter, Command or Event.
    Any,
    /// A Parameter below an Object that is told elsewhere.
    RelativeParameter,
    /// A Parameter, either from the root or below an Object that is told elsewhere.
    EitherParameter,
    /// A Command below an Object.
    RelativeCommand,
    /// An Event below an Object.
    RelativeEvent,
    /// An argument of a Command or Event.
    Argument,
    /// An Object of the Supported Data Model.
    Supported,
}

/// Every Path Name of a Response, Error or Request of the EUT. `request` is what it answers, when that is known.
pub(super) fn of<'a>(content: Content, body: &'a Value, request: Option<&Value>) -> Vec<PathField<'a>> {
    let asked = request.map(requested).unwrap_or_default();
    let mut walk = Walk { fields: Vec::new(), asked };
    match content {
        Content::Response(MessageKind::Get) => walk.get(body),
        Content::Response(MessageKind::GetSupportedDM) => walk.supported_dm(body),
        Content::Response(MessageKind::GetInstances) => walk.instances(body),
        Content::Response(MessageKind::Add) => walk.add(body),
        Content::Response(MessageKind::Set) => walk.set(body),
        Content::Response(MessageKind::Delete) => walk.delete(body),
        Content::Response(MessageKind::Operate) => walk.operate(body),
        Content::Request(MessageKind::Notify) => walk.notify(body),
        Content::Request(MessageKind::Register) => {
            for (place, registered) in items(body, "", "reg_paths") {
                walk.text(&place, registered, "path", Form::Any);
            }
        }
        Content::Request(MessageKind::Deregister) => {
            // An empty path stands for everything that was registered (R-DEREG.2).
            for (place, path) in items(body, "", "paths").into_iter().filter(|(_, path)| *path != "") {
                walk.value(place, path, Form::Any);
            }
        }
        Content::Error if request.is_some() => {
            for (place, error) in items(body, "", "param_errs") {
                walk.text(&place, error, "param_path", Form::Any);
                walk.echoes_a_beginning();
            }
        }
        _ => {}
    }
    walk.fields
}

struct Walk<'a> {
    fields: Vec<PathField<'a>>,
    asked: Vec<String>,
}

impl<'a> Walk<'a> {
    fn get(&mut self, body: &'a Value) {
        for (place, result) in items(body, "", "req_path_results") {
            for (place, resolved) in items(result, &place, "resolved_path_results") {
                self.text(&place, resolved, "resolved_path", Form::Object);
                self.keys(&place, resolved, "result_params", Form::RelativeParameter);
            }
        }
    }

    fn supported_dm(&mut self, body: &'a Value) {
        for (place, result) in items(body, "", "req_obj_results") {
            for (place, object) in items(result, &place, "supported_objs") {
                self.text(&place, object, "supported_obj_path", Form::Supported);
                self.texts(&place, object, "divergent_paths", Form::Object);
                for (place, param) in items(object, &place, "supported_params") {
                    self.text(&place, param, "param_name", Form::RelativeParameter);
                }
                for (place, command) in items(object, &place, "supported_commands") {
                    self.text(&place, command, "command_name", Form::RelativeCommand);
                    self.texts(&place, command, "input_arg_names", Form::Argument);
                    self.texts(&place, command, "output_arg_names", Form::Argument);
                }
                for (place, event) in items(object, &place, "supported_events") {
                    self.text(&place, event, "event_name", Form::RelativeEvent);
                    self.texts(&place, event, "arg_names", Form::Argument);
                }
                for (place, set) in items(object, &place, "unique_key_sets") {
                    self.texts(&place, set, "key_names", Form::RelativeParameter);
                }
            }
        }
    }

    fn instances(&mut self, body: &'a Value) {
        for (place, result) in items(body, "", "req_path_results") {
            for (place, instance) in items(result, &place, "curr_insts") {
                self.text(&place, instance, "instantiated_obj_path", Form::Instance);
                self.keys(&place, instance, "unique_keys", Form::RelativeParameter);
            }
        }
    }

    fn add(&mut self, body: &'a Value) {
        for (place, result) in items(body, "", "created_obj_results") {
            let Some((place, success)) = inner(result, &place, &["oper_status", "oper_success"]) else { continue };
            self.text(&place, success, "instantiated_path", Form::Instance);
            self.keys(&place, success, "unique_keys", Form::RelativeParameter);
            self.param_errs(&place, success);
        }
    }

    fn set(&mut self, body: &'a Value) {
        for (place, result) in items(body, "", "updated_obj_results") {
            if let Some((place, success)) = inner(result, &place, &["oper_status", "oper_success"]) {
                for (place, updated) in items(success, &place, "updated_inst_results") {
                    self.text(&place, updated, "affected_path", Form::Object);
                    self.keys(&place, updated, "updated_params", Form::RelativeParameter);
                    self.param_errs(&place, updated);
                }
            }
            if let Some((place, failure)) = inner(result, &place, &["oper_status", "oper_failure"]) {
                for (place, failed) in items(failure, &place, "updated_inst_failures") {
                    self.text(&place, failed, "affected_path", Form::Object);
                    self.param_errs(&place, failed);
                }
            }
        }
    }

    fn delete(&mut self, body: &'a Value) {
        for (place, result) in items(body, "", "deleted_obj_results") {
            let Some((place, success)) = inner(result, &place, &["oper_status", "oper_success"]) else { continue };
            self.texts(&place, success, "affected_paths", Form::Object);
            for (place, error) in items(success, &place, "unaffected_path_errs") {
                self.text(&place, error, "unaffected_path", Form::Object);
            }
        }
    }

    fn operate(&mut self, body: &'a Value) {
        for (place, result) in items(body, "", "operation_results") {
            self.text(&place, result, "executed_command", Form::Command);
            // What was executed has a place in the data model; what failed may never have been found there.
            if result.get("cmd_failure").is_none() {
                self.is_no_echo();
            }
            self.text(&place, result, "req_obj_path", Form::Object);
            if let Some((place, output)) = inner(result, &place, &["req_output_args"]) {
                self.keys(&place, output, "output_args", Form::Argument);
            }
        }
    }

    fn notify(&mut self, body: &'a Value) {
        if let Some((place, event)) = inner(body, "", &["event"]) {
            self.text(&place, event, "obj_path", Form::Object);
            self.text(&place, event, "event_name", Form::RelativeEvent);
            self.keys(&place, event, "params", Form::Argument);
        }
        if let Some((place, change)) = inner(body, "", &["value_change"]) {
            self.text(&place, change, "param_path", Form::Parameter);
        }
        if let Some((place, creation)) = inner(body, "", &["obj_creation"]) {
            self.text(&place, creation, "obj_path", Form::Instance);
            self.keys(&place, creation, "unique_keys", Form::RelativeParameter);
        }
        if let Some((place, deletion)) = inner(body, "", &["obj_deletion"]) {
            self.text(&place, deletion, "obj_path", Form::Instance);
        }
        if let Some((place, complete)) = inner(body, "", &["oper_complete"]) {
            self.text(&place, complete, "obj_path", Form::Object);
            self.text(&place, complete, "command_name", Form::RelativeCommand);
            if let Some((place, output)) = inner(complete, &place, &["req_output_args"]) {
                self.keys(&place, output, "output_args", Form::Argument);
            }
        }
    }

    fn param_errs(&mut self, place: &str, owner: &'a Value) {
        for (place, error) in items(owner, place, "param_errs") {
            self.text(&place, error, "param", Form::EitherParameter);
        }
    }

    fn text(&mut self, place: &str, owner: &'a Value, field: &str, form: Form) {
        if let Some(value) = owner.get(field) {
            self.value(join(place, field), value, form);
        }
    }

    fn texts(&mut self, place: &str, owner: &'a Value, field: &str, form: Form) {
        for (place, value) in items(owner, place, field) {
            self.value(place, value, form);
        }
    }

    fn keys(&mut self, place: &str, owner: &'a Value, field: &str, form: Form) {
        for key in owner.get(field).and_then(Value::as_object).into_iter().flat_map(|map| map.keys()) {
            self.fields.push(PathField { place: join(place, field), text: key, form, echo: false });
        }
    }

    fn value(&mut self, place: String, value: &'a Value, form: Form) {
        if let Some(text) = value.as_str() {
            let echo = self.asked.iter().any(|asked| asked == text);
            self.fields.push(PathField { place, text, form, echo });
        }
    }

    /// The last text counts as the Controller's also when it goes on after what the Controller wrote.
    fn echoes_a_beginning(&mut self) {
        if let Some(field) = self.fields.last_mut() {
            field.echo |= self.asked.iter().any(|asked| field.text.starts_with(asked.as_str()));
        }
    }

    fn is_no_echo(&mut self) {
        if let Some(field) = self.fields.last_mut() {
            field.echo = false;
        }
    }
}

/// Every path and Parameter name that a Request has.
pub(super) fn requested(request: &Value) -> Vec<String> {
    const NAMES: [&str; 6] = ["param_paths", "obj_paths", "obj_path", "command", "param", "path"];
    let mut found = Vec::new();
    collect(request, &NAMES, &mut found);
    found.retain(|text| !text.is_empty());
    found
}

fn collect(value: &Value, names: &[&str], found: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, names, found)),
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(text) if names.contains(&name.as_str()) => found.push(text.clone()),
                    Value::Array(items) if names.contains(&name.as_str()) => {
                        found.extend(items.iter().filter_map(Value::as_str).map(str::to_owned));
                    }
                    other => collect(other, names, found),
                }
            }
        }
        _ => {}
    }
}

fn items<'a>(owner: &'a Value, place: &str, field: &str) -> Vec<(String, &'a Value)> {
    let list = owner.get(field).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let place = join(place, field);
    list.iter().enumerate().map(|(index, item)| (format!("{place}[{index}]"), item)).collect()
}

fn inner<'a>(owner: &'a Value, place: &str, fields: &[&str]) -> Option<(String, &'a Value)> {
    let value = fields.iter().try_fold(owner, |value, field| value.get(field))?;
    Some((join(place, &fields.join(".")), value))
}

fn join(place: &str, field: &str) -> String {
    if place.is_empty() { field.to_owned() } else { format!("{place}.{field}") }
}
