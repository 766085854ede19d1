//! What fuzzing asks of this crate: each function takes any octets, and panics when a promise is broken.
//!
//! Only there with the feature `fuzzing`, for `harness/fuzz`, and in tests, which try what fuzzing once found. Where the octets are those
//! of a stream, the first of them says how the others are cut: whatever comes out must not depend on that.

pub use crate::mqtt::fuzzing::packets as mqtt_packets;
pub use crate::stomp::fuzzing::frames as stomp_frames;
pub use crate::uds::fuzzing::frames as uds_frames;
pub use crate::websocket::fuzzing::{frames as websocket_frames, heads as websocket_heads};

/// The sizes to cut by, and the octets to be cut.
pub(crate) fn cut(octets: &[u8]) -> Option<(usize, &[u8])> {
    octets.split_first().map(|(size, rest)| (usize::from(*size).saturating_add(1), rest))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    #[rstest]
    #[case("mqtt_packets", crate::fuzzing::mqtt_packets)]
    #[case("stomp_frames", crate::fuzzing::stomp_frames)]
    #[case("uds_frames", crate::fuzzing::uds_frames)]
    #[case("websocket_frames", crate::fuzzing::websocket_frames)]
    #[case("websocket_heads", crate::fuzzing::websocket_heads)]
    fn every_seed_passes(#[case] target: &str, #[case] fuzz: fn(&[u8])) {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds").join(target);
        let mut count = 0;
        for seed in std::fs::read_dir(folder).unwrap() {
            fuzz(&std::fs::read(seed.unwrap().path()).unwrap());
            count += 1;
        }
        assert!(count > 0);
    }
}
