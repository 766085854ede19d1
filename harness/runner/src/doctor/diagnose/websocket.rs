//! The upgrade to WebSocket: path, subprotocol, status.

use super::{
    super::{
        evidence::{Evidence, Seen},
        report::Fault,
        subject::Subject,
        words::{encryption, is_tls, opening_words, path_parameter},
    },
    Finding, good, nothing_of,
};
use uspec_mtp::{
    event::{Failure, FailureKind, HttpHead},
    websocket::SUBPROTOCOL,
};

/// Whether the upgrade was done.
pub(super) fn diagnose(subject: &Subject, path: &str, evidence: &Evidence) -> Finding {
    let Some((_, seen)) = evidence.best(subject.eut.as_deref()) else {
        return Finding::Pending(nothing(subject, path, None));
    };
    if let Some(open) = &seen.open {
        let request = seen.upgrade.as_ref().and_then(|(request, _)| request.target()).unwrap_or(path);
        let protocol = open.subprotocol.as_deref().unwrap_or("none");
        return good(format!("GET {request} answered with 101, subprotocol {protocol}"));
    }
    let Some(failure) = seen.failures.last() else {
        return Finding::Pending(nothing(subject, path, Some(seen)));
    };
    match (&failure.kind, &seen.upgrade) {
        (FailureKind::WrongPath, Some((request, _))) => Finding::Broken(wrong_path(subject, path, request)),
        (FailureKind::MissingSubprotocol, Some((request, response))) => {
            Finding::Broken(subprotocol(subject, request, response.as_ref()))
        }
        (FailureKind::UpgradeRefused { status }, _) => Finding::Broken(refused(subject, path, *status)),
        _ if is_tls(&seen.first) => Finding::Broken(encrypted(subject, &seen.first)),
        // A whole HTTP request that is no right upgrade comes from somebody who meant to connect.
        (_, Some((_, response))) if !subject.calls || response.is_some() => {
            Finding::Broken(malformed(subject, failure))
        }
        _ => Finding::Pending(nothing(subject, path, Some(seen))),
    }
}

fn wrong_path(subject: &Subject, path: &str, request: &HttpHead) -> Fault {
    let asked = request.target().unwrap_or_default();
    let bare = asked.split('?').next().unwrap_or_default();
    Fault::new(
        format!("the EUT asks for the path `{path}` (`path` of `{}`)", subject.name),
        format!("it asked for `{asked}`, which we answered with HTTP status 404 (R-WS.2)"),
    )
    .eut(format!("set `{}` to `{path}`", path_parameter(subject)))
    .profile(format!("`path` of `{}`: `{bare}`", subject.name))
}

fn subprotocol(subject: &Subject, request: &HttpHead, response: Option<&HttpHead>) -> Fault {
    let header = |head: &HttpHead| {
        let named: Vec<&str> = head.list("Sec-WebSocket-Protocol").collect();
        if named.is_empty() {
            "no subprotocol at all".to_owned()
        } else {
            format!("the subprotocol `{}`", named.join(", "))
        }
    };
    let (what, requirement) = match (subject.calls, response) {
        (true, Some(response)) => (format!("it answered our upgrade with {}", header(response)), "R-WS.12"),
        _ => (format!("it asked for {}", header(request)), "R-WS.12a"),
    };
    Fault::new(
        format!("the EUT names the subprotocol `{SUBPROTOCOL}` in Sec-WebSocket-Protocol"),
        format!("{what} ({requirement})"),
    )
    .eut(format!(
        "its WebSocket library must be told the subprotocol `{SUBPROTOCOL}`; no parameter of the data model does that"
    ))
    .bench("a proxy between the two must pass Sec-WebSocket-Protocol on")
}

fn refused(subject: &Subject, path: &str, status: u16) -> Fault {
    let fault = Fault::new(
        format!("the EUT answers GET {path} with HTTP status 101"),
        format!("it answered GET {path} with HTTP status {status}"),
    );
    match status {
        401 | 403 => fault.eut(format!(
            "let it accept the Controller `{}`: its row in the Controller table, its certificate, its credentials",
            subject.controller
        )),
        500..=599 => {
            fault.eut("its log tells why it cannot take a connection now (another Controller's session may be open)")
        }
        _ => fault,
    }
    .profile(format!("`path` of `{}`: the path that the EUT has in `{}`", subject.name, path_parameter(subject)))
    .eut(format!("set `{}` to `{path}`", path_parameter(subject)))
    .profile(format!("`address` of `{}`: another HTTP server may be listening at {}", subject.name, subject.address))
}

fn malformed(subject: &Subject, failure: &Failure) -> Fault {
    Fault::new(format!("a WebSocket upgrade of {}", subject.peer()), failure.to_string())
        .eut("its WebSocket library does not open the connection as RFC 6455 section 4 has it")
        .bench("a proxy or another client may be what connects")
}

fn encrypted(subject: &Subject, first: &[u8]) -> Fault {
    let seen = format!("it sent {}", opening_words(first));
    Fault::new("a WebSocket upgrade in clear text: the profile says nothing of TLS", seen)
        .eut(encryption(subject, false))
        .profile(format!("give `{}` its `tls`", subject.name))
}

fn nothing(subject: &Subject, path: &str, seen: Option<&Seen>) -> Fault {
    let expected = if subject.calls {
        format!("the EUT answers GET {path} with HTTP status 101")
    } else {
        format!("the EUT sends GET {path} with an upgrade to WebSocket")
    };
    nothing_of("a WebSocket endpoint", subject, expected, seen)
}
