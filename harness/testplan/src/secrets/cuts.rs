//! Where `show` and the reports have cut a text: what stands before may be the beginning of a secret.
//!
//! One decision behind it: only the exact words of a cut are one. An EUT can write them too, so that before each only so much is looked at
//! as a pattern has.

use std::ops::Range;

use super::{encoded, forms::MAX_PATTERN, search::Search};

/// How long a number in the words of a cut can be.
const MAX_NUMBER: usize = 20;

/// The beginnings of secrets that stand before cuts.
pub(super) fn beginnings(search: &Search, text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut last = 0;
    for (at, ellipsis) in text.match_indices('…') {
        let Some((end, behind)) = cut(text, at, at + ellipsis.len()) else { continue };
        // Before another cut there is nothing that this one has cut.
        let from = last.max(end.saturating_sub(2 * MAX_PATTERN)).min(end);
        if let Some(start) = beginning(search, text.as_bytes().get(from..end).unwrap_or_default()) {
            found.push(from + start..end);
        }
        last = behind;
    }
    found
}

/// Where the text ends that was cut, and where the words of the cut end.
fn cut(text: &str, ellipsis: usize, behind: usize) -> Option<(usize, usize)> {
    let (before, rest) = (text.get(..ellipsis)?, text.get(behind..)?);
    let of_show = || {
        let rest = without_number(rest.strip_prefix(" (")?)?;
        let rest = rest.strip_prefix(" more characters)").or_else(|| rest.strip_prefix(" more bytes)"))?;
        Some((ellipsis, text.len() - rest.len()))
    };
    let of_a_report = || {
        let rest = without_number(rest)?.strip_prefix(" characters cut]")?;
        Some((before.strip_suffix(" [")?.len(), text.len() - rest.len()))
    };
    of_show().or_else(of_a_report)
}

fn without_number(text: &str) -> Option<&str> {
    let digits = text.bytes().take(MAX_NUMBER).take_while(u8::is_ascii_digit).count();
    text.get(digits..).filter(|_| digits > 0)
}

/// Where the beginning of a secret begins with which these octets end, as it is, as hex or as base64.
fn beginning(search: &Search, octets: &[u8]) -> Option<usize> {
    let mut first = search.beginning(octets).map(|length| octets.len() - length);
    encoded::each_at_end(octets, 2 * MAX_PATTERN, &mut |run| {
        if let Some(length) = search.beginning(&run.octets) {
            let start = run.outside(run.octets.len() - length..run.octets.len()).start;
            first = Some(first.map_or(start, |first| first.min(start)));
        }
    });
    first
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("hunter… (4 more characters)", Some((6, 29)))]
    #[case("hunter… (4 more bytes) x", Some((6, 24)))]
    #[case("hunter […1 characters cut]", Some((6, 28)))]
    #[case("hunter…", None)]
    #[case("hunter… and more", None)]
    #[case("hunter… ( more bytes)", None)]
    #[case("hunter […]", None)]
    fn only_the_words_of_a_cut_are_one(#[case] text: &str, #[case] expected: Option<(usize, usize)>) {
        assert_eq!(cut(text, text.find('…').unwrap(), text.find('…').unwrap() + '…'.len_utf8()), expected);
    }
}
