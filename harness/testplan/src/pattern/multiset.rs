//! `$unordered` and `$contains`: patterns paired with distinct items of a list, in any order.

use serde_json::Value;
use uspec_usp::field_path::FieldPath;

use super::{Context, Matcher, Node, Place, compile, finding, unmet};
use crate::{
    problem::Problem,
    show,
    verdict::{Finding, Outcome},
};

/// Patterns that each need an item of their own.
#[derive(Debug)]
struct Pairing {
    patterns: Vec<Node>,
    /// Whether items without a pattern are allowed.
    others: bool,
}

impl Matcher for Pairing {
    fn check(&self, place: &Place<'_>, seen: Option<&Value>, context: &Context<'_>, findings: &mut Vec<Finding>) {
        let Some(list) = seen.and_then(Value::as_array) else {
            findings.push(unmet(place, "a list", show::optional(seen)));
            return;
        };
        if !self.others && list.len() != self.patterns.len() {
            let expected = format!("{} items in any order", self.patterns.len());
            findings.push(unmet(place, expected, format!("{} items: {}", list.len(), show::optional(seen))));
            return;
        }
        let outcomes: Vec<Vec<Outcome>> = self
            .patterns
            .iter()
            .map(|pattern| {
                let judge = |(index, item)| pattern.judge(&place.index(index), Some(item), context).0;
                list.iter().enumerate().map(judge).collect()
            })
            .collect();
        let Some(lonely) = unpaired(&outcomes, list.len(), Outcome::Met) else { return };
        // With the missing variables it might fit.
        let possible = unpaired(&outcomes, list.len(), Outcome::Unknown).is_none();
        let outcome = if possible { Outcome::Unknown } else { Outcome::Unmet };
        let nth = lonely.saturating_add(1);
        let expected = format!("an item of its own for each of {} patterns", self.patterns.len());
        let seen = format!("none left for pattern {nth} among {} items: {}", list.len(), show::optional(seen));
        findings.push(finding(outcome, place, expected, seen));
        // What the item that comes closest lacks says most about what is wrong.
        let closest = self.patterns.get(lonely).into_iter().filter_map(|pattern| {
            let judged =
                list.iter().enumerate().map(|(index, item)| pattern.judge(&place.index(index), Some(item), context));
            judged.map(|(_, inner)| inner).filter(|inner| !inner.is_empty()).min_by_key(Vec::len)
        });
        findings.extend(closest.flatten());
    }
}

/// The first pattern for which no item is left, when each pattern that can be paired is (Kuhn's augmenting paths).
/// A pair is possible where the outcome is `at_worst` or better.
fn unpaired(outcomes: &[Vec<Outcome>], items: usize, at_worst: Outcome) -> Option<usize> {
    let mut taken: Vec<Option<usize>> = vec![None; items];
    (0..outcomes.len()).find(|pattern| !augment(outcomes, *pattern, at_worst, &mut taken, &mut vec![false; items]))
}

/// Finds an item for `pattern`, moving earlier pairs where they have another choice. Each item is tried once, which bounds
/// the recursion by the number of patterns.
fn augment(
    outcomes: &[Vec<Outcome>],
    pattern: usize,
    at_worst: Outcome,
    taken: &mut [Option<usize>],
    tried: &mut [bool],
) -> bool {
    let row = outcomes.get(pattern).map(Vec::as_slice).unwrap_or_default();
    for (item, outcome) in row.iter().enumerate() {
        let Some(mark) = tried.get_mut(item).filter(|tried| !**tried) else { continue };
        if *outcome > at_worst {
            continue;
        }
        *mark = true;
        let holder = taken.get(item).copied().flatten();
        if holder.is_none_or(|holder| augment(outcomes, holder, at_worst, taken, tried)) {
            if let Some(place) = taken.get_mut(item) {
                *place = Some(pattern);
            }
            return true;
        }
    }
    false
}

pub(super) fn unordered(argument: &Value, path: &FieldPath, problems: &mut Vec<Problem>) -> Option<Box<dyn Matcher>> {
    pairing(argument, path, false, problems)
}

pub(super) fn contains(argument: &Value, path: &FieldPath, problems: &mut Vec<Problem>) -> Option<Box<dyn Matcher>> {
    pairing(argument, path, true, problems)
}

fn pairing(argument: &Value, path: &FieldPath, others: bool, problems: &mut Vec<Problem>) -> Option<Box<dyn Matcher>> {
    let Value::Array(list) = argument else {
        problems.push(Problem::new(path.clone(), "a list of patterns must stand here"));
        return None;
    };
    compile::nodes(list, path, problems).map(|patterns| Box::new(Pairing { patterns, others }) as _)
}
