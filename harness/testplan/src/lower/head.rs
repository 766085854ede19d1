//! What a case is: its number, what it tests, and whom it applies to.

use super::Facts;
use crate::{
    case::{Applies, CaseId, Deprecated, Needs},
    diagnostic::{Mistake, Problems},
    features::FeatureStatus,
    plan_index::PlanRow,
    raw::{
        self,
        text::{CaseNumber, RequirementNumber, Tag, UspVersion},
    },
    yaml::Node,
};

/// The folder of the plan's cases; our own stand beside it.
const PLAN_FOLDER: &str = "tp469";

/// Everything above the steps.
pub(super) struct Head {
    pub(super) id: CaseId,
    pub(super) plan: String,
    pub(super) title: String,
    pub(super) requirements: Vec<String>,
    pub(super) tags: Vec<String>,
    pub(super) applies: Applies,
    pub(super) needs: Needs,
    pub(super) since: Option<String>,
    pub(super) until: Option<String>,
    pub(super) disputed: Option<String>,
}

pub(super) fn lower(file: &str, tree: &Node, facts: &Facts<'_>, problems: &mut Problems) -> Option<Head> {
    let id = id(file, tree, facts, problems);
    requirements(tree, facts, problems);
    let applies = tree.read_key::<raw::applies::Applies>("applies").and_then(raw::applies::Applies::lower);
    if let Some(applies) = &applies {
        features(applies, tree, facts, problems);
        by(applies, tree, facts, problems);
    }
    let row = id.as_ref().and_then(|id| facts.plan.get(id));
    if let (Some(row), Some(applies)) = (row, &applies) {
        against_plan(row, applies, tree, facts, problems);
    }
    let text = |key: &str| tree.get(key).and_then(Node::text).map(str::to_owned);
    let version = |key: &str| tree.read_key::<UspVersion>(key).map(|UspVersion(version)| version);
    Some(Head {
        id: id?,
        plan: text("plan")?,
        title: text("title")?,
        requirements: list::<RequirementNumber>(tree, "requirements")?.into_iter().map(|it| it.0).collect(),
        tags: list::<Tag>(tree, "tags")?.into_iter().map(|it| it.0).collect(),
        applies: applies?,
        needs: needs(tree, problems)?,
        since: version("since"),
        until: version("until"),
        disputed: text("disputed"),
    })
}

/// What the bench must offer. `None` when it is wrong, which is reported.
fn needs(tree: &Node, problems: &mut Problems) -> Option<Needs> {
    let Some(node) = tree.get("needs") else { return Some(Needs::default()) };
    let raw: raw::condition::Needs = node.read()?;
    for (index, action) in raw.control.iter().enumerate() {
        if raw.control.iter().take(index).any(|earlier| earlier == action) {
            problems.at(node.key_span("control"), "the same is needed twice");
        }
    }
    Some(raw.lower())
}

/// A list that may be left out.
fn list<T: serde::de::DeserializeOwned>(tree: &Node, key: &str) -> Option<Vec<T>> {
    if tree.get(key).is_none() { Some(Vec::new()) } else { tree.read_key(key) }
}

/// The id, which the file's name and folder repeat.
fn id(file: &str, tree: &Node, facts: &Facts<'_>, problems: &mut Problems) -> Option<CaseId> {
    let CaseNumber(text) = tree.read_key("id")?;
    let id: CaseId = text.parse().ok()?;
    let at = tree.value_span("id");
    let (folder, name) = file.rsplit_once('/').unwrap_or(("", file));
    let stem = name.strip_suffix(".yaml").unwrap_or(name);
    if stem != text {
        let mistake = Mistake::at(at, format!("the id is {text}, the file's name says {stem}"));
        problems.add(mistake.help(format!("name the file {text}.yaml, or mend the id")));
    }
    match &id {
        CaseId::Plan { chapter, .. } => {
            let parent = folder.rsplit('/').next().unwrap_or_default();
            let suite = folder.rsplit('/').nth(1).unwrap_or(PLAN_FOLDER);
            if !folder.is_empty() && (parent != chapter.to_string() || suite != PLAN_FOLDER) {
                let mistake = Mistake::at(at, format!("the case {text} stands in the folder {folder}"));
                problems.add(mistake.help(format!("its place is tp469/{chapter}/{text}.yaml")));
            }
            if facts.plan.get(&id).is_none() {
                let mistake = Mistake::at(at, format!("{} has no case {text}", facts.plan.plan));
                problems.add(mistake.help("plan.yaml lists its cases"));
            }
        }
        CaseId::Own(name) => {
            if folder.split('/').any(|part| part == PLAN_FOLDER) {
                let mistake = Mistake::at(at, format!("{text} is no case of {}", facts.plan.plan));
                problems.add(mistake.help(format!("its place is in tr369, as tr369/<section>/{text}.yaml")));
            }
            if facts.requirements.get(name).is_none() {
                let mistake = Mistake::at(at, format!("TR-369 has no requirement {name}"));
                problems.add(mistake.nearest(name, facts.requirements.ids()));
            }
        }
    }
    Some(id)
}

fn requirements(tree: &Node, facts: &Facts<'_>, problems: &mut Problems) {
    let items = tree.get("requirements").map(Node::items).unwrap_or_default();
    for (index, item) in items.iter().enumerate() {
        let Some(id) = item.text() else { continue };
        if facts.requirements.get(id).is_none() {
            let mistake = Mistake::at(item.span, format!("TR-369 has no requirement {id}"));
            problems.add(mistake.nearest(id, facts.requirements.ids()));
        }
        if items.iter().take(index).any(|earlier| earlier.text() == Some(id)) {
            problems.at(item.span, format!("{id} stands here twice"));
        }
    }
}

fn features(applies: &Applies, tree: &Node, facts: &Facts<'_>, problems: &mut Problems) {
    let ids = applies.features();
    let at = tree.value_span("applies");
    for id in ids {
        match facts.features.get(*id) {
            None => {
                let last = facts.features.iter().map(|feature| feature.id).max().unwrap_or_default();
                let mistake = Mistake::at(at, format!("{} has no feature {id}", facts.plan.plan));
                problems.add(mistake.help(format!("its feature IDs go from 1 to {last}; features.yaml lists them")));
            }
            Some(feature) if feature.status == FeatureStatus::Removed => {
                problems.at(at, format!("the plan does not use feature {id} any more"));
            }
            Some(_) => {}
        }
    }
}

/// The case that took a deprecated one's place.
fn by(applies: &Applies, tree: &Node, facts: &Facts<'_>, problems: &mut Problems) {
    if let Applies::Deprecated(Deprecated { by: Some(by), .. }) = applies
        && facts.plan.get(by).is_none()
    {
        problems.at(tree.value_span("applies"), format!("{} has no case {by}", facts.plan.plan));
    }
}

/// What the index says about the case.
fn against_plan(row: &PlanRow, applies: &Applies, tree: &Node, facts: &Facts<'_>, problems: &mut Problems) {
    if *applies != row.applies {
        let message = format!("plan.yaml says that {} applies to {}", row.id, words(&row.applies));
        problems.add(Mistake::at(tree.value_span("applies"), message).help("mend the one that is wrong"));
    }
    if tree.get("plan").and_then(Node::text).is_some_and(|plan| plan != facts.plan.plan) {
        let message = format!("the index of the plan is that of {}", facts.plan.plan);
        problems.add(
            Mistake::at(tree.value_span("plan"), message).help("compare the case with that revision, then name it"),
        );
    }
}

fn words(applies: &Applies) -> String {
    let join = |ids: &[u16], word: &str| ids.iter().map(u16::to_string).collect::<Vec<_>>().join(word);
    match applies {
        Applies::Mandatory => "every EUT (mandatory)".to_owned(),
        Applies::Feature(id) => format!("an EUT with feature {id}"),
        Applies::Any(ids) => format!("an EUT with feature {}", join(ids, " or ")),
        Applies::All(ids) => format!("an EUT with features {}", join(ids, " and ")),
        Applies::Deprecated(Deprecated { by, revision, usp, was }) => {
            let mut facts: Vec<_> = by.iter().map(|by| format!("by: \"{by}\"")).collect();
            facts.extend(revision.iter().map(|revision| format!("in: \"{revision}\"")));
            facts.extend(usp.iter().map(|usp| format!("usp: \"{usp}\"")));
            format!("none any more, {{deprecated: {{{}}}}}; before, to {}", facts.join(", "), words(was))
        }
    }
}
