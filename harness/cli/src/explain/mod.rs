//! What a case is about, in words: purpose, procedure, metrics, requirements, features, and what usually makes each metric fail.
//!
//! One decision behind it: nothing is written for it by hand. The words are made of the very case that is run, and the usual causes are
//! those faults of the reference Agent of which the project's own tests prove that they make the metric unmet.

mod actions;
mod body;
mod causes;
mod checks;
mod conditions;
pub mod matrix;
mod mtps;
mod text;
mod variables;

pub use causes::Cause;

use serde::Serialize;
use uspec_testplan::{
    case::{Applies, Step, TestCase},
    catalogue::{Catalogue, Entry},
    requirements::Level,
};

use crate::campaign::{deprecation, needs};
use causes::Causes;

/// What is to be known of a case.
#[derive(Debug, Serialize)]
pub struct Explanation {
    /// Its number.
    pub case: String,
    /// What is tested.
    pub title: String,
    /// The plan that it is of.
    pub plan: String,
    /// The file that it is written in; `None` while nobody has written it.
    pub file: Option<String>,
    /// Which EUT it applies to.
    pub applies: String,
    /// What the bench must offer: one phrase each.
    pub needs: Vec<String>,
    /// The requirements that it tests, each with its level and section.
    pub requirements: Vec<String>,
    /// Where plan and TR-369 disagree.
    pub disputed: Option<String>,
    /// The steps, in words.
    pub setup: Vec<String>,
    /// The steps, in words.
    pub procedure: Vec<String>,
    /// What must hold.
    pub metrics: Vec<Metric>,
    /// What usually breaks a rule that holds for every exchange, here.
    pub universal: Vec<Metric>,
    /// The steps, in words.
    pub cleanup: Vec<String>,
    /// The variables that stand in it, and what they are.
    pub variables: Vec<String>,
}

/// A metric, or a universal rule.
#[derive(Debug, Serialize)]
pub struct Metric {
    /// The plan's own number, or the rule's name.
    pub metric: String,
    /// What must hold: one line each, indented below what joins them. Empty for a universal rule.
    pub holds: Vec<String>,
    /// What usually makes it unmet, the most particular first.
    pub causes: Vec<Cause>,
}

impl Explanation {
    /// What is to be known of this entry of the catalogue.
    pub fn of(entry: &Entry, catalogue: &Catalogue) -> Self {
        let causes = Causes::of(&entry.id.to_string());
        let case = entry.case.as_ref();
        let steps = |of: fn(&TestCase) -> &Vec<Step>| {
            case.map(|case| of(case).iter().map(actions::step).collect()).unwrap_or_default()
        };
        let metric = |metric: &uspec_testplan::case::Metric, case: &TestCase| Metric {
            metric: metric.number.to_string(),
            holds: checks::lines(&metric.check, metric.since.as_deref(), case),
            causes: causes.metric(&metric.number.to_string()),
        };
        let universal =
            causes.universal().into_iter().map(|(metric, causes)| Metric { metric, holds: Vec::new(), causes });
        Self {
            case: entry.id.to_string(),
            title: entry.title.clone(),
            plan: case.map_or_else(|| catalogue.plan.clone(), |case| case.plan.clone()),
            file: case.map(|case| format!("testcases/{}", case.file)),
            applies: applies(entry, catalogue),
            needs: case.map(|case| needs(&case.needs)).unwrap_or_default(),
            requirements: case.map(|case| requirements(case, catalogue)).unwrap_or_default(),
            disputed: case.and_then(|case| case.disputed.clone()),
            setup: steps(|case| &case.setup),
            procedure: steps(|case| &case.procedure),
            metrics: case.map(|case| case.metrics.iter().map(|it| metric(it, case)).collect()).unwrap_or_default(),
            universal: universal.collect(),
            cleanup: steps(|case| &case.cleanup),
            variables: case.map(variables::legend).unwrap_or_default(),
        }
    }
}

fn applies(entry: &Entry, catalogue: &Catalogue) -> String {
    let named = |ids: &[u16]| ids.iter().map(|id| catalogue.features.describe(*id)).collect::<Vec<_>>();
    let whom = |applies: &Applies| match applies.to_whom() {
        Applies::Feature(id) => format!("EUTs with feature {}", catalogue.features.describe(*id)),
        Applies::Any(ids) => format!("EUTs with at least one of the features {}", named(ids).join(", ")),
        Applies::All(ids) => format!("EUTs with all of the features {}", named(ids).join(", ")),
        Applies::Mandatory | Applies::Deprecated(_) => "every EUT".to_owned(),
    };
    let versions = entry.case.as_ref().map(|case| match (&case.since, &case.until) {
        (Some(since), Some(until)) => format!(", from USP {since} on and before {until}"),
        (Some(since), None) => format!(", from USP {since} on"),
        (None, Some(until)) => format!(", before USP {until}"),
        (None, None) => String::new(),
    });
    let versions = versions.unwrap_or_default();
    match deprecation(entry) {
        Some(deprecation) => {
            format!("no EUT any more: {}; before that, {}{versions}", deprecation.words(), whom(&entry.applies))
        }
        None => format!("{}{versions}", whom(&entry.applies)),
    }
}

fn requirements(case: &TestCase, catalogue: &Catalogue) -> Vec<String> {
    let told = |id: &String| match catalogue.requirements.get(id) {
        Some(it) => format!("{id} ({}, TR-369 {})", level(it.level), it.section),
        None => id.clone(),
    };
    case.requirements.iter().map(told).collect()
}

const fn level(level: Level) -> &'static str {
    match level {
        Level::Must => "MUST",
        Level::MustNot => "MUST NOT",
        Level::Should => "SHOULD",
        Level::ShouldNot => "SHOULD NOT",
        Level::May => "MAY",
        Level::MustDeprecated => "MUST, withdrawn",
        Level::ShouldDeprecated => "SHOULD, withdrawn",
        Level::None => "no level",
    }
}
