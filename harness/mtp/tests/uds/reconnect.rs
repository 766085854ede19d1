//! Connecting again, and listening again (R-UDS.5), and what start() refuses.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};
use uspec_mtp::MtpError;
use uspec_mtp::event::{EVENT_QUEUE, FailureKind, MtpHappening};
use uspec_mtp::network::{MemoryNetwork, NetworkError};
use uspec_mtp::uds::{UdsFarConfig, UdsFarSide, UdsRole};
use uspec_mtp::websocket::Retry;

use crate::kit::{Agent, CONTROLLER, Far, connect, listen};

#[tokio::test(start_paused = true)]
async fn a_client_connects_again_within_one_to_five_seconds() {
    let network = MemoryNetwork::new();
    let mut agent = Agent::start(&network, connect(), |_| {}).await;
    let mut waits = Vec::new();
    for _ in 0..30 {
        let failed = Instant::now();
        assert_eq!(agent.failure().await.kind, FailureKind::ConnectFailed);
        waits.push(agent.retrying().await);
        assert!(failed.elapsed() <= Duration::from_millis(5005));
    }
    assert!(waits.iter().all(|wait| (1.0..=5.0).contains(&wait.as_secs_f64())), "{waits:?}");
    assert!(waits.iter().any(|wait| wait.as_secs_f64() < 2.0) && waits.iter().any(|wait| wait.as_secs_f64() > 4.0));
    let mut far = Far::start(&network, listen(), |_| {}).await;
    agent.opened().await;
    far.opened().await;
    far.handle.drop_connection().await.unwrap();
    let lost = Instant::now();
    agent.opened().await;
    assert!((1.0..=5.01).contains(&lost.elapsed().as_secs_f64()), "{:?}", lost.elapsed());
}

#[tokio::test(start_paused = true)]
async fn both_ends_do_so() {
    let network = MemoryNetwork::new();
    let mut agent = Agent::start(&network, listen(), |_| {}).await;
    let mut far = Far::start(&network, connect(), |_| {}).await;
    far.opened().await;
    agent.opened().await;
    agent.handle.hang_up().await.unwrap();
    let wait = far.until(|what| match what {
        MtpHappening::Waiting { wait, .. } => Some(*wait),
        _ => None,
    });
    let wait = wait.await;
    assert!((1.0..=5.0).contains(&wait.as_secs_f64()), "{wait:?}");
    far.opened().await;
}

#[tokio::test(start_paused = true)]
async fn an_agent_with_a_fault_connects_at_once_too_late_or_never() {
    for (retry, within) in [
        (Retry::After(Duration::ZERO), Some((0, 100))),
        (Retry::After(Duration::from_secs(20)), Some((20_000, 20_100))),
        (Retry::Never, None),
    ] {
        let network = MemoryNetwork::new();
        let mut far = Far::start(&network, listen(), |_| {}).await;
        let _agent = Agent::start(&network, connect(), |config| config.retry = retry).await;
        far.opened().await;
        far.handle.drop_connection().await.unwrap();
        let lost = Instant::now();
        match (within, timeout(Duration::from_secs(600), far.opened()).await) {
            (Some((low, high)), Ok(_)) => assert!((low..high).contains(&lost.elapsed().as_millis()), "{within:?}"),
            (None, Err(_)) => {}
            (within, _) => panic!("{within:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_paused_listener_is_gone_and_keeps_its_connections() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |_| {}).await;
    let mut agent = Agent::start(&network, connect(), |_| {}).await;
    far.opened().await;
    agent.opened().await;
    far.handle.pause();
    far.until(|what| matches!(what, MtpHappening::ListeningStopped).then_some(())).await;
    agent.handle.send_record("x").await.unwrap();
    far.record().await;
    agent.handle.hang_up().await.unwrap();
    assert_eq!(agent.failure().await.kind, FailureKind::ConnectFailed);
    far.handle.reconnect();
    far.until(|what| matches!(what, MtpHappening::Listening { .. }).then_some(())).await;
    far.opened().await;
}

#[tokio::test(start_paused = true)]
async fn a_far_side_stays_away_until_told() {
    let network = MemoryNetwork::new();
    let mut agent = Agent::start(&network, listen(), |_| {}).await;
    let mut far = Far::start(&network, connect(), |_| {}).await;
    far.opened().await;
    agent.opened().await;
    far.handle.disconnect().await;
    assert!(agent.closed().await.clean);
    sleep(Duration::from_secs(3600)).await;
    assert!(!far.handle.is_open());
    far.handle.reconnect();
    far.opened().await;
    agent.opened().await;
}

#[tokio::test(start_paused = true)]
async fn one_more_connection_can_be_opened() {
    let network = MemoryNetwork::new();
    let mut agent = Agent::start(&network, listen(), |_| {}).await;
    let mut far = Far::start(&network, connect(), |_| {}).await;
    let (first, _) = far.opened().await;
    let other = far.handle.open_another().unwrap();
    assert_eq!(far.opened().await.0, other);
    agent.opened().await;
    agent.opened().await;
    far.handle.send_record("on the newer").await.unwrap();
    far.handle.at(first).send_record("on the older").await.unwrap();
    for expected in ["on the newer", "on the older"] {
        assert_eq!(&agent.record().await[..], expected.as_bytes());
    }
    far.handle.at(other).hang_up().await.unwrap();
    agent.closed().await;
    sleep(Duration::from_secs(60)).await;
    assert!(!far.handle.at(other).is_open() && far.handle.at(first).is_open(), "it is not opened again");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_is_told_by_start() {
    let network = MemoryNetwork::new();
    let _far = Far::start(&network, listen(), |_| {}).await;
    let (sender, _events) = mpsc::channel(EVENT_QUEUE);
    let again = UdsFarSide::start(UdsFarConfig::new(listen(), CONTROLLER), Arc::new(network.clone()), sender.clone());
    assert!(matches!(again.await.err(), Some(MtpError::Network(NetworkError::InUse { .. }))));
    let nowhere = UdsFarConfig::new(UdsRole::Connect { path: String::new() }, CONTROLLER);
    let nowhere = UdsFarSide::start(nowhere, Arc::new(network), sender);
    assert!(matches!(nowhere.await.err(), Some(MtpError::Config(_))));
}
