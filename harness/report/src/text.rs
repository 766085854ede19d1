//! Makes text from the EUT safe for every format: no control character survives, and a cut is visible.

use std::fmt::Write as _;

/// Longer safe names help nobody; file systems take 255 bytes.
const SAFE_NAME_LIMIT: usize = 64;

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

/// A safe name for each of these, in their order: good as a folder and in front of a JUnit class, and none twice.
pub fn safe_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut safe: Vec<String> = Vec::new();
    for name in names {
        let name = safe_name(name);
        let numbered = (2..).map(|nth| format!("{name}-{nth}"));
        // Of so many, one is free.
        safe.extend(std::iter::once(name.clone()).chain(numbered).find(|it| !safe.contains(it)));
    }
    safe
}

/// Small ASCII letters, digits, `_` and `-`: no file system and no reader means anything by them.
fn safe_name(name: &str) -> String {
    let mut safe = String::new();
    for c in name.chars().take(SAFE_NAME_LIMIT) {
        match c.to_ascii_lowercase() {
            c if c.is_ascii_alphanumeric() || c == '_' => safe.push(c),
            _ if safe.is_empty() || safe.ends_with('-') => {}
            _ => safe.push('-'),
        }
    }
    let safe = safe.trim_end_matches('-');
    if safe.is_empty() { "eut".to_owned() } else { safe.to_owned() }
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
    fn safe_names_are_safe_and_none_is_twice() {
        let names = ["Gateway A", "gateway-a", "../../etc", "Ü", "", "gateway.a ", "a\u{1b}\0b"];
        assert_eq!(safe_names(names), ["gateway-a", "gateway-a-2", "etc", "eut", "eut-2", "gateway-a-3", "a-b"]);
        assert_eq!(safe_names(["x".repeat(300).as_str()]).concat().len(), SAFE_NAME_LIMIT);
    }

    #[test]
    fn a_cut_is_visible() {
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcdef", 3), "abc […3 characters cut]");
    }
}
