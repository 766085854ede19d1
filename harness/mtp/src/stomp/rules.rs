//! What each frame must have (STOMP 1.2, "Client Frames", "Server Frames", "Frames and Headers").

use super::StompFrame;
use super::violation::Violation;

/// A command, its section, and the headers that it cannot do without.
type Rule = (&'static str, &'static str, &'static [&'static str]);

const RULES: [Rule; 15] = [
    ("STOMP", "STOMP 1.2 CONNECT or STOMP Frame", &["accept-version", "host"]),
    ("CONNECT", "STOMP 1.2 CONNECT or STOMP Frame", &["accept-version", "host"]),
    ("SEND", "STOMP 1.2 SEND", &["destination"]),
    ("SUBSCRIBE", "STOMP 1.2 SUBSCRIBE", &["destination", "id"]),
    ("UNSUBSCRIBE", "STOMP 1.2 UNSUBSCRIBE", &["id"]),
    ("ACK", "STOMP 1.2 ACK", &["id"]),
    ("NACK", "STOMP 1.2 NACK", &["id"]),
    ("BEGIN", "STOMP 1.2 BEGIN", &["transaction"]),
    ("COMMIT", "STOMP 1.2 COMMIT", &["transaction"]),
    ("ABORT", "STOMP 1.2 ABORT", &["transaction"]),
    ("DISCONNECT", "STOMP 1.2 DISCONNECT", &[]),
    ("CONNECTED", "STOMP 1.2 CONNECTED Frame", &["version"]),
    ("MESSAGE", "STOMP 1.2 MESSAGE", &["destination", "message-id", "subscription"]),
    ("RECEIPT", "STOMP 1.2 RECEIPT", &["receipt-id"]),
    ("ERROR", "STOMP 1.2 ERROR", &[]),
];

/// The commands whose frames may have a body.
const WITH_BODY: [&str; 3] = ["SEND", "MESSAGE", "ERROR"];

/// The values of a subscription's `ack` header.
const ACK_MODES: [&str; 3] = ["auto", "client", "client-individual"];

/// The section that a command's frame is described in.
pub(super) fn section(command: &str) -> &'static str {
    RULES.iter().find(|(known, ..)| *known == command).map_or("STOMP 1.2 Frames and Headers", |(_, section, _)| section)
}

/// What a frame lacks, or has that it must not. `head` is its beginning on the wire.
pub(super) fn violations(frame: &StompFrame, head: &[u8]) -> Vec<Violation> {
    let command = frame.command.as_str();
    let mut found = Vec::new();
    for (_, section, required) in RULES.iter().filter(|(known, ..)| *known == command) {
        for name in required.iter().filter(|name| frame.header(name).is_none()) {
            found.push(Violation::new(section, format!("{command} must have the header {name}; it is missing"), head));
        }
    }
    if !frame.body.is_empty() && !WITH_BODY.contains(&command) {
        let text = format!("{command} must not have a body; {} octets of it were seen", frame.body.len());
        found.push(Violation::new("STOMP 1.2 Body", text, head));
    }
    if let Some(mode) = frame.header("ack").filter(|mode| command == "SUBSCRIBE" && !ACK_MODES.contains(mode)) {
        let seen: String = mode.chars().take(60).collect();
        let text = format!("ack is auto, client or client-individual; {seen:?} was seen");
        found.push(Violation::new("STOMP 1.2 SUBSCRIBE ack Header", text, head));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(StompFrame::new("STOMP").with("accept-version", "1.2").with("host", ""), &[])]
    #[case(StompFrame::new("STOMP"), &["STOMP 1.2 CONNECT or STOMP Frame", "STOMP 1.2 CONNECT or STOMP Frame"])]
    #[case(StompFrame::new("SEND").with("destination", "/a").with_body("x"), &[])]
    #[case(StompFrame::new("SEND"), &["STOMP 1.2 SEND"])]
    #[case(StompFrame::new("SUBSCRIBE").with("destination", "/a"), &["STOMP 1.2 SUBSCRIBE"])]
    #[case(StompFrame::new("SUBSCRIBE").with("destination", "/a").with("id", "0").with("ack", "never"), &["STOMP 1.2 SUBSCRIBE ack Header"])]
    #[case(StompFrame::new("UNSUBSCRIBE"), &["STOMP 1.2 UNSUBSCRIBE"])]
    #[case(StompFrame::new("DISCONNECT").with_body("x"), &["STOMP 1.2 Body"])]
    #[case(StompFrame::new("MESSAGE").with("destination", "/a").with("subscription", "0"), &["STOMP 1.2 MESSAGE"])]
    fn what_a_frame_must_have(#[case] frame: StompFrame, #[case] sections: &[&str]) {
        let found: Vec<_> = violations(&frame, b"head").iter().map(|violation| violation.requirement).collect();
        assert_eq!(found, sections);
    }

    #[test]
    fn every_command_has_its_section() {
        assert_eq!(section("SEND"), "STOMP 1.2 SEND");
        assert_eq!(section("SNED"), "STOMP 1.2 Frames and Headers");
    }
}
