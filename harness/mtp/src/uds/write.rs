//! A frame written out, in order or with one of its parts made wrong.

use bytes::{BufMut, BytesMut};

use super::frame::{HEADER, SYNC};
use super::tlv::{TLV_HEAD, Tlv};

/// What is made otherwise in the frames that are written. The default changes nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FrameChanges {
    /// The four octets of synchronization, in place of `_USP` (R-UDS.8).
    pub sync: Option<[u8; 4]>,
    /// The length in the header (R-UDS.9).
    pub length: LengthChange,
    /// The length in every TLV (R-UDS.11).
    pub tlv_length: LengthChange,
    /// TLVs that are put before those of the frame; a peer must ignore those of unknown types (R-UDS.15).
    pub before: Vec<Tlv>,
    /// TLVs that are put behind those of the frame.
    pub behind: Vec<Tlv>,
}

/// What becomes of a length when it is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LengthChange {
    /// It stays right.
    #[default]
    Right,
    /// So much is added; the result stays within what four octets hold.
    Shifted(i32),
    /// This is written instead.
    Set(u32),
    /// It is written with its lowest octet first.
    LowestFirst,
}

impl LengthChange {
    fn write(self, length: usize, out: &mut BytesMut) {
        // More than four octets hold cannot be said; what is sent never comes near it.
        let right = u32::try_from(length).unwrap_or(u32::MAX);
        match self {
            Self::Right => out.put_u32(right),
            Self::Shifted(by) => out.put_u32(right.saturating_add_signed(by)),
            Self::Set(length) => out.put_u32(length),
            Self::LowestFirst => out.put_u32_le(right),
        }
    }
}

/// Writes one frame of these TLVs behind what `out` holds.
pub(super) fn write_frame(tlvs: &[Tlv], changes: &FrameChanges, out: &mut BytesMut) {
    let all = || changes.before.iter().chain(tlvs).chain(&changes.behind);
    let length: usize = all().map(|tlv| TLV_HEAD + tlv.value.len()).sum();
    out.reserve(HEADER + length);
    out.put_slice(&changes.sync.unwrap_or(SYNC));
    changes.length.write(length, out);
    for tlv in all() {
        out.put_u8(tlv.kind);
        changes.tlv_length.write(tlv.value.len(), out);
        out.put_slice(&tlv.value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn written(changes: &FrameChanges) -> Vec<u8> {
        let mut out = BytesMut::new();
        write_frame(&[Tlv::handshake("os::A-B")], changes, &mut out);
        out.to_vec()
    }

    #[rstest]
    #[case::right(FrameChanges::default(), b"_USP\0\0\0\x0C\x01\0\0\0\x07os::A-B")]
    #[case::sync(FrameChanges { sync: Some(*b"USP_"), ..FrameChanges::default() }, b"USP_\0\0\0\x0C\x01\0\0\0\x07os::A-B")]
    #[case::shifted(
        FrameChanges { length: LengthChange::Shifted(8), ..FrameChanges::default() },
        b"_USP\0\0\0\x14\x01\0\0\0\x07os::A-B"
    )]
    #[case::not_below_nothing(
        FrameChanges { length: LengthChange::Shifted(-100), ..FrameChanges::default() },
        b"_USP\0\0\0\0\x01\0\0\0\x07os::A-B"
    )]
    #[case::lowest_first(
        FrameChanges { length: LengthChange::LowestFirst, ..FrameChanges::default() },
        b"_USP\x0C\0\0\0\x01\0\0\0\x07os::A-B"
    )]
    #[case::tlv(
        FrameChanges { tlv_length: LengthChange::Set(0x0102_0304), ..FrameChanges::default() },
        b"_USP\0\0\0\x0C\x01\x01\x02\x03\x04os::A-B"
    )]
    #[case::before_and_behind(
        FrameChanges { before: vec![Tlv::new(9, "x")], behind: vec![Tlv::new(255, "")], ..FrameChanges::default() },
        b"_USP\0\0\0\x17\x09\0\0\0\x01x\x01\0\0\0\x07os::A-B\xFF\0\0\0\0"
    )]
    fn a_frame_is_written(#[case] changes: FrameChanges, #[case] octets: &[u8]) {
        assert_eq!(written(&changes), octets);
    }
}
