//! What comes in, TLV by TLV.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use tokio::sync::oneshot;

use super::super::behaviour::{BadHandshake, HandshakeSent, SecondHandshake, UdsRefusal, UnknownTlvs};
use super::super::frame::Violation;
use super::super::handshake::{self, Introduction};
use super::super::seen;
use super::super::tlv::{TYPE_ERROR, TYPE_HANDSHAKE, TYPE_RECORD, Tlv};
use super::outgoing::{put, put_sheddable};
use super::{Phase, Session, in_order};
use crate::end::{Finish, Port};
use crate::event::{Direction, EndedBy, Failure, FailureKind, MtpHappening, OpenSession, Route};

impl Session<'_> {
    pub(super) async fn on_frame(&mut self, port: &mut Port, tlvs: Vec<Tlv>) -> Option<Finish> {
        if port.log.is_whole() {
            port.log.emit(seen::received(&tlvs)).await;
        }
        let unknown_tlvs = self.end.behaviour.borrow().unknown_tlvs;
        let is_known = |tlv: &Tlv| matches!(tlv.kind, TYPE_HANDSHAKE | TYPE_ERROR | TYPE_RECORD);
        if unknown_tlvs == UnknownTlvs::IgnoreFrame && !tlvs.iter().all(is_known) {
            return None;
        }
        for Tlv { kind, value } in tlvs {
            let finish = match (kind, unknown_tlvs) {
                (TYPE_HANDSHAKE, _) => self.on_handshake(port, &value).await,
                (TYPE_ERROR, _) => self.on_error(port, &value).await,
                (TYPE_RECORD, _) | (_, UnknownTlvs::TakeAsRecords) => {
                    self.on_record(port, value).await;
                    None
                }
                (_, UnknownTlvs::Refuse) => self.refuse(port, &format!("unknown TLV type {kind}"), None).await,
                (_, UnknownTlvs::Ignore | UnknownTlvs::IgnoreFrame) => None,
            };
            if finish.is_some() {
                return finish;
            }
        }
        None
    }

    pub(super) async fn on_handshake(&mut self, port: &mut Port, value: &[u8]) -> Option<Finish> {
        let Phase::Greeting { introduced: false, sent } = self.phase else {
            return self.on_second_handshake(port).await;
        };
        let refusal = self.end.behaviour.borrow().refuse.clone();
        match refusal {
            Some(UdsRefusal::Error(text)) => return self.refuse(port, &text, None).await,
            Some(UdsRefusal::HangUp) => return Some(in_order(None)),
            None => {}
        }
        let introduction = match handshake::read(value) {
            Ok(introduction) => introduction,
            Err(text) => {
                let failure = Failure::against(self.introduction(), FailureKind::ProtocolViolation, &*text);
                port.fail(failure.with_octets(value)).await;
                let what = self.end.behaviour.borrow().bad_handshake;
                match what {
                    BadHandshake::Refuse => return self.refuse(port, &text, None).await,
                    BadHandshake::Ignore => return None,
                    BadHandshake::Take => Introduction { endpoint_id: seen::text(value), remarks: Vec::new() },
                }
            }
        };
        for (requirement, text) in introduction.remarks {
            port.fail(Failure::against(requirement, FailureKind::ProtocolViolation, text).with_octets(value)).await;
        }
        if self.end.behaviour.borrow().handshake == HandshakeSent::Withheld && !sent {
            self.phase = Phase::Greeting { sent, introduced: true };
            return None;
        }
        self.open(port, introduction.endpoint_id, sent).await;
        None
    }

    /// The handshake is done, or will be once our answer is written.
    pub(super) async fn open(&mut self, port: &mut Port, eid: String, sent: bool) {
        let (orders, log) = (self.orders.clone(), port.log.clone());
        self.end.greeting.leave(self.id);
        if let Some(former) = self.end.registry.enter(self.id, Some(eid.clone()), orders, log) {
            former.log.emit(MtpHappening::Superseded { by: self.id }).await;
        }
        self.opened.store(true, Ordering::Relaxed);
        let open = MtpHappening::Open(OpenSession { eid: Some(eid), ..OpenSession::default() });
        if sent {
            self.phase = Phase::Open;
            port.log.emit(open).await;
        } else {
            // R-UDS.17. Whatever is ordered from now on goes out behind it.
            let (done, written) = oneshot::channel();
            self.phase = Phase::Answering(written);
            self.put_handshake(port, Some(done), Some(open));
        }
    }

    pub(super) async fn on_second_handshake(&mut self, port: &mut Port) -> Option<Finish> {
        let what = self.end.behaviour.borrow().second_handshake;
        match what {
            SecondHandshake::Ignore => None,
            SecondHandshake::Answer => {
                let (tlv, frames) = self.own_handshake();
                put_sheddable(port, &[tlv], &frames);
                None
            }
            SecondHandshake::Refuse => self.refuse(port, "the handshake is done already", None).await,
        }
    }

    pub(super) async fn on_error(&mut self, port: &mut Port, value: &[u8]) -> Option<Finish> {
        let text = format!("the peer sent an Error: {}", seen::text(value));
        if !self.is_open() {
            port.fail(Failure::new(FailureKind::Refused { reason: 0 }, &*text)).await;
        }
        // R-UDS.25.
        let obeyed = self.end.behaviour.borrow().obey_errors;
        obeyed.then(|| in_order(self.closing(EndedBy::Peer, &text, false)))
    }

    pub(super) async fn on_record(&mut self, port: &mut Port, bytes: Bytes) {
        if !self.is_open() {
            let text = "a Record came before the handshake was done";
            let failure = Failure::against("R-UDS.20", FailureKind::ProtocolViolation, text);
            port.fail(failure.with_octets(&bytes)).await;
            if !self.end.behaviour.borrow().take_early_records {
                return;
            }
        }
        let (direction, route) = (Direction::Received, Route::default());
        port.log.emit(MtpHappening::Record { direction, bytes, frames: 1, route }).await;
    }

    /// What came cannot be parsed (R-UDS.24).
    pub(super) async fn violated(&mut self, port: &mut Port, violation: Violation) -> Option<Finish> {
        let Violation { requirement, text, octets, oversized } = violation;
        if let Some(announced) = oversized {
            port.log.emit(MtpHappening::Oversized { limit: self.end.max_record, announced }).await;
        }
        let failure = Failure::new(FailureKind::ProtocolViolation, &*text).with_octets(&octets);
        port.fail(Failure { requirement: requirement.map(str::to_owned), ..failure }).await;
        let finish = self.refuse(port, &text, None).await;
        self.deaf = finish.is_none();
        finish
    }

    /// The peer has not introduced itself in time (R-UDS.18; a server does not wait longer either).
    pub(super) async fn on_silence(&mut self, port: &mut Port) -> Finish {
        let limit = self.end.behaviour.borrow().handshake_limit.unwrap_or_default();
        let text = format!("no Handshake came within {} s", limit.as_secs());
        port.fail(Failure::against(self.introduction(), FailureKind::Timeout, &*text)).await;
        if self.end.behaviour.borrow().send_errors {
            let (tlv, frames) = self.own_error(&text);
            put(port, &[tlv], &frames, None, None);
        }
        port.last_words().await;
        in_order(None)
    }
}
