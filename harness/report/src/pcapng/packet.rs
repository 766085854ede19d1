//! IPv4 packets with TCP segments, checksums included (RFC 791, RFC 9293).

/// One packet of a capture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Packet {
    /// Microseconds since 1970.
    pub(super) at_us: u64,
    /// The packet, from its IP header on.
    pub(super) octets: Vec<u8>,
    /// What is to be said of it.
    pub(super) comments: Vec<String>,
}

/// The most octets of a stream in one packet: what Ethernet takes besides both headers.
pub(super) const SEGMENT: usize = 1460;

const IP_HEADER: usize = 20;
const TCP_HEADER: usize = 20;
const TCP: u8 = 6;
const TTL: u8 = 64;
/// As much as the field can tell: nobody waits for room here.
const WINDOW: u16 = u16::MAX;

/// TCP's flags.
pub(super) mod flags {
    pub(crate) const FIN: u8 = 0x01;
    pub(crate) const SYN: u8 = 0x02;
    pub(crate) const RST: u8 = 0x04;
    pub(crate) const PSH: u8 = 0x08;
    pub(crate) const ACK: u8 = 0x10;
}

/// A side of a connection: where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) address: [u8; 4],
    pub(super) port: u16,
}

/// What TCP says besides the octets of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) sequence: u32,
    pub(super) acknowledged: u32,
    pub(super) flags: u8,
}

/// One packet; `payload` has at most [`SEGMENT`] octets.
pub(super) fn packet(from: Place, to: Place, identification: u16, segment: Segment, payload: &[u8]) -> Vec<u8> {
    let tcp = tcp(from, to, segment, payload);
    let total = u16::try_from(IP_HEADER + tcp.len()).unwrap_or(u16::MAX);
    let mut ip = vec![0x45, 0];
    ip.extend(total.to_be_bytes());
    ip.extend(identification.to_be_bytes());
    // Never to be fragmented.
    ip.extend([0x40, 0, TTL, TCP, 0, 0]);
    ip.extend(from.address);
    ip.extend(to.address);
    let sum = checksum(&[&ip]);
    put(&mut ip, 10, sum);
    ip.extend(tcp);
    ip
}

fn tcp(from: Place, to: Place, segment: Segment, payload: &[u8]) -> Vec<u8> {
    let mut tcp = Vec::with_capacity(TCP_HEADER + payload.len());
    tcp.extend(from.port.to_be_bytes());
    tcp.extend(to.port.to_be_bytes());
    tcp.extend(segment.sequence.to_be_bytes());
    tcp.extend(segment.acknowledged.to_be_bytes());
    // The header is five words long.
    tcp.extend([0x50, segment.flags]);
    tcp.extend(WINDOW.to_be_bytes());
    tcp.extend([0; 4]);
    tcp.extend(payload);
    let length = u16::try_from(tcp.len()).unwrap_or(u16::MAX).to_be_bytes();
    let sum = checksum(&[&from.address, &to.address, &[0, TCP], &length, &tcp]);
    put(&mut tcp, 16, sum);
    tcp
}

/// Puts a checksum where it belongs.
fn put(header: &mut [u8], at: usize, sum: u16) {
    if let Some(field) = header.get_mut(at..at + 2) {
        field.copy_from_slice(&sum.to_be_bytes());
    }
}

/// The Internet checksum (RFC 1071) over parts of which only the last one may have an odd length.
pub(super) fn checksum(parts: &[&[u8]]) -> u16 {
    let words = parts.iter().flat_map(|part| part.chunks(2));
    let sum: u64 = words
        .map(|word| match word {
            [high, low] => u64::from(u16::from_be_bytes([*high, *low])),
            [high] => u64::from(u16::from_be_bytes([*high, 0])),
            _ => 0,
        })
        .sum();
    let folded = (0..4).fold(sum, |sum, _| (sum & 0xffff) + (sum >> 16));
    !u16::try_from(folded).unwrap_or(u16::MAX)
}
