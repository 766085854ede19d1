//! Errors that are sent and that come, and the ends of connections (R-UDS.21, R-UDS.23, R-UDS.25).

use std::time::Duration;

use rstest::rstest;
use tokio::time::{Instant, sleep};
use uspec_mtp::MtpError;
use uspec_mtp::event::{ConnectionId, EndedBy, FailureKind};
use uspec_mtp::network::{MemoryNetwork, Network};
use uspec_mtp::tls::{CertificateAuthority, TlsError, TlsMaterial};
use uspec_mtp::uds::{HandshakeSent, Tlv};

use crate::kit::{Agent, CONTROLLER, Far, Raw, address, connect, frame, listen, pair};

#[tokio::test(start_paused = true)]
async fn an_agent_refuses_a_record_it_cannot_decode() {
    let (mut far, mut agent) = pair().await;
    far.handle.send_record("a text").await.unwrap();
    agent.record().await;
    agent.handle.error("the Record is not protobuf").await.unwrap();
    let closing = agent.closed().await;
    assert_eq!((closing.by, &*closing.reason, closing.clean), (EndedBy::Us, "the Record is not protobuf", false));
    let closing = far.closed().await;
    assert_eq!((closing.by, closing.clean), (EndedBy::Peer, false));
    assert_eq!(closing.reason, "the peer sent an Error: the Record is not protobuf");
    far.ended().await;
    assert_eq!(far.story(1)[6..], ["<ERROR", "closed by Peer, unclean", "ended by Us"]);
}

#[tokio::test(start_paused = true)]
async fn an_error_ends_the_connection_whenever_it_comes() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |_| {}).await;
    let mut raw = Raw::connect(&network).await;
    raw.send(&[frame(2, b"no"), frame(3, b"behind it")].concat()).await;
    assert!(raw.rest().await.is_empty());
    let failure = far.failure().await;
    assert_eq!((failure.kind, &*failure.text), (FailureKind::Refused { reason: 0 }, "the peer sent an Error: no"));
    drop(raw);
    far.ended().await;
    let mut raw = Raw::open(&network).await;
    raw.send(&[frame(2, b"\xFFno"), frame(3, b"behind it")].concat()).await;
    assert!(raw.rest().await.is_empty());
    drop(raw);
    assert_eq!(far.closed().await.reason, "the peer sent an Error: \u{FFFD}no");
    far.ended().await;
    assert_eq!(
        far.story(2),
        ["attempt", "<HANDSHAKE", ">HANDSHAKE", "open", "<ERROR", "closed by Peer, unclean", "ended by Us"]
    );
}

#[tokio::test(start_paused = true)]
async fn an_error_alone_shows_whether_the_peer_ends_the_connection() {
    let (mut far, mut agent) = pair().await;
    far.handle.send_frame(vec![Tlv::error("go away")]).await.unwrap();
    assert_eq!(agent.closed().await.by, EndedBy::Peer);
    assert_eq!(far.ended().await, EndedBy::Peer, "R-UDS.25");
    agent.opened().await;
    agent.handle.change_behaviour(|behaviour| behaviour.obey_errors = false);
    far.opened().await;
    far.handle.send_frame(vec![Tlv::error("go away")]).await.unwrap();
    sleep(Duration::from_secs(60)).await;
    assert!(far.handle.is_open(), "a fault");
    agent.handle.send_record("still here").await.unwrap();
    assert_eq!(far.record().await, b"still here");
}

#[tokio::test(start_paused = true)]
async fn hanging_up_is_the_goodbye() {
    let (mut far, mut agent) = pair().await;
    far.handle.hang_up().await.unwrap();
    let closing = agent.closed().await;
    assert_eq!((closing.by, closing.code, closing.clean), (EndedBy::Peer, None, true));
    let closing = far.closed().await;
    assert_eq!((closing.by, closing.clean), (EndedBy::Us, true));
    assert_eq!(far.ended().await, EndedBy::Us);
    assert!(matches!(far.handle.send_record("x").await, Err(MtpError::NotOpen)));
}

#[tokio::test(start_paused = true)]
async fn a_broken_stream_is_no_goodbye() {
    let (mut far, mut agent) = pair().await;
    agent.handle.drop_connection().await.unwrap();
    let closing = far.closed().await;
    assert_eq!((closing.by, closing.clean), (EndedBy::Broken, false));
    assert_eq!(far.ended().await, EndedBy::Broken);
    let closing = agent.closed().await;
    assert_eq!((closing.by, closing.clean), (EndedBy::Us, false));
}

#[tokio::test(start_paused = true)]
async fn what_was_sent_last_arrives() {
    let (far, mut agent) = pair().await;
    far.handle.send_record(vec![5; 40_000]).await.unwrap();
    far.handle.hang_up().await.unwrap();
    assert_eq!(agent.record().await.len(), 40_000);
    assert!(agent.closed().await.clean);
}

#[rstest]
#[case::open(HandshakeSent::Own)]
#[case::greeting(HandshakeSent::Withheld)]
#[tokio::test(start_paused = true)]
async fn disconnecting_ends_every_connection(#[case] handshake: HandshakeSent) {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |config| config.behaviour.handshake = handshake).await;
    let mut streams = Vec::new();
    for _ in 0..3 {
        let mut raw = Raw::connect(&network).await;
        raw.send(&frame(1, b"self::agent")).await;
        streams.push(raw);
    }
    sleep(Duration::from_secs(1)).await;
    let handle = far.handle.clone();
    let ending = tokio::spawn(async move { handle.disconnect().await });
    for raw in &mut streams {
        raw.rest().await;
    }
    drop(streams);
    ending.await.unwrap();
    for _ in 0..3 {
        far.ended().await;
    }
    assert!(network.connect(&address()).await.is_err(), "nobody listens");
    far.handle.reconnect();
    sleep(Duration::from_secs(1)).await;
    assert!(network.connect(&address()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_says_goodbye_and_frees_the_path() {
    let (mut far, mut agent) = {
        let network = MemoryNetwork::new();
        let far = Far::start(&network, listen(), |_| {}).await;
        let agent = Agent::start(&network, connect(), |_| {}).await;
        (far, agent)
    };
    far.opened().await;
    agent.opened().await;
    far.handle.shutdown().await;
    assert!(agent.closed().await.clean);
    let closing = far.closed().await;
    assert_eq!((closing.by, closing.clean), (EndedBy::Us, true));
    agent.handle.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_does_not_wait_for_a_silent_peer() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |_| {}).await;
    let raw = Raw::open(&network).await;
    let half_open = Raw::connect(&network).await;
    far.opened().await;
    let handle = far.handle.clone();
    let stuck = tokio::spawn(async move { handle.send_record(vec![0; 1024 * 1024]).await });
    sleep(Duration::from_secs(1)).await;
    let start = Instant::now();
    far.handle.shutdown().await;
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert!(matches!(stuck.await.unwrap(), Err(MtpError::Lost)));
    let _far = Far::start(&network, listen(), |_| {}).await;
    drop((raw, half_open));
}

#[tokio::test(start_paused = true)]
async fn an_end_without_a_handle_ends() {
    let (far, mut agent) = pair().await;
    drop(far);
    assert!(agent.closed().await.clean);
}

#[tokio::test(start_paused = true)]
async fn there_is_no_tls_and_no_unknown_connection() {
    let (far, _agent) = pair().await;
    let authority = CertificateAuthority::generate("test").unwrap();
    let identity = TlsMaterial::generate(CONTROLLER, &authority).unwrap();
    assert!(matches!(far.handle.set_identity(identity), Err(MtpError::Tls(TlsError::NotInUse))));
    let other = far.handle.at(ConnectionId(99));
    assert!(!other.is_open());
    assert!(matches!(other.error("x").await, Err(MtpError::NotOpen)));
    assert!(matches!(far.handle.open_another(), Err(MtpError::Config(_))));
}
