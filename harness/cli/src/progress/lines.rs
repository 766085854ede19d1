//! One line of text an event, for people and for logs.

use crate::campaign::Event;
use uspec_report::summary;
use uspec_testplan::{
    profile::{Broker, Mtp, Role, Transport},
    verdict::Verdict,
};

/// A line, and the verdict that it tells.
#[derive(Debug)]
pub(super) struct Line {
    text: String,
    verdict: Option<Verdict>,
}

impl Line {
    /// Whether it says only that all is well.
    pub(super) fn passed(&self) -> bool {
        self.verdict == Some(Verdict::Pass)
    }

    /// The line after the EUT's name, in the colour of its verdict when colours are wanted.
    pub(super) fn paint(&self, prefix: &str, colour: bool) -> String {
        let code = match self.verdict.filter(|_| colour) {
            None => return format!("{prefix}{}", self.text),
            Some(Verdict::Pass) => 32,
            Some(Verdict::Fail) => 31,
            Some(Verdict::Inconclusive | Verdict::Error) => 33,
        };
        format!("\u{1b}[{code}m{prefix}{}\u{1b}[0m", self.text)
    }
}

/// The line of an event that has one. What failed at bring-up has none: it is told in any case, on standard error.
pub(super) fn of(event: &Event<'_>) -> Option<Line> {
    match event {
        Event::Ready { mtp } => Some(Line { text: ready(mtp), verdict: None }),
        Event::Judged { case, mtp, nth, of, run, judgement, duration, .. } => {
            let verdict = summary::word(judgement.verdict);
            let (id, title, seconds) = (case.id.to_string(), &case.title, duration.as_secs_f64());
            let again = if *run > 1 { format!(", run {run}") } else { String::new() };
            let text = format!("{nth:>3}/{of} {verdict:<12} {id:<6} {title} [{mtp}] {seconds:.1} s{again}");
            Some(Line { text, verdict: Some(judgement.verdict) })
        }
        Event::Planned { .. } | Event::BroughtUp { .. } | Event::Begins { .. } | Event::Kept(_) => None,
    }
}

/// Where the EUT is awaited, or called.
pub(crate) fn ready(mtp: &Mtp) -> String {
    let scheme = |plain: &str, tls: &str| if mtp.transport.tls().is_some() { tls.to_owned() } else { plain.to_owned() };
    let (role, place) = match &mtp.transport {
        Transport::WebSocket(it) => (it.role, format!("{}://{}{}", scheme("ws", "wss"), it.address, it.path)),
        Transport::Uds(it) => (it.role, it.path.display().to_string()),
        Transport::Mqtt(it) if it.broker == Broker::Beside => {
            return format!("{}: joining the broker at {}://{}", mtp.name, scheme("mqtt", "mqtts"), it.address);
        }
        Transport::Stomp(it) if it.broker == Broker::Beside => {
            return format!("{}: joining the broker at {}://{}", mtp.name, scheme("stomp", "stomps"), it.address);
        }
        Transport::Mqtt(it) => (Role::EutConnects, format!("{}://{}", scheme("mqtt", "mqtts"), it.address)),
        Transport::Stomp(it) => (Role::EutConnects, format!("{}://{}", scheme("stomp", "stomps"), it.address)),
    };
    match role {
        Role::EutConnects => format!("{}: waiting for the EUT at {place}", mtp.name),
        Role::WeConnect => format!("{}: connecting to the EUT at {place}", mtp.name),
    }
}
