//! Frames and Records (R-WS.13 to R-WS.18, RFC 6455 section 5).

use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use rstest::rstest;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use uspec_mtp::event::{AgentHappening, Direction, EndedBy, FailureKind, MtpHappening, Opcode};
use uspec_mtp::network::{MemoryNetwork, Network};
use uspec_mtp::websocket::RawFrame;

use crate::kit::{Far, Raw, address, listen, masked, pair};

#[rstest]
#[case(1, 10)]
#[case(3, 4)]
#[case(10, 1)]
#[case(0, 10)]
#[tokio::test(start_paused = true)]
async fn fragments_are_put_together(#[case] size: usize, #[case] frames: u32) {
    let (mut far, mut agent) = pair().await;
    far.handle.send_fragmented(&b"0123456789"[..], size).await.unwrap();
    assert_eq!(agent.record().await, b"0123456789");
    agent.handle.send_fragmented(&b"9876543210"[..], size).await.unwrap();
    assert_eq!(far.record().await, (b"9876543210".to_vec(), frames));
    let received: Vec<_> = far
        .seen
        .iter()
        .filter_map(|event| match &event.what {
            MtpHappening::Frame { direction: Direction::Received, frame } => Some((frame.opcode, frame.fin)),
            _ => None,
        })
        .collect();
    assert_eq!(received.len(), usize::try_from(frames).unwrap());
    assert_eq!(received[0].0, Opcode::Binary);
    assert!(received[1..].iter().all(|(opcode, _)| *opcode == Opcode::Continuation));
    assert_eq!(received.iter().filter(|(_, fin)| *fin).count(), 1);
    assert!(received.last().unwrap().1);
}

#[tokio::test(start_paused = true)]
async fn an_empty_record_is_one_empty_frame() {
    let (mut far, mut agent) = pair().await;
    agent.handle.send_record(Bytes::new()).await.unwrap();
    assert_eq!(far.record().await, (Vec::new(), 1));
    far.handle.send_fragmented(Bytes::new(), 5).await.unwrap();
    assert_eq!(agent.record().await, b"");
}

#[tokio::test(start_paused = true)]
async fn a_ping_between_fragments_is_answered_at_once() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |_| {}).await;
    let mut raw = Raw::open(&network).await;
    raw.send(&masked(0x02, b"one ")).await;
    raw.send(&masked(0x89, b"are you there")).await;
    assert_eq!(raw.octets(15).await, b"\x8a\x0dare you there");
    raw.send(&masked(0x80, b"Record")).await;
    assert_eq!(far.record().await, (b"one Record".to_vec(), 2));
}

#[tokio::test(start_paused = true)]
async fn pings_are_recorded_and_unsolicited_pongs_tolerated() {
    let (mut far, agent) = pair().await;
    far.handle.ping(&b"x"[..]).await.unwrap();
    assert_eq!(far.frame(Direction::Sent).await.opcode, Opcode::Ping);
    let pong = far.frame(Direction::Received).await;
    assert_eq!((pong.opcode, &pong.payload[..], pong.masked), (Opcode::Pong, &b"x"[..], true));
    far.handle.send_frame(RawFrame::new(Opcode::Pong, &b"unasked"[..])).await.unwrap();
    far.handle.ping(Bytes::new()).await.unwrap();
    assert_eq!(far.frame(Direction::Received).await.opcode, Opcode::Pong);
    assert!(agent.handle.is_open());
}

#[tokio::test(start_paused = true)]
async fn an_agent_with_a_fault_leaves_a_ping_unanswered() {
    let (far, agent) = pair().await;
    agent.handle.change_behaviour(|behaviour| behaviour.answer_pings = false);
    far.handle.ping(&b"x"[..]).await.unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    let mut far = far;
    agent.handle.send_record(&b"after"[..]).await.unwrap();
    far.record().await;
    assert!(!far.seen.iter().any(|event| matches!(
        &event.what,
        MtpHappening::Frame { direction: Direction::Received, frame } if frame.opcode == Opcode::Pong
    )));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_pings_without_reading_costs_no_memory() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |_| {}).await;
    let mut raw = Raw::open(&network).await;
    let (count, ping) = (20_000, masked(0x89, &[7; 125]));
    let sender = tokio::spawn(async move {
        for _ in 0..count {
            raw.send(&ping).await;
        }
        raw.send(&masked(0x82, b"done")).await;
        raw
    });
    assert_eq!(far.record().await.0, b"done");
    let pongs = |far: &Far| far.octets(Direction::Sent).len();
    assert!(pongs(&far) < 64 * 1024 + 32 * 127 + 200, "{} octets of Pong", pongs(&far));
    assert!(far.handle.is_open());
    drop(sender);
}

#[tokio::test(start_paused = true)]
async fn text_is_reported_as_such() {
    let (far, mut agent) = pair().await;
    far.handle.send_frame(RawFrame::new(Opcode::Text, &b"not UTF-8: \xff"[..])).await.unwrap();
    let text = agent
        .until(|what| match what {
            AgentHappening::Text(bytes) => Some(bytes.clone()),
            _ => None,
        })
        .await;
    assert_eq!(&text[..], b"not UTF-8: \xff");
}

/// Octets from a client that violate the protocol, the section that says so, and the code of our Close.
#[rstest]
#[case::reserved_bit(&masked(0xC2, b"x"), "RFC 6455 5.2", 1002)]
#[case::reserved_data_opcode(&masked(0x83, b"x"), "RFC 6455 5.2", 1002)]
#[case::reserved_control_opcode(&masked(0x8B, b""), "RFC 6455 5.2", 1002)]
#[case::not_masked(b"\x82\x01x", "RFC 6455 5.1", 1002)]
#[case::long_ping(&[&[0x89, 0xFE, 0, 126, 0, 0, 0, 0], &[0; 126][..]].concat(), "RFC 6455 5.5", 1002)]
#[case::fragmented_ping(&masked(0x09, b"x"), "RFC 6455 5.5", 1002)]
#[case::length_not_minimal(b"\x82\xFE\x00\x01\x00\x00\x00\x00x", "RFC 6455 5.2", 1002)]
#[case::length_negative(b"\x82\xFF\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", "RFC 6455 5.2", 1002)]
#[case::length_enormous(b"\x82\xFF\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x00\x00\x00\x00", "RFC 6455 10.4", 1009)]
#[case::length_64_mib(b"\x82\xFF\x00\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00", "RFC 6455 10.4", 1009)]
#[case::continues_nothing(&masked(0x80, b"x"), "RFC 6455 5.4", 1002)]
#[case::begins_anew(&[masked(0x02, b"x"), masked(0x82, b"y")].concat(), "RFC 6455 5.4", 1002)]
#[case::close_with_one_octet(&masked(0x88, b"\x03"), "RFC 6455 5.5.1", 1002)]
#[case::close_code_0(&masked(0x88, b"\x00\x00"), "RFC 6455 7.4", 1002)]
#[case::close_code_999(&masked(0x88, b"\x03\xE7"), "RFC 6455 7.4", 1002)]
#[case::close_code_1005(&masked(0x88, b"\x03\xED"), "RFC 6455 7.4", 1002)]
#[case::close_code_1006(&masked(0x88, b"\x03\xEE"), "RFC 6455 7.4", 1002)]
#[case::close_code_1015(&masked(0x88, b"\x03\xF7"), "RFC 6455 7.4", 1002)]
#[case::close_code_2000(&masked(0x88, b"\x07\xD0"), "RFC 6455 7.4", 1002)]
#[case::close_code_5000(&masked(0x88, b"\x13\x88"), "RFC 6455 7.4", 1002)]
#[case::close_reason_not_utf8(&masked(0x88, b"\x03\xE8\xFF"), "RFC 6455 5.5.1", 1002)]
#[case::http_again(b"GET / HTTP/1.1\r\n\r\n", "RFC 6455 5.2", 1002)]
#[case::zeros(&[0; 64], "RFC 6455 5.1", 1002)]
#[case::ones(&[0xFF; 64], "RFC 6455 5.2", 1002)]
#[tokio::test(start_paused = true)]
async fn violations_are_reported_and_end_the_session(#[case] octets: &[u8], #[case] section: &str, #[case] code: u16) {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |_| {}).await;
    let mut raw = Raw::open(&network).await;
    raw.send(octets).await;
    let failure = far.failure().await;
    assert_eq!(
        (failure.kind, failure.requirement.as_deref()),
        (FailureKind::ProtocolViolation, Some(section)),
        "{failure}"
    );
    let closing = far.closed().await;
    assert_eq!((closing.by, closing.code, closing.clean), (EndedBy::Us, Some(code), false));
    let farewell = raw.rest().await;
    assert_eq!((farewell[0], &farewell[2..4]), (0x88, &code.to_be_bytes()[..]));
    assert_eq!(far.ended().await, EndedBy::Us);
    assert!(far.octets(Direction::Received).ends_with(octets), "every octet is in the log");
    let oversized = far.seen.iter().any(|event| matches!(event.what, MtpHappening::Oversized { .. }));
    assert_eq!(oversized, code == 1009);
    let _still_accepting = Raw::open(&network).await;
    far.opened().await;
}

#[tokio::test(start_paused = true)]
async fn a_record_that_grows_too_large_in_fragments_is_refused() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |config| config.max_record = 100).await;
    let mut raw = Raw::open(&network).await;
    raw.send(&masked(0x82, &[1; 100])).await;
    assert_eq!(far.record().await.0.len(), 100);
    raw.send(&[masked(0x02, &[1; 60]), masked(0x00, &[2; 60])].concat()).await;
    let oversized = far
        .until(|what| match what {
            MtpHappening::Oversized { limit, announced } => Some((*limit, *announced)),
            _ => None,
        })
        .await;
    assert_eq!(oversized, (100, 120));
    assert_eq!(far.closed().await.code, Some(1009));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_masks_violates() {
    let (far, mut agent) = pair().await;
    far.handle.send_frame(RawFrame { masked: Some(true), ..RawFrame::new(Opcode::Binary, &b"x"[..]) }).await.unwrap();
    assert_eq!(agent.failure().await.requirement.as_deref(), Some("RFC 6455 5.1"));
    assert_eq!(agent.closed().await.code, Some(1002));
}

#[tokio::test(start_paused = true)]
async fn raw_frames_and_octets_go_out_as_they_are() {
    let network = MemoryNetwork::new();
    let far = Far::start(&network, listen(), |_| {}).await;
    let mut raw = Raw::open(&network).await;
    let frame = RawFrame { fin: false, rsv: 5, masked: None, opcode: Opcode::Reserved(3), payload: Bytes::from("ab") };
    far.handle.send_frame(frame).await.unwrap();
    assert_eq!(raw.octets(4).await, b"\x53\x02ab");
    far.handle.send_frame(RawFrame::close(Some(1006), "no").unfinished()).await.unwrap();
    assert_eq!(raw.octets(6).await, b"\x08\x04\x03\xEEno");
    far.handle.send_octets(&b"garbage"[..]).await.unwrap();
    assert_eq!(raw.octets(7).await, b"garbage");
}

#[rstest]
#[case(125)]
#[case(126)]
#[case(65_535)]
#[case(65_536)]
#[case(8 * 1024 * 1024 + 3)]
#[tokio::test(start_paused = true)]
async fn large_records_pass_in_both_directions_at_once(#[case] size: usize) {
    let (mut far, mut agent) = pair().await;
    let record: Bytes = (0..size).map(|n| u8::try_from(n % 251).unwrap()).collect();
    let (ours, theirs) = (far.handle.clone(), agent.handle.clone());
    let (one, other) = (record.clone(), record.clone());
    let sending = tokio::spawn(async move { tokio::try_join!(ours.send_record(one), theirs.send_record(other)) });
    let (at_far, at_agent) = tokio::join!(far.record(), agent.record());
    assert!(at_far.0 == record && at_agent == record);
    sending.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_octet_log_is_whole() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |_| {}).await;
    let mut raw = Raw::open(&network).await;
    let frames = [masked(0x82, b"one"), masked(0x89, b"ping"), masked(0x01, b"te"), masked(0x80, b"xt")].concat();
    raw.send(&frames).await;
    far.handle.send_record(&b"two"[..]).await.unwrap();
    raw.send(&masked(0x88, b"\x03\xE8")).await;
    far.closed().await;
    assert!(far.octets(Direction::Received).ends_with(&[frames, masked(0x88, b"\x03\xE8")].concat()));
    let received = raw.rest().await;
    far.ended().await;
    assert!(far.octets(Direction::Sent).ends_with(&received) && !received.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_independent_peer_understands_every_frame() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |_| {}).await;
    let mut request = "ws://controller:8080/usp".into_client_request().unwrap();
    request.headers_mut().insert("Sec-WebSocket-Protocol", "v1.usp".parse().unwrap());
    let stream = network.connect(&address()).await.unwrap();
    let (mut peer, _) = tokio_tungstenite::client_async(request, stream).await.unwrap();
    far.handle.send_fragmented(vec![1; 300], 128).await.unwrap();
    assert_eq!(peer.next().await.unwrap().unwrap(), Message::Binary(vec![1; 300].into()));
    peer.send(Message::Binary(vec![2; 70_000].into())).await.unwrap();
    assert_eq!(far.record().await, (vec![2; 70_000], 1));
    peer.send(Message::Ping(Bytes::from("hi"))).await.unwrap();
    assert_eq!(peer.next().await.unwrap().unwrap(), Message::Pong(Bytes::from("hi")));
    peer.close(None).await.unwrap();
    assert_eq!(far.closed().await.by, EndedBy::Peer);
    while let Some(message) = peer.next().await {
        assert!(matches!(message, Ok(Message::Close(_))), "{message:?}");
    }
}
