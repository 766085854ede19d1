//! The Controller as a client of a STOMP server that is there already; our own plays it.

use std::time::Duration;

use uspec_mtp::event::{ConnectionId, Direction, EndedBy, FailureKind, MtpHappening};
use uspec_mtp::network::MemoryNetwork;
use uspec_mtp::stomp::{HeaderChange, Login, StompFarConfig, StompHandle, StompPlace};

use crate::kit::{AGENT, Agent, Far, TO_AGENT, TO_CONTROLLER, address, has_header, header};

/// The destination of the Controller that is built into the server, which has no part in it.
const ELSEWHERE: &str = "/queue/elsewhere";

async fn server(network: &MemoryNetwork, change: impl FnOnce(&mut StompFarConfig)) -> StompHandle {
    Far::place(network, StompPlace::broker(address()), ELSEWHERE, change).await.drain().0
}

async fn beside(network: &MemoryNetwork, change: impl FnOnce(&mut StompFarConfig)) -> Far {
    Far::place(network, StompPlace::beside(address()), TO_CONTROLLER, change).await
}

/// A Record of the Agent's with nothing but `record_type` in addition.
fn record(field: u8) -> Vec<u8> {
    let text = |field: u8, text: &str| [&[field << 3 | 2, u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    [text(1, "1.3"), text(3, AGENT), text(field, "")].concat()
}

/// An Agent that has connected to the server; the server has taken its subscription once this Record is there.
async fn connected(network: &MemoryNetwork, far: &mut Far) -> Agent {
    let mut agent = Agent::start(network, |config| config.login = Some(Login::new("user", "pass"))).await;
    agent.opened().await;
    agent.handle.send_record_to(TO_CONTROLLER, record(11)).await.unwrap();
    far.record().await;
    agent
}

#[tokio::test(start_paused = true)]
async fn it_logs_in_subscribes_and_learns_where_the_agent_is() {
    let network = MemoryNetwork::new();
    let login = || Some(Login::new("user", "pass"));
    let _server = server(&network, |config| config.login = login()).await;
    let place = StompPlace::Beside {
        address: address(),
        tls: None,
        virtual_host: Some("/".to_owned()),
        heart_beat: Some((5000, 6000)),
        reconnect: uspec_mtp::websocket::Retry::Never,
    };
    let mut far = Far::place(&network, place, TO_CONTROLLER, |config| config.login = login()).await;
    let opening = far.packet(Direction::Sent, "STOMP").await;
    assert_eq!((header(&opening, "host"), header(&opening, "login")), ("/", "user"));
    assert_eq!((header(&opening, "passcode"), header(&opening, "heart-beat")), ("pass", "5000,6000"));
    let subscribe = far.packet(Direction::Sent, "SUBSCRIBE").await;
    assert_eq!((header(&subscribe, "destination"), header(&subscribe, "ack")), (TO_CONTROLLER, "auto"));
    assert!(!far.handle.is_open(), "nobody knows where the Agent is");
    let mut agent = connected(&network, &mut far).await;
    assert!(far.handle.is_open());
    let open = far.seen.iter().find_map(|event| match &event.what {
        MtpHappening::Open(open) => Some(open.clone()),
        _ => None,
    });
    assert_eq!(open.unwrap().eid.as_deref(), Some(AGENT));
    far.handle.send_record(&b"request"[..]).await.unwrap();
    let (bytes, route) = agent.record().await;
    assert_eq!((&bytes[..], route.reply_to.as_deref()), (&b"request"[..], Some(TO_CONTROLLER)));
    agent.handle.send_record(&b"response"[..]).await.unwrap();
    let (bytes, route) = far.record().await;
    assert_eq!((&bytes[..], route.reply_to.as_deref()), (&b"response"[..], Some(TO_AGENT)));
    assert_eq!(far.failures(), []);
}

#[tokio::test(start_paused = true)]
async fn with_a_configured_destination_it_is_open_at_once() {
    let network = MemoryNetwork::new();
    let _server = server(&network, |_| {}).await;
    let mut agent = Agent::start(&network, |_| {}).await;
    agent.opened().await;
    // The server has no memory for those who come later: the Agent is there first.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut far = beside(&network, |config| config.agent_destination = Some(TO_AGENT.to_owned())).await;
    far.opened().await;
    far.handle.send_record(&b"request"[..]).await.unwrap();
    assert_eq!(agent.record().await.0, b"request");
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_connects_anew_is_another_connection() {
    let network = MemoryNetwork::new();
    let _server = server(&network, |_| {}).await;
    let mut far = beside(&network, |_| {}).await;
    let mut agent = connected(&network, &mut far).await;
    assert!(!far.seen.iter().any(|event| matches!(event.what, MtpHappening::Closed(_))), "the first is no other");
    agent.handle.send_record_to(TO_CONTROLLER, record(7)).await.unwrap();
    far.record().await;
    agent.handle.send_record_to(TO_CONTROLLER, record(11)).await.unwrap();
    let closing = far.closed().await;
    assert_eq!((closing.by, closing.clean), (EndedBy::Peer, false));
    let former = far.seen.last().unwrap().connection;
    assert_eq!(far.ended().await, EndedBy::Peer);
    let (id, open) = {
        let packet = far.next().await;
        assert!(matches!(packet.what, MtpHappening::Packet { .. }), "the packet is the new connection's: {packet:?}");
        let (id, open) = far.opened().await;
        assert_eq!(packet.connection, id);
        (id, open)
    };
    assert!(id > former && former != ConnectionId::END);
    assert_eq!(open.eid.as_deref(), Some(AGENT));
    assert_eq!(far.record().await.0, record(11));
    assert!(!far.handle.at(former).is_open());
    far.handle.at(id).send_record(&b"request"[..]).await.unwrap();
    assert_eq!(agent.record().await.0, b"request");
    far.handle.disconnect().await;
    assert!(far.closed().await.clean);
    assert_eq!(far.seen.last().unwrap().connection, id);
    far.ended().await;
    assert_eq!(far.seen.last().unwrap().connection, id);
}

#[tokio::test(start_paused = true)]
async fn it_connects_again_and_still_knows_where_the_agent_is() {
    let network = MemoryNetwork::new();
    let server = server(&network, |_| {}).await;
    let mut far = beside(&network, |_| {}).await;
    let mut agent = connected(&network, &mut far).await;
    far.handle.drop_connection().await.unwrap();
    far.closed().await;
    far.opened().await;
    far.handle.send_record(&b"request"[..]).await.unwrap();
    assert_eq!(agent.record().await.0, b"request");
    server.disconnect().await;
    far.closed().await;
    far.until(|what| {
        matches!(what, MtpHappening::Failed(failure) if failure.kind == FailureKind::ConnectFailed).then_some(())
    })
    .await;
    server.reconnect();
    far.opened().await;
}

#[tokio::test(start_paused = true)]
async fn its_messages_can_be_altered() {
    let network = MemoryNetwork::new();
    let _server = server(&network, |_| {}).await;
    let mut far = beside(&network, |_| {}).await;
    let mut agent = connected(&network, &mut far).await;
    far.handle.change_behaviour(|behaviour| {
        behaviour.message.reply_to = HeaderChange::Omit;
        behaviour.message.content_type = HeaderChange::Set("text/plain".to_owned());
        behaviour.message.extra_headers.push(("x-more".to_owned(), "yes".to_owned()));
    });
    far.handle.send_record(&b"request"[..]).await.unwrap();
    let send = far.packet(Direction::Sent, "SEND").await;
    assert!(!has_header(&send, "reply-to-dest"));
    assert_eq!((header(&send, "content-type"), header(&send, "x-more")), ("text/plain", "yes"));
    assert_eq!(agent.record().await.1.reply_to, None);
}

#[tokio::test(start_paused = true)]
async fn what_the_server_does_wrong_is_not_the_agents() {
    let network = MemoryNetwork::new();
    let server = server(&network, |_| {}).await;
    let mut far = beside(&network, |_| {}).await;
    connected(&network, &mut far).await;
    // The newest open session of the server is the Agent's, the one before it the Controller's.
    server.at(ConnectionId(1)).send_octets(&b"NONSENSE\n\n\0"[..]).await.unwrap();
    assert_eq!(far.failure().await.kind, FailureKind::ProtocolViolation);
    assert_eq!(far.seen.last().unwrap().connection, ConnectionId::END);
    far.closed().await;
    far.opened().await;
}
