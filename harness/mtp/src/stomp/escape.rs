//! Escapes in names and values of headers (STOMP 1.2, "Value Encoding").
//!
//! The specification exempts `CONNECT` and `CONNECTED` from escaping and does not name `STOMP`, which is to be treated like `CONNECT`; TR-369
//! says in its note to R-STOMP.4 that the colons of an Endpoint ID are escaped in the `STOMP` frame. Clients and servers therefore do both.
//! The one decision behind it: in these three frames every way of writing is read and none is a violation, because no Endpoint ID holds a backslash
//! and so nothing is ambiguous that matters; in every other frame the specification's letter counts.

/// How strictly a frame's headers are read, and how they are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Escaping {
    /// `CONNECT` and `CONNECTED`: written as they are, read either way.
    Exempt,
    /// `STOMP`: written with escapes, read either way.
    Either,
    /// Every other frame: written with escapes, and read so.
    Full,
}

impl Escaping {
    /// What holds for that command.
    pub(super) fn of(command: &str) -> Self {
        match command {
            "CONNECT" | "CONNECTED" => Self::Exempt,
            "STOMP" => Self::Either,
            _ => Self::Full,
        }
    }
}

/// Appends `text` as it stands in a header.
///
/// Line ends are escaped in exempt frames too: there is no other way to write them, and as they are they would end the header.
pub(super) fn write(text: &str, escaping: Escaping, out: &mut impl Extend<u8>) {
    let everything = escaping != Escaping::Exempt;
    for octet in text.bytes() {
        let escaped = match octet {
            b'\r' => Some(b'r'),
            b'\n' => Some(b'n'),
            b':' if everything => Some(b'c'),
            b'\\' if everything => Some(b'\\'),
            _ => None,
        };
        match escaped {
            Some(letter) => out.extend([b'\\', letter]),
            None => out.extend([octet]),
        }
    }
}

/// An escape that STOMP 1.2 does not define, as it stood there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Undefined(pub(super) String);

/// Reads the name or value of a header. Where escapes are not demanded, a backslash that begins none is a backslash.
pub(super) fn read(text: &str, escaping: Escaping) -> Result<String, Undefined> {
    if !text.contains('\\') {
        return Ok(text.to_owned());
    }
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            plain.push(letter);
            continue;
        }
        let mut ahead = letters.clone();
        let meant = match ahead.next() {
            Some('r') => '\r',
            Some('n') => '\n',
            Some('c') => ':',
            Some('\\') => '\\',
            _ if escaping != Escaping::Full => {
                plain.push('\\');
                continue;
            }
            Some(other) => return Err(Undefined(format!("\\{other}"))),
            None => return Err(Undefined("\\".to_owned())),
        };
        plain.push(meant);
        letters = ahead;
    }
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(Escaping::Full, "os::1\\2\r\n", "os\\c\\c1\\\\2\\r\\n")]
    #[case(Escaping::Either, "os::1\\2\r\n", "os\\c\\c1\\\\2\\r\\n")]
    #[case(Escaping::Exempt, "os::1\\2\r\n", "os::1\\2\\r\\n")]
    fn writes(#[case] escaping: Escaping, #[case] plain: &str, #[case] escaped: &str) {
        let mut out = Vec::new();
        write(plain, escaping, &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), escaped);
    }

    #[rstest]
    #[case(Escaping::Full, "os\\c\\c1", Ok("os::1"))]
    #[case(Escaping::Full, "a\\tb", Err("\\t"))]
    #[case(Escaping::Full, "a\\", Err("\\"))]
    #[case(Escaping::Full, "a\\\\tb", Ok("a\\tb"))]
    #[case(Escaping::Either, "os\\c\\c1", Ok("os::1"))]
    #[case(Escaping::Either, "os::1", Ok("os::1"))]
    #[case(Escaping::Either, "a\\tb\\", Ok("a\\tb\\"))]
    #[case(Escaping::Exempt, "os\\c\\c1", Ok("os::1"))]
    #[case(Escaping::Exempt, "pass\\word", Ok("pass\\word"))]
    fn reads(#[case] escaping: Escaping, #[case] escaped: &str, #[case] plain: Result<&str, &str>) {
        let expected = plain.map(str::to_owned).map_err(|escape| Undefined(escape.to_owned()));
        assert_eq!(read(escaped, escaping), expected);
    }
}
