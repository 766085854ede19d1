//! What a case does with our STOMP broker.

use std::collections::BTreeMap;

use super::Change;

/// An action of our STOMP broker, or of our Controller as its client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StompAction {
    /// What later CONNECTED frames say beside what they must. It replaces what an earlier step said.
    Connected(ConnectedChanges),
    /// How later Records of ours are delivered. It replaces what an earlier step said.
    Message(MessageChanges),
    /// Sends an ERROR frame with this `message` header (a template) to the EUT, and ends its connection as STOMP 1.2 says.
    Error(String),
    /// No RECEIPT is sent any more.
    WithholdReceipts,
    /// No heart-beat is sent any more.
    WithholdBeats,
}

/// What later CONNECTED frames say. What is `None` or empty is not sent, or as it should be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConnectedChanges {
    /// The `subscribe-dest` header (a template).
    pub subscribe_dest: Option<String>,
    /// The `heart-beat` header: what we can send and what we want, in milliseconds; 0 for neither.
    pub heart_beat: Option<(u32, u32)>,
    /// The `version` header.
    pub version: Option<String>,
    /// Other headers (templates).
    pub headers: BTreeMap<String, String>,
}

/// How later Records of ours are delivered. What is `None` or empty is as it should be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MessageChanges {
    /// The `destination` header (a template).
    pub destination: Option<String>,
    /// The `content-type` header.
    pub content_type: Option<Change>,
    /// The `reply-to-dest` header.
    pub reply_to: Option<Change>,
    /// Other headers (templates).
    pub headers: BTreeMap<String, String>,
}

impl StompAction {
    /// Adds the texts in which variables may stand.
    pub(super) fn texts<'a>(&'a self, texts: &mut Vec<&'a str>) {
        match self {
            Self::Connected(ConnectedChanges { subscribe_dest, version, headers, .. }) => {
                texts.extend([subscribe_dest, version].into_iter().flatten().map(String::as_str));
                texts.extend(headers.iter().flat_map(|(name, value)| [name.as_str(), value]));
            }
            Self::Message(MessageChanges { destination, content_type, reply_to, headers }) => {
                texts.extend(destination.as_deref());
                texts.extend([content_type, reply_to].into_iter().flatten().filter_map(Change::text));
                texts.extend(headers.iter().flat_map(|(name, value)| [name.as_str(), value]));
            }
            Self::Error(text) => texts.push(text),
            Self::WithholdReceipts | Self::WithholdBeats => {}
        }
    }
}
