//! Whatever a peer sends, its connection comes to an end with its last event, in bounded time.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use tokio::io::AsyncWriteExt;
use tokio::runtime::Builder;
use tokio::time::timeout;
use uspec_mtp::network::MemoryNetwork;

use crate::kit::{Far, Raw};

/// More than the longest wait of a stream whose peer has gone.
const PATIENCE: Duration = Duration::from_secs(120);

fn paused<T>(work: impl Future<Output = T>) -> T {
    Builder::new_current_thread().enable_all().start_paused(true).build().unwrap().block_on(work)
}

async fn serve(octets: &[u8], open: bool) {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, |config| config.max_record = 1000).await;
    let mut raw = if open { Raw::open(&network).await } else { Raw::connect(&network).await };
    // The server may have given up before everything was written.
    let _ = raw.0.write_all(octets).await;
    drop(raw);
    assert!(timeout(PATIENCE, far.ended()).await.is_ok(), "{:#?}", far.seen);
    Raw::open(&network).await;
}

/// Pieces of which frames are made.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let words: Vec<&[u8]> = vec![
        b"SEND\n",
        b"SUBSCRIBE\n",
        b"UNSUBSCRIBE\n",
        b"DISCONNECT\n",
        b"STOMP\n",
        b"ACK\n",
        b"BEGIN\n",
        b"id:0\n",
        b"id:1\n",
        b"destination:/queue/controller\n",
        b"destination:/a\n",
        b"content-length:3\n",
        b"receipt:r\n",
        b"accept-version:1.2\n",
        b"host:a\n",
        b"heart-beat:1,1\n",
        b"\n",
        b"\n\n",
        b"abc",
        b"\0",
        b"\r\n",
        b"\\",
        b":",
        b"reply-to-dest:/b\n",
    ];
    vec(prop::sample::select(words), 0..40).prop_map(|words| words.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_octets_in_place_of_an_opening_frame(octets in vec(any::<u8>(), 0..300)) {
        paused(serve(&octets, false));
    }

    #[test]
    fn any_octets_in_a_session(octets in vec(any::<u8>(), 0..300)) {
        paused(serve(&octets, true));
    }

    #[test]
    fn any_pieces_of_frames(octets in pieces(), open in any::<bool>()) {
        paused(serve(&octets, open));
    }
}
