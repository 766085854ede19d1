//! How much memory the waiting events may take together.
//!
//! The one decision behind it: an event that is heavy takes its share of a common budget along and gives it back when it is dropped, so
//! that nobody has to count when taking events out of the queue.

use std::sync::Arc;

use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{HttpHead, MtpHappening};
use crate::tls::PeerCertificate;

/// Octets that the heavy events of one end may hold together: four of the largest Records that are taken by default, as a whole Record is
/// reported three times (as octets, as a frame, and as itself). A consumer that lets more pile up slows the peer down through TCP.
pub const EVENT_OCTETS: usize = 64 * 1024 * 1024;

/// Events with no more octets than this are bounded by their number alone: at most 4 MiB in a full queue.
const LIGHT: usize = 4 * 1024;

/// The budget of one end.
#[derive(Debug, Clone)]
pub(crate) struct Budget(Arc<Semaphore>);

impl Default for Budget {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(EVENT_OCTETS)))
    }
}

impl Budget {
    /// Waits until there is room for an event. One that is heavier than the whole budget waits for all of it.
    pub(crate) async fn weigh(&self, what: &MtpHappening) -> Weight {
        let octets = octets_in(what);
        if octets <= LIGHT {
            return Weight::default();
        }
        let share = u32::try_from(octets.min(EVENT_OCTETS)).unwrap_or(u32::MAX);
        Weight { _share: Arc::clone(&self.0).acquire_many_owned(share).await.ok() }
    }
}

/// An event's share of the budget. A copy of an event has none.
#[derive(Debug, Default)]
pub(crate) struct Weight {
    /// Never read: it gives itself back when it is dropped.
    _share: Option<OwnedSemaphorePermit>,
}

impl Clone for Weight {
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// Events are equal whatever they weigh.
impl PartialEq for Weight {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

/// What the peer can make large in an event.
fn octets_in(what: &MtpHappening) -> usize {
    match what {
        MtpHappening::Octets { bytes, .. } | MtpHappening::Record { bytes, .. } | MtpHappening::Text { bytes, .. } => {
            bytes.len()
        }
        MtpHappening::Frame { frame, .. } => frame.payload.len(),
        MtpHappening::Packet { packet, .. } => packet.body.len().saturating_add(text_in(&packet.fields)),
        MtpHappening::Handshake { request, response } => head(request) + response.as_ref().map_or(0, head),
        MtpHappening::TlsEstablished(session) => certificate(session.peer_certificate.as_ref()),
        MtpHappening::TlsFailed(failure) => certificate(failure.peer_certificate.as_ref()),
        MtpHappening::Open(open) => certificate(open.tls.as_ref().and_then(|tls| tls.peer_certificate.as_ref())),
        MtpHappening::Listening { .. }
        | MtpHappening::ListeningStopped
        | MtpHappening::Waiting { .. }
        | MtpHappening::Attempt { .. }
        | MtpHappening::Superseded { .. }
        | MtpHappening::Oversized { .. }
        | MtpHappening::Failed(_)
        | MtpHappening::Closed(_)
        | MtpHappening::StreamEnded { .. } => 0,
    }
}

fn head(head: &HttpHead) -> usize {
    head.headers.iter().map(|one| one.name.len() + one.value.len()).sum()
}

/// The octets of every text and name in a tree, whose depth is the decoder's own.
fn text_in(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(text_in).sum(),
        Value::Object(fields) => fields.iter().map(|(name, value)| name.len() + text_in(value)).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

fn certificate(certificate: Option<&PeerCertificate>) -> usize {
    // The names that are read out of it take about as much again.
    certificate.map_or(0, |certificate| {
        let chain: usize = certificate.chain.iter().map(String::len).sum();
        certificate.der.len().saturating_mul(2).saturating_add(chain)
    })
}
