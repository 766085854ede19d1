//! What a case does with our MQTT broker.

use std::collections::{BTreeMap, BTreeSet};

use super::{Change, PacketKind};

/// An action of our MQTT broker, or of our Controller as its client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MqttAction {
    /// What later CONNACKs say beside what they must. It replaces what an earlier step said.
    Connack(ConnackChanges),
    /// The reason code (5.0) or return code (3.1.1) for every filter of later SUBSCRIBEs.
    Suback(u8),
    /// Our broker never sends these.
    Withhold(BTreeSet<PacketKind>),
    /// How later Records of ours are published. It replaces what an earlier step said.
    Publish(PublishChanges),
    /// Ends the EUT's connection: with a DISCONNECT of this reason code in 5.0, without a word in 3.1.1, whose servers have none.
    Disconnect(u8),
}

/// What later CONNACKs say. What is `None` or empty is not sent, or as it should be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConnackChanges {
    /// The Session Present flag.
    pub session_present: Option<bool>,
    /// Assigned Client Identifier (a template).
    pub assigned_client_id: Option<String>,
    /// Server Keep Alive, in seconds.
    pub server_keep_alive: Option<u16>,
    /// Response Information (a template).
    pub response_information: Option<String>,
    /// A User Property `subscribe-topic` for each of these (templates).
    pub subscribe_topics: Vec<String>,
    /// Other User Properties (templates).
    pub user_properties: BTreeMap<String, String>,
}

/// How later Records of ours are published. What is `None` is as it should be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PublishChanges {
    /// The topic (a template), without a reply topic behind it.
    pub topic: Option<String>,
    /// Content Type, in 5.0.
    pub content_type: Option<Change>,
    /// Our reply topic: Response Topic in 5.0, what stands behind `/reply-to=` in 3.1.1.
    pub response_topic: Option<Change>,
    /// The quality of service, 0 to 2.
    pub qos: Option<u8>,
    /// The Retain flag.
    pub retain: Option<bool>,
}

impl MqttAction {
    /// Adds the texts in which variables may stand.
    pub(super) fn texts<'a>(&'a self, texts: &mut Vec<&'a str>) {
        match self {
            Self::Connack(changes) => {
                let single = [&changes.assigned_client_id, &changes.response_information];
                texts.extend(single.into_iter().flatten().map(String::as_str));
                texts.extend(changes.subscribe_topics.iter().map(String::as_str));
                texts.extend(changes.user_properties.iter().flat_map(|(name, value)| [name.as_str(), value]));
            }
            Self::Publish(PublishChanges { topic, content_type, response_topic, .. }) => {
                texts.extend(topic.as_deref());
                texts.extend([content_type, response_topic].into_iter().flatten().filter_map(Change::text));
            }
            Self::Suback(_) | Self::Withhold(_) | Self::Disconnect(_) => {}
        }
    }
}

impl ConnackChanges {
    /// Whether it says something that only MQTT 5.0 can.
    pub fn needs_properties(&self) -> bool {
        let Self {
            assigned_client_id, server_keep_alive, response_information, subscribe_topics, user_properties, ..
        } = self;
        assigned_client_id.is_some()
            || server_keep_alive.is_some()
            || response_information.is_some()
            || !subscribe_topics.is_empty()
            || !user_properties.is_empty()
    }
}
