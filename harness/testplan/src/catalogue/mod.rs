//! The catalogue: every case of the plan, with its file where there is one, and our own cases after them.
//!
//! One decision behind it: a case of the plan without a file is an entry like any other, so that no report can leave it out.

mod source;

use std::collections::BTreeMap;

use crate::{
    case::{Applies, CaseId, TestCase},
    diagnostic::{Diagnostics, Mistake, Problems},
    features::Features,
    lower::{self, Facts, Lowered},
    plan_index::{PlanIndex, Status},
    requirements::Requirements,
    yaml::{self, Node, Span},
};
use source::Files;
pub use source::Source;

/// Where the features stand in the catalogue's folder.
const FEATURES: &str = "features.yaml";
/// Where the requirements stand.
const REQUIREMENTS: &str = "requirements.yaml";
/// Where the index of the plan stands.
const PLAN: &str = "plan.yaml";

/// Every case, in the plan's order, and what they refer to.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    /// Every case, in the plan's order; our own after those of the plan.
    pub entries: Vec<Entry>,
    /// The plan's revision, such as `TP-469 1.4.0`.
    pub plan: String,
    /// The features of the plan.
    pub features: Features,
    /// The requirements of TR-369.
    pub requirements: Requirements,
    /// Hash of the files' names and texts: the same for the same catalogue, wherever it stands.
    pub hash: String,
}

/// One case of the catalogue.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its number.
    pub id: CaseId,
    /// What is tested, in our words.
    pub title: String,
    /// `tp469`, or `tr369` for our own.
    pub suite: &'static str,
    /// How it stands in the plan.
    pub status: Status,
    /// Which EUT it applies to.
    pub applies: Applies,
    /// How many metrics it has.
    pub metrics: u16,
    /// The case, when someone has written it.
    pub case: Option<TestCase>,
    /// The elements that it uses and a profile may replace, by bare name.
    pub elements: Vec<String>,
}

impl Catalogue {
    /// Reads the catalogue. Every mistake in every file is reported; a catalogue comes only from files without any.
    pub fn load(source: &Source) -> Result<Self, Diagnostics> {
        let (catalogue, problems) = Self::read(source);
        problems.or(catalogue)
    }

    /// Reads as much of the catalogue as is right, and reports the rest.
    pub fn read(source: &Source) -> (Self, Diagnostics) {
        match source.files() {
            Ok(files) => read(&files),
            Err(problems) => (Self::default(), problems),
        }
    }

    /// Holds one case file against this catalogue, without adding it. `path` is the file's path; where it stands counts only when it
    /// stands in a catalogue.
    pub fn check_case(&self, path: &str, text: &str) -> Diagnostics {
        let index = self.plan_index();
        let facts = Facts { plan: &index, features: &self.features, requirements: &self.requirements };
        let mut problems = Problems::new(path);
        if let Some(tree) = yaml::parse(text, &mut problems) {
            lower::lower(within_catalogue(path), &tree, &facts, &mut problems);
        }
        let mut all = Diagnostics::default();
        all.add(problems, Some(text));
        all
    }

    /// The entry of a case.
    pub fn get(&self, id: &CaseId) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.id == *id)
    }

    /// Every case that someone has written.
    pub fn cases(&self) -> impl Iterator<Item = &TestCase> {
        self.entries.iter().filter_map(|entry| entry.case.as_ref())
    }

    fn plan_index(&self) -> PlanIndex {
        PlanIndex::from_entries(&self.plan, &self.entries)
    }
}

impl Entry {
    /// The features that it needs, alone or together with others.
    pub fn features(&self) -> Vec<u16> {
        self.applies.features().to_vec()
    }
}

fn read(files: &Files) -> (Catalogue, Diagnostics) {
    let mut all = Diagnostics::default();
    let features = data(files, FEATURES, Features::read, &mut all);
    let requirements = data(files, REQUIREMENTS, Requirements::read, &mut all);
    let plan = data(files, PLAN, PlanIndex::read, &mut all);
    let (Some(features), Some(requirements), Some(plan)) = (features, requirements, plan) else {
        return (Catalogue::default(), all);
    };
    let facts = Facts { plan: &plan, features: &features, requirements: &requirements };
    let mut cases: BTreeMap<CaseId, Lowered> = BTreeMap::new();
    let mut ids: BTreeMap<String, &str> = BTreeMap::new();
    for (name, text) in files.iter().filter(|(name, _)| ![FEATURES, REQUIREMENTS, PLAN].contains(&name.as_str())) {
        let mut problems = Problems::new(name);
        if let Some(tree) = yaml::parse(text, &mut problems) {
            if let Some(first) = tree.get("id").and_then(Node::text).and_then(|id| ids.insert(id.to_owned(), name)) {
                let message = format!("the id stands already in {first}");
                problems.add(Mistake::at(tree.value_span("id"), message).help("one case, one file"));
            }
            if let Some(lowered) = lower::lower(name, &tree, &facts, &mut problems) {
                cases.insert(lowered.case.id.clone(), lowered);
            }
        }
        all.add(problems, Some(text));
    }
    let mut problems = Problems::new(REQUIREMENTS);
    let listed = cases.iter().map(|(id, lowered)| (id.clone(), lowered.case.requirements.clone())).collect();
    requirements.check(&listed, &plan, &mut problems);
    all.add(problems, files.get(REQUIREMENTS).map(String::as_str));
    let entries = entries(&plan, cases);
    let catalogue = Catalogue { entries, plan: plan.plan, features, requirements, hash: source::hash(files) };
    (catalogue, all)
}

/// The part of a path from the suite's folder on; the file's name alone when it stands elsewhere.
fn within_catalogue(path: &str) -> &str {
    let begin = |suite: &str| {
        path.rfind(&format!("{suite}/"))
            .filter(|at| *at == 0 || path.get(..*at).is_some_and(|before| before.ends_with('/')))
    };
    let begin = begin("tp469").or_else(|| begin("tr369")).or_else(|| path.rfind('/').map(|at| at + 1));
    path.get(begin.unwrap_or(0)..).unwrap_or(path)
}

/// One of the files that every catalogue has.
fn data<T>(
    files: &Files,
    name: &str,
    read: impl Fn(&Node, &mut Problems) -> Option<T>,
    all: &mut Diagnostics,
) -> Option<T> {
    let mut problems = Problems::new(name);
    let text = files.get(name).map(String::as_str);
    if text.is_none() {
        problems.at(Span::default(), "the catalogue lacks this file");
    }
    let value = text.and_then(|text| {
        let tree = yaml::parse(text, &mut problems)?;
        read(&tree, &mut problems)
    });
    all.add(problems, text);
    value
}

fn entries(plan: &PlanIndex, mut cases: BTreeMap<CaseId, Lowered>) -> Vec<Entry> {
    let mut entries = Vec::new();
    for row in plan.iter() {
        let lowered = cases.remove(&row.id);
        let (case, elements) = lowered.map_or((None, Vec::new()), |it| (Some(it.case), it.elements));
        entries.push(Entry {
            id: row.id.clone(),
            title: case.as_ref().map_or(&row.title, |case| &case.title).clone(),
            suite: "tp469",
            status: row.status,
            applies: row.applies.clone(),
            metrics: row.metrics,
            case,
            elements,
        });
    }
    // What is left has no row: our own cases.
    for Lowered { case, elements, .. } in cases.into_values() {
        entries.push(Entry {
            id: case.id.clone(),
            title: case.title.clone(),
            suite: "tr369",
            status: Status::Own,
            applies: case.applies.clone(),
            metrics: u16::try_from(case.metrics.len()).unwrap_or(u16::MAX),
            case: Some(case),
            elements,
        });
    }
    entries
}
