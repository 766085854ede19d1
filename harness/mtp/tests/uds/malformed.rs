//! What cannot be parsed: which requirement it breaks, and that the sender is told and left (R-UDS.24).

use std::time::Duration;

use rstest::rstest;
use tokio::time::{Instant, sleep};
use uspec_mtp::event::{EndedBy, FailureKind, MtpHappening};
use uspec_mtp::network::MemoryNetwork;

use crate::kit::{AGENT, Agent, CONTROLLER, Far, Raw, frame, listen};

const NO_REQUIREMENT: Option<&str> = None;

#[rstest]
#[case::other_sync(b"_MSG\0\0\0\x06\x03\0\0\0\x01x", Some("R-UDS.8"), "5f4d5347")]
#[case::lower_case(b"_usp\0\0\0\x06\x03\0\0\0\x01x", Some("R-UDS.8"), "5f757370")]
#[case::http(b"GET / HTTP/1.1\r\n\r\n", Some("R-UDS.8"), "47455420")]
#[case::length_first(b"\0\0\0\x06_USP\x03\0\0\0\x01x", Some("R-UDS.8"), "00000006")]
#[case::no_tlv(b"_USP\0\0\0\0", Some("R-UDS.6"), "no TLV")]
#[case::cut_tlv_head(b"_USP\0\0\0\x03\x03\0\0", Some("R-UDS.11"), "TLV 1 of a frame has 3 octets")]
#[case::cut_second_tlv(b"_USP\0\0\0\x07\x03\0\0\0\x01x\x03", Some("R-UDS.11"), "TLV 2 of a frame has 1 octets")]
#[case::header_too_short(
    b"_USP\0\0\0\x05\x03\0\0\0\x01x",
    Some("R-UDS.9"),
    "announces 1 octets of value, its frame has 0 left"
)]
#[case::tlv_too_long(
    b"_USP\0\0\0\x06\x03\0\0\0\x02x",
    Some("R-UDS.9"),
    "announces 2 octets of value, its frame has 1 left"
)]
#[case::header_counted(
    b"_USP\0\0\0\x0E\x03\0\0\0\x01x_USP\0\0\0\x06\x03\0\0\0\x01x",
    Some("R-UDS.9"),
    "TLV 2 of a frame (type 95)"
)]
#[case::header_in_wrong_order(b"_USP\x06\0\0\0\x03\0\0\0\x01x", Some("R-UDS.9"), "lowest octet first it would be 6")]
#[case::tlv_in_wrong_order(b"_USP\0\0\0\x06\x03\x01\0\0\0x", Some("R-UDS.11"), "lowest octet first")]
#[case::huge(b"_USP\xFF\xFF\xFF\xFF", NO_REQUIREMENT, "4294967295 octets")]
#[case::too_large(b"_USP\x01\0\0\x06\x03", NO_REQUIREMENT, "16777222 octets behind its header, 16777221 are taken")]
#[tokio::test(start_paused = true)]
async fn what_cannot_be_parsed(#[case] octets: &[u8], #[case] requirement: Option<&str>, #[case] text: &str) {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |_| {}).await;
    let mut raw = Raw::open(&network).await;
    raw.send(octets).await;
    let error = raw.error().await;
    assert!(error.contains(text), "{error}");
    assert!(raw.rest().await.is_empty(), "the connection ends");
    let failure = far.failure().await;
    assert_eq!((failure.kind, failure.requirement.as_deref()), (FailureKind::ProtocolViolation, requirement));
    assert_eq!((failure.text, &failure.octets[..]), (error.clone(), octets));
    drop(raw);
    let closing = far.closed().await;
    assert_eq!((closing.by, closing.reason, closing.clean), (EndedBy::Us, error, false));
    assert_eq!(far.ended().await, EndedBy::Us);
    let oversized = far.seen.iter().any(|event| matches!(event.what, MtpHappening::Oversized { .. }));
    assert_eq!(oversized, text.contains("would be") || requirement.is_none());
}

#[tokio::test(start_paused = true)]
async fn an_agent_tells_and_leaves_too_before_the_handshake() {
    let network = MemoryNetwork::new();
    let mut agent = Agent::start(&network, listen(), |_| {}).await;
    let mut raw = Raw::connect(&network).await;
    raw.send(b"_USB").await;
    assert!(raw.error().await.contains("5f555342"));
    assert!(raw.rest().await.is_empty());
    assert_eq!(agent.failure().await.requirement.as_deref(), Some("R-UDS.8"));
}

#[tokio::test(start_paused = true)]
async fn what_came_before_the_garbage_counts() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |_| {}).await;
    let mut raw = Raw::open(&network).await;
    raw.send(&[frame(3, b"good"), b"bad".to_vec(), frame(3, b"behind")].concat()).await;
    assert_eq!(far.record().await, b"good");
    assert_eq!(far.failure().await.octets[..3], *b"bad");
    far.closed().await;
    assert!(!far.story(1).iter().skip(6).any(|name| name == "<record"), "{:?}", far.story(1));
}

#[tokio::test(start_paused = true)]
async fn no_more_octets_are_shown_than_help() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |_| {}).await;
    let mut raw = Raw::open(&network).await;
    raw.send(&[b'x'; 10_000]).await;
    assert_eq!(far.failure().await.octets, vec![b'x'; 256]);
}

#[tokio::test(start_paused = true)]
async fn a_frame_that_is_not_finished_is_given_up() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |_| {}).await;
    let mut raw = Raw::open(&network).await;
    let whole = frame(3, b"slow");
    for octet in &whole {
        sleep(Duration::from_secs(20)).await;
        raw.send(&[*octet]).await;
    }
    assert_eq!(far.record().await, b"slow", "as long as octets come");
    raw.send(&whole[..10]).await;
    let start = Instant::now();
    assert_eq!(raw.error().await, "10 of 17 octets of a frame came, then nothing for 30 s");
    assert_eq!(start.elapsed().as_secs(), 30);
    assert!(raw.rest().await.is_empty());
    let failure = far.failure().await;
    assert_eq!((failure.requirement.as_deref(), &failure.octets[..]), (Some("R-UDS.9"), &whole[..10]));
}

#[rstest]
#[case::in_sync(b"_U", "2 octets of a frame came, then the stream ended")]
#[case::in_length(b"_USP\0\0", "6 octets of a frame came, then the stream ended")]
#[case::in_tlv(b"_USP\0\0\0\x09\x03\0\0\0\x04abc", "16 of 17 octets of a frame came, then the stream ended")]
#[tokio::test(start_paused = true)]
async fn a_stream_that_ends_inside_a_frame_is_no_goodbye(#[case] begun: &[u8], #[case] text: &str) {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |_| {}).await;
    let mut raw = Raw::open(&network).await;
    raw.send(begun).await;
    drop(raw);
    let failure = far.failure().await;
    assert_eq!((failure.kind, &*failure.text), (FailureKind::StreamEnded, text));
    assert_eq!((failure.requirement.as_deref(), &failure.octets[..]), (Some("R-UDS.9"), begun));
    let closing = far.closed().await;
    assert_eq!((closing.by, closing.clean), (EndedBy::Peer, false));
}

#[tokio::test(start_paused = true)]
async fn an_agent_with_a_fault_sends_no_error() {
    let network = MemoryNetwork::new();
    let _agent = Agent::start(&network, listen(), |config| config.behaviour.send_errors = false).await;
    for octets in [b"garbage".to_vec(), frame(1, b"nobody")] {
        let mut raw = Raw::connect(&network).await;
        raw.send(&octets).await;
        assert!(raw.rest().await.is_empty(), "and ends the connection");
    }
}

#[tokio::test(start_paused = true)]
async fn an_agent_with_a_fault_stays_after_its_error() {
    let network = MemoryNetwork::new();
    let mut agent = Agent::start(&network, listen(), |config| config.behaviour.end_after_error = false).await;
    let mut raw = Raw::connect(&network).await;
    raw.send(&frame(1, b"nobody")).await;
    raw.error().await;
    raw.send(&frame(1, CONTROLLER.as_bytes())).await;
    assert_eq!(raw.frame().await, [(1, AGENT.as_bytes().to_vec())]);
    agent.opened().await;
    agent.handle.error("a Record that cannot be decoded").await.unwrap();
    raw.error().await;
    raw.send(&frame(3, b"still heard")).await;
    assert_eq!(&agent.record().await[..], b"still heard");
    raw.send(b"garbage").await;
    raw.error().await;
    raw.send(&frame(3, b"not heard any more")).await;
    sleep(Duration::from_secs(600)).await;
    assert!(agent.handle.is_open());
    agent.handle.send_record("still there").await.unwrap();
    assert_eq!(raw.frame().await, [(3, b"still there".to_vec())]);
    drop(raw);
    assert!(agent.closed().await.clean);
}
