//! From what has happened to what is wrong: each step looks at the evidence, and at nothing else.
//!
//! One decision behind it: a diagnosis is pure. Whether more can be waited for is the caller's to say ([`Patience`]), so that the same
//! evidence gives the same words in a test and on a bench.

mod answers;
mod endpoints;
mod mqtt;
mod stomp;
mod stream;
mod tls;
mod uds;
mod websocket;

pub(super) use answers::Exchange;
pub(super) use stream::sightings;

use super::{
    evidence::{Evidence, Seen},
    report::{Fault, Stage},
    subject::{Kind, Subject},
    words::opening_words,
};

/// What the evidence says about one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Finding {
    /// It is in order: what was seen, and what is worth a look nevertheless.
    Good(String, Vec<String>),
    /// It is not, and waiting will hardly change that.
    Broken(Fault),
    /// Nothing has come yet that decides it. The fault is what is said when nothing more comes.
    Pending(Fault),
}

/// Whether more may still come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    /// It may.
    Left,
    /// Enough was waited for this step: what has not come by now does not come.
    Spent,
}

/// The requests that were sent, and what came of them.
#[derive(Debug, Default)]
pub(super) struct Exchanges {
    pub(super) protocol: Option<Exchange>,
    pub(super) get: Option<Exchange>,
}

/// What the evidence says about one step, when all before it are in order.
pub(super) fn diagnose(
    stage: Stage,
    subject: &Subject,
    evidence: &Evidence,
    exchanges: &Exchanges,
    patience: Patience,
) -> Finding {
    match stage {
        // Our end has started, or none of this would be asked.
        Stage::Place => good(place(subject, evidence)),
        Stage::Stream => stream::diagnose(subject, evidence),
        Stage::Tls => tls::diagnose(subject, evidence),
        Stage::Handshake => match &subject.kind {
            Kind::WebSocket { path } => websocket::diagnose(subject, path, evidence),
            Kind::Mqtt { .. } => mqtt::handshake(subject, evidence),
            Kind::Stomp { .. } => stomp::handshake(subject, evidence),
            Kind::Uds => uds::diagnose(subject, evidence),
        },
        Stage::Route => match &subject.kind {
            Kind::Mqtt { .. } => mqtt::topics(subject, evidence, patience),
            Kind::Stomp { .. } => stomp::destinations(subject, evidence, patience),
            Kind::WebSocket { .. } | Kind::Uds => good("there is no broker"),
        },
        Stage::EndpointIds => endpoints::ids(subject, evidence, patience),
        Stage::ConnectRecord => endpoints::connect_record(subject, evidence, patience),
        Stage::Protocol => answers::protocol(subject, evidence, exchanges),
        Stage::Get => answers::get(subject, evidence, exchanges),
        Stage::ReplyPath => answers::reply_path(subject, evidence, exchanges),
    }
}

fn place(subject: &Subject, evidence: &Evidence) -> String {
    if subject.calls {
        return format!("{} is to be reached at {subject}", subject.peer());
    }
    match &evidence.listening {
        Some(address) if *address != subject.address => format!("we listen at {subject}, which is {address}"),
        _ => format!("we listen at {subject}"),
    }
}

/// In order, with nothing to remark.
fn good(seen: impl Into<String>) -> Finding {
    Finding::Good(seen.into(), Vec::new())
}

/// What came is not how an MTP of this protocol begins.
fn nothing_of(protocol: &str, subject: &Subject, expected: impl Into<String>, seen: Option<&Seen>) -> Fault {
    let came = seen.map_or_else(|| "nothing".to_owned(), |seen| opening_words(&seen.first));
    let why = seen.and_then(|seen| seen.failures.last()).map(|failure| format!(": {failure}")).unwrap_or_default();
    Fault::new(expected, format!("it sent {came}{why}"))
        .bench(format!("see who is behind {}; it does not behave like {protocol}", subject.address))
        .profile(format!("`address` of `{}`", subject.name))
}

/// A place at the broker as both sides name it: the profile's key for it, the EUT's parameter, and what it is to be.
struct Place<'a> {
    key: &'a str,
    parameter: &'a str,
    wanted: &'a str,
}

/// The EUT sends its Records elsewhere; `to` is where, as it was seen, and `place` as a profile would name it.
fn sent_elsewhere(subject: &Subject, wanted: &Place<'_>, verbs: (&str, &str), to: &str, place: &str) -> Finding {
    let (sends, sent) = verbs;
    let Place { key, parameter, wanted } = wanted;
    let expected = format!("the EUT {sends} its Records to `{wanted}` (`{key}` of `{}`)", subject.name);
    Finding::Broken(
        Fault::new(expected, format!("it {sent} a Record to `{to}`"))
            .eut(format!("set `{parameter}` to `{wanted}`"))
            .profile(format!("`{key}` of `{}`: `{place}`", subject.name)),
    )
}
