//! What came of our requests, and by which way.

use super::{
    super::{
        evidence::{Evidence, Heard, Seen},
        report::Fault,
        subject::{Kind, Subject},
        words::names,
    },
    Exchanges, Finding, good,
};
use crate::rows::{self, CONTROLLERS, resolved};
use serde_json::Value;
use std::time::Duration;
use uspec_mtp::event::EndedBy;

/// Instances or codes that are listed.
const LISTED: usize = 8;

/// A request, and how long its answer was waited for.
#[derive(Debug, Clone)]
pub(in crate::doctor) struct Exchange {
    pub(in crate::doctor) msg_id: String,
    pub(in crate::doctor) waited: Duration,
    /// Why it could not be sent, when it could not.
    pub(in crate::doctor) unsent: Option<String>,
}

/// Whether GetSupportedProtocol was answered.
pub(super) fn protocol(subject: &Subject, evidence: &Evidence, exchanges: &Exchanges) -> Finding {
    let body = match answered("GetSupportedProtocol", subject, evidence, exchanges.protocol.as_ref()) {
        Ok(body) => body,
        Err(finding) => return *finding,
    };
    let versions = body.get("agent_supported_protocol_versions").and_then(Value::as_str).unwrap_or_default();
    match versions.trim() {
        "" => Finding::Good("it was answered".to_owned(), vec!["the answer names no USP version".to_owned()]),
        versions => good(format!("the EUT speaks USP {versions}")),
    }
}

/// Whether a Get shows our row in the Controller table.
pub(super) fn get(subject: &Subject, evidence: &Evidence, exchanges: &Exchanges) -> Finding {
    let body = match answered("Get", subject, evidence, exchanges.get.as_ref()) {
        Ok(body) => body,
        Err(finding) => return *finding,
    };
    if let Some(row) = rows::our_row(body, &subject.controller, &subject.facts) {
        let role = row.role.map_or_else(|why| why, |role| format!("with the Role {role}"));
        return good(format!("{} is our row, {role}", row.path));
    }
    let known: Vec<&str> = resolved(body)
        .filter(|(path, _)| path.starts_with(CONTROLLERS))
        .filter_map(|(_, params)| params.get("EndpointID")?.as_str())
        .take(LISTED)
        .collect();
    let codes: Vec<String> = refused(body);
    let seen = match (known.is_empty(), codes.is_empty()) {
        (false, _) => format!("it shows {}", known.join(", ")),
        (true, false) => format!("it answered with {}", codes.join(", ")),
        (true, true) => "it shows no row".to_owned(),
    };
    Finding::Broken(no_row(subject, seen))
}

/// Errors of single paths of a GetResp.
fn refused(body: &Value) -> Vec<String> {
    let results = body.get("req_path_results").and_then(Value::as_array).into_iter().flatten();
    let failed = results.filter_map(|result| {
        let code = result.get("err_code").and_then(Value::as_u64).filter(|code| *code != 0)?;
        let path = result.get("requested_path").and_then(Value::as_str).unwrap_or_default();
        Some(format!("error {code} for {path}"))
    });
    failed.take(LISTED).collect()
}

fn no_row(subject: &Subject, seen: String) -> Fault {
    let ours = &subject.controller;
    Fault::new(format!("`{CONTROLLERS}` shows a row with our Endpoint ID `{ours}`"), seen)
        .eut(format!(
            "give `{ours}` a row in `{CONTROLLERS}` with full permissions (`EndpointID`, `Enable`, `AssignedRole`); over TLS its Role may come \
             from the certificate (`Device.LocalAgent.ControllerTrust.`)"
        ))
        .profile("`controller.endpoint_id`: the one in the Agent's Controller table")
}

/// Where the answers came.
pub(super) fn reply_path(subject: &Subject, evidence: &Evidence, exchanges: &Exchanges) -> Finding {
    let asked = [&exchanges.protocol, &exchanges.get];
    let all: Vec<_> = asked.into_iter().flatten().filter_map(|one| evidence.answer(&one.msg_id)).collect();
    let Some((connection, heard)) = all.last() else {
        return Finding::Pending(Fault::new("an answer", "none came"));
    };
    let eut = subject.eut.as_deref().unwrap_or(&heard.from);
    if let Some((_, wrong)) = all.iter().find(|(_, heard)| heard.to != subject.controller || heard.from != eut) {
        return Finding::Broken(
            Fault::new(
                format!("answers from `{eut}` to `{}`", subject.controller),
                format!("an answer from `{}` to `{}`", wrong.from, wrong.to),
            )
            .eut("its Records must have its own Endpoint ID in `from_id`, and that of whom it answers in `to_id` (R-MTP.2)"),
        );
    }
    let on = heard.on.as_ref().map(|place| format!(" at `{place}`")).unwrap_or_default();
    good(format!("the answers came on connection {connection}{on}, from {} to {}", heard.from, heard.to))
}

/// The body of a Response, or what is to be said without one.
fn answered<'a>(
    what: &str,
    subject: &Subject,
    evidence: &'a Evidence,
    exchange: Option<&Exchange>,
) -> Result<&'a Value, Box<Finding>> {
    let Some(exchange) = exchange else {
        return Err(Box::new(Finding::Pending(Fault::new(format!("an answer to {what}"), "it was not asked"))));
    };
    match evidence.answer(&exchange.msg_id).and_then(|(_, Heard { answers, .. })| answers.as_ref()) {
        Some(answer) if answer.is_error => Err(Box::new(Finding::Broken(error(what, subject, &answer.body)))),
        Some(answer) => Ok(&answer.body),
        None => Err(Box::new(Finding::Broken(unanswered(what, subject, evidence, exchange)))),
    }
}

fn error(what: &str, subject: &Subject, body: &Value) -> Fault {
    let code = body.get("err_code").and_then(Value::as_u64).unwrap_or(0);
    let text = body.get("err_msg").and_then(Value::as_str).unwrap_or_default();
    let seen = format!("the Error {code} `{}`", text.chars().take(200).collect::<String>());
    let fault = Fault::new(format!("a Response to {what}"), seen);
    match code {
        // Request denied, permission denied.
        7001 | 7006 => fault.eut(format!(
            "give `{}` a row in `{CONTROLLERS}` with a Role that may read it (`AssignedRole`)",
            subject.controller
        )),
        _ => fault.eut("its log tells why it refused the request"),
    }
}

fn unanswered(what: &str, subject: &Subject, evidence: &Evidence, exchange: &Exchange) -> Fault {
    if let Some(place) = evidence.strayed(&exchange.msg_id) {
        return strayed(what, subject, place);
    }
    let ours = &subject.controller;
    let best = evidence.best(subject.eut.as_deref()).map(|(_, seen)| seen);
    let mut fault = Fault::new(format!("a Response to {what}"), silence(exchange, best));
    if let Some(own) = subject.foreign_certificate() {
        fault = fault.profile(format!(
            "`tls.certificate` of `{}`: one with `urn:bbf:usp:id:{ours}` in subjectAltName, by which the EUT knows us (R-SEC.0a); ours is for {}",
            subject.name,
            names(own)
        ));
    }
    if subject.is_beside() {
        fault = beside(fault, subject);
    }
    let fault = fault
        .eut(format!(
            "its Controller table must know us: `{CONTROLLERS}{{i}}.EndpointID` `{ours}`, enabled, with a Role"
        ))
        .profile("`controller.endpoint_id`: the one in the Agent's Controller table")
        .profile(format!(
            "`eut.endpoint_id`: an Agent drops what is not for its own Endpoint ID (we wrote to `{}`)",
            subject.eut.as_deref().unwrap_or("the one that it said")
        ));
    match &subject.kind {
        Kind::Mqtt { controller_topic, .. } => {
            fault.eut(format!("it must answer at the Response Topic that we give it, `{controller_topic}`"))
        }
        Kind::Stomp { controller_destination, .. } => {
            fault.eut(format!("it must answer at the `reply-to-dest` that we give it, `{controller_destination}`"))
        }
        Kind::WebSocket { .. } | Kind::Uds => fault,
    }
}

/// Behind a broker that is not ours nobody sees whether the EUT is there at all.
fn beside(fault: Fault, subject: &Subject) -> Fault {
    let (setting, place, parameter) = match &subject.kind {
        Kind::Mqtt { agent_topic, .. } => {
            ("agent_topic", agent_topic, "Device.LocalAgent.MTP.{i}.MQTT.ResponseTopicConfigured")
        }
        Kind::Stomp { agent_destination, .. } => {
            ("agent_destination", agent_destination, "Device.LocalAgent.MTP.{i}.STOMP.Destination")
        }
        Kind::WebSocket { .. } | Kind::Uds => return fault,
    };
    let place = place.as_deref().unwrap_or("none");
    fault
        .bench(format!(
            "the broker's log tells whether the EUT is connected to {} and has subscribed to `{place}`",
            subject.address
        ))
        .eut(format!("set `{parameter}` to `{place}`"))
        .profile(format!("`{setting}` of `{}`: where the EUT is reached, here `{place}`", subject.name))
}

/// What came in place of an answer.
fn silence(exchange: &Exchange, best: Option<&Seen>) -> String {
    let mut said = vec![match &exchange.unsent {
        Some(why) => format!("it could not be sent: {why}"),
        None => format!("nothing within {} s", exchange.waited.as_secs()),
    }];
    said.extend(best.and_then(ending));
    said.extend(best.and_then(|seen| seen.failures.last()).map(ToString::to_string));
    if best.is_none_or(|seen| seen.heard.is_empty()) {
        said.push("it has sent no Record at all".to_owned());
    }
    said.join("; ")
}

/// The answer is on the broker, where we do not listen.
fn strayed(what: &str, subject: &Subject, place: &str) -> Fault {
    let (ours, name, parameter) = match &subject.kind {
        Kind::Mqtt { controller_topic, .. } => {
            (controller_topic.as_str(), "controller_topic", "Device.LocalAgent.Controller.{i}.MTP.{i}.MQTT.Topic")
        }
        Kind::Stomp { controller_destination, .. } => (
            controller_destination.as_str(),
            "controller_destination",
            "Device.LocalAgent.Controller.{i}.MTP.{i}.STOMP.Destination",
        ),
        Kind::WebSocket { .. } | Kind::Uds => ("", "", ""),
    };
    Fault::new(format!("the Response to {what} at `{ours}`"), format!("the EUT sent it to `{place}`"))
        .eut(format!("it must answer where it is asked to be answered; without that, `{parameter}` counts: `{ours}`"))
        .profile(format!("`{name}` of `{}`: `{place}`", subject.name))
}

/// How a connection came to its end.
fn ending(seen: &Seen) -> Option<String> {
    let closing = seen.closed.as_ref()?;
    let code = closing.code.map(|code| format!(" with code {code}")).unwrap_or_default();
    let why = if closing.reason.is_empty() { String::new() } else { format!(" ({})", closing.reason) };
    Some(match closing.by {
        EndedBy::Peer => format!("the EUT ended its connection{code}{why}"),
        EndedBy::Us => format!("we ended its connection{code}{why}"),
        EndedBy::Broken => format!("its connection broke{code}{why}"),
    })
}
