//! Octets that belong together, joined: the stream of a connection, and the fragments of a message.

use std::collections::{BTreeMap, BTreeSet};

use crate::trace::{ConnectionState, Direction, Event, What};

/// What ends the head of a request or an answer of HTTP.
const END_OF_HEAD: &[u8] = b"\r\n\r\n";

/// How the two sides begin a WebSocket connection.
const UPGRADES: [&[u8]; 2] = [b"GET ", b"HTTP/1.1 101"];

/// Runs of octets of several events.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    /// All of them.
    pub(super) octets: Vec<u8>,
    /// Which event each piece belongs to, by its place, and how long it is.
    of: Vec<(usize, usize)>,
}

impl Pieces {
    fn add(&mut self, index: usize, octets: &[u8]) {
        self.octets.extend_from_slice(octets);
        self.of.push((index, octets.len()));
    }

    /// Puts octets in the place of those that were joined.
    pub(super) fn put_back(&self, octets: &[u8], events: &mut [Event]) {
        let mut rest = octets;
        for (index, length) in &self.of {
            let Some((piece, behind)) = rest.split_at_checked(*length) else { return };
            if let Some(What::Octets { bytes, .. } | What::Frame { payload: bytes, .. }) =
                events.get_mut(*index).map(|event| &mut event.what)
            {
                *bytes = piece.to_vec();
            }
            rest = behind;
        }
    }
}

/// All octets of a connection, one way.
#[derive(Debug, Default)]
pub(super) struct Stream {
    pub(super) connection: u32,
    pub(super) pieces: Pieces,
    /// From where on the connection was open.
    pub(super) open: Option<usize>,
}

/// The streams of a Trace.
pub(super) fn streams(events: &[Event]) -> Vec<Stream> {
    let mut streams: BTreeMap<(u32, bool), Stream> = BTreeMap::new();
    // Those that opened within the Trace and have not opened yet.
    let mut opening = BTreeSet::new();
    for (index, event) in events.iter().enumerate() {
        match &event.what {
            What::Connection { connection, state: ConnectionState::Attempt, .. } => {
                opening.insert(*connection);
            }
            What::Connection { connection, state: ConnectionState::Open, .. } => {
                opening.remove(connection);
            }
            What::Octets { connection, direction, bytes } => {
                let stream = streams.entry((*connection, *direction == Direction::Sent)).or_default();
                stream.connection = *connection;
                if !opening.contains(connection) && stream.open.is_none() {
                    stream.open = Some(stream.pieces.octets.len());
                }
                stream.pieces.add(index, bytes);
            }
            _ => {}
        }
    }
    streams.into_values().collect()
}

/// Where the frames begin in octets that begin with the handshake of a WebSocket.
pub(super) fn upgraded(octets: &[u8]) -> Option<usize> {
    UPGRADES.iter().find(|upgrade| octets.starts_with(upgrade))?;
    let end = octets.windows(END_OF_HEAD.len()).position(|it| it == END_OF_HEAD)?;
    Some(end + END_OF_HEAD.len())
}

/// The messages of WebSockets, of one frame or several: which way each went, whether a Record should be in it, and its payload.
pub(super) fn messages(events: &[Event]) -> Vec<((u32, Direction), bool, Pieces)> {
    let mut messages = Vec::new();
    let mut open: BTreeMap<(u32, bool), (Direction, bool, Pieces)> = BTreeMap::new();
    for (index, event) in events.iter().enumerate() {
        let What::Frame { connection, direction, kind, fin, payload } = &event.what else { continue };
        let way = (*connection, *direction == Direction::Sent);
        let alone = || {
            let mut pieces = Pieces::default();
            pieces.add(index, payload);
            pieces
        };
        match kind.as_str() {
            "binary" | "text" | "continuation" => {
                let before = open.get_mut(&way).filter(|_| kind == "continuation");
                if let Some((_, _, pieces)) = before {
                    pieces.add(index, payload);
                } else {
                    let before = open.insert(way, (*direction, kind != "text", alone()));
                    messages.extend(before.map(|message| of(*connection, message)));
                }
                if *fin {
                    messages.extend(open.remove(&way).map(|message| of(*connection, message)));
                }
            }
            _ => messages.push(((*connection, *direction), false, alone())),
        }
    }
    messages.extend(open.into_iter().map(|((connection, _), message)| of(connection, message)));
    messages
}

fn of(connection: u32, (direction, is_record, pieces): (Direction, bool, Pieces)) -> ((u32, Direction), bool, Pieces) {
    ((connection, direction), is_record, pieces)
}
