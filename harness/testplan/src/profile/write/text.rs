//! Texts of a device in YAML: quoted, so that each is read back as it is, or in a comment that it cannot end.

use std::fmt::Write as _;

/// The longest text of a device in a comment, in characters: a path has about 60.
const LONGEST: usize = 240;

/// Where a comment is wrapped, in characters, the indent not counted.
const WIDTH: usize = 120;

/// A text in double quotes. What is no letter, digit or plain ASCII is escaped: whatever it is, the file shows it and no reader acts on it.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        let code = u32::from(c);
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            ' '..='~' => out.push(c),
            c if c.is_alphanumeric() => out.push(c),
            _ if code <= 0xff => drop(write!(out, "\\x{code:02x}")),
            _ if code <= 0xffff => drop(write!(out, "\\u{code:04x}")),
            _ => drop(write!(out, "\\U{code:08x}")),
        }
    }
    out.push('"');
    out
}

/// The text on one line, with nothing in it that a terminal or a reader of YAML could act on, and not too long.
pub(super) fn line(text: &str) -> String {
    let quoted = quoted(text).replace("\\\"", "\"");
    let inner = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(&quoted);
    let length = inner.chars().count();
    if length <= LONGEST * 4 {
        return inner.to_owned();
    }
    let kept: String = inner.chars().take(LONGEST * 4).collect();
    format!("{kept} [and {} characters more]", length - LONGEST * 4)
}

/// A text of a device that is not to be longer than a name is.
pub(super) fn short(text: &str) -> String {
    let length = text.chars().count();
    if length <= LONGEST {
        return text.to_owned();
    }
    let kept: String = text.chars().take(LONGEST).collect();
    format!("{kept} [and {} characters more]", length - LONGEST)
}

/// A line of the file.
pub(super) fn put(out: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{line}");
}

/// A comment, wrapped between words.
pub(super) fn comment(out: &mut String, indent: usize, text: &str) {
    let lead = format!("{:indent$}# ", "");
    let mut width = 0;
    for word in line(text).split(' ') {
        let length = word.chars().count();
        if width > 0 && width + 1 + length > WIDTH {
            out.push('\n');
            width = 0;
        }
        if width == 0 {
            out.push_str(&lead);
        } else {
            out.push(' ');
            width += 1;
        }
        out.push_str(word);
        width += length;
    }
    out.push('\n');
}
