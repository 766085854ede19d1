//! Nothing that a peer does takes more than its share: memory, connections, time.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::Builder;
use tokio::time::{Instant, timeout};
use uspec_mtp::MtpError;
use uspec_mtp::event::{EVENT_OCTETS, EVENT_QUEUE, FailureKind, MtpHappening};
use uspec_mtp::network::{MemoryNetwork, Network};
use uspec_mtp::uds::{SecondHandshake, UnknownTlvs};

use crate::kit::{AGENT, CONTROLLER, Far, Raw, address, connect, frame, listen};

/// More than the longest wait of a connection that the peer has ended.
const PATIENCE: Duration = Duration::from_secs(120);

#[tokio::test(start_paused = true)]
async fn a_record_may_be_as_large_as_agreed_and_no_larger() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |config| config.max_record = 1000).await;
    let mut raw = Raw::open(&network).await;
    raw.send(&frame(3, &[1; 1000])).await;
    assert_eq!(far.record().await, [1; 1000]);
    raw.send(&frame(3, &[1; 1001])).await;
    let announced = far
        .until(|what| match what {
            MtpHappening::Oversized { limit, announced } => Some((*limit, *announced)),
            _ => None,
        })
        .await;
    assert_eq!(announced, (1000, 1006));
    assert!(raw.error().await.contains("1006 octets"));
}

#[tokio::test(start_paused = true)]
async fn a_flood_waits_for_its_consumer() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |_| {}).await;
    let mut raw = Raw::open(&network).await;
    far.opened().await;
    let flood = frame(3, b"").repeat(1000);
    let flooding = async {
        let mut sent = 0;
        while sent < 100 * flood.len() {
            sent += raw.0.write(&flood).await.unwrap();
        }
        sent
    };
    assert!(timeout(PATIENCE, flooding).await.is_err(), "nobody reads the events, and everything was taken");
    for _ in 0..2 * EVENT_QUEUE {
        assert!(far.record().await.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn large_records_wait_for_their_consumer() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |_| {}).await;
    let mut raw = Raw::open(&network).await;
    far.opened().await;
    let record = frame(3, &vec![7; 8 * 1024 * 1024]);
    let mut sent = 0;
    let flooding = async {
        loop {
            raw.0.write_all(&record).await.unwrap();
            sent += record.len();
        }
    };
    assert!(timeout(PATIENCE, flooding).await.is_err());
    assert!(sent <= EVENT_OCTETS, "{sent} octets were taken");
    assert_eq!(far.record().await.len(), 8 * 1024 * 1024);
}

#[tokio::test(start_paused = true)]
async fn many_tlvs_are_bounded() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |_| {}).await;
    let mut raw = Raw::open(&network).await;
    let tlvs = vec![(9, &b""[..]); 100_000];
    let octets = crate::kit::frame_of(&tlvs);
    let _ = timeout(PATIENCE, raw.0.write_all(&octets)).await;
    let failure = far.failure().await;
    assert_eq!((failure.kind, failure.requirement), (FailureKind::ProtocolViolation, None));
    assert!(failure.text.contains("more than the 64 TLVs"), "{}", failure.text);
}

#[tokio::test(start_paused = true)]
async fn answers_do_not_pile_up() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |config| {
        config.behaviour.second_handshake = SecondHandshake::Answer;
        config.behaviour.end_after_error = false;
        config.behaviour.unknown_tlvs = UnknownTlvs::Refuse;
    })
    .await;
    let mut raw = Raw::open(&network).await;
    far.opened().await;
    let rounds = 5000;
    let flood = [frame(1, AGENT.as_bytes()), frame(9, b"?")].concat().repeat(rounds);
    let (mut reader, mut writer) = tokio::io::split(&mut raw.0);
    let flooding = async {
        writer.write_all(&flood).await.unwrap();
        writer.write_all(&frame(3, b"done")).await.unwrap();
    };
    let ((), record) = tokio::join!(flooding, far.record());
    assert_eq!(record, b"done");
    let mut answers = 0;
    let mut octets = [0; 4096];
    let reading = async {
        while let Ok(Ok(count @ 1..)) = timeout(PATIENCE, reader.read(&mut octets)).await {
            answers += count;
        }
    };
    tokio::select! {
        () = reading => {}
        () = far.until(|_| None) => {}
    }
    let each = frame(1, CONTROLLER.as_bytes()).len();
    assert!(answers < rounds * each, "{answers} octets were kept for a peer that did not read");
}

#[tokio::test(start_paused = true)]
async fn more_connections_than_are_served_are_reported() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |_| {}).await;
    let mut streams = Vec::new();
    for _ in 0..33 {
        streams.push(network.connect(&address()).await.unwrap());
    }
    assert_eq!(far.failure().await.kind, FailureKind::TooManyConnections);
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

fn paused<T>(work: impl Future<Output = T>) -> T {
    Builder::new_current_thread().enable_all().start_paused(true).build().unwrap().block_on(work)
}

async fn ends(far: &mut Far) -> bool {
    timeout(PATIENCE, far.ended()).await.is_ok()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_octets_from_a_client(
        begun in prop_oneof![Just(Vec::new()), Just(b"_USP\0\0\0".to_vec()), Just(frame(1, AGENT.as_bytes()))],
        octets in vec(any::<u8>(), 0..300),
        kinds in vec((0..5_u8, vec(any::<u8>(), 0..40)), 0..8),
    ) {
        paused(async {
            let network = MemoryNetwork::new();
            let mut far = Far::start(&network, listen(), |config| config.max_record = 100).await;
            let mut raw = Raw::connect(&network).await;
            let frames = kinds.iter().flat_map(|(kind, value)| frame(*kind, value)).collect::<Vec<_>>();
            // The far side may have given up before everything was written.
            let _ = raw.0.write_all(&[&begun[..], &frames, &octets].concat()).await;
            drop(raw);
            assert!(ends(&mut far).await, "{:#?}", far.seen);
            for event in &far.seen {
                if let MtpHappening::Record { bytes, .. } = &event.what {
                    assert!(bytes.len() <= 100);
                }
            }
        });
    }

    #[test]
    fn any_octets_from_a_server(octets in vec(any::<u8>(), 0..300), begun in prop_oneof![Just(&b""[..]), Just(&b"_USP\0\0\0"[..])]) {
        paused(async {
            let network = MemoryNetwork::new();
            let mut listener = network.listen(&address()).await.unwrap();
            let mut far = Far::start(&network, connect(), |_| {}).await;
            let mut raw = Raw::accept(&mut listener).await;
            let _ = raw.0.write_all(&[begun, &octets[..]].concat()).await;
            drop(raw);
            assert!(ends(&mut far).await, "{:#?}", far.seen);
        });
    }
}
