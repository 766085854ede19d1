//! One STOMP frame (STOMP 1.2, "STOMP Frames").

use bytes::{BufMut, Bytes, BytesMut};

use super::escape::{self, Escaping};

/// One frame: what is sent, and what was received, with its headers unescaped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StompFrame {
    /// The command: `SEND`, `MESSAGE`, …
    pub command: String,
    /// Names and values in their order, without escapes. Of repeated names the first counts ("Repeated Header Entries").
    pub headers: Vec<(String, String)>,
    /// The body; empty if there is none.
    pub body: Bytes,
}

impl StompFrame {
    /// A frame without headers and body.
    pub fn new(command: impl Into<String>) -> Self {
        Self { command: command.into(), ..Self::default() }
    }

    /// The same with one header more, at the end.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The same with one header more, if there is a value for it.
    #[must_use]
    pub fn with_some(self, name: &str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// The same with that body. No header is added: `content-length` is the caller's.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// The value of a header; of repeated ones the first counts.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// Appends the frame as it goes over the wire, with the escapes that its command demands. Line ends are single line feeds, which every
    /// version of STOMP understands.
    pub fn write(&self, out: &mut BytesMut) {
        let escaping = Escaping::of(&self.command);
        let headers: usize = self.headers.iter().map(|(name, value)| name.len() + value.len() + 8).sum();
        out.reserve(self.command.len() + headers + self.body.len() + 3);
        out.put_slice(self.command.as_bytes());
        out.put_u8(b'\n');
        for (name, value) in &self.headers {
            escape::write(name, escaping, out);
            out.put_u8(b':');
            escape::write(value, escaping, out);
            out.put_u8(b'\n');
        }
        out.put_u8(b'\n');
        out.put_slice(&self.body);
        out.put_u8(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_written_as_the_specification_shows_it() {
        let mut out = BytesMut::new();
        StompFrame::new("SEND")
            .with("destination", "/queue/a:b")
            .with("content-length", "2")
            .with_body(&b"\0x"[..])
            .write(&mut out);
        assert_eq!(&out[..], b"SEND\ndestination:/queue/a\\cb\ncontent-length:2\n\n\0x\0");
    }

    #[test]
    fn of_repeated_headers_the_first_counts() {
        let frame = StompFrame::new("MESSAGE").with("foo", "World").with("foo", "Hello");
        assert_eq!(frame.header("foo"), Some("World"));
        assert_eq!(frame.header("Foo"), None);
    }
}
