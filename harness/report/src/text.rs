//! Makes text from the EUT safe for every format: no control character survives, and a cut is visible.

use std::fmt::Write as _;

/// The text with every character that XML or a terminal may not get replaced by a visible escape such as `\x1b`.
/// Line feed and tab stay.
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' => out.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') || is_bidi_control(c) => {
                let _ = write!(out, "\\x{:02x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

/// [`visible`], on one line: for attributes and names.
pub fn visible_line(text: &str) -> String {
    visible(text).replace(['\n', '\t'], " ")
}

/// At most `limit` characters of the text; when something was cut, the end says how much.
pub fn cut(text: &str, limit: usize) -> String {
    let length = text.chars().count();
    if length <= limit {
        return text.to_owned();
    }
    let kept: String = text.chars().take(limit).collect();
    format!("{kept} […{} characters cut]", length - limit)
}

/// Characters that reorder the text around them: an EUT could make a report read differently from what it says.
fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_become_visible() {
        assert_eq!(visible("a\u{1b}[31mb\0\u{ffff}\n"), "a\\x1b[31mb\\x00\\xffff\n");
        assert_eq!(visible_line("a\nb\tc"), "a b c");
        assert_eq!(visible("\u{202e}gnp"), "\\x202egnp");
    }

    #[test]
    fn a_cut_is_visible() {
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcdef", 3), "abc […3 characters cut]");
    }
}
