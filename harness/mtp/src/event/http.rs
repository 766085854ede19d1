//! The head of an HTTP message, as it was received or sent.

use serde::{Deserialize, Serialize};

/// The head of an HTTP message. Header values that are not UTF-8 are shown with replacement characters; the octet log has them whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpHead {
    /// First line.
    pub start: StartLine,
    /// Headers in their order, repeated ones repeated.
    pub headers: Vec<HttpHeader>,
}

/// First line of an HTTP message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StartLine {
    /// Of a request.
    Request {
        /// Such as `GET`.
        method: String,
        /// Path and query as they stood there, still percent-encoded.
        target: String,
        /// The digit after `HTTP/1.`.
        minor_version: u8,
    },
    /// Of a response.
    Response {
        /// Such as 101.
        status: u16,
        /// Such as `Switching Protocols`.
        reason: String,
        /// The digit after `HTTP/1.`.
        minor_version: u8,
    },
}

/// One header line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpHeader {
    /// Name as written by its sender.
    pub name: String,
    /// Value without surrounding blanks.
    pub value: String,
}

impl HttpHead {
    /// The first header of that name, in whatever case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers_named(name).next()
    }

    /// Every item of a comma-separated header, over all its lines, without surrounding blanks.
    pub fn list<'a, 'n>(&'a self, name: &'n str) -> impl Iterator<Item = &'a str> + use<'a, 'n> {
        self.headers_named(name).flat_map(|value| value.split(',')).map(str::trim).filter(|item| !item.is_empty())
    }

    /// Whether a comma-separated header has that item, in whatever case.
    pub fn lists(&self, name: &str, item: &str) -> bool {
        self.list(name).any(|one| one.eq_ignore_ascii_case(item))
    }

    /// Path and query of a request.
    pub fn target(&self) -> Option<&str> {
        match &self.start {
            StartLine::Request { target, .. } => Some(target),
            StartLine::Response { .. } => None,
        }
    }

    /// Status of a response.
    pub fn status(&self) -> Option<u16> {
        match &self.start {
            StartLine::Request { .. } => None,
            StartLine::Response { status, .. } => Some(*status),
        }
    }

    fn headers_named<'a, 'n>(&'a self, name: &'n str) -> impl Iterator<Item = &'a str> + use<'a, 'n> {
        self.headers.iter().filter(move |one| one.name.eq_ignore_ascii_case(name)).map(|one| one.value.as_str())
    }
}
