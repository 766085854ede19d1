//! The strict scanner: walks protobuf bytes along the descriptors and notes what a lenient decoder passes over.
//!
//! Not noted, because protobuf allows it: fields in any order, packed as well as unpacked repeated scalars, map entries
//! without key or value, default values that are written out, numbers in more bytes than needed.

use std::{collections::BTreeSet, ops::Range};

use prost::encoding::{WireType, decode_varint};
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use super::irregularity::{Irregularity, IrregularityKind, Root};
use crate::field_path::{FieldPath, Segment};

/// A hostile sender can put an irregularity into every second byte; the first hundred explain a verdict.
const MAX_IRREGULARITIES: usize = 100;
/// prost follows 100 levels; the schema itself has 8, so only unknown groups ever come near.
const MAX_DEPTH: usize = 100;
/// What every Message has, so that a lenient decoder does not take nothing for a Message (R-MSG.6, R-MSG.7, R-MSG.8).
const REQUIRED: [(&str, &str); 3] = [("usp.Msg", "header"), ("usp.Msg", "body"), ("usp.Header", "msg_id")];
/// 64 bits in groups of seven.
const MAX_VARINT_LEN: usize = 10;

/// Everything irregular in `bytes` read as `descriptor`, in the order of the bytes.
pub(super) fn scan(root: Root, descriptor: &MessageDescriptor, bytes: &[u8]) -> Vec<Irregularity> {
    let mut scan = Scan { root, bytes, path: FieldPath::root(), found: Vec::new() };
    // A stop is already noted where it happened.
    let _stopped = scan.message(descriptor, 0..bytes.len(), 0);
    scan.found
}

struct Scan<'a> {
    root: Root,
    bytes: &'a [u8],
    path: FieldPath,
    found: Vec<Irregularity>,
}

/// The scan cannot go on: where the next field begins is unknown, or enough was found.
struct Stop;

/// What was seen so far in one message.
#[derive(Default)]
struct Seen {
    /// How often each field came, by its number.
    counts: Vec<(u32, usize)>,
    /// Which member of each oneof came first.
    oneofs: Vec<(String, String)>,
    /// Keys of each map field, by its number.
    keys: BTreeSet<(u32, Vec<u8>)>,
}

impl Scan<'_> {
    fn message(&mut self, descriptor: &MessageDescriptor, range: Range<usize>, depth: usize) -> Result<(), Stop> {
        let mut seen = Seen::default();
        let mut at = range.start;
        if depth > MAX_DEPTH {
            return self.stop(IrregularityKind::DepthExceeded, at);
        }
        while at < range.end {
            let begin = at;
            let (number, wire_type) = self.tag(&mut at, range.end)?;
            if let Some(field) = descriptor.get_field(number) {
                self.known(&mut seen, &field, wire_type, begin, &mut at, range.end, depth)?;
                continue;
            }
            if wire_type == WireType::EndGroup {
                return self.stop(IrregularityKind::InvalidTag, begin);
            }
            self.note(IrregularityKind::UnknownField { number }, begin)?;
            self.skip(number, wire_type, &mut at, range.end, depth)?;
        }
        self.absent(descriptor, &seen, range.start)
    }

    /// What should have come, once all of a message is seen.
    fn absent(&mut self, descriptor: &MessageDescriptor, seen: &Seen, begin: usize) -> Result<(), Stop> {
        for (_, name) in REQUIRED.into_iter().filter(|(owner, _)| *owner == descriptor.full_name()) {
            let number = descriptor.get_field_by_name(name).map(|field| field.number());
            if !seen.counts.iter().any(|(it, _)| Some(*it) == number) {
                self.note(IrregularityKind::MissingField { field: name.to_owned() }, begin)?;
            }
        }
        for oneof in descriptor.oneofs() {
            if !seen.oneofs.iter().any(|(name, _)| name == oneof.name()) {
                self.note(IrregularityKind::MissingOneofMember { oneof: oneof.name().to_owned() }, begin)?;
            }
        }
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "the state of one message, which nothing else shares")]
    fn known(
        &mut self,
        seen: &mut Seen,
        field: &FieldDescriptor,
        wire_type: WireType,
        begin: usize,
        at: &mut usize,
        end: usize,
        depth: usize,
    ) -> Result<(), Stop> {
        self.path.push(Segment::Field(field.name().to_owned()));
        let index = seen.count(field.number());
        let indexed = field.is_list();
        if indexed {
            self.path.push(Segment::Index(index));
        } else if !field.is_map() {
            self.singular(seen, field, index, begin)?;
        }
        if wire_type == wire_type_of(&field.kind()) {
            self.value(seen, field, begin, at, end, depth)?;
        } else if indexed && is_packable(&field.kind()) && wire_type == WireType::LengthDelimited {
            let inside = self.delimited(at, end)?;
            self.packed(seen, field, index, inside)?;
        } else {
            let found = format!("{wire_type:?}");
            let expected = format!("{:?}", wire_type_of(&field.kind()));
            self.note(IrregularityKind::WrongWireType { found, expected }, begin)?;
            self.skip(field.number(), wire_type, at, end, depth)?;
        }
        if indexed {
            self.path.pop();
        }
        self.path.pop();
        Ok(())
    }

    fn singular(&mut self, seen: &mut Seen, field: &FieldDescriptor, index: usize, begin: usize) -> Result<(), Stop> {
        let oneof = field.containing_oneof();
        if index > 0 {
            self.note(IrregularityKind::RepeatedSingularField { in_oneof: oneof.is_some() }, begin)?;
        }
        let Some(oneof) = oneof else { return Ok(()) };
        let first = seen.oneofs.iter().find(|(name, _)| name == oneof.name()).map(|(_, first)| first.clone());
        match first {
            None => seen.oneofs.push((oneof.name().to_owned(), field.name().to_owned())),
            Some(first) if first != field.name() => {
                self.note(IrregularityKind::SecondOneofMember { oneof: oneof.name().to_owned(), first }, begin)?;
            }
            Some(_) => {}
        }
        Ok(())
    }

    fn value(
        &mut self,
        seen: &mut Seen,
        field: &FieldDescriptor,
        begin: usize,
        at: &mut usize,
        end: usize,
        depth: usize,
    ) -> Result<(), Stop> {
        match field.kind() {
            Kind::Message(entry) if field.is_map() => {
                let inside = self.delimited(at, end)?;
                self.map_entry(seen, field.number(), &entry, begin, inside, depth)
            }
            Kind::Message(message) => {
                let inside = self.delimited(at, end)?;
                self.message(&message, inside, depth.saturating_add(1))
            }
            Kind::String => {
                let inside = self.delimited(at, end)?;
                let begins = inside.start;
                match std::str::from_utf8(self.bytes.get(inside).unwrap_or_default()) {
                    Ok(_) => Ok(()),
                    Err(error) => self.note(IrregularityKind::InvalidUtf8, begins.saturating_add(error.valid_up_to())),
                }
            }
            Kind::Bytes => self.delimited(at, end).map(drop),
            kind => self.scalar(&kind, at, end),
        }
    }

    fn scalar(&mut self, kind: &Kind, at: &mut usize, end: usize) -> Result<(), Stop> {
        let begin = *at;
        match wire_type_of(kind) {
            WireType::ThirtyTwoBit => return self.advance(at, 4, end).map(drop),
            WireType::SixtyFourBit => return self.advance(at, 8, end).map(drop),
            _ => {}
        }
        let number = self.varint(at, end)?;
        match kind {
            Kind::Bool if number > 1 => self.note(IrregularityKind::BoolOutOfRange { number }, begin),
            Kind::Enum(descriptor) => {
                // A negative enum value is written as 64 bits in two's complement.
                let number = number.cast_signed();
                let known = i32::try_from(number).is_ok_and(|number| descriptor.get_value(number).is_some());
                if known {
                    return Ok(());
                }
                let enumeration = descriptor.name().to_owned();
                self.note(IrregularityKind::UnknownEnumValue { number, enumeration }, begin)
            }
            _ => Ok(()),
        }
    }

    fn packed(
        &mut self,
        seen: &mut Seen,
        field: &FieldDescriptor,
        first: usize,
        inside: Range<usize>,
    ) -> Result<(), Stop> {
        let mut at = inside.start;
        let mut index = first;
        while at < inside.end {
            if index > first {
                seen.count(field.number());
            }
            self.path.pop();
            self.path.push(Segment::Index(index));
            self.scalar(&field.kind(), &mut at, inside.end)?;
            index = index.saturating_add(1);
        }
        Ok(())
    }

    fn map_entry(
        &mut self,
        seen: &mut Seen,
        map: u32,
        entry: &MessageDescriptor,
        begin: usize,
        inside: Range<usize>,
        depth: usize,
    ) -> Result<(), Stop> {
        let key = self.key_of(entry, inside.clone());
        let shown = String::from_utf8_lossy(&key).into_owned();
        self.path.push(Segment::Key(shown.clone()));
        if !seen.keys.insert((map, key)) {
            self.note(IrregularityKind::DuplicateMapKey { key: shown }, begin)?;
        }
        self.message(entry, inside, depth.saturating_add(1))?;
        self.path.pop();
        Ok(())
    }

    /// The key's bytes, the last if it came twice, empty if it is absent (the default). Every map of USP has string
    /// keys. Problems are noted later, when the entry is walked as a message.
    fn key_of(&self, entry: &MessageDescriptor, inside: Range<usize>) -> Vec<u8> {
        let mut quiet = Scan { root: self.root, bytes: self.bytes, path: FieldPath::root(), found: Vec::new() };
        let key_number = entry.map_entry_key_field().number();
        let mut key = Vec::new();
        let mut at = inside.start;
        while at < inside.end {
            let Ok((number, wire_type)) = quiet.tag(&mut at, inside.end) else {
                break;
            };
            if number == key_number && wire_type == WireType::LengthDelimited {
                let Ok(range) = quiet.delimited(&mut at, inside.end) else {
                    break;
                };
                key = self.bytes.get(range).unwrap_or_default().to_vec();
            } else if quiet.skip(number, wire_type, &mut at, inside.end, 0).is_err() {
                break;
            }
        }
        key
    }

    /// Moves over a field that is not looked into.
    fn skip(&mut self, number: u32, wire_type: WireType, at: &mut usize, end: usize, depth: usize) -> Result<(), Stop> {
        match wire_type {
            WireType::Varint => self.varint(at, end).map(drop),
            WireType::ThirtyTwoBit => self.advance(at, 4, end).map(drop),
            WireType::SixtyFourBit => self.advance(at, 8, end).map(drop),
            WireType::LengthDelimited => self.delimited(at, end).map(drop),
            WireType::EndGroup => self.stop(IrregularityKind::InvalidTag, *at),
            WireType::StartGroup if depth > MAX_DEPTH => self.stop(IrregularityKind::DepthExceeded, *at),
            WireType::StartGroup => loop {
                let begin = *at;
                let (inner, wire_type) = self.tag(at, end)?;
                if wire_type != WireType::EndGroup {
                    self.skip(inner, wire_type, at, end, depth.saturating_add(1))?;
                } else if inner == number {
                    return Ok(());
                } else {
                    return self.stop(IrregularityKind::InvalidTag, begin);
                }
            },
        }
    }

    fn tag(&mut self, at: &mut usize, end: usize) -> Result<(u32, WireType), Stop> {
        let begin = *at;
        let key = self.varint(at, end)?;
        let wire_type = WireType::try_from(key & 0x07);
        match (u32::try_from(key).map(|key| key >> 3), wire_type) {
            (Ok(number @ 1..), Ok(wire_type)) => Ok((number, wire_type)),
            _ => self.stop(IrregularityKind::InvalidTag, begin),
        }
    }

    fn varint(&mut self, at: &mut usize, end: usize) -> Result<u64, Stop> {
        let rest = self.bytes.get(*at..end).unwrap_or_default();
        let mut buf = rest;
        if let Ok(number) = decode_varint(&mut buf) {
            *at = at.saturating_add(rest.len().saturating_sub(buf.len()));
            return Ok(number);
        }
        let cut = rest.len() < MAX_VARINT_LEN && rest.iter().all(|byte| byte & 0x80 != 0);
        self.stop(if cut { IrregularityKind::Truncated } else { IrregularityKind::OverlongVarint }, *at)
    }

    fn delimited(&mut self, at: &mut usize, end: usize) -> Result<Range<usize>, Stop> {
        let begin = *at;
        match usize::try_from(self.varint(at, end)?) {
            Ok(length) => self.advance(at, length, end),
            Err(_) => self.stop(IrregularityKind::Truncated, begin),
        }
    }

    fn advance(&mut self, at: &mut usize, length: usize, end: usize) -> Result<Range<usize>, Stop> {
        match at.checked_add(length) {
            Some(next) if next <= end => Ok(std::mem::replace(at, next)..next),
            _ => self.stop(IrregularityKind::Truncated, *at),
        }
    }

    fn note(&mut self, kind: IrregularityKind, offset: usize) -> Result<(), Stop> {
        let full = self.found.len() >= MAX_IRREGULARITIES;
        let kind = if full { IrregularityKind::TooMany } else { kind };
        self.found.push(Irregularity { root: self.root, kind, path: self.path.clone(), offset });
        if full { Err(Stop) } else { Ok(()) }
    }

    fn stop<T>(&mut self, kind: IrregularityKind, offset: usize) -> Result<T, Stop> {
        self.note(kind, offset)?;
        Err(Stop)
    }
}

impl Seen {
    /// How often the field came before, and counts this time.
    fn count(&mut self, number: u32) -> usize {
        if let Some((_, count)) = self.counts.iter_mut().find(|(it, _)| *it == number) {
            let before = *count;
            *count = count.saturating_add(1);
            return before;
        }
        self.counts.push((number, 1));
        0
    }
}

const fn wire_type_of(kind: &Kind) -> WireType {
    match kind {
        Kind::Double | Kind::Fixed64 | Kind::Sfixed64 => WireType::SixtyFourBit,
        Kind::Float | Kind::Fixed32 | Kind::Sfixed32 => WireType::ThirtyTwoBit,
        Kind::String | Kind::Bytes | Kind::Message(_) => WireType::LengthDelimited,
        Kind::Int32
        | Kind::Int64
        | Kind::Uint32
        | Kind::Uint64
        | Kind::Sint32
        | Kind::Sint64
        | Kind::Bool
        | Kind::Enum(_) => WireType::Varint,
    }
}

const fn is_packable(kind: &Kind) -> bool {
    !matches!(kind, Kind::String | Kind::Bytes | Kind::Message(_))
}
