//! What the ends of STOMP do in sessions and between them.

use crate::faults::{Fault, FaultSet};
use std::time::Duration;
use tokio::sync::watch;
use uspec_mtp::stomp::{HeaderChange, ServerRetry, StompBehaviour};
use uspec_mtp::websocket::{Retry, RetryWait};

/// A destination that nobody is subscribed to.
pub(in super::super) const NOWHERE: &str = "/uspec/nowhere";

/// The least by which a faulty retry is late, whatever the parameters say.
const LATE: Duration = Duration::from_secs(5);

/// When a client connects again (R-STOMP.7, R-STOMP.25), by the parameters as they are at that moment.
pub(in super::super) fn retry(parameters: watch::Receiver<ServerRetry>, faults: &FaultSet, seed: u64) -> Retry {
    if faults.has(Fault::StompNeverReconnects) {
        return Retry::Never;
    }
    let late = match [Fault::StompFirstRetryTooLate, Fault::StompSecondRetryTooLate].map(|fault| faults.has(fault)) {
        [true, _] => 1,
        [false, true] => 2,
        [false, false] => return ServerRetry::retry(move || *parameters.borrow(), seed),
    };
    Retry::Ask(RetryWait::new(move |retry| {
        let longest = parameters.borrow().longest(retry);
        if retry == late { longest.saturating_mul(2).max(longest.saturating_add(LATE)) } else { longest / 2 }
    }))
}

/// What the ends do in sessions.
pub(in super::super) fn behaviour(faults: &FaultSet) -> StompBehaviour {
    let mut behaviour =
        StompBehaviour { send_beats: !faults.has(Fault::StompSendsNoBeats), ..StompBehaviour::default() };
    let client = &mut behaviour.client;
    let omit = |header: &mut HeaderChange, fault| {
        if faults.has(fault) {
            *header = HeaderChange::Omit;
        }
    };
    omit(&mut client.endpoint_id, Fault::StompOmitsEndpointId);
    omit(&mut client.login, Fault::StompOmitsLogin);
    omit(&mut client.passcode, Fault::StompOmitsPasscode);
    omit(&mut client.heart_beat, Fault::StompOmitsHeartBeat);
    omit(&mut client.content_length, Fault::StompOmitsContentLength);
    omit(&mut client.content_type, Fault::StompOmitsContentType);
    omit(&mut client.reply_to, Fault::StompOmitsReplyTo);
    let set = |header: &mut HeaderChange, fault, value: &str| {
        if faults.has(fault) {
            *header = HeaderChange::Set(value.to_owned());
        }
    };
    set(&mut client.host, Fault::StompWrongHost, "somewhere-else");
    set(&mut client.heart_beat, Fault::StompWrongHeartBeat, "1234,4321");
    set(&mut client.content_length, Fault::StompWrongContentLength, "many");
    set(&mut client.content_type, Fault::StompWrongContentType, "application/octet-stream");
    set(&mut client.reply_to, Fault::StompWrongReplyTo, NOWHERE);
    if faults.has(Fault::StompConnectsWithConnect) {
        "CONNECT".clone_into(&mut client.opening_command);
    }
    if faults.has(Fault::StompWrongAck) {
        "client".clone_into(&mut client.ack);
    }
    client.ignore_server_beats = faults.has(Fault::StompIgnoresServerBeats);
    client.use_subscribe_dest = !faults.has(Fault::StompIgnoresSubscribeDest);
    client.leave_without_destination = !faults.has(Fault::StompStaysWithoutDestination);
    client.unsubscribe = !faults.has(Fault::StompDoesNotUnsubscribe);
    client.resubscribe = !faults.has(Fault::StompDoesNotResubscribe);
    client.transactions = faults.has(Fault::StompUsesTransactions);
    client.acknowledge = faults.has(Fault::StompAcknowledges);
    client.say_goodbye = !faults.has(Fault::StompSaysNoGoodbye);
    behaviour
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_of_the_mtp_change_what_the_ends_do() {
        // These act in the end itself, not in what the MTP does.
        let elsewhere = [
            Fault::StompIgnoresDestination,
            Fault::StompMovesElsewhere,
            Fault::StompAnswersToConfiguredDestination,
            Fault::StompNeverReconnects,
            Fault::StompFirstRetryTooLate,
            Fault::StompSecondRetryTooLate,
        ];
        for fault in Fault::all().iter().filter(|fault| fault.name().starts_with("stomp-")) {
            let changed = behaviour(&[*fault].into_iter().collect()) != behaviour(&FaultSet::default());
            assert_eq!(changed, !elsewhere.contains(fault), "{fault}");
        }
    }
}
