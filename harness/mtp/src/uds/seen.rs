//! What a trace shows of a frame.

use bytes::Bytes;
use serde_json::{Value, json};

use super::tlv::{TYPE_ERROR, TYPE_HANDSHAKE, TYPE_RECORD, Tlv};
use super::write::FrameChanges;
use crate::event::{Direction, MtpHappening, PacketSeen};

/// Octets of a text that are shown decoded; the body and the octets of the connection have it whole.
const MAX_TEXT: usize = 1024;

/// The report of a frame that came.
pub(super) fn received(tlvs: &[Tlv]) -> MtpHappening {
    MtpHappening::Packet { direction: Direction::Received, packet: packet(tlvs.iter()) }
}

/// The report of a frame that is sent.
pub(super) fn sent(tlvs: &[Tlv], changes: &FrameChanges) -> MtpHappening {
    let packet = packet(changes.before.iter().chain(tlvs).chain(&changes.behind));
    MtpHappening::Packet { direction: Direction::Sent, packet }
}

/// A text of a peer's, as far as it is shown.
pub(super) fn text(value: &[u8]) -> String {
    match value.get(..MAX_TEXT) {
        Some(beginning) if value.len() > MAX_TEXT => format!("{}…", String::from_utf8_lossy(beginning)),
        _ => String::from_utf8_lossy(value).into_owned(),
    }
}

fn packet<'a>(tlvs: impl Iterator<Item = &'a Tlv> + Clone) -> PacketSeen {
    let kind = match (tlvs.clone().next(), tlvs.clone().nth(1)) {
        (Some(only), None) => match only.kind {
            TYPE_HANDSHAKE => "HANDSHAKE",
            TYPE_ERROR => "ERROR",
            TYPE_RECORD => "RECORD",
            _ => "FRAME",
        },
        _ => "FRAME",
    };
    let body = tlvs.clone().next().map_or_else(Bytes::new, |tlv| tlv.value.clone());
    let tlvs: Vec<Value> = tlvs.map(field).collect();
    PacketSeen { kind: kind.to_owned(), fields: json!({ "tlvs": tlvs }), body }
}

fn field(tlv: &Tlv) -> Value {
    let length = tlv.value.len();
    match tlv.kind {
        TYPE_HANDSHAKE | TYPE_ERROR => json!({ "type": tlv.kind, "length": length, "text": text(&tlv.value) }),
        _ => json!({ "type": tlv.kind, "length": length }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::handshake(
        vec![Tlv::handshake("os::A-B")],
        "HANDSHAKE",
        json!({"tlvs": [{"type": 1, "length": 7, "text": "os::A-B"}]}),
        b"os::A-B"
    )]
    #[case::error(vec![Tlv::new(2, &b"no\xFF"[..])], "ERROR", json!({"tlvs": [{"type": 2, "length": 3, "text": "no\u{FFFD}"}]}), b"no\xFF")]
    #[case::record(vec![Tlv::record("abc")], "RECORD", json!({"tlvs": [{"type": 3, "length": 3}]}), b"abc")]
    #[case::unknown(vec![Tlv::new(9, "abc")], "FRAME", json!({"tlvs": [{"type": 9, "length": 3}]}), b"abc")]
    #[case::several(
        vec![Tlv::new(9, ""), Tlv::record("abc")],
        "FRAME",
        json!({"tlvs": [{"type": 9, "length": 0}, {"type": 3, "length": 3}]}),
        b""
    )]
    #[case::none(vec![], "FRAME", json!({"tlvs": []}), b"")]
    fn a_frame_is_shown(#[case] tlvs: Vec<Tlv>, #[case] kind: &str, #[case] fields: Value, #[case] body: &[u8]) {
        let shown = packet(tlvs.iter());
        assert_eq!((&*shown.kind, shown.fields, &shown.body[..]), (kind, fields, body));
    }

    #[test]
    fn a_long_text_is_cut() {
        let shown = text("ä".repeat(2000).as_bytes());
        assert!(shown.starts_with("ää") && shown.ends_with("ä…") && shown.len() < 1100);
    }
}
