//! The EUT is never silent for too long: a heart-beat of STOMP (R-STOMP.11), or whatever else it sends, keeps a connection alive, as a
//! PINGREQ or any other packet does in MQTT (5.0 section 3.1.2.10).
//!
//! The tolerance is that of the EUT profile, as with other times. What came before `from`, and after `to`, does not count.

use super::{
    Argument, Arguments, Evidence, Judged, Kind,
    moment::{connection_of, moment, packets_since, tolerance},
};
use crate::{
    judge::finding::{met, unknown, unmet},
    show,
    view::PacketSeen,
};
use std::time::Duration;

pub(super) const SAYS: &str = "the EUT is never silent for longer than this";

pub(super) const ARGUMENTS: &[Argument] = &[
    Argument::required(
        "from",
        Kind::Label,
        "the step from whose event on it counts, such as an await of the connection",
    ),
    Argument::required("to", Kind::Label, "the step until whose end it counts, such as a wait"),
    Argument::required("every", Kind::Duration, "the longest silence, such as 15s"),
    Argument::optional(
        "kinds",
        Kind::Texts,
        "the packets that break the silence, such as HEARTBEAT; any when not given",
    ),
    Argument::optional("tolerance", Kind::Duration, "by how much it may be longer, in place of the profile's"),
];

pub(super) fn judge(evidence: Evidence<'_>, arguments: &Arguments<'_>) -> Judged {
    let (every, slack) = (arguments.duration("every")?, tolerance(evidence, arguments)?);
    let (from, to) = (moment(evidence, arguments.text("from")?)?, moment(evidence, arguments.text("to")?)?);
    let kinds = arguments.list("kinds");
    let what = if kinds.is_empty() { "a packet".to_owned() } else { kinds.join(" or ") };
    let expected = format!("{what} of the EUT at least every {} (tolerance {})", show::span(every), show::span(slack));
    let connection = connection_of(evidence, from.seq);
    let ended = connection.and_then(|number| evidence.view.connection(number)?.closed());
    let until = ended.map_or(to.to, |(_, event)| event.at_us.min(to.to));
    let counts = |packet: &&PacketSeen<'_>| kinds.is_empty() || kinds.contains(&packet.kind);
    let at =
        |packet: &PacketSeen<'_>| evidence.view.trace.events.get(packet.index).map(|event| (event.at_us, event.seq));
    let beats = packets_since(evidence, from.seq).into_iter().filter(counts).filter_map(at);
    let beats: Vec<_> = beats.filter(|(at, _)| *at >= from.to && *at <= until).collect();
    let silence = |from: u64, to: u64| Duration::from_micros(to.saturating_sub(from));
    let mut last = (from.to, from.seq);
    let mut longest = Duration::ZERO;
    let mut findings = Vec::new();
    for next in beats.iter().copied().chain([(until, to.seq)]) {
        let pause = silence(last.0, next.0);
        longest = longest.max(pause);
        if pause > every.saturating_add(slack) {
            findings.push(unmet(expected.as_str(), format!("silence for {}", show::span(pause)), vec![last.1, next.1]));
        }
        last = next;
    }
    if !findings.is_empty() {
        return Ok(findings);
    }
    let watched = silence(from.to, until);
    let seen = format!("{} in {}, the longest silence {}", beats.len(), show::span(watched), show::span(longest));
    let long_enough = watched > every.saturating_add(slack);
    if until < to.to {
        return Ok(vec![unknown(expected, format!("{seen}; then the connection ended"), vec![from.seq])]);
    }
    let finding = if long_enough { met } else { unknown };
    Ok(vec![finding(expected, seen, vec![from.seq, to.seq])])
}
