//! What came in, sorted by what it answers: a msg_id, or a Subscription. Never "the next one in the queue".
//!
//! One decision behind it: a Notification belongs to the first step of the case, done ones left out, that could be meant by it. Thus a
//! Notification may come before its step has begun (TR-369 fixes no order between a Response and a Notification), and the step's
//! `withhold` holds from the start. One that an `absent` step forbids is never given to a later `await`, and none outlasts the next step
//! that may bring Notifications about.

use super::sightings::Sightings;
use crate::bounds::{EVENT_OVERHEAD, INBOX, INBOX_OCTETS};
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};
use uspec_testplan::{
    case::{Action, Answer, Expected, Party, Step, TestCase},
    pattern::{Context, Pattern},
    template::{placeholders, placeholders_in, substitute, value},
    trace::Phase,
    verdict::Outcome,
};
use uspec_usp::schema::MessageKind;

/// The arrivals of one case that its steps may ask for.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    answers: BTreeMap<String, Asked>,
    notifies: VecDeque<Notification>,
    waiting: Vec<Waiting>,
    octets: usize,
    /// Notifications that had to be dropped.
    pub(crate) dropped: u64,
    /// Events of the MTP that steps may ask for.
    pub(crate) sightings: Sightings,
}

/// An answer that came.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AnswerSeen {
    /// Its place in the Trace.
    pub(crate) seq: u64,
    /// The Response's or Error's fields.
    pub(crate) body: Value,
    /// Whether it is an Error.
    pub(crate) is_error: bool,
}

#[derive(Debug)]
struct Asked {
    party: Party,
    addressing: Addressing,
    answer: Option<AnswerSeen>,
    /// An answer that came with a Record addressed wrongly.
    stray: Option<u64>,
}

/// Whether an answer counts when its Record is not addressed as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Addressing {
    /// It does not: a Controller ignores what is not for it.
    Strict,
    /// It does: what was sent need not be right either, and that something came back must not be overlooked.
    Any,
}

/// A Notification that came.
#[derive(Debug, Clone)]
pub(crate) struct Notification {
    /// Its place in the Trace.
    pub(crate) seq: u64,
    octets: usize,
    party: Party,
    subscription_id: String,
    body: Value,
    claim: Claim,
}

/// Whose a Notification is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Claim {
    /// Nobody's: any step may take it.
    Free,
    /// This step's.
    Of(Phase, usize),
    /// Forbidden by an `absent` step that comes first; no `await` may take it.
    Forbidden,
}

/// A step that waits, or will wait, for a Notification.
#[derive(Debug)]
struct Waiting {
    place: (Phase, usize),
    wanted: Wanted,
    kind: WaitKind,
    done: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WaitKind {
    Await(Answer),
    Absent,
}

/// Which Notification a step means.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    party: Party,
    subscription_id: Option<String>,
    matching: Option<Pattern>,
}

/// How sure it is that a Notification is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fits {
    Surely,
    /// A variable has no value yet.
    Maybe,
    No,
}

impl Inbox {
    /// An inbox for the steps of `case` that `exists` says there are.
    pub(crate) fn for_case(case: &TestCase, exists: impl Fn(&Step) -> bool) -> Self {
        let exists = &exists;
        let phases =
            [(Phase::Setup, &case.setup), (Phase::Procedure, &case.procedure), (Phase::CleanUp, &case.cleanup)];
        let steps = phases.into_iter().flat_map(|(phase, steps)| {
            let there = steps.iter().enumerate().filter(move |(_, step)| exists(step));
            there.filter_map(move |(index, step)| Waiting::of((phase, index), step))
        });
        Self { waiting: steps.collect(), sightings: Sightings::for_case(case), ..Self::default() }
    }

    /// An answer with this msg_id to that Controller is expected from now on.
    pub(crate) fn ask(&mut self, party: Party, msg_id: &str, addressing: Addressing) {
        self.answers.insert(msg_id.to_owned(), Asked { party, addressing, answer: None, stray: None });
    }

    /// Whether an answer with this msg_id, from the EUT to that one of us, is the first that is expected.
    pub(crate) fn expects(&self, msg_id: &str, to: Option<Party>) -> bool {
        self.answers.get(msg_id).is_some_and(|asked| {
            asked.answer.is_none() && (to == Some(asked.party) || asked.addressing == Addressing::Any)
        })
    }

    /// Whether an answer with this msg_id comes to the one of us that asked.
    pub(crate) fn is_for(&self, msg_id: &str, to: Option<Party>) -> bool {
        self.answers.get(msg_id).is_some_and(|asked| to == Some(asked.party))
    }

    /// Takes an expected answer in.
    pub(crate) fn answered(&mut self, msg_id: &str, answer: AnswerSeen) {
        if let Some(asked) = self.answers.get_mut(msg_id) {
            asked.answer.get_or_insert(answer);
        }
    }

    /// The answer with this msg_id, when it has come.
    pub(crate) fn answer(&self, msg_id: &str) -> Option<&AnswerSeen> {
        self.answers.get(msg_id).and_then(|asked| asked.answer.as_ref())
    }

    /// Takes in an answer that does not count because of its Record's addresses, but must not be overlooked by `absent`.
    pub(crate) fn strayed(&mut self, msg_id: &str, seq: u64) {
        if let Some(asked) = self.answers.get_mut(msg_id) {
            asked.stray.get_or_insert(seq);
        }
    }

    /// The first answer with this msg_id, whoever it was addressed to.
    pub(crate) fn any_answer(&self, msg_id: &str) -> Option<u64> {
        let asked = self.answers.get(msg_id)?;
        asked.answer.iter().map(|answer| answer.seq).chain(asked.stray).min()
    }

    /// Whether a step waits or will wait for such a Notification, and whether it wants it answered.
    pub(crate) fn sort(
        &self,
        party: Party,
        subscription_id: &str,
        body: &Value,
        variables: &BTreeMap<String, String>,
    ) -> Sorted {
        for waiting in self.waiting.iter().filter(|waiting| !waiting.done && !self.is_served(waiting.place)) {
            match (waiting.wanted.fits(party, subscription_id, body, variables), waiting.kind) {
                (Fits::No, _) => {}
                (Fits::Surely, WaitKind::Await(answer)) => {
                    return Sorted { claim: Claim::Of(waiting.place.0, waiting.place.1), answer };
                }
                (Fits::Maybe, WaitKind::Await(answer)) => return Sorted { claim: Claim::Free, answer },
                (Fits::Surely | Fits::Maybe, WaitKind::Absent) => {
                    return Sorted { claim: Claim::Forbidden, answer: Answer::Normal };
                }
            }
        }
        Sorted { claim: Claim::Free, answer: Answer::Normal }
    }

    /// Takes a Notification in.
    pub(crate) fn notified(&mut self, sorted: &Sorted, seen: Notification) {
        self.octets = self.octets.saturating_add(seen.octets);
        self.notifies.push_back(Notification { claim: sorted.claim, ..seen });
        while self.notifies.len() > INBOX || (self.octets > INBOX_OCTETS && self.notifies.len() > 1) {
            let free = self.notifies.iter().position(|seen| !matches!(seen.claim, Claim::Of(..)));
            self.remove(free.unwrap_or(0));
            self.dropped += 1;
        }
    }

    fn remove(&mut self, index: usize) -> Option<Notification> {
        let seen = self.notifies.remove(index)?;
        self.octets = self.octets.saturating_sub(seen.octets);
        Some(seen)
    }

    /// The Notification that the `await` step at `place` means, taken out.
    pub(crate) fn take(
        &mut self,
        place: (Phase, usize),
        wanted: &Wanted,
        variables: &BTreeMap<String, String>,
    ) -> Option<Notification> {
        let mine = self.notifies.iter().position(|seen| seen.claim == Claim::Of(place.0, place.1));
        let found = mine.or_else(|| {
            self.notifies
                .iter()
                .position(|seen| seen.claim == Claim::Free && seen.is_meant(wanted, variables) == Fits::Surely)
        })?;
        self.remove(found)
    }

    /// The first Notification that `wanted` forbids.
    pub(crate) fn forbidden(&self, wanted: &Wanted, variables: &BTreeMap<String, String>) -> Option<u64> {
        let mut others = self.notifies.iter().filter(|seen| !matches!(seen.claim, Claim::Of(..)));
        others.find(|seen| seen.is_meant(wanted, variables) == Fits::Surely).map(|seen| seen.seq)
    }

    /// A step begins that may bring Notifications about: those that came before are none of its, and no later step means them.
    pub(crate) fn begin_anew(&mut self) {
        self.notifies.clear();
        self.octets = 0;
    }

    /// The step at `place` has ended and takes nothing any more; what was put aside for it is free again.
    pub(crate) fn done(&mut self, place: (Phase, usize)) {
        for waiting in self.waiting.iter_mut().filter(|waiting| waiting.place == place) {
            waiting.done = true;
        }
        for seen in self.notifies.iter_mut().filter(|seen| seen.claim == Claim::Of(place.0, place.1)) {
            seen.claim = Claim::Free;
        }
    }

    fn is_served(&self, place: (Phase, usize)) -> bool {
        self.notifies.iter().any(|seen| seen.claim == Claim::Of(place.0, place.1))
    }
}

/// What becomes of a Notification.
#[derive(Debug)]
pub(crate) struct Sorted {
    claim: Claim,
    /// Whether it is answered.
    pub(crate) answer: Answer,
}

impl Sorted {
    /// Whether a step of the case is concerned, so that the Trace must keep it.
    pub(crate) fn is_wanted(&self) -> bool {
        self.claim != Claim::Free || self.answer == Answer::Withhold
    }
}

impl Notification {
    /// A Notification that came with a Record of that many octets.
    pub(crate) fn new(party: Party, seq: u64, octets: usize, subscription_id: String, body: Value) -> Self {
        let octets = octets.saturating_add(EVENT_OVERHEAD);
        Self { seq, octets, party, subscription_id, body, claim: Claim::Free }
    }

    fn is_meant(&self, wanted: &Wanted, variables: &BTreeMap<String, String>) -> Fits {
        wanted.fits(self.party, &self.subscription_id, &self.body, variables)
    }

    /// The Notify's fields.
    pub(crate) fn into_body(self) -> Value {
        self.body
    }
}

impl Waiting {
    fn of(place: (Phase, usize), step: &Step) -> Option<Self> {
        let (what, kind) = match &step.action {
            Action::Await { what, answer } => (what, WaitKind::Await(*answer)),
            Action::Absent { what, .. } => (what, WaitKind::Absent),
            _ => return None,
        };
        let Expected::Notify { subscription_id, matching } = what else { return None };
        let wanted = Wanted::new(step.by, subscription_id.as_deref(), matching.as_ref());
        Some(Self { place, wanted, kind, done: false })
    }
}

impl Wanted {
    /// The Notifications to that Controller of a Subscription (a template; any when absent) that match a pattern.
    pub(crate) fn new(party: Party, subscription_id: Option<&str>, matching: Option<&Pattern>) -> Self {
        Self { party, subscription_id: subscription_id.map(str::to_owned), matching: matching.cloned() }
    }

    /// The variable without a value that keeps it from being said which Notification is meant.
    pub(crate) fn undefined(&self, variables: &BTreeMap<String, String>) -> Option<String> {
        let templates = self.subscription_id.iter().flat_map(|text| placeholders(text));
        let patterns = self.matching.iter().flat_map(|pattern| placeholders_in(pattern.source()));
        templates.chain(patterns).find(|name| value(name, variables).is_none())
    }

    fn fits(&self, to: Party, subscription_id: &str, body: &Value, variables: &BTreeMap<String, String>) -> Fits {
        if to != self.party {
            return Fits::No;
        }
        let mut fits = Fits::Surely;
        if let Some(template) = &self.subscription_id {
            match substitute(template, variables) {
                Ok(id) if id == subscription_id => {}
                Ok(_) => return Fits::No,
                Err(_) => fits = Fits::Maybe,
            }
        }
        let Some(pattern) = &self.matching else { return fits };
        let context = Context { variables, answered: Some(MessageKind::Notify) };
        let findings = pattern.matches(body, &context);
        match findings.iter().map(|finding| finding.outcome).max() {
            None | Some(Outcome::Met) => fits,
            Some(Outcome::Unknown) => Fits::Maybe,
            Some(Outcome::Unmet) => Fits::No,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{absent_notify, await_notify, case};
    use serde_json::json;

    fn inbox(steps: Vec<Step>) -> Inbox {
        Inbox::for_case(&case("1.1", steps), |_| true)
    }

    fn arrive(inbox: &mut Inbox, seq: u64, subscription: &str) -> Answer {
        let sorted = inbox.sort(Party::First, subscription, &json!({}), &BTreeMap::new());
        let seen = Notification::new(Party::First, seq, 100, subscription.to_owned(), json!({}));
        inbox.notified(&sorted, seen);
        sorted.answer
    }

    fn wanted(subscription: &str) -> Wanted {
        Wanted::new(Party::First, Some(subscription), None)
    }

    #[test]
    fn retries_go_to_the_steps_in_order_and_only_their_answers_are_withheld() {
        let (withhold, normal) = (Answer::Withhold, Answer::Normal);
        let mut inbox =
            inbox(vec![await_notify("s", withhold), await_notify("s", withhold), await_notify("s", normal)]);
        assert_eq!([0, 1, 2, 3].map(|seq| arrive(&mut inbox, seq, "s")), [withhold, withhold, normal, normal]);
        for place in 0..3 {
            let taken = inbox.take((Phase::Procedure, place), &wanted("s"), &BTreeMap::new()).unwrap();
            assert_eq!(usize::try_from(taken.seq).unwrap(), place);
            inbox.done((Phase::Procedure, place));
        }
    }

    #[test]
    fn another_subscription_is_another_s() {
        let mut inbox = inbox(vec![await_notify("s", Answer::Withhold)]);
        assert_eq!(arrive(&mut inbox, 0, "t"), Answer::Normal);
        assert!(inbox.take((Phase::Procedure, 0), &wanted("s"), &BTreeMap::new()).is_none());
    }

    #[test]
    fn what_must_not_come_is_not_saved_up_for_a_later_await() {
        let mut inbox = inbox(vec![absent_notify("s"), await_notify("s", Answer::Normal)]);
        arrive(&mut inbox, 0, "s");
        assert_eq!(inbox.forbidden(&wanted("s"), &BTreeMap::new()), Some(0));
        inbox.done((Phase::Procedure, 0));
        assert!(inbox.take((Phase::Procedure, 1), &wanted("s"), &BTreeMap::new()).is_none());
        arrive(&mut inbox, 1, "s");
        assert_eq!(inbox.take((Phase::Procedure, 1), &wanted("s"), &BTreeMap::new()).unwrap().seq, 1);
    }

    #[test]
    fn what_came_before_the_step_that_acts_is_neither_forbidden_nor_awaited() {
        let mut inbox = inbox(vec![absent_notify("s"), await_notify("t", Answer::Normal)]);
        arrive(&mut inbox, 0, "s");
        arrive(&mut inbox, 1, "t");
        inbox.begin_anew();
        assert_eq!(inbox.forbidden(&wanted("s"), &BTreeMap::new()), None);
        assert!(inbox.take((Phase::Procedure, 1), &wanted("t"), &BTreeMap::new()).is_none());
        arrive(&mut inbox, 2, "t");
        assert_eq!(inbox.take((Phase::Procedure, 1), &wanted("t"), &BTreeMap::new()).unwrap().seq, 2);
    }

    #[test]
    fn a_variable_that_gets_its_value_later_keeps_the_notification_free() {
        let mut inbox = inbox(vec![await_notify("{{id}}", Answer::Withhold)]);
        assert_eq!(arrive(&mut inbox, 0, "s"), Answer::Withhold, "it might be the one whose answer is withheld");
        let variables = BTreeMap::from([("id".to_owned(), "s".to_owned())]);
        assert!(inbox.take((Phase::Procedure, 0), &wanted("{{id}}"), &variables).is_some());
    }

    #[test]
    fn a_flood_is_bounded() {
        let mut inbox = inbox(Vec::new());
        for seq in 0..10_000 {
            arrive(&mut inbox, seq, "flood");
        }
        assert_eq!(inbox.notifies.len(), INBOX);
        assert!(inbox.dropped > 0);
    }

    #[test]
    fn a_few_huge_ones_are_bounded_and_do_not_push_out_what_a_step_waits_for() {
        let mut inbox = inbox(vec![await_notify("s", Answer::Normal)]);
        arrive(&mut inbox, 0, "s");
        for seq in 1..20 {
            let sorted = inbox.sort(Party::First, "flood", &json!({}), &BTreeMap::new());
            let huge = Notification::new(Party::First, seq, INBOX_OCTETS / 4, "flood".into(), json!({}));
            inbox.notified(&sorted, huge);
        }
        assert!(inbox.octets <= INBOX_OCTETS && inbox.notifies.len() < 6);
        assert!(inbox.take((Phase::Procedure, 0), &wanted("s"), &BTreeMap::new()).is_some());
    }

    #[test]
    fn the_first_answer_counts() {
        let mut inbox = Inbox::default();
        let first = Some(Party::First);
        inbox.ask(Party::First, "m", Addressing::Strict);
        assert!(!inbox.expects("m", None) && !inbox.expects("n", first) && inbox.expects("m", first));
        assert!(!inbox.expects("m", Some(Party::Second)), "the answer is the other Controller's");
        let answer = |seq| AnswerSeen { seq, body: json!({}), is_error: false };
        inbox.answered("m", answer(4));
        inbox.answered("m", answer(5));
        assert_eq!(inbox.answer("m"), Some(&answer(4)));
        assert!(!inbox.expects("m", first));
    }
}
