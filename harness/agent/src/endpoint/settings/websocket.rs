//! What the ends of WebSocket do in handshakes, in sessions and between them.

use crate::faults::{Fault, FaultSet};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use uspec_mtp::websocket::{EidInQuery, KeepAlive, Retry, RetryParameters, RetryWait, SecondSession, WsBehaviour};

/// Between Pings, when what is configured is ignored.
const FAULTY_KEEP_ALIVE: Duration = Duration::from_secs(45);

/// How a session is kept alive.
pub(in super::super) fn keep_alive(interval: Duration, faults: &FaultSet) -> Option<KeepAlive> {
    let interval = if faults.has(Fault::WsIgnoresKeepAliveInterval) { FAULTY_KEEP_ALIVE } else { interval };
    let wanted = !interval.is_zero() && !faults.has(Fault::WsSendsNoPings);
    wanted.then_some(KeepAlive { interval, answer_within: Some(interval) })
}

/// When a client connects again (R-WS.19), by the parameters as they are at that moment.
pub(in super::super) fn retry(parameters: watch::Receiver<RetryParameters>, faults: &FaultSet, seed: u64) -> Retry {
    if faults.has(Fault::WsNeverReconnects) {
        return Retry::Never;
    }
    if faults.has(Fault::WsKeepsRetryCount) {
        let count = AtomicU32::new(0);
        return Retry::Ask(RetryWait::new(move |_| {
            let retry = count.fetch_add(1, Ordering::Relaxed).saturating_add(1);
            parameters.borrow().range(retry).0
        }));
    }
    let wrong: fn(&RetryParameters, u32) -> Duration = if faults.has(Fault::WsReconnectsTooEarly) {
        |known, retry| if retry == 1 { known.range(1).0 / 4 } else { known.range(retry).0 }
    } else if faults.has(Fault::WsReconnectsTooLate) {
        |known, retry| if retry == 1 { known.range(1).1 * 2 } else { known.range(retry).0 }
    } else if faults.has(Fault::WsRetryIntervalDoesNotGrow) {
        |known, _| known.range(1).0
    } else {
        return Retry::agent(move || *parameters.borrow(), seed);
    };
    Retry::Ask(RetryWait::new(move |retry| wrong(&parameters.borrow(), retry)))
}

/// What the ends do in handshakes and sessions.
pub(in super::super) fn behaviour(faults: &FaultSet) -> WsBehaviour {
    let mut behaviour = WsBehaviour { second_session: SecondSession::CloseFirst, ..WsBehaviour::default() };
    if faults.has(Fault::WsOmitsEid) {
        behaviour.eid_in_query = EidInQuery::Omitted;
    }
    if faults.has(Fault::WsOmitsSubprotocol) {
        behaviour.offer_subprotocol = None;
        behaviour.answer_subprotocol = None;
    }
    if faults.has(Fault::WsAcceptsAnySubprotocol) {
        behaviour.require_subprotocol = false;
    }
    if faults.has(Fault::WsDemandsExtension) {
        behaviour.offer_extension = true;
        behaviour.require_extension = true;
    }
    if faults.has(Fault::WsKeepsSecondSession) {
        behaviour.second_session = SecondSession::Keep;
    }
    behaviour.answer_pings = !faults.has(Fault::WsIgnoresPings);
    behaviour.accept_unasked_pongs = !faults.has(Fault::WsClosesOnUnaskedPong);
    behaviour.answer_close = !faults.has(Fault::WsIgnoresClose);
    behaviour.accept_fragments = !faults.has(Fault::WsRefusesFragments);
    behaviour
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(Fault::WsOmitsEid)]
    #[case(Fault::WsOmitsSubprotocol)]
    #[case(Fault::WsAcceptsAnySubprotocol)]
    #[case(Fault::WsDemandsExtension)]
    #[case(Fault::WsKeepsSecondSession)]
    #[case(Fault::WsIgnoresPings)]
    #[case(Fault::WsClosesOnUnaskedPong)]
    #[case(Fault::WsIgnoresClose)]
    #[case(Fault::WsRefusesFragments)]
    fn faults_of_the_mtp_change_what_the_ends_do(#[case] fault: Fault) {
        assert_ne!(behaviour(&[fault].into_iter().collect()), behaviour(&FaultSet::default()));
    }

    #[test]
    fn pings() {
        let interval = Duration::from_secs(60);
        assert_eq!(keep_alive(interval, &FaultSet::default()).map(|keep_alive| keep_alive.interval), Some(interval));
        assert_eq!(keep_alive(interval, &[Fault::WsSendsNoPings].into_iter().collect()), None);
    }
}
