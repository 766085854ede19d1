//! Packets cut out of a stream of octets.

use bytes::{Buf, Bytes, BytesMut};

use super::ack::Ack;
use super::auth::Auth;
use super::connack::ConnAck;
use super::connect::Connect;
use super::disconnect::Disconnect;
use super::kind::PacketKind;
use super::publish::Publish;
use super::reader::{Malformed, Reader};
use super::suback::SubAck;
use super::subscribe::Subscribe;
use super::unsubscribe::Unsubscribe;
use super::violation::{FLAGS, REMAINING_LENGTH, Section, TYPE, VARIABLE_INTEGER, Violation};
use super::{MqttVersion, Packet};

/// Largest Remaining Length that MQTT has, in octets.
pub const MAX_REMAINING: usize = 268_435_455;

/// Where the size that a peer announced to take is told.
const PACKET_SIZE: Section = Section::of_each("3.1.2.11.4", "2.2.3");

/// What came as one packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// Which packet it is by its first octet.
    pub kind: PacketKind,
    /// The packet; none if it cannot be understood.
    pub packet: Option<Packet>,
    /// Everything that is wrong with it; not empty without a packet.
    pub violations: Vec<Violation>,
    /// Its octets, fixed header included.
    pub octets: Bytes,
}

/// Why nothing more can be cut out of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undecodable {
    /// What is wrong.
    pub violation: Violation,
    /// For a packet that is larger than what is taken: its size in octets, fixed header included.
    pub announced: Option<u64>,
}

/// Packets cut out of a stream of octets.
#[derive(Debug)]
pub struct Decoder {
    buffer: BytesMut,
    max_packet: usize,
    version: MqttVersion,
}

impl Decoder {
    /// Takes packets of at most `max_packet` octets. The version matters for all packets but CONNECT.
    pub fn new(max_packet: usize, version: MqttVersion) -> Self {
        Self { buffer: BytesMut::new(), max_packet: max_packet.min(MAX_REMAINING), version }
    }

    /// The version by which packets are read from now on.
    pub fn set_version(&mut self, version: MqttVersion) {
        self.version = version;
    }

    /// Where octets that came are to be appended.
    pub fn buffer(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// Octets that are not a whole packet yet.
    pub fn pending(&self) -> &[u8] {
        &self.buffer
    }

    /// The next packet; none if octets are missing. After an error there is no way to go on.
    pub fn next_packet(&mut self) -> Result<Option<Decoded>, Box<Undecodable>> {
        let Some((header, length)) = self.header()? else {
            return Ok(None);
        };
        let whole = header + length;
        if whole > self.max_packet {
            let announced = u64::try_from(whole).ok();
            let text = format!("a packet of {whole} octets; at most {} are taken", self.max_packet);
            return Err(Box::new(self.undecodable(PACKET_SIZE, text, announced)));
        }
        let Some(&first) = self.buffer.first() else {
            return Ok(None);
        };
        let Some(kind) = PacketKind::of_number(first >> 4) else {
            let text = format!("there is no packet type {}", first >> 4);
            return Err(Box::new(self.undecodable(TYPE, text, None)));
        };
        if self.buffer.len() < whole {
            return Ok(None);
        }
        let octets = self.buffer.split_to(whole).freeze();
        Ok(Some(self.decode(kind, first & 0x0F, octets, header)))
    }

    /// Length of the fixed header, and the Remaining Length.
    fn header(&self) -> Result<Option<(usize, usize)>, Box<Undecodable>> {
        let mut value = 0_usize;
        for (place, octet) in self.buffer.iter().skip(1).take(4).enumerate() {
            value |= usize::from(octet & 0x7F) << (7 * place);
            if octet & 0x80 == 0 {
                return Ok(Some((place + 2, value)));
            }
        }
        if self.buffer.len() < 5 {
            return Ok(None);
        }
        let text = "the Remaining Length has more than four octets".to_owned();
        Err(Box::new(self.undecodable(REMAINING_LENGTH, text, None)))
    }

    fn decode(&self, kind: PacketKind, flags: u8, octets: Bytes, header: usize) -> Decoded {
        let mut violations = Vec::new();
        let mut reader = Reader::new(octets.slice(header..), self.version, &mut violations);
        if kind == PacketKind::Connect {
            reader.version = MqttVersion::V5;
        }
        if let Some(expected) = kind.flags().filter(|expected| *expected != flags) {
            reader.note(FLAGS, format!("the flags of a {kind} are {flags:04b} and must be {expected:04b}"));
        }
        if header > 2 && octets.get(header - 1) == Some(&0) {
            reader.note(VARIABLE_INTEGER, "the Remaining Length is encoded in more octets than it needs");
        }
        let packet = read(kind, flags, &mut reader).ok();
        if packet.is_some() {
            reader.end(kind);
        }
        let violations = violations.into_iter().map(|violation| violation.shown_by(&octets)).collect();
        Decoded { kind, packet, violations, octets }
    }

    fn undecodable(&self, section: Section, text: String, announced: Option<u64>) -> Undecodable {
        let mut shown = self.buffer.clone();
        let octets = shown.copy_to_bytes(shown.len().min(super::EVIDENCE));
        let violation = Violation::new(self.version, section, text).shown_by(&octets);
        Undecodable { violation, announced }
    }
}

fn read(kind: PacketKind, flags: u8, reader: &mut Reader<'_>) -> Result<Packet, Malformed> {
    Ok(match kind {
        PacketKind::Connect => Packet::Connect(Connect::read(reader)?),
        PacketKind::ConnAck => Packet::ConnAck(ConnAck::read(reader)?),
        PacketKind::Publish => Packet::Publish(Publish::read(reader, flags)?),
        PacketKind::PubAck => Packet::PubAck(Ack::read(reader, kind)?),
        PacketKind::PubRec => Packet::PubRec(Ack::read(reader, kind)?),
        PacketKind::PubRel => Packet::PubRel(Ack::read(reader, kind)?),
        PacketKind::PubComp => Packet::PubComp(Ack::read(reader, kind)?),
        PacketKind::Subscribe => Packet::Subscribe(Subscribe::read(reader)?),
        PacketKind::SubAck => Packet::SubAck(SubAck::read(reader, kind)?),
        PacketKind::Unsubscribe => Packet::Unsubscribe(Unsubscribe::read(reader)?),
        PacketKind::UnsubAck => Packet::UnsubAck(SubAck::read(reader, kind)?),
        PacketKind::PingReq => Packet::PingReq,
        PacketKind::PingResp => Packet::PingResp,
        PacketKind::Disconnect => Packet::Disconnect(Disconnect::read(reader)?),
        PacketKind::Auth => {
            if !reader.is_v5() {
                reader.note(TYPE, "an AUTH; MQTT 3.1.1 reserves its packet type");
                return Err(Malformed);
            }
            Packet::Auth(Auth::read(reader)?)
        }
    })
}
