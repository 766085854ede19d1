//! The handshake of UNIX domain sockets: R-UDS.16 and R-UDS.17 (it comes first, with the EUT's Endpoint ID), R-UDS.20 (no Record of ours
//! counts before).
//!
//! Judged for connections whose beginning is in the Trace. TR-369 sets no time within which a Handshake must come, so that one that
//! never came is a case's business.

use uspec_usp::decode::{Payload, decode_message, decode_record, payload};

use super::{Tally, eut};
use crate::{
    judge::{evidence::Evidence, finding::unmet},
    show,
    view::{ConnectionSeen, PacketSeen},
};

/// R-UDS.16: an EUT that connects begins with its Handshake.
pub(super) fn client_handshake(evidence: Evidence<'_>, tally: &mut Tally) {
    first(evidence, true, tally);
}

/// R-UDS.17: an EUT that listens answers our Handshake by its own before anything else.
pub(super) fn server_handshake(evidence: Evidence<'_>, tally: &mut Tally) {
    first(evidence, false, tally);
}

fn first(evidence: Evidence<'_>, eut_connects: bool, tally: &mut Tally) {
    const EXPECTED: &str = "a Handshake with the EUT's Endpoint ID as the first frame";
    tally.expects(EXPECTED);
    let eut = &evidence.view.trace.header.eut_endpoint_id;
    for connection in sockets(evidence).filter(|it| it.eut_is_client() == Some(eut_connects)) {
        let first = eut::packets(evidence).into_iter().find(|packet| packet.connection == connection.number);
        // A Handshake of ours that cannot be processed is answered with an Error (R-UDS.21).
        let Some(first) = first.filter(|it| eut_connects || it.kind != "ERROR") else { continue };
        let told = eut::handshake(first);
        let right = told.is_some_and(|told| if eut.is_empty() { !told.is_empty() } else { told == eut });
        tally.holds(right, || {
            let expected = format!("a Handshake with {}", show::quoted(eut));
            let seen = told
                .map_or_else(|| first.kind.to_owned(), |told| format!("{} with {}", first.kind, show::quoted(told)));
            unmet(expected, seen, vec![first.seq])
        });
    }
}

/// R-UDS.20: what carries a Record before the handshake is complete is ignored.
pub(super) fn early_records(evidence: Evidence<'_>, tally: &mut Tally) {
    const EXPECTED: &str = "no answer to a Record from before the handshake";
    tally.expects(EXPECTED);
    for connection in sockets(evidence) {
        let number = connection.number;
        let shaken = shaken(evidence, number);
        let of_ours = |it: &&PacketSeen<'_>| it.connection == number && !it.came() && it.index < shaken;
        for early in evidence.view.packets.iter().filter(of_ours) {
            let Some(id) = msg_id(early.body) else { continue };
            let answers = |it: &&crate::view::RecordSeen<'_>| {
                it.index > early.index && it.is_answer() && it.msg_id() == Some(&id)
            };
            // What is sent again later is another Record with the same msg_id, whose answer it is.
            let again = evidence.view.sent().any(|sent| sent.index > shaken && sent.msg_id() == Some(&id));
            match evidence.view.received().find(answers).filter(|_| !again) {
                Some(answer) => {
                    tally.wrong(unmet(EXPECTED, format!("{} came", answer.name()), vec![early.seq, answer.seq]));
                }
                None => tally.right(),
            }
        }
    }
}

/// The connections of UNIX domain sockets whose beginning is in the Trace.
fn sockets(evidence: Evidence<'_>) -> impl Iterator<Item = &ConnectionSeen<'_>> {
    let facts = evidence.view.trace.header.mtp_facts.as_ref();
    let is_uds = facts.is_some_and(|facts| facts.kind == "uds");
    evidence.view.connections.iter().filter(move |connection| is_uds && eut::begins(connection))
}

/// Where in the Trace both Handshakes had been sent.
fn shaken(evidence: Evidence<'_>, connection: u32) -> usize {
    let first = |came: bool| {
        let mut of_it = evidence.view.packets.iter().filter(|it| it.connection == connection && it.came() == came);
        of_it.find(|it| eut::handshake(it).is_some()).map(|it| it.index)
    };
    first(true).zip(first(false)).map_or(usize::MAX, |(theirs, ours)| theirs.max(ours))
}

/// The msg_id of the Message in a Record; `None` when there is none.
fn msg_id(bytes: &[u8]) -> Option<String> {
    let record = decode_record(bytes).value?;
    let Payload::Message(message) = payload(&record) else { return None };
    let id = decode_message(&message).value?.header?.msg_id;
    (!id.is_empty()).then_some(id)
}
