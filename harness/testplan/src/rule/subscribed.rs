//! The EUT subscribes to all of these, in one packet or in several: R-MQTT.15, R-STOMP.12.
//!
//! `filters` must be asked for as they stand. A topic in `topics` may also be covered by a filter with wildcards, as R-MQTT.15 allows for
//! the Response Information.

use serde_json::Value;

use super::{
    Argument, Arguments, Evidence, Judged, Kind,
    moment::{moment, packets_since},
};
use crate::{
    judge::finding::{met, unmet},
    show,
    universal::subscriptions,
    view::PacketSeen,
};

pub(super) const SAYS: &str = "the EUT subscribes to all of these";

pub(super) const ARGUMENTS: &[Argument] = &[
    Argument::required("since", Kind::Label, "the step from whose event on it counts, such as an await of a CONNECT"),
    Argument::one_of("filters", Kind::Texts, "topic filters or destinations that are subscribed to as they stand"),
    Argument::one_of("topics", Kind::Texts, "topics that some filter covers"),
];

pub(super) fn judge(evidence: Evidence<'_>, arguments: &Arguments<'_>) -> Judged {
    let since = moment(evidence, arguments.text("since")?)?;
    let packets = packets_since(evidence, since.seq).into_iter().filter(|it| it.kind == "SUBSCRIBE");
    let packets: Vec<_> = packets.collect();
    let asked: Vec<&str> = packets.iter().copied().flat_map(filters).collect();
    let events: Vec<_> = if packets.is_empty() { vec![since.seq] } else { packets.iter().map(|it| it.seq).collect() };
    let seen = if asked.is_empty() { "no SUBSCRIBE".to_owned() } else { show::list(&asked) };
    let exact = arguments.list("filters").into_iter().map(|filter| (filter, asked.contains(&filter)));
    let covered = arguments.list("topics").into_iter().map(|topic| {
        let covers = |filter: &&str| *filter == topic || subscriptions::matches(filter, topic);
        (topic, asked.iter().any(covers))
    });
    let judged = exact.chain(covered).map(|(wanted, there)| {
        let finding = if there { met } else { unmet };
        finding(format!("a subscription to {}", show::quoted(wanted)), seen.as_str(), events.clone())
    });
    Ok(judged.collect())
}

/// The topic filters of a SUBSCRIBE packet, or the destination of a SUBSCRIBE frame.
fn filters<'a>(packet: &'a PacketSeen<'a>) -> Vec<&'a str> {
    if let Some(destination) = packet.header("destination") {
        return vec![destination];
    }
    let asked = packet.fields.get("subscriptions").and_then(Value::as_array).into_iter().flatten();
    asked.filter_map(|it| it.get("filter")?.as_str()).collect()
}
