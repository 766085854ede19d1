//! `$some`, `$every`, `$none`: patterns on the items of a list.

use serde_json::Value;
use uspec_usp::field_path::FieldPath;

use super::{Context, Matcher, Node, Place, compile, finding, unmet};
use crate::{
    problem::Problem,
    show,
    verdict::{Finding, Outcome},
};

/// `$some`: at least one item matches.
#[derive(Debug)]
struct Some_ {
    item: Node,
}

impl Matcher for Some_ {
    fn check(&self, place: &Place<'_>, seen: Option<&Value>, context: &Context<'_>, findings: &mut Vec<Finding>) {
        let Some(list) = list(place, seen, findings) else { return };
        let judged: Vec<_> = list
            .iter()
            .enumerate()
            .map(|(index, item)| self.item.judge(&place.index(index), Some(item), context))
            .collect();
        let Some(best) = judged.iter().map(|(outcome, _)| *outcome).min() else {
            findings.push(unmet(place, "an item that matches", "an empty list"));
            return;
        };
        if best == Outcome::Met {
            return;
        }
        let seen = format!("none of {} items: {}", list.len(), show::optional(seen));
        findings.push(finding(best, place, "an item that matches", seen));
        // The item that comes closest says most about what is wrong.
        let closest = judged.into_iter().filter(|(outcome, _)| *outcome == best).map(|(_, inner)| inner);
        findings.extend(closest.min_by_key(Vec::len).unwrap_or_default());
    }
}

/// `$every`: each item matches; holds for an empty list.
#[derive(Debug)]
struct Every {
    item: Node,
}

impl Matcher for Every {
    fn check(&self, place: &Place<'_>, seen: Option<&Value>, context: &Context<'_>, findings: &mut Vec<Finding>) {
        let Some(list) = list(place, seen, findings) else { return };
        for (index, item) in list.iter().enumerate() {
            self.item.check(&place.index(index), Some(item), context, findings);
        }
    }
}

/// `$none`: no item matches.
#[derive(Debug)]
struct None_ {
    item: Node,
}

impl Matcher for None_ {
    fn check(&self, place: &Place<'_>, seen: Option<&Value>, context: &Context<'_>, findings: &mut Vec<Finding>) {
        let Some(list) = list(place, seen, findings) else { return };
        for (index, item) in list.iter().enumerate() {
            let place = place.index(index);
            let (outcome, inner) = self.item.judge(&place, Some(item), context);
            match outcome {
                Outcome::Met => findings.push(unmet(&place, "no item like this", show::value(item))),
                Outcome::Unknown => findings.extend(inner),
                Outcome::Unmet => {}
            }
        }
    }
}

fn list<'v>(place: &Place<'_>, seen: Option<&'v Value>, findings: &mut Vec<Finding>) -> Option<&'v Vec<Value>> {
    let list = seen.and_then(Value::as_array);
    if list.is_none() {
        findings.push(unmet(place, "a list", show::optional(seen)));
    }
    list
}

pub(super) fn some(argument: &Value, path: &FieldPath, problems: &mut Vec<Problem>) -> Option<Box<dyn Matcher>> {
    compile::node(argument, path, problems).map(|item| Box::new(Some_ { item }) as _)
}

pub(super) fn every(argument: &Value, path: &FieldPath, problems: &mut Vec<Problem>) -> Option<Box<dyn Matcher>> {
    compile::node(argument, path, problems).map(|item| Box::new(Every { item }) as _)
}

pub(super) fn none(argument: &Value, path: &FieldPath, problems: &mut Vec<Problem>) -> Option<Box<dyn Matcher>> {
    compile::node(argument, path, problems).map(|item| Box::new(None_ { item }) as _)
}
