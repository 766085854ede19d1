//! From what an author wrote to matchers.

use serde_json::{Map, Value};
use uspec_usp::field_path::FieldPath;

use super::{
    Matcher, Node, registry,
    structure::{Equal, Fields, Items},
};
use crate::problem::{Problem, item, key};

/// Deeper than any Message of USP, so that a generated pattern cannot exhaust the stack.
const MAX_DEPTH: usize = 64;

/// Compiles one place of a pattern. `None` when a problem was added.
pub(super) fn node(source: &Value, path: &FieldPath, problems: &mut Vec<Problem>) -> Option<Node> {
    if path.segments().len() > MAX_DEPTH {
        problems.push(Problem::new(path.clone(), format!("a pattern is at most {MAX_DEPTH} levels deep")));
        return None;
    }
    match source {
        Value::Null => {
            problems.push(
                Problem::new(path.clone(), "a pattern is never empty").help(
                    "write `{$absent: true}` for a field that must not be there, `{$any: true}` for one that must",
                ),
            );
            None
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            Some(Node::new(vec![Box::new(Equal::new(source.clone()))]))
        }
        Value::Array(list) => {
            let nodes = nodes(list, path, problems)?;
            Some(Node::new(vec![Box::new(Items::new(nodes))]))
        }
        Value::Object(map) => object(map, path, problems),
    }
}

/// Compiles a list of patterns.
pub(super) fn nodes(list: &[Value], path: &FieldPath, problems: &mut Vec<Problem>) -> Option<Vec<Node>> {
    let compiled: Vec<_> =
        list.iter().enumerate().map(|(index, source)| node(source, &item(path, index), problems)).collect();
    compiled.into_iter().collect()
}

fn object(map: &Map<String, Value>, path: &FieldPath, problems: &mut Vec<Problem>) -> Option<Node> {
    let mut matchers: Vec<Box<dyn Matcher>> = Vec::new();
    let mut fields = Vec::new();
    let mut complete = true;
    for (name, argument) in map {
        let inner = key(path, name);
        if name.starts_with('$') {
            match registry::compile(name, argument, &inner, problems) {
                Some(matcher) => matchers.push(matcher),
                None => complete = false,
            }
        } else {
            match node(argument, &inner, problems) {
                Some(node) => fields.push((name.clone(), node)),
                None => complete = false,
            }
        }
    }
    // A map without `$` is a subset match even when it is empty: the field must be there, and be a map.
    if !fields.is_empty() || matchers.is_empty() {
        matchers.push(Box::new(Fields::new(fields)));
    }
    complete.then(|| Node::new(matchers))
}
