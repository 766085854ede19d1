//! The opening handshake in both roles (R-WS.7 to R-WS.12a).

use rstest::rstest;
use tokio::io::AsyncWriteExt;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use uspec_mtp::event::{Direction, EndedBy, FailureKind, MtpHappening};
use uspec_mtp::network::{MemoryNetwork, Network};
use uspec_mtp::websocket::{EidInQuery, SecondSession, UpgradeAnswer, WsBehaviour, decode_eid};

use crate::kit::{AGENT, Agent, CONTROLLER, Far, Raw, address, connect, listen, upgrade_request};

#[tokio::test(start_paused = true)]
async fn the_agent_opens() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |_| {}).await;
    let mut agent = Agent::start(&network, connect(), |_| {}).await;
    let open = far.opened().await;
    assert_eq!(open.eid_in_query.as_deref(), Some(AGENT));
    assert_eq!(open.eid_in_extension, None);
    assert_eq!(open.subprotocol.as_deref(), Some("v1.usp"));
    assert_eq!(agent.opened().await, None, "the extension was not offered, so the server may not answer it");
    exchange(&mut far, &mut agent).await;
}

#[tokio::test(start_paused = true)]
async fn the_controller_opens() {
    let network = MemoryNetwork::new();
    let mut agent = Agent::start(&network, listen(), |_| {}).await;
    let mut far = Far::start(&network, connect(), |_| {}).await;
    let open = far.opened().await;
    assert_eq!(open.eid_in_query, None);
    assert_eq!(agent.opened().await.as_deref(), Some(CONTROLLER));
    exchange(&mut far, &mut agent).await;
}

async fn exchange(far: &mut Far, agent: &mut Agent) {
    assert!(far.handle.is_open() && agent.handle.is_open());
    far.handle.send_record(&b"get"[..]).await.unwrap();
    assert_eq!(agent.record().await, b"get");
    agent.handle.send_record(&b"get response"[..]).await.unwrap();
    assert_eq!(far.record().await, (b"get response".to_vec(), 1));
}

#[tokio::test(start_paused = true)]
async fn handshakes_are_recorded_in_both_roles() {
    let network = MemoryNetwork::new();
    let mut server = Far::start(&network, listen(), |_| {}).await;
    let mut client = Far::start(&network, connect(), |_| {}).await;
    let handshake = |what: &MtpHappening| match what {
        MtpHappening::Handshake { request, response } => Some((request.clone(), response.clone())),
        _ => None,
    };
    let at_server = server.until(handshake).await;
    assert_eq!(at_server, client.until(handshake).await);
    let (request, response) = at_server;
    assert_eq!(request.target(), Some("/usp?eid=self::controller"));
    assert_eq!(request.header("host"), Some("controller:8080"));
    assert_eq!(request.header("sec-websocket-protocol"), Some("v1.usp"));
    assert_eq!(request.header("sec-websocket-extensions"), None);
    assert_eq!(response.unwrap().status(), Some(101));
    assert!(server.octets(Direction::Received).starts_with(b"GET /usp?eid=self::controller HTTP/1.1\r\n"));
    assert_eq!(server.octets(Direction::Received), client.octets(Direction::Sent));
}

#[rstest]
#[case::percent("doc::agent%21", "/usp?eid=doc::agent%2521")]
#[case::reserved("self::a&b=c+d", "/usp?eid=self::a%26b%3Dc%2Bd")]
#[tokio::test(start_paused = true)]
async fn the_endpoint_id_survives_its_encoding(#[case] eid: &str, #[case] target: &str) {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |_| {}).await;
    let _agent = Agent::start(&network, connect(), |config| config.endpoint_id = eid.to_owned()).await;
    assert_eq!(far.opened().await.peer_eid(), Some(eid));
    assert!(far.octets(Direction::Received).starts_with(format!("GET {target} HTTP/1.1\r\n").as_bytes()));
}

#[rstest]
#[case::verbatim(EidInQuery::Verbatim, Some("doc::agent!"))]
#[case::omitted(EidInQuery::Omitted, None)]
#[tokio::test(start_paused = true)]
async fn a_faulty_endpoint_id_is_seen_as_such(#[case] how: EidInQuery, #[case] seen: Option<&str>) {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |_| {}).await;
    let _agent = Agent::start(&network, connect(), |config| {
        config.endpoint_id = "doc::agent%21".to_owned();
        config.behaviour.eid_in_query = how;
    })
    .await;
    assert_eq!(far.opened().await.peer_eid(), seen);
}

#[rstest]
#[case::offered(true, true, Some(CONTROLLER))]
#[case::not_offered(false, true, None)]
#[case::withheld(true, false, None)]
#[tokio::test(start_paused = true)]
async fn the_extension_is_answered_if_offered(#[case] offer: bool, #[case] answer: bool, #[case] peer: Option<&str>) {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |config| config.behaviour.answer_extension = answer).await;
    let mut agent = Agent::start(&network, connect(), |config| config.behaviour.offer_extension = offer).await;
    assert_eq!(far.opened().await.eid_in_extension.as_deref(), offer.then_some(AGENT));
    assert_eq!(agent.opened().await.as_deref(), peer);
}

/// What a request lacks, and what the server answers and reports.
#[rstest]
#[case::no_subprotocol("Sec-WebSocket-Protocol: v1.usp\r\n", "", 400, FailureKind::MissingSubprotocol, "R-WS.12a")]
#[case::other_subprotocol("v1.usp", "v2.usp, chat", 400, FailureKind::MissingSubprotocol, "R-WS.12a")]
#[case::other_path("/usp?", "/usp/more?", 404, FailureKind::WrongPath, "R-WS.2")]
#[case::method("GET", "POST", 405, FailureKind::MalformedHandshake, "RFC 6455 4.2.1")]
#[case::http_1_0("HTTP/1.1", "HTTP/1.0", 400, FailureKind::MalformedHandshake, "RFC 6455 4.2.1")]
#[case::no_host("Host: controller\r\n", "", 400, FailureKind::MalformedHandshake, "RFC 6455 4.2.1")]
#[case::no_upgrade("Upgrade: websocket\r\n", "", 400, FailureKind::MalformedHandshake, "RFC 6455 4.2.1")]
#[case::no_connection(
    "Connection: keep-alive, Upgrade",
    "Connection: close",
    400,
    FailureKind::MalformedHandshake,
    "RFC 6455 4.2.1"
)]
#[case::old_version("Version: 13", "Version: 8", 426, FailureKind::MalformedHandshake, "RFC 6455 4.2.1")]
#[case::short_key(
    "dGhlIHNhbXBsZSBub25jZQ==",
    "dGhlIHNhbXBsZQ==",
    400,
    FailureKind::MalformedHandshake,
    "RFC 6455 4.2.1"
)]
#[case::no_key(
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
    "",
    400,
    FailureKind::MalformedHandshake,
    "RFC 6455 4.2.1"
)]
#[tokio::test(start_paused = true)]
async fn the_server_refuses(
    #[case] part: &str,
    #[case] instead: &str,
    #[case] status: u16,
    #[case] kind: FailureKind,
    #[case] requirement: &str,
) {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |_| {}).await;
    let mut raw = Raw::connect(&network).await;
    let request = upgrade_request("/usp?eid=doc::a");
    assert!(request.contains(part));
    raw.send(request.replace(part, instead).as_bytes()).await;
    let response = raw.rest().await;
    assert!(response.starts_with(format!("HTTP/1.1 {status} ").as_bytes()), "{}", String::from_utf8_lossy(&response));
    let failure = far.failure().await;
    assert_eq!((failure.kind, failure.requirement.as_deref()), (kind, Some(requirement)));
    let recorded = far.seen.iter().any(|event| match &event.what {
        MtpHappening::Handshake { response: Some(response), .. } => response.status() == Some(status),
        _ => false,
    });
    assert!(recorded);
    assert_eq!(far.ended().await, EndedBy::Us);
    assert!(!far.handle.is_open());
}

#[rstest]
#[case::octets(b"\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03".to_vec())]
#[case::text(b"HELLO\nWORLD\r\n\r\n".to_vec())]
#[case::endless_line([b"GET /".to_vec(), vec![b'a'; 17 * 1024]].concat())]
#[case::too_many_headers(format!("GET /usp HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(65)).into_bytes())]
#[tokio::test(start_paused = true)]
async fn garbage_instead_of_http_is_answered_with_400(#[case] garbage: Vec<u8>) {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |_| {}).await;
    let mut raw = Raw::connect(&network).await;
    raw.send(&garbage).await;
    assert!(raw.rest().await.starts_with(b"HTTP/1.1 400 "));
    let failure = far.failure().await;
    assert_eq!(failure.kind, FailureKind::MalformedHandshake);
    far.ended().await;
    let logged = far.octets(Direction::Received);
    assert!(garbage.starts_with(&logged) && !logged.is_empty());
    let _still_accepting = Raw::open(&network).await;
    far.opened().await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_says_nothing_is_let_go() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |_| {}).await;
    let start = Instant::now();
    let mut raw = Raw::connect(&network).await;
    raw.send(b"GET /usp HTTP/1.1\r\n").await;
    assert_eq!(far.failure().await.kind, FailureKind::Timeout);
    assert_eq!(start.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_request_in_single_octets_with_a_frame_behind_it_is_taken() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |_| {}).await;
    let mut raw = Raw::connect(&network).await;
    let request = upgrade_request("/usp?a=b&eid=doc::a");
    let (last, first) = request.as_bytes().split_last().unwrap();
    for octet in first {
        raw.send(&[*octet]).await;
        tokio::task::yield_now().await;
    }
    raw.send(&[&[*last], &crate::kit::masked(0x82, b"early")[..]].concat()).await;
    assert_eq!(far.opened().await.peer_eid(), Some("doc::a"));
    assert_eq!(far.record().await.0, b"early");
}

const GOOD_RESPONSE: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: upgrade\r\n\
                             Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: v1.usp\r\n\r\n";

/// What a response has instead, and what the client reports.
#[rstest]
#[case::no_subprotocol("Sec-WebSocket-Protocol: v1.usp\r\n", "", FailureKind::MissingSubprotocol, Some("R-WS.12"))]
#[case::other_subprotocol("v1.usp", "v2.usp", FailureKind::MissingSubprotocol, Some("R-WS.12"))]
#[case::status("101 Switching Protocols", "503 Busy", FailureKind::UpgradeRefused { status: 503 }, None)]
#[case::redirect("101 Switching Protocols", "302 Found", FailureKind::UpgradeRefused { status: 302 }, None)]
#[case::accept("{accept}", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", FailureKind::MalformedHandshake, Some("RFC 6455 4.1"))]
#[case::no_upgrade("Upgrade: WebSocket\r\n", "", FailureKind::MalformedHandshake, Some("RFC 6455 4.1"))]
#[case::extension(
    "\r\n\r\n",
    "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
    FailureKind::MalformedHandshake,
    Some("RFC 6455 4.1")
)]
#[case::garbage("HTTP/1.1", "SSH-2.0", FailureKind::MalformedHandshake, Some("RFC 6455 4.1"))]
#[tokio::test(start_paused = true)]
async fn the_client_refuses(
    #[case] part: &str,
    #[case] instead: &str,
    #[case] kind: FailureKind,
    #[case] requirement: Option<&str>,
) {
    assert!(GOOD_RESPONSE.contains(part));
    let mut far = answered_with(&GOOD_RESPONSE.replace(part, instead)).await;
    let failure = far.failure().await;
    assert_eq!((failure.kind, failure.requirement.as_deref()), (kind, requirement));
    let kept = far.seen.iter().find_map(|event| match &event.what {
        MtpHappening::Handshake { response, .. } => Some(response.clone()),
        _ => None,
    });
    assert_eq!(kept.flatten().is_none(), instead == "SSH-2.0", "the response must be in the event");
    assert!(!far.handle.is_open());
}

#[rstest]
#[case::as_it_is("", "")]
#[case::extension_not_asked_for("\r\n\r\n", "\r\nSec-WebSocket-Extensions: bbf-usp-protocol; eid=\"doc::a\"\r\n\r\n")]
#[tokio::test(start_paused = true)]
async fn the_client_takes(#[case] part: &str, #[case] instead: &str) {
    let mut far = answered_with(&GOOD_RESPONSE.replacen(part, instead, 1)).await;
    assert_eq!(far.opened().await.peer_eid(), (!part.is_empty()).then_some("doc::a"));
}

/// A far side whose upgrade a server answers with that text.
async fn answered_with(response: &str) -> Far {
    let network = MemoryNetwork::new();
    let mut listener = network.listen(&address()).await.unwrap();
    let far = Far::start(&network, connect(), |_| {}).await;
    let mut raw = Raw(listener.accept().await.unwrap().0);
    let request = raw.head().await;
    let key = request.split("Sec-WebSocket-Key: ").nth(1).unwrap().split("\r\n").next().unwrap();
    let accept = tokio_tungstenite::tungstenite::handshake::derive_accept_key(key.as_bytes());
    raw.send(response.replace("{accept}", &accept).as_bytes()).await;
    // The peer stays until the test is over.
    tokio::spawn(async move {
        let _rest = raw.rest().await;
        listener.accept().await.map(|_| ())
    });
    far
}

#[rstest]
#[case::refuse(UpgradeAnswer::Refuse(503), FailureKind::UpgradeRefused { status: 503 })]
#[case::silence(UpgradeAnswer::Silence, FailureKind::Timeout)]
#[case::hang_up(UpgradeAnswer::HangUp, FailureKind::StreamEnded)]
#[tokio::test(start_paused = true)]
async fn a_far_side_refuses_when_told_to_and_accepts_again(#[case] answer: UpgradeAnswer, #[case] seen: FailureKind) {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |config| config.behaviour.answer = answer).await;
    let mut agent = Agent::start(&network, connect(), |_| {}).await;
    assert_eq!(agent.failure().await.kind, seen);
    far.handle.set_behaviour(WsBehaviour::default());
    far.opened().await;
    agent.opened().await;
}

#[tokio::test(start_paused = true)]
async fn an_agent_with_a_fault_goes_on_without_subprotocol() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |config| config.behaviour.answer_subprotocol = None).await;
    let mut good = Agent::start(&network, connect(), |_| {}).await;
    assert_eq!(good.failure().await.requirement.as_deref(), Some("R-WS.12"));
    let mut faulty = Agent::start(&network, connect(), |config| config.behaviour.require_subprotocol = false).await;
    faulty.opened().await;
    assert_eq!(far.opened().await.subprotocol, None);
}

#[tokio::test(start_paused = true)]
async fn a_second_session_is_noted_and_becomes_the_current_one() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |_| {}).await;
    let mut first = Raw::open(&network).await;
    far.opened().await;
    let one = far.seen.last().unwrap().connection;
    let mut second = Raw::open(&network).await;
    let by = far
        .until(|what| match what {
            MtpHappening::Superseded { by } => Some(*by),
            _ => None,
        })
        .await;
    assert_eq!(far.seen.last().unwrap().connection, one);
    far.opened().await;
    assert_eq!(far.seen.last().unwrap().connection, by);
    far.handle.send_record(&b"new"[..]).await.unwrap();
    far.handle.at(one).send_record(&b"old"[..]).await.unwrap();
    assert_eq!(second.octets(5).await, b"\x82\x03new");
    assert_eq!(first.octets(5).await, b"\x82\x03old");
    drop(second);
    far.closed().await;
    far.handle.send_record(&b"back"[..]).await.unwrap();
    assert_eq!(first.octets(6).await, b"\x82\x04back");
}

#[tokio::test(start_paused = true)]
async fn another_peers_session_supersedes_nothing() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |_| {}).await;
    let _one = Agent::start(&network, connect(), |_| {}).await;
    far.opened().await;
    let _other = Agent::start(&network, connect(), |config| config.endpoint_id = "self::other".to_owned()).await;
    far.opened().await;
    assert!(!far.seen.iter().any(|event| matches!(event.what, MtpHappening::Superseded { .. })));
}

#[rstest]
#[case::close_first(SecondSession::CloseFirst)]
#[case::refuse_second(SecondSession::RefuseSecond)]
#[tokio::test(start_paused = true)]
async fn an_agent_keeps_to_one_session(#[case] policy: SecondSession) {
    let network = MemoryNetwork::new();
    let mut agent = Agent::start(&network, listen(), |config| config.behaviour.second_session = policy).await;
    let mut far = Far::start(&network, connect(), |_| {}).await;
    far.opened().await;
    agent.opened().await;
    let first = far.seen.last().unwrap().connection;
    let second = far.handle.open_another().unwrap();
    if policy == SecondSession::CloseFirst {
        let closing = far.closed().await;
        assert_eq!((closing.by, closing.code), (EndedBy::Peer, Some(1000)));
        assert_eq!(far.seen.last().unwrap().connection, first);
        assert!(far.handle.at(second).is_open());
    } else {
        assert_eq!(far.failure().await.kind, FailureKind::UpgradeRefused { status: 409 });
        assert_eq!(far.seen.last().unwrap().connection, second);
        assert!(far.handle.at(first).is_open());
    }
}

#[tokio::test(start_paused = true)]
async fn an_independent_client_gets_in() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |_| {}).await;
    let mut request = "ws://controller:8080/usp?eid=doc::a".into_client_request().unwrap();
    request.headers_mut().insert("Sec-WebSocket-Protocol", "v1.usp".parse().unwrap());
    let stream = network.connect(&address()).await.unwrap();
    let (_socket, response) = tokio_tungstenite::client_async(request, stream).await.unwrap();
    assert_eq!(response.headers()["Sec-WebSocket-Protocol"], "v1.usp");
    assert_eq!(far.opened().await.peer_eid(), Some("doc::a"));
}

#[tokio::test(start_paused = true)]
#[allow(clippy::result_large_err)] // tungstenite's own signature
async fn an_independent_server_lets_in() {
    let network = MemoryNetwork::new();
    let mut listener = network.listen(&address()).await.unwrap();
    let mut far = Far::start(&network, connect(), |_| {}).await;
    let (stream, _) = listener.accept().await.unwrap();
    let answer = |request: &Request, mut response: Response| {
        assert_eq!(decode_eid(request.uri().query().unwrap()).unwrap(), "eid=self::controller");
        response.headers_mut().insert("Sec-WebSocket-Protocol", "v1.usp".parse().unwrap());
        Ok(response)
    };
    let mut socket = tokio_tungstenite::accept_hdr_async(stream, answer).await.unwrap();
    far.opened().await;
    socket.get_mut().shutdown().await.unwrap();
    assert_eq!(far.closed().await.by, EndedBy::Broken);
}
