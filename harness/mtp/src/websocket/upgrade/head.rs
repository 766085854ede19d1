//! Heads of HTTP messages: read within bounds, and written.

use bytes::{Buf, BytesMut};
use httparse::{EMPTY_HEADER, Error as ParseError, Header, Status};

use super::{Refused, stream_broke};
use crate::event::{Failure, FailureKind, HttpHead, HttpHeader, StartLine};
use crate::wire::Wire;

/// Longest head taken, in octets: twice what common servers take.
const MAX_HEAD: usize = 16 * 1024;

/// Most header lines taken. A browser sends about twenty.
const MAX_HEADERS: usize = 64;

/// A parser's result: the head and its length, or nothing yet.
type Parsed = Result<Option<(HttpHead, usize)>, ParseError>;

/// Reads a head, and gives back what came behind it.
pub(super) async fn read(
    wire: &mut Wire,
    section: &'static str,
    parse: fn(&[u8]) -> Parsed,
) -> Result<(HttpHead, BytesMut), Refused> {
    let malformed = |text: String| Refused::from(Failure::against(section, FailureKind::MalformedHandshake, text));
    let mut octets = BytesMut::new();
    loop {
        match wire.read(&mut octets).await {
            Ok(0) => {
                let text = format!("the stream ended in the opening handshake, after {} octets", octets.len());
                return Err(Failure::new(FailureKind::StreamEnded, text).into());
            }
            Ok(_) => {}
            Err(error) => return Err(stream_broke(&error)),
        }
        match parse(&octets) {
            Ok(Some((head, length))) => {
                octets.advance(length.min(octets.len()));
                return Ok((head, octets));
            }
            Ok(None) if octets.len() < MAX_HEAD => {}
            Ok(None) => return Err(malformed(format!("the HTTP head has more than {MAX_HEAD} octets"))),
            Err(error) => return Err(malformed(format!("this is not HTTP: {error}"))),
        }
    }
}

/// Parses a request's head.
pub(super) fn request(octets: &[u8]) -> Parsed {
    let mut headers = [EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    let Status::Complete(length) = request.parse(octets)? else {
        return Ok(None);
    };
    let start = StartLine::Request {
        method: request.method.unwrap_or_default().to_owned(),
        target: request.path.unwrap_or_default().to_owned(),
        minor_version: request.version.unwrap_or_default(),
    };
    Ok(Some((HttpHead { start, headers: copied(request.headers) }, length)))
}

/// Parses a response's head.
pub(super) fn response(octets: &[u8]) -> Parsed {
    let mut headers = [EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let Status::Complete(length) = response.parse(octets)? else {
        return Ok(None);
    };
    let start = StartLine::Response {
        status: response.code.unwrap_or_default(),
        reason: response.reason.unwrap_or_default().to_owned(),
        minor_version: response.version.unwrap_or_default(),
    };
    Ok(Some((HttpHead { start, headers: copied(response.headers) }, length)))
}

/// A head as it goes out.
pub(super) fn format(head: &HttpHead) -> String {
    let start = match &head.start {
        StartLine::Request { method, target, minor_version } => format!("{method} {target} HTTP/1.{minor_version}"),
        StartLine::Response { status, reason, minor_version } => format!("HTTP/1.{minor_version} {status:03} {reason}"),
    };
    let lines = head.headers.iter().map(|one| format!("{}: {}\r\n", one.name, one.value));
    format!("{start}\r\n{}\r\n", lines.collect::<String>())
}

/// One header line.
pub(super) fn header(name: &str, value: impl Into<String>) -> HttpHeader {
    HttpHeader { name: name.to_owned(), value: value.into() }
}

fn copied(headers: &[Header<'_>]) -> Vec<HttpHeader> {
    headers.iter().map(|one| header(one.name, String::from_utf8_lossy(one.value).trim())).collect()
}
