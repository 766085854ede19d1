//! One connection from its first octet to its last.

use std::time::Duration;

use bytes::BytesMut;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::end::End;
use super::registry::{Command, Former};
use super::session::Session;
use super::upgrade::{self, Refused, Upgraded};
use super::{SecondSession, close_code};
use crate::event::{ConnectionId, EndedBy, Failure, FailureKind, MtpHappening};
use crate::log::Log;
use crate::network::{Address, BoxStream};
use crate::wire::{Wire, WireFailure};

/// Orders that may wait for one session. Each sender waits for its own, so that this bounds nothing but concurrent senders.
const ORDER_QUEUE: usize = 16;

/// Longest wait for the opening handshake, once the stream is there.
const UPGRADE_TIMEOUT: Duration = Duration::from_secs(10);

/// Longest time that a request is left without an answer on purpose: any client has given up by then.
const SILENCE_LIMIT: Duration = Duration::from_secs(15 * 60);

/// How a connection begins.
pub(super) enum Begin {
    /// We open it.
    Open,
    /// A peer has opened it.
    Accepted(BoxStream, Address),
}

/// Stays with a connection from its beginning to its end. Tells whether there was a session.
pub(super) async fn run(end: &End, id: ConnectionId, log: Log, begin: Begin) -> bool {
    let client = matches!(begin, Begin::Open);
    let established = tokio::select! {
        established = establish(end, &log, begin) => established,
        () = end.stopped() => {
            log.emit(MtpHappening::StreamEnded { by: EndedBy::Us }).await;
            None
        }
    };
    let Some((wire, upgraded)) = established else {
        return false;
    };
    let (orders, queue) = mpsc::channel(ORDER_QUEUE);
    let peer = upgraded.open.peer_eid().map(str::to_owned);
    if let Some(former) = end.registry.enter(id, peer, orders, log.clone()) {
        replace(end, former, id).await;
    }
    log.emit(MtpHappening::Open(upgraded.open)).await;
    Session::new(end, id, wire, upgraded.rest, queue, client).run().await;
    true
}

/// Gets as far as an open session, or reports why not.
async fn establish(end: &End, log: &Log, begin: Begin) -> Option<(Wire, Upgraded)> {
    let client = matches!(begin, Begin::Open);
    let tls = end.settings.borrow().tls.clone();
    let wire = match begin {
        Begin::Open => Wire::connect(&*end.network, &end.place.address, &tls, log.clone()).await,
        Begin::Accepted(stream, peer) => Wire::accept(stream, peer, &tls, log.clone()).await,
    };
    let mut wire = match wire {
        Ok(wire) => wire,
        Err(WireFailure::Unreachable(failure)) => {
            log.emit(MtpHappening::Failed(failure)).await;
            return None;
        }
        Err(WireFailure::Tls(failure)) => {
            log.emit(MtpHappening::TlsFailed(failure)).await;
            log.emit(MtpHappening::StreamEnded { by: EndedBy::Us }).await;
            return None;
        }
    };
    let handshake =
        async { if client { upgrade::request(end, &mut wire).await } else { upgrade::answer(end, &mut wire).await } };
    let delay = end.settings.borrow().behaviour.send_delay;
    let refused = match timeout(UPGRADE_TIMEOUT.saturating_add(delay), handshake).await {
        Ok(Ok(upgraded)) => {
            let open = upgraded.open.over(wire.tls.take());
            return Some((wire, Upgraded { open, ..upgraded }));
        }
        Ok(Err(refused)) => refused,
        Err(_) => Refused::Failure(Failure::new(FailureKind::Timeout, "the opening handshake did not come to an end")),
    };
    match refused {
        Refused::Failure(failure) => {
            let by_stream = failure.kind == FailureKind::StreamEnded;
            log.emit(MtpHappening::Failed(failure)).await;
            if by_stream { wire.ended(EndedBy::Peer).await } else { wire.end(false).await }
        }
        Refused::Tls(failure) => {
            log.emit(MtpHappening::TlsFailed(failure)).await;
            wire.ended(EndedBy::Peer).await;
        }
        Refused::HangUp => wire.end(false).await,
        Refused::Silence => {
            let by = keep_silent(&mut wire).await;
            wire.ended(by).await;
        }
    }
    None
}

/// Reads without ever answering, until the client gives up.
async fn keep_silent(wire: &mut Wire) -> EndedBy {
    let reading = async {
        let mut chunk = BytesMut::new();
        loop {
            chunk.clear();
            match wire.read(&mut chunk).await {
                Ok(0) => return EndedBy::Peer,
                Ok(_) => {}
                Err(_) => return EndedBy::Broken,
            }
        }
    };
    timeout(SILENCE_LIMIT, reading).await.unwrap_or(EndedBy::Us)
}

/// Notes that a session has been replaced by a newer one of the same peer, and closes it if that is wanted (R-WS.4).
async fn replace(end: &End, former: Former, by: ConnectionId) {
    former.log.emit(MtpHappening::Superseded { by }).await;
    let policy = end.settings.borrow().behaviour.second_session;
    if policy == SecondSession::CloseFirst {
        let reason = "replaced by a newer session".to_owned();
        let order = (Command::Close { code: Some(close_code::NORMAL), reason }, oneshot::channel().0);
        // A full queue means that the session is stuck; its own timers end it then.
        let _ = former.orders.try_send(order);
    }
}
