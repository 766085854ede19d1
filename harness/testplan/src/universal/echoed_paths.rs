//! A Response has results for each path that was requested, and for no other: `requested_path` and `req_obj_path` return the text of the
//! Request (TR-369, the Response fields of each Message).
//!
//! How many results a path has is open (a Search Path may have several in an AddResp), and so is their order; a path
//! that was requested twice may have one result.

use serde_json::Value;
use uspec_usp::schema::{Content, MessageKind};

use super::Tally;
use crate::{
    judge::{evidence::Evidence, finding::unmet},
    show,
};

pub(super) fn judge(evidence: Evidence<'_>, tally: &mut Tally) {
    tally.expects("results for each requested path and no other");
    for answer in evidence.view.received() {
        let (Some(Content::Response(kind)), Some(body)) = (answer.content, answer.body()) else { continue };
        let Some(asked) = evidence.view.request_of(answer).filter(|asked| asked.request() == Some(kind)) else {
            continue;
        };
        let (Some(request), Some((results, field))) = (asked.body(), results_of(kind)) else { continue };
        let requested = requested(kind, request);
        let returned: Vec<_> = texts(body, results, field);
        let missing: Vec<_> = requested.iter().filter(|path| !returned.contains(path)).collect();
        let extra: Vec<_> = returned.iter().filter(|path| !requested.contains(path)).collect();
        tally.holds(missing.is_empty() && extra.is_empty(), || {
            let mut seen = format!("{} with results for {}", answer.name(), show::list(&returned));
            if !missing.is_empty() {
                seen = format!("{seen}; none for {}", show::list(&missing));
            }
            let expected = format!("results for {}", show::list(&requested));
            unmet(expected, seen, vec![asked.seq, answer.seq]).at(format!("{results}.{field}"))
        });
    }
}

const fn results_of(kind: MessageKind) -> Option<(&'static str, &'static str)> {
    match kind {
        MessageKind::Get | MessageKind::GetInstances => Some(("req_path_results", "requested_path")),
        MessageKind::GetSupportedDM => Some(("req_obj_results", "req_obj_path")),
        MessageKind::Add => Some(("created_obj_results", "requested_path")),
        MessageKind::Set => Some(("updated_obj_results", "requested_path")),
        MessageKind::Delete => Some(("deleted_obj_results", "requested_path")),
        _ => None,
    }
}

fn requested(kind: MessageKind, request: &Value) -> Vec<&str> {
    match kind {
        MessageKind::Get => strings(request, "param_paths"),
        MessageKind::Add => texts(request, "create_objs", "obj_path"),
        MessageKind::Set => texts(request, "update_objs", "obj_path"),
        _ => strings(request, "obj_paths"),
    }
}

fn strings<'a>(owner: &'a Value, field: &str) -> Vec<&'a str> {
    owner.get(field).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

fn texts<'a>(owner: &'a Value, list: &str, field: &str) -> Vec<&'a str> {
    let items = owner.get(list).and_then(Value::as_array).into_iter().flatten();
    items.filter_map(|item| item.get(field)).filter_map(Value::as_str).collect()
}
