//! The opening frame and its answer (STOMP 1.2, "Connecting"; R-STOMP.2 to R-STOMP.6).

use bytes::Bytes;
use tokio::time::Instant;

use super::{Phase, Server, ended};
use crate::end::{Finish, Port, StreamEnd};
use crate::event::{EndedBy, Failure, FailureKind};
use crate::stomp::escape::{self, Escaping};
use crate::stomp::heartbeat::{Agreed, Offer};
use crate::stomp::packet;
use crate::stomp::violation::Violation;
use crate::stomp::{ENDPOINT_ID, SUBSCRIBE_DEST, StompFrame, StompRefusal, VERSION};

/// What the server calls itself.
const SERVER: &str = concat!("uspec/", env!("CARGO_PKG_VERSION"));

impl Server<'_> {
    /// Answers `STOMP` or `CONNECT`.
    pub(super) async fn on_opening(&mut self, port: &mut Port, frame: &StompFrame, head: &Bytes) -> Option<Finish> {
        self.peer = frame.header(ENDPOINT_ID).map(str::to_owned);
        match self.behaviour(|behaviour| behaviour.refuse.clone()) {
            None => {}
            Some(StompRefusal::Error(message)) => return Some(self.refuse(port, message, None).await),
            Some(StompRefusal::HangUp) => {
                let closing = ended(EndedBy::Us, "this end hung up".to_owned(), false);
                return Some(self.finish(closing, StreamEnd::InOrder { peer_first: false, done: None }));
            }
            Some(StompRefusal::Silence) => {
                self.phase = Phase::Silent;
                return None;
            }
        }
        let versions = frame.header("accept-version").unwrap_or_default();
        if !versions.split(',').any(|version| version.trim() == VERSION) {
            return Some(self.refuse_version(port, versions, head).await);
        }
        if let Some(failure) = self.refused_login(frame, head) {
            let text = failure.text.clone();
            port.fail(failure).await;
            return Some(self.refuse(port, text, None).await);
        }
        self.connect(port, frame, head).await;
        None
    }

    async fn refuse_version(&mut self, port: &mut Port, versions: &str, head: &Bytes) -> Finish {
        let seen: String = versions.chars().take(60).collect();
        let text = format!("accept-version with {VERSION} was expected; {seen:?} was seen");
        // A header that is missing was told already.
        if !versions.is_empty() {
            let violation = Violation::new("STOMP 1.2 Protocol Negotiation", text.as_str(), head);
            packet::report(port, &violation, self.end.max_record).await;
        }
        let frame = StompFrame::new("ERROR").with("version", VERSION).with("message", text.as_str());
        self.put(port, &frame, None);
        port.last_words().await;
        self.finish(ended(EndedBy::Us, text, false), StreamEnd::InOrder { peer_first: false, done: None })
    }

    /// Why the client may not come in, if so. One with a certificate needs no password (R-STOMP.3).
    fn refused_login(&self, frame: &StompFrame, head: &Bytes) -> Option<Failure> {
        let expected = self.end.login.as_ref()?;
        let (login, passcode) = (frame.header("login"), frame.header("passcode"));
        let kind = FailureKind::Refused { reason: 0 };
        if login.is_none() || passcode.is_none() {
            if self.tls.as_ref().is_some_and(|tls| tls.peer_certificate.is_some()) {
                return None;
            }
            let text = "login and passcode were expected of a client without a certificate; at least one is missing";
            return Some(Failure::against("R-STOMP.3", kind, text).with_octets(head));
        }
        let right = matches(&expected.username, login, frame) && matches(&expected.password, passcode, frame);
        (!right).then(|| Failure::new(kind, "the login or the passcode is not the right one"))
    }

    async fn connect(&mut self, port: &mut Port, frame: &StompFrame, head: &Bytes) {
        let (asked, outcome) = frame.header("heart-beat").map_or((Offer::default(), Ok(())), Offer::read);
        if let Err(text) = outcome {
            let violation = Violation::new("STOMP 1.2 Heart-beating", text, head);
            packet::report(port, &violation, self.end.max_record).await;
        }
        let changes = self.behaviour(|behaviour| behaviour.connected.clone());
        // As the client wants it: it is sent what it asks for, and asked for what it can send.
        let ours = changes.heart_beat.map_or(Offer { sends: asked.wants, wants: asked.sends }, Offer::from);
        let version = changes.version.unwrap_or_else(|| VERSION.to_owned());
        let mut answer = StompFrame::new("CONNECTED")
            .with("version", version)
            .with("heart-beat", ours.text())
            .with("session", format!("uspec-{}", self.id.0))
            .with("server", SERVER)
            .with_some(SUBSCRIBE_DEST, changes.subscribe_dest);
        answer.headers.extend(changes.extra_headers);
        self.put(port, &answer, None);
        self.pulse.agree(Agreed::from(ours, asked), Instant::now());
        self.phase = Phase::Connected;
    }
}

/// Whether a header is what is expected. In `CONNECT` a backslash may have been meant as one, where it was read as an escape.
fn matches(expected: &str, found: Option<&str>, frame: &StompFrame) -> bool {
    let exempt = Escaping::of(&frame.command) == Escaping::Exempt;
    found.is_some_and(|found| {
        found == expected || (exempt && escape::read(expected, Escaping::Exempt).is_ok_and(|read| read == found))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stomp::Login;

    #[test]
    fn a_password_with_a_backslash_is_right_either_way() {
        let right = |command: &str, found: &str| {
            let login = Login::new("user", "a\\cb");
            matches(&login.password, Some(found), &StompFrame::new(command))
        };
        assert!(right("STOMP", "a\\cb") && right("CONNECT", "a\\cb") && right("CONNECT", "a:b"));
        assert!(!right("STOMP", "a:b") && !right("CONNECT", "ab"));
    }
}
