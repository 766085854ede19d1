//! A campaign: every MTP of a profile, every case of the plan, and what became of each.
//!
//! One decision behind it: whatever happens on the way, each (case, MTP) of the catalogue ends up in the report, with a verdict or
//! the reason why there is none. An EUT that never connects makes the cases inconclusive and not skipped: a dashboard must not stay green.

mod at_once;
pub mod clash;
mod facts;
mod kept;
pub mod merge;
mod results;

use crate::outcome::Error;
pub use at_once::at_once;
pub(crate) use facts::{deprecation, needs};
pub use kept::{Before, Entry, Found, Heading, JudgedCase, Key};
use results::{Results, judged};
use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;
use uspec_mtp::network::Network;
use uspec_runner::{
    BringUp, BringUpFailure, BringUpReason, EutControl, Interruption, Progress, RunEnd, Session, SessionConfig, execute,
};
use uspec_testplan::{
    case::{CaseId, TestCase},
    catalogue::Catalogue,
    features::{Contradiction, FeatureSet},
    judge::{judge, violation},
    plan::{Decision, Plan, plan},
    profile::{EutProfile, Mtp},
    run_report::{CaseResult, EndedBy, RunReport},
    secrets::Mask,
    selection::Selection,
    shard::{Shard, Share},
    trace::Trace,
    verdict::{Judgement, Verdict},
};

/// The harness's own version, as reports name it.
pub const HARNESS: &str = env!("CARGO_PKG_VERSION");

/// Why nothing runs with `--strict-profile`; the contradictions themselves stand beside it as warnings.
const CONTRADICTORY: &str =
    "the profile contradicts the device, and --strict-profile makes that an error: the warnings name both sides";

/// What a campaign is made of.
#[derive(Debug)]
pub struct Campaign<'a> {
    /// The cases.
    pub catalogue: &'a Catalogue,
    /// The device, and how it is reached.
    pub profile: &'a EutProfile,
    /// Which cases.
    pub selection: &'a Selection,
    /// What each MTP is judged with.
    pub bench: &'a dyn Bench,
    /// How they are run.
    pub manner: &'a Manner,
    /// Ends the campaign early and in order.
    pub cancel: CancellationToken,
}

/// How a campaign is run.
#[derive(Debug, Clone, Default)]
pub struct Manner {
    /// Whether a contradiction between profile and device keeps the cases over that MTP from being run.
    pub strict_profile: bool,
    /// The share of the plan that is run; `None` for the whole.
    pub shard: Option<Shard>,
    /// How often a case that does not pass is repeated, after the others over its MTP.
    pub repeats: usize,
    /// What else changes what is run, in words, for [`RunIdentity::options`].
    pub options: String,
    /// What was done before an interruption.
    pub before: Before,
}

/// Gives each MTP what it is judged with: for a device on the bench, or for the bundled Agent.
pub trait Bench: fmt::Debug + Sync {
    /// The equipment of this MTP; with the bundled Agent, a fresh one that has this MTP alone.
    ///
    /// # Errors
    /// What keeps anything from being run: a certificate that cannot be read, and the like.
    fn equip(&self, mtp: &Mtp) -> Result<Equipment, Error>;
}

/// What one MTP is judged with. Gone when the MTP has been judged.
#[derive(Debug)]
pub struct Equipment {
    /// Where connections come from.
    pub network: Arc<dyn Network>,
    /// How the device is controlled.
    pub control: Arc<dyn EutControl>,
    /// How our end of the MTP is opened.
    pub session: SessionConfig,
}

/// What happens on the way, for whoever watches or keeps.
#[derive(Debug)]
pub enum Event<'a> {
    /// How many cases are to run over an MTP: told for each that has any before anything starts, and again when the device is known.
    Planned {
        /// The MTP's name.
        mtp: &'a str,
        /// As far as is known at this moment.
        cases: usize,
    },
    /// Our end of the MTP is ready; an EUT that connects may be started now.
    Ready {
        /// The MTP.
        mtp: &'a Mtp,
    },
    /// The EUT was found, or not; the Trace of it.
    BroughtUp {
        /// The MTP.
        mtp: &'a Mtp,
        /// What happened.
        trace: &'a Trace,
        /// Why no case can run, when that is so.
        failure: Option<String>,
    },
    /// A case begins.
    Begins {
        /// The case.
        case: &'a TestCase,
        /// The MTP's name.
        mtp: &'a str,
        /// Its place, from 1.
        nth: usize,
        /// How many there are.
        of: usize,
    },
    /// A case was run and judged.
    Judged {
        /// The case.
        case: &'a TestCase,
        /// The MTP's name.
        mtp: &'a str,
        /// Its place, from 1, among those that are run now; what is repeated is counted anew.
        nth: usize,
        /// How many there are.
        of: usize,
        /// Which run of the case it is, from 1.
        run: usize,
        /// What happened.
        trace: &'a Trace,
        /// What it means.
        judgement: &'a Judgement,
        /// How long it took.
        duration: Duration,
    },
    /// Something that need not be done again when the run is interrupted and resumed.
    Kept(Entry),
}

/// Who is told what happens; gives back the path of the Trace's file, relative to the report, when it kept one.
pub type Watch<'w> = dyn FnMut(Event<'_>) -> Option<String> + Send + 'w;

impl Campaign<'_> {
    /// Runs everything and reports it.
    ///
    /// # Errors
    /// What keeps anything from starting: a selection that matches nothing, a port in use, a certificate that cannot be read. And an EUT
    /// that is not the one of before the interruption.
    pub async fn run(&self, watch: &mut Watch<'_>) -> Result<RunReport, Error> {
        let mut results = Results::new(self);
        let first = self.first_plan()?;
        watch(Event::Kept(Entry::Part(results.part().clone())));
        for mtp in &self.profile.mtps {
            let cases = first.entries.iter().filter(|entry| entry.mtp == mtp.name && entry.may_run()).count();
            if cases > 0 {
                watch(Event::Planned { mtp: &mtp.name, cases });
            }
        }
        for mtp in &self.profile.mtps {
            if let Some(found) = self.manner.before.found.get(&mtp.name) {
                let planned = self.plan(&found.features, &found.versions)?;
                let left = results.left(&mtp.name, &self.runnable(&planned, &mtp.name));
                results.found(found.clone(), planned);
                watch(Event::Planned { mtp: &mtp.name, cases: left.len() });
                if left.is_empty() {
                    continue;
                }
            }
            if self.cancel.is_cancelled() {
                results.no_bring_up(&mtp.name, EndedBy::Person, &BringUpReason::Interrupted.to_string(), &first);
            } else if first.entries.iter().any(|entry| entry.mtp == mtp.name && entry.may_run()) {
                self.over(mtp, &first, &mut results, watch).await?;
            }
        }
        Ok(results.report(&first))
    }

    /// The report of a campaign that could not be run, or not on: what was to run is not reached.
    ///
    /// # Errors
    /// A selection that matches nothing.
    pub fn not_run(&self, reason: &str) -> Result<RunReport, Error> {
        let mut results = Results::new(self);
        results.stopped(reason);
        Ok(results.report(&self.first_plan()?))
    }

    /// What would become of every (case, MTP), as far as the profile alone tells.
    ///
    /// # Errors
    /// A selection that matches nothing.
    pub fn first_plan(&self) -> Result<Plan, Error> {
        planned(self.catalogue, self.profile, self.selection, self.manner.shard)
    }

    fn plan(&self, features: &FeatureSet, versions: &[String]) -> Result<Plan, Error> {
        let mut planned = plan(self.catalogue, self.profile, self.selection, features, versions)
            .map_err(|error| Error::Message(format!("error: {error}")))?;
        if let Some(shard) = self.manner.shard {
            let whole = self::planned(self.catalogue, self.profile, self.selection, None)?;
            Share::of(&whole, shard).leave_out(&mut planned);
        }
        Ok(planned)
    }

    /// The versions that count: the vendor's claim, or what the device named.
    fn versions(&self, device: &[String]) -> Vec<String> {
        if self.profile.usp_versions.is_empty() { device.to_vec() } else { self.profile.usp_versions.clone() }
    }

    async fn over(&self, mtp: &Mtp, first: &Plan, results: &mut Results, watch: &mut Watch<'_>) -> Result<(), Error> {
        let Equipment { network, control, session } = self.bench.equip(mtp)?;
        let mut session =
            Session::open(session, network, control).await.map_err(|cause| Error::new(&mtp.name, &cause))?;
        watch(Event::Ready { mtp });
        match session.bring_up(&self.cancel).await {
            Err(failure) => {
                let by = if failure.reason == BringUpReason::Interrupted { EndedBy::Person } else { EndedBy::Eut };
                let reason = why(&failure);
                watch(Event::BroughtUp { mtp, trace: &failure.trace, failure: Some(reason.clone()) });
                results.no_bring_up(&mtp.name, by, &reason, first);
            }
            Ok(found) => {
                watch(Event::BroughtUp { mtp, trace: &found.trace, failure: None });
                self.cases(mtp, &mut session, found, results, watch).await?;
            }
        }
        let warnings: Vec<_> = session.close().await.into_iter().collect();
        if !warnings.is_empty() {
            watch(Event::Kept(Entry::Warned(warnings.clone())));
            results.warn(warnings);
        }
        Ok(())
    }

    async fn cases(
        &self,
        mtp: &Mtp,
        session: &mut Session,
        found: BringUp,
        results: &mut Results,
        watch: &mut Watch<'_>,
    ) -> Result<(), Error> {
        let detected = found.supported_dm.as_ref().map(|dm| self.catalogue.features.detect(dm)).unwrap_or_default();
        let (features, contradictions) =
            FeatureSet::with_device(self.profile, &self.catalogue.features, &detected, mtp.kind());
        let versions = self.versions(&found.usp_versions);
        session.claim_versions(&versions);
        let planned = self.plan(&features, &versions)?;
        let cases = self.runnable(&planned, &mtp.name);
        let refused = self.manner.strict_profile && contradictions.iter().any(Contradiction::is_of_the_profile);
        // The handshake of a connection that lasts stands in this Trace alone.
        let violation = violation(&found.trace).map(|violation| format!("{}: at bring-up, {violation}", mtp.name));
        let warnings = contradictions.iter().map(ToString::to_string).chain(violation);
        let now = Found::of(&mtp.name, &found, features, versions, warnings);
        self.same_eut(&now)?;
        watch(Event::Planned {
            mtp: &mtp.name,
            cases: if refused { 0 } else { results.left(&mtp.name, &cases).len() },
        });
        watch(Event::Kept(Entry::Found(now.clone())));
        results.found(now, planned);
        if refused {
            results.ended(&mtp.name, EndedBy::Profile, CONTRADICTORY);
            return Ok(());
        }
        loop {
            let left = results.left(&mtp.name, &cases);
            if left.is_empty() {
                return Ok(());
            }
            let end = self.round(mtp, session, &left, &found.variables, results, watch).await;
            if let Some(Interruption { by, reason }) = end.interrupted {
                results.ended(&mtp.name, by, &reason);
                return Ok(());
            }
        }
    }

    /// Runs these once.
    async fn round(
        &self,
        mtp: &Mtp,
        session: &mut Session,
        cases: &[&TestCase],
        variables: &BTreeMap<String, String>,
        results: &mut Results,
        watch: &mut Watch<'_>,
    ) -> RunEnd {
        let (total, mut nth) = (cases.len(), 0);
        let mtp = mtp.name.as_str();
        execute(session, cases, variables, &self.cancel, &mut |progress| match progress {
            Progress::CaseStarted { case, nth: now, of } => {
                nth = now;
                watch(Event::Begins { case, mtp, nth, of });
            }
            Progress::CaseEnded { case, trace, duration } => {
                let judgement = judge(case, &trace);
                let run = results.next_run(&case.id, mtp);
                let (trace, judgement) = (&trace, &judgement);
                let file = watch(Event::Judged { case, mtp, nth, of: total, run, trace, judgement, duration });
                let judged = judged(trace, judgement.clone(), duration, file);
                // What was cut off is run again when the run is resumed.
                let cut_off = self.cancel.is_cancelled();
                let kept = results.judged(&case.id, mtp, judged, cut_off);
                if let Some(judged) = kept {
                    let kept = JudgedCase { case: case.id.clone(), mtp: mtp.to_owned(), judged };
                    watch(Event::Kept(Entry::Judged(Box::new(kept))));
                }
            }
            Progress::NotReached { case, reason } => results.not_reached(&case.id, mtp, reason),
        })
        .await
    }

    /// Results of two EUTs, or of two versions of its software, make no report together.
    fn same_eut(&self, now: &Found) -> Result<(), Error> {
        match self.manner.before.found.values().find_map(|before| now.is_another(before)) {
            None => Ok(()),
            Some(differs) => Err(Error::Message(format!(
                "error: {}: the EUT is not the one of before the interruption: then {differs}. Its results make no report together: \
                 begin anew, with another --out or with --overwrite",
                now.mtp
            ))),
        }
    }

    fn runnable<'c>(&'c self, planned: &Plan, mtp: &str) -> Vec<&'c TestCase> {
        let runs = planned.entries.iter().filter(|entry| entry.mtp == mtp && entry.decision == Decision::Run);
        runs.filter_map(|entry| self.case(&entry.case)).collect()
    }

    fn case(&self, id: &CaseId) -> Option<&TestCase> {
        self.catalogue.get(id).and_then(|entry| entry.case.as_ref())
    }
}

/// Why no case can run: what the EUT did wrong comes first, because the rest follows from it.
fn why(failure: &BringUpFailure) -> String {
    let reason = failure.reason.to_string();
    let reason = match violation(&failure.trace).filter(|_| failure.reason != BringUpReason::Interrupted) {
        Some(violation) => format!("{violation}; therefore no case can run: {reason}"),
        None => reason,
    };
    Mask::of(&failure.trace).apply(&reason)
}

/// What would become of every (case, MTP), or of a shard's share of them, as far as the profile alone tells.
///
/// # Errors
/// A selection that matches nothing.
pub fn planned(
    catalogue: &Catalogue,
    profile: &EutProfile,
    selection: &Selection,
    shard: Option<Shard>,
) -> Result<Plan, Error> {
    let features = FeatureSet::from_profile(profile, &catalogue.features);
    let mut planned = plan(catalogue, profile, selection, &features, &profile.usp_versions)
        .map_err(|error| Error::Message(format!("error: {error}")))?;
    if let Some(shard) = shard {
        Share::of(&planned.clone(), shard).leave_out(&mut planned);
    }
    Ok(planned)
}

/// The verdict of every case that ran, apart from those that the profile says are known to fail.
pub fn verdicts(report: &RunReport, profile: &EutProfile) -> Vec<Verdict> {
    let today = jiff::Zoned::now().date();
    let excused = |result: &&CaseResult| profile.known_failing.iter().any(|entry| entry.excuses(result, today));
    report.results.iter().filter(|result| !excused(result)).filter_map(CaseResult::verdict).collect()
}
