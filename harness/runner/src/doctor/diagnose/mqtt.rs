//! MQTT: the CONNECT with its version and credentials, and the topics of both sides.

use super::{
    super::{
        evidence::{Evidence, Seen, text},
        report::Fault,
        subject::{Kind, Subject},
        words::{encryption, is_tls, opening_words},
    },
    Finding, Patience, good,
};
use uspec_mtp::{event::FailureKind, mqtt::filter_matches};

const VERSION: &str = "Device.MQTT.Client.{i}.ProtocolVersion";
const CONTROLLER_TOPIC: &str = "Device.LocalAgent.Controller.{i}.MTP.{i}.MQTT.Topic";
const AGENT_TOPIC: &str = "Device.LocalAgent.MTP.{i}.MQTT.ResponseTopicConfigured";
const SUBSCRIPTION: &str = "Device.MQTT.Client.{i}.Subscription.{i}.Topic";

/// Whether there is a session with the broker.
pub(super) fn handshake(subject: &Subject, evidence: &Evidence) -> Finding {
    let Kind::Mqtt { version, username, .. } = &subject.kind else { return good("no MQTT") };
    let Some((_, seen)) = evidence.best(subject.eut.as_deref()) else {
        return Finding::Pending(nothing(subject, None));
    };
    if seen.admitted {
        return good(admitted(subject, version, seen));
    }
    let came = seen.opening.as_ref().and_then(|fields| text(fields, "/version"));
    match (&came, seen.failures.last()) {
        (Some(came), _) if came != version => Finding::Broken(other_version(subject, version, came)),
        (Some(_), Some(failure)) if is_about_credentials(seen) => {
            Finding::Broken(credentials(subject, username.as_deref(), seen, &failure.text))
        }
        (Some(_), Some(failure)) => Finding::Broken(
            Fault::new("a CONNECT that our broker can take", failure.to_string())
                .eut("its CONNECT must be as MQTT has it (`Device.MQTT.Client.{i}.`)"),
        ),
        (None, Some(failure)) if matches!(failure.kind, FailureKind::Refused { .. }) => Finding::Broken(
            Fault::new("the broker takes our CONNECT", failure.to_string())
                .profile(format!(
                    "`version`, `username` and `password` of `{}`: as the broker wants them",
                    subject.name
                ))
                .bench("the broker's own configuration"),
        ),
        (None, _) if is_tls(&seen.first) && subject.tls.is_none() => Finding::Broken(
            Fault::new("a CONNECT in clear text: the profile says nothing of TLS", "it sent a TLS ClientHello")
                .eut(encryption(subject, false))
                .profile(format!("give `{}` its `tls`", subject.name)),
        ),
        (None, Some(failure)) if opening_words(&seen.first) == "an MQTT CONNECT" => Finding::Broken(
            Fault::new("a CONNECT of MQTT", format!("it sent what begins as an MQTT CONNECT: {failure}"))
                .eut("its CONNECT must be as MQTT has it"),
        ),
        _ => Finding::Pending(nothing(subject, Some(seen))),
    }
}

fn admitted(subject: &Subject, version: &str, seen: &Seen) -> String {
    if subject.is_beside() {
        return format!("the broker took our CONNECT of MQTT {version}");
    }
    let client = seen.opening.as_ref().and_then(|fields| text(fields, "/client_id")).unwrap_or_default();
    format!("CONNECT of MQTT {version}, Client Identifier `{client}`, answered with CONNACK 0")
}

fn other_version(subject: &Subject, version: &str, came: &str) -> Fault {
    Fault::new(
        format!("a CONNECT of MQTT {version} (`version` of `{}`)", subject.name),
        format!("the EUT sent a CONNECT of MQTT {came}, which we refused"),
    )
    .eut(format!("set `{VERSION}` to `{version}`"))
    .profile(format!("`version` of `{}`: \"{came}\"", subject.name))
}

fn is_about_credentials(seen: &Seen) -> bool {
    seen.failures.iter().any(|failure| failure.text.contains("User Name or Password"))
}

fn credentials(subject: &Subject, username: Option<&str>, seen: &Seen, why: &str) -> Fault {
    let came = seen.opening.as_ref().and_then(|fields| text(fields, "/username"));
    let came = came.map_or_else(|| "no User Name".to_owned(), |name| format!("the User Name `{name}`"));
    let expected = username.unwrap_or_default();
    let same = seen.opening.as_ref().and_then(|fields| text(fields, "/username")).as_deref() == username;
    let what = if same { format!("{came} with another password") } else { came };
    Fault::new(format!("the User Name `{expected}` and its password"), format!("the CONNECT has {what} ({why})"))
        .eut("set `Device.MQTT.Client.{i}.Username` and `Device.MQTT.Client.{i}.Password`")
        .profile(format!("`username` and `password` of `{}`", subject.name))
}

fn nothing(subject: &Subject, seen: Option<&Seen>) -> Fault {
    let came = seen.map_or_else(|| "nothing".to_owned(), |seen| opening_words(&seen.first));
    let why = seen.and_then(|seen| seen.failures.last()).map(|failure| format!(": {failure}")).unwrap_or_default();
    let expected = if subject.calls { "the broker answers our CONNECT" } else { "the EUT sends a CONNECT of MQTT" };
    Fault::new(expected, format!("it sent {came}{why}"))
        .bench(format!("see who is behind {}; it does not behave like MQTT", subject.address))
        .profile(format!("`address` of `{}`", subject.name))
}

/// Whether each side is where the other one thinks it is.
pub(super) fn topics(subject: &Subject, evidence: &Evidence, patience: Patience) -> Finding {
    let Kind::Mqtt { controller_topic, agent_topic, .. } = &subject.kind else { return good("no MQTT") };
    let Some((_, seen)) = evidence.best(subject.eut.as_deref()) else {
        return Finding::Pending(nothing(subject, None));
    };
    if let Some(stray) = seen.published.iter().find(|one| one.record.is_some()) {
        return Finding::Broken(
            Fault::new(
                format!(
                    "the EUT publishes its Records to `{controller_topic}` (`controller_topic` of `{}`)",
                    subject.name
                ),
                format!("it published a Record to `{}`", stray.to),
            )
            .eut(format!("set `{CONTROLLER_TOPIC}` to `{controller_topic}`"))
            .profile(format!("`controller_topic` of `{}`: `{}`", subject.name, bare(&stray.to))),
        );
    }
    if !subject.is_beside() {
        match agent_topic.as_deref().filter(|topic| !subscribed(seen, topic)) {
            Some(topic) if !seen.subscriptions.is_empty() => {
                return Finding::Broken(not_there(subject, topic, &seen.subscriptions));
            }
            None if !seen.subscriptions.is_empty() => {}
            _ => return Finding::Pending(no_subscription(subject, agent_topic.as_deref(), seen)),
        }
    }
    let subscribed = if subject.is_beside() {
        format!("we have subscribed to `{controller_topic}`")
    } else {
        format!("the EUT has subscribed to {}", list(&seen.subscriptions))
    };
    if let Some(heard) = seen.heard.first() {
        let on = heard.on.as_deref().unwrap_or(controller_topic);
        return good(format!("the EUT publishes to `{on}`; {subscribed}"));
    }
    match patience {
        Patience::Left => Finding::Pending(Fault::new(
            format!("the EUT publishes its Connect Record to `{controller_topic}`"),
            "nothing was published so far",
        )),
        Patience::Spent => {
            let remark = format!(
                "it has published nothing to `{controller_topic}` so far: unless it was connected before us, see its `{CONTROLLER_TOPIC}`"
            );
            Finding::Good(subscribed, vec![remark])
        }
    }
}

/// Whether what is sent to that topic reaches it. A client of 3.1.1 gets its Records below it (R-MQTT.24).
fn subscribed(seen: &Seen, topic: &str) -> bool {
    seen.subscriptions.iter().any(|filter| filter_matches(filter, topic))
}

fn not_there(subject: &Subject, topic: &str, subscriptions: &[String]) -> Fault {
    let first = subscriptions.first().map(|filter| filter.trim_end_matches("/#").to_owned()).unwrap_or_default();
    Fault::new(
        format!("the EUT subscribes to `{topic}` (`agent_topic` of `{}`)", subject.name),
        format!("the Agent subscribed to {}, the profile says `{topic}`", list(subscriptions)),
    )
    .profile(format!("`agent_topic` of `{}`: `{first}`", subject.name))
    .eut(format!("set `{AGENT_TOPIC}` (or `{SUBSCRIPTION}`) to `{topic}`"))
}

fn no_subscription(subject: &Subject, topic: Option<&str>, seen: &Seen) -> Fault {
    let expected = match topic {
        Some(topic) => format!("the EUT subscribes to `{topic}` (`agent_topic` of `{}`)", subject.name),
        None => "the EUT subscribes to a topic of its own".to_owned(),
    };
    let came = if seen.is_over() { "it ended its connection without a SUBSCRIBE" } else { "no SUBSCRIBE came" };
    let fault = Fault::new(expected, came);
    match topic {
        Some(topic) => fault.eut(format!("set `{AGENT_TOPIC}` (or `{SUBSCRIPTION}`) to `{topic}`, and enable the row")),
        None => fault.eut(format!("set `{AGENT_TOPIC}` (or `{SUBSCRIPTION}`), and enable the row")),
    }
}

/// Without the reply-to part of MQTT 3.1.1.
fn bare(topic: &str) -> &str {
    topic.split("/reply-to=").next().unwrap_or(topic)
}

fn list(places: &[String]) -> String {
    if places.is_empty() {
        return "nothing".to_owned();
    }
    places.iter().map(|place| format!("`{place}`")).collect::<Vec<_>>().join(", ")
}
