//! What an end does that a test case, or a fault of the reference Agent, may want otherwise.

use std::time::Duration;

/// What an end does in handshakes and sessions. The default conforms to TR-369; every other value is there to provoke the peer, or to be
/// an Agent with a known fault. It can be changed at run time and then counts from the next handshake or frame on.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // independent switches, not states of one machine
pub struct WsBehaviour {
    /// As client: how the own Endpoint ID stands in the request's query (R-WS.10b, R-WS.10c).
    pub eid_in_query: EidInQuery,
    /// As client: the subprotocol asked for (R-WS.10); none leaves the header out.
    pub offer_subprotocol: Option<String>,
    /// As client: sends the `bbf-usp-protocol` extension (R-WS.10a, deprecated and therefore off).
    pub offer_extension: bool,
    /// Goes on only if the peer names the subprotocol `v1.usp` (R-WS.12, R-WS.12a).
    pub require_subprotocol: bool,
    /// Goes on only if the peer names the `bbf-usp-protocol` extension, which nobody may demand (R-WS.11b, R-WS.11c).
    pub require_extension: bool,
    /// As server: what an upgrade is answered with.
    pub answer: UpgradeAnswer,
    /// As server: the subprotocol answered (R-WS.11); none leaves the header out.
    pub answer_subprotocol: Option<String>,
    /// As server: answers an offered `bbf-usp-protocol` extension (R-WS.11a). One that was not offered is never answered.
    pub answer_extension: bool,
    /// As server: what becomes of a second session of the same peer (R-WS.4).
    pub second_session: SecondSession,
    /// Headers sent in addition.
    pub extra_headers: Vec<(String, String)>,
    /// Answers a Ping with a Pong (R-WS.17).
    pub answer_pings: bool,
    /// Puts up with a Pong that answers no Ping (RFC 6455 section 5.5.3); otherwise it ends the session.
    pub accept_unasked_pongs: bool,
    /// Answers a Close with a Close (R-WS.8).
    pub answer_close: bool,
    /// Puts fragmented messages together (R-WS.14b); otherwise a fragment is a protocol error.
    pub accept_fragments: bool,
    /// Sends Records in frames of at most that many octets (against R-WS.14a); none sends each as one frame.
    pub fragment: Option<usize>,
    /// Everything that is sent above TLS goes out that much later, in its order: the opening handshake, frames, and answers to Pings and
    /// to Close. What breaks or ends the stream does not wait.
    pub send_delay: Duration,
}

impl Default for WsBehaviour {
    fn default() -> Self {
        Self {
            eid_in_query: EidInQuery::Encoded,
            offer_subprotocol: Some(super::SUBPROTOCOL.to_owned()),
            offer_extension: false,
            require_subprotocol: true,
            require_extension: false,
            answer: UpgradeAnswer::Accept,
            answer_subprotocol: Some(super::SUBPROTOCOL.to_owned()),
            answer_extension: true,
            second_session: SecondSession::Keep,
            extra_headers: Vec::new(),
            answer_pings: true,
            accept_unasked_pongs: true,
            answer_close: true,
            accept_fragments: true,
            fragment: None,
            send_delay: Duration::ZERO,
        }
    }
}

/// How a client's Endpoint ID stands in the request's query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EidInQuery {
    /// Percent-encoded, percent characters included.
    Encoded,
    /// As it is, which is wrong for an Endpoint ID with a percent character.
    Verbatim,
    /// Not at all.
    Omitted,
}

/// What a server answers an upgrade with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpgradeAnswer {
    /// 101, if the request is in order.
    Accept,
    /// That HTTP status, whatever the request says.
    Refuse(u16),
    /// Nothing: the stream stays open until the client gives up.
    Silence,
    /// The stream is ended without an answer.
    HangUp,
}

/// What a server does about a second session of a peer that has one already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecondSession {
    /// Both stay open; the newer becomes the current one.
    Keep,
    /// The older one is closed.
    CloseFirst,
    /// The newer one is refused with HTTP status 409.
    RefuseSecond,
}
