//! What a case does with our end of a UNIX domain socket.

/// An action of our end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UdsAction {
    /// Our Handshake in later connections.
    Handshake(HandshakeChange),
    /// Sends a frame with an Error TLV (type 2) that holds this text (a template), and ends the connection.
    Error(String),
    /// Sends a frame with these TLVs: type and value.
    Frame(Vec<(u8, TlvPayload)>),
}

/// What becomes of our Handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HandshakeChange {
    /// It never comes.
    Withhold,
    /// It names this Endpoint ID (a template).
    Other(String),
}

/// The value of a TLV.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TlvPayload {
    /// A text, in which variables may stand.
    Text(String),
    /// Octets.
    Octets(Vec<u8>),
}
