//! What goes out.

use bytes::Bytes;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::super::behaviour::{HandshakeSent, UdsBehaviour};
use super::super::seen;
use super::super::tlv::Tlv;
use super::super::write::{FrameChanges, write_frame};
use super::{Phase, Session};
use crate::end::{Finish, LONGEST_DELAY, Port, StreamEnd};
use crate::event::{Direction, EndedBy, MtpHappening, Route};

impl Session<'_> {
    /// The stream is there: a client introduces itself (R-UDS.16).
    pub(super) fn begin(&mut self, port: &mut Port) {
        let behaviour = self.behaviour();
        for record in &behaviour.early_records {
            self.put_record(port, record.clone(), None);
        }
        let sent = (self.client || behaviour.handshake_first) && behaviour.handshake != HandshakeSent::Withheld;
        if sent {
            self.put_handshake(port, None, None);
        }
        self.greeting_since = Instant::now() + behaviour.send_delay.min(LONGEST_DELAY);
        self.phase = Phase::Greeting { sent, introduced: false };
    }

    /// Says what cannot be processed and ends the connection, as far as the behaviour has it so.
    pub(super) async fn refuse(
        &mut self,
        port: &mut Port,
        text: &str,
        done: Option<oneshot::Sender<()>>,
    ) -> Option<Finish> {
        let (send, end) = {
            let behaviour = self.end.behaviour.borrow();
            (behaviour.send_errors, behaviour.end_after_error)
        };
        let (tlv, frames) = self.own_error(text);
        let mut done = done;
        if !end {
            match done {
                Some(done) if send => put(port, &[tlv], &frames, Some(done), None),
                // A peer that goes on sending what cannot be processed need not hear of each.
                None if send => put_sheddable(port, &[tlv], &frames),
                done => told(done),
            }
            return None;
        }
        if send {
            put(port, &[tlv], &frames, done.take(), None);
        }
        port.last_words().await;
        let closing = self.closing(EndedBy::Us, text, false);
        Some(Finish { closing, stream: StreamEnd::InOrder { peer_first: false, done } })
    }

    pub(super) fn put_handshake(&self, port: &mut Port, done: Option<oneshot::Sender<()>>, then: Option<MtpHappening>) {
        let (tlv, frames) = self.own_handshake();
        put(port, &[tlv], &frames, done, then);
    }

    pub(super) fn own_handshake(&self) -> (Tlv, FrameChanges) {
        let UdsBehaviour { handshake, types, frames, .. } = self.behaviour();
        let value = match handshake {
            HandshakeSent::Own | HandshakeSent::Withheld => Bytes::from(self.end.endpoint_id.clone()),
            HandshakeSent::Other(endpoint_id) => Bytes::from(endpoint_id),
            HandshakeSent::Octets(octets) => octets,
        };
        (Tlv { kind: types.handshake, value }, frames)
    }

    pub(super) fn own_error(&self, text: &str) -> (Tlv, FrameChanges) {
        let UdsBehaviour { types, frames, .. } = self.behaviour();
        (Tlv::new(types.error, text.to_owned()), frames)
    }

    pub(super) fn put_record(&self, port: &mut Port, record: Bytes, done: Option<oneshot::Sender<()>>) {
        let (direction, route) = (Direction::Sent, Route::default());
        let (kind, frames) = {
            let behaviour = self.end.behaviour.borrow();
            (behaviour.types.record, behaviour.frames.clone())
        };
        let report = MtpHappening::Record { direction, bytes: record.clone(), frames: 1, route };
        put(port, &[Tlv { kind, value: record }], &frames, done, Some(report));
    }
}

/// Puts one frame into the outbox; `then` is reported behind it.
pub(super) fn put(
    port: &mut Port,
    tlvs: &[Tlv],
    changes: &FrameChanges,
    done: Option<oneshot::Sender<()>>,
    then: Option<MtpHappening>,
) {
    let seen = port.log.is_whole().then(|| seen::sent(tlvs, changes));
    port.outbox.put(done, |out| {
        write_frame(tlvs, changes, out);
        seen.into_iter().chain(then).collect()
    });
}

/// The same for an answer that need not be given while many like it wait.
pub(super) fn put_sheddable(port: &mut Port, tlvs: &[Tlv], changes: &FrameChanges) {
    let seen = port.log.is_whole().then(|| seen::sent(tlvs, changes));
    port.outbox.put_sheddable(|out| {
        write_frame(tlvs, changes, out);
        seen.into_iter().collect()
    });
}

/// Tells whoever waits that there is nothing left to wait for.
fn told(done: Option<oneshot::Sender<()>>) {
    if let Some(done) = done {
        // Nobody may be waiting any more.
        let _ = done.send(());
    }
}
