//! Frames as a trace shows them, and frames on their way out.

use bytes::Bytes;
use serde_json::{Map, Value, json};
use tokio::sync::oneshot;

use super::StompFrame;
use super::violation::Violation;
use crate::end::Port;
use crate::event::{Direction, Failure, FailureKind, MtpHappening, PacketSeen, Route};

/// The kind of a run of line ends between two frames.
const HEARTBEAT: &str = "HEARTBEAT";

/// What is reported of a frame.
pub(super) fn seen(direction: Direction, frame: &StompFrame) -> MtpHappening {
    let mut headers = Map::new();
    for (name, value) in &frame.headers {
        // The first of repeated headers counts (STOMP 1.2, "Repeated Header Entries").
        headers.entry(name.as_str()).or_insert_with(|| Value::from(value.as_str()));
    }
    let list: Vec<Value> = frame.headers.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
    let fields = json!({"headers": headers, "header_list": list});
    let packet = PacketSeen { kind: frame.command.clone(), fields, body: frame.body.clone() };
    MtpHappening::Packet { direction, packet }
}

/// What is reported of so many line ends between two frames.
pub(super) fn beats(direction: Direction, count: usize) -> MtpHappening {
    let packet = PacketSeen { kind: HEARTBEAT.to_owned(), fields: json!({"eols": count}), body: Bytes::new() };
    MtpHappening::Packet { direction, packet }
}

/// Sends a frame; `record` says that it carries one, and where it goes.
pub(super) fn put(port: &mut Port, frame: &StompFrame, record: Option<Route>, done: Option<oneshot::Sender<()>>) {
    let whole = port.log.is_whole();
    port.outbox.put(done, |out| {
        frame.write(out);
        let mut reports = Vec::new();
        if whole {
            reports.push(seen(Direction::Sent, frame));
            reports.extend(record.map(|route| {
                let (direction, bytes) = (Direction::Sent, frame.body.clone());
                MtpHappening::Record { direction, bytes, frames: 1, route }
            }));
        }
        reports
    });
}

/// Sends one heart-beat.
pub(super) fn put_beat(port: &mut Port) {
    let whole = port.log.is_whole();
    // Of those that wait for a peer that reads nothing, a few are enough.
    port.outbox.put_sheddable(|out| {
        // Not CR LF: Agents are known that take a lone line feed only.
        out.extend_from_slice(b"\n");
        if whole { vec![beats(Direction::Sent, 1)] } else { Vec::new() }
    });
}

/// Sends octets as they are.
pub(super) fn put_octets(port: &mut Port, octets: &Bytes, done: oneshot::Sender<()>) {
    port.outbox.put(Some(done), |out| {
        out.extend_from_slice(octets);
        Vec::new()
    });
}

/// Reports what the peer may not send.
pub(super) async fn report(port: &mut Port, violation: &Violation, limit: usize) {
    if let Some(announced) = violation.oversized {
        port.log.emit(MtpHappening::Oversized { limit, announced }).await;
    }
    port.fail(failure(violation)).await;
}

/// What is reported of what the peer may not send.
pub(super) fn failure(violation: &Violation) -> Failure {
    let failure = Failure::against(violation.requirement, FailureKind::ProtocolViolation, violation.text.as_str());
    failure.with_octets(&violation.octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_repeated_headers_the_first_is_shown_and_all_are_listed() {
        let frame = StompFrame::new("SEND").with("a", "1").with("b", "x:y").with("a", "2").with_body("body");
        let MtpHappening::Packet { packet, .. } = seen(Direction::Received, &frame) else { panic!("no packet") };
        assert_eq!(packet.kind, "SEND");
        assert_eq!(packet.fields["headers"], json!({"a": "1", "b": "x:y"}));
        assert_eq!(packet.fields["header_list"][2], json!({"name": "a", "value": "2"}));
        assert_eq!(packet.body, "body");
    }
}
