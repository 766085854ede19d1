//! The handshake of UNIX domain sockets.

use super::{
    super::{evidence::Evidence, report::Fault, subject::Subject, words::opening_words},
    Finding, good,
};

/// Whether both sides have introduced themselves.
pub(super) fn diagnose(subject: &Subject, evidence: &Evidence) -> Finding {
    let expected = "the EUT introduces itself with a Handshake (R-UDS.16, R-UDS.17)";
    let Some((_, seen)) = evidence.best(subject.eut.as_deref()) else {
        return Finding::Pending(Fault::new(expected, "nothing came"));
    };
    if seen.open.is_some() {
        return good("both sides have sent their Handshake");
    }
    let fault = |why: String| {
        Fault::new(expected, format!("it sent {}{why}", opening_words(&seen.first)))
            .eut("let it speak the UDS MTP on this socket, as an Agent")
            .profile(format!("`path` of `{}`: another program may own this socket", subject.name))
    };
    match seen.failures.last() {
        Some(failure) if seen.opening.is_some() => Finding::Broken(fault(format!(": {failure}"))),
        Some(failure) => Finding::Pending(fault(format!(": {failure}"))),
        None => Finding::Pending(fault(String::new())),
    }
}
