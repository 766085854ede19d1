//! `uspec run`: judges a device, or the bundled Agent, and writes the reports.

use crate::{
    args::RunArgs,
    bundled::{Bundled, Where},
    campaign::{Bench, Campaign, Equipment, Event, HARNESS, Watch, verdicts},
    command::list,
    files::Reports,
    load,
    outcome::{Error, Exit, tell},
    progress::{self, Progress},
};
use std::{io::IsTerminal as _, sync::Arc};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use uspec_mtp::{network::RealNetwork, tls::KeyLogSink};
use uspec_report::summary;
use uspec_runner::{ProgramControl, SessionConfig, TlsSupply};
use uspec_testplan::{
    catalogue::Catalogue,
    features::FeatureSet,
    plan::plan,
    profile::{EutProfile, Mtp},
    run_report::{EndedBy, RunReport},
    selection::Selection,
};

/// Runs the command.
///
/// # Errors
/// Whatever keeps anything from being run or written.
pub fn run(args: &RunArgs) -> Result<Exit, Error> {
    let catalogue = load::catalogue(&args.catalogue)?;
    let profile = load::profile(args.eut.as_deref())?;
    let selection = load::selection(&args.select)?;
    if args.dry_run {
        return dry_run(&catalogue, &profile, &selection);
    }
    let reports = Reports::prepare(&args.out, args.attachment_base.as_deref())?;
    let key_log = args.tls_key_log.then(|| reports.key_log()).transpose()?;
    let eut = Progress::new(args.quiet).eut(None);
    let mut watch = |event: Event<'_>| watch(&eut, &reports, &event);
    let report = match (&args.eut, args.real) {
        (Some(_), _) => block_on(device(args, &catalogue, &profile, &selection, key_log, &mut watch))?,
        (None, real) => {
            let place = if real { Where::Loopback } else { Where::Memory };
            let bundled =
                Bundled::new(&profile, &args.fault, place)?.strict_profile(args.strict_profile).key_log(key_log);
            bundled.judge(&catalogue, &selection, &mut watch)?
        }
    };
    drop(eut);
    reports.write(&report)?;
    tell(&summary::render(&report));
    tell(&format!("reports in {}: junit.xml, run.json, report.html, traces/\n", args.out.display()));
    Ok(exit(&report, &profile))
}

fn exit(report: &RunReport, profile: &EutProfile) -> Exit {
    match report.run.interrupted_by {
        Some(EndedBy::Person) => return Exit::Interrupted,
        // Refused before the first case: the profile is bad input.
        Some(EndedBy::Profile) if report.verdict().is_none() => return Exit::NothingRun,
        _ => {}
    }
    let verdicts = verdicts(report, profile);
    let problems = uspec_testplan::profile::check_known_failing(
        &profile.known_failing,
        &report.results,
        jiff::Zoned::now().date(),
    );
    match Exit::of(verdicts) {
        // A list of known failures that is wrong must not pass unseen.
        Exit::Good if !problems.is_empty() || report.run.interrupted.is_some() || report.verdict().is_none() => {
            Exit::Undecided
        }
        exit => exit,
    }
}

fn dry_run(catalogue: &Catalogue, profile: &EutProfile, selection: &Selection) -> Result<Exit, Error> {
    let features = FeatureSet::from_profile(profile, &catalogue.features);
    let plan = plan(catalogue, profile, selection, &features, &profile.usp_versions)
        .map_err(|error| Error::Message(format!("error: {error}")))?;
    tell(&list::lines(&plan));
    Ok(Exit::Good)
}

fn block_on<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|cause| Error::new("the runtime cannot be started", &cause))?;
    runtime.block_on(work)
}

async fn device(
    args: &RunArgs,
    catalogue: &Catalogue,
    profile: &EutProfile,
    selection: &Selection,
    key_log: Option<KeyLogSink>,
    watch: &mut Watch<'_>,
) -> Result<RunReport, Error> {
    let cancel = CancellationToken::new();
    cancel_on_ctrl_c(cancel.clone());
    let supply = TlsSupply { pki: None, key_log };
    let bench = Device { catalogue, profile, supply };
    let strict_profile = args.strict_profile;
    let campaign = Campaign { catalogue, profile, selection, bench: &bench, strict_profile, cancel };
    campaign.run(watch).await
}

/// A device on the bench: the same for every MTP.
#[derive(Debug)]
struct Device<'a> {
    catalogue: &'a Catalogue,
    profile: &'a EutProfile,
    supply: TlsSupply,
}

impl Bench for Device<'_> {
    fn equip(&self, mtp: &Mtp) -> Result<Equipment, Error> {
        let session = SessionConfig::from_profile(self.profile, mtp, &self.supply, &self.catalogue.hash, HARNESS)
            .map_err(|cause| Error::new(&mtp.name, &cause))?;
        let control = Arc::new(ProgramControl::from_profile(&self.profile.control));
        Ok(Equipment { network: Arc::new(RealNetwork), control, session })
    }
}

/// The first Ctrl-C ends the run in order, with its reports; the second one ends the process. SIGTERM, with which a CI takes a job back, is
/// as good as Ctrl-C.
pub(crate) fn cancel_on_ctrl_c(cancel: CancellationToken) {
    tokio::spawn(async move {
        if told_to_end().await.is_ok() {
            // Below the bar, and the `^C` that a terminal shows.
            let below = if std::io::stderr().is_terminal() { "\n" } else { "" };
            eprintln!("{below}ending the run; its reports are written (once more Ctrl-C ends at once)");
            cancel.cancel();
        }
        if told_to_end().await.is_ok() {
            std::process::exit(130);
        }
    });
}

async fn told_to_end() -> std::io::Result<()> {
    let mut term = signal(SignalKind::terminate())?;
    tokio::select! {
        told = tokio::signal::ctrl_c() => told,
        _ = term.recv() => Ok(()),
    }
}

/// Shows an event, and keeps its Trace; gives back where.
fn watch(eut: &progress::Eut, reports: &Reports, event: &Event<'_>) -> Option<String> {
    eut.show(event);
    match event {
        Event::BroughtUp { mtp, trace, .. } => reports.trace(&format!("bring-up-{}", mtp.name), trace),
        Event::Judged { case, mtp, trace, .. } => reports.trace(&format!("{}-{mtp}", case.id), trace),
        Event::Planned { .. } | Event::Ready { .. } | Event::Begins { .. } => None,
    }
}
