//! The packets of MQTT and the frames of STOMP and of UNIX domain sockets, by the names that Traces and cases have for them.
//!
//! One decision behind it: one name may belong to several MTPs (`SUBSCRIBE`), so that a step about it can be shared by them.

/// A kind of packet, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PacketKind(&'static str);

/// Who sends a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sender {
    /// The EUT.
    Eut,
    /// Our side.
    Us,
}

/// What is known of one name.
struct Row {
    name: &'static str,
    /// The MTPs in which an EUT sends it.
    eut: &'static [&'static str],
    /// The MTPs in which our side does.
    us: &'static [&'static str],
    /// What it can show beside `kind`, `body` and `body_hex`.
    shows: &'static [&'static str],
}

const MQTT: &[&str] = &["mqtt"];
const STOMP: &[&str] = &["stomp"];
const UDS: &[&str] = &["uds"];
const BROKERED: &[&str] = &["mqtt", "stomp"];

/// What a STOMP frame shows.
const HEADERS: &[&str] = &["kind", "headers", "header_list", "body", "body_hex"];
/// What a frame of a UNIX domain socket shows.
const TLVS: &[&str] = &["kind", "tlvs", "body", "body_hex"];

/// Every kind, in alphabetical order.
const ROWS: &[Row] = &[
    row("ABORT", STOMP, &[], HEADERS),
    row("ACK", STOMP, &[], HEADERS),
    row("AUTH", MQTT, MQTT, &["kind", "reason", "properties", "body", "body_hex"]),
    row("BEGIN", STOMP, &[], HEADERS),
    row("COMMIT", STOMP, &[], HEADERS),
    row("CONNACK", &[], MQTT, &["kind", "session_present", "reason", "properties", "body", "body_hex"]),
    row(
        "CONNECT",
        BROKERED,
        &[],
        &[
            "kind",
            "protocol_name",
            "version",
            "clean_start",
            "keep_alive",
            "client_id",
            "username",
            "password",
            "will",
            "properties",
            "headers",
            "header_list",
            "body",
            "body_hex",
        ],
    ),
    row("CONNECTED", &[], STOMP, HEADERS),
    row("DISCONNECT", BROKERED, MQTT, &["kind", "reason", "properties", "headers", "header_list", "body", "body_hex"]),
    row("ERROR", UDS, &["stomp", "uds"], TLVS),
    row("FRAME", UDS, UDS, TLVS),
    row("HANDSHAKE", UDS, UDS, TLVS),
    row("HEARTBEAT", STOMP, STOMP, &["kind", "eols", "body", "body_hex"]),
    row("MESSAGE", &[], STOMP, HEADERS),
    row("NACK", STOMP, &[], HEADERS),
    row("PINGREQ", MQTT, &[], &["kind", "body", "body_hex"]),
    row("PINGRESP", &[], MQTT, &["kind", "body", "body_hex"]),
    row("PUBACK", MQTT, MQTT, ACKNOWLEDGES),
    row("PUBCOMP", MQTT, MQTT, ACKNOWLEDGES),
    row(
        "PUBLISH",
        MQTT,
        MQTT,
        &["kind", "topic", "qos", "retain", "dup", "packet_id", "properties", "body", "body_hex"],
    ),
    row("PUBREC", MQTT, MQTT, ACKNOWLEDGES),
    row("PUBREL", MQTT, MQTT, ACKNOWLEDGES),
    row("RECEIPT", &[], STOMP, HEADERS),
    row("RECORD", UDS, UDS, TLVS),
    row("SEND", STOMP, &[], HEADERS),
    row("STOMP", STOMP, &[], HEADERS),
    row("SUBACK", &[], MQTT, &["kind", "packet_id", "reasons", "properties", "body", "body_hex"]),
    row(
        "SUBSCRIBE",
        BROKERED,
        &[],
        &["kind", "packet_id", "subscriptions", "properties", "headers", "header_list", "body", "body_hex"],
    ),
    row("UNSUBACK", &[], MQTT, &["kind", "packet_id", "reasons", "properties", "body", "body_hex"]),
    row(
        "UNSUBSCRIBE",
        BROKERED,
        &[],
        &["kind", "packet_id", "filters", "properties", "headers", "header_list", "body", "body_hex"],
    ),
];

/// What an acknowledgement of MQTT shows.
const ACKNOWLEDGES: &[&str] = &["kind", "packet_id", "reason", "properties", "body", "body_hex"];

/// What the packets that carry Records can show.
pub(crate) const CARRIERS: &[&str] = &[
    "kind",
    "topic",
    "qos",
    "retain",
    "dup",
    "packet_id",
    "properties",
    "headers",
    "header_list",
    "tlvs",
    "body",
    "body_hex",
];

const fn row(
    name: &'static str,
    eut: &'static [&'static str],
    us: &'static [&'static str],
    shows: &'static [&'static str],
) -> Row {
    Row { name, eut, us, shows }
}

impl PacketKind {
    /// The kind with this name; `None` when there is none.
    pub fn named(name: &str) -> Option<Self> {
        ROWS.iter().find(|row| row.name == name).map(|row| Self(row.name))
    }

    /// Every kind that this side sends over some MTP, or over this one, in alphabetical order.
    pub fn all(sender: Sender, mtp: Option<&str>) -> impl Iterator<Item = Self> {
        let mtps = move |row: &Row| match sender {
            Sender::Eut => row.eut,
            Sender::Us => row.us,
        };
        let there = move |row: &&Row| mtp.map_or(!mtps(row).is_empty(), |mtp| mtps(row).contains(&mtp));
        ROWS.iter().filter(there).map(|row| Self(row.name))
    }

    /// Its name, such as `PUBLISH`.
    pub const fn name(self) -> &'static str {
        self.0
    }

    /// The MTPs in which an EUT sends it.
    pub fn of_eut(self) -> &'static [&'static str] {
        self.row().map_or(&[], |row| row.eut)
    }

    /// The MTPs in which our side sends it.
    pub fn of_us(self) -> &'static [&'static str] {
        self.row().map_or(&[], |row| row.us)
    }

    /// What it can show.
    pub fn shows(self) -> &'static [&'static str] {
        self.row().map_or(&[], |row| row.shows)
    }

    fn row(self) -> Option<&'static Row> {
        ROWS.iter().find(|row| row.name == self.0)
    }

    /// Whether such packets carry Records.
    pub fn carries_records(self) -> bool {
        matches!(self.0, "PUBLISH" | "SEND" | "MESSAGE" | "RECORD" | "FRAME")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_by_its_name_and_the_names_are_in_order() {
        assert!(ROWS.is_sorted_by(|a, b| a.name < b.name));
        for row in ROWS {
            let kind = PacketKind::named(row.name).unwrap();
            assert_eq!((kind.name(), kind.of_eut(), kind.of_us()), (row.name, row.eut, row.us));
            assert!(!row.eut.is_empty() || !row.us.is_empty(), "{} is sent by nobody", row.name);
            assert!(["kind", "body", "body_hex"].iter().all(|it| row.shows.contains(it)), "{}", row.name);
        }
        let of_eut: Vec<_> = PacketKind::all(Sender::Eut, Some("uds")).map(PacketKind::name).collect();
        assert_eq!(of_eut, ["ERROR", "FRAME", "HANDSHAKE", "RECORD"]);
    }
}
