//! STOMP: the opening frame with its version and login, and the destinations of both sides.

use super::{
    super::{
        evidence::{Evidence, Seen, text},
        report::Fault,
        subject::{Kind, Subject},
        words::{encryption, is_tls, opening_words},
    },
    Finding, Patience, good,
};
use uspec_mtp::event::FailureKind;

const CONTROLLER_DESTINATION: &str = "Device.LocalAgent.Controller.{i}.MTP.{i}.STOMP.Destination";
const AGENT_DESTINATION: &str = "Device.LocalAgent.MTP.{i}.STOMP.Destination";

/// Whether there is a session with the server.
pub(super) fn handshake(subject: &Subject, evidence: &Evidence) -> Finding {
    let Some((_, seen)) = evidence.best(subject.eut.as_deref()) else {
        return Finding::Pending(nothing(subject, None));
    };
    if seen.admitted {
        return good(if subject.is_beside() {
            "the server took our STOMP frame".to_owned()
        } else {
            "the STOMP frame was answered with CONNECTED".to_owned()
        });
    }
    let Some(opening) = &seen.opening else {
        return without_opening(subject, seen);
    };
    let refused = seen.failures.iter().find(|failure| matches!(failure.kind, FailureKind::Refused { .. }));
    if let Some(failure) = refused {
        return Finding::Broken(login(subject, opening, &failure.text));
    }
    match seen.failures.last() {
        Some(failure) => Finding::Broken(
            Fault::new("a STOMP frame of version 1.2 that our server can take", failure.to_string())
                .eut("its STOMP frame must be as STOMP 1.2 has it (`Device.STOMP.Connection.{i}.`)"),
        ),
        None => Finding::Pending(nothing(subject, Some(seen))),
    }
}

fn without_opening(subject: &Subject, seen: &Seen) -> Finding {
    if is_tls(&seen.first) && subject.tls.is_none() {
        return Finding::Broken(
            Fault::new("a STOMP frame in clear text: the profile says nothing of TLS", "it sent a TLS ClientHello")
                .eut(encryption(subject, false))
                .profile(format!("give `{}` its `tls`", subject.name)),
        );
    }
    match seen.failures.iter().find(|failure| matches!(failure.kind, FailureKind::Refused { .. })) {
        Some(failure) => Finding::Broken(
            Fault::new("the server takes our STOMP frame", failure.to_string())
                .profile(format!(
                    "`username`, `password` and `virtual_host` of `{}`: as the server wants them",
                    subject.name
                ))
                .bench("the server's own configuration"),
        ),
        None => Finding::Pending(nothing(subject, Some(seen))),
    }
}

fn login(subject: &Subject, opening: &serde_json::Value, why: &str) -> Fault {
    let Kind::Stomp { username, .. } = &subject.kind else { return Fault::new("STOMP", why) };
    let came =
        text(opening, "/headers/login").map_or_else(|| "no login".to_owned(), |name| format!("the login `{name}`"));
    let expected = username.as_deref().unwrap_or_default();
    Fault::new(format!("the login `{expected}` and its passcode"), format!("the STOMP frame has {came}: {why}"))
        .eut("set `Device.STOMP.Connection.{i}.Username` and `Device.STOMP.Connection.{i}.Password`")
        .profile(format!("`username` and `password` of `{}`", subject.name))
}

fn nothing(subject: &Subject, seen: Option<&Seen>) -> Fault {
    let came = seen.map_or_else(|| "nothing".to_owned(), |seen| opening_words(&seen.first));
    let why = seen.and_then(|seen| seen.failures.last()).map(|failure| format!(": {failure}")).unwrap_or_default();
    let expected = if subject.calls { "the server answers our STOMP frame" } else { "the EUT sends a STOMP frame" };
    Fault::new(expected, format!("it sent {came}{why}"))
        .bench(format!("see who is behind {}; it does not behave like STOMP", subject.address))
        .profile(format!("`address` of `{}`", subject.name))
}

/// Whether each side is where the other one thinks it is.
pub(super) fn destinations(subject: &Subject, evidence: &Evidence, patience: Patience) -> Finding {
    let Kind::Stomp { controller_destination, agent_destination, .. } = &subject.kind else { return good("no STOMP") };
    let Some((_, seen)) = evidence.best(subject.eut.as_deref()) else {
        return Finding::Pending(nothing(subject, None));
    };
    if let Some(stray) = seen.published.iter().find(|one| one.record.is_some()) {
        return Finding::Broken(
            Fault::new(
                format!(
                    "the EUT sends its Records to `{controller_destination}` (`controller_destination` of `{}`)",
                    subject.name
                ),
                format!("it sent a Record to `{}`", stray.to),
            )
            .eut(format!("set `{CONTROLLER_DESTINATION}` to `{controller_destination}`"))
            .profile(format!("`controller_destination` of `{}`: `{}`", subject.name, stray.to)),
        );
    }
    let subscribed = seen.subscriptions.iter().map(|place| format!("`{place}`")).collect::<Vec<_>>().join(", ");
    if !subject.is_beside() {
        if seen.subscriptions.is_empty() {
            return Finding::Pending(no_subscription(subject, agent_destination.as_deref(), seen));
        }
        if let Some(place) = agent_destination.as_ref().filter(|place| !seen.subscriptions.contains(place)) {
            return Finding::Broken(
                Fault::new(
                    format!("the EUT subscribes to `{place}` (`agent_destination` of `{}`)", subject.name),
                    format!("the Agent subscribed to {subscribed}, the profile says `{place}`"),
                )
                .profile(format!("`agent_destination` of `{}`: {subscribed}", subject.name))
                .eut(format!("set `{AGENT_DESTINATION}` to `{place}`")),
            );
        }
    }
    let seen_so = if subject.is_beside() {
        format!("we have subscribed to `{controller_destination}`")
    } else {
        format!("the EUT has subscribed to {subscribed}")
    };
    match (seen.heard.first(), patience) {
        (Some(_), _) => good(format!("the EUT sends to `{controller_destination}`; {seen_so}")),
        (None, Patience::Left) => Finding::Pending(Fault::new(
            format!("the EUT sends its Connect Record to `{controller_destination}`"),
            "nothing was sent so far",
        )),
        (None, Patience::Spent) => {
            let remark = format!(
                "it has sent nothing to `{controller_destination}` so far: unless it was connected before us, see its `{CONTROLLER_DESTINATION}`"
            );
            Finding::Good(seen_so, vec![remark])
        }
    }
}

fn no_subscription(subject: &Subject, destination: Option<&str>, seen: &Seen) -> Fault {
    let expected = match destination {
        Some(place) => format!("the EUT subscribes to `{place}` (`agent_destination` of `{}`)", subject.name),
        None => "the EUT subscribes to a destination of its own".to_owned(),
    };
    let came = if seen.is_over() { "it ended its connection without a SUBSCRIBE" } else { "no SUBSCRIBE came" };
    let to = destination.map(|place| format!(" to `{place}`")).unwrap_or_default();
    Fault::new(expected, came).eut(format!("set `{AGENT_DESTINATION}`{to}, and enable the row"))
}
