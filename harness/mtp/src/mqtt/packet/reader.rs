//! Reading one packet's body: total, and noting everything that is wrong.

use bytes::{Buf, Bytes};

use super::MqttVersion;
use super::violation::{PACKET_ID, REMAINING_LENGTH, Section, UTF8, VARIABLE_INTEGER, Violation};

/// Most properties, filters or reasons that one packet may have: no use of USP comes near it, and a packet full of tiny ones would take many
/// times its size in memory.
pub(super) const MOST: usize = 4096;

/// Most violations that are told of one packet; a packet can be made of nothing else.
const MOST_VIOLATIONS: usize = 16;

/// The packet cannot be understood. Why is noted already.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// What is left of a packet's body, and what is wrong with what was read.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    rest: Bytes,
    pub(super) version: MqttVersion,
    found: &'a mut Vec<Violation>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(body: Bytes, version: MqttVersion, found: &'a mut Vec<Violation>) -> Self {
        Self { rest: body, version, found }
    }

    /// A reader of the next octets alone.
    pub(super) fn part(&mut self, length: usize) -> Reader<'_> {
        let part = self.rest.split_to(length.min(self.rest.len()));
        Reader { rest: part, version: self.version, found: self.found }
    }

    /// Notes what is wrong.
    pub(super) fn note(&mut self, section: Section, text: impl Into<String>) {
        if self.found.len() < MOST_VIOLATIONS {
            self.found.push(Violation::new(self.version, section, text));
        }
    }

    pub(super) fn is_v5(&self) -> bool {
        self.version == MqttVersion::V5
    }

    pub(super) fn remaining(&self) -> usize {
        self.rest.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Everything that is left.
    pub(super) fn all(&mut self) -> Bytes {
        self.rest.split_to(self.rest.len())
    }

    /// Notes what is left behind the end of the packet.
    pub(super) fn end(mut self, kind: impl std::fmt::Display) {
        if !self.is_empty() {
            let text = format!("{} octets behind the end of the {kind}", self.remaining());
            self.note(REMAINING_LENGTH, text);
        }
    }

    pub(super) fn u8(&mut self, what: &str) -> Result<u8, Malformed> {
        self.need(1, what)?;
        Ok(self.rest.get_u8())
    }

    pub(super) fn u16(&mut self, what: &str) -> Result<u16, Malformed> {
        self.need(2, what)?;
        Ok(self.rest.get_u16())
    }

    pub(super) fn u32(&mut self, what: &str) -> Result<u32, Malformed> {
        self.need(4, what)?;
        Ok(self.rest.get_u32())
    }

    /// A Packet Identifier, which is never 0.
    pub(super) fn packet_id(&mut self) -> Result<u16, Malformed> {
        let id = self.u16("the Packet Identifier")?;
        if id == 0 {
            self.note(PACKET_ID, "the Packet Identifier is 0; it must not be");
        }
        Ok(id)
    }

    /// A Variable Byte Integer of at most four octets.
    pub(super) fn variable_integer(&mut self, what: &str) -> Result<u32, Malformed> {
        let mut value = 0;
        for place in 0..4 {
            let octet = self.u8(what)?;
            value |= u32::from(octet & 0x7F) << (7 * place);
            if octet & 0x80 == 0 {
                if octet == 0 && place > 0 {
                    self.note(VARIABLE_INTEGER, format!("{what} is encoded in more octets than it needs"));
                }
                return Ok(value);
            }
        }
        self.note(VARIABLE_INTEGER, format!("{what} has more than four octets"));
        Err(Malformed)
    }

    pub(super) fn binary(&mut self, what: &str) -> Result<Bytes, Malformed> {
        let length = usize::from(self.u16(what)?);
        self.need(length, what)?;
        Ok(self.rest.split_to(length))
    }

    /// A UTF-8 Encoded String. One that is not UTF-8 is read with replacement characters.
    pub(super) fn text(&mut self, what: &str) -> Result<String, Malformed> {
        let octets = self.binary(what)?;
        match std::str::from_utf8(&octets) {
            Ok(text) => {
                if text.contains('\0') {
                    self.note(UTF8, format!("{what} contains the character U+0000"));
                }
                Ok(text.to_owned())
            }
            Err(error) => {
                let place = error.valid_up_to();
                self.note(UTF8, format!("{what} is not UTF-8: octet {place} of it and what follows"));
                Ok(String::from_utf8_lossy(&octets).into_owned())
            }
        }
    }

    fn need(&mut self, count: usize, what: &str) -> Result<(), Malformed> {
        let there = self.remaining();
        if there >= count {
            return Ok(());
        }
        let text =
            format!("the packet ends inside {what}: {count} octets expected, {there} left of its Remaining Length");
        self.note(REMAINING_LENGTH, text);
        Err(Malformed)
    }
}
