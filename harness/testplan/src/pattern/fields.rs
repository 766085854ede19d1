//! Whether the fields that a pattern names are those of the schema, and its values of their types.

use prost_reflect::Kind;
use serde_json::{Map, Value};
use uspec_usp::{
    field_path::FieldPath,
    json::FieldError,
    schema::{Content, Resolved, Schema, resolve_path},
};

use crate::{
    problem::{Problem, item, key, nearest},
    template,
};

/// Every place of `pattern` that no Message of this content can match because of its structure.
pub(super) fn check(pattern: &Value, content: Content) -> Vec<Problem> {
    match Schema::get().and_then(|schema| schema.content(content)) {
        Ok(descriptor) => {
            let mut walk = Walk { problems: Vec::new() };
            walk.place(pattern, &Resolved::Message(descriptor), &FieldPath::root());
            walk.problems
        }
        Err(error) => vec![Problem::new(FieldPath::root(), error.to_string())],
    }
}

/// The same for a Record.
pub(super) fn check_record(pattern: &Value) -> Vec<Problem> {
    match Schema::get() {
        Ok(schema) => {
            let mut walk = Walk { problems: Vec::new() };
            walk.place(pattern, &Resolved::Message(schema.record().clone()), &FieldPath::root());
            walk.problems
        }
        Err(error) => vec![Problem::new(FieldPath::root(), error.to_string())],
    }
}

/// The same for a map of which only the keys are known.
pub(super) fn check_keys(pattern: &Value, known: &[&str]) -> Vec<Problem> {
    let Some(map) = pattern.as_object() else { return Vec::new() };
    let mut problems = Vec::new();
    for (name, argument) in map {
        let path = key(&FieldPath::root(), name);
        match (name.as_str(), argument) {
            ("$one_of" | "$all_of", Value::Array(list)) => {
                problems.extend(list.iter().flat_map(|inner| check_keys(inner, known)));
            }
            ("$not", inner) => problems.extend(check_keys(inner, known)),
            _ if name.starts_with('$') || known.contains(&name.as_str()) => {}
            _ => {
                let problem = Problem::new(path, format!("an event of this kind never has `{name}`"));
                problems.push(match nearest(name, known.iter().copied()) {
                    Some(near) => problem.help(format!("did you mean `{near}`?")),
                    None => problem.help(format!("it has {}", known.join(", "))),
                });
            }
        }
    }
    problems
}

struct Walk {
    problems: Vec<Problem>,
}

impl Walk {
    fn place(&mut self, pattern: &Value, here: &Resolved, path: &FieldPath) {
        match pattern {
            Value::Object(map) => self.object(map, here, path),
            Value::Array(list) => match item_of(here) {
                Some(inner) => self.each(list, &inner, path),
                None => self.problem(path, format!("{} is no list", name_of(here))),
            },
            scalar => self.scalar(scalar, here, path),
        }
    }

    fn object(&mut self, map: &Map<String, Value>, here: &Resolved, path: &FieldPath) {
        let mut plain = 0_usize;
        for (name, argument) in map {
            let inner = key(path, name);
            if name.starts_with('$') {
                self.matcher(name, argument, here, &inner);
            } else {
                plain = plain.saturating_add(1);
                self.field(name, argument, here, &inner);
            }
        }
        if plain == 0 && map.is_empty() && !matches!(here, Resolved::Message(_) | Resolved::Map(_)) {
            self.problem(path, format!("{} has no fields", name_of(here)));
        }
    }

    fn field(&mut self, name: &str, argument: &Value, here: &Resolved, path: &FieldPath) {
        match here {
            Resolved::Message(message) => match resolve_path(message, name) {
                Ok(inner) => self.place(argument, &inner, path),
                Err(error) => self.field_error(&error, path),
            },
            Resolved::Map(_) => {
                if let Some(inner) = value_of(here) {
                    self.place(argument, &inner, path);
                }
            }
            Resolved::List(_) => {
                let problem = Problem::new(path.clone(), format!("{} is a list and has no fields", name_of(here)));
                self.problems.push(problem.help("say `$some: {…}`, `$every: {…}`, or give a list"));
            }
            Resolved::Scalar(_) => self.problem(path, format!("{} has no fields", name_of(here))),
        }
    }

    fn matcher(&mut self, name: &str, argument: &Value, here: &Resolved, path: &FieldPath) {
        match name {
            "$some" | "$every" | "$none" => match item_of(here) {
                Some(inner) => self.place(argument, &inner, path),
                None => self.problem(path, format!("{} is no list", name_of(here))),
            },
            "$unordered" | "$contains" => match (item_of(here), argument) {
                (Some(inner), Value::Array(list)) => self.each(list, &inner, path),
                (None, _) => self.problem(path, format!("{} is no list", name_of(here))),
                _ => {}
            },
            "$one_of" | "$all_of" => {
                if let Value::Array(list) = argument {
                    self.each(list, here, path);
                }
            }
            "$not" => self.place(argument, here, path),
            "$each_value" => match value_of(here) {
                Some(inner) => self.place(argument, &inner, path),
                None => self.problem(path, format!("{} is no map", name_of(here))),
            },
            "$keys" | "$each_key" if !matches!(here, Resolved::Map(_)) => {
                self.problem(path, format!("{} is no map", name_of(here)));
            }
            "$count" if !matches!(here, Resolved::List(_) | Resolved::Map(_)) => {
                self.problem(path, format!("{} is neither list nor map", name_of(here)));
            }
            "$error_code" if !matches!(here, Resolved::Scalar(Kind::Fixed32)) => {
                self.problem(path, format!("{} is no error code", name_of(here)));
            }
            "$regex" | "$boolean" | "$value" | "$instance_of" | "$object_path" | "$parameter_path"
            | "$command_path" | "$event_path" | "$relative_path" | "$relative_object" | "$supported_path"
                if !matches!(here, Resolved::Scalar(Kind::String)) =>
            {
                self.problem(path, format!("{} is no string", name_of(here)));
            }
            _ => {}
        }
    }

    fn scalar(&mut self, scalar: &Value, here: &Resolved, path: &FieldPath) {
        let Resolved::Scalar(kind) = here else {
            self.problem(path, format!("{} is no single value", name_of(here)));
            return;
        };
        let open = scalar.as_str().is_some_and(|text| !template::placeholders(text).is_empty());
        let fits = match (kind, scalar) {
            (Kind::String | Kind::Bytes, Value::String(_)) | (Kind::Bool, Value::Bool(_)) => true,
            (Kind::Enum(descriptor), Value::String(name)) => open || descriptor.get_value_by_name(name).is_some(),
            (Kind::Bool | Kind::String | Kind::Bytes, _) => false,
            (_, Value::Number(_)) => true,
            _ => false,
        };
        if !fits {
            let problem = Problem::new(path.clone(), format!("{scalar} can never equal {}", name_of(here)));
            self.problems.push(match (kind, scalar) {
                (Kind::String, Value::Bool(value)) => problem.help(format!("write `{{$boolean: {value}}}`")),
                (Kind::String, _) => problem.help("put it in quotes"),
                _ => problem,
            });
        }
    }

    fn each(&mut self, list: &[Value], here: &Resolved, path: &FieldPath) {
        for (index, pattern) in list.iter().enumerate() {
            self.place(pattern, here, &item(path, index));
        }
    }

    fn field_error(&mut self, error: &FieldError, path: &FieldPath) {
        let problem = Problem::new(path.clone(), error.message.clone());
        self.problems.push(match &error.nearest {
            Some(near) => problem.help(format!("did you mean `{near}`?")),
            None => problem,
        });
    }

    fn problem(&mut self, path: &FieldPath, message: String) {
        self.problems.push(Problem::new(path.clone(), message));
    }
}

fn item_of(here: &Resolved) -> Option<Resolved> {
    match here {
        Resolved::List(field) => Some(of_kind(field.kind())),
        _ => None,
    }
}

fn value_of(here: &Resolved) -> Option<Resolved> {
    match here {
        Resolved::Map(field) => match field.kind() {
            Kind::Message(entry) => Some(of_kind(entry.map_entry_value_field().kind())),
            _ => None,
        },
        _ => None,
    }
}

fn of_kind(kind: Kind) -> Resolved {
    match kind {
        Kind::Message(message) => Resolved::Message(message),
        scalar => Resolved::Scalar(scalar),
    }
}

fn name_of(here: &Resolved) -> String {
    match here {
        Resolved::Message(message) => format!("a {} message", message.name()),
        Resolved::List(field) => format!("the list {}", field.name()),
        Resolved::Map(field) => format!("the map {}", field.name()),
        Resolved::Scalar(Kind::Enum(descriptor)) => format!("a value of {}", descriptor.name()),
        Resolved::Scalar(Kind::String) => "a string".to_owned(),
        Resolved::Scalar(Kind::Bool) => "a boolean".to_owned(),
        Resolved::Scalar(Kind::Bytes) => "bytes as hex".to_owned(),
        Resolved::Scalar(_) => "a number".to_owned(),
    }
}
