//! Who each side says it is, and whom it talks to.

use super::{
    super::{
        evidence::{Evidence, Seen},
        report::Fault,
        subject::Subject,
    },
    Finding, Patience, good,
};

/// Whether the Endpoint IDs of both sides are those of the profile.
pub(super) fn ids(subject: &Subject, evidence: &Evidence, patience: Patience) -> Finding {
    let controller = &subject.controller;
    let Some((_, seen)) = evidence.best(subject.eut.as_deref()) else {
        return Finding::Pending(nobody(subject));
    };
    if let (Some(eut), Some(found)) = (&subject.eut, stranger(subject, seen)) {
        return Finding::Broken(other_eut(eut, &found));
    }
    if let Some(heard) = seen.heard.iter().find(|heard| !heard.from.is_empty() && heard.to != *controller) {
        return Finding::Broken(other_controller(subject, &heard.to, &heard.from));
    }
    let said = seen.peer_id().map(str::to_owned);
    match (said, seen.heard.is_empty(), patience) {
        (Some(said), false, _) => good(format!("the EUT is {said} and talks to {controller}, which we are")),
        (_, _, Patience::Left) => Finding::Pending(nobody(subject)),
        (Some(said), true, Patience::Spent) => Finding::Good(
            format!("the EUT is {said}"),
            vec![format!("it has sent no Record yet, so that it has not shown whether it knows us as {controller}")],
        ),
        (None, _, Patience::Spent) => match &subject.eut {
            Some(eut) => Finding::Good(
                format!("we go on with {eut} of the profile"),
                vec!["the EUT has not said its Endpoint ID, neither in its handshake nor in a Record".to_owned()],
            ),
            None => Finding::Broken(nobody(subject)),
        },
    }
}

/// The Endpoint ID that the EUT has and the profile does not.
fn stranger(subject: &Subject, seen: &Seen) -> Option<String> {
    let eut = subject.eut.as_deref()?;
    let said = seen.open.as_ref().and_then(|open| open.peer_eid()).filter(|said| *said != eut);
    let from = || seen.heard.iter().map(|heard| heard.from.as_str()).find(|from| !from.is_empty() && *from != eut);
    said.or_else(from).map(str::to_owned)
}

fn other_eut(eut: &str, found: &str) -> Fault {
    Fault::new(
        format!("the EUT has the Endpoint ID `{eut}` (`eut.endpoint_id` of the profile)"),
        format!("`{found}` has connected"),
    )
    .profile(format!("`eut.endpoint_id`: `{found}`, or `any` to take whichever connects"))
    .eut(format!("set `Device.LocalAgent.EndpointID` to `{eut}`, or connect the right device"))
}

fn other_controller(subject: &Subject, to: &str, from: &str) -> Fault {
    let controller = &subject.controller;
    let seen = if to.is_empty() {
        format!("{from} sent a Record without `to_id`")
    } else {
        format!("{from} sent a Record with the `to_id` `{to}`")
    };
    Fault::new(format!("the EUT's Records are for `{controller}` (`controller.endpoint_id` of the profile)"), seen)
        .eut(format!("set `Device.LocalAgent.Controller.{{i}}.EndpointID` to `{controller}`"))
        .profile(if to.is_empty() {
            "`controller.endpoint_id`: the one in the Agent's Controller table".to_owned()
        } else {
            format!("`controller.endpoint_id`: `{to}`")
        })
}

fn nobody(subject: &Subject) -> Fault {
    let who = subject.eut.as_deref().map_or_else(|| "any Endpoint ID".to_owned(), |eut| format!("`{eut}`"));
    Fault::new(
        format!("the EUT says who it is: {who}"),
        "it has not said its Endpoint ID, neither in its handshake nor in a Record",
    )
    .profile("`eut.endpoint_id`: name it, so that we can speak first")
    .eut(format!("it must announce itself with a Connect Record to `{}`", subject.controller))
}

/// Whether the EUT has announced itself. Agents from before USP 1.2 have no Connect Record.
pub(super) fn connect_record(subject: &Subject, evidence: &Evidence, patience: Patience) -> Finding {
    let connect =
        evidence.best(subject.eut.as_deref()).and_then(|(_, seen)| seen.heard.iter().find(|heard| heard.is_connect));
    match (connect, patience) {
        (Some(heard), _) => {
            let reply = heard.reply_to.as_ref().map(|place| format!("; it is to be answered at `{place}`"));
            good(format!("from {} to {}{}", heard.from, heard.to, reply.unwrap_or_default()))
        }
        (None, Patience::Left) => Finding::Pending(Fault::new("a Connect Record", "none so far")),
        (None, Patience::Spent) => Finding::Good(
            "none came; we speak first".to_owned(),
            vec!["an Agent of USP 1.2 or later is to send one when its connection is open (R-MTP.6)".to_owned()],
        ),
    }
}
