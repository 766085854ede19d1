//! Whether there is a stream at all: what nobody sees while nothing connects.

use super::{
    super::{
        evidence::{Evidence, Seen},
        report::Fault,
        subject::{Kind, Subject},
        words::{count, is_loopback, opening_words, parameters},
    },
    Finding, good,
};
use std::fmt::Write as _;
use uspec_mtp::event::FailureKind;

/// Whether a stream was had.
pub(in crate::doctor) fn diagnose(subject: &Subject, evidence: &Evidence) -> Finding {
    if subject.calls { called(subject, evidence) } else { awaited(subject, evidence) }
}

fn called(subject: &Subject, evidence: &Evidence) -> Finding {
    let there = |seen: &&Seen| seen.peer.is_some() && unreachable(seen).is_none();
    if evidence.all().any(|seen| there(&seen) && !is_fresh(seen)) {
        return good(format!("{} takes our connection at {}", subject.peer(), subject.address));
    }
    let last = evidence.all().rev().find_map(unreachable);
    let seen = match last {
        Some(text) => format!("{text} ({} in all)", count(evidence.streams, "attempt")),
        None => "no answer so far".to_owned(),
    };
    let expected = format!("{} takes a connection at {}", subject.peer(), subject.address);
    let fault = Fault::new(expected, seen);
    Finding::Pending(match subject.kind {
        Kind::Uds => fault
            .eut(format!(
                "start the Agent, and let it listen there (`{}`, with `Mode` `Listen`)",
                parameters(subject).host
            ))
            .profile(format!("`path` of `{}`: the path of the Agent's socket", subject.name)),
        _ if subject.is_beside() => fault
            .bench(format!("start the broker, or let it listen at {}", subject.address))
            .profile(format!("`address` of `{}`: where the broker really is", subject.name)),
        _ => fault
            .eut(format!(
                "start the Agent, and let it listen at port {} (`{}`; its row must be enabled)",
                subject.address.port(),
                parameters(subject).port
            ))
            .profile(format!("`address` of `{}`: host and port at which the Agent really listens", subject.name))
            .bench("a firewall between the two must let the connection through"),
    })
}

fn awaited(subject: &Subject, evidence: &Evidence) -> Finding {
    if let Some(seen) = evidence.all().rev().find(|seen| !seen.first.is_empty() || seen.tls.is_some()) {
        let from = seen.peer.as_ref().map(|peer| format!(" from {peer}")).unwrap_or_default();
        return good(format!("a connection{from} ({} in all)", count(evidence.streams, "connection")));
    }
    let expected = format!("the EUT connects to {subject} and says something");
    let fault = Fault::new(expected, format!("we listen at {}; {}", subject.address, sightings(subject, evidence)));
    let names = parameters(subject);
    if matches!(subject.kind, Kind::Uds) {
        return Finding::Pending(
            fault
                .eut(format!("let the Agent connect to this path (`{}`, with `Mode` `Connect`)", names.host))
                .profile(format!("`path` of `{}`: the path to which the Agent connects", subject.name)),
        );
    }
    let port = subject.address.port();
    let fault = fault
        .eut(format!(
            "let the Agent connect to port {port} of this machine (`{}` and `{}`; every row on the way must be enabled)",
            names.port, names.host
        ))
        .profile(format!("`address` of `{}`: the port to which the Agent connects", subject.name));
    let fault = if is_loopback(&subject.address) {
        fault.profile(format!(
            "`address` of `{}`: {} is heard by this machine alone; a device elsewhere needs `0.0.0.0:{port}`",
            subject.name,
            subject.address.host()
        ))
    } else {
        fault
    };
    Finding::Pending(fault.bench(format!("a firewall must let port {port} through")))
}

/// What has been seen so far, in one sentence.
pub(in crate::doctor) fn sightings(subject: &Subject, evidence: &Evidence) -> String {
    let what = if matches!(subject.kind, Kind::Uds) { "connection" } else { "TCP connection" };
    let mut text = match evidence.streams {
        0 => return format!("no {what} came"),
        number => count(number, what),
    };
    let before = match (&subject.tls, &subject.kind) {
        (Some(_), _) => "a TLS ClientHello",
        (None, Kind::WebSocket { .. }) => "a WebSocket upgrade",
        (None, Kind::Mqtt { .. }) => "a CONNECT",
        (None, Kind::Stomp { .. }) => "a STOMP frame",
        (None, Kind::Uds) => "a Handshake",
    };
    let _ = if evidence.all().all(Seen::is_over) {
        write!(text, " that ended before {before}")
    } else {
        write!(text, " without {before} so far")
    };
    if let Some(last) = evidence.all().next_back() {
        let from =
            last.peer.as_ref().map_or_else(|| "the last one".to_owned(), |peer| format!("the last one, from {peer},"));
        let _ = write!(text, "; {from} sent {}", opening_words(&last.first));
    }
    text
}

/// Why a stream could not be had.
fn unreachable(seen: &Seen) -> Option<&str> {
    // On a stream something is said or ends; what was never had only times out.
    let nothing = !seen.spoke && seen.first.is_empty() && seen.tls.is_none() && seen.ended.is_none();
    let failure = seen.failures.iter().find(|failure| match failure.kind {
        FailureKind::ConnectFailed => true,
        FailureKind::Timeout => nothing,
        _ => false,
    })?;
    Some(&failure.text)
}

/// Whether nothing is known of it yet but that it was tried.
fn is_fresh(seen: &Seen) -> bool {
    seen.first.is_empty()
        && !seen.spoke
        && seen.tls.is_none()
        && seen.tls_failure.is_none()
        && seen.failures.is_empty()
        && seen.closed.is_none()
        && seen.ended.is_none()
        && seen.opening.is_none()
        && seen.open.is_none()
}
