//! What a session still has to write, and what is to be reported once it is written.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use rustls::crypto::{SecureRandom, aws_lc_rs};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::RawFrame;
use crate::event::{Direction, MtpHappening, Opcode};

/// Orders are taken while fewer octets than this wait to be written.
const ROOM: usize = 64 * 1024;

/// Pongs that may wait for a peer that pings without reading. Only the latest Ping must be answered (RFC 6455 section 5.5.3).
const MAX_WAITING_PONGS: usize = 16;

/// What a session still has to write.
#[derive(Debug)]
pub(super) struct Outbox {
    octets: BytesMut,
    parcels: VecDeque<Parcel>,
    /// Octets of the first parcel that are written already.
    written: usize,
    waiting_pongs: usize,
    flushed: bool,
    masks: bool,
    random: &'static dyn SecureRandom,
    /// How long everything is held back.
    delay: Duration,
    /// The last octets of `octets`, which are still held back.
    held: usize,
}

/// Octets that belong together.
#[derive(Debug)]
pub(super) struct Parcel {
    length: usize,
    /// What is to be reported when they are written.
    pub(super) reports: Vec<MtpHappening>,
    /// Whom to tell.
    pub(super) done: Option<oneshot::Sender<()>>,
    is_pong: bool,
    /// Until when it is held back; absent once it may be written.
    due: Option<Instant>,
}

impl Outbox {
    /// An empty one. `masks` says whether this side masks its frames, as a client must.
    pub(super) fn new(masks: bool) -> Self {
        Self {
            octets: BytesMut::new(),
            parcels: VecDeque::new(),
            written: 0,
            waiting_pongs: 0,
            flushed: true,
            masks,
            random: aws_lc_rs::default_provider().secure_random,
            delay: Duration::ZERO,
            held: 0,
        }
    }

    /// Holds everything that is put in from now on back for so long.
    pub(super) fn set_delay(&mut self, delay: Duration) {
        self.delay = delay;
    }

    /// Until when the next parcel is held back.
    pub(super) fn next_due(&self) -> Option<Instant> {
        if self.held == 0 { None } else { self.parcels.iter().find_map(|parcel| parcel.due) }
    }

    /// Lets go of what has been held back until `now`; of everything without it.
    pub(super) fn release(&mut self, now: Option<Instant>) {
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

    /// Whether a further order can be taken.
    pub(super) fn has_room(&self) -> bool {
        self.octets.len() < ROOM
    }

    /// Whether everything is written and flushed.
    pub(super) fn is_done(&self) -> bool {
        self.octets.is_empty() && self.flushed
    }

    /// Whether nothing is to be written now: everything is written and flushed, or held back.
    pub(super) fn is_idle(&self) -> bool {
        self.octets.len() == self.held && self.flushed
    }

    /// What is to be written next; empty if it is to be flushed.
    pub(super) fn octets(&self) -> &[u8] {
        self.octets.get(..self.octets.len() - self.held).unwrap_or_default()
    }

    /// Puts a Record in, in frames of at most `fragment` octets if any.
    pub(super) fn put_record(&mut self, record: Bytes, fragment: Option<usize>, done: oneshot::Sender<()>) {
        let size = fragment.unwrap_or(usize::MAX).max(1);
        let mut frames: Vec<RawFrame> = Vec::new();
        let mut rest = record.clone();
        loop {
            let payload = rest.split_to(rest.len().min(size));
            let opcode = if frames.is_empty() { Opcode::Binary } else { Opcode::Continuation };
            let fin = rest.is_empty();
            frames.push(RawFrame { fin, ..RawFrame::new(opcode, payload) });
            if fin {
                break;
            }
        }
        let before = self.octets.len();
        let mut reports: Vec<_> = frames.iter().map(|frame| self.write(frame)).collect();
        let count = u32::try_from(frames.len()).unwrap_or(u32::MAX);
        reports.push(MtpHappening::Record { direction: Direction::Sent, bytes: record, frames: count });
        self.post(before, reports, Some(done), false);
    }

    /// Puts one frame in.
    pub(super) fn put_frame(&mut self, frame: &RawFrame, done: Option<oneshot::Sender<()>>) {
        let before = self.octets.len();
        let report = self.write(frame);
        self.post(before, vec![report], done, false);
    }

    /// Puts the answer to a Ping in, unless too many wait already.
    pub(super) fn put_pong(&mut self, payload: Bytes) {
        if self.waiting_pongs >= MAX_WAITING_PONGS {
            return;
        }
        self.waiting_pongs += 1;
        let before = self.octets.len();
        let report = self.write(&RawFrame::new(Opcode::Pong, payload));
        self.post(before, vec![report], None, true);
    }

    /// Puts octets in as they are.
    pub(super) fn put_octets(&mut self, octets: &[u8], done: oneshot::Sender<()>) {
        let before = self.octets.len();
        self.octets.extend_from_slice(octets);
        self.post(before, Vec::new(), Some(done), false);
    }

    /// Takes the octets that have been written out; none means that everything was flushed.
    pub(super) fn take_written(&mut self, count: usize) -> Bytes {
        self.flushed = count == 0;
        self.written = self.written.saturating_add(count);
        self.octets.split_to(count.min(self.octets.len())).freeze()
    }

    /// Drops the octets that have been written, for a log that does not want them.
    pub(super) fn skip_written(&mut self, count: usize) {
        self.flushed = count == 0;
        self.written = self.written.saturating_add(count);
        self.octets.advance(count.min(self.octets.len()));
    }

    /// The next parcel that is wholly written.
    pub(super) fn next_sent(&mut self) -> Option<Parcel> {
        let Parcel { length, due: None, .. } = *self.parcels.front()? else {
            return None;
        };
        self.written = self.written.checked_sub(length)?;
        let parcel = self.parcels.pop_front()?;
        self.waiting_pongs -= usize::from(parcel.is_pong);
        Some(parcel)
    }

    fn write(&mut self, frame: &RawFrame) -> MtpHappening {
        let masked = frame.masked.unwrap_or(self.masks);
        frame.write(masked.then(|| self.mask()), &mut self.octets);
        MtpHappening::Frame { direction: Direction::Sent, frame: frame.seen(masked) }
    }

    fn mask(&self) -> [u8; 4] {
        let mut mask = [0; 4];
        // Without randomness the frame is still a valid one; an unpredictable mask protects proxies, of which there is none here.
        let _ = self.random.fill(&mut mask);
        mask
    }

    fn post(&mut self, before: usize, reports: Vec<MtpHappening>, done: Option<oneshot::Sender<()>>, is_pong: bool) {
        let length = self.octets.len() - before;
        self.flushed = false;
        // What is held back holds back everything behind it, even when the delay has become shorter since.
        let last = self.parcels.back().and_then(|parcel| parcel.due);
        let due = (!self.delay.is_zero()).then(|| Instant::now() + self.delay).max(last);
        if due.is_some() {
            self.held += length;
        }
        self.parcels.push_back(Parcel { length, reports, done, is_pong, due });
    }
}
