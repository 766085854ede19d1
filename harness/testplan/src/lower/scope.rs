//! The names of a case: labels of steps and variables, and from where on each of them means something.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

use uspec_usp::schema::MessageKind;

use super::PHASES;
use crate::{
    diagnostic::{Mistake, Problems, nearest},
    profile::ELEMENTS,
    template,
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
    "unique",
    "unused.instance",
];

/// The part of a variable's name that stands before an element's.
const ELEMENT: &str = "element.";

/// What may follow the name of a captured object path: its last instance number.
const INSTANCE: &str = ".instance";

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
    /// It awaits a change of the connection.
    Connection,
    /// It forbids something to come.
    Absent,
    /// Something else.
    Other,
    /// Its shape is wrong, so that it may be anything.
    Unclear,
}

/// A step with a label.
#[derive(Debug, Clone)]
pub(super) struct Labelled {
    pub(super) sort: Sort,
    order: usize,
    span: Span,
}

/// A variable that a step captures.
#[derive(Debug, Clone)]
struct Captured {
    order: usize,
    phase: Phase,
    span: Span,
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
            Sort::ResponseTo(label) => match self.labels.get(label)?.sort {
                Sort::Asks(kind) => Some(kind),
                _ => None,
            },
            _ => None,
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
        if PREDEFINED.contains(&name) {
            return;
        }
        if let Some(element) = name.strip_prefix(ELEMENT) {
            return self.element(element, at, problems);
        }
        let captured = self.variables.get(name.strip_suffix(INSTANCE).unwrap_or(name));
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
        if ELEMENTS.iter().any(|it| it.name == element) {
            self.elements.borrow_mut().insert(element.to_owned());
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
        if let Some(first) = self.labels.get(label) {
            let message = format!("the label `{label}` stands already on line {}", first.span.line);
            problems.add(Mistake::at(node.span, message).help("a label names one step of the case"));
        } else {
            self.labels.insert(label.to_owned(), Labelled { sort: sort(step), order, span: node.span });
        }
    }

    fn add_captures(&mut self, step: &Node, order: usize, phase: Phase, problems: &mut Problems) {
        for entry in step.get("capture").map(Node::entries).unwrap_or_default() {
            let captured = Captured { order, phase, span: entry.key_span };
            // A name with a dot has not the form of a captured one, which the walker tells.
            if entry.key.contains('.') {
                continue;
            }
            if PREDEFINED.contains(&entry.key.as_str()) {
                problems.at(entry.key_span, format!("`{}` is a variable that every case has", entry.key));
            } else if let Some(first) = self.variables.get(&entry.key) {
                let message = format!("`{}` is captured already on line {}", entry.key, first.span.line);
                let help = "a variable has one meaning in a case: give it another name";
                problems.add(Mistake::at(entry.key_span, message).help(help));
            } else {
                self.variables.insert(entry.key.clone(), captured);
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
        return match (awaited.text(), awaited.get("notify"), awaited.get("response_to").and_then(Node::text)) {
            (Some(_), ..) => Sort::Connection,
            (None, Some(_), _) => Sort::Notify,
            (None, None, Some(label)) => Sort::ResponseTo(label.to_owned()),
            (None, None, None) => Sort::Unclear,
        };
    }
    let one = |key: &str| step.get(key).is_some();
    match (one("absent"), one("wait") || one("eut")) {
        (true, _) => Sort::Absent,
        (false, true) => Sort::Other,
        (false, false) => Sort::Unclear,
    }
}
