//! Malformed and misplaced frames: each is told with the place that says so and its octets, and the server goes on with other clients.

use std::time::Duration;

use rstest::rstest;
use tokio::time::timeout;
use uspec_mtp::event::{EndedBy, FailureKind, MtpHappening};
use uspec_mtp::network::MemoryNetwork;

use crate::kit::{Far, Raw, TO_CONTROLLER, pair_with};

const OPENING: &str = "STOMP\naccept-version:1.2\nhost:broker\n\n\0";

/// What comes in place of the opening frame, or behind it.
#[rstest]
#[case::no_command(b"HELLO\n\n\0", false, "Frames and Headers", b"H")]
#[case::http(b"GET / HTTP/1.1\r\n\r\n", false, "Frames and Headers", b"GET / HTTP/1.1")]
#[case::tls(&[22, 3, 1, 0, 200, 1], false, "Frames and Headers", &[22, 3, 1])]
#[case::a_servers_frame(b"MESSAGE\n\n\0", false, "Frames and Headers", b"MESSAGE")]
#[case::not_open(b"SEND\ndestination:/a\n\n\0", false, "Connecting", b"SEND\ndestination:/a\n\n")]
#[case::no_version(b"STOMP\nhost:a\n\n\0", false, "CONNECT or STOMP Frame", b"STOMP\nhost:a\n\n")]
#[case::open_already(OPENING.as_bytes(), true, "CONNECT or STOMP Frame", b"STOMP\naccept-version")]
#[case::no_destination(b"SEND\ncontent-length:0\n\n\0", true, "SEND", b"SEND\ncontent-length:0\n\n")]
#[case::no_id(b"SUBSCRIBE\ndestination:/a\n\n\0", true, "SUBSCRIBE", b"SUBSCRIBE\ndestination:/a\n\n")]
#[case::no_id_to_end(b"UNSUBSCRIBE\n\n\0", true, "UNSUBSCRIBE", b"UNSUBSCRIBE\n\n")]
#[case::no_colon(b"SEND\ndestination=/a\n\n\0", true, "Augmented BNF", b"destination=/a")]
#[case::no_name(b"SEND\n:/a\n\n\0", true, "Augmented BNF", b":/a")]
#[case::escape(b"SEND\ndestination:/\\a\n\n\0", true, "Value Encoding", b"destination:/\\a")]
#[case::carriage_return(b"SEND\ndestination:/\ra\n\n\0", true, "Value Encoding", b"destination:/\ra")]
#[case::no_utf8(b"SEND\ndestination:/\xC3\x28\n\n\0", true, "STOMP Frames", b"destination:/\xC3\x28")]
#[case::no_empty_line(b"SEND\ndestination:/a\0", true, "STOMP Frames", b"destination:/a\0")]
#[case::no_number(b"SEND\ndestination:/a\ncontent-length:0x3\n\nabc\0", true, "Header content-length", b"SEND\n")]
#[case::no_nul(b"SEND\ndestination:/a\ncontent-length:3\n\nabcd\0", true, "Header content-length", b"abcd\0")]
#[case::too_large(b"SEND\ndestination:/a\ncontent-length:65537\n\n", true, "Size Limits", b"SEND\n")]
#[case::too_many_headers(&[b"SEND\n".to_vec(), b"a:b\n".repeat(200)].concat(), true, "Size Limits", b"a:b")]
#[case::head_too_large(&[b"SEND\na:".to_vec(), vec![b'b'; 70_000]].concat(), true, "Size Limits", b"a:bbb")]
#[tokio::test(start_paused = true)]
async fn ends_the_connection(
    #[case] octets: &[u8],
    #[case] open: bool,
    #[case] section: &str,
    #[case] evidence: &[u8],
) {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, |config| config.max_record = 65_536).await;
    let mut other = Raw::subscribed(&network, "/queue/other").await;
    let mut raw = if open { Raw::open(&network).await } else { Raw::connect(&network).await };
    raw.send(octets).await;
    let failure = far.failure().await;
    assert_eq!(failure.kind, FailureKind::ProtocolViolation);
    assert_eq!(failure.requirement, Some(format!("STOMP 1.2 {section}")), "{failure}");
    assert!(failure.octets.starts_with(evidence), "{failure}: {:?}", failure.octets);
    assert!(failure.octets.len() <= 256);
    let answer = raw.frame().await;
    assert!(answer.starts_with("ERROR\n"), "{answer}");
    assert_eq!(raw.rest().await, b"");
    drop(raw);
    assert_eq!(far.ended().await, EndedBy::Us);
    if section == "Size Limits" {
        assert!(far.seen.iter().any(|event| matches!(event.what, MtpHappening::Oversized { limit: 65_536, .. })));
    }
    other.send("SEND\ndestination:/queue/other\n\nstill here\0").await;
    assert!(other.frame().await.ends_with("still here"));
}

/// What can be put up with: the connection goes on.
#[rstest]
#[case::colon(b"SEND\ndestination:/a:b\n\nx\0", "Value Encoding", b"destination:/a:b")]
#[case::body(b"SUBSCRIBE\nid:1\ndestination:/a\n\nbody\0", "Body", b"SUBSCRIBE\nid:1\n")]
#[case::ack(b"SUBSCRIBE\nid:1\ndestination:/a\nack:never\n\n\0", "SUBSCRIBE ack Header", b"SUBSCRIBE\nid:1\n")]
#[case::id_in_use(b"SUBSCRIBE\nid:0\ndestination:/b\n\n\0", "SUBSCRIBE id Header", b"SUBSCRIBE\nid:0\n")]
#[case::no_such_id(b"UNSUBSCRIBE\nid:7\n\n\0", "UNSUBSCRIBE", b"UNSUBSCRIBE\nid:7\n\n")]
#[case::ack_without_id(b"ACK\nmessage-id:7\n\n\0", "ACK", b"ACK\nmessage-id:7\n\n")]
#[tokio::test(start_paused = true)]
async fn is_told_and_put_up_with(#[case] octets: &[u8], #[case] section: &str, #[case] evidence: &[u8]) {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, |_| {}).await;
    let mut raw = Raw::subscribed(&network, "/queue/me").await;
    raw.send(octets).await;
    let failure = far.failure().await;
    assert_eq!(failure.requirement, Some(format!("STOMP 1.2 {section}")), "{failure}");
    assert!(failure.octets.starts_with(evidence), "{failure}: {:?}", failure.octets);
    raw.send("SEND\ndestination:/queue/nobody\nreceipt:r\n\n\0").await;
    assert_eq!(raw.frame().await, "RECEIPT\nreceipt-id:r\n\n");
    assert_eq!(far.failures().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_missing_host_is_told_and_put_up_with() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, |_| {}).await;
    let mut raw = Raw::connect(&network).await;
    raw.send("STOMP\naccept-version:1.2\n\n\0").await;
    assert_eq!(far.failure().await.requirement.as_deref(), Some("STOMP 1.2 CONNECT or STOMP Frame"));
    assert!(raw.frame().await.starts_with("CONNECTED\n"));
}

#[rstest]
#[case::begin("BEGIN\ntransaction:t\n\n\0")]
#[case::commit("COMMIT\ntransaction:t\n\n\0")]
#[case::abort("ABORT\ntransaction:t\n\n\0")]
#[tokio::test(start_paused = true)]
async fn transactions_are_not_offered(#[case] frame: &str) {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, |_| {}).await;
    let mut raw = Raw::open(&network).await;
    raw.send(frame).await;
    assert!(raw.frame().await.contains("is not offered"));
    let kind = frame.split('\n').next().unwrap();
    assert_eq!(far.received(kind).await.kind, kind);
    drop(raw);
    far.ended().await;
    assert_eq!(far.failures(), []);
}

#[tokio::test(start_paused = true)]
async fn nothing_may_follow_a_disconnect() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, |_| {}).await;
    let mut raw = Raw::subscribed(&network, "/queue/a").await;
    raw.send("DISCONNECT\nreceipt:bye\n\n\0SEND\ndestination:/queue/a\n\nx\0").await;
    assert_eq!(far.failure().await.requirement.as_deref(), Some("STOMP 1.2 DISCONNECT"));
    assert_eq!(raw.frame().await, "RECEIPT\nreceipt-id:bye\n\n");
    drop(raw);
    assert!(far.closed().await.clean);
}

#[tokio::test(start_paused = true)]
async fn a_frame_that_never_becomes_whole_is_given_up() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, |_| {}).await;
    let mut raw = Raw::open(&network).await;
    raw.send("SEND\ndestination:/a\ncontent-length:100\n\nshort\0").await;
    let failure = far.failure().await;
    assert_eq!(failure.requirement.as_deref(), Some("STOMP 1.2 STOMP Frames"));
    assert!(failure.octets.ends_with(b"short\0"), "{:?}", failure.octets);
    assert!(raw.frame().await.starts_with("ERROR\n"));
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_ends_inside_a_frame_shows_it() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, |_| {}).await;
    let mut raw = Raw::subscribed(&network, "/queue/a").await;
    raw.send("SEND\ndestination:/a").await;
    drop(raw);
    let failure = far.failure().await;
    assert_eq!((failure.kind, &failure.octets[..]), (FailureKind::StreamEnded, &b"SEND\ndestination:/a"[..]));
    let closing = far.closed().await;
    assert_eq!((closing.by, closing.clean), (EndedBy::Peer, false));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_only_asks_is_ended_at_last() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, |_| {}).await;
    let mut raw = Raw::open(&network).await;
    let receipt = "r".repeat(4000);
    let flood = format!("SEND\ndestination:/nobody\nreceipt:{receipt}\n\n\0");
    let flooding = tokio::spawn(async move {
        use tokio::io::AsyncWriteExt;
        while raw.0.write_all(flood.as_bytes()).await.is_ok() {}
    });
    far.failure().await;
    assert_ne!(far.ended().await, EndedBy::Peer);
    flooding.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_beats_is_a_few_events() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, |_| {}).await;
    let mut raw = Raw::open(&network).await;
    let flooding = tokio::spawn(async move {
        raw.send(vec![b'\n'; 1_000_000]).await;
        raw.send("SEND\ndestination:/queue/nobody\n\n\0").await;
        raw
    });
    far.received("SEND").await;
    assert!(far.seen.len() < 1000, "{} events", far.seen.len());
    drop(flooding.await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn without_a_length_a_record_ends_at_its_first_nul() {
    let (mut far, agent) =
        pair_with(|_| {}, |config| config.behaviour.client.content_length = uspec_mtp::stomp::HeaderChange::Omit).await;
    agent.handle.send_record_to(TO_CONTROLLER, &b"one\0two"[..]).await.unwrap();
    assert_eq!(far.record().await.0, b"one");
    let failure = far.failure().await;
    assert_eq!(failure.requirement.as_deref(), Some("STOMP 1.2 Frames and Headers"));
}

#[tokio::test(start_paused = true)]
async fn an_idle_stream_is_ended_at_last() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, |_| {}).await;
    let mut raw = Raw::connect(&network).await;
    assert!(timeout(Duration::from_secs(14 * 60), raw.rest()).await.is_err());
    assert_eq!(raw.rest().await, b"");
    drop(raw);
    assert_eq!(far.ended().await, EndedBy::Us);
}
