//! Which of the open sessions is the EUT's.

use std::collections::{BTreeMap, BTreeSet};
use tokio::time::Instant;
use uspec_mtp::event::ConnectionId;

/// The open sessions of our end of the MTP, and when the EUT's last changed.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    open: BTreeMap<ConnectionId, Session>,
    /// The connections on which somebody has said who it is, and which came to no session so far.
    greeting: BTreeSet<ConnectionId>,
    /// When the last packet came, on whatever connection.
    pub(crate) last_packet: Option<Instant>,
    /// When the EUT's last session opened.
    pub(crate) opened: Option<Change>,
    /// When the EUT's last session ended.
    pub(crate) closed: Option<Change>,
}

/// One change of the EUT's connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Change {
    /// When.
    pub(crate) at: Instant,
    /// Its event in the running Trace, when it is there.
    pub(crate) seq: Option<u64>,
}

#[derive(Debug)]
struct Session {
    peer: Option<String>,
    opened: Instant,
}

impl Connections {
    /// A packet came on a connection, which begins one that has no session yet.
    pub(crate) fn begin(&mut self, id: ConnectionId) {
        if !self.open.contains_key(&id) {
            self.greeting.insert(id);
        }
    }

    /// The newest connection that has begun and came to no session so far.
    pub(crate) fn beginning(&self) -> Option<ConnectionId> {
        self.greeting.last().copied()
    }

    /// A connection that came to no session ended. Tells whether it had begun.
    pub(crate) fn give_up(&mut self, id: ConnectionId) -> bool {
        self.greeting.remove(&id)
    }

    /// A session opened; `peer` is whom the handshake named. Tells whether it may be the EUT's.
    pub(crate) fn open(&mut self, id: ConnectionId, peer: Option<String>, eut: Option<&str>, change: Change) -> bool {
        let session = Session { peer, opened: change.at };
        let counts = session.may_be(eut);
        if counts {
            self.opened = Some(change);
        }
        self.greeting.remove(&id);
        self.open.insert(id, session);
        counts
    }

    /// A session ended. Tells whether there was one, and the EUT's.
    pub(crate) fn close(&mut self, id: ConnectionId, eut: Option<&str>, change: Change) -> bool {
        let counts = self.open.remove(&id).is_some_and(|session| session.may_be(eut));
        if counts {
            self.closed = Some(change);
        }
        counts
    }

    /// Every open session.
    pub(crate) fn ids(&self) -> Vec<ConnectionId> {
        self.open.keys().copied().collect()
    }

    /// A Record came from `from`: a session whose handshake named nobody is theirs.
    pub(crate) fn heard(&mut self, id: ConnectionId, from: &str) {
        if let Some(session) = self.open.get_mut(&id).filter(|session| session.peer.is_none() && !from.is_empty()) {
            session.peer = Some(from.to_owned());
        }
    }

    /// The EUT's newest session.
    pub(crate) fn current(&self, eut: Option<&str>) -> Option<ConnectionId> {
        self.open.iter().rev().find(|(_, session)| session.may_be(eut)).map(|(id, _)| *id)
    }

    /// Whether that session is open.
    pub(crate) fn is_open(&self, id: ConnectionId) -> bool {
        self.open.contains_key(&id)
    }

    /// When the EUT's newest session opened, when there is one.
    pub(crate) fn up_since(&self, eut: Option<&str>) -> Option<Instant> {
        self.open.values().rev().find(|session| session.may_be(eut)).map(|session| session.opened)
    }

    /// Whom that session is with.
    pub(crate) fn peer(&self, id: ConnectionId) -> Option<&str> {
        self.open.get(&id).and_then(|session| session.peer.as_deref())
    }

    /// Endpoint IDs of open sessions that are not the EUT's.
    pub(crate) fn strangers(&self, eut: Option<&str>) -> Vec<String> {
        self.open.values().filter(|session| !session.may_be(eut)).filter_map(|session| session.peer.clone()).collect()
    }

    /// Places in a Trace that has ended mean nothing in the next.
    pub(crate) fn forget_places(&mut self) {
        for change in [&mut self.opened, &mut self.closed].into_iter().flatten() {
            change.seq = None;
        }
    }
}

impl Session {
    /// Whether nothing speaks against it being the EUT's.
    fn may_be(&self, eut: Option<&str>) -> bool {
        match (&self.peer, eut) {
            (Some(peer), Some(eut)) => peer == eut,
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_eut_s_newest_session_is_the_current_one() {
        let change = Change { at: Instant::now(), seq: None };
        let eut = Some("self::eut");
        let mut connections = Connections::default();
        connections.open(ConnectionId(1), Some("self::eut".into()), eut, change);
        connections.open(ConnectionId(2), Some("self::other".into()), eut, change);
        connections.open(ConnectionId(3), None, eut, change);
        assert_eq!(connections.current(eut), Some(ConnectionId(3)));
        connections.heard(ConnectionId(3), "self::third");
        assert_eq!(connections.current(eut), Some(ConnectionId(1)));
        assert_eq!(connections.strangers(eut), ["self::other", "self::third"]);
        connections.close(ConnectionId(2), eut, change);
        assert_eq!(connections.closed, None, "a stranger's end is not the EUT's");
        connections.close(ConnectionId(1), eut, change);
        assert!(connections.closed.is_some() && connections.current(eut).is_none());
    }
}
