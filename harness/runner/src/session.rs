//! One run against one EUT over one MTP.

use crate::{
    bounds::{self, AFTERMATH, INTERRUPTED_CLEAN_UP, WARNINGS},
    config::SessionConfig,
    control::EutControl,
    controller::{Controller, Parts, inbox::Inbox},
    execute::Interruption,
    play::{Created, Play, case_bound, phase_bound},
    recorder::Recorder,
    second::Second,
    snapshot::{AfterCase, Over, Snapshot},
};
use std::{collections::BTreeMap, sync::Arc};
use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;
use uspec_mtp::{MtpError, event::EVENT_QUEUE, network::Network};
use uspec_testplan::{
    case::{CaseId, Party, TestCase},
    run_report::EndedBy,
    trace::{Header, Phase, TRACE_FORMAT, Trace, What},
};

/// Why a session could not be opened. Nothing runs then, and the EUT has seen nothing of us.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// Our end of the MTP could not be started: a port in use, an unusable certificate.
    #[error("our end of {mtp} could not be started")]
    Mtp {
        /// The MTP.
        mtp: String,
        /// Why.
        source: MtpError,
    },
}

/// One run against one EUT over one MTP: plays the Controller, and turns each case into a Trace.
#[derive(Debug)]
pub struct Session {
    pub(crate) controller: Controller,
    pub(crate) catalogue: String,
    pub(crate) harness: String,
    pub(crate) mtp: String,
    pub(crate) usp_versions: Vec<String>,
    run: String,
    cases: u64,
    /// The EUT as the case before left it, when that was seen.
    left: Option<(Snapshot, Instant)>,
    /// What the case before left behind, for the next one's Trace.
    stain: Option<String>,
    /// Why no further case can run.
    ended: Option<Interruption>,
}

impl Session {
    /// Starts our end of the MTP; what can be wrong with it comes back from here.
    pub async fn open(
        config: SessionConfig,
        network: Arc<dyn Network>,
        control: Arc<dyn EutControl>,
    ) -> Result<Self, SetupError> {
        let (sender, events) = mpsc::channel(EVENT_QUEUE);
        let failed = |source| SetupError::Mtp { mtp: config.mtp_name.clone(), source };
        // Of the MTPs' futures the largest would make that of a whole run large.
        let start = Box::pin(config.mtp.clone().start(Arc::clone(&network), sender.clone()));
        let handle = start.await.map_err(failed)?;
        let second = match Box::pin(Second::prepare(&config, &*network)).await {
            Ok(second) => second,
            Err(source) => {
                handle.shutdown().await;
                return Err(failed(source));
            }
        };
        let SessionConfig {
            mtp: _,
            facts,
            mtp_name: mtp,
            eut_endpoint_id,
            controller_endpoint_id,
            second: _,
            pki: _,
            timing,
            variables,
            catalogue,
            harness,
            secrets,
        } = config;
        let run = token();
        let header = Header {
            format: TRACE_FORMAT,
            case: CaseId::Own(crate::bring_up::BRING_UP.to_owned()),
            mtp: mtp.clone(),
            catalogue: catalogue.clone(),
            harness: harness.clone(),
            started: jiff::Timestamp::now(),
            eut_endpoint_id: eut_endpoint_id.clone().unwrap_or_default(),
            controller_endpoint_id: controller_endpoint_id.clone(),
            second_endpoint_id: second.endpoint_id.clone(),
            mtp_facts: Some(facts.clone()),
            usp_versions: Vec::new(),
            variables: variables.clone(),
            secrets: None,
        };
        let recorder = Recorder::new(header, Instant::now());
        let parts = Parts {
            handle,
            events: (sender, events),
            network,
            ours: controller_endpoint_id,
            eut: eut_endpoint_id,
            timing,
            facts,
            control,
            plan: second,
            recorder,
            run: run.clone(),
            secrets,
        };
        let mut controller = Controller::new(parts);
        controller.variables = variables;
        let usp_versions = Vec::new();
        Ok(Self {
            controller,
            catalogue,
            harness,
            mtp,
            usp_versions,
            run,
            cases: 0,
            left: None,
            stain: None,
            ended: None,
        })
    }

    /// Plays one case and gives back what happened. Ends within the bound of the case's own steps, and shortly after `cancel`.
    pub async fn run_case(
        &mut self,
        case: &TestCase,
        variables: &BTreeMap<String, String>,
        cancel: &CancellationToken,
    ) -> Trace {
        self.begin(case, variables);
        let before = self.baseline(cancel).await;
        let mut play = Play::new(&mut self.controller, case);
        let timing = play.controller().timing;
        let facts = play.controller().facts.clone();
        play.controller().inbox = Inbox::for_case(case, |step| step.exists_over(&facts));
        let stopped = tokio::select! {
            () = play.setup_and_procedure() => None,
            () = cancel.cancelled() => Some("the run was interrupted".to_owned()),
            () = bounds::awake_for(case_bound(case, &timing)) => {
                Some(format!("the case took longer than its steps may together ({:?})", case_bound(case, &timing)))
            }
        };
        if let Some(reason) = &stopped {
            play.skip_rest(reason);
            // The steps that would have set this back are among those that are not played.
            play.set_back().await;
        }
        let bound = phase_bound(&case.cleanup, &timing);
        let cut = tokio::select! {
            () = play.clean_up() => None,
            () = interrupted(cancel) => Some("the run was interrupted".to_owned()),
            () = bounds::awake_for(bound) => Some(format!("the clean-up took longer than its steps may together ({bound:?})")),
        };
        if let Some(reason) = &cut {
            play.skip_clean_up(reason);
        }
        play.set_back().await;
        let created = play.created();
        self.end(case, before, created, cancel).await
    }

    /// Ends our end of the MTP in order. Gives back what happened after the last case: one sentence each.
    pub async fn close(mut self) -> Vec<String> {
        let header = self.header(CaseId::Own(crate::bring_up::BRING_UP.to_owned()), BTreeMap::new());
        self.controller.begin_trace(header.clone());
        let at = self.controller.recorder.len();
        self.controller.shut_down().await;
        warnings(&self.controller.end_trace(header), at)
    }

    /// Judges by these USP versions from now on, in place of those that the EUT named: what its vendor claims.
    pub fn claim_versions(&mut self, versions: &[String]) {
        self.usp_versions = versions.to_vec();
    }

    pub(crate) fn header(&self, case: CaseId, variables: BTreeMap<String, String>) -> Header {
        Header {
            format: TRACE_FORMAT,
            case,
            mtp: self.mtp.clone(),
            catalogue: self.catalogue.clone(),
            harness: self.harness.clone(),
            started: jiff::Timestamp::now(),
            eut_endpoint_id: self.controller.eut.clone().unwrap_or_default(),
            controller_endpoint_id: self.controller.ours().to_owned(),
            second_endpoint_id: self.controller.plan.endpoint_id.clone(),
            mtp_facts: Some(self.controller.facts.clone()),
            usp_versions: self.usp_versions.clone(),
            variables,
            secrets: None,
        }
    }

    fn begin(&mut self, case: &TestCase, variables: &BTreeMap<String, String>) {
        self.cases += 1;
        let mut variables = variables.clone();
        variables.insert("unique".to_owned(), format!("k{}x{}", self.run, self.cases));
        let header = self.header(case.id.clone(), variables.clone());
        self.controller.variables = variables;
        self.controller.inbox = Inbox::default();
        self.controller.begin_trace(header);
        if let Some(stain) = self.stain.take() {
            self.controller.recorder.note(stain);
        }
    }

    /// The EUT before the case: as the case before left it, or as it shows itself now.
    async fn baseline(&mut self, cancel: &CancellationToken) -> Result<Snapshot, String> {
        // Who has come anew since may have forgotten something.
        let lasting = self
            .left
            .take()
            .filter(|(_, seen)| self.controller.last_opened(Party::First).is_none_or(|(at, _)| at < *seen));
        if let Some((left, _)) = lasting {
            self.controller.recorder.note("the EUT is compared with its state after the case before");
            return Ok(left);
        }
        let taken = tokio::select! {
            taken = self.controller.snapshot(Phase::BringUp, 0) => taken,
            () = cancel.cancelled() => Err("the run was interrupted".to_owned()),
        };
        if let Err(why) = &taken {
            self.controller.recorder.note(format!("the EUT's state before the case was not seen: {why}"));
        }
        taken
    }

    async fn end(
        &mut self,
        case: &TestCase,
        before: Result<Snapshot, String>,
        created: Created,
        cancel: &CancellationToken,
    ) -> Trace {
        let id = case.id.to_string();
        let over = Over { case: &id, created, index: case.cleanup.len() };
        let after = tokio::select! {
            after = self.look_after(before, &over) => after,
            () = interrupted(cancel) => {
                let why = "the run was interrupted".to_owned();
                self.controller.recorder.note(format!("the EUT's state after the case was not seen: {why}"));
                AfterCase::Unverified(why)
            }
        };
        self.left = None;
        match after {
            AfterCase::Compared(differences, snapshot) => {
                self.left = Some((snapshot, Instant::now()));
                self.stain = (!differences.is_empty())
                    .then(|| format!("case {id} did not leave the EUT as found: {}", differences.join("; ")));
            }
            AfterCase::Unverified(why) => {
                self.stain = Some(format!("whether case {id} left the EUT as found is not known: {why}"));
            }
            AfterCase::LockedOut(why) => self.ended = Some(Interruption::new(EndedBy::LockedOut, why)),
        }
        let dropped = self.controller.inbox.dropped.saturating_add(self.controller.inbox.sightings.dropped);
        if dropped > 0 {
            self.controller.recorder.note(format!("{dropped} events that no step waits for were dropped"));
        }
        self.controller.inbox = Inbox::default();
        let header = self.header(case.id.clone(), BTreeMap::new());
        self.controller.end_trace(header)
    }

    /// Compares, and waits for an EUT that is away: without it no further case says anything.
    async fn look_after(&mut self, before: Result<Snapshot, String>, over: &Over<'_>) -> AfterCase {
        let mut after = self.controller.compare(before.clone(), over).await;
        self.controller.idle_until(Instant::now() + AFTERMATH).await;
        if self.controller.current().is_some() {
            return after;
        }
        let timing = self.controller.timing;
        let wait = timing.connect.max(timing.boot);
        let limit = bounds::after(Instant::now(), wait);
        if self.controller.until(limit, |it| it.current()).await.is_none() {
            let failure = self.controller.start_failure.as_ref();
            let started = failure.map(|failure| format!("; it could not be started: {failure}")).unwrap_or_default();
            let how = format!("{started}{}", self.controller.last_end());
            let why =
                format!("the EUT did not come back after case {} (waited {wait:?} after its end){how}", over.case);
            self.controller.recorder.note(why.clone());
            self.ended = Some(Interruption::new(EndedBy::Eut, why));
        } else if matches!(after, AfterCase::Unverified(_)) {
            self.controller.recorder.note("the EUT has come back after the case");
            let over =
                Over { index: over.index.saturating_add(STEPS_OF_COMPARISON), created: over.created.clone(), ..*over };
            after = self.controller.compare(before, &over).await;
        }
        after
    }

    /// Why no further case can run, when that is so.
    pub(crate) fn take_end(&mut self) -> Option<Interruption> {
        self.ended.take()
    }
}

/// The runner's own steps in one comparison at most, so that those of a second one have places of their own.
const STEPS_OF_COMPARISON: usize = 16;

/// Some time after an interruption, within which what is under way may still end.
async fn interrupted(cancel: &CancellationToken) {
    cancel.cancelled().await;
    tokio::time::sleep(INTERRUPTED_CLEAN_UP).await;
}

/// A short token that no other run has.
fn token() -> String {
    uuid::Uuid::new_v4().simple().to_string().chars().take(6).collect()
}

/// What a person should know of what happened after the last case, up to its event number `at`.
fn warnings(trace: &Trace, at: usize) -> Vec<String> {
    let before = trace.events.iter().take(at);
    let said = before.filter_map(|event| match &event.what {
        What::Connection { connection, state, .. } => {
            Some(format!("after the last case: connection #{connection} {state:?}").to_lowercase())
        }
        What::Record { connection, .. } => Some(format!("after the last case: a Record on connection #{connection}")),
        What::Eut { action, outcome, ok: false } => Some(format!("after the last case: {action}: {outcome}")),
        _ => None,
    });
    said.take(WARNINGS).collect()
}
