//! One frame on the wire (RFC 6455 section 5), both ways.
//!
//! tungstenite's header codec does the bits; what a peer may not send is judged here, with the section that says so.

use std::io::Cursor;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Control, Data, OpCode};
use tokio_tungstenite::tungstenite::{Error as WsError, error::ProtocolError};

use super::close_code;
use crate::event::{FrameSeen, Opcode};

/// Longest payload of a control frame (RFC 6455 section 5.5).
const MAX_CONTROL_PAYLOAD: u64 = 125;

/// Longest header: two octets, eight of length, four of mask.
const MAX_HEADER: usize = 14;

/// A frame to be sent as it is, however wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawFrame {
    /// Last frame of its message.
    pub fin: bool,
    /// The three reserved bits as a number, RSV1 being 4.
    pub rsv: u8,
    /// Whether the payload is masked; none does what the role demands (RFC 6455 section 5.1).
    pub masked: Option<bool>,
    /// Kind of frame.
    pub opcode: Opcode,
    /// The payload, not yet masked.
    pub payload: Bytes,
}

impl RawFrame {
    /// A whole frame of that kind, in order if its payload is.
    pub fn new(opcode: Opcode, payload: impl Into<Bytes>) -> Self {
        Self { fin: true, rsv: 0, masked: None, opcode, payload: payload.into() }
    }

    /// The same, not being the last of its message.
    #[must_use]
    pub fn unfinished(mut self) -> Self {
        self.fin = false;
        self
    }

    /// A Close frame. A code and a reason that do not fit together into a control frame are sent nevertheless.
    pub fn close(code: Option<u16>, reason: &str) -> Self {
        let mut payload = BytesMut::with_capacity(2 + reason.len());
        if let Some(code) = code {
            payload.put_u16(code);
            payload.put_slice(reason.as_bytes());
        }
        Self::new(Opcode::Close, payload)
    }

    /// What a trace shows of it.
    pub(super) fn seen(&self, masked: bool) -> FrameSeen {
        FrameSeen { fin: self.fin, rsv: self.rsv & 7, masked, opcode: self.opcode, payload: self.payload.clone() }
    }

    /// Writes the frame behind what `out` holds. `mask` is used if the frame is to be masked.
    pub(super) fn write(&self, mask: Option<[u8; 4]>, out: &mut BytesMut) {
        let header = FrameHeader {
            is_final: self.fin,
            rsv1: self.rsv & 4 != 0,
            rsv2: self.rsv & 2 != 0,
            rsv3: self.rsv & 1 != 0,
            opcode: to_wire(self.opcode),
            mask,
        };
        out.reserve(MAX_HEADER + self.payload.len());
        let length = u64::try_from(self.payload.len()).unwrap_or(u64::MAX);
        // Writing into memory that grows cannot fail.
        let _ = header.format(length, &mut out.writer());
        let start = out.len();
        out.put_slice(&self.payload);
        if let (Some(mask), Some(payload)) = (mask, out.get_mut(start..)) {
            apply_mask(payload, mask);
        }
    }
}

/// What the peer may not do, and the code to close with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Violation {
    /// Section of RFC 6455.
    pub(super) section: &'static str,
    pub(super) text: String,
    pub(super) close_code: u16,
    /// Octets announced, if it is their number that is wrong.
    pub(super) oversized: Option<u64>,
}

impl Violation {
    pub(super) fn new(section: &'static str, text: impl Into<String>) -> Self {
        Self { section, text: text.into(), close_code: close_code::PROTOCOL_ERROR, oversized: None }
    }

    pub(super) fn oversized(limit: usize, announced: u64) -> Self {
        Self {
            section: "RFC 6455 10.4",
            text: format!("{announced} octets announced, {limit} are taken"),
            close_code: close_code::TOO_BIG,
            oversized: Some(announced),
        }
    }
}

/// Cuts the octets of one direction into frames. Holds at most one frame and one read's worth of octets.
#[derive(Debug)]
pub(super) struct FrameDecoder {
    buffer: BytesMut,
    max_payload: usize,
    /// Whether the peer must mask, that is, whether it is the client.
    peer_masks: bool,
}

impl FrameDecoder {
    /// A decoder that starts with what came behind the handshake.
    pub(super) fn new(begun: BytesMut, max_payload: usize, peer_masks: bool) -> Self {
        Self { buffer: begun, max_payload, peer_masks }
    }

    /// Where to put what is read.
    pub(super) fn buffer(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// Octets of a frame that is not yet whole.
    pub(super) fn pending(&self) -> usize {
        self.buffer.len()
    }

    /// The next whole frame, if there is one. After a violation nothing that follows can be understood.
    pub(super) fn next(&mut self) -> Result<Option<FrameSeen>, Violation> {
        let mut cursor = Cursor::new(&*self.buffer);
        let (header, length) = match FrameHeader::parse(&mut cursor) {
            Ok(Some(found)) => found,
            Ok(None) => return Ok(None),
            Err(WsError::Protocol(ProtocolError::InvalidOpcode(code))) => {
                return Err(Violation::new("RFC 6455 5.2", format!("reserved opcode {code}")));
            }
            Err(error) => return Err(Violation::new("RFC 6455 5.2", error.to_string())),
        };
        let header_length = cursor.position();
        self.check(&header, length, header_length)?;
        let too_long = || Violation::oversized(self.max_payload, length);
        let header_length = usize::try_from(header_length).map_err(|_| too_long())?;
        let length = usize::try_from(length).map_err(|_| too_long())?;
        let whole = header_length.saturating_add(length);
        if self.buffer.len() < whole {
            return Ok(None);
        }
        self.buffer.advance(header_length);
        let mut payload = self.buffer.split_to(length);
        if let Some(mask) = header.mask {
            apply_mask(&mut payload, mask);
        }
        Ok(Some(FrameSeen {
            fin: header.is_final,
            rsv: 0,
            masked: header.mask.is_some(),
            opcode: from_wire(header.opcode),
            payload: payload.freeze(),
        }))
    }

    fn check(&self, header: &FrameHeader, length: u64, header_length: u64) -> Result<(), Violation> {
        if header.rsv1 || header.rsv2 || header.rsv3 {
            return Err(Violation::new("RFC 6455 5.2", "a reserved bit is set and no extension was agreed on"));
        }
        match (self.peer_masks, header.mask.is_some()) {
            (true, false) => return Err(Violation::new("RFC 6455 5.1", "a client's frame is not masked")),
            (false, true) => return Err(Violation::new("RFC 6455 5.1", "a server's frame is masked")),
            _ => {}
        }
        if matches!(header.opcode, OpCode::Control(_)) {
            if !header.is_final {
                return Err(Violation::new("RFC 6455 5.5", "a control frame is fragmented"));
            }
            if length > MAX_CONTROL_PAYLOAD {
                return Err(Violation::new("RFC 6455 5.5", format!("a control frame has {length} octets")));
            }
        }
        if u64::try_from(header.len(length)) != Ok(header_length) {
            return Err(Violation::new(
                "RFC 6455 5.2",
                format!("{length} octets are announced in a longer form than needed"),
            ));
        }
        if length > i64::MAX.unsigned_abs() {
            return Err(Violation::new("RFC 6455 5.2", "the highest bit of a payload length is set"));
        }
        if usize::try_from(length).map_or(true, |length| length > self.max_payload) {
            return Err(Violation::oversized(self.max_payload, length));
        }
        Ok(())
    }
}

/// Masking and unmasking are the same (RFC 6455 section 5.3). Eight octets at a time: large Records are mostly this loop.
fn apply_mask(payload: &mut [u8], mask: [u8; 4]) {
    let [a, b, c, d] = mask;
    let key = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (words, rest) = payload.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ key).to_ne_bytes();
    }
    rest.iter_mut().zip(mask.into_iter().cycle()).for_each(|(octet, key)| *octet ^= key);
}

fn to_wire(opcode: Opcode) -> OpCode {
    match opcode {
        Opcode::Continuation => OpCode::Data(Data::Continue),
        Opcode::Text => OpCode::Data(Data::Text),
        Opcode::Binary => OpCode::Data(Data::Binary),
        Opcode::Close => OpCode::Control(Control::Close),
        Opcode::Ping => OpCode::Control(Control::Ping),
        Opcode::Pong => OpCode::Control(Control::Pong),
        Opcode::Reserved(code) => OpCode::from(code & 0x0F),
    }
}

fn from_wire(opcode: OpCode) -> Opcode {
    match opcode {
        OpCode::Data(Data::Continue) => Opcode::Continuation,
        OpCode::Data(Data::Text) => Opcode::Text,
        OpCode::Data(Data::Binary) => Opcode::Binary,
        OpCode::Control(Control::Close) => Opcode::Close,
        OpCode::Control(Control::Ping) => Opcode::Ping,
        OpCode::Control(Control::Pong) => Opcode::Pong,
        OpCode::Data(Data::Reserved(code)) | OpCode::Control(Control::Reserved(code)) => Opcode::Reserved(code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(0)]
    #[case(1)]
    #[case(7)]
    #[case(8)]
    #[case(13)]
    #[case(126)]
    #[case(65_536)]
    fn what_is_written_is_read(#[case] length: usize) {
        let payload: Bytes = (0..length).map(|n| u8::try_from(n % 251).unwrap()).collect();
        let frame = RawFrame::new(Opcode::Binary, payload);
        for mask in [None, Some([1, 2, 3, 4])] {
            let mut octets = BytesMut::new();
            frame.write(mask, &mut octets);
            let mut decoder = FrameDecoder::new(octets, 65_536, mask.is_some());
            assert_eq!(decoder.next(), Ok(Some(frame.seen(mask.is_some()))));
            assert_eq!((decoder.next(), decoder.pending()), (Ok(None), 0));
        }
    }

    #[test]
    fn the_mask_goes_round_every_four_octets() {
        let mut octets: Vec<u8> = vec![0; 11];
        apply_mask(&mut octets, [1, 2, 3, 4]);
        assert_eq!(octets, [1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3]);
    }

    #[test]
    fn a_frame_in_single_octets_is_one_frame() {
        let frame = RawFrame::new(Opcode::Binary, vec![9; 300]);
        let mut octets = BytesMut::new();
        frame.write(Some([5, 6, 7, 8]), &mut octets);
        let mut decoder = FrameDecoder::new(BytesMut::new(), 300, true);
        let (last, first) = octets.split_last().unwrap();
        for octet in first {
            decoder.buffer().put_u8(*octet);
            assert_eq!(decoder.next(), Ok(None));
        }
        decoder.buffer().put_u8(*last);
        assert_eq!(decoder.next(), Ok(Some(frame.seen(true))));
    }

    #[test]
    fn an_announced_length_is_refused_before_its_octets_come() {
        let header = [0x82, 0xFF, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0];
        let mut decoder = FrameDecoder::new(BytesMut::from(&header[..]), 16 * 1024 * 1024, true);
        let violation = decoder.next().unwrap_err();
        assert_eq!((violation.oversized, violation.close_code), (Some(64 * 1024 * 1024), 1009));
        assert!(decoder.buffer().capacity() < 1024);
    }
}
