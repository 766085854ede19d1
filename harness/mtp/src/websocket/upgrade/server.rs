//! The server's part of the opening handshake.

use tokio::time::sleep;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::super::eid::{eid_of, path_of};
use super::super::end::End;
use super::super::{SUBPROTOCOL, SecondSession, UpgradeAnswer, WsBehaviour};
use super::{Refused, Upgraded, extension, head, stream_broke};
use crate::event::{Failure, FailureKind, HttpHead, HttpHeader, MtpHappening, OpenSession, StartLine};
use crate::wire::Wire;

/// Why the server refuses, and what it answers.
#[derive(Debug)]
pub(super) struct Refusal {
    status: u16,
    failure: Failure,
}

impl Refusal {
    fn new(status: u16, requirement: &str, kind: FailureKind, text: impl Into<String>) -> Self {
        Self { status, failure: Failure::against(requirement, kind, text) }
    }
}

/// Reads a client's request and answers it.
pub(in super::super) async fn answer(end: &End, wire: &mut Wire) -> Result<Upgraded, Refused> {
    let behaviour = end.settings.borrow().behaviour.clone();
    let (request, rest) = match head::read(wire, "RFC 6455 4.2.1", head::request).await {
        Ok(read) => read,
        Err(refused) => {
            if matches!(&refused, Refused::Failure(failure) if failure.kind == FailureKind::MalformedHandshake) {
                // The peer may have gone: what was wrong with it is worth more than that.
                let _ = wire.write(head::format(&refusal(400, &behaviour)).as_bytes()).await;
            }
            return Err(refused);
        }
    };
    let open = OpenSession {
        eid_in_query: request.target().and_then(eid_of),
        eid_in_extension: extension::eid_in(&request),
        subprotocol: subprotocol(&request, &behaviour),
        ..OpenSession::default()
    };
    let checked = match behaviour.answer {
        UpgradeAnswer::Accept => check(end, &request, &open, &behaviour),
        UpgradeAnswer::Refuse(status) => {
            let kind = FailureKind::RefusedByUs { status };
            Err(Refusal { status, failure: Failure::new(kind, "this upgrade was to be refused") })
        }
        UpgradeAnswer::Silence | UpgradeAnswer::HangUp => {
            wire.log.emit(MtpHappening::Handshake { request, response: None }).await;
            let silent = behaviour.answer == UpgradeAnswer::Silence;
            return Err(if silent { Refused::Silence } else { Refused::HangUp });
        }
    };
    let response = match &checked {
        Ok(()) => acceptance(end, &request, &open, &behaviour),
        Err(no) => refusal(no.status, &behaviour),
    };
    sleep(behaviour.send_delay).await;
    let written = wire.write(head::format(&response).as_bytes()).await;
    let extension = response.header(extension::HEADER).map(str::to_owned);
    wire.log.emit(MtpHappening::Handshake { request, response: Some(response) }).await;
    checked.map_err(|no| no.failure)?;
    written.map_err(|error| stream_broke(&error))?;
    Ok(Upgraded { rest, open: OpenSession { extension, ..open } })
}

/// The subprotocol to answer: none unless one was asked for (RFC 6455 section 4.2.2).
fn subprotocol(request: &HttpHead, behaviour: &WsBehaviour) -> Option<String> {
    request.header("Sec-WebSocket-Protocol").and(behaviour.answer_subprotocol.clone())
}

/// Whether the request asks for a session with this USP Endpoint in the way it must.
fn check(end: &End, request: &HttpHead, open: &OpenSession, behaviour: &WsBehaviour) -> Result<(), Refusal> {
    check_upgrade(request)?;
    let target = request.target().unwrap_or_default();
    if path_of(target) != path_of(&end.place.path) {
        let text = format!("the request is for \"{target}\", the USP Endpoint is at \"{}\"", end.place.path);
        return Err(Refusal::new(404, "R-WS.2", FailureKind::WrongPath, text));
    }
    if behaviour.require_subprotocol && !request.list("Sec-WebSocket-Protocol").any(|one| one == SUBPROTOCOL) {
        let text = match request.header("Sec-WebSocket-Protocol") {
            None => "the request has no Sec-WebSocket-Protocol header".to_owned(),
            Some(other) => format!("the request asks for the subprotocol \"{other}\" and not for {SUBPROTOCOL}"),
        };
        return Err(Refusal::new(400, "R-WS.12a", FailureKind::MissingSubprotocol, text));
    }
    if behaviour.require_extension && !extension::is_in(request) {
        let text = "the request does not have the USP extension";
        return Err(Refusal::new(400, "RFC 6455 4.2.2", FailureKind::MalformedHandshake, text));
    }
    if behaviour.second_session == SecondSession::RefuseSecond && end.registry.has_peer(open.peer_eid()) {
        let kind = FailureKind::RefusedByUs { status: 409 };
        return Err(Refusal::new(409, "R-WS.4", kind, "this peer has an open session already"));
    }
    Ok(())
}

/// Whether it is a WebSocket upgrade at all (RFC 6455 section 4.2.1).
pub(super) fn check_upgrade(request: &HttpHead) -> Result<(), Refusal> {
    let refuse =
        |status, text: &str| Err(Refusal::new(status, "RFC 6455 4.2.1", FailureKind::MalformedHandshake, text));
    let StartLine::Request { method, minor_version, .. } = &request.start else {
        return refuse(400, "this is not a request");
    };
    if method != "GET" {
        return refuse(405, "the request's method is not GET");
    }
    if *minor_version < 1 {
        return refuse(400, "the request is older than HTTP/1.1");
    }
    if request.header("Host").is_none() {
        return refuse(400, "the request has no Host header");
    }
    if !request.lists("Upgrade", "websocket") || !request.lists("Connection", "upgrade") {
        return refuse(400, "the request does not ask for an upgrade to WebSocket");
    }
    if request.header("Sec-WebSocket-Version") != Some("13") {
        return refuse(426, "the request's Sec-WebSocket-Version is not 13");
    }
    if !request.header("Sec-WebSocket-Key").is_some_and(is_key) {
        return refuse(400, "the request's Sec-WebSocket-Key is not 16 octets in base64");
    }
    Ok(())
}

/// Sixteen octets in base64 are 22 characters and two fill characters.
fn is_key(key: &str) -> bool {
    let Some(digits) = key.strip_suffix("==") else {
        return false;
    };
    digits.len() == 22 && digits.bytes().all(|digit| digit.is_ascii_alphanumeric() || digit == b'+' || digit == b'/')
}

fn acceptance(end: &End, request: &HttpHead, open: &OpenSession, behaviour: &WsBehaviour) -> HttpHead {
    let key = request.header("Sec-WebSocket-Key").unwrap_or_default();
    let mut headers = vec![
        head::header("Upgrade", "websocket"),
        head::header("Connection", "Upgrade"),
        head::header("Sec-WebSocket-Accept", derive_accept_key(key.as_bytes())),
    ];
    headers.extend(open.subprotocol.as_ref().map(|name| head::header("Sec-WebSocket-Protocol", name)));
    if behaviour.answer_extension && extension::is_in(request) {
        headers.push(head::header(extension::HEADER, extension::format(&end.endpoint_id)));
    }
    response(101, headers, behaviour)
}

fn refusal(status: u16, behaviour: &WsBehaviour) -> HttpHead {
    let mut headers = vec![head::header("Connection", "close"), head::header("Content-Length", "0")];
    if status == 426 {
        headers.push(head::header("Sec-WebSocket-Version", "13"));
    }
    response(status, headers, behaviour)
}

fn response(status: u16, mut headers: Vec<HttpHeader>, behaviour: &WsBehaviour) -> HttpHead {
    headers.extend(behaviour.extra_headers.iter().map(|(name, value)| head::header(name, value)));
    HttpHead { start: StartLine::Response { status, reason: reason(status).to_owned(), minor_version: 1 }, headers }
}

fn reason(status: u16) -> &'static str {
    match status {
        101 => "Switching Protocols",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        426 => "Upgrade Required",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "Refused",
    }
}
