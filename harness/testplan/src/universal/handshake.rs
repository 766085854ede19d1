//! R-WS.10, R-WS.10b and R-WS.11: what a WebSocket client asks for and says of itself, and what a server answers.
//!
//! Judged only on connections that carried Records of the EUT, were opened in its name, or that we opened to where the profile says it is,
//! because anybody may knock at a port. R-WS.10b came when R-WS.10a went,
//! with USP 1.3: an older EUT may tell its Endpoint ID otherwise.

use uspec_usp::{endpoint_id::decode_eid, version::UspVersion};

use super::Tally;
use crate::{
    judge::{
        evidence::Evidence,
        finding::{unknown, unmet},
    },
    show,
    view::Handshake,
};

/// The subprotocol of USP Records in protobuf (R-WS.9).
const SUBPROTOCOL: &str = "v1.usp";

/// The version that moved the Endpoint ID from an extension header to the query.
const QUERY_SINCE: UspVersion = UspVersion::new(1, 3);

pub(super) fn subprotocol_asked(evidence: Evidence<'_>, tally: &mut Tally) {
    const EXPECTED: &str = "Sec-WebSocket-Protocol with v1.usp in the request";
    tally.expects(EXPECTED);
    for handshake in of_eut(evidence).filter(|handshake| handshake.eut_is_client == Some(true)) {
        let asked = Handshake::header(handshake.request, "Sec-WebSocket-Protocol");
        tally.holds(asked.contains(&SUBPROTOCOL), || unmet(EXPECTED, show::list(&asked), vec![handshake.seq]));
    }
}

pub(super) fn endpoint_id_told(evidence: Evidence<'_>, tally: &mut Tally) {
    tally.expects("eid with the Endpoint ID in the query of the request");
    let eut = &evidence.view.trace.header.eut_endpoint_id;
    for handshake in of_eut(evidence).filter(|handshake| handshake.eut_is_client == Some(true)) {
        let Some(target) = handshake.target() else { continue };
        let right = told_id(target).is_some_and(|told| eut.is_empty() || told == *eut);
        if right {
            tally.right();
            continue;
        }
        let expected = format!("eid={} in the query", show::cut(eut));
        let seen = format!("the request for {}", show::quoted(target));
        match evidence.view.usp_version() {
            Some(version) if version < QUERY_SINCE => {}
            Some(_) => tally.wrong(unmet(expected, seen, vec![handshake.seq])),
            None => {
                tally.wrong(unknown(
                    expected,
                    format!("{seen}; the EUT's versions are not known"),
                    vec![handshake.seq],
                ));
            }
        }
    }
}

pub(super) fn subprotocol_answered(evidence: Evidence<'_>, tally: &mut Tally) {
    const EXPECTED: &str = "Sec-WebSocket-Protocol with v1.usp in the response";
    tally.expects(EXPECTED);
    for handshake in of_eut(evidence).filter(|handshake| handshake.eut_is_client == Some(false)) {
        let asked = Handshake::header(handshake.request, "Sec-WebSocket-Protocol").contains(&SUBPROTOCOL);
        let Some(response) = handshake.response.filter(|_| asked && handshake.status() == Some(101)) else { continue };
        let answered = Handshake::header(response, "Sec-WebSocket-Protocol");
        tally.holds(answered == [SUBPROTOCOL], || unmet(EXPECTED, show::list(&answered), vec![handshake.seq]));
    }
}

/// The Endpoint ID in the query of a request.
fn told_id(target: &str) -> Option<String> {
    let (_, query) = target.split_once('?')?;
    decode_eid(query.split('&').find_map(|pair| pair.strip_prefix("eid="))?).ok()
}

/// The handshakes of the connections over which the EUT sent Records, or that it opened in its own name, or we to it. While nobody knows who
/// the EUT is, it is whoever names an Endpoint ID.
fn of_eut(evidence: Evidence<'_>) -> impl Iterator<Item = Handshake<'_>> {
    let eut = &evidence.view.trace.header.eut_endpoint_id;
    let is_eut = move |number: u32| {
        let mut from = evidence.view.received().filter(move |record| record.connection == number);
        from.any(|record| record.typed().is_some_and(|record| eut.is_empty() || record.from_id == *eut))
    };
    let in_its_name = move |handshake: &Handshake<'_>| {
        handshake.eut_is_client == Some(true)
            && handshake.target().and_then(told_id).is_some_and(|told| eut.is_empty() || told == *eut)
    };
    evidence.view.connections.iter().filter_map(move |connection| {
        connection.handshake().filter(|handshake| {
            handshake.eut_is_client == Some(false) || is_eut(connection.number) || in_its_name(handshake)
        })
    })
}
