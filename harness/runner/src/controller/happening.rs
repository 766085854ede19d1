//! Events of an MTP as events of a Trace.

use serde_json::Value;
use uspec_mtp::event::{Direction, MtpHappening, Opcode, PacketSeen};
use uspec_testplan::trace::{ConnectionState, Direction as Way, What};

/// The same event in a Trace; `None` for Records, which the Controller writes itself because it knows more about them.
pub(crate) fn what(connection: u32, happening: &MtpHappening) -> Option<What> {
    let state = match happening {
        MtpHappening::Record { .. } => return None,
        MtpHappening::Packet { direction, packet: PacketSeen { kind, fields, body } } => {
            let (direction, kind, fields) = (way(*direction), kind.clone(), fields.clone());
            return Some(What::Packet { connection, direction, kind, fields, body: body.to_vec() });
        }
        MtpHappening::Octets { direction, bytes } => {
            return Some(What::Octets { connection, direction: way(*direction), bytes: bytes.to_vec() });
        }
        MtpHappening::Frame { direction, frame } => {
            return Some(What::Frame {
                connection,
                direction: way(*direction),
                kind: kind(frame.opcode),
                fin: frame.fin,
                payload: frame.payload.to_vec(),
            });
        }
        MtpHappening::ListeningStopped => return Some(note("no connections are accepted from here on")),
        MtpHappening::Waiting { retry, wait } => {
            return Some(note(format!("our end connects again in {wait:?} (retry {retry})")));
        }
        // It stands there as a frame already; whether the connection outlives it is told by what follows.
        MtpHappening::Text { direction, bytes } => {
            return Some(note(format!("a text message of {} octets ({direction:?})", bytes.len())));
        }
        MtpHappening::Superseded { by } => {
            return Some(note(format!("connection #{connection} stays open beside the newer {by} of the same peer")));
        }
        MtpHappening::Listening { .. } => ConnectionState::Listening,
        MtpHappening::Attempt { .. } => ConnectionState::Attempt,
        MtpHappening::TlsEstablished(_) | MtpHappening::TlsFailed { .. } => ConnectionState::Tls,
        MtpHappening::Handshake { .. } => ConnectionState::Handshake,
        MtpHappening::Open(_) => ConnectionState::Open,
        MtpHappening::Oversized { .. } => ConnectionState::Oversized,
        MtpHappening::Failed(_) => ConnectionState::Failed,
        MtpHappening::Closed(_) | MtpHappening::StreamEnded { .. } => ConnectionState::Closed,
    };
    Some(What::Connection { connection, state, details: details(happening) })
}

/// Which way, in the Trace's word.
pub(crate) fn way(direction: Direction) -> Way {
    match direction {
        Direction::Sent => Way::Sent,
        Direction::Received => Way::Received,
    }
}

fn note(text: impl Into<String>) -> What {
    What::Note { text: text.into() }
}

fn details(happening: &MtpHappening) -> Value {
    serde_json::to_value(happening).unwrap_or_else(|error| Value::String(format!("{happening:?} ({error})")))
}

/// The Trace's word for a kind of frame.
pub(super) fn kind(opcode: Opcode) -> String {
    match opcode {
        Opcode::Continuation => "continuation".to_owned(),
        Opcode::Text => "text".to_owned(),
        Opcode::Binary => "binary".to_owned(),
        Opcode::Close => "close".to_owned(),
        Opcode::Ping => "ping".to_owned(),
        Opcode::Pong => "pong".to_owned(),
        Opcode::Reserved(number) => format!("reserved {number}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uspec_mtp::event::{Closing, EndedBy};

    #[test]
    fn details_stand_field_by_field() {
        let closing = Closing { by: EndedBy::Peer, code: Some(1003), reason: "no Record".into(), clean: true };
        let Some(What::Connection { connection: 3, state: ConnectionState::Closed, details }) =
            what(3, &MtpHappening::Closed(closing))
        else {
            panic!("not a closed connection")
        };
        assert_eq!(details["closed"]["code"], 1003);
    }
}
