//! Connecting again, and listening again (R-WS.19 to R-WS.21), and what start() refuses.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;
use uspec_mtp::MtpError;
use uspec_mtp::event::{AgentHappening, EVENT_QUEUE, EndedBy, FailureKind, MtpHappening, Party};
use uspec_mtp::network::{Address, MemoryNetwork, Network, NetworkError, RealNetwork};
use uspec_mtp::websocket::{
    Retry, RetryParameters, RetryWait, WsAgentConfig, WsAgentEnd, WsFarConfig, WsFarSide, WsRole,
};

use crate::kit::{AGENT, Agent, CONTROLLER, Far, PATH, address, connect, listen, pair};

fn retrying(what: &AgentHappening) -> Option<(u32, Duration)> {
    match what {
        AgentHappening::Retrying { retry, wait } => Some((*retry, *wait)),
        _ => None,
    }
}

#[tokio::test(start_paused = true)]
async fn the_agents_waits_lie_in_the_ranges_of_the_table() {
    let network = MemoryNetwork::new();
    let mut agent = Agent::start(&network, connect(), |config| {
        config.retry = Retry::agent(RetryParameters::default, 42);
    })
    .await;
    for (number, low) in (1..).zip([5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 640.0, 1280.0, 2560.0, 2560.0]) {
        let (retry, wait) = agent.until(retrying).await;
        assert_eq!(retry, number);
        assert!((low..=low * 2.0).contains(&wait.as_secs_f64()), "retry {retry}: {wait:?}");
        let start = Instant::now();
        let attempt = agent.next().await;
        assert!(matches!(attempt.what, AgentHappening::Failed(failure) if failure.kind == FailureKind::ConnectFailed));
        let waited = attempt.at - start;
        assert!(waited.abs_diff(wait) <= Duration::from_millis(2), "retry {retry} came after {waited:?}, not {wait:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_open_session_sets_the_count_back() {
    let network = MemoryNetwork::new();
    let mut agent = Agent::start(&network, connect(), |_| {}).await;
    while agent.until(retrying).await.0 < 4 {}
    let mut far = Far::start(&network, listen(), |_| {}).await;
    agent.opened().await;
    far.opened().await;
    far.handle.pause();
    far.handle.drop_connection().await.unwrap();
    let (retry, wait) = agent.until(retrying).await;
    assert_eq!(retry, 1);
    assert!((5.0..=10.0).contains(&wait.as_secs_f64()));
    assert_eq!(agent.failure().await.kind, FailureKind::ConnectFailed);
    assert_eq!(agent.until(retrying).await.0, 2);
    far.handle.reconnect();
    agent.opened().await;
}

#[tokio::test(start_paused = true)]
async fn a_fault_can_decide_the_waits() {
    let network = MemoryNetwork::new();
    let mut agent = Agent::start(&network, connect(), |config| {
        config.retry = Retry::Ask(RetryWait::new(|retry| Duration::from_millis(u64::from(retry))));
    })
    .await;
    assert_eq!(agent.until(retrying).await, (1, Duration::from_millis(1)));
    assert_eq!(agent.until(retrying).await, (2, Duration::from_millis(2)));
}

#[tokio::test(start_paused = true)]
async fn a_far_side_connects_again_after_its_interval() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, connect(), |config| {
        config.reconnect = Retry::After(Duration::from_secs(3));
    })
    .await;
    assert_eq!(far.failure().await.kind, FailureKind::ConnectFailed);
    let start = Instant::now();
    assert_eq!(far.failure().await.kind, FailureKind::ConnectFailed);
    assert_eq!(start.elapsed(), Duration::from_secs(3));
    let _agent = Agent::start(&network, listen(), |_| {}).await;
    far.opened().await;
    assert_eq!(start.elapsed(), Duration::from_secs(6));
    far.handle.hang_up().await.unwrap();
    far.opened().await;
}

#[tokio::test(start_paused = true)]
async fn a_far_side_stays_away_until_told() {
    let network = MemoryNetwork::new();
    let mut agent = Agent::start(&network, listen(), |_| {}).await;
    let mut far = Far::start(&network, connect(), |config| config.reconnect = Retry::Never).await;
    far.opened().await;
    agent.opened().await;
    far.handle.disconnect().await;
    let closing = agent.closed().await;
    assert_eq!((closing.by, closing.code, closing.clean), (EndedBy::Peer, Some(1000), true));
    far.ended().await;
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert!(!far.handle.is_open());
    far.handle.reconnect();
    far.opened().await;
    agent.opened().await;
    agent.handle.drop_connection().await.unwrap();
    far.ended().await;
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert!(!far.handle.is_open(), "Retry::Never");
    far.handle.reconnect();
    far.opened().await;
}

#[tokio::test(start_paused = true)]
async fn a_paused_listener_refuses_and_keeps_its_sessions() {
    let (mut far, mut agent) = pair().await;
    far.handle.pause();
    far.until(|what| matches!(what, MtpHappening::ListeningStopped).then_some(())).await;
    assert!(far.handle.is_open());
    agent.handle.send_record(&b"x"[..]).await.unwrap();
    far.record().await;
    agent.handle.hang_up().await.unwrap();
    assert_eq!(agent.failure().await.kind, FailureKind::ConnectFailed);
    far.handle.reconnect();
    far.until(|what| matches!(what, MtpHappening::Listening { .. }).then_some(())).await;
    far.opened().await;
}

#[tokio::test(start_paused = true)]
async fn connections_are_numbered_and_timed() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |_| {}).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let start = Instant::now();
    let _agent = Agent::start(&network, connect(), |_| {}).await;
    far.opened().await;
    let attempt =
        far.seen.iter().find(|event| matches!(event.what, MtpHappening::Attempt { opener: Party::Peer, .. })).unwrap();
    assert_eq!((attempt.connection.0, attempt.at), (1, start));
    assert_eq!(far.seen[0].connection.0, 0);
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
    drop(streams);
}

#[tokio::test(start_paused = true)]
async fn a_port_in_use_is_told_by_start() {
    let network = MemoryNetwork::new();
    let _far = Far::start(&network, listen(), |_| {}).await;
    let (sender, mut events) = mpsc::channel(EVENT_QUEUE);
    let error = WsFarSide::start(WsFarConfig::new(listen(), CONTROLLER), Arc::new(network), sender).await.unwrap_err();
    assert!(matches!(error, MtpError::Network(NetworkError::InUse { .. })), "{error}");
    assert!(events.recv().await.is_none(), "nothing runs");
}

#[tokio::test(start_paused = true)]
async fn a_path_that_is_none_is_told_by_start() {
    for path in ["usp", "", "/a b", "/a#b", "/a\r\nX: y"] {
        let role = WsRole::Connect { address: address(), path: path.to_owned(), host: None, tls: None };
        let network = Arc::new(MemoryNetwork::new());
        let error = WsAgentEnd::start(WsAgentConfig::new(role, AGENT), network).await.unwrap_err();
        assert!(matches!(error, MtpError::Config(_)), "{path}: {error}");
    }
}

#[tokio::test]
async fn real_loopback_sockets_do_the_same() {
    let network = Arc::new(RealNetwork);
    let role = WsRole::Listen { address: Address::tcp("127.0.0.1", 0), path: PATH.to_owned(), tls: None };
    let (sender, mut events) = mpsc::channel(EVENT_QUEUE);
    let far = WsFarSide::start(WsFarConfig::new(role, CONTROLLER), network.clone(), sender).await.unwrap();
    let address = far.address().unwrap().clone();
    assert_ne!(address.port(), 0);
    assert!(matches!(network.listen(&address).await.err(), Some(NetworkError::InUse { .. })));
    let role = WsRole::Connect { address: address.clone(), path: PATH.to_owned(), host: None, tls: None };
    let (agent, mut agent_events) = WsAgentEnd::start(WsAgentConfig::new(role, AGENT), network.clone()).await.unwrap();
    while !matches!(agent_events.recv().await.unwrap().what, AgentHappening::Opened { .. }) {}
    agent.send_record(vec![5; 200_000]).await.unwrap();
    let received = loop {
        if let MtpHappening::Record { bytes, .. } = events.recv().await.unwrap().what {
            break bytes;
        }
    };
    assert_eq!(received, vec![5; 200_000]);
    far.drop_connection().await.unwrap();
    let closing = loop {
        if let AgentHappening::Closed(closing) = agent_events.recv().await.unwrap().what {
            break closing;
        }
    };
    assert_eq!(closing.by, EndedBy::Broken);
    assert!(closing.reason.contains("reset"), "{}", closing.reason);
    agent.shutdown().await;
    far.shutdown().await;
    assert!(matches!(network.connect(&address).await.err(), Some(NetworkError::Refused { .. })));
}

#[tokio::test(start_paused = true)]
async fn an_end_whose_handle_is_gone_stops_and_frees_its_address() {
    let network = MemoryNetwork::new();
    let (sender, _events) = mpsc::channel(EVENT_QUEUE);
    let config = WsFarConfig::new(WsRole::Listen { address: address(), path: PATH.to_owned(), tls: None }, CONTROLLER);
    let handle = WsFarSide::start(config, Arc::new(network.clone()), sender).await.unwrap();
    assert!(matches!(network.listen(&address()).await, Err(NetworkError::InUse { .. })));
    drop(handle);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(network.listen(&address()).await.is_ok(), "nobody can stop it any more, and it still listens");
}
