//! Cuts the octets of one direction into frames and heart-beats (STOMP 1.2, "STOMP Frames", "Augmented BNF").
//!
//! The one decision behind it: whatever cannot be a frame is told as soon as it is seen, with its octets. What a reader can put up with (a colon
//! that is not escaped) is a remark, and the frame goes on; after everything else nothing that follows can be understood.

use std::mem;

use bytes::{Buf, Bytes, BytesMut};

use super::StompFrame;
use super::escape::{self, Escaping};
use super::violation::{EVIDENCE, Violation};

/// Most headers of one frame. USP needs six; brokers add about as many of their own.
const MAX_HEADERS: usize = 128;

/// Most octets of a frame's command and headers together. A broker's usual limit is 8 KiB for a line.
const MAX_HEAD: usize = 64 * 1024;

/// The commands that a client sends.
const CLIENT_COMMANDS: [&str; 11] =
    ["SEND", "SUBSCRIBE", "UNSUBSCRIBE", "BEGIN", "COMMIT", "ABORT", "ACK", "NACK", "DISCONNECT", "CONNECT", "STOMP"];

/// The commands that a server sends.
const SERVER_COMMANDS: [&str; 4] = ["CONNECTED", "MESSAGE", "RECEIPT", "ERROR"];

/// Which side of a connection sends what is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sender {
    Client,
    Server,
}

impl Sender {
    fn commands(self) -> &'static [&'static str] {
        match self {
            Self::Client => &CLIENT_COMMANDS,
            Self::Server => &SERVER_COMMANDS,
        }
    }
}

/// What has come in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Incoming {
    /// A whole frame.
    Frame {
        frame: StompFrame,
        /// How its head began on the wire, as evidence for whatever its meaning violates.
        head: Bytes,
        /// What was wrong and could be put up with.
        remarks: Vec<Violation>,
    },
    /// So many line ends between two frames: heart-beats. What directly follows a frame is its own end.
    Beats(usize),
}

/// Cuts the octets of one direction. Holds at most one frame and one read's worth of octets.
#[derive(Debug)]
pub(super) struct Decoder {
    buffer: BytesMut,
    sender: Sender,
    max_body: usize,
    state: State,
    /// Octets at the beginning of the buffer in which what is searched for is not.
    searched: usize,
    /// Nothing but line ends has come since the last frame, and in the same read.
    behind_frame: bool,
}

#[derive(Debug)]
enum State {
    /// Between two frames.
    Between,
    /// The head's lines.
    Head(Head),
    /// The body, with its length if it was announced.
    Body(Head, Option<usize>),
}

#[derive(Debug, Default)]
struct Head {
    frame: StompFrame,
    /// Octets so far.
    octets: usize,
    /// The first of them.
    evidence: Vec<u8>,
    remarks: Vec<Violation>,
}

impl Decoder {
    /// A decoder of what `sender` sends, with bodies of at most `max_body` octets.
    pub(super) fn new(sender: Sender, max_body: usize) -> Self {
        Self { buffer: BytesMut::new(), sender, max_body, state: State::Between, searched: 0, behind_frame: false }
    }

    /// Where to put what is read.
    pub(super) fn buffer(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// Octets of a frame that is not yet whole, its head included.
    pub(super) fn pending(&self) -> usize {
        match &self.state {
            State::Between => self.buffer.len(),
            State::Head(head) | State::Body(head, _) => head.octets + self.buffer.len(),
        }
    }

    /// How the frame that is not yet whole began.
    pub(super) fn evidence(&self) -> Bytes {
        let head = match &self.state {
            State::Between => &[][..],
            State::Head(head) | State::Body(head, _) => &head.evidence,
        };
        head.iter().chain(&self.buffer).copied().take(EVIDENCE).collect()
    }

    /// The next whole frame or run of heart-beats, if there is one. After a violation nothing that follows can be understood.
    pub(super) fn next(&mut self) -> Result<Option<Incoming>, Violation> {
        loop {
            match mem::replace(&mut self.state, State::Between) {
                State::Between => {
                    let beats = self.take_line_ends();
                    let behind_frame = mem::take(&mut self.behind_frame);
                    if beats > 0 && !behind_frame {
                        return Ok(Some(Incoming::Beats(beats)));
                    }
                    if self.buffer.is_empty() || *self.buffer == b"\r"[..] {
                        return Ok(None);
                    }
                    self.state = State::Head(Head::default());
                }
                State::Head(mut head) => {
                    let Some(line) = self.take_line(&head)? else {
                        self.state = State::Head(head);
                        return Ok(None);
                    };
                    self.state = if head.take(&line, self.sender)? {
                        let length = self.announced(&head)?;
                        State::Body(head, length)
                    } else {
                        State::Head(head)
                    };
                }
                State::Body(head, length) => {
                    let Some(body) = self.take_body(&head, length)? else {
                        self.state = State::Body(head, length);
                        return Ok(None);
                    };
                    self.behind_frame = true;
                    let Head { frame, evidence, remarks, .. } = head;
                    let frame = StompFrame { body, ..frame };
                    return Ok(Some(Incoming::Frame { frame, head: evidence.into(), remarks }));
                }
            }
        }
    }

    fn take_line_ends(&mut self) -> usize {
        let mut count = 0;
        loop {
            let length = match self.buffer.get(..2) {
                Some(b"\r\n") => 2,
                _ if self.buffer.first() == Some(&b'\n') => 1,
                _ => return count,
            };
            self.buffer.advance(length);
            count += 1;
        }
    }

    /// The head's next line without its end, if it is there.
    fn take_line(&mut self, head: &Head) -> Result<Option<Bytes>, Violation> {
        let room = MAX_HEAD.saturating_sub(head.octets);
        let mut ahead = self.buffer.iter().take(room).skip(self.searched);
        let found = ahead.position(|octet| *octet == b'\n');
        let Some(place) = found.map(|place| self.searched + place) else {
            self.searched = self.buffer.len();
            let so_far = self.buffer.strip_suffix(b"\r").unwrap_or(&self.buffer);
            if head.octets == 0 {
                self.may_be_command(so_far)?;
            }
            no_nul(so_far)?;
            let announced = head.octets + self.buffer.len();
            if announced > MAX_HEAD {
                let text = format!("a command and headers of more than {MAX_HEAD} octets");
                return Err(Violation::oversized(text, so_far, u64::try_from(announced).unwrap_or(u64::MAX)));
            }
            return Ok(None);
        };
        self.searched = 0;
        let line = self.buffer.split_to(place).freeze();
        self.buffer.advance(1);
        Ok(Some(line))
    }

    /// Refuses what can no longer become a command, so that nobody waits for the end of a line that never comes.
    fn may_be_command(&self, begun: &[u8]) -> Result<(), Violation> {
        let possible = self.sender.commands().iter().any(|command| command.as_bytes().starts_with(begun));
        if possible { Ok(()) } else { Err(unknown_command(begun)) }
    }

    /// The length of the body, if it is announced.
    fn announced(&self, head: &Head) -> Result<Option<usize>, Violation> {
        let Some(text) = head.frame.header("content-length") else {
            return Ok(None);
        };
        let digits = !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit());
        // What has too many digits for a number is a number nevertheless.
        let Some(announced) = digits.then(|| text.parse().unwrap_or(u64::MAX)) else {
            let text =
                format!("a content-length that is a number of octets was expected; \"{}\" was seen", shown(text));
            return Err(Violation::new("STOMP 1.2 Header content-length", text, &head.evidence));
        };
        match usize::try_from(announced) {
            Ok(length) if length <= self.max_body => Ok(Some(length)),
            _ => Err(self.too_large(head, announced)),
        }
    }

    fn take_body(&mut self, head: &Head, length: Option<usize>) -> Result<Option<Bytes>, Violation> {
        let length = match length {
            Some(length) if self.buffer.len() <= length => return Ok(None),
            Some(length) => length,
            None => match self.buffer.iter().skip(self.searched).position(|octet| *octet == 0) {
                Some(place) => self.searched + place,
                None if self.buffer.len() > self.max_body => return Err(self.too_large(head, count(self.buffer.len()))),
                None => {
                    self.searched = self.buffer.len();
                    return Ok(None);
                }
            },
        };
        self.searched = 0;
        if length > self.max_body {
            return Err(self.too_large(head, count(length)));
        }
        let body = self.buffer.split_to(length).freeze();
        match self.buffer.first() {
            Some(0) => {
                self.buffer.advance(1);
                Ok(Some(body))
            }
            _ => Err(self.missing_nul(&body)),
        }
    }

    fn missing_nul(&self, body: &Bytes) -> Violation {
        let seen = self.buffer.first().copied().unwrap_or_default();
        let text = format!(
            "a NUL was expected behind the {} octets that content-length announces; the octet 0x{seen:02x} was seen",
            body.len()
        );
        let around = EVIDENCE / 2;
        let tail = body.get(body.len().saturating_sub(around)..).unwrap_or_default();
        let octets: Vec<u8> = tail.iter().chain(self.buffer.iter().take(around)).copied().collect();
        Violation::new("STOMP 1.2 Header content-length", text, &octets)
    }

    fn too_large(&self, head: &Head, announced: u64) -> Violation {
        let text = format!("a body of {announced} octets, of which {} are taken", self.max_body);
        Violation::oversized(text, &head.evidence, announced)
    }
}

impl Head {
    /// Takes one line without its line feed; true if it ends the head.
    fn take(&mut self, line: &[u8], sender: Sender) -> Result<bool, Violation> {
        let first = self.octets == 0;
        self.octets += line.len() + 1;
        let room = EVIDENCE.saturating_sub(self.evidence.len());
        self.evidence.extend(line.iter().chain(b"\n").take(room));
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if first {
            let known = sender.commands().iter().find(|command| command.as_bytes() == line);
            (*known.ok_or_else(|| unknown_command(line))?).clone_into(&mut self.frame.command);
            return Ok(false);
        }
        no_nul(line)?;
        if line.is_empty() {
            return Ok(true);
        }
        if self.frame.headers.len() >= MAX_HEADERS {
            let octets = u64::try_from(self.octets).unwrap_or(u64::MAX);
            return Err(Violation::oversized(format!("a frame with more than {MAX_HEADERS} headers"), line, octets));
        }
        let header = self.header(line)?;
        self.frame.headers.push(header);
        Ok(false)
    }

    fn header(&mut self, line: &[u8]) -> Result<(String, String), Violation> {
        let text = str::from_utf8(line)
            .map_err(|_| Violation::new("STOMP 1.2 STOMP Frames", "headers are UTF-8; this one is not", line))?;
        if text.contains('\r') {
            return Err(Violation::new(
                "STOMP 1.2 Value Encoding",
                "a carriage return inside a header is not escaped",
                line,
            ));
        }
        let bnf = "STOMP 1.2 Augmented BNF";
        let Some((name, value)) = text.split_once(':') else {
            let text = format!("a header of the form name:value was expected; \"{}\" has no colon", shown(text));
            return Err(Violation::new(bnf, text, line));
        };
        if name.is_empty() {
            return Err(Violation::new(bnf, "a header has no name before its colon", line));
        }
        let escaping = Escaping::of(&self.frame.command);
        if escaping == Escaping::Full && value.contains(':') && self.remarks.is_empty() {
            let text =
                format!("a colon in the value of \"{}\" must be escaped (\\c) in {}", shown(name), self.frame.command);
            self.remarks.push(Violation::new("STOMP 1.2 Value Encoding", text, line));
        }
        let plain = |text| {
            escape::read(text, escaping).map_err(|escape::Undefined(escape)| {
                let text = format!("one of the escapes \\r \\n \\c \\\\ was expected; \"{}\" was seen", shown(&escape));
                Violation::new("STOMP 1.2 Value Encoding", text, line)
            })
        };
        Ok((plain(name)?, plain(value)?))
    }
}

/// A NUL ends a frame: before the empty line it shows that this line is missing.
fn no_nul(line: &[u8]) -> Result<(), Violation> {
    if line.contains(&0) {
        let text = "an empty line between headers and body was expected; a NUL was seen before it";
        return Err(Violation::new("STOMP 1.2 STOMP Frames", text, line));
    }
    Ok(())
}

fn unknown_command(line: &[u8]) -> Violation {
    let text = if line.starts_with(&[22, 3]) {
        "a command was expected; a TLS handshake was seen, where clear text is spoken".to_owned()
    } else {
        let begin = line.get(..40).unwrap_or(line);
        format!("a command of this side was expected; \"{}\" was seen", begin.escape_ascii())
    };
    Violation::new("STOMP 1.2 Frames and Headers", text, line)
}

fn count(octets: usize) -> u64 {
    u64::try_from(octets).unwrap_or(u64::MAX)
}

/// The beginning of a text, for a person.
fn shown(text: &str) -> String {
    text.chars().take(60).collect::<String>().escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn read(sender: Sender, octets: &[u8]) -> Result<Vec<Incoming>, Violation> {
        let mut decoder = Decoder::new(sender, 100);
        decoder.buffer().extend_from_slice(octets);
        let mut all = Vec::new();
        while let Some(incoming) = decoder.next()? {
            all.push(incoming);
        }
        Ok(all)
    }

    fn frames(octets: &[u8]) -> Vec<StompFrame> {
        let only = |incoming| match incoming {
            Incoming::Frame { frame, remarks, .. } => {
                assert_eq!(remarks, []);
                frame
            }
            Incoming::Beats(count) => panic!("{count} heart-beats"),
        };
        read(Sender::Client, octets).unwrap().into_iter().map(only).collect()
    }

    #[rstest]
    #[case::line_feeds(b"SEND\ndestination:/a\n\nbody\0")]
    #[case::carriage_returns(b"SEND\r\ndestination:/a\r\n\r\nbody\0")]
    #[case::length(b"SEND\ndestination:/a\ncontent-length:4\n\nbody\0")]
    #[case::ends_with_line_ends(b"SEND\ndestination:/a\n\nbody\0\n\r\n\n")]
    fn a_frame_is_read(#[case] octets: &[u8]) {
        let read = frames(octets);
        assert_eq!(read.len(), 1);
        assert_eq!((read[0].header("destination"), &read[0].body[..]), (Some("/a"), &b"body"[..]));
    }

    #[test]
    fn a_body_of_announced_length_may_hold_nuls() {
        let read = frames(b"SEND\ncontent-length:5\n\n\0\0\0\0\n\0SEND\n\n\0");
        assert_eq!((&read[0].body[..], read.len()), (&b"\0\0\0\0\n"[..], 2));
    }

    #[test]
    fn the_first_content_length_counts() {
        assert_eq!(frames(b"SEND\ncontent-length:1\ncontent-length:7\n\nx\0")[0].body, &b"x"[..]);
    }

    #[test]
    fn lone_line_ends_are_beats() {
        assert_eq!(read(Sender::Client, b"\n\r\n\n"), Ok(vec![Incoming::Beats(3)]));
        let mut decoder = Decoder::new(Sender::Client, 100);
        decoder.buffer().extend_from_slice(b"DISCONNECT\n\n\0");
        assert!(matches!(decoder.next(), Ok(Some(Incoming::Frame { .. }))));
        assert_eq!(decoder.next(), Ok(None));
        decoder.buffer().extend_from_slice(b"\r");
        assert_eq!(decoder.next(), Ok(None));
        decoder.buffer().extend_from_slice(b"\n");
        assert_eq!(decoder.next(), Ok(Some(Incoming::Beats(1))));
    }

    #[rstest]
    #[case::escaped(b"STOMP\nendpoint-id:os\\c\\c012345-a\n\n\0")]
    #[case::plain(b"STOMP\nendpoint-id:os::012345-a\n\n\0")]
    #[case::connect_escaped(b"CONNECT\nendpoint-id:os\\c\\c012345-a\n\n\0")]
    #[case::connect_plain(b"CONNECT\nendpoint-id:os::012345-a\n\n\0")]
    fn the_opening_frame_is_read_either_way(#[case] octets: &[u8]) {
        assert_eq!(frames(octets)[0].header("endpoint-id"), Some("os::012345-a"));
    }

    #[test]
    fn a_colon_that_is_not_escaped_is_a_remark() {
        let incoming = read(Sender::Client, b"SEND\ndestination:/a:b\nreply-to-dest:/c:d\n\n\0").unwrap();
        let [Incoming::Frame { frame, remarks, head }] = &incoming[..] else { panic!("{incoming:?}") };
        assert_eq!(frame.header("destination"), Some("/a:b"));
        assert_eq!((remarks.len(), &remarks[0].octets[..]), (1, &b"destination:/a:b"[..]));
        assert_eq!(&head[..], b"SEND\ndestination:/a:b\nreply-to-dest:/c:d\n\n");
    }

    #[rstest]
    #[case::unknown_command(b"SNED\n", "Frames and Headers", b"SN")]
    #[case::not_this_side(b"MESSAGE\n", "Frames and Headers", b"M")]
    #[case::lower_case(b"send\n", "Frames and Headers", b"s")]
    #[case::tls(&[22, 3, 1, 2, 0, 1], "Frames and Headers", &[22, 3, 1])]
    #[case::tls_with_a_line_feed(&[22, 3, 1, 0, 10, 1], "Frames and Headers", &[22, 3, 1])]
    #[case::no_colon(b"SEND\ndestination\n", "Augmented BNF", b"destination")]
    #[case::no_name(b"SEND\n:/a\n", "Augmented BNF", b":/a")]
    #[case::undefined_escape(b"SEND\ndestination:/a\\tb\n", "Value Encoding", b"destination:/a\\tb")]
    #[case::escape_at_the_end(b"SEND\ndestination:/a\\\n", "Value Encoding", b"destination:/a\\")]
    #[case::carriage_return(b"SEND\ndestination:/a\rb\n", "Value Encoding", b"destination:/a\rb")]
    #[case::no_utf8(b"SEND\ndestination:\xFF\n", "STOMP Frames", b"destination:\xFF")]
    #[case::no_empty_line(b"SEND\ndestination:/a\0", "STOMP Frames", b"destination:/a\0")]
    #[case::no_number(b"SEND\ncontent-length:four\n\n", "Header content-length", b"SEND\ncontent-length:four\n\n")]
    #[case::negative(b"SEND\ncontent-length:-4\n\n", "Header content-length", b"SEND\ncontent-length:-4\n\n")]
    #[case::spaced(b"SEND\ncontent-length: 4\n\n", "Header content-length", b"SEND\ncontent-length: 4\n\n")]
    #[case::length_too_small(b"SEND\ncontent-length:3\n\nbody\0", "Header content-length", b"body\0")]
    #[case::too_large(b"SEND\ncontent-length:101\n\n", "Size Limits", b"SEND\ncontent-length:101\n\n")]
    #[case::huge(b"SEND\ncontent-length:99999999999999999999999\n\n", "Size Limits", b"SEND\ncontent-length")]
    #[case::too_large_unannounced(&[b"SEND\n\n".as_slice(), &[7; 101]].concat(), "Size Limits", b"SEND\n\n")]
    #[case::too_large_and_whole(&[b"SEND\n\n".as_slice(), &[7; 101], &[0]].concat(), "Size Limits", b"SEND\n\n")]
    #[case::many_headers(&[b"SEND\n".to_vec(), b"a:b\n".repeat(129)].concat(), "Size Limits", b"a:b")]
    #[case::long_header(&[b"SEND\n".to_vec(), vec![b'a'; 65_540]].concat(), "Size Limits", b"aaaa")]
    fn what_is_no_frame_is_told(#[case] octets: &[u8], #[case] section: &str, #[case] evidence: &[u8]) {
        let violation = read(Sender::Client, octets).unwrap_err();
        assert_eq!(violation.requirement, format!("STOMP 1.2 {section}"), "{violation:?}");
        assert!(violation.octets.starts_with(evidence), "{violation:?}");
        assert_eq!(violation.oversized.is_some(), section == "Size Limits");
    }

    #[test]
    fn what_cannot_become_a_command_is_told_before_its_line_ends() {
        for octets in [&b"GET"[..], b"SENDS", b"SEND ", b"\x16\x03\x01"] {
            let violation = read(Sender::Client, octets).unwrap_err();
            assert_eq!(violation.octets, octets, "{violation:?}");
        }
        for octets in [&b"SEN"[..], b"SEND", b"SEND\r", b"UNSUB"] {
            assert_eq!(read(Sender::Client, octets), Ok(Vec::new()));
        }
    }
}
