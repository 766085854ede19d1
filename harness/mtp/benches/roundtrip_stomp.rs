//! One exchange of Records over STOMP on loopback: through this crate's two ends, and the same octets echoed on a bare TCP stream.
//!
//! The two medians of one run are compared: frames, the broker between them, octet log, events and the task per connection are all that the difference is made of.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use divan::Bencher;
use divan::counter::BytesCount;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use uspec_mtp::event::{AgentHappening, Direction, EVENT_QUEUE, MtpEvent, MtpHappening};
use uspec_mtp::network::{Address, RealNetwork};
use uspec_mtp::stomp::{
    CONTENT_TYPE, REPLY_TO, StompAgentConfig, StompAgentEnd, StompFarConfig, StompFarSide, StompFrame, StompHandle,
    StompPlace,
};

/// Octets of a Record: a Get, a GetResponse of one object, a GetResponse of a whole data model.
const SIZES: [usize; 3] = [200, 4 * 1024, 256 * 1024];

const TO_CONTROLLER: &str = "/queue/controller";
const TO_AGENT: &str = "/queue/agent";

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
fn bare_stream(bencher: Bencher<'_, '_>, size: usize) {
    let runtime = runtime();
    let octets = message(size);
    let mut client = runtime.block_on(echo(octets.len()));
    let mut answer = vec![0; octets.len()];
    bencher.counter(BytesCount::new(2 * size)).bench_local(|| {
        runtime.block_on(async {
            let (mut reader, mut writer) = client.split();
            let (sent, got) = tokio::join!(writer.write_all(&octets), reader.read_exact(&mut answer));
            sent.unwrap();
            got.unwrap()
        })
    });
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// What a Record of that size is on the wire.
fn message(size: usize) -> BytesMut {
    let mut octets = BytesMut::new();
    StompFrame::new("MESSAGE")
        .with("subscription", "0")
        .with("message-id", "uspec-1")
        .with("destination", TO_AGENT)
        .with("content-type", CONTENT_TYPE)
        .with("content-length", size.to_string())
        .with(REPLY_TO, TO_CONTROLLER)
        .with_body(vec![7; size])
        .write(&mut octets);
    octets
}

/// A far side, and an Agent's end that sends every Record back.
async fn ends() -> (StompHandle, mpsc::Receiver<MtpEvent>) {
    let network = Arc::new(RealNetwork);
    let (sender, mut events) = mpsc::channel(EVENT_QUEUE);
    let place = StompPlace::broker(Address::tcp("127.0.0.1", 0));
    let far = StompFarConfig::new(place, "self::controller", TO_CONTROLLER);
    let far = StompFarSide::start(far, network.clone(), sender).await.unwrap();
    let mut agent = StompAgentConfig::new(far.address().unwrap().clone(), "self::agent");
    agent.destination = Some(TO_AGENT.to_owned());
    let (agent, mut agent_events) = StompAgentEnd::start(agent, network).await.unwrap();
    tokio::spawn(async move {
        while let Some(event) = agent_events.recv().await {
            if let AgentHappening::Record { bytes, .. } = event.what {
                agent.send_record(bytes).await.unwrap();
            }
        }
    });
    while !matches!(events.recv().await.unwrap().what, MtpHappening::Open(_)) {}
    (far, events)
}

async fn received(events: &mut mpsc::Receiver<MtpEvent>) -> Bytes {
    loop {
        if let MtpHappening::Record { direction: Direction::Received, bytes, .. } = events.recv().await.unwrap().what {
            return bytes;
        }
    }
}

/// A client of a server that sends back every so many octets.
async fn echo(size: usize) -> TcpStream {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let mut octets = vec![0; size];
        while stream.read_exact(&mut octets).await.is_ok() {
            stream.write_all(&octets).await.unwrap();
        }
    });
    let stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}
