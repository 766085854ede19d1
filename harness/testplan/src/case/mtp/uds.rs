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
    /// We do not end the connection any more when the EUT sends an Error.
    IgnoreErrors,
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

impl UdsAction {
    /// Adds the texts in which variables may stand.
    pub(super) fn texts<'a>(&'a self, texts: &mut Vec<&'a str>) {
        match self {
            Self::Handshake(HandshakeChange::Other(text)) | Self::Error(text) => texts.push(text),
            Self::Handshake(HandshakeChange::Withhold) | Self::IgnoreErrors => {}
            Self::Frame(tlvs) => texts.extend(tlvs.iter().filter_map(|(_, payload)| match payload {
                TlvPayload::Text(text) => Some(text.as_str()),
                TlvPayload::Octets(_) => None,
            })),
        }
    }
}
