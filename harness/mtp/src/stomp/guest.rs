//! A further Controller on a server that runs already.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::Mutex;

use super::broker::Broker;
use crate::event::{ConnectionId, MtpHappening, OpenSession};
use crate::log::Sink;

/// A further Controller: it is told of the same sessions and of the Records to its own destination, and of nothing else.
#[derive(Debug)]
pub(super) struct Guest {
    /// Its own destination.
    pub(super) destination: String,
    sink: Sink,
    /// The sessions that it was told of. Held while it is told something, so that it is told everything in order.
    known: Arc<Mutex<BTreeSet<ConnectionId>>>,
}

impl Guest {
    /// A further Controller of that server, which is told of the sessions that there are. It stays for as long as somebody holds it.
    pub(super) fn invite(broker: &Broker, destination: String, sink: Sink) -> Arc<Self> {
        let known = Arc::<Mutex<_>>::default();
        // Nobody else knows of it yet, so that it cannot be held.
        let held = Arc::clone(&known).try_lock_owned();
        let guest = Arc::new(Self { destination, sink: sink.clone(), known });
        let sessions = broker.invite(&guest);
        tokio::spawn(async move {
            let Ok(mut held) = held else { return };
            for (id, open) in sessions {
                held.insert(id);
                sink.log(id).emit(MtpHappening::Open(open)).await;
            }
        });
        guest
    }

    /// A session can be used. It is told once.
    pub(super) async fn opened(&self, id: ConnectionId, open: OpenSession) {
        let mut known = self.known.lock().await;
        if known.insert(id) {
            self.sink.log(id).emit(MtpHappening::Open(open)).await;
        }
    }

    /// A session that could be used has ended.
    pub(super) async fn closed(&self, id: ConnectionId, what: MtpHappening) {
        let mut known = self.known.lock().await;
        if known.remove(&id) {
            self.sink.log(id).emit(what).await;
        }
    }

    /// A Record came for it, or went out from it.
    pub(super) async fn record(&self, id: ConnectionId, what: MtpHappening) {
        let _known = self.known.lock().await;
        self.sink.log(id).emit(what).await;
    }
}
