//! The EUT keeps to the protocol of its MTP: no packet or frame that the protocol's own specification forbids (RFC 6455, MQTT, STOMP 1.2, and
//! the frames of TR-369's UNIX Domain Socket Binding, R-UDS.6 to R-UDS.11).
//!
//! What our ends could not take because it exceeds a limit of ours is no violation, whatever the protocol would call it, unless our end tells
//! a requirement of TR-369 that explains the size, such as the octet order of a length (R-UDS.9). A Record before the
//! handshake of a UNIX domain socket is shown and does not weigh: R-UDS.20 binds who receives it.

use serde_json::Value;

use super::{Tally, eut};
use crate::{
    judge::{
        evidence::Evidence,
        finding::{unknown, unmet},
    },
    show,
    trace::ConnectionState,
    view::ConnectionSeen,
};

/// Requirements on whoever receives what is reported.
const OF_RECEIVERS: &[&str] = &["R-UDS.20"];

pub(super) fn judge(evidence: Evidence<'_>, tally: &mut Tally) {
    const EXPECTED: &str = "connections on which the EUT keeps to the protocol of the MTP";
    tally.expects(EXPECTED);
    let eut = eut::connections(evidence);
    for number in &eut {
        let failures = evidence.view.connection(*number).map(violations).unwrap_or_default();
        if failures.is_empty() {
            tally.right();
        }
        for (seq, failure) in failures {
            let text = |key: &str| failure.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
            let mut seen =
                format!("connection {number}: {}", show::cut(text("text").unwrap_or("a protocol violation")));
            if let Some(octets) = text("octets") {
                seen = format!("{seen}; octets {}", show::cut_at(octets, show::MAX_SHOWN));
            }
            let requirement = text("requirement");
            let weighs = !requirement.is_some_and(|requirement| OF_RECEIVERS.contains(&requirement));
            let finding = if weighs { unmet } else { unknown };
            let finding = finding("what the protocol of the MTP allows", seen, vec![seq]);
            tally.wrong(match requirement {
                Some(requirement) => finding.by(show::cut(requirement)),
                None => finding,
            });
        }
    }
}

/// Whether the EUT broke the protocol on this connection: then that is why it ended.
pub(super) fn broke_protocol(connection: &ConnectionSeen<'_>) -> bool {
    !violations(connection).is_empty()
}

/// What our end reported as a violation, with the number of its event.
fn violations<'t>(connection: &ConnectionSeen<'t>) -> Vec<(u64, &'t Value)> {
    let mut found = Vec::new();
    let mut exceeded = false;
    for (_, event, state, details) in &connection.events {
        match state {
            ConnectionState::Oversized => exceeded = true,
            ConnectionState::Failed => {
                let failure = details.get("failed").unwrap_or(details);
                let violation = failure.get("kind").and_then(Value::as_str) == Some("protocol_violation");
                let requirement = failure.get("requirement").and_then(Value::as_str).unwrap_or_default();
                if violation && (!exceeded || requirement.starts_with("R-")) {
                    found.push((event.seq, failure));
                }
                exceeded = false;
            }
            _ => {}
        }
    }
    found
}
