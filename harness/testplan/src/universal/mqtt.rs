//! What the packets of an EUT over MQTT hold: R-MQTT.13, R-MQTT.17, R-MQTT.21, R-MQTT.22 with 23 and 24, R-MQTT.27.
//!
//! The version is that of the connection's own CONNECT, or of the profile when the connection is older than the Trace. What packets hold
//! that carry no Record is the EUT's choice.

use serde_json::Value;

use super::{Tally, eut, subscriptions};
use crate::{
    judge::{evidence::Evidence, finding::unmet},
    show,
    view::PacketSeen,
};

/// The Content Type of a Record.
const CONTENT_TYPE: &str = "usp.msg";

/// What stands between topic and reply topic in 3.1.1.
pub(crate) const REPLY_TO: &str = "/reply-to=";

/// R-MQTT.13: a CONNECT of MQTT 5.0 names the EUT's Endpoint ID.
pub(super) fn endpoint_id(evidence: Evidence<'_>, tally: &mut Tally) {
    const EXPECTED: &str = "a User Property usp-endpoint-id with the EUT's Endpoint ID in each CONNECT";
    tally.expects(EXPECTED);
    let eut = &evidence.view.trace.header.eut_endpoint_id;
    for connect in eut::packets(evidence).into_iter().filter(|it| it.kind == "CONNECT" && is_v5(evidence, it)) {
        let told: Vec<_> = connect.user_properties("usp-endpoint-id").collect();
        let right = told.first().is_some_and(|told| if eut.is_empty() { !told.is_empty() } else { told == eut });
        tally.holds(right, || {
            let expected = format!("usp-endpoint-id {}", show::quoted(eut));
            let seen = if told.is_empty() { "no such User Property".to_owned() } else { show::list(&told) };
            unmet(expected, seen, vec![connect.seq]).at("CONNECT.properties.user_properties")
        });
    }
}

/// R-MQTT.17: no Record is published when nothing could be subscribed to. An Agent that does not wait for the SUBACK is not judged, because
/// it cannot know yet; nor is a session that is older than the Trace, or that the broker had stored.
pub(super) fn nothing_subscribed(evidence: Evidence<'_>, tally: &mut Tally) {
    const EXPECTED: &str = "Records only where at least one subscription was granted";
    tally.expects(EXPECTED);
    for publish in eut::carriers(evidence).into_iter().filter(|it| it.kind == "PUBLISH") {
        let Some(subscribed) = subscriptions::before(evidence, publish) else { continue };
        if !subscribed.granted.is_empty() {
            tally.right();
        } else if subscribed.pending.is_empty() {
            let seen = format!("a PUBLISH to {} without any", show::quoted(publish.text("topic").unwrap_or_default()));
            tally.wrong(unmet(EXPECTED, seen, vec![publish.seq]));
        }
    }
}

/// R-MQTT.21: the Response Information of the CONNACK is the reply topic.
pub(super) fn response_information(evidence: Evidence<'_>, tally: &mut Tally) {
    tally.expects("the Response Information of the CONNACK as reply topic");
    for publish in eut::carriers(evidence).into_iter().filter(|it| it.kind == "PUBLISH") {
        let Some((connack, told)) = told_response_information(evidence, publish) else { continue };
        let topic = publish.property("response_topic").and_then(Value::as_str);
        tally.holds(topic == Some(told), || {
            let expected = format!("the Response Topic {}", show::quoted(told));
            let seen = topic.map_or_else(|| "none".to_owned(), show::quoted);
            unmet(expected, seen, vec![connack.seq, publish.seq]).at("PUBLISH.properties.response_topic")
        });
    }
}

/// R-MQTT.22: each PUBLISH with a Record says where an answer is to go: R-MQTT.23 by the Response Topic, R-MQTT.24 behind `/reply-to=`.
pub(super) fn reply_topic(evidence: Evidence<'_>, tally: &mut Tally) {
    tally.expects("a reply topic in each PUBLISH that carries a Record");
    for publish in eut::carriers(evidence).into_iter().filter(|it| it.kind == "PUBLISH") {
        if is_v5(evidence, publish) {
            let topic = publish.property("response_topic").and_then(Value::as_str);
            let right = topic.is_some_and(|topic| !topic.is_empty() && !topic.contains(['+', '#']));
            tally.holds(right, || {
                let seen = topic.map_or_else(|| "none".to_owned(), show::quoted);
                let finding = unmet("a Response Topic without wildcards", seen, vec![publish.seq]);
                finding.at("PUBLISH.properties.response_topic").by("R-MQTT.23")
            });
        } else {
            let topic = publish.text("topic").unwrap_or_default();
            let reply = topic.rsplit_once(REPLY_TO).map(|(_, reply)| reply);
            tally.holds(reply.is_some_and(|reply| !reply.is_empty() && !reply.contains('/')), || {
                let expected = "a topic that ends in /reply-to= and the reply topic, each / of it as %2F";
                unmet(expected, show::quoted(topic), vec![publish.seq]).at("PUBLISH.topic").by("R-MQTT.24")
            });
        }
    }
}

/// R-MQTT.27: the Content Type of a PUBLISH of MQTT 5.0 that carries a Record.
pub(super) fn content_type(evidence: Evidence<'_>, tally: &mut Tally) {
    const EXPECTED: &str = "the Content Type usp.msg in each PUBLISH that carries a Record";
    tally.expects(EXPECTED);
    let of_v5 = |it: &&PacketSeen<'_>| it.kind == "PUBLISH" && is_v5(evidence, it);
    for publish in eut::carriers(evidence).into_iter().filter(of_v5) {
        let kind = publish.property("content_type").and_then(Value::as_str);
        tally.holds(kind == Some(CONTENT_TYPE), || {
            let seen = kind.map_or_else(|| "none".to_owned(), show::quoted);
            unmet(EXPECTED, seen, vec![publish.seq]).at("PUBLISH.properties.content_type")
        });
    }
}

/// Whether the connection of a packet speaks MQTT 5.0.
pub(crate) fn is_v5(evidence: Evidence<'_>, packet: &PacketSeen<'_>) -> bool {
    let connection = packet.connection;
    let mut connects = evidence.view.packets.iter().filter(|it| it.connection == connection && it.kind == "CONNECT");
    let facts = evidence.view.trace.header.mtp_facts.as_ref();
    let told = connects.next().and_then(|connect| connect.text("version"));
    told.or_else(|| facts?.version.as_deref()) == Some("5.0")
}

/// The Response Information that the connection of a packet was told.
fn told_response_information<'a>(
    evidence: Evidence<'a>,
    packet: &PacketSeen<'_>,
) -> Option<(&'a PacketSeen<'a>, &'a str)> {
    let (connection, before) = (packet.connection, packet.index);
    let of_it = |it: &&PacketSeen<'_>| it.connection == connection && it.index < before && it.kind == "CONNACK";
    let connack = evidence.view.packets.iter().rfind(of_it)?;
    Some((connack, connack.property("response_information")?.as_str()?))
}
