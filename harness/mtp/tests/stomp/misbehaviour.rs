//! Servers that do not do what they must, as the Agent's end sees them.

use bytes::Bytes;
use rstest::rstest;
use uspec_mtp::event::FailureKind;
use uspec_mtp::network::MemoryNetwork;

use crate::kit::{Agent, Far, pair};

#[rstest]
#[case(b"NONSENSE\n\n\0", "STOMP 1.2 Frames and Headers")]
#[case(b"CONNECTED\nversion:1.2\n\n\0", "STOMP 1.2 Connecting")]
#[case(b"MESSAGE\ncontent-length:1\n\nabc\0", "STOMP 1.2 Header content-length")]
#[case(b"MESSAGE\nno colon\n\n\0", "STOMP 1.2 Augmented BNF")]
#[tokio::test(start_paused = true)]
async fn a_violation_ends_the_session_and_is_followed_by_another_try(
    #[case] octets: &'static [u8],
    #[case] place: &str,
) {
    let (far, mut agent) = pair().await;
    far.handle.send_octets(Bytes::from_static(octets)).await.unwrap();
    let failure = agent.failure().await;
    assert_eq!((failure.kind, failure.requirement.as_deref()), (FailureKind::ProtocolViolation, Some(place)));
    agent.closed().await;
    assert_eq!(agent.retrying().await.0, 1);
}

#[tokio::test(start_paused = true)]
async fn a_message_without_its_headers_is_told_and_taken() {
    let (far, mut agent) = pair().await;
    far.handle.send_octets(&b"MESSAGE\ndestination:/a\n\nrecord\0"[..]).await.unwrap();
    assert_eq!(agent.failure().await.requirement.as_deref(), Some("STOMP 1.2 MESSAGE"));
    let (bytes, route) = agent.record().await;
    assert_eq!((&bytes[..], route.reply_to), (&b"record"[..], None));
}

#[tokio::test(start_paused = true)]
async fn a_receipt_that_nobody_asked_for_does_no_harm() {
    let (far, mut agent) = pair().await;
    far.handle.send_octets(&b"RECEIPT\nreceipt-id:7\n\n\0\n\n"[..]).await.unwrap();
    far.handle.send_record(&b"x"[..]).await.unwrap();
    assert_eq!(agent.record().await.0, b"x");
}

#[tokio::test(start_paused = true)]
async fn a_record_larger_than_what_is_taken_is_refused_before_it_comes() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, |_| {}).await;
    let mut agent = Agent::start(&network, |config| config.max_record = 1000).await;
    far.opened().await;
    far.handle.send_octets(&b"MESSAGE\ncontent-length:1001\n\n"[..]).await.unwrap();
    assert_eq!(agent.failure().await.requirement.as_deref(), Some("STOMP 1.2 Size Limits"));
    agent.closed().await;
}
