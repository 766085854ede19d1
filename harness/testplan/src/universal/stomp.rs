//! What the frames of an EUT over STOMP hold: R-STOMP.2, 4, 13, 17, 19, 20, 21, 26 and 27.
//!
//! R-STOMP.2 demands the STOMP frame by name, although STOMP 1.2 lets a client begin with CONNECT as well. Without an `ack` header the
//! acknowledgement is `auto` (STOMP 1.2, SUBSCRIBE), which is what R-STOMP.17 demands.

use uspec_usp::version::UspVersion;

use super::{Tally, eut};
use crate::{
    judge::{evidence::Evidence, finding::unmet},
    show,
    verdict::Finding,
    view::PacketSeen,
};

/// The content type of a Record.
const RECORD: &str = "application/vnd.bbf.usp.msg";

/// The content type of an error of the MTP, which USP 1.2 withdrew (R-STOMP.23a).
const ERROR: &str = "application/vnd.bbf.usp.error";

/// The version that withdrew it.
const WITHOUT_ERROR: UspVersion = UspVersion::new(1, 2);

/// R-STOMP.2: a session begins by a STOMP frame.
pub(super) fn first_frame(evidence: Evidence<'_>, tally: &mut Tally) {
    const EXPECTED: &str = "a STOMP frame as the first of each session";
    tally.expects(EXPECTED);
    let packets = eut::packets(evidence);
    for connection in evidence.view.connections.iter().filter(|it| eut::begins(it)) {
        let first = packets.iter().find(|it| it.connection == connection.number && it.kind != "HEARTBEAT");
        let Some(first) = first.filter(|it| is_stomp(it)) else { continue };
        tally.holds(first.kind == "STOMP", || unmet(EXPECTED, format!("{} as the first", first.kind), vec![first.seq]));
    }
}

/// R-STOMP.4: the frame that begins a session names the EUT's Endpoint ID.
pub(super) fn endpoint_id(evidence: Evidence<'_>, tally: &mut Tally) {
    tally.expects("endpoint-id with the EUT's Endpoint ID in each STOMP frame");
    let eut = &evidence.view.trace.header.eut_endpoint_id;
    for frame in frames(evidence).filter(|it| matches!(it.kind, "STOMP" | "CONNECT")) {
        let told = frame.header("endpoint-id");
        let right = told.is_some_and(|told| if eut.is_empty() { !told.is_empty() } else { told == eut });
        tally.holds(right, || header(frame, "endpoint-id", &format!("the Endpoint ID {}", show::quoted(eut))));
    }
}

/// R-STOMP.13: each SUBSCRIBE names a destination.
pub(super) fn subscribe_destination(evidence: Evidence<'_>, tally: &mut Tally) {
    tally.expects("a destination in each SUBSCRIBE frame");
    for frame in frames(evidence).filter(|it| it.kind == "SUBSCRIBE") {
        let there = frame.header("destination").is_some_and(|it| !it.is_empty());
        tally.holds(there, || header(frame, "destination", "a destination"));
    }
}

/// R-STOMP.17: each SUBSCRIBE has `ack` auto.
pub(super) fn subscribe_ack(evidence: Evidence<'_>, tally: &mut Tally) {
    tally.expects("the ack auto in each SUBSCRIBE frame");
    for frame in frames(evidence).filter(|it| it.kind == "SUBSCRIBE") {
        let auto = frame.header("ack").is_none_or(|it| it == "auto");
        tally.holds(auto, || header(frame, "ack", "auto, or none, which means auto"));
    }
}

/// R-STOMP.19: each SEND says how long its body is.
pub(super) fn content_length(evidence: Evidence<'_>, tally: &mut Tally) {
    tally.expects("the right content-length in each SEND frame");
    for frame in frames(evidence).filter(|it| it.kind == "SEND") {
        let length = frame.header("content-length").and_then(|it| it.parse::<usize>().ok());
        let right = length == Some(frame.body.len());
        tally.holds(right, || header(frame, "content-length", &frame.body.len().to_string()));
    }
}

/// R-STOMP.20: each SEND has the content type of a Record.
pub(super) fn content_type(evidence: Evidence<'_>, tally: &mut Tally) {
    tally.expects("the content-type application/vnd.bbf.usp.msg in each SEND frame");
    let may_send_errors = evidence.view.usp_version().is_none_or(|version| version < WITHOUT_ERROR);
    for frame in frames(evidence).filter(|it| it.kind == "SEND") {
        let kind = frame.header("content-type");
        if kind == Some(ERROR) && may_send_errors {
            continue;
        }
        tally.holds(kind == Some(RECORD), || header(frame, "content-type", RECORD));
    }
}

/// R-STOMP.21: each SEND with a Record says where an answer is to go.
pub(super) fn reply_destination(evidence: Evidence<'_>, tally: &mut Tally) {
    tally.expects("reply-to-dest in each SEND frame with a Record");
    for frame in frames(evidence).filter(|it| it.kind == "SEND" && it.header("content-type") != Some(ERROR)) {
        let there = frame.header("reply-to-dest").is_some_and(|it| !it.is_empty());
        tally.holds(there, || header(frame, "reply-to-dest", "a destination"));
    }
}

/// R-STOMP.26: no transactions.
pub(super) fn no_transactions(evidence: Evidence<'_>, tally: &mut Tally) {
    none_of(evidence, &["BEGIN", "COMMIT", "ABORT"], "no BEGIN, COMMIT or ABORT frame", tally);
}

/// R-STOMP.27: no acknowledgements.
pub(super) fn no_acknowledgements(evidence: Evidence<'_>, tally: &mut Tally) {
    none_of(evidence, &["ACK", "NACK"], "no ACK or NACK frame", tally);
}

fn none_of(evidence: Evidence<'_>, kinds: &[&str], expected: &'static str, tally: &mut Tally) {
    tally.expects(expected);
    for frame in frames(evidence).filter(|it| it.kind != "HEARTBEAT") {
        tally.holds(!kinds.contains(&frame.kind), || {
            unmet(expected, format!("{} with {}", frame.kind, show::value(frame.fields)), vec![frame.seq])
        });
    }
}

/// The STOMP frames of the EUT.
fn frames(evidence: Evidence<'_>) -> impl Iterator<Item = &PacketSeen<'_>> {
    eut::packets(evidence).into_iter().filter(|packet| is_stomp(packet))
}

/// Whether a packet is a STOMP frame: names such as `CONNECT` are MQTT's as well.
fn is_stomp(packet: &PacketSeen<'_>) -> bool {
    packet.kind == "HEARTBEAT" || packet.fields.get("headers").is_some()
}

/// That a header is not as it must be.
fn header(frame: &PacketSeen<'_>, name: &str, expected: &str) -> Finding {
    let seen = frame.header(name).map_or_else(|| "no such header".to_owned(), show::quoted);
    unmet(expected, seen, vec![frame.seq]).at(format!("{}.headers.{name}", frame.kind))
}
