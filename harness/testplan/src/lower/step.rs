//! Steps: what each does, and whether its options belong to that.

use std::collections::BTreeMap;

use uspec_usp::schema::{Content, MessageKind};

use super::{
    Names, mtp,
    over::Over,
    pattern::{Subject, body, captures, pattern, record},
    scope::{Here, Scope, Sort},
};
use crate::{
    case::{Action, Answer, Expected, RecordEvent, Send, Step},
    diagnostic::{Mistake, Problems},
    raw, sighting,
    trace::Phase,
    yaml::Node,
};

/// Which steps an option belongs to.
const OPTIONS: &[(&str, &[&str])] = &[
    ("body", &["request"]),
    ("capture", &["request", "await"]),
    ("where", &["request"]),
    ("answer", &["await"]),
    ("by", &["request", "send", "await", "absent", "mtp"]),
    ("within", &["request", "await", "eut", "mtp", "controller"]),
    ("for", &["absent"]),
];

/// The steps of one part of the case. `None` when one of them is wrong, which is reported.
pub(super) fn lower(
    tree: &Node,
    key: &str,
    phase: Phase,
    names: Names<'_>,
    problems: &mut Problems,
) -> Option<Vec<Step>> {
    let nodes = tree.get(key).map(Node::items).unwrap_or_default();
    let lowered: Vec<_> = nodes
        .iter()
        .enumerate()
        .map(|(index, node)| {
            let Names { scope, over } = names;
            let over = over.of_step(node, problems);
            let context = Context { node, phase, here: scope.here(phase, index), scope, over };
            context.lower(problems)
        })
        .collect();
    lowered.into_iter().collect()
}

struct Context<'a> {
    node: &'a Node,
    phase: Phase,
    here: Here,
    scope: &'a Scope,
    over: Over,
}

impl Context<'_> {
    fn lower(&self, problems: &mut Problems) -> Option<Step> {
        self.scope.variables(self.node, self.here, problems);
        self.over.variables(self.node, problems);
        let raw: raw::step::Step = self.node.read()?;
        let (action, subject) = self.action(&raw, problems)?;
        self.options(problems);
        let capture = captures(self.node, subject, problems);
        let matching = pattern(self.node, "where", subject, problems).ok()?;
        if matching.is_some() && self.phase != Phase::Setup {
            let mistake = Mistake::at(self.node.key_span("where"), "`where` belongs to a step of the setup");
            problems
                .add(mistake.help("a step records and a metric judges: put the pattern into a metric's `response`"));
        }
        Some(Step {
            label: raw.label.map(|label| label.0),
            by: raw.by.unwrap_or_default(),
            when: raw.when.map(raw::condition::MtpCondition::lower),
            action,
            capture,
            matching,
            within: raw.within.and_then(|it| it.get()),
        })
    }

    /// What the step does, and what the answer to it is.
    fn action(&self, raw: &raw::step::Step, problems: &mut Problems) -> Option<(Action, Subject)> {
        if let Some(raw::text::Kind(kind)) = raw.request {
            let body = body(kind, self.node.get("body"), problems);
            return Some((Action::Request { kind, body }, Subject::Message(Content::Response(kind))));
        }
        if let Some(send) = &raw.send {
            return Some((Action::Send(self.send(send, problems)), Subject::Unclear));
        }
        if let Some(awaited) = &raw.awaited {
            let (what, subject) = self.awaited(awaited, problems)?;
            let answer = match raw.answer {
                Some(raw::step::Answer::Withhold) => Answer::Withhold,
                Some(raw::step::Answer::Normal) | None => Answer::Normal,
            };
            if raw.answer.is_some() && !matches!(what, Expected::Notify { .. }) {
                problems.at(self.node.key_span("answer"), "`answer` belongs to an `await` for a Notify");
            }
            return Some((Action::Await { what, answer }, subject));
        }
        if let Some(absent) = &raw.absent {
            let (what, _) = self.incoming(absent, self.node.get("absent")?, problems)?;
            let lasting = raw.lasting.as_ref().and_then(raw::text::Lapse::get);
            return Some((Action::Absent { what, lasting }, Subject::Unclear));
        }
        let action = if let Some(wait) = &raw.wait {
            Action::Wait(wait.get()?)
        } else if let Some(step) = &raw.mtp {
            let node = self.node.get("mtp")?;
            let action = mtp::action(step, node, &self.over, problems)?;
            let at = node.entries().first().map_or(node.span, |entry| entry.key_span);
            self.over.only(action.kinds(), at, problems);
            Action::Mtp(action)
        } else if let Some(controller) = raw.controller {
            let node = self.node.get("controller")?;
            Action::Controller(mtp::controller(controller, node, &self.over, problems)?)
        } else {
            Action::Eut(raw.eut?)
        };
        Some((action, Subject::Unclear))
    }

    fn send(&self, raw: &raw::step::Send, problems: &mut Problems) -> Send {
        let node = self.node.get("send").unwrap_or(self.node);
        let refuse = |key: &str, why: &str, problems: &mut Problems| {
            if node.get(key).is_some() {
                problems.at(node.key_span(key), format!("`{key}` {why}"));
            }
        };
        if raw.bytes.is_some() {
            for key in ["message", "body", "record", "truncate"] {
                refuse(key, "and `bytes` exclude each other", problems);
            }
        } else if raw.message.is_none() {
            refuse("body", "needs a `message`", problems);
            if raw.record.is_none() {
                problems.at(node.span, "one of `message`, `record`, `bytes` is missing");
            }
        }
        let message = raw.message.map(|raw::text::Kind(kind)| (kind, body(kind, node.get("body"), problems)));
        let fields = node.get("record");
        if let Some(fields) = fields {
            record(fields, problems);
        }
        let record = fields.map(Node::entries).unwrap_or_default();
        let record: BTreeMap<_, _> = record.iter().map(|it| (it.key.clone(), it.value.to_json())).collect();
        Send { message, record, bytes: raw.bytes.as_ref().and_then(mtp::octets), truncate: raw.truncate }
    }

    fn awaited(&self, raw: &raw::step::Awaited, problems: &mut Problems) -> Option<(Expected, Subject)> {
        match raw {
            raw::step::Awaited::Connection(raw::step::Connection::Connected) => {
                Some((Expected::Connected, Subject::Event(sighting::CONNECTED)))
            }
            raw::step::Awaited::Connection(raw::step::Connection::Disconnected) => {
                Some((Expected::Disconnected, Subject::Event(sighting::DISCONNECTED)))
            }
            raw::step::Awaited::Incoming(incoming) => self.incoming(incoming, self.node.get("await")?, problems),
        }
    }

    fn incoming(&self, raw: &raw::step::Incoming, node: &Node, problems: &mut Problems) -> Option<(Expected, Subject)> {
        if node.get("where").is_some() && node.get("record").is_none() {
            let mistake = Mistake::at(node.key_span("where"), "`where` stands here beside a `record` alone");
            problems.add(mistake.help("write {notify: {where: …}} or {mtp: {packet: …, where: …}}"));
        }
        if let Some(raw::text::Label(label)) = &raw.response_to {
            let at = node.value_span("response_to");
            let labelled = self.scope.label(label, at, self.here, problems)?;
            if !labelled.all(|sort| matches!(sort, Sort::Asks(_) | Sort::Unclear)) {
                let mistake = Mistake::at(at, format!("the step `{label}` sends no Message with a msg_id"));
                problems.add(mistake.help("only a `request`, or a `send` with a `message`, can be answered"));
            }
            let kind = self.scope.asked(&labelled.sort());
            return Some((Expected::ResponseTo(label.clone()), Subject::response(kind)));
        }
        if let Some(event) = &raw.mtp {
            return mtp::event(event, node.get("mtp")?, &self.over, problems);
        }
        if let Some(record) = &raw.record {
            let matching = pattern(node, "where", Subject::Record, problems).ok()?;
            return Some((Expected::Record(RecordEvent { kind: record.get()?, matching }), Subject::Record));
        }
        let notify = raw.notify.as_ref()?;
        let subject = Subject::Message(Content::Request(MessageKind::Notify));
        let matching = pattern(node.get("notify")?, "where", subject, problems).ok()?;
        let subscription_id = notify.subscription_id.clone();
        Some((Expected::Notify { subscription_id, matching }, subject))
    }

    /// Reports options that the step's action does not have.
    fn options(&self, problems: &mut Problems) {
        for (option, owners) in OPTIONS {
            if self.node.get(option).is_some() && !owners.iter().any(|owner| self.node.get(owner).is_some()) {
                let owners: Vec<_> = owners.iter().map(|owner| format!("`{owner}`")).collect();
                let message = format!("`{option}` belongs to {}", owners.join(", "));
                problems.at(self.node.key_span(option), message);
            }
        }
    }
}
