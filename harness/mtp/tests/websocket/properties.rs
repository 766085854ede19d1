//! Whatever a peer sends, a session comes to an end with its last event, in bounded time.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use tokio::io::AsyncWriteExt;
use tokio::runtime::Builder;
use tokio::time::timeout;
use uspec_mtp::event::MtpHappening;
use uspec_mtp::network::MemoryNetwork;
use uspec_mtp::tls::PeerCertificate;

use crate::kit::{Far, Raw, connect, listen};

/// More than the longest wait of an open session: for an answer to a Close, and for the stream's end.
const PATIENCE: Duration = Duration::from_secs(120);

fn paused<T>(work: impl Future<Output = T>) -> T {
    Builder::new_current_thread().enable_all().start_paused(true).build().unwrap().block_on(work)
}

async fn ends(far: &mut Far) -> bool {
    timeout(PATIENCE, far.ended()).await.is_ok()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_octets_in_place_of_a_handshake(octets in vec(any::<u8>(), 0..300)) {
        paused(async {
            let network = MemoryNetwork::new();
            let mut far = Far::start(&network, listen(), |_| {}).await;
            let mut raw = Raw::connect(&network).await;
            // The far side may have given up before everything was written.
            let _ = raw.0.write_all(&octets).await;
            drop(raw);
            assert!(ends(&mut far).await, "{:#?}", far.seen);
        });
    }

    #[test]
    fn any_octets_in_an_open_session(
        octets in vec(any::<u8>(), 0..300),
        first in prop_oneof![Just(0x82_u8), Just(0x02), Just(0x80), Just(0x88), Just(0x89), any::<u8>()],
    ) {
        paused(async {
            let network = MemoryNetwork::new();
            let mut far = Far::start(&network, listen(), |config| config.max_record = 100).await;
            let mut raw = Raw::open(&network).await;
            let _ = raw.0.write_all(&[&[first, 0x94, 0, 0, 0, 0], &octets[..]].concat()).await;
            drop(raw);
            assert!(ends(&mut far).await, "{:#?}", far.seen);
            for event in &far.seen {
                if let MtpHappening::Record { bytes, .. } | MtpHappening::Text { bytes, .. } = &event.what {
                    assert!(bytes.len() <= 100);
                }
            }
        });
    }

    #[test]
    fn any_octets_in_place_of_a_servers_answer(octets in vec(any::<u8>(), 0..300), status in "HTTP/1\\.1 [0-9]{3} ") {
        paused(async {
            let network = MemoryNetwork::new();
            let mut listener = uspec_mtp::network::Network::listen(&network, &crate::kit::address()).await.unwrap();
            let mut far = Far::start(&network, connect(), |_| {}).await;
            let (stream, _) = listener.accept().await.unwrap();
            let mut raw = Raw(stream);
            raw.head().await;
            let _ = raw.0.write_all(&[status.as_bytes(), &octets[..]].concat()).await;
            drop(raw);
            assert!(ends(&mut far).await, "{:#?}", far.seen);
        });
    }

    #[test]
    fn any_octets_in_place_of_a_certificate(octets in vec(any::<u8>(), 0..300)) {
        let seen = PeerCertificate::read(&octets);
        prop_assert_eq!(&seen.der[..], &octets[..]);
    }

    /// A certificate with an octet changed is read or not; a change in what is signed is never taken for its own signature's.
    #[test]
    fn any_changed_octet_in_a_certificate(place in any::<prop::sample::Index>(), value in any::<u8>()) {
        let authority = uspec_mtp::tls::CertificateAuthority::generate("test").unwrap();
        let mut der = authority.certificate_der().to_vec();
        let place = place.index(der.len());
        // Two sequences of more than 255 octets, one inside the other: what is signed begins after the first one's header.
        let signed = 4..8 + usize::from(u16::from_be_bytes([der[6], der[7]]));
        let unchanged = der[place] == value || !signed.contains(&place);
        der[place] = value;
        let seen = PeerCertificate::read(&der);
        prop_assert!(unchanged || !seen.self_signed, "a change at {} was not noticed", place);
        let _ = seen.stands_for("self::x");
    }
}
