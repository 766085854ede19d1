//! How long the first frame of some octets is, by the framing of each MTP.
//!
//! One decision behind it: these few lines read lengths and nothing else, and what they say is believed only when the payload that the Trace has
//! stands in that frame. The MTPs' own decoders refuse what an EUT does wrong, and here that is what must be shown.

/// Length of a WebSocket masking key (RFC 6455 section 5.3).
pub(super) const KEY: usize = 4;

/// Length of the synchronization and the length field with which a frame over a UNIX domain socket begins (R-UDS.19).
const UDS_HEAD: usize = 8;

/// The bit of a WebSocket frame that says that its payload is masked.
const MASKED: u8 = 0x80;

/// How many octets the frame with which these begin has over this kind of MTP; nothing when they do not say so, or are too few.
pub(super) fn extent(kind: &str, octets: &[u8], payload: &[u8]) -> Option<usize> {
    let length = match kind {
        "mqtt" => mqtt(octets),
        "websocket" => websocket(octets).map(|(head, length)| head.saturating_add(length)),
        "stomp" => stomp(octets, payload),
        "uds" => uds(octets),
        _ => None,
    }?;
    (length <= octets.len()).then_some(length)
}

/// MQTT 2.2.3 of 3.1.1, 2.1.4 of 5.0: seven bits an octet, the lowest first, four octets at most.
fn mqtt(octets: &[u8]) -> Option<usize> {
    let mut remaining = 0_usize;
    for place in 0..4_u32 {
        let octet = *octets.get(1 + place as usize)?;
        remaining |= usize::from(octet & 0x7f) << (7 * place);
        if octet & 0x80 == 0 {
            return Some(remaining.saturating_add(2 + place as usize));
        }
    }
    None
}

/// RFC 6455 section 5.2: how long the head of a frame is, and how long its payload.
pub(super) fn websocket(octets: &[u8]) -> Option<(usize, usize)> {
    let second = *octets.get(1)?;
    let (head, length) = match second & !MASKED {
        126 => (4, usize::from(u16::from_be_bytes(*octets.get(2..4)?.first_chunk()?))),
        127 => (10, usize::try_from(u64::from_be_bytes(*octets.get(2..10)?.first_chunk()?)).ok()?),
        short => (2, usize::from(short)),
    };
    Some((if is_masked(octets) { head + KEY } else { head }, length))
}

/// Whether the payload of the frame is masked.
pub(super) fn is_masked(octets: &[u8]) -> bool {
    octets.get(1).is_some_and(|second| second & MASKED != 0)
}

/// STOMP 1.2: ends of lines between frames, then the frame up to its NUL, whose body may have others in it. A heart-beat is one end of a line.
fn stomp(octets: &[u8], body: &[u8]) -> Option<usize> {
    let before = octets.iter().position(|octet| !matches!(octet, b'\r' | b'\n'));
    let Some(before) = before else {
        return octets.iter().position(|octet| *octet == b'\n').map(|place| place + 1);
    };
    let frame = octets.get(before..)?;
    // An empty line ends the head; there is a NUL at least behind it.
    let (at, line) = frame.windows(3).enumerate().find(|(_, it)| it.starts_with(b"\n\n") || *it == b"\n\r\n")?;
    let head = at + if line == b"\n\r\n" { 3 } else { 2 };
    let end = before.saturating_add(head).saturating_add(body.len());
    (octets.get(end) == Some(&0)).then_some(end.saturating_add(1))
}

/// R-UDS.19: synchronization, then how many octets follow.
fn uds(octets: &[u8]) -> Option<usize> {
    let length = u32::from_be_bytes(*octets.get(4..UDS_HEAD)?.first_chunk()?);
    UDS_HEAD.checked_add(usize::try_from(length).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::puback("mqtt", b"\x40\x02\x00\x01\x40\x02\x00\x02", b"", Some(4))]
    #[case::two_octets_of_length("mqtt", &[&[0x30, 0x80, 0x01][..], &[7; 140]].concat(), b"", Some(131))]
    #[case::endless("mqtt", b"\x30\xff\xff\xff\xff\x01", b"", None)]
    #[case::cut("mqtt", b"\x30\x05hel", b"hello", None)]
    #[case::text("websocket", b"\x82\x03payMORE", b"pay", Some(5))]
    #[case::masked("websocket", &[0x82, 0x83, 1, 2, 3, 4, 9, 9, 9, 9], b"pay", Some(9))]
    #[case::long("websocket", &[&[0x82, 126, 0, 200][..], &[0; 210]].concat(), b"", Some(204))]
    #[case::huge("websocket", b"\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xffx", b"", None)]
    #[case::frame("stomp", b"SEND\na:b\n\npay\0SEND\n", b"pay", Some(14))]
    #[case::after_an_end("stomp", b"\n\r\nSEND\r\n\r\npay\0", b"pay", Some(15))]
    #[case::nul_in_the_body("stomp", b"SEND\n\np\0y\0", b"p\0y", Some(10))]
    #[case::beat("stomp", b"\r\n\n", b"", Some(2))]
    #[case::another_body("stomp", b"SEND\n\npayload\0", b"pay", None)]
    #[case::uds("uds", b"_USP\x00\x00\x00\x06\x03\x00\x00\x00\x01xyz", b"x", Some(14))]
    #[case::coap("coap", b"\x40", b"", None)]
    fn the_first_frame_is_told_from_the_rest(
        #[case] kind: &str,
        #[case] octets: &[u8],
        #[case] payload: &[u8],
        #[case] expected: Option<usize>,
    ) {
        assert_eq!(extent(kind, octets, payload), expected);
    }
}
