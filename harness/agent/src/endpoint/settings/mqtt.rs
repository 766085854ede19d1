//! What the ends of MQTT do in sessions and between them.

use crate::faults::{Fault, FaultSet};
use std::time::Duration;
use tokio::sync::watch;
use uspec_mtp::mqtt::packet::PacketKind;
use uspec_mtp::mqtt::{Change, MqttBehaviour};
use uspec_mtp::websocket::{Retry, RetryParameters, RetryWait};

/// A topic that nobody is subscribed to.
const NOWHERE: &str = "uspec/nowhere";

/// Keep Alive that is not the configured one, in seconds.
const FAULTY_KEEP_ALIVE: u16 = 77;

/// The level of the protocol before 3.1.1.
const FAULTY_LEVEL: u8 = 3;

/// When a client connects again (R-MQTT.10, R-MQTT.33), by the parameters as they are at that moment.
pub(in super::super) fn retry(parameters: watch::Receiver<RetryParameters>, faults: &FaultSet, seed: u64) -> Retry {
    if faults.has(Fault::MqttNeverReconnects) {
        return Retry::Never;
    }
    let wrong: fn(&RetryParameters, u32) -> Duration = if faults.has(Fault::MqttReconnectsTooEarly) {
        |known, retry| if retry == 1 { known.range(1).0 / 4 } else { known.range(retry).0 }
    } else if faults.has(Fault::MqttReconnectsTooLate) {
        |known, retry| if retry == 1 { known.range(1).1 * 2 } else { known.range(retry).0 }
    } else if faults.has(Fault::MqttRetryIntervalDoesNotGrow) {
        |known, _| known.range(1).0
    } else {
        return Retry::agent(move || *parameters.borrow(), seed);
    };
    Retry::Ask(RetryWait::new(move |retry| wrong(&parameters.borrow(), retry)))
}

/// The Client Identifier of the next connection, when `configured` is the one in the data model.
pub(in super::super) fn client_id(configured: &str, rebooted: bool, faults: &FaultSet) -> Option<String> {
    if rebooted && faults.has(Fault::MqttChangesClientIdAfterReboot) {
        return Some(format!("{configured}-rebooted"));
    }
    if faults.has(Fault::MqttIgnoresClientId) {
        return Some("of-its-own".to_owned());
    }
    if configured.is_empty() && faults.has(Fault::MqttInventsClientId) {
        return Some("invented".to_owned());
    }
    Some(configured.to_owned()).filter(|configured| !configured.is_empty())
}

/// What the ends do in sessions.
pub(in super::super) fn behaviour(faults: &FaultSet) -> MqttBehaviour {
    let mut behaviour = MqttBehaviour::default();
    let withheld = [
        (Fault::MqttSendsNoPings, PacketKind::PingReq),
        (Fault::MqttSendsNoAcknowledgements, PacketKind::PubAck),
        (Fault::MqttDoesNotUnsubscribe, PacketKind::Unsubscribe),
    ];
    behaviour.withhold = withheld.into_iter().filter(|(fault, _)| faults.has(*fault)).map(|(_, kind)| kind).collect();
    let alter = |part: &mut Change, omit: Option<Fault>, set: (Fault, &str)| {
        if omit.is_some_and(|fault| faults.has(fault)) {
            *part = Change::Omit;
        }
        if faults.has(set.0) {
            *part = Change::Set(set.1.to_owned());
        }
    };
    let publish = &mut behaviour.publish;
    alter(&mut publish.response_topic, Some(Fault::MqttOmitsReplyTo), (Fault::MqttWrongReplyTo, NOWHERE));
    alter(&mut publish.content_type, Some(Fault::MqttOmitsContentType), (Fault::MqttWrongContentType, "text/plain"));
    let client = &mut behaviour.client;
    let other = (Fault::MqttWrongEndpointId, "proto::somebody-else");
    alter(&mut client.endpoint_id, Some(Fault::MqttOmitsEndpointId), other);
    client.level = faults.has(Fault::MqttSpeaksAnUnknownVersion).then_some(FAULTY_LEVEL);
    client.keep_alive = faults.has(Fault::MqttWrongKeepAlive).then_some(FAULTY_KEEP_ALIVE);
    client.omit_credentials = faults.has(Fault::MqttOmitsCredentials);
    client.omit_request_response_information = faults.has(Fault::MqttOmitsRequestResponseInformation);
    client.forget_assigned_client_id = faults.has(Fault::MqttIgnoresAssignedClientId);
    client.ignore_server_keep_alive = faults.has(Fault::MqttIgnoresServerKeepAlive);
    client.ignore_subscribe_topics = faults.has(Fault::MqttIgnoresSubscribeTopic);
    client.ignore_response_information = faults.has(Fault::MqttIgnoresResponseInformation);
    client.stay_without_filter = faults.has(Fault::MqttStaysWithoutTopic);
    client.stay_without_grant = faults.has(Fault::MqttStaysAfterRefusedSubscription)
        || faults.has(Fault::MqttPublishesAfterRefusedSubscription);
    client.never_subscribe = faults.has(Fault::MqttNeverSubscribes);
    client.keep_reply_to_slashes = faults.has(Fault::MqttReplyToKeepsSlashes);
    client.keep_reply_to_escapes = faults.has(Fault::MqttReplyToKeepsEscapes);
    client.refuse_media_type = faults.has(Fault::MqttRefusesMediaType);
    client.drop_qos_0 = faults.has(Fault::MqttDropsQos0);
    client.omit_disconnect = faults.has(Fault::MqttSaysNoGoodbye);
    behaviour
}

/// Whether Records that come by an added Subscription of that QoS are dropped.
pub(in super::super) fn drops(qos: u8, faults: &FaultSet) -> bool {
    match qos {
        0 => faults.has(Fault::MqttDropsRecordsOfNewQos0Subscriptions),
        1 => faults.has(Fault::MqttDropsRecordsOfNewQos1Subscriptions),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_of_the_mtp_change_what_the_ends_do() {
        // These act in the end itself or in what the Agent says of its data model, not in what the MTP does.
        let elsewhere = [
            Fault::MqttHasNoMessageRetryTime,
            Fault::MqttHasNoAgentMtpReference,
            Fault::MqttHasNoReference,
            Fault::MqttTopicIsReadOnly,
            Fault::MqttOmitsPassword,
            Fault::MqttIgnoresClientId,
            Fault::MqttForgetsNewSubscriptions,
            Fault::MqttIgnoresResponseTopicConfigured,
            Fault::MqttInventsClientId,
            Fault::MqttChangesClientIdAfterReboot,
            Fault::MqttIgnoresNewSubscriptions,
            Fault::MqttDropsRecordsOfNewQos0Subscriptions,
            Fault::MqttDropsRecordsOfNewQos1Subscriptions,
            Fault::MqttAnswersToConfiguredTopic,
            Fault::MqttTakesRecordsWithoutReplyTo,
            Fault::MqttNeverReconnects,
            Fault::MqttReconnectsTooEarly,
            Fault::MqttReconnectsTooLate,
            Fault::MqttRetryIntervalDoesNotGrow,
        ];
        for fault in Fault::all().iter().filter(|fault| fault.name().starts_with("mqtt-")) {
            let changed = behaviour(&[*fault].into_iter().collect()) != behaviour(&FaultSet::default());
            assert_eq!(changed, !elsewhere.contains(fault), "{fault}");
        }
    }

    #[test]
    fn client_identifiers() {
        let with = |fault| [fault].into_iter().collect::<FaultSet>();
        let none = FaultSet::default();
        assert_eq!(client_id("", false, &none), None);
        assert_eq!(client_id("c", true, &none).as_deref(), Some("c"));
        assert!(client_id("", false, &with(Fault::MqttInventsClientId)).is_some());
        let changes = with(Fault::MqttChangesClientIdAfterReboot);
        assert_eq!(client_id("c", false, &changes).as_deref(), Some("c"));
        assert_ne!(client_id("c", true, &changes).as_deref(), Some("c"));
    }
}
