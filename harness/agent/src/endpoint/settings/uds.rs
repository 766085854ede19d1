//! What the ends of UNIX domain sockets do in handshakes, in sessions and between them.

use crate::faults::{Fault, FaultSet};
use std::time::Duration;
use uspec_mtp::uds::{
    BadHandshake, FrameChanges, HandshakeSent, LengthChange, SecondHandshake, TYPE_HANDSHAKE, UdsBehaviour, UnknownTlvs,
};
use uspec_mtp::websocket::Retry;

/// Bounds of the wait before a client connects again (R-UDS.5).
const WAIT: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(5));

/// After what time a client connects again that takes too long.
const FAULTY_WAIT: Duration = Duration::from_secs(10);

/// How much too long a faulty length says that a frame is.
const FAULTY_LENGTH: i32 = 5;

/// When a client connects again.
pub(in super::super) fn retry(faults: &FaultSet, seed: u64) -> Retry {
    if faults.has(Fault::UdsNeverReconnects) {
        Retry::Never
    } else if faults.has(Fault::UdsReconnectsAtOnce) {
        Retry::After(Duration::ZERO)
    } else if faults.has(Fault::UdsReconnectsTooLate) {
        Retry::After(FAULTY_WAIT)
    } else {
        Retry::between(WAIT.0, WAIT.1, seed)
    }
}

/// What the ends do in handshakes and sessions. `early` is the Record that a fault sends before any Handshake.
pub(in super::super) fn behaviour(faults: &FaultSet, early: &[u8]) -> UdsBehaviour {
    let mut behaviour = UdsBehaviour::default();
    if faults.has(Fault::UdsSendsNoHandshake) {
        behaviour.handshake = HandshakeSent::Withheld;
    }
    if faults.has(Fault::UdsWrongEndpointId) {
        behaviour.handshake = HandshakeSent::Other("proto::somebody-else".to_owned());
    }
    if faults.has(Fault::UdsSendsRecordsEarly) {
        behaviour.early_records = vec![early.to_vec().into()];
    }
    if faults.has(Fault::UdsWaitsForever) {
        behaviour.handshake_limit = None;
    }
    if faults.has(Fault::UdsIgnoresBadHandshake) {
        behaviour.bad_handshake = BadHandshake::Ignore;
    }
    if faults.has(Fault::UdsAnswersSecondHandshake) {
        behaviour.second_handshake = SecondHandshake::Answer;
    }
    if faults.has(Fault::UdsRefusesSecondHandshake) {
        behaviour.second_handshake = SecondHandshake::Refuse;
    }
    if faults.has(Fault::UdsRefusesUnknownTlvs) {
        behaviour.unknown_tlvs = UnknownTlvs::Refuse;
    }
    if faults.has(Fault::UdsTakesUnknownTlvs) {
        behaviour.unknown_tlvs = UnknownTlvs::TakeAsRecords;
    }
    if faults.has(Fault::UdsRecordsHaveWrongType) {
        behaviour.types.record = TYPE_HANDSHAKE;
    }
    behaviour.handshake_first = faults.has(Fault::UdsServerSpeaksFirst);
    behaviour.take_early_records = faults.has(Fault::UdsTakesEarlyRecords);
    behaviour.send_errors = !faults.has(Fault::UdsSendsNoErrors);
    behaviour.end_after_error = !faults.has(Fault::UdsStaysAfterOwnError);
    behaviour.obey_errors = !faults.has(Fault::UdsIgnoresErrors);
    behaviour.frames = frames(faults);
    behaviour
}

/// What is wrong with the frames.
fn frames(faults: &FaultSet) -> FrameChanges {
    let mut frames = FrameChanges::default();
    if faults.has(Fault::UdsWrongSync) {
        frames.sync = Some(*b"_usp");
    }
    if faults.has(Fault::UdsWrongLength) {
        frames.length = LengthChange::Shifted(FAULTY_LENGTH);
    }
    if faults.has(Fault::UdsLengthLowestFirst) {
        frames.length = LengthChange::LowestFirst;
    }
    if faults.has(Fault::UdsWrongTlvLength) {
        frames.tlv_length = LengthChange::Shifted(FAULTY_LENGTH);
    }
    frames
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(Fault::UdsSendsNoHandshake)]
    #[case(Fault::UdsWrongEndpointId)]
    #[case(Fault::UdsSendsRecordsEarly)]
    #[case(Fault::UdsWaitsForever)]
    #[case(Fault::UdsIgnoresBadHandshake)]
    #[case(Fault::UdsAnswersSecondHandshake)]
    #[case(Fault::UdsRefusesSecondHandshake)]
    #[case(Fault::UdsRefusesUnknownTlvs)]
    #[case(Fault::UdsTakesUnknownTlvs)]
    #[case(Fault::UdsRecordsHaveWrongType)]
    #[case(Fault::UdsServerSpeaksFirst)]
    #[case(Fault::UdsTakesEarlyRecords)]
    #[case(Fault::UdsSendsNoErrors)]
    #[case(Fault::UdsStaysAfterOwnError)]
    #[case(Fault::UdsIgnoresErrors)]
    #[case(Fault::UdsWrongSync)]
    #[case(Fault::UdsWrongLength)]
    #[case(Fault::UdsLengthLowestFirst)]
    #[case(Fault::UdsWrongTlvLength)]
    fn faults_of_the_mtp_change_what_the_ends_do(#[case] fault: Fault) {
        assert_ne!(behaviour(&[fault].into_iter().collect(), b"x"), behaviour(&FaultSet::default(), b"x"));
    }
}
