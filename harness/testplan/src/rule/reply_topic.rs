//! An answer goes to where the request asked for it: the Response Topic (R-MQTT.26), what follows `/reply-to=` (R-MQTT.25), or
//! `reply-to-dest` (R-STOMP.23) of the packet that carried the request.

use serde_json::Value;

use super::{Argument, Arguments, Evidence, Judged, Kind};
use crate::{
    judge::finding::{met, unknown, unmet},
    show,
    universal::mqtt::{REPLY_TO, is_v5},
    view::PacketSeen,
};

pub(super) const SAYS: &str = "the answer goes to the reply topic of the request";

pub(super) const ARGUMENTS: &[Argument] = &[Argument::required("of", Kind::Label, "the request, over MQTT or STOMP")];

pub(super) fn judge(evidence: Evidence<'_>, arguments: &Arguments<'_>) -> Judged {
    let of = arguments.text("of")?;
    let asked = evidence.asked(of, SAYS)?;
    let lost = |why: &str| unknown(SAYS, why, vec![asked.seq]);
    let request =
        evidence.view.carrier(asked).ok_or_else(|| lost("the Trace does not hold the packet of the request"))?;
    let (wanted, requirement) =
        reply_of(evidence, request).ok_or_else(|| lost("the request says nowhere where the answer is to go"))?;
    let answer = evidence.carrier(of)?;
    let expected = format!("the answer to `{of}` at {}", show::quoted(&wanted));
    let place = place_of(evidence, answer).unwrap_or_default();
    let events = vec![request.seq, answer.seq];
    let finding = if place == wanted { met } else { unmet };
    Ok(vec![finding(expected, show::quoted(place), events).by(requirement)])
}

/// Where a packet wants its answer, and which requirement says so.
fn reply_of(evidence: Evidence<'_>, packet: &PacketSeen<'_>) -> Option<(String, &'static str)> {
    if let Some(destination) = packet.header("reply-to-dest") {
        return Some((destination.to_owned(), "R-STOMP.23"));
    }
    if is_v5(evidence, packet) {
        let topic = packet.property("response_topic").and_then(Value::as_str)?;
        return Some((topic.to_owned(), "R-MQTT.26"));
    }
    let (_, reply) = packet.text("topic")?.rsplit_once(REPLY_TO)?;
    Some((reply.replace("%2F", "/"), "R-MQTT.25"))
}

/// Where a packet went.
fn place_of<'a>(evidence: Evidence<'_>, packet: &PacketSeen<'a>) -> Option<&'a str> {
    if let Some(destination) = packet.header("destination") {
        return Some(destination);
    }
    let topic = packet.text("topic")?;
    if is_v5(evidence, packet) {
        return Some(topic);
    }
    Some(topic.rsplit_once(REPLY_TO).map_or(topic, |(topic, _)| topic))
}
