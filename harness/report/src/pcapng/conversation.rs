//! One connection as TCP: who called whom, what was sent, how it ended.

use uspec_testplan::trace::Direction;

use super::packet::{Packet, Place, SEGMENT, Segment, flags, packet};

/// One connection; its packets so far are in the list of the capture.
#[derive(Debug)]
pub(super) struct Conversation {
    us: Side,
    peer: Side,
    /// Whether we called.
    we_called: bool,
    stage: Stage,
    /// The place of its last packet in the list.
    pub(super) last: Option<usize>,
    /// Why the session above it ended, as we said of it: by whom, and the reason.
    pub(super) farewell: Option<(String, String)>,
}

#[derive(Debug)]
struct Side {
    place: Place,
    /// The number of its next octet.
    next: u32,
}

/// How far a connection has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    New,
    Called,
    Open,
    Ended,
}

/// How a connection ends, as far as the Trace knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// In order, by this side. How the other side ended its half is not known.
    By(Direction),
    /// We broke it.
    Reset,
    /// It broke, and nobody knows by whom.
    Broken,
    /// The call was refused.
    Refused,
    /// Nothing came of the call.
    Unanswered,
}

impl Conversation {
    pub(super) fn new(us: Place, peer: Place, we_called: bool) -> Self {
        // Any numbers will do; apart from each other, they are told apart by eye.
        let side = |place, next| Side { place, next };
        Self {
            us: side(us, 1_000_000),
            peer: side(peer, 2_000_000),
            we_called,
            stage: Stage::New,
            last: None,
            farewell: None,
        }
    }

    fn caller(&self) -> Direction {
        if self.we_called { Direction::Sent } else { Direction::Received }
    }

    /// The caller asks for a connection.
    pub(super) fn call(&mut self, out: &mut Vec<Packet>, at_us: u64) {
        if self.stage == Stage::New {
            self.segment(out, at_us, self.caller(), flags::SYN, &[]);
            self.stage = Stage::Called;
        }
    }

    /// The connection is there.
    pub(super) fn establish(&mut self, out: &mut Vec<Packet>, at_us: u64) {
        self.call(out, at_us);
        if self.stage == Stage::Called {
            self.segment(out, at_us, other(self.caller()), flags::SYN | flags::ACK, &[]);
            self.segment(out, at_us, self.caller(), flags::ACK, &[]);
            self.stage = Stage::Open;
        }
    }

    /// Octets cross it.
    pub(super) fn octets(&mut self, out: &mut Vec<Packet>, at_us: u64, way: Direction, octets: &[u8]) {
        self.establish(out, at_us);
        let mut pieces = octets.chunks(SEGMENT).peekable();
        while let Some(piece) = pieces.next() {
            let push = if pieces.peek().is_none() { flags::PSH } else { 0 };
            self.segment(out, at_us, way, flags::ACK | push, piece);
        }
    }

    /// Whether its end was shown already.
    pub(super) fn has_ended(&self) -> bool {
        self.stage == Stage::Ended
    }

    /// It ends. Only the end that is known is drawn.
    pub(super) fn end(&mut self, out: &mut Vec<Packet>, at_us: u64, end: End) {
        if self.stage == Stage::Ended {
            return;
        }
        if matches!(end, End::By(_) | End::Reset | End::Broken) {
            // Only a stream that was there can end.
            self.establish(out, at_us);
        }
        match end {
            End::By(way) => self.segment(out, at_us, way, flags::FIN | flags::ACK, &[]),
            End::Reset => self.segment(out, at_us, Direction::Sent, flags::RST | flags::ACK, &[]),
            End::Refused if self.stage == Stage::Called => {
                self.segment(out, at_us, other(self.caller()), flags::RST | flags::ACK, &[]);
            }
            End::Broken | End::Refused | End::Unanswered => {}
        }
        self.stage = Stage::Ended;
    }

    fn segment(&mut self, out: &mut Vec<Packet>, at_us: u64, way: Direction, mark: u8, payload: &[u8]) {
        let (from, to) = match way {
            Direction::Sent => (&mut self.us, &self.peer),
            Direction::Received => (&mut self.peer, &self.us),
        };
        let acknowledged = if mark & flags::ACK == 0 { 0 } else { to.next };
        let segment = Segment { sequence: from.next, acknowledged, flags: mark };
        let identification = u16::try_from(out.len() & 0xffff).unwrap_or_default();
        let octets = packet(from.place, to.place, identification, segment, payload);
        let length = u32::try_from(payload.len()).unwrap_or_default();
        from.next = from.next.wrapping_add(length).wrapping_add(u32::from(mark & (flags::SYN | flags::FIN) != 0));
        self.last = Some(out.len());
        out.push(Packet { at_us, octets, comments: Vec::new() });
    }
}

fn other(way: Direction) -> Direction {
    match way {
        Direction::Sent => Direction::Received,
        Direction::Received => Direction::Sent,
    }
}
