//! What only our MQTT broker can do, or our Controller as its client.

use super::{Done, OnTheWire, other_mtp};
use crate::play::{Play, fault};
use std::collections::BTreeSet;
use uspec_mtp::{
    MtpError,
    mqtt::{Change, ConnackChanges, MqttHandle, MqttRefusal, PublishChanges, packet::PacketKind},
};
use uspec_testplan::{
    case::{self, MqttAction, MtpAction, Refusal},
    trace::StepOutcome,
};

/// What goes out to an MQTT client.
#[derive(Debug)]
pub(super) enum Out {
    /// A DISCONNECT with this reason; the connection ends.
    Disconnect(u8),
}

impl Play<'_> {
    pub(super) fn mqtt(&mut self, end: &MqttHandle, action: &MtpAction) -> Result<Done, StepOutcome> {
        match action {
            MtpAction::Refuse(Refusal::Connack(reason)) => {
                end.change_behaviour(|behaviour| behaviour.refuse = Some(MqttRefusal::Connack(*reason)));
            }
            MtpAction::Refuse(Refusal::HangUp) => {
                end.change_behaviour(|behaviour| behaviour.refuse = Some(MqttRefusal::HangUp));
            }
            MtpAction::Accept => end.change_behaviour(|behaviour| behaviour.refuse = None),
            MtpAction::Mqtt(MqttAction::Connack(changes)) => {
                let connack = self.connack(changes)?;
                end.change_behaviour(|behaviour| behaviour.connack = connack);
            }
            MtpAction::Mqtt(MqttAction::Suback(reason)) => {
                end.change_behaviour(|behaviour| behaviour.suback = Some(*reason));
            }
            MtpAction::Mqtt(MqttAction::Withhold(kinds)) => {
                let kinds = kinds.iter().map(|kind| withheld(*kind)).collect::<Result<BTreeSet<_>, _>>()?;
                end.change_behaviour(|behaviour| behaviour.withhold = kinds);
            }
            MtpAction::Mqtt(MqttAction::Publish(changes)) => {
                let publish = self.publish(changes)?;
                end.change_behaviour(|behaviour| behaviour.publish = publish);
            }
            MtpAction::Mqtt(MqttAction::Disconnect(reason)) => {
                return Ok(Done::OnTheWire(OnTheWire::Mqtt(Out::Disconnect(*reason))));
            }
            _ => return Err(other_mtp()),
        }
        Ok(Done::Now)
    }

    fn connack(&self, changes: &case::ConnackChanges) -> Result<ConnackChanges, StepOutcome> {
        let case::ConnackChanges {
            session_present,
            assigned_client_id,
            server_keep_alive,
            response_information,
            subscribe_topics,
            user_properties,
        } = changes;
        let pair = |(name, value): (&String, &String)| Ok((name.clone(), self.filled(value)?));
        Ok(ConnackChanges {
            session_present: *session_present,
            assigned_client_id: self.filled_if_any(assigned_client_id.as_ref())?,
            server_keep_alive: *server_keep_alive,
            response_information: self.filled_if_any(response_information.as_ref())?,
            subscribe_topics: subscribe_topics.iter().map(|topic| self.filled(topic)).collect::<Result<_, _>>()?,
            user_properties: user_properties.iter().map(pair).collect::<Result<_, _>>()?,
            ..ConnackChanges::default()
        })
    }

    fn publish(&self, changes: &case::PublishChanges) -> Result<PublishChanges, StepOutcome> {
        let case::PublishChanges { topic, content_type, response_topic, qos, retain } = changes;
        Ok(PublishChanges {
            topic: self.filled_if_any(topic.as_ref())?,
            content_type: changed(self.filled_change(content_type.as_ref())?),
            response_topic: changed(self.filled_change(response_topic.as_ref())?),
            qos: *qos,
            retain: retain.unwrap_or_default(),
        })
    }
}

impl Out {
    pub(super) async fn perform(self, end: &MqttHandle) -> Result<(), MtpError> {
        match self {
            Self::Disconnect(reason) => end.disconnect_client(reason).await,
        }
    }
}

fn changed(change: Option<case::Change>) -> Change {
    match change {
        None => Change::Keep,
        Some(case::Change::Omit) => Change::Omit,
        Some(case::Change::Set(value)) => Change::Set(value),
    }
}

/// The packet that a broker is to withhold, in the codec's own terms.
fn withheld(kind: case::PacketKind) -> Result<PacketKind, StepOutcome> {
    kind.name().parse().map_err(|_| fault([format!("no broker sends {}", kind.name())]))
}
