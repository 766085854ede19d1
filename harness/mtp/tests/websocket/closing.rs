//! The end of sessions and streams (R-WS.8, R-WS.16, R-WS.17; RFC 6455 section 7).

use std::time::Duration;

use rstest::rstest;
use tokio::time::{Instant, sleep};
use uspec_mtp::event::{ConnectionId, Direction, EndedBy, FailureKind, Opcode};
use uspec_mtp::network::MemoryNetwork;
use uspec_mtp::websocket::KeepAlive;
use uspec_mtp::{MtpError, websocket::close_code};

use crate::kit::{Agent, Far, Raw, connect, listen, masked, pair};

#[tokio::test(start_paused = true)]
async fn the_far_side_closes() {
    let (mut far, mut agent) = pair().await;
    far.handle.close(close_code::NORMAL, "bye").await.unwrap();
    let closing = agent.closed().await;
    assert_eq!((closing.by, closing.code, &*closing.reason, closing.clean), (EndedBy::Peer, Some(1000), "bye", true));
    let answer = far.frame(Direction::Received).await;
    assert_eq!((answer.opcode, &answer.payload[..]), (Opcode::Close, &b"\x03\xE8"[..]));
    let closing = far.closed().await;
    assert_eq!((closing.by, closing.code, closing.clean), (EndedBy::Us, Some(1000), true));
    assert!(!far.handle.is_open());
    assert!(matches!(far.handle.send_record(&b"x"[..]).await, Err(MtpError::NotOpen)));
    assert_eq!(far.ended().await, EndedBy::Us, "the server ends the stream");
}

#[tokio::test(start_paused = true)]
async fn behind_its_close_an_end_sends_no_record() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |_| {}).await;
    let mut raw = Raw::open(&network).await;
    far.opened().await;
    far.handle.close(close_code::NORMAL, "").await.unwrap();
    assert!(matches!(far.handle.send_record(&b"late"[..]).await, Err(MtpError::Lost)));
    raw.send(&masked(0x88, b"\x03\xE8")).await;
    assert_eq!(raw.rest().await, b"\x88\x02\x03\xE8");
}

#[rstest]
#[case(close_code::UNSUPPORTED_DATA)]
#[case(close_code::GOING_AWAY)]
#[case(4999)]
#[tokio::test(start_paused = true)]
async fn the_agent_closes(#[case] code: u16) {
    let (mut far, mut agent) = pair().await;
    agent.handle.close(code, "Record not understood").await.unwrap();
    let closing = far.closed().await;
    assert_eq!((closing.by, closing.code, closing.clean), (EndedBy::Peer, Some(code), true));
    assert_eq!(closing.reason, "Record not understood");
    assert!(agent.closed().await.clean);
}

#[tokio::test(start_paused = true)]
async fn a_close_without_code_is_answered_without_code() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |_| {}).await;
    let mut raw = Raw::open(&network).await;
    raw.send(&masked(0x88, b"")).await;
    assert_eq!(raw.rest().await, b"\x88\x00");
    let closing = far.closed().await;
    assert_eq!((closing.by, closing.code, closing.clean), (EndedBy::Peer, None, true));
}

#[tokio::test(start_paused = true)]
async fn a_close_that_is_not_answered_ends_after_ten_seconds() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |_| {}).await;
    let mut raw = Raw::open(&network).await;
    far.handle.close(1000, "").await.unwrap();
    let start = Instant::now();
    raw.send(&masked(0x82, b"still here")).await;
    assert_eq!(far.record().await.0, b"still here");
    assert_eq!(far.failure().await.kind, FailureKind::Timeout);
    let closing = far.closed().await;
    assert_eq!((closing.by, closing.code, closing.clean), (EndedBy::Us, Some(1000), false));
    assert_eq!(start.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_long_reason_is_cut_to_what_a_frame_holds() {
    let (far, mut agent) = pair().await;
    far.handle.close(1000, &"ä".repeat(100)).await.unwrap();
    assert_eq!(agent.closed().await.reason, "ä".repeat(61));
}

#[rstest]
#[case::between_frames(b"", "without a Close")]
#[case::in_a_header(b"\x82", "after 1 octets")]
#[case::in_a_payload(b"\x82\x85\0\0\0\0abc", "after 9 octets")]
#[tokio::test(start_paused = true)]
async fn a_stream_that_ends_early_is_told_apart(#[case] begun: &[u8], #[case] text: &str) {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |_| {}).await;
    let mut raw = Raw::open(&network).await;
    raw.send(begun).await;
    drop(raw);
    let failure = far.failure().await;
    assert_eq!(failure.kind, FailureKind::StreamEnded);
    assert!(failure.text.contains(text), "{failure}");
    let closing = far.closed().await;
    assert_eq!((closing.by, closing.code, closing.clean), (EndedBy::Broken, None, false));
    assert_eq!(far.ended().await, EndedBy::Peer);
}

#[tokio::test(start_paused = true)]
async fn a_broken_stream_is_a_broken_stream() {
    let (mut far, mut agent) = pair().await;
    far.handle.drop_connection().await.unwrap();
    assert!(!far.handle.is_open());
    let closing = far.closed().await;
    assert_eq!((closing.by, closing.code), (EndedBy::Us, None));
    assert_eq!(far.ended().await, EndedBy::Us);
    let closing = agent.closed().await;
    assert_eq!((closing.by, closing.code, closing.clean), (EndedBy::Broken, None, false));
}

#[tokio::test(start_paused = true)]
async fn hanging_up_sends_no_close() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |_| {}).await;
    let mut raw = Raw::open(&network).await;
    far.opened().await;
    let handle = far.handle.clone();
    let hanging_up = tokio::spawn(async move { handle.hang_up().await });
    assert_eq!(raw.rest().await, b"");
    drop(raw);
    hanging_up.await.unwrap().unwrap();
    assert_eq!(far.closed().await.code, None);
}

#[tokio::test(start_paused = true)]
async fn an_agent_with_a_fault_ignores_a_close() {
    let (mut far, agent) = pair().await;
    agent.handle.change_behaviour(|behaviour| behaviour.answer_close = false);
    far.handle.close(1000, "").await.unwrap();
    assert_eq!(far.failure().await.kind, FailureKind::Timeout);
    assert!(!far.closed().await.clean);
}

#[tokio::test(start_paused = true)]
async fn the_agent_pings_at_its_interval_and_follows_a_change() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |_| {}).await;
    let agent = Agent::start(&network, connect(), |config| {
        config.keep_alive = Some(KeepAlive::every(Duration::from_secs(7)));
    })
    .await;
    far.opened().await;
    let mut last = Instant::now();
    for _ in 0..3 {
        assert_eq!(far.frame(Direction::Received).await.opcode, Opcode::Ping);
        assert_eq!(last.elapsed(), Duration::from_secs(7));
        last = Instant::now();
    }
    agent.handle.set_keep_alive(Some(KeepAlive::every(Duration::from_secs(2))));
    assert_eq!(far.frame(Direction::Received).await.opcode, Opcode::Ping);
    assert_eq!(last.elapsed(), Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn the_agent_leaves_a_session_whose_peer_is_silent() {
    let network = MemoryNetwork::new();
    let far = Far::start(&network, listen(), |config| config.behaviour.answer_pings = false).await;
    let mut agent = Agent::start(&network, connect(), |config| {
        let (interval, answer_within) = (Duration::from_secs(30), Some(Duration::from_secs(10)));
        config.keep_alive = Some(KeepAlive { interval, answer_within });
    })
    .await;
    agent.opened().await;
    let start = Instant::now();
    let failure = agent.failure().await;
    assert_eq!((failure.kind, failure.requirement.as_deref()), (FailureKind::Timeout, Some("R-WS.17")));
    assert_eq!(start.elapsed().as_secs(), 40);
    assert_eq!(agent.closed().await.by, EndedBy::Broken);
    drop(far);
}

#[tokio::test(start_paused = true)]
async fn an_answered_keep_alive_keeps_alive() {
    let (mut far, mut agent) = pair().await;
    sleep(Duration::from_secs(600)).await;
    assert!(far.handle.is_open() && agent.handle.is_open());
    agent.handle.send_record(&b"still"[..]).await.unwrap();
    far.record().await;
    assert!(agent.events.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_read_is_given_up() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |_| {}).await;
    let raw = Raw::open(&network).await;
    far.opened().await;
    let start = Instant::now();
    assert!(matches!(far.handle.send_record(vec![0; 1024 * 1024]).await, Err(MtpError::Lost)));
    assert_eq!(start.elapsed().as_secs(), 60);
    assert_eq!(far.failure().await.kind, FailureKind::Timeout);
    drop(raw);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_says_goodbye_and_frees_the_port() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |_| {}).await;
    let mut agent = Agent::start(&network, connect(), |_| {}).await;
    far.opened().await;
    agent.opened().await;
    far.handle.shutdown().await;
    let closing = agent.closed().await;
    assert_eq!((closing.by, closing.code, closing.clean), (EndedBy::Peer, Some(1001), true));
    assert!(far.closed().await.clean);
    assert!(matches!(far.handle.send_record(&b"x"[..]).await, Err(MtpError::NotOpen)));
    let _again = Far::start(&network, listen(), |_| {}).await;
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_does_not_wait_for_a_silent_peer() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |_| {}).await;
    let raw = Raw::open(&network).await;
    let half_open = Raw::connect(&network).await;
    far.opened().await;
    let start = Instant::now();
    far.handle.shutdown().await;
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    drop((raw, half_open));
}

#[tokio::test(start_paused = true)]
async fn an_end_without_a_handle_ends() {
    let (far, mut agent) = pair().await;
    drop(far);
    assert_eq!(agent.closed().await.code, Some(1001));
}

#[tokio::test(start_paused = true)]
async fn an_unknown_connection_is_not_open() {
    let (far, _agent) = pair().await;
    let other = far.handle.at(ConnectionId(99));
    assert!(!other.is_open());
    assert!(matches!(other.ping(&b""[..]).await, Err(MtpError::NotOpen)));
}
