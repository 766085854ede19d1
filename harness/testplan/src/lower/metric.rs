//! Metrics: their numbers against the plan's, and what each of them refers to.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use uspec_usp::schema::{Content, MessageKind};

use super::{
    Facts, Reported,
    head::Head,
    pattern::{Subject, pattern, report},
    scope::{Here, Labelled, Scope, Sort},
};
use crate::{
    case::{self, Applies, CaseId, Check, Metric},
    diagnostic::{Mistake, Problems, nearest},
    raw::{
        self,
        metric::{AnyWord, Codes},
    },
    rule,
    yaml::{Content as YamlContent, Node},
};

/// The metrics of the case. `None` when one of them is wrong, which is reported.
pub(super) fn lower(tree: &Node, scope: &Scope, problems: &mut Problems) -> Option<Vec<Metric>> {
    let nodes = tree.get("metrics").map(Node::items).unwrap_or_default();
    let lowered: Vec<_> = nodes.iter().map(|node| metric(node, scope, problems)).collect();
    lowered.into_iter().collect()
}

/// The plan's metrics must all be there, each once.
pub(super) fn check_numbers(tree: &Node, head: &Head, facts: &Facts<'_>, problems: &mut Problems) {
    let empty = |key: &str| tree.get(key).is_none_or(|node| node.items().is_empty());
    if matches!(head.applies, Applies::Deprecated(_)) && empty("procedure") && empty("metrics") {
        return;
    }
    if tree.get("procedure").is_none_or(|node| node.items().is_empty()) {
        problems.at(tree.key_span("procedure"), "the case does nothing: `procedure` has no step");
    }
    let mut seen = BTreeMap::new();
    for node in tree.get("metrics").map(Node::items).unwrap_or_default() {
        let Some(number) = number(node) else { continue };
        if let Some(line) = seen.insert(number, node.key_span("metric").line) {
            problems.at(node.value_span("metric"), format!("the metric {number} stands already on line {line}"));
        }
    }
    let at = tree.key_span("metrics");
    let count = match &head.id {
        CaseId::Plan { .. } => facts.plan.get(&head.id).map(|row| row.metrics),
        // Our own cases number theirs from 1.
        CaseId::Own(_) => u16::try_from(seen.len().max(1)).ok(),
    };
    let Some(count) = count else { return };
    let missing: Vec<_> = (1..=count).filter(|it| !seen.contains_key(it)).map(|it| it.to_string()).collect();
    if !missing.is_empty() {
        let (noun, verb) = if missing.len() == 1 { ("metric", "is") } else { ("metrics", "are") };
        let message = format!("the {noun} {} of {count} {verb} missing", missing.join(", "));
        problems.add(Mistake::at(at, message).help("a metric of the plan that no check states would pass unseen"));
    }
    for extra in seen.keys().filter(|it| **it > count) {
        let whose = if matches!(head.id, CaseId::Own(_)) { "the case" } else { "the plan's case" };
        problems.at(at, format!("{whose} has {count} metrics, and none with the number {extra}"));
    }
}

fn number(metric: &Node) -> Option<u16> {
    match &metric.get("metric")?.content {
        YamlContent::Number(number, _) => number.as_u64().and_then(|it| u16::try_from(it).ok()),
        _ => None,
    }
}

fn metric(node: &Node, scope: &Scope, problems: &mut Problems) -> Option<Metric> {
    scope.variables(node, Here::METRIC, problems);
    let raw: raw::metric::Metric = node.read()?;
    let context = Context { scope };
    let check = context.check(node, problems)?;
    Some(Metric { number: raw.number, since: raw.since.map(|since| since.0), check })
}

struct Context<'a> {
    scope: &'a Scope,
}

impl Context<'_> {
    /// A metric or a check inside one: both are maps with one of the same keys.
    fn check(&self, node: &Node, problems: &mut Problems) -> Option<Check> {
        if let Some(node) = node.get("response") {
            let raw: raw::metric::ResponseCheck = node.read()?;
            let asked = self.asked(node, "to", problems).ok()?;
            let matching = pattern(node, "where", Subject::response(asked), problems).ok()?;
            return Some(Check::Response { to: raw.to.0, matching });
        }
        if let Some(node) = node.get("error") {
            let raw: raw::metric::ErrorCheck = node.read()?;
            self.asked(node, "to", problems).ok()?;
            let codes = match raw.code {
                None => case::Codes::Applicable,
                Some(Codes::One(code)) => case::Codes::OneOf(vec![code]),
                Some(Codes::Several(codes)) => case::Codes::OneOf(codes),
                Some(Codes::Word(AnyWord::Any)) => case::Codes::Any,
            };
            let matching = pattern(node, "where", Subject::Message(Content::Error), problems).ok()?;
            return Some(Check::Error { to: raw.to.0, codes, matching });
        }
        if let Some(node) = node.get("no_response") {
            let raw: raw::metric::NoResponseCheck = node.read()?;
            self.asked(node, "to", problems).ok()?;
            return Some(Check::NoResponse { to: raw.to.0 });
        }
        if let Some(inner) = node.get("received") {
            return self.received(node, inner, problems);
        }
        if node.get("not_received").is_some() {
            let step = self.step(node, "not_received", problems)?;
            let at = node.value_span("not_received");
            // An `await` that may end either way is one as well: what came in its time is then judged, and nothing is right too.
            if !step.all(|sort| sort.forbids() || sort.awaits()) {
                problems.at(at, "`not_received` is about an `absent` or `await` step, and this step is neither");
            }
            return Some(Check::NotReceived { step: node.get("not_received")?.text()?.to_owned() });
        }
        if let Some(node) = node.get("packet") {
            return self.packet(node, problems);
        }
        if node.get("rule").is_some() {
            return self.rule(node, problems);
        }
        if let Some(all) = node.get("all") {
            return Some(Check::All(self.checks(all, problems)?));
        }
        let any = node.get("any")?;
        Some(Check::Any(self.checks(any, problems)?))
    }

    fn checks(&self, list: &Node, problems: &mut Problems) -> Option<Vec<Check>> {
        let checks: Vec<_> = list.items().iter().map(|node| self.check(node, problems)).collect();
        checks.into_iter().collect()
    }

    fn received(&self, owner: &Node, inner: &Node, problems: &mut Problems) -> Option<Check> {
        let (owner, key) = if inner.text().is_some() { (owner, "received") } else { (inner, "step") };
        let step = self.step(owner, key, problems)?;
        if !step.all(Sort::awaits) {
            problems.at(owner.value_span(key), "`received` is about an `await` step, and this step is none");
        }
        let matching = pattern(inner, "where", self.scope.subject(&step.sort()), problems).ok()?;
        Some(Check::Received { step: owner.get(key)?.text()?.to_owned(), matching })
    }

    /// The packet that carried a Record: the answer to a step, or what a step awaited.
    fn packet(&self, node: &Node, problems: &mut Problems) -> Option<Check> {
        let raw: raw::metric::PacketCheck = node.read()?;
        let step = self.step(node, "of", problems)?;
        let carried = |sort: &Sort| match sort {
            Sort::Asks(_) | Sort::Notify | Sort::ResponseTo(_) | Sort::Unclear => true,
            Sort::Event(subject) => *subject == Subject::Record,
            Sort::Octets | Sort::Absent | Sort::Other => false,
        };
        if !step.all(carried) {
            let mistake =
                Mistake::at(node.value_span("of"), "nothing that this step sends or awaits is a Record in answer");
            problems.add(mistake.help("for an `await: {mtp: {packet: …}}` write `received` with a `where`"));
        }
        let matching = pattern(node, "where", Subject::Event(case::CARRIERS), problems).ok()?;
        Some(Check::Packet { of: raw.of.0, matching })
    }

    /// The step that a key names; reports when there is none.
    fn step(&self, node: &Node, key: &str, problems: &mut Problems) -> Option<&Labelled> {
        let label = node.get(key)?.text()?;
        self.scope.label(label, node.value_span(key), Here::METRIC, problems)
    }

    /// What the step that a key names asked; `None` when that is not clear.
    fn asked(&self, node: &Node, key: &str, problems: &mut Problems) -> Result<Option<MessageKind>, Reported> {
        let step = self.step(node, key, problems).ok_or(Reported)?;
        match step.sort() {
            Sort::Asks(kind) => Ok(Some(kind)),
            Sort::Unclear => Ok(None),
            _ => {
                let mistake = Mistake::at(node.value_span(key), "this step sends no Message with a msg_id");
                problems.add(mistake.help("only a `request`, or a `send` with a `message`, can be answered"));
                Err(Reported)
            }
        }
    }

    fn rule(&self, node: &Node, problems: &mut Problems) -> Option<Check> {
        let name = node.get("rule")?.text()?;
        let names = rule::names();
        if !names.contains(&name) {
            let mistake = Mistake::at(node.value_span("rule"), format!("there is no rule `{name}`"));
            problems.add(match nearest(name, names.iter().copied()) {
                Some(near) => mistake.meant(near),
                None => mistake.help(format!("the rules are {}", names.join(", "))),
            });
            return None;
        }
        let with = node.get("with").map_or_else(|| Value::Object(Map::new()), Node::to_json);
        // Without any arguments, what is missing is shown at the check itself.
        let at = node.get("with").unwrap_or(node);
        let wrong = rule::check_arguments(name, &with);
        let right = wrong.is_empty();
        report(wrong, at, problems);
        for (path, label) in rule::labels(name, &with) {
            self.scope.label(&label, at.place(path.segments(), false), Here::METRIC, problems);
        }
        right.then(|| Check::Rule { name: name.to_owned(), with })
    }
}
