//! From a test case as written to one that makes sense, or to everything that is wrong with it.
//!
//! One decision behind it: whatever can be found wrong without an EUT is found here, so that a run never stumbles over an author's mistake.
//! The parts of a file are read one by one: a mistake in one does not hide those of the others.

mod broker;
mod head;
mod metric;
mod mtp;
mod over;
mod pattern;
mod scope;
mod step;

use std::sync::LazyLock;

use crate::{
    case::TestCase, diagnostic::Problems, features::Features, plan_index::PlanIndex, raw, requirements::Requirements,
    shape::Shape, trace::Phase, yaml::Node,
};
use over::Over;
use scope::Scope;

static SHAPE: LazyLock<Shape<raw::Case>> = LazyLock::new(Shape::new);

/// What a case may refer to.
pub(crate) struct Facts<'a> {
    pub(crate) plan: &'a PlanIndex,
    pub(crate) features: &'a Features,
    pub(crate) requirements: &'a Requirements,
}

/// A case that makes sense.
#[derive(Debug)]
pub(crate) struct Lowered {
    pub(crate) case: TestCase,
    /// The elements that it uses, by bare name.
    pub(crate) elements: Vec<String>,
}

/// Something is wrong, and the problems say what.
#[derive(Debug, Clone, Copy)]
struct Reported;

/// What a step may refer to, and over which MTPs the case runs.
#[derive(Debug, Clone, Copy)]
struct Names<'a> {
    scope: &'a Scope,
    over: &'a Over,
}

/// The parts of a case that hold steps, in the order in which they are done.
const PHASES: [(&str, Phase); 3] =
    [("setup", Phase::Setup), ("procedure", Phase::Procedure), ("cleanup", Phase::CleanUp)];

/// Checks everything. `file` is relative to the catalogue.
pub(crate) fn lower(file: &str, tree: &Node, facts: &Facts<'_>, problems: &mut Problems) -> Option<Lowered> {
    let before = problems.len();
    SHAPE.check(tree, problems);
    let scope = Scope::new(tree, problems);
    let head = head::lower(file, tree, facts, problems);
    let over = Over::of_case(tree, facts.features);
    let names = Names { scope: &scope, over: &over };
    let [setup, procedure, cleanup] = PHASES.map(|(key, phase)| step::lower(tree, key, phase, names, problems));
    let metrics = metric::lower(tree, &scope, problems);
    if let Some(head) = &head {
        metric::check_numbers(tree, head, facts, problems);
    }
    if problems.len() > before {
        return None;
    }
    let (Some(head), Some(setup), Some(procedure), Some(metrics), Some(cleanup)) =
        (head, setup, procedure, metrics, cleanup)
    else {
        // Every `None` comes with a problem; should one be forgotten, the case must not vanish.
        problems.at(tree.span, "the case cannot be read");
        return None;
    };
    let case = TestCase {
        id: head.id,
        plan: head.plan,
        title: head.title,
        requirements: head.requirements,
        tags: head.tags,
        applies: head.applies,
        needs: head.needs,
        since: head.since,
        until: head.until,
        disputed: head.disputed,
        setup,
        procedure,
        metrics,
        cleanup,
        file: file.to_owned(),
    };
    Some(Lowered { case, elements: scope.elements() })
}
