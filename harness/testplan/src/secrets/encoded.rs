//! Hex and base64 in texts and octets, decoded so that secrets are found in them wherever they begin.

use std::ops::Range;

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use super::search::{MIN_ANYWHERE, MIN_BEGINNING};

/// Fewer digits say nothing.
const MIN_DIGITS: usize = 6;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A run of digits, decoded from one of them on.
#[derive(Debug)]
pub(super) struct Run {
    /// What the digits say.
    pub(super) octets: Vec<u8>,
    /// Where the first of them stands.
    start: usize,
    /// How many bits a digit has.
    bits: usize,
    /// Whether a short secret can begin here: not between the two digits of an octet.
    even: bool,
}

impl Run {
    /// Whether a secret of this length is looked for here.
    pub(super) fn fits(&self, length: usize) -> bool {
        self.even || length >= MIN_ANYWHERE
    }

    /// The digits of these octets, and those that they share with their neighbours.
    pub(super) fn outside(&self, range: Range<usize>) -> Range<usize> {
        let (first, last) = (range.start * 8 / self.bits, (range.end * 8).div_ceil(self.bits));
        self.start + first..self.start + last
    }
}

/// Calls `run` for each way to read a run of digits in these octets.
pub(super) fn each(octets: &[u8], run: &mut dyn FnMut(&Run)) {
    for range in runs(octets, |octet| octet.is_ascii_hexdigit()) {
        for shift in 0..2 {
            if let Some(read) = hex_run(octets, range.start + shift..range.end) {
                run(&Run { even: shift == 0, ..read });
            }
        }
    }
    for range in runs(octets, is_base64) {
        for shift in 0..4 {
            if let Some(read) = base64_run(octets, range.start + shift..range.end) {
                run(&read);
            }
        }
    }
}

/// Calls `run` for each way to read the digits that end with these octets, at most `most` of them.
pub(super) fn each_at_end(octets: &[u8], most: usize, run: &mut dyn FnMut(&Run)) {
    let end = octets.len();
    let digits = |is_digit: fn(u8) -> bool| {
        let count = octets.iter().rev().take(most).take_while(|octet| is_digit(**octet)).count();
        end - count
    };
    // The last digit may be half of an octet.
    let start = digits(|octet| octet.is_ascii_hexdigit());
    for left_out in 0..2 {
        let end = end.saturating_sub(left_out);
        let start = start + (end.saturating_sub(start)) % 2;
        if let Some(read) = hex_run(octets, start..end) {
            run(&read);
        }
    }
    let start = digits(is_base64);
    for shift in 0..4 {
        if let Some(read) = base64_run(octets, start + shift..end) {
            run(&read);
        }
    }
}

fn hex_run(octets: &[u8], range: Range<usize>) -> Option<Run> {
    let start = range.start;
    let digits = octets.get(range)?;
    let digits = digits.get(..digits.len() & !1)?;
    let octets = hex::decode(digits).ok().filter(|it| it.len() >= MIN_BEGINNING)?;
    Some(Run { octets, start, bits: 4, even: true })
}

fn base64_run(octets: &[u8], range: Range<usize>) -> Option<Run> {
    let start = range.start;
    let mut digits = octets.get(range)?.to_vec();
    for digit in &mut digits {
        *digit = match *digit {
            b'-' => b'+',
            b'_' => b'/',
            other => other,
        };
    }
    if digits.len() % 4 == 1 {
        digits.pop();
    }
    let octets = BASE64.decode(digits).ok().filter(|it| it.len() >= MIN_BEGINNING)?;
    Some(Run { octets, start, bits: 6, even: true })
}

const fn is_base64(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || matches!(octet, b'+' | b'/' | b'-' | b'_')
}

/// The runs of at least [`MIN_DIGITS`] digits.
fn runs(octets: &[u8], is_digit: impl Fn(u8) -> bool) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let rest = octets.get(at..)?;
            let start = at + rest.iter().position(|octet| is_digit(*octet))?;
            let run = octets.get(start..)?;
            at = start + run.iter().position(|octet| !is_digit(*octet)).unwrap_or(run.len());
            if at - start >= MIN_DIGITS {
                return Some(start..at);
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

    use super::*;

    /// What the digits are that say this, in each of the ways to read a text.
    fn digits<'t>(text: &'t str, octets: &[u8]) -> Vec<&'t str> {
        let mut found = Vec::new();
        each(text.as_bytes(), &mut |run| {
            if let Some(at) = run.octets.windows(octets.len()).position(|it| it == octets) {
                found.push(&text[run.outside(at..at + octets.len())]);
            }
        });
        found
    }

    #[test]
    fn hex_is_read_wherever_it_begins() {
        assert_eq!(digits("x 0A6162630b", b"abc"), ["616263"]);
        assert_eq!(digits("x fa616263", b"abc"), ["616263"]);
        assert_eq!(digits("xf616263", b"abc"), ["616263"]);
        assert_eq!(digits("6162", b"ab"), Vec::<&str>::new());
    }

    #[test]
    fn base64_is_read_wherever_it_begins() {
        for before in ["", "a", "ab", "abc"] {
            for text in
                [STANDARD.encode(format!("{before}???>>>y")), URL_SAFE_NO_PAD.encode(format!("{before}???>>>y"))]
            {
                let shown = format!("=x:{text}!");
                let found = digits(&shown, b"???>>>");
                assert!(found.iter().any(|it| it.len() >= 8), "{text}: {found:?}");
            }
        }
    }
}
