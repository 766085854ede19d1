//! Records in both directions, and the frames that carry them (R-UDS.15, R-UDS.22).

use std::time::Duration;

use tokio::time::Instant;
use uspec_mtp::event::{Direction, EndedBy, MtpHappening};
use uspec_mtp::network::MemoryNetwork;
use uspec_mtp::uds::{FrameChanges, Tlv, TlvTypes, UnknownTlvs};
use uspec_mtp::{AgentConfig, FarConfig, Mtp, MtpError};

use crate::kit::{AGENT, Agent, CONTROLLER, Far, Raw, connect, frame, frame_of, listen, pair};

#[tokio::test(start_paused = true)]
async fn records_travel_both_ways() {
    let (mut far, mut agent) = pair().await;
    for record in [&b""[..], b"x", &vec![7; 100_000]] {
        far.handle.send_record(record.to_vec()).await.unwrap();
        assert_eq!(&agent.record().await[..], record);
        agent.handle.send_record(record.to_vec()).await.unwrap();
        assert_eq!(far.record().await, record);
    }
    assert_eq!(far.story(1)[4..8], [">RECORD", ">record", "<RECORD", "<record"]);
}

#[tokio::test(start_paused = true)]
async fn a_record_is_one_frame_of_one_tlv() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |_| {}).await;
    let mut raw = Raw::open(&network).await;
    far.opened().await;
    far.handle.send_record("abc").await.unwrap();
    assert_eq!(raw.octets(16).await, b"_USP\0\0\0\x08\x03\0\0\0\x03abc");
    raw.send(b"_USP\0\0\0\x08\x03\0\0\0\x03").await;
    raw.send(b"abc").await;
    assert_eq!(far.record().await, b"abc");
    let packet = far.seen.iter().rev().find_map(|event| match &event.what {
        MtpHappening::Packet { packet, .. } => Some(packet.clone()),
        _ => None,
    });
    let packet = packet.unwrap();
    assert_eq!((&*packet.kind, &packet.body[..]), ("RECORD", &b"abc"[..]));
    assert_eq!(packet.fields.to_string(), r#"{"tlvs":[{"type":3,"length":3}]}"#);
}

#[tokio::test(start_paused = true)]
async fn tlvs_of_unknown_types_are_ignored_and_shown() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |_| {}).await;
    let mut raw = Raw::connect(&network).await;
    raw.send(&frame_of(&[(0, b"?"), (1, AGENT.as_bytes()), (255, b"")])).await;
    raw.frame().await;
    far.opened().await;
    raw.send(&frame(4, b"nothing")).await;
    raw.send(&frame_of(&[(4, b"no Record"), (3, b"a Record"), (77, &[0; 300])])).await;
    assert_eq!(far.record().await, b"a Record");
    assert_eq!(far.story(1), ["attempt", "<FRAME", ">HANDSHAKE", "open", "<FRAME", "<FRAME", "<record"]);
    assert!(far.handle.is_open());
}

#[tokio::test(start_paused = true)]
async fn an_agent_with_a_fault_minds_unknown_tlvs() {
    for (what, expected) in [
        (UnknownTlvs::TakeAsRecords, vec!["nine", "three"]),
        (UnknownTlvs::IgnoreFrame, vec!["alone"]),
        (UnknownTlvs::Ignore, vec!["three"]),
    ] {
        let network = MemoryNetwork::new();
        let mut agent = Agent::start(&network, listen(), |config| config.behaviour.unknown_tlvs = what).await;
        let mut raw = Raw::connect(&network).await;
        raw.send(&frame(1, CONTROLLER.as_bytes())).await;
        raw.frame().await;
        raw.send(&frame_of(&[(9, b"nine"), (3, b"three")])).await;
        raw.send(&frame(3, b"alone")).await;
        for record in expected {
            assert_eq!(&agent.record().await[..], record.as_bytes(), "{what:?}");
        }
        agent.handle.change_behaviour(|behaviour| behaviour.unknown_tlvs = UnknownTlvs::Refuse);
        raw.send(&frame(9, b"nine")).await;
        assert_eq!(raw.error().await, "unknown TLV type 9");
        assert!(raw.rest().await.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn any_frame_can_be_sent() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |_| {}).await;
    let mut raw = Raw::open(&network).await;
    far.opened().await;
    far.handle.send_frame(vec![Tlv::new(9, "?"), Tlv::record("x"), Tlv::record("y")]).await.unwrap();
    assert_eq!(raw.frame().await, [(9, b"?".to_vec()), (3, b"x".to_vec()), (3, b"y".to_vec())]);
    assert_eq!(far.packet(Direction::Sent).await.kind, "FRAME");
    far.handle.send_frame(Vec::new()).await.unwrap();
    assert_eq!(raw.octets(8).await, b"_USP\0\0\0\0");
    let changes = FrameChanges { sync: Some(*b"_MSG"), ..FrameChanges::default() };
    far.handle.send_frame_changed(vec![Tlv::record("z")], changes).await.unwrap();
    assert_eq!(raw.octets(14).await, b"_MSG\0\0\0\x06\x03\0\0\0\x01z");
    far.handle.send_octets("anything").await.unwrap();
    assert_eq!(raw.octets(8).await, b"anything");
}

#[tokio::test(start_paused = true)]
async fn frames_of_its_own_can_be_made_otherwise() {
    let network = MemoryNetwork::new();
    let types = TlvTypes { record: 7, ..TlvTypes::default() };
    let frames = FrameChanges { behind: vec![Tlv::new(200, "!")], ..FrameChanges::default() };
    let agent = Agent::start(&network, listen(), |config| {
        config.behaviour.types = types;
        config.behaviour.frames = frames;
    })
    .await;
    let mut raw = Raw::connect(&network).await;
    raw.send(&frame(1, CONTROLLER.as_bytes())).await;
    assert_eq!(raw.frame().await, [(1, AGENT.as_bytes().to_vec()), (200, b"!".to_vec())]);
    agent.handle.send_record("x").await.unwrap();
    assert_eq!(raw.frame().await, [(7, b"x".to_vec()), (200, b"!".to_vec())]);
    agent.handle.send_frame(vec![Tlv::record("y")]).await.unwrap();
    assert_eq!(raw.frame().await, [(3, b"y".to_vec())], "what is sent as it is, is");
}

#[tokio::test(start_paused = true)]
async fn everything_that_is_sent_can_be_delayed() {
    let (mut far, mut agent) = pair().await;
    let delay = Duration::from_secs(2);
    far.handle.change_behaviour(|behaviour| behaviour.send_delay = delay);
    let start = Instant::now();
    let (first, second) = tokio::join!(far.handle.send_record("one"), far.handle.send_record("two"));
    first.unwrap();
    second.unwrap();
    assert_eq!(start.elapsed().as_secs(), 2, "both waited at the same time");
    assert_eq!(&agent.record().await[..], b"one");
    assert_eq!(&agent.record().await[..], b"two");
    far.handle.error("late too").await.unwrap();
    assert!(agent.closed().await.reason.contains("late too"));
    far.closed().await;
}

#[tokio::test(start_paused = true)]
async fn it_is_one_of_the_mtps() {
    let network = std::sync::Arc::new(MemoryNetwork::new());
    let far = uspec_mtp::uds::UdsFarConfig::new(listen(), CONTROLLER);
    let agent = uspec_mtp::uds::UdsAgentConfig::new(connect(), AGENT);
    let (sender, mut events) = tokio::sync::mpsc::channel(100);
    let far = FarConfig::Uds(far).start(network.clone(), sender).await.unwrap();
    let (agent, _agent_events) = AgentConfig::Uds(agent).start(network).await.unwrap();
    assert_eq!((far.mtp(), agent.mtp()), (Mtp::Uds, Mtp::Uds));
    while !matches!(events.recv().await.unwrap().what, MtpHappening::Open(_)) {}
    far.send_record("x").await.unwrap();
    agent.hang_up().await.unwrap();
    loop {
        if let MtpHappening::Closed(closing) = events.recv().await.unwrap().what {
            assert_eq!((closing.by, closing.clean), (EndedBy::Peer, true));
            break;
        }
    }
    far.shutdown().await;
    assert!(matches!(far.send_record("x").await, Err(MtpError::NotOpen)));
}
