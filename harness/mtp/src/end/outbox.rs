//! What a session still has to write, and what is to be reported once it is written.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::event::MtpHappening;

/// Orders are taken while fewer octets than this wait to be written.
const ROOM: usize = 64 * 1024;

/// Answers that may wait for a peer that asks without reading, where only the latest must be given.
const MAX_SHEDDABLE: usize = 16;

/// Parcels that may wait before no more is read: a peer that asks and asks without reading the answers is slowed down through TCP.
const MOST_PARCELS: usize = 4096;

/// What a session still has to write.
#[derive(Debug)]
pub(crate) struct Outbox {
    octets: BytesMut,
    parcels: VecDeque<Parcel>,
    /// Octets of the first parcel that are written already.
    written: usize,
    sheddable: usize,
    flushed: bool,
    /// How long everything is held back.
    delay: Duration,
    /// The last octets of `octets`, which are still held back.
    held: usize,
}

/// Octets that belong together.
#[derive(Debug)]
pub(crate) struct Parcel {
    length: usize,
    /// What is to be reported when they are written.
    pub(crate) reports: Vec<MtpHappening>,
    /// Whom to tell.
    pub(crate) done: Option<oneshot::Sender<()>>,
    sheddable: bool,
    /// Until when it is held back; absent once it may be written.
    due: Option<Instant>,
}

impl Default for Outbox {
    fn default() -> Self {
        Self {
            octets: BytesMut::new(),
            parcels: VecDeque::new(),
            written: 0,
            sheddable: 0,
            flushed: true,
            delay: Duration::ZERO,
            held: 0,
        }
    }
}

impl Outbox {
    /// Holds everything that is put in from now on back for so long.
    pub(crate) fn set_delay(&mut self, delay: Duration) {
        self.delay = delay;
    }

    /// Until when the next parcel is held back.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        if self.held == 0 { None } else { self.parcels.iter().find_map(|parcel| parcel.due) }
    }

    /// Lets go of what has been held back until `now`; of everything without it.
    pub(crate) fn release(&mut self, now: Option<Instant>) {
        for parcel in &mut self.parcels {
            match (parcel.due, now) {
                (Some(due), Some(now)) if due > now => return,
                (Some(_), _) => {
                    parcel.due = None;
                    self.held -= parcel.length;
                    self.flushed = false;
                }
                (None, _) => {}
            }
        }
    }

    /// Whether so many answers wait that nothing more is to be read.
    pub(crate) fn is_clogged(&self) -> bool {
        self.parcels.len() >= MOST_PARCELS
    }

    /// Whether a further order can be taken.
    pub(crate) fn has_room(&self) -> bool {
        self.octets.len() < ROOM
    }

    /// Octets that wait to be written, those that are held back included.
    pub(crate) fn waiting(&self) -> usize {
        self.octets.len()
    }

    /// Whether everything is written and flushed.
    pub(crate) fn is_done(&self) -> bool {
        self.octets.is_empty() && self.flushed
    }

    /// Whether nothing is to be written now: everything is written and flushed, or held back.
    pub(crate) fn is_idle(&self) -> bool {
        self.octets.len() == self.held && self.flushed
    }

    /// What is to be written next; empty if it is to be flushed.
    pub(crate) fn octets(&self) -> &[u8] {
        self.octets.get(..self.octets.len() - self.held).unwrap_or_default()
    }

    /// Puts in what `write` appends, and keeps what it reports until that is written.
    pub(crate) fn put(
        &mut self,
        done: Option<oneshot::Sender<()>>,
        write: impl FnOnce(&mut BytesMut) -> Vec<MtpHappening>,
    ) {
        self.post(done, false, write);
    }

    /// The same for an answer that need not be given while many like it wait.
    pub(crate) fn put_sheddable(&mut self, write: impl FnOnce(&mut BytesMut) -> Vec<MtpHappening>) {
        if self.sheddable < MAX_SHEDDABLE {
            self.sheddable += 1;
            self.post(None, true, write);
        }
    }

    /// Takes the octets that have been written out; none means that everything was flushed.
    pub(crate) fn take_written(&mut self, count: usize) -> Bytes {
        self.flushed = count == 0;
        self.written = self.written.saturating_add(count);
        self.octets.split_to(count.min(self.octets.len())).freeze()
    }

    /// Drops the octets that have been written, for a log that does not want them.
    pub(crate) fn skip_written(&mut self, count: usize) {
        self.flushed = count == 0;
        self.written = self.written.saturating_add(count);
        self.octets.advance(count.min(self.octets.len()));
    }

    /// The next parcel that is wholly written.
    pub(crate) fn next_sent(&mut self) -> Option<Parcel> {
        let Parcel { length, due: None, .. } = *self.parcels.front()? else {
            return None;
        };
        self.written = self.written.checked_sub(length)?;
        let parcel = self.parcels.pop_front()?;
        self.sheddable -= usize::from(parcel.sheddable);
        Some(parcel)
    }

    fn post(
        &mut self,
        done: Option<oneshot::Sender<()>>,
        sheddable: bool,
        write: impl FnOnce(&mut BytesMut) -> Vec<MtpHappening>,
    ) {
        let before = self.octets.len();
        let reports = write(&mut self.octets);
        let length = self.octets.len() - before;
        self.flushed = false;
        // What is held back holds back everything behind it, even when the delay has become shorter since.
        let last = self.parcels.back().and_then(|parcel| parcel.due);
        let due = (!self.delay.is_zero()).then(|| Instant::now() + self.delay).max(last);
        if due.is_some() {
            self.held += length;
        }
        self.parcels.push_back(Parcel { length, reports, done, sheddable, due });
    }
}
