//! The names of a case: labels of steps and variables, and from where on each of them means something.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

use uspec_usp::schema::{Content as MessageContent, MessageKind};

use super::{PHASES, pattern::Subject};
use crate::{
    case::PacketKind,
    diagnostic::{Mistake, Problems, nearest},
    profile::{ELEMENTS, element_meant},
    sighting, template,
    trace::Phase,
    yaml::{Content, Node, Span},
};

/// Variables that every case has without declaring them.
const PREDEFINED: &[&str] = &[
    "eut.endpoint_id",
    "controller.endpoint_id",
    "controller.path",
    "controller.search",
    "controller.unique_key",
    "controller.role",
    "controller.mtp",
    "agent.mtp",
    "mqtt.client",
    "stomp.connection",
    "uds.socket",
    "controller.topic",
    "second.topic",
    "agent.topic",
    "second.endpoint_id",
    "second.host",
    "second.port",
    "second.path",
    "second.tls",
    "second.certificate",
    "alternate.certificate",
    "unique",
    "unused.instance",
];

/// The part of a variable's name that stands before an element's.
const ELEMENT: &str = "element.";

/// What a step is, as far as others refer to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sort {
    /// It sends a Message with a msg_id, so that a Response or Error can be told to be its.
    Asks(MessageKind),
    /// It sends octets without a msg_id of ours.
    Octets,
    /// It awaits a Notify.
    Notify,
    /// It awaits a Response or Error to what that step sent.
    ResponseTo(String),
    /// It awaits an event of the MTP, or a Record.
    Event(Subject),
    /// It forbids something to come.
    Absent,
    /// Something else.
    Other,
    /// Its shape is wrong, so that it may be anything.
    Unclear,
}

/// The steps with a label: one, or several of which each exists over certain MTPs only.
#[derive(Debug, Clone)]
pub(super) struct Labelled {
    sorts: Vec<Sort>,
    /// The place of the last of them.
    order: usize,
    span: Span,
    /// Whether each of them has a `when`.
    conditional: bool,
}

/// A variable that a step captures, or several steps of which each exists over certain MTPs only.
#[derive(Debug, Clone)]
struct Captured {
    /// The place of the last of them.
    order: usize,
    phase: Phase,
    span: Span,
    conditional: bool,
}

impl Sort {
    /// Whether the step awaits something.
    pub(super) fn awaits(&self) -> bool {
        matches!(self, Self::Notify | Self::ResponseTo(_) | Self::Event(_) | Self::Unclear)
    }

    /// Whether the step forbids something.
    pub(super) fn forbids(&self) -> bool {
        matches!(self, Self::Absent | Self::Unclear)
    }
}

impl Labelled {
    /// What the step is; unclear when the label's steps are of several sorts.
    pub(super) fn sort(&self) -> Sort {
        match self.sorts.as_slice() {
            [first, rest @ ..] if rest.iter().all(|sort| sort == first) => first.clone(),
            _ => Sort::Unclear,
        }
    }

    /// Whether this can be said of each of the steps.
    pub(super) fn all(&self, holds: impl Fn(&Sort) -> bool) -> bool {
        self.sorts.iter().all(holds)
    }
}

/// Where a reference stands: after how many steps, and in which part.
#[derive(Debug, Clone, Copy)]
pub(super) struct Here {
    order: usize,
    phase: Option<Phase>,
}

/// The names of a case.
#[derive(Debug)]
pub(super) struct Scope {
    labels: BTreeMap<String, Labelled>,
    variables: BTreeMap<String, Captured>,
    starts: BTreeMap<Phase, usize>,
    elements: RefCell<BTreeSet<String>>,
}

impl Here {
    /// A metric: it sees the setup and the procedure whole.
    pub(super) const METRIC: Self = Self { order: usize::MAX, phase: None };
}

impl Scope {
    /// Collects the names of all steps, whatever else is wrong with them.
    pub(super) fn new(tree: &Node, problems: &mut Problems) -> Self {
        let mut scope = Self {
            labels: BTreeMap::new(),
            variables: BTreeMap::new(),
            starts: BTreeMap::new(),
            elements: RefCell::default(),
        };
        let mut order = 0;
        for (key, phase) in PHASES {
            scope.starts.insert(phase, order);
            for step in tree.get(key).map(Node::items).unwrap_or_default() {
                scope.add_label(step, order, problems);
                scope.add_captures(step, order, phase, problems);
                order += 1;
            }
        }
        scope
    }

    /// The place of a step.
    pub(super) fn here(&self, phase: Phase, index: usize) -> Here {
        Here { order: self.starts.get(&phase).copied().unwrap_or_default() + index, phase: Some(phase) }
    }

    /// The elements that were used, by bare name.
    pub(super) fn elements(&self) -> Vec<String> {
        self.elements.borrow().iter().cloned().collect()
    }

    /// The step with this label, which must stand earlier. Reports it when there is none.
    pub(super) fn label(&self, label: &str, at: Span, here: Here, problems: &mut Problems) -> Option<&Labelled> {
        let Some(found) = self.labels.get(label) else {
            let known = self.labels.iter().filter(|(_, it)| it.order < here.order).map(|(name, _)| name.as_str());
            let mistake = Mistake::at(at, format!("no step has the label `{label}`"));
            let help = "give the step one: `as: label`";
            problems.add(mistake.nearest(label, known).help(help));
            return None;
        };
        if found.order >= here.order {
            problems.at(at, format!("the step `{label}` comes later, on line {}", found.span.line));
            return None;
        }
        Some(found)
    }

    /// The kind of Request that the step's answers belong to.
    pub(super) fn asked(&self, sort: &Sort) -> Option<MessageKind> {
        match sort {
            Sort::Asks(kind) => Some(*kind),
            Sort::ResponseTo(label) => match self.labels.get(label)?.sort() {
                Sort::Asks(kind) => Some(kind),
                _ => None,
            },
            _ => None,
        }
    }

    /// What a pattern on that which such a step awaits is held against.
    pub(super) fn subject(&self, sort: &Sort) -> Subject {
        match sort {
            Sort::Notify => Subject::Message(MessageContent::Request(MessageKind::Notify)),
            Sort::Event(subject) => *subject,
            other => Subject::response(self.asked(other)),
        }
    }

    /// Checks the variables of every text in the tree, keys included.
    pub(super) fn variables(&self, node: &Node, here: Here, problems: &mut Problems) {
        match &node.content {
            Content::Text(text) => self.text(text, node.span, here, problems),
            Content::List(items) => items.iter().for_each(|item| self.variables(item, here, problems)),
            Content::Map(entries) => {
                for entry in entries {
                    self.text(&entry.key, entry.key_span, here, problems);
                    self.variables(&entry.value, here, problems);
                }
            }
            Content::Null | Content::Bool(_) | Content::Number(..) => {}
        }
    }

    fn text(&self, text: &str, at: Span, here: Here, problems: &mut Problems) {
        let names = template::placeholders(text);
        for name in &names {
            self.variable(name, at, here, problems);
        }
        let empty = names.into_iter().map(|name| (name, String::new())).collect();
        if template::substitute(text, &empty).is_ok_and(|rest| rest.contains("{{")) {
            let mistake = Mistake::at(at, "`{{` without a variable's name and `}}`");
            problems.add(mistake.help("a name is made of letters, digits, `_` and `.`: {{sub}}"));
        }
    }

    fn variable(&self, name: &str, at: Span, here: Here, problems: &mut Problems) {
        let base = template::base(name);
        if PREDEFINED.contains(&name) || PREDEFINED.contains(&base) {
            return;
        }
        if let Some(element) = name.strip_prefix(ELEMENT) {
            return self.element(element, at, problems);
        }
        let captured = self.variables.get(base);
        let Some(captured) = captured else {
            problems.add(self.unknown(name, at));
            return;
        };
        if captured.order >= here.order {
            let message = format!("the variable `{name}` is captured only later, on line {}", captured.span.line);
            problems.at(at, message);
        } else if here.phase.is_none() && captured.phase == Phase::CleanUp {
            problems.at(at, format!("the variable `{name}` is captured in the clean-up, which metrics do not see"));
        }
    }

    fn element(&self, element: &str, at: Span, problems: &mut Problems) {
        if let Some(found) = element_meant(element) {
            self.elements.borrow_mut().insert(found.name.to_owned());
            return;
        }
        let names: Vec<_> = ELEMENTS.iter().map(|it| it.name).collect();
        let mistake = Mistake::at(at, format!("there is no element `{element}`"));
        let help = format!("the elements are {}", names.join(", "));
        problems.add(mistake.nearest(element, names).help(help));
    }

    fn unknown(&self, name: &str, at: Span) -> Mistake {
        let known = self.variables.keys().map(String::as_str).chain(PREDEFINED.iter().copied());
        let mistake = Mistake::at(at, format!("the variable `{name}` is never captured"));
        match nearest(name, known.clone()) {
            Some(_) => mistake.nearest(name, known),
            None => mistake.help(format!(
                "capture it in an earlier step, or use one that every case has: {}",
                PREDEFINED.join(", ")
            )),
        }
    }

    fn add_label(&mut self, step: &Node, order: usize, problems: &mut Problems) {
        let Some(node) = step.get("as") else { return };
        let Some(label) = node.text() else { return };
        let conditional = step.get("when").is_some();
        match self.labels.get_mut(label) {
            Some(first) if first.conditional && conditional => {
                first.sorts.push(sort(step));
                first.order = order;
            }
            Some(first) => {
                let message = format!("the label `{label}` stands already on line {}", first.span.line);
                let help = "a label names one step of the case, or several that each have a `when`";
                problems.add(Mistake::at(node.span, message).help(help));
            }
            None => {
                let labelled = Labelled { sorts: vec![sort(step)], order, span: node.span, conditional };
                self.labels.insert(label.to_owned(), labelled);
            }
        }
    }

    fn add_captures(&mut self, step: &Node, order: usize, phase: Phase, problems: &mut Problems) {
        for entry in step.get("capture").map(Node::entries).unwrap_or_default() {
            let conditional = step.get("when").is_some();
            let captured = Captured { order, phase, span: entry.key_span, conditional };
            // A name with a dot has not the form of a captured one, which the walker tells.
            if entry.key.contains('.') {
                continue;
            }
            if PREDEFINED.contains(&entry.key.as_str()) {
                problems.at(entry.key_span, format!("`{}` is a variable that every case has", entry.key));
                continue;
            }
            match self.variables.get_mut(&entry.key) {
                Some(first) if first.conditional && conditional => first.order = order,
                Some(first) => {
                    let message = format!("`{}` is captured already on line {}", entry.key, first.span.line);
                    let help = "a variable has one meaning in a case: give it another name";
                    problems.add(Mistake::at(entry.key_span, message).help(help));
                }
                None => {
                    self.variables.insert(entry.key.clone(), captured);
                }
            }
        }
    }
}

/// What a step is, from as much of it as can be read.
fn sort(step: &Node) -> Sort {
    let kind = |node: Option<&Node>| node.and_then(Node::text).and_then(MessageKind::from_name);
    if let Some(request) = step.get("request") {
        return kind(Some(request)).map_or(Sort::Unclear, Sort::Asks);
    }
    if let Some(send) = step.get("send") {
        return match (send.get("message"), send.entries().is_empty()) {
            (Some(message), _) => kind(Some(message)).map_or(Sort::Unclear, Sort::Asks),
            (None, true) => Sort::Unclear,
            (None, false) => Sort::Octets,
        };
    }
    if let Some(awaited) = step.get("await") {
        return awaited_sort(awaited);
    }
    let one = |key: &str| step.get(key).is_some();
    match (one("absent"), ["wait", "eut", "mtp", "controller"].into_iter().any(one)) {
        (true, _) => Sort::Absent,
        (false, true) => Sort::Other,
        (false, false) => Sort::Unclear,
    }
}

/// What a step awaits.
fn awaited_sort(awaited: &Node) -> Sort {
    if let Some(word) = awaited.text() {
        return event(word);
    }
    if awaited.get("notify").is_some() {
        return Sort::Notify;
    }
    if let Some(label) = awaited.get("response_to").and_then(Node::text) {
        return Sort::ResponseTo(label.to_owned());
    }
    if awaited.get("record").is_some() {
        return Sort::Event(Subject::Record);
    }
    match awaited.get("mtp") {
        Some(mtp) if mtp.get("frame").is_some() => Sort::Event(Subject::Event(sighting::FRAME)),
        Some(mtp) if mtp.get("packet").is_some() => {
            let kind = mtp.get("packet").and_then(Node::text).and_then(PacketKind::named);
            kind.map_or(Sort::Unclear, |kind| Sort::Event(Subject::Event(kind.shows())))
        }
        Some(mtp) => mtp.text().map_or(Sort::Unclear, event),
        None => Sort::Unclear,
    }
}

/// An event of the MTP that has a word of its own.
fn event(word: &str) -> Sort {
    match word {
        "connection_attempt" => Sort::Event(Subject::Event(sighting::ATTEMPT)),
        "connected" => Sort::Event(Subject::Event(sighting::CONNECTED)),
        "disconnected" => Sort::Event(Subject::Event(sighting::DISCONNECTED)),
        _ => Sort::Unclear,
    }
}
