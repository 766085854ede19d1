//! What comes in: written into the Trace, sorted into the inbox, and answered where that is a Controller's duty.

use super::{
    Controller, FIRST_VERSION,
    connections::Change,
    happening,
    inbox::{AnswerSeen, Notification},
    side::party_of,
    sightings::{SightingKind, frame_kind},
};
use crate::{
    arrival::{Arrival, Carried, describe},
    outgoing::notify_response,
    recorder::Keep,
};
use bytes::Bytes;
use tokio::time::Instant;
use uspec_mtp::{
    Handle,
    event::{
        Closing, ConnectionId, Direction, EVENT_QUEUE, EndedBy, FrameSeen, MtpEvent, MtpHappening, OpenSession,
        Party as Side,
    },
};
use uspec_testplan::{
    case::{Answer, PacketKind, Party},
    sighting::sighting,
    trace::{StepRef, What},
};

/// What a small event of a connection costs when a step waits for it: enough for its details.
const SMALL: usize = 1024;

impl Controller {
    /// Takes in what waits already, and no more than the queue holds.
    pub(crate) fn drain(&mut self) {
        for _ in 0..EVENT_QUEUE {
            let Ok(event) = self.events.try_recv() else { return };
            self.take_in(event);
        }
    }

    pub(super) fn take_in(&mut self, event: MtpEvent) {
        for side in [&mut self.first, &mut self.second] {
            while side.replies.try_join_next().is_some() {}
        }
        let MtpEvent { at, connection, what, .. } = event;
        match what {
            MtpHappening::Record { direction: Direction::Sent, bytes, .. } => self.record_sent(at, connection, &bytes),
            MtpHappening::Record { direction: Direction::Received, bytes, route, .. } => {
                self.record_received(at, connection, &bytes, route.reply_to);
            }
            other => self.happened(at, connection, &other),
        }
    }

    fn happened(&mut self, at: Instant, connection: ConnectionId, what: &MtpHappening) {
        let party = party_of(connection);
        let kind = sighting_kind(what);
        let octets = match what {
            MtpHappening::Frame { frame, .. } => frame.payload.len(),
            MtpHappening::Packet { packet, .. } => packet.body.len().saturating_add(SMALL),
            _ => SMALL,
        };
        let keep = self.keep(kind, octets);
        let seq = happening::what(connection.0, what).and_then(|what| self.recorder.log(at, what, keep));
        let change = Change { at, seq };
        let counts = match what {
            MtpHappening::Open(open) => self.opened(party, connection, open, change),
            MtpHappening::Closed(closing) => self.closed(party, connection, Some(closing), change),
            MtpHappening::StreamEnded { .. } => self.closed(party, connection, None, change),
            MtpHappening::Packet { direction: Direction::Received, .. } => {
                let connections = &mut self.side_mut(party).connections;
                connections.begin(connection);
                connections.last_packet = Some(at);
                true
            }
            // As client of a UNIX domain socket the EUT's server stays silent until we have introduced ourselves.
            MtpHappening::Attempt { .. } => {
                let side = self.side_mut(party);
                if matches!(side.end, Some(Handle::Uds(_))) {
                    side.connections.begin(connection);
                }
                true
            }
            _ => true,
        };
        if let Some(kind) = kind.filter(|_| counts) {
            self.sight(party, kind, seq);
        }
    }

    /// A session opened; whether it may be the EUT's.
    fn opened(&mut self, party: Party, connection: ConnectionId, open: &OpenSession, change: Change) -> bool {
        let eut = self.eut.clone();
        self.start_failure = None;
        let side = self.side_mut(party);
        side.announced = false;
        side.gave_up = false;
        side.connections.open(connection, open.peer_eid().map(str::to_owned), eut.as_deref(), change)
    }

    /// A session ended, or the stream of one; whether it was the EUT's and open until now, or had begun and never opened.
    fn closed(&mut self, party: Party, connection: ConnectionId, closing: Option<&Closing>, change: Change) -> bool {
        let eut = self.eut.clone();
        let connections = &mut self.side_mut(party).connections;
        let was_open = connections.close(connection, eut.as_deref(), change);
        let had_begun = connections.give_up(connection);
        if self.start_on_close && self.current().is_none() {
            self.spawn_start();
        }
        let by_us = closing.is_some_and(|closing| closing.by == EndedBy::Us);
        if was_open && !by_us && !self.recorder.has_steps() {
            let last = self.last_sent.words();
            self.recorder.note(format!(
                "connection {connection} ended after the case before and before this one's first step; the last Records sent: {last}"
            ));
        }
        was_open || had_begun
    }

    fn record_sent(&mut self, at: Instant, connection: ConnectionId, bytes: &Bytes) {
        let owner = self.handed_over.iter().position(|(handed, _)| handed == bytes);
        let step = owner.and_then(|index| self.handed_over.remove(index)).map(|(_, step)| step);
        let keep = if step.is_some() { Keep::Always } else { Keep::WithinBounds };
        let decoded = describe(bytes);
        self.last_sent.add(connection.0, &decoded);
        self.log_record(at, connection, Direction::Sent, step, bytes, decoded, keep);
    }

    /// `reply_to` is where an answer to it is to go, in a brokered MTP.
    fn record_received(&mut self, at: Instant, connection: ConnectionId, bytes: &Bytes, reply_to: Option<String>) {
        let Arrival { from, to, version, kind, content, decoded } = Arrival::read(bytes);
        self.side_mut(party_of(connection)).connections.heard(connection, &from);
        let is_eut = self.eut.as_deref().is_none_or(|eut| eut == from);
        let ours = self.addressed(&to).filter(|_| is_eut);
        if is_eut && reply_to.is_some() {
            self.eut_reached_at = reply_to;
        }
        let kind = kind.map(SightingKind::Record);
        let mut keep = self.keep(kind, bytes.len());
        match (content, ours) {
            (Carried::Answer { msg_id, body, is_error }, _) if self.inbox.expects(&msg_id, ours) => {
                let seq = self.log_received(at, connection, bytes, decoded, Keep::Always);
                if let Some(seq) = seq {
                    self.inbox.answered(&msg_id, AnswerSeen { seq, body, is_error });
                }
                self.sight_record(connection, ours, kind, seq);
            }
            (Carried::Notify { msg_id, subscription_id, send_resp, body }, Some(party)) => {
                let sorted = self.inbox.sort(party, &subscription_id, &body, &self.variables);
                if sorted.is_wanted() {
                    keep = self.keep_wanted(bytes.len());
                }
                if send_resp && sorted.answer == Answer::Normal {
                    self.reply(party, connection, notify_response(&msg_id, &subscription_id));
                }
                let seq = self.log_received(at, connection, bytes, decoded, keep);
                if let Some(seq) = seq {
                    let seen = Notification::new(party, seq, bytes.len(), subscription_id, body);
                    self.inbox.notified(&sorted, seen);
                }
                self.sight_record(connection, ours, kind, seq);
            }
            (Carried::Answer { msg_id, .. }, _) => {
                let seq = self.log_received(at, connection, bytes, decoded, keep);
                if let Some(seq) = seq
                    && !self.inbox.is_for(&msg_id, ours)
                {
                    self.inbox.strayed(&msg_id, seq);
                }
                self.sight_record(connection, ours, kind, seq);
            }
            (content, _) => {
                if content == Carried::Connect
                    && let Some(party) = ours
                {
                    self.side_mut(party).announced = true;
                    self.adopt_version(&version);
                }
                let seq = self.log_received(at, connection, bytes, decoded, keep);
                self.sight_record(connection, ours, kind, seq);
            }
        }
    }

    /// Which of our Controllers an Endpoint ID is.
    fn addressed(&self, to: &str) -> Option<Party> {
        [Party::First, Party::Second].into_iter().find(|party| {
            let side = self.side(*party);
            side.plays && side.id == to
        })
    }

    /// A Record is seen by whom it is addressed to, or by whose connection it came on.
    fn sight_record(
        &mut self,
        connection: ConnectionId,
        ours: Option<Party>,
        kind: Option<SightingKind>,
        seq: Option<u64>,
    ) {
        if let Some(kind) = kind {
            self.sight(ours.unwrap_or(party_of(connection)), kind, seq);
        }
    }

    /// Puts an event where a step may find it.
    fn sight(&mut self, party: Party, kind: SightingKind, seq: Option<u64>) {
        if !self.inbox.sightings.concern(kind) {
            return;
        }
        let shown = seq.and_then(|seq| Some((seq, self.shown(seq)?)));
        match shown {
            Some((seq, shown)) => self.inbox.sightings.saw(party, kind, seq, shown),
            None => self.inbox.sightings.dropped = self.inbox.sightings.dropped.saturating_add(1),
        }
    }

    /// What an event of the running Trace shows to patterns.
    pub(crate) fn shown(&self, seq: u64) -> Option<serde_json::Value> {
        sighting(self.recorder.events(), usize::try_from(seq).ok()?, self.facts.tls)
    }

    /// Whoever sends very much of what a step waits for or forbids has shown it by then.
    fn keep_wanted(&mut self, octets: usize) -> Keep {
        let left = self.wanted_left.checked_sub(octets);
        self.wanted_left = left.unwrap_or(0);
        if left.is_some() { Keep::Always } else { Keep::WithinBounds }
    }

    fn keep(&mut self, kind: Option<SightingKind>, octets: usize) -> Keep {
        match kind {
            Some(kind) if self.inbox.sightings.concern(kind) => self.keep_wanted(octets),
            _ => Keep::WithinBounds,
        }
    }

    /// Until GetSupportedProtocol has told, the EUT's own Records say which version it speaks.
    fn adopt_version(&mut self, version: &str) {
        let minor = version.strip_prefix("1.").and_then(|minor| minor.parse::<u16>().ok());
        if self.version == FIRST_VERSION && minor.is_some() {
            version.clone_into(&mut self.version);
        }
    }

    fn log_received(
        &mut self,
        at: Instant,
        connection: ConnectionId,
        bytes: &Bytes,
        decoded: serde_json::Value,
        keep: Keep,
    ) -> Option<u64> {
        self.log_record(at, connection, Direction::Received, None, bytes, decoded, keep)
    }

    #[allow(clippy::too_many_arguments, reason = "the fields of one event")]
    fn log_record(
        &mut self,
        at: Instant,
        connection: ConnectionId,
        direction: Direction,
        step: Option<StepRef>,
        bytes: &Bytes,
        decoded: serde_json::Value,
        keep: Keep,
    ) -> Option<u64> {
        let direction = happening::way(direction);
        let what = What::Record { connection: connection.0, direction, step, bytes: bytes.to_vec(), decoded };
        self.recorder.log(at, what, keep)
    }
}

/// What a step would call this event.
fn sighting_kind(what: &MtpHappening) -> Option<SightingKind> {
    match what {
        MtpHappening::Attempt { opener: Side::Peer, .. } => Some(SightingKind::Attempt),
        MtpHappening::Open(_) => Some(SightingKind::Connected),
        MtpHappening::Closed(_) | MtpHappening::StreamEnded { .. } => Some(SightingKind::Disconnected),
        MtpHappening::Frame { direction: Direction::Received, frame: FrameSeen { opcode, .. } } => {
            frame_kind(&happening::kind(*opcode)).map(SightingKind::Frame)
        }
        MtpHappening::Packet { direction: Direction::Received, packet } => {
            PacketKind::named(&packet.kind).map(SightingKind::Packet)
        }
        _ => None,
    }
}
