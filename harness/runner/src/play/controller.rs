//! `controller`: the second Controller begins or ends, and certificates change.

use super::{Play, done, fault, not_reached, timed_out};
use crate::bounds::after;
use tokio::time::Instant;
use uspec_testplan::{
    case::{CertificateKind, ControllerAction, Party},
    trace::{ConnectionState, StepOutcome, What},
};

impl Play<'_> {
    pub(super) async fn controllers(&mut self, action: ControllerAction) -> StepOutcome {
        match action {
            ControllerAction::StartSecond(kind) => self.start_second(kind).await,
            ControllerAction::StopSecond => {
                self.controller.stop_second().await;
                done(None)
            }
            ControllerAction::Certificate(kind) => self.show(kind),
        }
    }

    /// Ends the second Controller and shows the first one's own certificate again.
    pub(super) async fn controllers_back(&mut self) {
        if self.controller.side(Party::Second).end.is_some() {
            self.controller.stop_second().await;
        }
        self.controller.side_mut(Party::Second).plays = false;
        if std::mem::take(&mut self.certificate_changed)
            && let StepOutcome::Fault { causes } = self.show(CertificateKind::Trusted)
        {
            self.controller.recorder.note(format!("our own certificate is not shown again: {}", causes.join(": ")));
        }
    }

    /// Starts the second Controller's own end. Where it connects, the step ends when that has come to something.
    async fn start_second(&mut self, kind: CertificateKind) -> StepOutcome {
        let begun = Instant::now();
        let from = self.controller.recorder.len();
        let Some(first) = self.controller.side(Party::First).end.clone() else {
            return not_reached("our end of the MTP has ended");
        };
        let far = match self.controller.plan.far(kind, &first) {
            Ok(far) => far,
            Err(error) => return fault(["the second Controller cannot begin".to_owned(), error.to_string()]),
        };
        if let Err(error) = self.controller.start_second(far).await {
            return fault([
                "the second Controller's end of the MTP could not be started".to_owned(),
                error.to_string(),
            ]);
        }
        if !self.controller.plan.connects() {
            return done(None);
        }
        let limit = after(begun, self.controller.timing.connect);
        let came = self.controller.until(limit, |it| {
            let open = it.current_of(Party::Second).map(|_| it.last_opened(Party::Second).and_then(|(_, seq)| seq));
            open.map(Ok)
                .or_else(|| it.recorder.events().iter().skip(from).find_map(|event| failed(&event.what)).map(Err))
        });
        match came.await {
            Some(Ok(seq)) => done(seq),
            // What came of it is what is asked; that it failed is in the Trace.
            Some(Err(())) => done(None),
            None => timed_out(begun),
        }
    }

    fn show(&mut self, kind: CertificateKind) -> StepOutcome {
        let identity = match self.controller.plan.identity(Party::First, kind) {
            Ok(Some(identity)) => identity,
            Ok(None) => return fault(["the MTP has no TLS, so that nobody shows a certificate"]),
            Err(error) => return fault([error.to_string()]),
        };
        let Some(end) = self.controller.side(Party::First).end.clone() else {
            return not_reached("our end of the MTP has ended");
        };
        self.certificate_changed = kind != CertificateKind::Trusted;
        match end.set_identity(identity) {
            Ok(()) => done(None),
            Err(error) => fault(["the certificate cannot be shown".to_owned(), error.to_string()]),
        }
    }
}

/// Whether an attempt of the second Controller to connect has failed.
fn failed(what: &What) -> Option<()> {
    match what {
        What::Connection { connection, state: ConnectionState::Failed | ConnectionState::Closed, .. }
            if *connection >= uspec_testplan::trace::SECOND_CONTROLLER =>
        {
            Some(())
        }
        What::Connection { connection, state: ConnectionState::Tls, details }
            if *connection >= uspec_testplan::trace::SECOND_CONTROLLER && details.get("tls_failed").is_some() =>
        {
            Some(())
        }
        _ => None,
    }
}
