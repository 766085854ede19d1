//! What a session can be told to do.

use bytes::Bytes;

use super::packet::Packet;

/// Number of a Controller that is built into a broker; the first has 0.
pub(super) type SeatId = u32;

/// What a session can be told to do, by its owner or by another session of the same broker.
#[derive(Debug)]
pub(super) enum Command {
    /// Publishes a Record of that Controller (or of the Agent), to that topic if any.
    Record { bytes: Bytes, to: Option<String>, seat: SeatId },
    /// Sends one packet as it is, however wrong.
    Packet(Box<Packet>),
    /// Sends octets as they are, between two packets.
    Octets(Bytes),
    /// As client: subscribes.
    Subscribe { filter: String, qos: u8 },
    /// As client: unsubscribes.
    Unsubscribe(String),
    /// Says farewell and ends the stream.
    Disconnect { reason: Option<u8> },
    /// Ends the stream without a farewell, in order.
    HangUp,
    /// Breaks the stream.
    Break,
    /// Messages wait to be delivered.
    Wake,
    /// A newer connection has the same Client Identifier.
    TakenOver,
}

/// A command and whom to tell.
pub(super) type Order = crate::end::Order<Command>;
