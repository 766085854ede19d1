//! The ends of one MTP, by their places.

use super::super::trust::Trust;
use super::{End, EndId, Site, end_of, within_limit};
use crate::core::{Action, ConnectionId, Core};
use std::collections::{BTreeMap, BTreeSet};

/// Why an end goes that the data model does not ask for any more.
const NOT_WANTED: &str = "this MTP is not used any more";

/// The ends of one MTP.
#[derive(Debug)]
pub(super) struct Group<E: End> {
    running: BTreeMap<E::Place, E>,
}

impl<E: End> Default for Group<E> {
    fn default() -> Self {
        Self { running: BTreeMap::new() }
    }
}

impl<E: End> Group<E> {
    /// Starts, changes and stops ends until there are those that the data model asks for.
    pub(super) async fn adjust(&mut self, site: &mut Site, core: &mut Core) {
        let wanted = E::wanted(site, core.store());
        let kept: BTreeSet<&E::Place> = wanted.keys().collect();
        let gone: Vec<E::Place> = self.running.keys().filter(|place| !kept.contains(place)).cloned().collect();
        for place in gone {
            if let Some(end) = self.running.remove(&place) {
                leave(&end, core).await;
            }
        }
        for (place, wanted) in wanted {
            if let Some(end) = self.running.get_mut(&place) {
                let actions = end.change(site, core, wanted).await;
                deliver(end, actions).await;
            } else {
                site.next_id = site.next_id.saturating_add(1);
                let end = E::start(site, core, site.next_id, &place, wanted).await;
                self.running.insert(place, end);
            }
        }
    }

    /// Lets the ends trust what is trusted now.
    pub(super) fn adopt(&self, trust: &Trust) {
        for end in self.running.values() {
            end.adopt(trust);
        }
    }

    /// The end with that number.
    pub(super) fn get(&mut self, id: EndId) -> Option<&mut E> {
        self.running.values_mut().find(|end| end.id() == id)
    }

    /// Ends all of them.
    pub(super) async fn stop(&mut self) {
        for end in std::mem::take(&mut self.running).into_values() {
            end.stop().await;
        }
    }
}

/// Ends one end: its Controllers are told before (R-MTP.7), and the engine knows its connections no more.
async fn leave<E: End>(end: &E, core: &mut Core) {
    let mine = |connection: &ConnectionId| end_of(*connection) == Some(end.id());
    let connections: Vec<ConnectionId> = core.connections().filter(mine).collect();
    let farewells = connections.iter().filter_map(|connection| core.farewell_over(*connection, NOT_WANTED)).collect();
    deliver(end, farewells).await;
    end.stop().await;
    for connection in connections {
        core.closed(connection);
    }
    end.gone(core);
}

/// Sends what is to be sent over an end; nothing else comes of a change.
async fn deliver<E: End>(end: &E, actions: Vec<Action>) {
    for action in actions {
        if let Action::Send { connection, to, record } = action {
            within_limit(end.send(connection, to, record)).await;
        }
    }
}
