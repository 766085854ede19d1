//! Heart-beats (STOMP 1.2, "Heart-beating"; R-STOMP.8 to R-STOMP.11).

use std::time::Duration;

use tokio::time::Instant;
use uspec_mtp::event::{Direction, FailureKind, MtpHappening};
use uspec_mtp::network::MemoryNetwork;

use crate::kit::{Far, Raw, TO_CONTROLLER, header, pair, pair_with};

fn beats(events: &[MtpHappening], wanted: Direction) -> usize {
    let is_beat = |what: &&MtpHappening| matches!(what, MtpHappening::Packet { direction, packet } if *direction == wanted && packet.kind == "HEARTBEAT");
    events.iter().filter(is_beat).count()
}

#[tokio::test(start_paused = true)]
async fn both_sides_send_what_was_agreed_on() {
    let (mut far, _agent) = pair_with(|_| {}, |config| config.heart_beat = Some((15_000, 10_000))).await;
    let events = far.watch(Duration::from_secs(61)).await;
    assert_eq!((beats(&events, Direction::Received), beats(&events, Direction::Sent)), (4, 6));
    assert_eq!(far.failures(), []);
}

#[tokio::test(start_paused = true)]
async fn nobody_sends_what_nobody_wants() {
    let (mut far, _agent) = pair().await;
    assert_eq!(far.watch(Duration::from_secs(600)).await, []);
}

#[tokio::test(start_paused = true)]
async fn the_servers_wishes_are_obeyed() {
    let (mut far, _agent) = pair_with(
        |config| config.behaviour.connected.heart_beat = Some((0, 30_000)),
        |config| config.heart_beat = Some((15_000, 10_000)),
    )
    .await;
    let events = far.watch(Duration::from_secs(61)).await;
    assert_eq!((beats(&events, Direction::Received), beats(&events, Direction::Sent)), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn records_count_as_signs_of_life() {
    let (mut far, agent) = pair_with(|_| {}, |config| config.heart_beat = Some((10_000, 0))).await;
    tokio::time::sleep(Duration::from_secs(9)).await;
    agent.handle.send_record_to(TO_CONTROLLER, &b"x"[..]).await.unwrap();
    let start = Instant::now();
    far.received("HEARTBEAT").await;
    assert!((9..=10).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn beats_that_stay_away_are_told_once_and_the_session_goes_on() {
    let (mut far, mut agent) = pair_with(|_| {}, |config| config.heart_beat = Some((10_000, 0))).await;
    agent.handle.change_behaviour(|behaviour| behaviour.send_beats = false);
    let start = Instant::now();
    let failure = far.failure().await;
    assert_eq!((failure.kind, failure.requirement.as_deref()), (FailureKind::Timeout, Some("R-STOMP.11")));
    assert_eq!(start.elapsed().as_secs(), 20);
    assert_eq!(far.watch(Duration::from_secs(100)).await, []);
    far.handle.send_record(&b"still there"[..]).await.unwrap();
    agent.record().await;
    agent.handle.change_behaviour(|behaviour| behaviour.send_beats = true);
    far.received("HEARTBEAT").await;
    agent.handle.change_behaviour(|behaviour| behaviour.send_beats = false);
    assert_eq!(far.failure().await.kind, FailureKind::Timeout);
}

#[tokio::test(start_paused = true)]
async fn an_agent_leaves_a_server_whose_beats_stay_away() {
    let (far, mut agent) = pair_with(|_| {}, |config| config.heart_beat = Some((0, 10_000))).await;
    far.handle.change_behaviour(|behaviour| behaviour.send_beats = false);
    let start = Instant::now();
    assert_eq!(agent.failure().await.kind, FailureKind::Timeout);
    assert!((19..=21).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    agent.closed().await;
    assert_eq!(agent.retrying().await.0, 1);
}

#[tokio::test(start_paused = true)]
async fn beats_of_any_form_are_beats_and_a_frames_own_end_is_none() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, |_| {}).await;
    let mut raw = Raw::connect(&network).await;
    raw.send("STOMP\r\naccept-version:1.2\r\nhost:a\r\nheart-beat:1000,0\r\n\r\n\0\r\n\n").await;
    let answer = raw.frame().await;
    assert!(answer.contains("\nheart-beat:0,1000\n"), "{answer}");
    raw.send("\r\n").await;
    let beat = far.received("HEARTBEAT").await;
    assert_eq!(beat.fields["eols"], 1);
    assert_eq!(
        far.seen
            .iter()
            .filter(|event| matches!(&event.what, MtpHappening::Packet { packet, .. } if packet.kind == "HEARTBEAT"))
            .count(),
        1
    );
    raw.send("\n\n\r\n").await;
    assert_eq!(far.received("HEARTBEAT").await.fields["eols"], 3);
}

#[tokio::test(start_paused = true)]
async fn a_malformed_offer_is_told_and_taken_as_well_as_it_can_be() {
    for (offer, agreed) in [("15000, 10000", "10000,15000"), ("often", "0,0")] {
        let network = MemoryNetwork::new();
        let mut far = Far::start(&network, |_| {}).await;
        let mut raw = Raw::connect(&network).await;
        raw.send(format!("STOMP\naccept-version:1.2\nhost:a\nheart-beat:{offer}\n\n\0")).await;
        let failure = far.failure().await;
        assert_eq!(failure.requirement.as_deref(), Some("STOMP 1.2 Heart-beating"));
        assert!(failure.octets.starts_with(b"STOMP\n"));
        assert_eq!(header(&far.packet(Direction::Sent, "CONNECTED").await, "heart-beat"), agreed);
    }
}
