//! One exchange of Records over a UNIX domain socket: through this crate's two ends, and the same octets echoed on a bare stream.
//!
//! The two medians of one run are compared: frames, octet log, events and the task per connection are all that the difference is made of.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::Arc;

use bytes::Bytes;
use divan::Bencher;
use divan::counter::BytesCount;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use uspec_mtp::event::{AgentHappening, Direction, EVENT_QUEUE, MtpEvent, MtpHappening};
use uspec_mtp::network::RealNetwork;
use uspec_mtp::uds::{UdsAgentConfig, UdsAgentEnd, UdsFarConfig, UdsFarSide, UdsHandle, UdsRole};

/// Octets of a Record: a Get, a GetResponse of one object, a GetResponse of a whole data model.
const SIZES: [usize; 3] = [200, 4 * 1024, 256 * 1024];

/// Octets of a frame around its Record: header and TLV head.
const AROUND: usize = 13;

fn main() {
    divan::main();
}

#[divan::bench(args = SIZES)]
fn uspec_ends(bencher: Bencher<'_, '_>, size: usize) {
    let runtime = runtime();
    let (_folder, path) = place();
    let (far, mut events) = runtime.block_on(ends(&path));
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
    let (_folder, path) = place();
    let mut client = runtime.block_on(echo(&path, AROUND + size));
    let octets = vec![7; AROUND + size];
    let mut answer = vec![0; AROUND + size];
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

fn place() -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("usp.sock").to_str().unwrap().to_owned();
    (folder, path)
}

/// A far side, and an Agent's end that sends every Record back.
async fn ends(path: &str) -> (UdsHandle, mpsc::Receiver<MtpEvent>) {
    let network = Arc::new(RealNetwork);
    let (sender, mut events) = mpsc::channel(EVENT_QUEUE);
    let far = UdsFarConfig::new(UdsRole::Listen { path: path.to_owned() }, "self::controller");
    let far = UdsFarSide::start(far, network.clone(), sender).await.unwrap();
    let agent = UdsAgentConfig::new(UdsRole::Connect { path: path.to_owned() }, "self::agent");
    let (agent, mut agent_events) = UdsAgentEnd::start(agent, network).await.unwrap();
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
async fn echo(path: &str, size: usize) -> UnixStream {
    let listener = UnixListener::bind(path).unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut octets = vec![0; size];
        while stream.read_exact(&mut octets).await.is_ok() {
            stream.write_all(&octets).await.unwrap();
        }
    });
    UnixStream::connect(path).await.unwrap()
}
