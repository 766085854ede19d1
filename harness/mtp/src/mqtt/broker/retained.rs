//! Messages that are kept for later subscribers (section 3.3.1.3).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::store::Message;
use crate::mqtt::topic;

/// Most retained messages: what USP needs is a handful.
const MOST: usize = 1024;

/// Most octets of all retained messages.
const MOST_OCTETS: usize = 32 * 1024 * 1024;

/// The retained messages of a broker.
#[derive(Debug, Default)]
pub(super) struct Retained {
    messages: BTreeMap<String, Arc<Message>>,
    octets: usize,
}

impl Retained {
    /// Keeps a message in place of an earlier one; an empty one removes it. False if there is no room.
    pub(super) fn keep(&mut self, message: &Arc<Message>) -> bool {
        if let Some(former) = self.messages.remove(&message.topic) {
            self.octets = self.octets.saturating_sub(former.size());
        }
        if message.payload.is_empty() {
            return true;
        }
        if self.messages.len() >= MOST || self.octets.saturating_add(message.size()) > MOST_OCTETS {
            return false;
        }
        self.octets += message.size();
        self.messages.insert(message.topic.clone(), Arc::clone(message));
        true
    }

    /// Those that match a filter.
    pub(super) fn matching(&self, filter: &str) -> Vec<Arc<Message>> {
        self.messages.values().filter(|message| topic::matches(filter, &message.topic)).cloned().collect()
    }
}
