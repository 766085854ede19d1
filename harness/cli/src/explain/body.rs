//! The body of a Request, in short.

use serde_json::Value;
use uspec_report::text::cut;
use uspec_usp::schema::MessageKind;

use super::variables::shown;

/// A line of a procedure is for reading; the case's file has it whole.
const LIMIT: usize = 400;

/// What a Request asks for.
pub(super) fn short(kind: MessageKind, body: &Value) -> String {
    let mut parts = Vec::new();
    let list = |key: &str| body.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let flag = |key: &str| body.get(key).and_then(Value::as_bool);
    match kind {
        MessageKind::Get => parts.extend(list("param_paths").iter().map(value)),
        MessageKind::Add => parts.extend(list("create_objs").iter().map(object)),
        MessageKind::Set => parts.extend(list("update_objs").iter().map(object)),
        MessageKind::Operate => parts.push(operate(body)),
        _ => parts.extend(["obj_paths", "param_paths"].iter().flat_map(|key| list(key)).map(value)),
    }
    if parts.is_empty() {
        let fields = body.as_object().into_iter().flatten();
        parts.extend(fields.map(|(name, it)| format!("{name} {}", value(it))));
    } else {
        let said =
            flag("allow_partial").map(|partial| if partial { "as much of it as can be" } else { "all or nothing" });
        parts.extend(said.map(str::to_owned));
        let options = [
            "max_depth",
            "first_level_only",
            "return_commands",
            "return_events",
            "return_params",
            "return_unique_key_sets",
        ];
        let set = options.iter().filter_map(|key| Some(format!("{key} {}", value(body.get(*key)?))));
        parts.extend(set);
    }
    cut(&parts.join(", "), LIMIT)
}

/// A value, as short as it can be read.
pub(super) fn value(value: &Value) -> String {
    match value {
        Value::String(text) if text.is_empty() => "empty".to_owned(),
        Value::String(text) => shown(text),
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        Value::Array(items) => items.iter().map(self::value).collect::<Vec<_>>().join(", "),
        other => shown(&other.to_string()),
    }
}

/// What is created or set.
fn object(object: &Value) -> String {
    let path = object.get("obj_path").map(value).unwrap_or_default();
    let settings = object.get("param_settings").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let said = settings.iter().map(|setting| {
        let name = setting.get("param").map(value).unwrap_or_default();
        let to = setting.get("value").map(value).unwrap_or_default();
        let required = setting.get("required").and_then(Value::as_bool) == Some(true);
        format!("{name} = {to}{}", if required { " (required)" } else { "" })
    });
    let said: Vec<_> = said.collect();
    if said.is_empty() { path } else { format!("{path} with {}", said.join(", ")) }
}

fn operate(body: &Value) -> String {
    let command = body.get("command").map(value).unwrap_or_default();
    let arguments = body.get("input_args").and_then(Value::as_object).into_iter().flatten();
    let arguments: Vec<_> = arguments.map(|(name, it)| format!("{} = {}", shown(name), value(it))).collect();
    let with = if arguments.is_empty() { String::new() } else { format!(" with {}", arguments.join(", ")) };
    let answer = match body.get("send_resp").and_then(Value::as_bool) {
        Some(false) => ", without asking for an answer",
        _ => "",
    };
    format!("{command}{with}{answer}")
}
