//! One exchange of Records over loopback WebSocket: through this crate's two ends, and through a plain tokio-tungstenite echo.
//!
//! The two medians of one run are compared: the octet log, the events and the task per connection may cost half as much again.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::Arc;

use bytes::Bytes;
use divan::Bencher;
use divan::counter::BytesCount;
use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, accept_async, client_async};
use uspec_mtp::event::{AgentHappening, Direction, EVENT_QUEUE, MtpEvent, MtpHappening};
use uspec_mtp::network::{Address, RealNetwork};
use uspec_mtp::websocket::{WsAgentConfig, WsAgentEnd, WsFarConfig, WsFarSide, WsHandle, WsRole};

/// Octets of a Record: a Get, a GetResponse of one object, a GetResponse of a whole data model.
const SIZES: [usize; 3] = [200, 4 * 1024, 256 * 1024];

fn main() {
    divan::main();
}

#[divan::bench(args = SIZES)]
fn uspec_ends(bencher: Bencher<'_, '_>, size: usize) {
    let runtime = runtime();
    let (far, mut events) = runtime.block_on(ends());
    let record = Bytes::from(vec![7; size]);
    bencher.counter(BytesCount::new(2 * size)).bench_local(|| {
        runtime.block_on(async {
            far.send_record(record.clone()).await.unwrap();
            received(&mut events).await
        })
    });
}

#[divan::bench(args = SIZES)]
fn plain_tungstenite(bencher: Bencher<'_, '_>, size: usize) {
    let runtime = runtime();
    let mut client = runtime.block_on(echo());
    let record = Bytes::from(vec![7; size]);
    bencher.counter(BytesCount::new(2 * size)).bench_local(|| {
        runtime.block_on(async {
            client.send(Message::Binary(record.clone())).await.unwrap();
            client.next().await.unwrap().unwrap()
        })
    });
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// A far side, and an Agent's end that sends every Record back.
async fn ends() -> (WsHandle, mpsc::Receiver<MtpEvent>) {
    let network = Arc::new(RealNetwork);
    let role = WsRole::Listen { address: Address::tcp("127.0.0.1", 0), path: "/usp".to_owned(), tls: None };
    let (sender, mut events) = mpsc::channel(EVENT_QUEUE);
    let far = WsFarSide::start(WsFarConfig::new(role, "self::controller"), network.clone(), sender).await.unwrap();
    let address = far.address().unwrap().clone();
    let role = WsRole::Connect { address, path: "/usp".to_owned(), host: None, tls: None };
    let (agent, mut agent_events) = WsAgentEnd::start(WsAgentConfig::new(role, "self::agent"), network).await.unwrap();
    tokio::spawn(async move {
        while let Some(event) = agent_events.recv().await {
            if let AgentHappening::Record { bytes: record, .. } = event.what {
                agent.send_record(record).await.unwrap();
            }
        }
    });
    while !matches!(events.recv().await.unwrap().what, MtpHappening::Open(_)) {}
    // The first mask seeds the random numbers, which takes a while and happens once in a process.
    far.send_record(Bytes::new()).await.unwrap();
    received(&mut events).await;
    (far, events)
}

async fn received(events: &mut mpsc::Receiver<MtpEvent>) -> Bytes {
    loop {
        if let MtpHappening::Record { direction: Direction::Received, bytes, .. } = events.recv().await.unwrap().what {
            return bytes;
        }
    }
}

/// A client of an echo server.
async fn echo() -> WebSocketStream<TcpStream> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let mut server = accept_async(stream).await.unwrap();
        while let Some(Ok(message)) = server.next().await {
            server.send(message).await.unwrap();
        }
    });
    let stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    client_async(format!("ws://{address}/"), stream).await.unwrap().0
}
