//! The client's part of the opening handshake.

use tokio::time::sleep;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::super::eid::{encode_eid, with_eid};
use super::super::end::End;
use super::super::{EXTENSION, EidInQuery, SUBPROTOCOL, WsBehaviour};
use super::{Refused, Upgraded, extension, head, stream_broke};
use crate::event::{Failure, FailureKind, HttpHead, MtpHappening, OpenSession, StartLine};
use crate::wire::Wire;

/// What a client demands of the answer.
const SECTION: &str = "RFC 6455 4.1";

/// Sends a request and reads the server's answer.
pub(in super::super) async fn request(end: &End, wire: &mut Wire) -> Result<Upgraded, Refused> {
    let behaviour = end.settings.borrow().behaviour.clone();
    let key = generate_key();
    let request = build(end, &key, &behaviour);
    sleep(behaviour.send_delay).await;
    if let Err(error) = wire.write(head::format(&request).as_bytes()).await {
        return Err(stream_broke(&error));
    }
    let (response, rest) = match head::read(wire, SECTION, head::response).await {
        Ok(read) => read,
        Err(refused) => {
            wire.log.emit(MtpHappening::Handshake { request, response: None }).await;
            return Err(refused);
        }
    };
    let checked = check(&response, &key, &behaviour);
    let open = OpenSession {
        eid_in_query: None,
        eid_in_extension: extension::eid_in(&response),
        subprotocol: response.header("Sec-WebSocket-Protocol").map(str::to_owned),
        extension: response.header(extension::HEADER).map(str::to_owned),
        ..OpenSession::default()
    };
    wire.log.emit(MtpHappening::Handshake { request, response: Some(response) }).await;
    checked?;
    Ok(Upgraded { rest, open })
}

fn build(end: &End, key: &str, behaviour: &WsBehaviour) -> HttpHead {
    let target = match behaviour.eid_in_query {
        EidInQuery::Encoded => with_eid(&end.place.path, &encode_eid(&end.endpoint_id)),
        EidInQuery::Verbatim => with_eid(&end.place.path, &end.endpoint_id),
        EidInQuery::Omitted => end.place.path.clone(),
    };
    let mut headers = vec![
        head::header("Host", &end.place.host),
        head::header("Upgrade", "websocket"),
        head::header("Connection", "Upgrade"),
        head::header("Sec-WebSocket-Key", key),
        head::header("Sec-WebSocket-Version", "13"),
    ];
    headers.extend(behaviour.offer_subprotocol.as_ref().map(|name| head::header("Sec-WebSocket-Protocol", name)));
    if behaviour.offer_extension {
        headers.push(head::header(extension::HEADER, extension::format(&end.endpoint_id)));
    }
    headers.extend(behaviour.extra_headers.iter().map(|(name, value)| head::header(name, value)));
    HttpHead { start: StartLine::Request { method: "GET".to_owned(), target, minor_version: 1 }, headers }
}

fn check(response: &HttpHead, key: &str, behaviour: &WsBehaviour) -> Result<(), Failure> {
    let status = response.status().unwrap_or_default();
    if status != 101 {
        let text = format!("the server answered the upgrade with HTTP status {status}");
        return Err(Failure::new(FailureKind::UpgradeRefused { status }, text));
    }
    let malformed = |text: String| Err(Failure::against(SECTION, FailureKind::MalformedHandshake, text));
    if !response.lists("Upgrade", "websocket") || !response.lists("Connection", "upgrade") {
        return malformed("the response does not upgrade to WebSocket".to_owned());
    }
    if response.header("Sec-WebSocket-Accept") != Some(derive_accept_key(key.as_bytes()).as_str()) {
        return malformed("the response's Sec-WebSocket-Accept does not belong to the request's key".to_owned());
    }
    // The USP extension is let through even if it was not offered: R-WS.11a is about the opposite, and it changes no frame.
    if let Some(other) = extension::names(response).iter().find(|name| *name != EXTENSION) {
        return malformed(format!("the response has the extension \"{other}\", which was not offered"));
    }
    if behaviour.require_subprotocol && response.header("Sec-WebSocket-Protocol") != Some(SUBPROTOCOL) {
        let text = match response.header("Sec-WebSocket-Protocol") {
            None => "the response has no Sec-WebSocket-Protocol header".to_owned(),
            Some(other) => format!("the response names the subprotocol \"{other}\" and not {SUBPROTOCOL}"),
        };
        return Err(Failure::against("R-WS.12", FailureKind::MissingSubprotocol, text));
    }
    if behaviour.require_extension && !extension::is_in(response) {
        return malformed(format!("the response does not have the extension {EXTENSION}"));
    }
    Ok(())
}
