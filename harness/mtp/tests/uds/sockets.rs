//! Both ends over sockets of the operating system.

use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::AsyncReadExt;
use tokio::net::{UnixListener, UnixStream};
use tokio::time::timeout;
use uspec_mtp::event::{Direction, EndedBy, MtpHappening};
use uspec_mtp::network::{Address, RealNetwork};
use uspec_mtp::uds::UdsRole;
use uspec_mtp::websocket::Retry;

use crate::kit::{AGENT, Agent, CONTROLLER, Far, frame};

fn place() -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("usp.sock").to_str().unwrap().to_owned();
    (folder, path)
}

fn listen(path: &str) -> UdsRole {
    UdsRole::Listen { path: path.to_owned() }
}

fn connect(path: &str) -> UdsRole {
    UdsRole::Connect { path: path.to_owned() }
}

#[tokio::test]
async fn records_travel_both_ways() {
    let (_folder, path) = place();
    let mut far = Far::start(&RealNetwork, listen(&path), |_| {}).await;
    assert_eq!(far.handle.address(), Some(&Address::unix(&*path)));
    let mut agent = Agent::start(&RealNetwork, connect(&path), |_| {}).await;
    assert_eq!(far.opened().await.1.eid.as_deref(), Some(AGENT));
    assert_eq!(agent.opened().await.as_deref(), Some(CONTROLLER));
    let record = vec![5; 300_000];
    far.handle.send_record(record.clone()).await.unwrap();
    assert_eq!(agent.record().await, record);
    agent.handle.send_record(record.clone()).await.unwrap();
    assert_eq!(far.record().await, record);
    agent.handle.hang_up().await.unwrap();
    let closing = far.closed().await;
    assert_eq!((closing.by, closing.clean), (EndedBy::Peer, true));
    far.handle.shutdown().await;
    assert!(!Path::new(&path).exists());
}

#[tokio::test]
async fn a_server_that_comes_later_is_found() {
    let (_folder, path) = place();
    let mut far = Far::start(&RealNetwork, connect(&path), |config| {
        config.retry = Retry::After(Duration::from_millis(20));
    })
    .await;
    let failure = far.failure().await;
    assert!(failure.text.starts_with("unix:"), "{failure}");
    drop(UnixListener::bind(&path).unwrap());
    let mut agent = Agent::start(&RealNetwork, listen(&path), |_| {}).await;
    far.opened().await;
    agent.opened().await;
    far.handle.drop_connection().await.unwrap();
    assert!(agent.closed().await.clean, "the operating system shows no more than the end");
    far.opened().await;
}

#[tokio::test]
async fn an_error_reaches_the_peer_before_the_end() {
    let (_folder, path) = place();
    let mut far = Far::start(&RealNetwork, listen(&path), |_| {}).await;
    let mut stream = UnixStream::connect(&path).await.unwrap();
    let garbage = [b"garbage".to_vec(), vec![0; 50_000]].concat();
    tokio::io::AsyncWriteExt::write_all(&mut stream, &garbage).await.unwrap();
    let mut octets = Vec::new();
    timeout(Duration::from_secs(10), stream.read_to_end(&mut octets)).await.unwrap().unwrap();
    let text = "a frame begins with 67617262 in place of 5f555350 (\"_USP\")";
    assert_eq!(octets, frame(2, text.as_bytes()));
    drop(stream);
    far.ended().await;
    assert_eq!(far.story(1), ["attempt", "R-UDS.8", ">ERROR", "ended by Us"]);
    assert!(far.octets(Direction::Received).starts_with(b"garbage"));
}

#[tokio::test]
async fn a_paused_server_leaves_no_file() {
    let (_folder, path) = place();
    let mut far = Far::start(&RealNetwork, listen(&path), |_| {}).await;
    far.handle.pause();
    far.until(|what| matches!(what, MtpHappening::ListeningStopped).then_some(())).await;
    assert!(!Path::new(&path).exists());
    far.handle.reconnect();
    far.until(|what| matches!(what, MtpHappening::Listening { .. }).then_some(())).await;
    UnixStream::connect(&path).await.unwrap();
}
