//! What Responses show of the data model: objects with their parameters, rows of tables, and reads that failed.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use uspec_usp::{
    path::{Path, SupportedPath},
    schema::MessageKind,
};

use crate::{
    judge::{evidence::Reply, finding::unknown},
    pattern::{is_instance_of, parse_table},
    show,
    verdict::Finding,
};

/// Parameters of an object by name.
pub(super) type Parameters = BTreeMap<String, String>;

/// Every object of a GetResp with its parameters, by path. Parameters with a dotted name belong to the sub-object that they
/// name: before USP 1.2 one result could hold a whole tree.
pub(super) fn objects(reply: &Reply<'_>) -> BTreeMap<String, Parameters> {
    let mut objects: BTreeMap<String, Parameters> = BTreeMap::new();
    for result in list(reply.body, "req_path_results") {
        for resolved in list(result, "resolved_path_results") {
            let Some(path) = text(resolved, "resolved_path") else { continue };
            objects.entry(path.to_owned()).or_default();
            for (name, value) in strings(resolved, "result_params") {
                let (below, name) = name.rsplit_once('.').map_or(("", name), |(below, name)| (below, name));
                let object = if below.is_empty() { path.to_owned() } else { format!("{path}{below}.") };
                objects.entry(object).or_default().insert(name.to_owned(), value.to_owned());
            }
        }
    }
    objects
}

/// Every path of an object that a Response tells of: found, changed, created or deleted.
pub(super) fn told(reply: &Reply<'_>) -> Vec<String> {
    let body = reply.body;
    match reply.kind {
        MessageKind::Get => objects(reply).into_keys().collect(),
        MessageKind::GetInstances => {
            let results = list(body, "req_path_results").iter().flat_map(|result| list(result, "curr_insts"));
            results.filter_map(|it| text(it, "instantiated_obj_path")).map(str::to_owned).collect()
        }
        MessageKind::Add => {
            successes(reply).into_iter().filter_map(|it| text(it, "instantiated_path")).map(str::to_owned).collect()
        }
        MessageKind::Set => {
            let updated = successes(reply).into_iter().flat_map(|it| list(it, "updated_inst_results"));
            updated.filter_map(|it| text(it, "affected_path")).map(str::to_owned).collect()
        }
        MessageKind::Delete => {
            let affected = successes(reply).into_iter().flat_map(|it| list(it, "affected_paths"));
            affected.filter_map(Value::as_str).map(str::to_owned).collect()
        }
        _ => Vec::new(),
    }
}

/// The `oper_success` of each result of an AddResp, SetResp or DeleteResp, in order.
pub(super) fn successes<'a>(reply: &Reply<'a>) -> Vec<&'a Value> {
    results(reply).iter().filter_map(|result| result.pointer("/oper_status/oper_success")).collect()
}

/// The results of an AddResp, SetResp or DeleteResp.
pub(super) fn results<'a>(reply: &Reply<'a>) -> &'a [Value] {
    let field = match reply.kind {
        MessageKind::Add => "created_obj_results",
        MessageKind::Set => "updated_obj_results",
        MessageKind::Delete => "deleted_obj_results",
        _ => return &[],
    };
    list(reply.body, field)
}

/// The rows of `table` to which the told objects belong.
pub(super) fn rows(reply: &Reply<'_>, table: &SupportedPath) -> BTreeSet<String> {
    told(reply).iter().filter_map(|path| row_of(path, table)).collect()
}

/// The row of `table` that `path` is, or is below of.
pub(super) fn row_of(path: &str, table: &SupportedPath) -> Option<String> {
    let mut here = Path::parse(path).ok();
    while let Some(path) = here {
        if is_instance_of(&path, table) {
            return Some(path.to_string());
        }
        here = path.parent();
    }
    None
}

/// The table that an argument names.
pub(super) fn table(text: &str) -> Result<SupportedPath, Finding> {
    parse_table(text).map_err(|reason| unknown(format!("{text} as a table"), reason, Vec::new()))
}

/// A finding when the Response says that something could not be read: then it shows nothing of what is there.
pub(super) fn readable(reply: &Reply<'_>, label: &str) -> Result<(), Finding> {
    match failed_reads(reply).first() {
        Some((path, code)) => {
            let seen = format!("`{label}` reports {code} for {}", show::quoted(path));
            Err(unknown(format!("`{label}` shows what is there"), seen, vec![reply.seq]))
        }
        None => Ok(()),
    }
}

/// The requested paths for which reading failed, with their error codes.
pub(super) fn failed_reads<'a>(reply: &Reply<'a>) -> Vec<(&'a str, u64)> {
    let (results, field) = match reply.kind {
        MessageKind::Get | MessageKind::GetInstances => ("req_path_results", "requested_path"),
        MessageKind::GetSupportedDM => ("req_obj_results", "req_obj_path"),
        _ => return Vec::new(),
    };
    let code = |result: &Value| result.get("err_code").and_then(Value::as_u64).filter(|code| *code != 0);
    list(reply.body, results).iter().filter_map(|it| Some((text(it, field)?, code(it)?))).collect()
}

/// The path in the Supported Data Model, rows as `{i}`; `None` for what is no path of it.
pub(super) fn supported(path: &str) -> Option<String> {
    if let Ok(path) = SupportedPath::parse(path) {
        let segments = path.segments().iter().map(|segment| match segment {
            uspec_usp::path::SupportedSegment::Name(name) => name.clone(),
            _ => "{i}".to_owned(),
        });
        let dotted = segments.collect::<Vec<_>>().join(".");
        return Some(match path.kind() {
            uspec_usp::path::PathKind::Object => format!("{dotted}."),
            uspec_usp::path::PathKind::Parameter => dotted,
            uspec_usp::path::PathKind::Command => format!("{dotted}()"),
            uspec_usp::path::PathKind::Event => format!("{dotted}!"),
        });
    }
    Path::parse(path).ok()?.to_supported().map(|path| path.to_string())
}

/// A repeated field.
pub(super) fn list<'a>(owner: &'a Value, field: &str) -> &'a [Value] {
    owner.get(field).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// A string field.
pub(super) fn text<'a>(owner: &'a Value, field: &str) -> Option<&'a str> {
    owner.get(field).and_then(Value::as_str)
}

/// A map field of strings.
pub(super) fn strings<'a>(owner: &'a Value, field: &str) -> impl Iterator<Item = (&'a str, &'a str)> {
    let entries = owner.get(field).and_then(Value::as_object).into_iter().flatten();
    entries.filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)))
}

/// A repeated string field.
pub(super) fn texts<'a>(owner: &'a Value, field: &str) -> Vec<&'a str> {
    list(owner, field).iter().filter_map(Value::as_str).collect()
}
