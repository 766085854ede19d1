//! What the far side can do to provoke an Agent, at run time.

use std::time::Duration;

use bytes::Bytes;
use rstest::rstest;
use tokio::time::{Instant, timeout};
use uspec_mtp::event::{AgentHappening, Direction, EndedBy, FailureKind, MtpHappening, Opcode, StartLine};
use uspec_mtp::network::{Address, MemoryNetwork, RealNetwork};
use uspec_mtp::websocket::{RawFrame, UpgradeAnswer, WsRole};

use crate::kit::{Agent, Far, PATH, Raw, connect, listen, masked, pair};

const DELAY: Duration = Duration::from_secs(2);

/// Timers fire up to a millisecond late.
fn is_about(measured: Duration, expected: Duration) -> bool {
    measured.abs_diff(expected) <= Duration::from_millis(5)
}

#[tokio::test(start_paused = true)]
async fn everything_that_is_sent_can_be_delayed() {
    let (mut far, mut agent) = pair().await;
    far.handle.change_behaviour(|behaviour| behaviour.send_delay = DELAY);
    let start = Instant::now();
    let first = far.handle.send_record(&b"one"[..]);
    let second = far.handle.send_record(&b"two"[..]);
    let (first, second) = tokio::join!(first, second);
    first.unwrap();
    second.unwrap();
    assert!(is_about(start.elapsed(), DELAY), "both waited at the same time: {:?}", start.elapsed());
    assert_eq!(agent.record().await, b"one");
    assert_eq!(agent.record().await, b"two");

    let start = Instant::now();
    agent.handle.ping(&b"still there"[..]).await.unwrap();
    assert_eq!(far.frame(Direction::Received).await.opcode, Opcode::Ping);
    far.until(|what| match what {
        MtpHappening::Frame { direction: Direction::Sent, frame } if frame.opcode == Opcode::Pong => Some(()),
        _ => None,
    })
    .await;
    assert!(is_about(start.elapsed(), DELAY), "the Pong waited: {:?}", start.elapsed());

    let start = Instant::now();
    agent.handle.close(1000, "").await.unwrap();
    assert!(agent.closed().await.clean);
    assert!(is_about(start.elapsed(), DELAY), "the answer to Close waited: {:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn what_is_delayed_keeps_its_order_when_the_delay_ends() {
    let (far, mut agent) = pair().await;
    far.handle.change_behaviour(|behaviour| behaviour.send_delay = DELAY);
    let handle = far.handle.clone();
    let late = tokio::spawn(async move { handle.send_record(&b"late"[..]).await });
    tokio::time::sleep(DELAY / 2).await;
    far.handle.change_behaviour(|behaviour| behaviour.send_delay = Duration::ZERO);
    far.handle.send_record(&b"behind it"[..]).await.unwrap();
    late.await.unwrap().unwrap();
    assert_eq!(agent.record().await, b"late");
    assert_eq!(agent.record().await, b"behind it");
    let start = Instant::now();
    far.handle.send_record(&b"at once"[..]).await.unwrap();
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert_eq!(agent.record().await, b"at once");
}

#[tokio::test(start_paused = true)]
async fn the_opening_handshake_is_delayed_too_and_a_shutdown_is_not() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |config| config.behaviour.send_delay = DELAY).await;
    let start = Instant::now();
    let mut agent = Agent::start(&network, connect(), |_| {}).await;
    agent.opened().await;
    assert!(is_about(start.elapsed(), DELAY));
    far.opened().await;
    far.handle.change_behaviour(|behaviour| behaviour.send_delay = Duration::MAX);
    let start = Instant::now();
    far.handle.shutdown().await;
    assert!(start.elapsed() < DELAY);
    assert_eq!(agent.closed().await.code, Some(1001));
}

#[tokio::test(start_paused = true)]
async fn a_delay_longer_than_the_handshakes_limit_lets_it_end() {
    let network = MemoryNetwork::new();
    let delay = Duration::from_secs(60);
    let mut far = Far::start(&network, listen(), |config| config.behaviour.send_delay = delay).await;
    let mut raw = Raw::connect(&network).await;
    let start = Instant::now();
    raw.send(crate::kit::upgrade_request("/usp?eid=os::012345-agent").as_bytes()).await;
    assert!(raw.head().await.starts_with("HTTP/1.1 101 "));
    assert!(is_about(start.elapsed(), delay));
    far.opened().await;
}

#[tokio::test(start_paused = true)]
async fn later_records_can_be_fragmented() {
    let (mut far, mut agent) = pair().await;
    far.handle.change_behaviour(|behaviour| behaviour.fragment = Some(4));
    far.handle.send_record(&b"0123456789"[..]).await.unwrap();
    assert_eq!(agent.record().await, b"0123456789");
    let frames = far
        .until(|what| match what {
            MtpHappening::Record { direction: Direction::Sent, frames, .. } => Some(*frames),
            _ => None,
        })
        .await;
    assert_eq!(frames, 3);
    far.handle.change_behaviour(|behaviour| behaviour.fragment = None);
    agent.handle.change_behaviour(|behaviour| behaviour.fragment = Some(5));
    far.handle.send_record(&b"0123456789"[..]).await.unwrap();
    assert_eq!(agent.record().await, b"0123456789");
    agent.handle.send_record(&b"0123456789"[..]).await.unwrap();
    assert_eq!(far.record().await, (b"0123456789".to_vec(), 2));
}

#[rstest]
#[case::text(RawFrame::new(Opcode::Text, &b"a text"[..]))]
#[case::control_frame_too_long(RawFrame::new(Opcode::Ping, vec![7; 126]))]
#[case::control_frame_in_parts(RawFrame::new(Opcode::Ping, &b"x"[..]).unfinished())]
#[case::reserved_bit(RawFrame { rsv: 4, ..RawFrame::new(Opcode::Binary, &b"x"[..]) })]
#[case::reserved_opcode(RawFrame::new(Opcode::Reserved(3), &b"x"[..]))]
#[case::masked_by_a_server(RawFrame { masked: Some(true), ..RawFrame::new(Opcode::Binary, &b"x"[..]) })]
#[case::larger_than_what_is_taken(RawFrame::new(Opcode::Binary, vec![7; 70_000]))]
#[tokio::test(start_paused = true)]
async fn a_wrong_frame_goes_out_as_it_is_and_is_reported(#[case] frame: RawFrame) {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |_| {}).await;
    let mut agent = Agent::start(&network, connect(), |config| config.max_record = 65_536).await;
    far.opened().await;
    far.handle.send_frame(frame.clone()).await.unwrap();
    let sent = far.frame(Direction::Sent).await;
    assert_eq!((sent.opcode, sent.fin, sent.rsv), (frame.opcode, frame.fin, frame.rsv));
    assert_eq!((&sent.payload, sent.masked), (&frame.payload, frame.masked.unwrap_or(false)));
    let noticed = agent
        .until(|what| match what {
            AgentHappening::Text(_) => Some(true),
            AgentHappening::Failed(failure) => Some(failure.kind == FailureKind::ProtocolViolation),
            _ => None,
        })
        .await;
    assert!(noticed);
}

#[tokio::test(start_paused = true)]
async fn a_frame_can_be_announced_without_coming() {
    let network = MemoryNetwork::new();
    let far = Far::start(&network, listen(), |_| {}).await;
    let mut agent = Agent::start(&network, connect(), |config| config.max_record = 65_536).await;
    agent.opened().await;
    far.handle.send_octets(Bytes::from_static(&[0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 1])).await.unwrap();
    let failure = agent.failure().await;
    assert!(failure.text.contains("65537 octets announced"), "{failure}");
    assert_eq!(agent.closed().await.code, Some(1009));
}

#[tokio::test(start_paused = true)]
async fn an_unsolicited_pong_is_a_frame_like_any_other() {
    let (mut far, agent) = pair().await;
    far.handle.pong(&b"unasked"[..]).await.unwrap();
    let sent = far.frame(Direction::Sent).await;
    assert_eq!((sent.opcode, &sent.payload[..]), (Opcode::Pong, &b"unasked"[..]));
    agent.handle.ping(Bytes::new()).await.unwrap();
    assert_eq!(far.frame(Direction::Received).await.opcode, Opcode::Ping);
}

#[rstest]
#[case(302)]
#[case(418)]
#[case(503)]
#[case(599)]
#[tokio::test(start_paused = true)]
async fn any_status_can_refuse_until_it_is_taken_back(#[case] status: u16) {
    let (mut far, mut agent) = pair().await;
    far.handle.change_behaviour(|behaviour| behaviour.answer = UpgradeAnswer::Refuse(status));
    far.handle.hang_up().await.unwrap();
    let refused = |failure: &uspec_mtp::event::Failure| failure.kind == FailureKind::UpgradeRefused { status };
    while !refused(&agent.failure().await) {}
    let answered = far
        .until(|what| match what {
            MtpHappening::Handshake { response: Some(response), .. } => response.status(),
            _ => None,
        })
        .await;
    assert_eq!(answered, status);
    far.handle.change_behaviour(|behaviour| behaviour.answer = UpgradeAnswer::Accept);
    agent.opened().await;
}

#[tokio::test(start_paused = true)]
async fn the_answers_subprotocol_and_extension_can_be_left_out_at_run_time() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |_| {}).await;
    let mut agent = Agent::start(&network, connect(), |config| config.behaviour.offer_extension = true).await;
    let open = far.opened().await;
    assert!(open.extension.is_some_and(|value| value.starts_with("bbf-usp-protocol")));
    assert_eq!(open.subprotocol.as_deref(), Some("v1.usp"));
    agent.opened().await;

    far.handle.change_behaviour(|behaviour| behaviour.answer_extension = false);
    far.handle.hang_up().await.unwrap();
    agent.opened().await;
    assert_eq!(far.opened().await.extension, None);

    far.handle.change_behaviour(|behaviour| behaviour.answer_subprotocol = None);
    far.handle.hang_up().await.unwrap();
    let missing = |failure: &uspec_mtp::event::Failure| failure.requirement.as_deref() == Some("R-WS.12");
    while !missing(&agent.failure().await) {}
}

#[rstest]
#[case::nothing(None, false)]
#[case::another(Some("v2.usp"), false)]
#[case::with_extension(Some("v1.usp"), true)]
#[tokio::test(start_paused = true)]
async fn what_a_request_asks_for_can_be_changed_at_run_time(
    #[case] subprotocol: Option<&str>,
    #[case] extension: bool,
) {
    let network = MemoryNetwork::new();
    let _agent = Agent::start(&network, listen(), |_| {}).await;
    let mut far = Far::start(&network, connect(), |_| {}).await;
    far.opened().await;
    far.handle.change_behaviour(|behaviour| {
        behaviour.offer_subprotocol = subprotocol.map(str::to_owned);
        behaviour.offer_extension = extension;
    });
    far.handle.open_another().unwrap();
    let request = far
        .until(|what| match what {
            MtpHappening::Handshake { request, .. } => Some(request.clone()),
            _ => None,
        })
        .await;
    assert!(matches!(request.start, StartLine::Request { .. }));
    assert_eq!(request.header("Sec-WebSocket-Protocol"), subprotocol);
    assert_eq!(request.header("Sec-WebSocket-Extensions").is_some(), extension);
    if subprotocol == Some("v1.usp") {
        far.opened().await;
    } else {
        assert_eq!(far.failure().await.kind, FailureKind::UpgradeRefused { status: 400 });
    }
}

#[tokio::test(start_paused = true)]
async fn a_reset_and_an_end_are_told_apart_in_memory() {
    for reset in [true, false] {
        let (far, agent) = pair().await;
        torn(far, agent, reset).await;
    }
}

#[tokio::test]
async fn a_reset_and_an_end_are_told_apart_on_loopback() {
    for reset in [true, false] {
        let place =
            |port| WsRole::Listen { address: Address::tcp("127.0.0.1", port), path: PATH.to_owned(), tls: None };
        let mut far = Far::start(&RealNetwork, place(0), |_| {}).await;
        let address = far.handle.address().unwrap().clone();
        let role = WsRole::Connect { address, path: PATH.to_owned(), host: None, tls: None };
        let mut agent = Agent::start(&RealNetwork, role, |_| {}).await;
        let whole = async {
            far.opened().await;
            agent.opened().await;
            torn(far, agent, reset).await;
        };
        timeout(Duration::from_secs(30), whole).await.unwrap();
    }
}

/// A stream that is ended in order ends with a failure of its own; one that breaks does not even end.
async fn torn(mut far: Far, mut agent: Agent, reset: bool) {
    if reset {
        far.handle.drop_connection().await.unwrap();
    } else {
        far.handle.hang_up().await.unwrap();
    }
    let closing = agent.closed().await;
    assert_eq!((closing.by, closing.clean), (EndedBy::Broken, false));
    assert_eq!(closing.reason.contains("without a Close"), !reset, "{closing:?}");
    assert!(!far.closed().await.clean);
    assert_eq!(far.ended().await, EndedBy::Us);
}

/// More than the queue's places would hold if each were as large as these.
#[tokio::test(start_paused = true)]
async fn a_flood_of_large_records_waits_for_the_consumer() {
    const SIZE: usize = 1024 * 1024;
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |_| {}).await;
    let mut agent = Agent::start(&network, connect(), |_| {}).await;
    far.opened().await;
    agent.opened().await;
    let flood = async {
        let mut sent = 0;
        while timeout(Duration::from_secs(30), agent.handle.send_record(vec![1; SIZE])).await.is_ok() {
            sent += 1;
        }
        sent
    };
    let sent: usize = flood.await;
    assert!((15..=25).contains(&sent), "{sent} MiB went out to a consumer that reads nothing");
    for _ in 0..sent {
        assert_eq!(far.record().await.0.len(), SIZE);
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_larger_than_the_whole_budget_passes() {
    let size = uspec_mtp::event::EVENT_OCTETS + 1;
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |config| config.max_record = size).await;
    let agent = Agent::start(&network, connect(), |_| {}).await;
    far.opened().await;
    let handle = agent.handle.clone();
    let sending = tokio::spawn(async move { handle.send_record(vec![1; size]).await });
    let length = far
        .until(|what| match what {
            MtpHappening::Record { direction: Direction::Received, bytes, .. } => Some(bytes.len()),
            _ => None,
        })
        .await;
    assert_eq!(length, size);
    sending.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_change_of_behaviour_does_not_put_the_next_ping_off() {
    let network = MemoryNetwork::new();
    let far = Far::start(&network, listen(), |config| config.ping_interval = Some(Duration::from_secs(30))).await;
    let mut raw = Raw::open(&network).await;
    let start = Instant::now();
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_secs(10)).await;
        far.handle.change_behaviour(|behaviour| behaviour.fragment = None);
    }
    assert_eq!(raw.octets(2).await, [0x89, 0]);
    assert!(is_about(start.elapsed(), Duration::from_secs(30)), "{:?}", start.elapsed());
    raw.send(&masked(0x8A, b"")).await;
}
