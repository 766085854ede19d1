//! `uspec run`: judges a device, or the bundled Agent, and writes the reports.

use crate::{
    args::RunArgs,
    campaign::{Bench, Equipment, Event, HARNESS, clash, planned},
    command::{judging::Work, list},
    files::Reports,
    load,
    outcome::{Error, Exit, tell},
    progress::{self, Progress},
};
use std::{io::IsTerminal as _, sync::Arc};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use uspec_mtp::network::RealNetwork;
use uspec_report::text::visible_line;
use uspec_runner::{ProgramControl, SessionConfig, TlsSupply};
use uspec_testplan::{
    catalogue::Catalogue,
    profile::{EutProfile, Mtp},
    selection::Selection,
};

/// Runs the command.
///
/// # Errors
/// Whatever keeps anything from being run or written.
pub fn run(args: &RunArgs) -> Result<Exit, Error> {
    let catalogue = load::catalogue(&args.catalogue)?;
    let profiles = if args.eut.is_empty() { vec![load::profile(None)?] } else { load::profiles(&args.eut)? };
    let selection = load::selection(&args.select)?;
    clash::check(&catalogue, &selection, &args.eut, &profiles)?;
    if args.dry_run {
        return profiles.iter().try_fold(Exit::Good, |_, profile| {
            if profiles.len() > 1 {
                tell(&format!("{}:\n", visible_line(&profile.name)));
            }
            dry_run(args, &catalogue, profile, &selection)
        });
    }
    let (progress, cancel) = (Progress::new(args.quiet), CancellationToken::new());
    let work = Work { args, catalogue: &catalogue, selection: &selection, progress, cancel };
    match profiles.as_slice() {
        [profile] => work.one(profile),
        several => work.several(several),
    }
}

fn dry_run(args: &RunArgs, catalogue: &Catalogue, profile: &EutProfile, selection: &Selection) -> Result<Exit, Error> {
    tell(&list::lines(&planned(catalogue, profile, selection, args.campaign.shard)?));
    Ok(Exit::Good)
}

/// A device on the bench: the same for every MTP.
#[derive(Debug)]
pub(super) struct Device<'a> {
    pub(super) catalogue: &'a Catalogue,
    pub(super) profile: &'a EutProfile,
    pub(super) supply: TlsSupply,
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
pub(super) fn watch(shown: &progress::Eut, reports: &Reports, event: &Event<'_>) -> Option<String> {
    shown.show(event);
    match event {
        Event::BroughtUp { mtp, trace, .. } => reports.trace(&format!("bring-up-{}", mtp.name), trace, None),
        Event::Judged { case, mtp, run, trace, judgement, .. } => {
            // The Traces of the runs before it stay.
            let nth = if *run > 1 { format!("-run{run}") } else { String::new() };
            reports.trace(&format!("{}-{mtp}{nth}", case.id), trace, Some(judgement))
        }
        Event::Planned { .. } | Event::Ready { .. } | Event::Begins { .. } | Event::Kept(_) => None,
    }
}
