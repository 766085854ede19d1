//! A small reader of pcapng, IPv4 and TCP. It stops at anything that is not right.

use std::collections::BTreeMap;
use uspec_testplan::trace::Direction;

/// What stands in a capture.
#[derive(Debug)]
pub struct Capture {
    /// Of the section.
    pub comments: Vec<String>,
    pub packets: Vec<Packet>,
}

#[derive(Debug, Clone)]
pub struct Packet {
    pub at_us: u64,
    pub from: ([u8; 4], u16),
    pub to: ([u8; 4], u16),
    pub sequence: u32,
    pub acknowledged: u32,
    pub flags: u8,
    pub payload: Vec<u8>,
    pub comments: Vec<String>,
}

impl Packet {
    pub fn way(&self) -> String {
        let place = |(address, port): ([u8; 4], u16)| format!("{}:{port}", address.map(|it| it.to_string()).join("."));
        format!("{} > {}", place(self.from), place(self.to))
    }

    pub fn flags(&self) -> String {
        let names = [(1, "FIN"), (2, "SYN"), (4, "RST"), (8, "PSH"), (16, "ACK")];
        let set = names.iter().filter(|(bit, _)| self.flags & bit != 0).map(|(_, name)| *name);
        set.collect::<Vec<_>>().join(" ")
    }

    /// Whether it is of this connection, and which way.
    fn of(&self, connection: u32) -> Option<Direction> {
        let port = u16::try_from(50_000 + connection).unwrap();
        let ours = |address: [u8; 4]| address == [192, 0, 2, 1] || address == [192, 0, 2, 3];
        let there = self.from.1 == port || self.to.1 == port;
        there.then_some(if ours(self.from.0) { Direction::Sent } else { Direction::Received })
    }
}

impl Capture {
    /// What crossed a connection in one direction.
    pub fn stream(&self, connection: u32, way: Direction) -> Vec<u8> {
        let of = self.packets.iter().filter(|packet| packet.of(connection) == Some(way));
        of.flat_map(|packet| packet.payload.clone()).collect()
    }
}

pub fn read(file: &[u8]) -> Capture {
    let mut capture = Capture { comments: Vec::new(), packets: Vec::new() };
    let mut rest = file;
    let mut nth = 0;
    while !rest.is_empty() {
        let (kind, length) = (u32_at(rest, 0), usize::try_from(u32_at(rest, 4)).unwrap());
        assert_eq!(length % 4, 0);
        assert_eq!(usize::try_from(u32_at(rest, length - 4)).unwrap(), length, "both lengths of a block agree");
        let body = &rest[8..length - 4];
        match (nth, kind) {
            (0, 0x0a0d_0d0a) => {
                assert_eq!(u32_at(body, 0), 0x1a2b_3c4d);
                assert_eq!((u16_at(body, 4), u16_at(body, 6)), (1, 0));
                capture.comments = comments(&body[16..]);
            }
            (1, 1) => assert_eq!(u16_at(body, 0), 101, "raw IP"),
            (_, 6) => capture.packets.push(packet(body)),
            other => panic!("block {other:?}"),
        }
        rest = &rest[length..];
        nth += 1;
    }
    assert!(nth >= 2);
    check(&capture.packets);
    capture
}

/// Times do not run back, each stream has its octets in order, and what is acknowledged is what was sent.
fn check(packets: &[Packet]) {
    assert!(packets.is_sorted_by_key(|packet| packet.at_us));
    let mut next: BTreeMap<_, u32> = BTreeMap::new();
    for packet in packets {
        let (way, back) = ((packet.from, packet.to), (packet.to, packet.from));
        // A call may be answered by nothing but a reset.
        if packet.flags & 6 == 0 || next.contains_key(&way) {
            assert_eq!(next.get(&way), Some(&packet.sequence), "{packet:?}");
        }
        if packet.flags & 16 != 0 {
            assert_eq!(next.get(&back), Some(&packet.acknowledged), "{packet:?}");
        }
        let length = u32::try_from(packet.payload.len()).unwrap() + u32::from(packet.flags & 3 != 0);
        next.insert(way, packet.sequence.wrapping_add(length));
    }
}

fn packet(body: &[u8]) -> Packet {
    assert_eq!(u32_at(body, 0), 0, "the only interface");
    let at_us = (u64::from(u32_at(body, 4)) << 32) | u64::from(u32_at(body, 8));
    let length = usize::try_from(u32_at(body, 12)).unwrap();
    assert_eq!(u32_at(body, 12), u32_at(body, 16), "nothing is cut");
    let ip = &body[20..20 + length];
    assert_eq!((ip[0], ip[9]), (0x45, 6));
    assert_eq!(usize::from(be(ip, 2)), ip.len());
    assert_eq!(sum(&ip[..20]), 0xffff, "the checksum of IP");
    let (from, to): ([u8; 4], [u8; 4]) = (ip[12..16].try_into().unwrap(), ip[16..20].try_into().unwrap());
    let tcp = &ip[20..];
    let mut pseudo = [&from[..], &to, &[0, 6], &u16::try_from(tcp.len()).unwrap().to_be_bytes(), tcp].concat();
    if pseudo.len() % 2 == 1 {
        pseudo.push(0);
    }
    assert_eq!(sum(&pseudo), 0xffff, "the checksum of TCP");
    assert_eq!(tcp[12], 0x50);
    let payload = tcp[20..].to_vec();
    assert!(ip.len() <= 1500);
    Packet {
        at_us,
        from: (from, be(tcp, 0)),
        to: (to, be(tcp, 2)),
        sequence: u32::from_be_bytes(tcp[4..8].try_into().unwrap()),
        acknowledged: u32::from_be_bytes(tcp[8..12].try_into().unwrap()),
        flags: tcp[13],
        payload,
        comments: comments(&body[20 + length.next_multiple_of(4)..]),
    }
}

fn comments(mut options: &[u8]) -> Vec<String> {
    let mut comments = Vec::new();
    while !options.is_empty() {
        let (code, length) = (u16_at(options, 0), usize::from(u16_at(options, 2)));
        let text = String::from_utf8(options[4..4 + length].to_vec()).unwrap();
        options = &options[4 + length.next_multiple_of(4)..];
        match code {
            0 => assert!(options.is_empty() && text.is_empty(), "nothing stands behind the end"),
            1 => comments.push(text),
            _ => {}
        }
    }
    comments
}

/// The sum in ones' complement.
fn sum(octets: &[u8]) -> u16 {
    octets.chunks(2).fold(0u16, |sum, word| {
        let (sum, carry) = sum.overflowing_add(u16::from_be_bytes([word[0], word[1]]));
        sum + u16::from(carry)
    })
}

fn u32_at(octets: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(octets[at..at + 4].try_into().unwrap())
}

fn u16_at(octets: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(octets[at..at + 2].try_into().unwrap())
}

fn be(octets: &[u8], at: usize) -> u16 {
    u16::from_be_bytes(octets[at..at + 2].try_into().unwrap())
}
