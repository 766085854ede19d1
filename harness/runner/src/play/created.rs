//! The objects that a case has created and not deleted again: what to remove when they have locked us out.

use crate::bounds::LEFTOVERS;
use serde_json::Value;
use std::collections::BTreeSet;
use uspec_usp::schema::MessageKind;

/// The objects that a case has created and not deleted again.
#[derive(Debug, Default, Clone)]
pub(crate) struct Created(BTreeSet<String>);

impl Created {
    /// Takes note of a Response.
    pub(super) fn note(&mut self, kind: MessageKind, answer: &Value) {
        match kind {
            MessageKind::Add => {
                let paths =
                    successes(answer, "created_obj_results").filter_map(|ok| ok.get("instantiated_path")?.as_str());
                for path in paths {
                    if self.0.len() < LEFTOVERS {
                        self.0.insert(path.to_owned());
                    }
                }
            }
            MessageKind::Delete => {
                let lists =
                    successes(answer, "deleted_obj_results").filter_map(|ok| ok.get("affected_paths")?.as_array());
                for path in lists.flatten().filter_map(Value::as_str) {
                    self.0.remove(path);
                }
            }
            _ => {}
        }
    }

    /// Their paths.
    pub(crate) fn paths(&self) -> Vec<String> {
        self.0.iter().cloned().collect()
    }
}

fn successes<'a>(answer: &'a Value, results: &str) -> impl Iterator<Item = &'a Value> {
    let results = answer.get(results).and_then(Value::as_array).into_iter().flatten();
    results.filter_map(|result| result.pointer("/oper_status/oper_success"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_deleted_again_is_forgotten() {
        let mut created = Created::default();
        let success = |path: &str| json!({"oper_status": {"oper_success": {"instantiated_path": path}}});
        created.note(
            MessageKind::Add,
            &json!({"created_obj_results": [success("a.1."), success("a.2."),
            {"oper_status": {"oper_failure": {"err_code": 7004}}}]}),
        );
        created.note(
            MessageKind::Delete,
            &json!({"deleted_obj_results": [
            {"oper_status": {"oper_success": {"affected_paths": ["a.1."]}}}]}),
        );
        assert_eq!(created.paths(), ["a.2."]);
    }
}
