//! R-MTP.6: what a Connect Record of MQTT or STOMP says is so: the protocol's version that is spoken, and a topic or destination without
//! wildcards that the EUT is subscribed to.
//!
//! To what a session is subscribed is not known when it began before the Trace, or when the broker had it stored; a subscription that is
//! not granted yet counts, because the EUT may not wait for it.

use uspec_usp::record::{mqtt_connect_record::MqttVersion, record::RecordType};

use super::{Tally, eut, mqtt, subscriptions};
use crate::{
    judge::{evidence::Evidence, finding::unmet},
    show,
    view::{PacketSeen, RecordSeen},
};

pub(super) fn judge(evidence: Evidence<'_>, tally: &mut Tally) {
    tally.expects("Connect Records that say what is so");
    let eut = eut::connections(evidence);
    for record in evidence.view.received().filter(|record| eut.contains(&record.connection)) {
        let Some(carrier) = evidence.view.carrier(record) else { continue };
        match record.typed().and_then(|typed| typed.record_type.as_ref()) {
            Some(RecordType::MqttConnect(connect)) => {
                version(evidence, record, carrier, connect.version(), tally);
                let topic = connect.subscribed_topic.as_str();
                place(evidence, record, carrier, ("mqtt_connect.subscribed_topic", topic), tally);
            }
            Some(RecordType::StompConnect(connect)) => {
                let destination = connect.subscribed_destination.as_str();
                place(evidence, record, carrier, ("stomp_connect.subscribed_destination", destination), tally);
            }
            _ => {}
        }
    }
}

fn version(
    evidence: Evidence<'_>,
    record: &RecordSeen<'_>,
    carrier: &PacketSeen<'_>,
    said: MqttVersion,
    tally: &mut Tally,
) {
    let spoken = if mqtt::is_v5(evidence, carrier) { MqttVersion::V5 } else { MqttVersion::V311 };
    tally.holds(said == spoken, || {
        let finding = unmet(format!("{}, which is spoken", spoken.as_str_name()), said.as_str_name(), vec![record.seq]);
        finding.at("mqtt_connect.version")
    });
}

/// Where the EUT says that it is reached.
fn place(
    evidence: Evidence<'_>,
    record: &RecordSeen<'_>,
    carrier: &PacketSeen<'_>,
    (path, said): (&str, &str),
    tally: &mut Tally,
) {
    let over_mqtt = carrier.kind == "PUBLISH";
    let wrong = |expected: String| unmet(expected, show::quoted(said), vec![record.seq, carrier.seq]).at(path);
    if said.is_empty() || (over_mqtt && said.contains(['+', '#'])) {
        tally.wrong(wrong("one place where the EUT is reached, without wildcards".to_owned()));
        return;
    }
    let Some(subscribed) = subscriptions::before(evidence, carrier) else {
        tally.right();
        return;
    };
    let all = || subscribed.granted.iter().chain(&subscribed.pending);
    let right = all().any(|filter| if over_mqtt { subscriptions::matches(filter, said) } else { *filter == said });
    tally.holds(right, || wrong(format!("what the EUT is subscribed to: {}", show::list(all()))));
}
