//! The three blocks that a capture consists of: section header, interface description, enhanced packet.

use uspec_testplan::trace::Trace;

use super::{comment, packet::Packet};

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const ENHANCED_PACKET: u32 = 6;

/// By which readers tell the byte order of the section.
const BYTE_ORDER: u32 = 0x1a2b_3c4d;
/// Major 1, minor 0.
const VERSION: [u16; 2] = [1, 0];
/// Packets begin with their IP header (LINKTYPE_RAW).
const LINKTYPE_RAW: u16 = 101;
/// The length of the section is not told.
const UNKNOWN_LENGTH: u64 = u64::MAX;

const END_OF_OPTIONS: u16 = 0;
const COMMENT: u16 = 1;
const INTERFACE_NAME: u16 = 2;
const INTERFACE_ABOUT: u16 = 3;
const USER_APPLICATION: u16 = 4;

/// What every capture says of itself.
const ABOUT: &str = "Synthesised from the Trace of the same name: the octets of the MTP's connections in clear text, after TLS. They may hold \
                     passwords. Addresses, ports and TCP's own fields are made up: 192.0.2.1 is the harness, 192.0.2.2 the EUT, 192.0.2.3 our second \
                     Controller, 192.0.2.4 a broker beside us.";

/// The whole file.
pub(super) fn file(trace: &Trace, (packets, left_over): (Vec<Packet>, Vec<String>)) -> Vec<u8> {
    let header = &trace.header;
    let mut out = Vec::new();
    let mut body = BYTE_ORDER.to_le_bytes().to_vec();
    body.extend(VERSION.map(u16::to_le_bytes).as_flattened());
    body.extend(UNKNOWN_LENGTH.to_le_bytes());
    let about = comment(&format!("case {} over {}", header.case, header.mtp));
    let comments = [ABOUT.to_owned(), about].into_iter().chain(left_over).map(|text| (COMMENT, text));
    options(&mut body, comments.chain([(USER_APPLICATION, comment(&format!("uspec {}", header.harness)))]));
    block(&mut out, SECTION_HEADER, &body);

    let mut body = LINKTYPE_RAW.to_le_bytes().to_vec();
    body.extend([0; 2]);
    // No limit on what is kept of a packet.
    body.extend(0u32.to_le_bytes());
    let what = header.mtp_facts.as_ref().map_or("", |facts| facts.kind.as_str());
    options(
        &mut body,
        [(INTERFACE_NAME, comment(&header.mtp)), (INTERFACE_ABOUT, comment(&format!("the {what} MTP")))],
    );
    block(&mut out, INTERFACE_DESCRIPTION, &body);

    for packet in packets {
        enhanced(&mut out, packet);
    }
    out
}

/// One packet. Times are microseconds, as readers take them when nothing else is said.
fn enhanced(out: &mut Vec<u8>, packet: Packet) {
    let length = u32::try_from(packet.octets.len()).unwrap_or(u32::MAX).to_le_bytes();
    let [high, low] =
        [packet.at_us >> 32, packet.at_us & 0xffff_ffff].map(|half| u32::try_from(half).unwrap_or_default());
    let mut body = 0u32.to_le_bytes().to_vec();
    body.extend(high.to_le_bytes());
    body.extend(low.to_le_bytes());
    body.extend(length);
    body.extend(length);
    body.extend(&packet.octets);
    pad(&mut body);
    options(&mut body, packet.comments.into_iter().map(|text| (COMMENT, text)));
    block(out, ENHANCED_PACKET, &body);
}

fn options(body: &mut Vec<u8>, options: impl IntoIterator<Item = (u16, String)>) {
    let before = body.len();
    for (code, text) in options {
        // Comments are cut long before that.
        let Ok(length) = u16::try_from(text.len()) else { continue };
        body.extend(code.to_le_bytes());
        body.extend(length.to_le_bytes());
        body.extend(text.as_bytes());
        pad(body);
    }
    if body.len() > before {
        body.extend(END_OF_OPTIONS.to_le_bytes());
        body.extend([0; 2]);
    }
}

fn block(out: &mut Vec<u8>, kind: u32, body: &[u8]) {
    let length = u32::try_from(body.len().saturating_add(12)).unwrap_or(u32::MAX).to_le_bytes();
    out.extend(kind.to_le_bytes());
    out.extend(length);
    out.extend(body);
    out.extend(length);
}

fn pad(body: &mut Vec<u8>) {
    body.resize(body.len().next_multiple_of(4), 0);
}
