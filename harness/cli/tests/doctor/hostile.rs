//! Peers that are no EUT, or a bad one: each examination ends in bounded time, and its report is clear and small.

use crate::kit::{PATIENCE, Setup, broken};
use rstest::rstest;
use std::{sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use uspec_agent::endpoint;
use uspec_mtp::network::{Address, BoxStream, MemoryNetwork, Network};
use uspec_runner::doctor::{Examination, Stage};
use uspec_testplan::profile::Transport;

/// The longest that an examination may take which comes to no answer: the wait for the EUT, and its own limits.
const LONGEST: Duration = Duration::from_secs(60 + 60);

/// What a peer does with a stream.
#[derive(Debug, Clone, Copy)]
enum Peer {
    /// It sends this again and again, as fast as it is taken.
    Floods(&'static [u8]),
    /// It sends this once and waits.
    Says(&'static [u8]),
    /// It sends this and ends the stream.
    Leaves(&'static [u8]),
}

impl Peer {
    async fn play(self, mut stream: BoxStream) {
        match self {
            Self::Floods(octets) => while stream.write_all(octets).await.is_ok() {},
            Self::Says(octets) => {
                let _ = stream.write_all(octets).await;
                let mut taken = [0; 1024];
                while stream.read(&mut taken).await.is_ok_and(|count| count > 0) {}
            }
            Self::Leaves(octets) => {
                let _ = stream.write_all(octets).await;
                let _ = stream.shutdown().await;
            }
        }
    }
}

fn address(setup: &Setup) -> Address {
    match &setup.mtp.transport {
        Transport::WebSocket(it) => Address::tcp(&it.address.host, it.address.port),
        Transport::Mqtt(it) => Address::tcp(&it.address.host, it.address.port),
        Transport::Stomp(it) => Address::tcp(&it.address.host, it.address.port),
        Transport::Uds(it) => Address::unix(it.path.display().to_string()),
    }
}

/// Connects so many times at once, and again whenever a stream ends.
fn call(network: &Arc<dyn Network>, at: &Address, peer: Peer, times: usize) -> Vec<tokio::task::JoinHandle<()>> {
    let caller = || {
        let (network, at) = (Arc::clone(network), at.clone());
        tokio::spawn(async move {
            loop {
                if let Ok(stream) = network.connect(&at).await {
                    peer.play(stream).await;
                }
                sleep(Duration::from_secs(5)).await;
            }
        })
    };
    (0..times).map(|_| caller()).collect()
}

async fn bounded(setup: &Setup, network: Arc<dyn Network>) -> (Examination, Vec<String>) {
    let begun = Instant::now();
    let examined = timeout(LONGEST, setup.alone(network)).await.unwrap();
    assert!(begun.elapsed() <= LONGEST);
    let size: usize = examined.1.iter().map(String::len).sum::<usize>() + format!("{:?}", examined.0).len();
    assert!(size < 64 * 1024, "a report of {size} octets");
    examined
}

#[rstest]
#[case::nothing("websocket", Peer::Says(b""), Stage::Stream, "a WebSocket upgrade")]
#[case::gone("websocket", Peer::Leaves(b""), Stage::Stream, "that ended before a WebSocket upgrade")]
#[case::garbage("websocket", Peer::Leaves(b"\x00\x01\x02\x03\r\n\r\n"), Stage::Handshake, "the octets 00010203")]
#[case::flood("websocket", Peer::Floods(b"GET / HTTP/1.1\r\nX: 1\r\n"), Stage::Handshake, "`GET / HTTP/1.1`")]
#[case::browser(
    "websocket",
    Peer::Leaves(b"GET /favicon.ico HTTP/1.1\r\nHost: x\r\n\r\n"),
    Stage::Handshake,
    "upgrade to WebSocket"
)]
#[case::escapes("websocket", Peer::Leaves(b"\x1b[2Jhello\r\n\r\n"), Stage::Handshake, "the octets 1b5b324a")]
#[case::nothing("websocket-tls", Peer::Says(b""), Stage::Stream, "a TLS ClientHello")]
#[case::clear("websocket-tls", Peer::Leaves(b"GET /other HTTP/1.1\r\n\r\n"), Stage::Tls, "`GET /other HTTP/1.1`")]
#[case::flood("websocket-tls", Peer::Floods(&[0x16, 0x03, 0x01, 0xff, 0xff]), Stage::Tls, "ended TLS without an alert")]
#[case::garbage("websocket-tls", Peer::Leaves(&[0xff; 400]), Stage::Tls, "the octets ffffffff")]
#[case::nothing("mqtt5", Peer::Says(b""), Stage::Stream, "TCP connection")]
#[case::garbage("mqtt5", Peer::Leaves(&[0xff; 64]), Stage::Handshake, "the octets ffffffff")]
#[case::flood("mqtt5", Peer::Floods(&[0xff; 1024]), Stage::Handshake, "the octets ffffffff")]
#[case::cut("mqtt5", Peer::Says(b"\x10\x7f\x00\x04MQTT\x05"), Stage::Handshake, "an MQTT CONNECT")]
#[case::nothing("stomp", Peer::Says(b""), Stage::Stream, "TCP connection")]
#[case::garbage("stomp", Peer::Leaves(b"HELO there\r\n\r\n\0"), Stage::Handshake, "`HELO there`")]
#[case::flood("stomp", Peer::Floods(b"STOMP\n"), Stage::Handshake, "`STOMP`")]
#[case::nothing("uds", Peer::Says(b""), Stage::Stream, "connection")]
#[case::garbage("uds", Peer::Leaves(&[0xff; 64]), Stage::Handshake, "the octets ffffffff")]
#[tokio::test(start_paused = true)]
async fn who_connects_and_is_no_agent(
    #[case] mtp: &str,
    #[case] peer: Peer,
    #[case] stage: Stage,
    #[case] words: &str,
    #[values(1, 40)] times: usize,
) {
    let setup = Setup::of(mtp);
    let network: Arc<dyn Network> = Arc::new(MemoryNetwork::default());
    let callers = call(&network, &address(&setup), peer, times);
    let (examination, _) = bounded(&setup, network).await;
    let (at, fault) = broken(&examination);
    assert_eq!(at, stage, "{examination:#?}");
    assert!(fault.seen.contains(words), "{fault:#?}");
    callers.iter().for_each(tokio::task::JoinHandle::abort);
}

#[rstest]
#[case::nothing("websocket-server", Peer::Says(b""), Stage::Handshake, "nothing")]
#[case::gone("websocket-server", Peer::Leaves(b""), Stage::Handshake, "nothing")]
#[case::garbage("websocket-server", Peer::Says(b"SSH-2.0-OpenSSH\r\n"), Stage::Handshake, "SSH-2.0-OpenSSH")]
#[case::web(
    "websocket-server",
    Peer::Says(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    Stage::Handshake,
    "HTTP status 200"
)]
#[case::flood(
    "websocket-server",
    Peer::Floods(b"HTTP/1.1 101 Switching\r\nX: 1\r\n"),
    Stage::Handshake,
    "HTTP/1.1 101"
)]
#[case::nothing("websocket-server-tls", Peer::Says(b""), Stage::Tls, "nothing")]
#[case::garbage("websocket-server-tls", Peer::Says(b"SSH-2.0-OpenSSH\r\n"), Stage::Tls, "`SSH-2.0-OpenSSH`")]
#[case::nothing("uds-server", Peer::Says(b""), Stage::Handshake, "nothing")]
#[case::garbage("uds-server", Peer::Floods(b"hello\n"), Stage::Handshake, "`hello`")]
#[tokio::test(start_paused = true)]
async fn who_is_called_and_is_no_agent(
    #[case] mtp: &str,
    #[case] peer: Peer,
    #[case] stage: Stage,
    #[case] words: &str,
) {
    let setup = Setup::of(mtp);
    let network: Arc<dyn Network> = Arc::new(MemoryNetwork::default());
    let mut listener = network.listen(&address(&setup)).await.unwrap();
    let server = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(peer.play(stream));
        }
    });
    let (examination, _) = bounded(&setup, network).await;
    let (at, fault) = broken(&examination);
    assert_eq!(at, stage, "{examination:#?}");
    assert!(fault.seen.contains(words), "{fault:#?}");
    server.abort();
}

#[rstest]
#[case("websocket", Peer::Floods(&[0xff; 1024]))]
#[case("websocket-tls", Peer::Leaves(b"\x00\x01"))]
#[case("mqtt5", Peer::Leaves(b"GET / HTTP/1.1\r\n\r\n"))]
#[case("stomp", Peer::Says(b""))]
#[tokio::test(start_paused = true)]
async fn an_eut_among_strangers_comes_up(#[case] mtp: &str, #[case] stranger: Peer) {
    let setup = Setup::of(mtp);
    let network: Arc<dyn Network> = Arc::new(MemoryNetwork::default());
    let callers = call(&network, &address(&setup), stranger, 3);
    let stop = CancellationToken::new();
    let (config, its, stopped) = (setup.agent.clone(), Arc::clone(&network), stop.clone());
    let agent = tokio::spawn(async move {
        // The strangers come first.
        sleep(Duration::from_secs(20)).await;
        endpoint::run(config, its, stopped).await
    });
    let (examination, told) = setup.alone(network).await;
    assert!(examination.is_good(), "{examination:#?}");
    assert!(told.iter().any(|text| text.starts_with("waiting for the EUT at ")), "{told:#?}");
    stop.cancel();
    agent.await.unwrap().unwrap();
    callers.iter().for_each(tokio::task::JoinHandle::abort);
}

#[rstest]
#[case("websocket")]
#[case("mqtt5")]
#[case("stomp")]
#[case("uds")]
#[tokio::test(start_paused = true)]
async fn a_place_that_is_taken_is_said_before(#[case] mtp: &str) {
    let setup = Setup::of(mtp);
    let network: Arc<dyn Network> = Arc::new(MemoryNetwork::default());
    let _other = network.listen(&address(&setup)).await.unwrap();
    let begun = Instant::now();
    let (examination, _) = setup.alone(network).await;
    let (at, fault) = broken(&examination);
    assert_eq!((at, begun.elapsed()), (Stage::Place, Duration::ZERO));
    assert!(fault.seen.contains("is in use by another listener"), "{fault:?}");
    assert!(crate::kit::is_to_change(&fault, uspec_runner::doctor::Side::Bench, "another process listens at"));
}

#[tokio::test(start_paused = true)]
async fn while_nobody_connects_it_is_told_where_we_listen_and_what_came() {
    let setup = Setup::of("websocket-tls");
    let network: Arc<dyn Network> = Arc::new(MemoryNetwork::default());
    let callers = call(&network, &address(&setup), Peer::Leaves(b""), 1);
    let begun = Instant::now();
    let (examination, told) = setup.alone(network).await;
    assert_eq!(begun.elapsed().as_secs(), PATIENCE.as_secs());
    let waiting: Vec<_> = told.iter().filter(|text| text.starts_with("waiting")).collect();
    assert!(waiting.len() > 3 && waiting.len() < 20, "{told:#?}");
    for text in waiting {
        assert!(text.contains("at wss://127.0.0.1:8080/usp; "), "{text}");
        assert!(text.contains(" that ended before a TLS ClientHello; the last one, from memory:"), "{text}");
        assert!(text.ends_with(" sent nothing"), "{text}");
    }
    assert!(!examination.is_good());
    callers.iter().for_each(tokio::task::JoinHandle::abort);
}
