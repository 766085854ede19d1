//! The words of a diagnosis: parameters of the EUT's data model, and octets and certificates as a person reads them.

use super::subject::{Kind, Subject};
use std::fmt::Write as _;
use uspec_mtp::{network::Address, tls::PeerCertificate};

/// Characters that are shown of what a peer said first.
const SHOWN: usize = 60;

/// The parameters of the EUT that say where the connection goes: host and port, path, encryption.
pub(super) struct Parameters {
    pub(super) host: &'static str,
    pub(super) port: &'static str,
    pub(super) encryption: &'static str,
}

/// The parameters that say where the EUT connects to, or listens.
pub(super) fn parameters(subject: &Subject) -> Parameters {
    match (&subject.kind, subject.calls) {
        (Kind::WebSocket { .. }, false) => Parameters {
            host: "Device.LocalAgent.Controller.{i}.MTP.{i}.WebSocket.Host",
            port: "Device.LocalAgent.Controller.{i}.MTP.{i}.WebSocket.Port",
            encryption: "Device.LocalAgent.Controller.{i}.MTP.{i}.WebSocket.EnableEncryption",
        },
        (Kind::WebSocket { .. }, true) => Parameters {
            host: "Device.LocalAgent.MTP.{i}.WebSocket.Interfaces",
            port: "Device.LocalAgent.MTP.{i}.WebSocket.Port",
            encryption: "Device.LocalAgent.MTP.{i}.WebSocket.EnableEncryption",
        },
        (Kind::Mqtt { .. }, _) => Parameters {
            host: "Device.MQTT.Client.{i}.BrokerAddress",
            port: "Device.MQTT.Client.{i}.BrokerPort",
            encryption: "Device.MQTT.Client.{i}.TransportProtocol",
        },
        (Kind::Stomp { .. }, _) => Parameters {
            host: "Device.STOMP.Connection.{i}.Host",
            port: "Device.STOMP.Connection.{i}.Port",
            encryption: "Device.STOMP.Connection.{i}.EnableEncryption",
        },
        (Kind::Uds, _) => Parameters {
            host: "Device.UnixDomainSockets.UnixDomainSocket.{i}.Path",
            port: "Device.UnixDomainSockets.UnixDomainSocket.{i}.Path",
            encryption: "",
        },
    }
}

/// The parameter with the path of the WebSocket's URL.
pub(super) fn path_parameter(subject: &Subject) -> &'static str {
    if subject.calls {
        "Device.LocalAgent.MTP.{i}.WebSocket.Path"
    } else {
        "Device.LocalAgent.Controller.{i}.MTP.{i}.WebSocket.Path"
    }
}

/// How the parameter for encryption is to stand.
pub(super) fn encryption(subject: &Subject, on: bool) -> String {
    let name = parameters(subject).encryption;
    let value = match (&subject.kind, on) {
        (Kind::Mqtt { .. }, true) => "TLS",
        (Kind::Mqtt { .. }, false) => "TCP/IP",
        (_, true) => "true",
        (_, false) => "false",
    };
    format!("set `{name}` to `{value}`")
}

/// What a peer said first, as a person reads it: the first line of a text, the name of what begins so, or hexadecimal digits.
pub(super) fn opening_words(octets: &[u8]) -> String {
    match octets {
        [] => return "nothing".to_owned(),
        [0x16, 0x03, ..] => return "a TLS ClientHello".to_owned(),
        [0x15, 0x03, ..] => return "a TLS alert".to_owned(),
        [0x10, ..] if octets.windows(4).take(8).any(|window| window == b"MQTT") => {
            return "an MQTT CONNECT".to_owned();
        }
        _ => {}
    }
    let line = octets.split(|octet| matches!(octet, b'\r' | b'\n')).next().unwrap_or_default();
    match std::str::from_utf8(line) {
        Ok(text) if !text.is_empty() && !text.chars().any(char::is_control) => {
            let shown: String = text.chars().take(SHOWN).collect();
            let cut = if shown.len() < text.len() { "…" } else { "" };
            format!("`{shown}{cut}`")
        }
        _ => {
            let shown = octets.get(..16).unwrap_or(octets);
            let digits = shown.iter().fold(String::new(), |mut digits, octet| {
                let _ = write!(digits, "{octet:02x}");
                digits
            });
            let cut = if shown.len() < octets.len() { "…" } else { "" };
            format!("the octets {digits}{cut}")
        }
    }
}

/// Whether it is the beginning of TLS: a ClientHello, or the alert of a server that was not sent one.
pub(super) fn is_tls(octets: &[u8]) -> bool {
    octets.starts_with(&[0x16, 0x03]) || octets.starts_with(&[0x15, 0x03])
}

/// Whether it is the beginning of this MTP without TLS.
pub(super) fn is_clear(subject: &Subject, octets: &[u8]) -> bool {
    match &subject.kind {
        Kind::WebSocket { .. } => octets.starts_with(b"GET ") || octets.starts_with(b"HTTP/"),
        Kind::Mqtt { .. } => opening_words(octets) == "an MQTT CONNECT",
        Kind::Stomp { .. } => octets.starts_with(b"STOMP") || octets.starts_with(b"CONNECT"),
        Kind::Uds => false,
    }
}

/// A certificate in one line: whose, from whom, for which names, until when.
pub(super) fn certificate(it: &PeerCertificate) -> String {
    if it.subject.is_empty() && it.issuer.is_empty() {
        return "a certificate that cannot be read".to_owned();
    }
    let chain = if it.chain.is_empty() { String::new() } else { format!(", sent with {}", it.chain.join(" and ")) };
    format!(
        "`{}` issued by `{}`{chain}, for {}, valid from {} to {}",
        it.subject,
        it.issuer,
        names(it),
        it.not_before,
        it.not_after
    )
}

/// The names that a certificate stands for.
pub(super) fn names(it: &PeerCertificate) -> String {
    let all: Vec<String> =
        it.uris.iter().chain(&it.dns_names).chain(&it.addresses).map(|name| format!("`{name}`")).collect();
    if all.is_empty() { "no name in subjectAltName".to_owned() } else { all.join(", ") }
}

/// An address of which only the machine itself hears.
pub(super) fn is_loopback(address: &Address) -> bool {
    let host = address.host();
    matches!(address, Address::Tcp { .. })
        && (host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback()))
}

/// `1 connection`, `2 connections`.
pub(super) fn count(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(b"", "nothing")]
    #[case(b"GET /other HTTP/1.1\r\nHost: x", "`GET /other HTTP/1.1`")]
    #[case(b"\x16\x03\x01\x02\x00", "a TLS ClientHello")]
    #[case(b"\x10\x20\x00\x04MQTT\x05", "an MQTT CONNECT")]
    #[case(b"STOMP\naccept-version:1.2", "`STOMP`")]
    #[case(b"\x00\x01\xff", "the octets 0001ff")]
    #[case(b"\x1b[31mred", "the octets 1b5b33316d726564")]
    fn first_words(#[case] octets: &[u8], #[case] expected: &str) {
        assert_eq!(opening_words(octets), expected);
    }

    #[test]
    fn first_words_are_cut() {
        assert_eq!(opening_words(&[b'a'; 200]), format!("`{}…`", "a".repeat(60)));
        assert_eq!(opening_words(&[0; 200]), format!("the octets {}…", "00".repeat(16)));
    }
}
