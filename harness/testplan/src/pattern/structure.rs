//! Patterns without `$`: equal scalars, fields of a map, items of a list.

use serde_json::Value;

use super::{Context, Matcher, Node, Place, expand, unmet};
use crate::{show, verdict::Finding};

/// A scalar equal to this one. Numbers and booleans by type, strings after their variables are replaced.
#[derive(Debug)]
pub(super) struct Equal {
    source: Value,
}

impl Equal {
    pub(super) fn new(source: Value) -> Self {
        Self { source }
    }
}

impl Matcher for Equal {
    fn check(&self, place: &Place<'_>, seen: Option<&Value>, context: &Context<'_>, findings: &mut Vec<Finding>) {
        let expected = match &self.source {
            Value::String(template) => match expand(template, place, context, findings) {
                Some(text) => Value::String(text),
                None => return,
            },
            other => other.clone(),
        };
        if seen != Some(&expected) {
            findings.push(unmet(place, show::value(&expected), show::optional(seen)));
        }
    }
}

/// A map with at least these fields or entries.
#[derive(Debug)]
pub(super) struct Fields {
    fields: Vec<(String, Node)>,
}

impl Fields {
    pub(super) fn new(fields: Vec<(String, Node)>) -> Self {
        Self { fields }
    }
}

impl Matcher for Fields {
    fn check(&self, place: &Place<'_>, seen: Option<&Value>, context: &Context<'_>, findings: &mut Vec<Finding>) {
        let Some(Value::Object(map)) = seen else {
            findings.push(unmet(place, "a set of fields", show::optional(seen)));
            return;
        };
        for (name, node) in &self.fields {
            let Some(name) = expand(name, place, context, findings) else { continue };
            node.check(&place.key(&name), map.get(&name), context, findings);
        }
    }
}

/// A list of exactly these items.
#[derive(Debug)]
pub(super) struct Items {
    items: Vec<Node>,
}

impl Items {
    pub(super) fn new(items: Vec<Node>) -> Self {
        Self { items }
    }
}

impl Matcher for Items {
    fn check(&self, place: &Place<'_>, seen: Option<&Value>, context: &Context<'_>, findings: &mut Vec<Finding>) {
        let Some(Value::Array(list)) = seen else {
            findings.push(unmet(place, "a list", show::optional(seen)));
            return;
        };
        if list.len() != self.items.len() {
            let expected = format!("{} items", self.items.len());
            findings.push(unmet(place, expected, format!("{} items: {}", list.len(), show::optional(seen))));
            return;
        }
        for (index, (node, item)) in self.items.iter().zip(list).enumerate() {
            node.check(&place.index(index), Some(item), context, findings);
        }
    }
}
