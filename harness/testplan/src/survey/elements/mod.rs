//! What a device has in place of the elements that TP-469 names.
//!
//! One decision behind it: what stands in a profile is run. So only what is known to be harmless, or is a mere row of our own, is chosen;
//! whatever else could serve is proposed as a comment, and what it is that a person must check.

mod commands;
mod local;
mod nested;
mod subscription;

use super::{FeatureChoice, Ground};
use crate::{
    case::{Applies, CaseId},
    catalogue::{Catalogue, Entry},
};

/// What becomes of elements that belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ElementChoice {
    /// Their names; the first one is what it is about.
    pub names: &'static [&'static str],
    /// What was found.
    pub standing: Standing,
    /// What is put in the place of the plan's elements, by name.
    pub chosen: Vec<(&'static str, String)>,
    /// What a person may put there after a look at it.
    pub proposed: Vec<(&'static str, String)>,
    /// Why: what the device shows, with type and access. May hold names that the device gave.
    pub reason: String,
    /// What to check.
    pub check: Option<String>,
    /// The cases that use them and apply to the device.
    pub used_by: Vec<CaseId>,
    /// Those that use them and do not apply, for want of a feature.
    pub not_applicable: Vec<CaseId>,
}

/// What was found in place of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The device has the plan's own.
    Plans,
    /// It has another one, which is chosen.
    Replaced,
    /// It has another one that a person must look at first.
    Proposed,
    /// It has nothing that could serve.
    Nothing,
    /// It has not shown enough of its data model.
    Unknown,
}

/// What one family of elements comes to.
struct Pick {
    standing: Standing,
    chosen: Vec<(&'static str, String)>,
    proposed: Vec<(&'static str, String)>,
    reason: String,
    check: Option<String>,
}

impl Pick {
    fn plans(reason: String) -> Self {
        Self { standing: Standing::Plans, chosen: Vec::new(), proposed: Vec::new(), reason, check: None }
    }

    fn replaced(chosen: Vec<(&'static str, String)>, reason: String) -> Self {
        Self { standing: Standing::Replaced, chosen, ..Self::plans(reason) }
    }

    fn proposed(proposed: Vec<(&'static str, String)>, reason: String, check: impl Into<String>) -> Self {
        Self { standing: Standing::Proposed, proposed, check: Some(check.into()), ..Self::plans(reason) }
    }

    fn nothing(reason: String) -> Self {
        Self { standing: Standing::Nothing, ..Self::plans(reason) }
    }

    fn unknown(what: &str) -> Self {
        Self { standing: Standing::Unknown, ..Self::plans(format!("the device has shown no {what}")) }
    }

    fn check(self, check: impl Into<String>) -> Self {
        Self { check: Some(check.into()), ..self }
    }
}

/// Elements that belong together, and who picks them.
type Family = (&'static [&'static str], fn(&Ground<'_>) -> Pick);

const FAMILIES: &[Family] = &[
    (&["sync_command", "event", "event_parent"], commands::synchronous),
    (&["async_command", "async_argument", "async_argument_value"], commands::asynchronous),
    (
        &["command_with_args", "command_with_args_argument", "command_with_args_value", "command_with_args_time"],
        commands::with_arguments,
    ),
    (
        &["defaulted_command", "defaulted_argument", "defaulted_argument_value", "defaulted_least", "defaulted_most"],
        commands::with_defaults,
    ),
    (&["nested_table", "nested_key", "nested_value", "nested_value_2"], nested::pick),
    (&["writable_parameter"], subscription::writable),
    (&["write_once_parameter"], subscription::write_once),
    (&["search_number_parameter"], subscription::number),
    (&["invalid_key_parameter", "invalid_key_value"], subscription::invalid_key),
    (&["readable_parameter"], local::readable),
    (&["local_agent_parameter"], local::of_the_local_agent),
    (&["secured_parameter"], local::secured),
];

pub(super) fn choose(catalogue: &Catalogue, ground: &Ground<'_>, features: &[FeatureChoice]) -> Vec<ElementChoice> {
    let all = FAMILIES.iter().map(|(names, pick)| {
        let Pick { standing, chosen, proposed, reason, check } = pick(ground);
        let (used_by, not_applicable) = cases(catalogue, names, features);
        ElementChoice { names, standing, chosen, proposed, reason, check, used_by, not_applicable }
    });
    all.collect()
}

/// The cases that use these elements: those that apply to the device, and those that do not.
fn cases(catalogue: &Catalogue, names: &[&str], features: &[FeatureChoice]) -> (Vec<CaseId>, Vec<CaseId>) {
    let uses =
        |entry: &&Entry| entry.case.is_some() && entry.elements.iter().any(|name| names.contains(&name.as_str()));
    // A feature of which nothing is known yet may be there.
    let may_have = |id: &u16| features.iter().find(|it| it.id == *id).is_none_or(|it| it.has != Some(false));
    let applies = |entry: &&Entry| match entry.applies.to_whom() {
        Applies::Feature(id) => may_have(id),
        Applies::Any(ids) => ids.iter().any(may_have),
        Applies::All(ids) => ids.iter().all(may_have),
        Applies::Mandatory | Applies::Deprecated(_) => true,
    };
    let (runs, not): (Vec<&Entry>, Vec<_>) = catalogue.entries.iter().filter(uses).partition(applies);
    let ids = |entries: Vec<&Entry>| entries.into_iter().map(|entry| entry.id.clone()).collect();
    (ids(runs), ids(not))
}
