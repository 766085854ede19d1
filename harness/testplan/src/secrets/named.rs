//! Secrets in octets that nobody can decode: the names of secrets, and what stands behind each.
//!
//! One decision behind it: only the two ways of writing a name and its value are known here that USP and its MTPs use, a field of protobuf
//! behind the field of its name, and a header behind its name and a colon. Where a name stands without either, the caller hides more.

use std::ops::Range;

use prost::encoding::decode_varint;

use super::names::{CHALLENGES, is_secret, is_secret_name};

/// A longer name is none.
const MAX_NAME: usize = 128;

/// A longer value is a secret without a look at it: no switch and no path is so long.
const MAX_READ: usize = 4096;

/// The tag of a string that is the second field of its message: in every message of USP that has a name and its value, this is the value.
const VALUE: u8 = 0x12;

/// A tag that reads as a character may be one, as in `password: hunter2`.
const MIN_PRINTABLE: u8 = 0x20;

/// The bits of a tag that say of which kind its field is, and what they say of a string.
const WIRE_TYPE: u8 = 0b111;
const LENGTH_DELIMITED: u8 = 2;

/// What the names in some octets say.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Named {
    /// Each name with where its value stands, empty ones and switches left out.
    pub(super) values: Vec<(Range<usize>, Range<usize>)>,
    /// Whether the name of a secret stands there and nothing that is its value.
    pub(super) dangling: bool,
}

impl Named {
    /// Whether the name of any secret stands there.
    pub(super) fn tells(&self) -> bool {
        self.dangling || !self.values.is_empty()
    }
}

/// The values of secrets in a Message, or in octets that hold one.
pub(super) fn fields(octets: &[u8]) -> Named {
    read(octets, |tag, own| tag == VALUE && own != Some(VALUE))
}

/// The values of secrets in octets that should be a Message and are none: any string behind the name of a secret is one, but those of a list.
pub(super) fn broken(octets: &[u8]) -> Named {
    read(octets, |tag, own| tag < MIN_PRINTABLE && tag & WIRE_TYPE == LENGTH_DELIMITED && own != Some(tag))
}

fn read(octets: &[u8], is_value: impl Fn(u8, Option<u8>) -> bool) -> Named {
    let mut named = Named::default();
    let place = CHALLENGES.iter().find(|it| contains(octets, it.as_bytes())).copied().unwrap_or_default();
    let mut done = 0;
    for (name, text) in names(octets) {
        // What stands within a secret is part of it.
        if name.end <= done {
            continue;
        }
        let challenge = !place.is_empty() && text.ends_with("Value");
        if !challenge && !is_secret_name(text) {
            continue;
        }
        let own = own_tag(octets, name.end);
        let tag = octets.get(name.end).copied().filter(|tag| is_value(*tag, own));
        match tag.and_then(|_| value(octets, name.end + 1)) {
            None => named.dangling |= !challenge,
            Some(range) => {
                let value = octets.get(range.clone()).unwrap_or_default();
                let last = if challenge { "Value" } else { text };
                let text = (value.len() <= MAX_READ).then(|| str::from_utf8(value).ok()).flatten();
                if text.is_none_or(|value| is_secret(place, last, value)) {
                    done = range.end;
                    named.values.push((name, range));
                }
            }
        }
    }
    named
}

/// The values of secrets in the headers of STOMP and HTTP: one line, `name:value`.
pub(super) fn headers(octets: &[u8]) -> Vec<Range<usize>> {
    let mut values: Vec<Range<usize>> = Vec::new();
    for (name, text) in names(octets) {
        let done = values.last().map_or(0, |value| value.end);
        if name.end <= done || octets.get(name.end) != Some(&b':') || !is_secret_name(text) {
            continue;
        }
        let rest = octets.get(name.end + 1..).unwrap_or_default();
        let blanks = rest.iter().take_while(|octet| matches!(octet, b' ' | b'\t')).count();
        let length = rest.iter().take_while(|octet| !matches!(octet, b'\n' | b'\r' | 0)).count();
        values.push(name.end + 1 + blanks.min(length)..name.end + 1 + length);
    }
    values
}

/// Every run of octets that names are made of, at most the last [`MAX_NAME`] of each.
fn names(octets: &[u8]) -> impl Iterator<Item = (Range<usize>, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = octets.get(at..)?;
        let start = at + rest.iter().position(|octet| is_of_name(*octet))?;
        let run = octets.get(start..)?;
        let end = start + run.iter().position(|octet| !is_of_name(*octet)).unwrap_or(run.len());
        at = end;
        let start = start.max(end.saturating_sub(MAX_NAME));
        Some((start..end, str::from_utf8(octets.get(start..end)?).unwrap_or_default()))
    })
}

const fn is_of_name(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || matches!(octet, b'_' | b'-' | b'.')
}

/// The value behind a tag, up to the end of the octets where they are cut.
fn value(octets: &[u8], at: usize) -> Option<Range<usize>> {
    let mut rest = octets.get(at..)?;
    let length = usize::try_from(decode_varint(&mut rest).ok()?).unwrap_or(usize::MAX);
    let start = octets.len() - rest.len();
    Some(start..start.saturating_add(length).min(octets.len()))
}

/// The tag of the string that ends here, when its length stands before it.
fn own_tag(octets: &[u8], end: usize) -> Option<u8> {
    (1..=MAX_NAME).find_map(|length| {
        let at = end.checked_sub(length + 2)?;
        match octets.get(at..)? {
            [tag, it, ..] if usize::from(*it) == length && tag & WIRE_TYPE == LENGTH_DELIMITED => Some(*tag),
            _ => None,
        }
    })
}

fn contains(octets: &[u8], part: &[u8]) -> bool {
    octets.windows(part.len()).any(|it| it == part)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn told(octets: &[u8]) -> (Vec<&[u8]>, bool) {
        let named = fields(octets);
        (named.values.into_iter().map(|(_, value)| &octets[value]).collect(), named.dangling)
    }

    #[rstest]
    #[case::map_entry(b"\x0a\x08Password\x12\x03abc\x0a\x01x", &[b"abc".as_slice()], false)]
    #[case::full_path(b"\x0a\x13Device.X.1.Password\x12\x01a", &[b"a".as_slice()], false)]
    #[case::no_utf8(b"\x0a\x08Password\x12\x02\xff\xfe", &[b"\xff\xfe".as_slice()], false)]
    #[case::cut(b"\x0a\x08Password\x12\x08hunt", &[b"hunt".as_slice()], false)]
    #[case::empty(b"\x0a\x08Password\x12\x00", &[], false)]
    #[case::switch(b"\x0a\x0fEnable_Password\x12\x04true", &[], false)]
    #[case::another_name(b"\x0a\x08Username\x12\x03abc", &[], false)]
    #[case::a_list_of_names(b"\x12\x08Password\x12\x08Username", &[], true)]
    #[case::in_a_sentence(b"\x1a\x12wrong password: abc", &[], true)]
    #[case::challenge(b"\x0a\x13ChallengeResponse()\x0a\x05Value\x12\x041234", &[b"1234".as_slice()], false)]
    fn a_value_stands_behind_its_name(#[case] octets: &[u8], #[case] values: &[&[u8]], #[case] dangling: bool) {
        assert_eq!(told(octets), (values.to_vec(), dangling));
    }

    #[test]
    fn in_broken_octets_any_string_behind_a_name_is_its_value() {
        let octets = b"\x12\x08Password\x1a\x03abc";
        assert_eq!(told(octets), (Vec::new(), true));
        let found = broken(octets).values.into_iter().map(|(_, value)| &octets[value]).collect::<Vec<_>>();
        assert_eq!(found, [b"abc"]);
        assert!(broken(b"\x12\x08Password\x12\x08Username").dangling);
    }

    #[test]
    fn a_header_ends_with_its_line() {
        let octets = b"CONNECT\npasscode:abc\nhost:x\n\nAuthorization: Basic YTpi\r\n";
        let values: Vec<_> = headers(octets).into_iter().map(|value| &octets[value]).collect();
        assert_eq!(values, [b"abc".as_slice(), b"Basic YTpi"]);
    }
}
