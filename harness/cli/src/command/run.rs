//! `uspec run`: judges a device, or the bundled Agent, and writes the reports.

use crate::{
    args::RunArgs,
    campaign::{Bench, Equipment, Event, HARNESS, clash, planned},
    command::{judging::Work, list},
    files::Reports,
    load,
    outcome::{Error, Exit, tell},
};
use std::{io::IsTerminal as _, sync::Arc};
use tokio_util::sync::CancellationToken;
use uspec_mtp::network::RealNetwork;
use uspec_report::{summary, text::visible_line};
use uspec_runner::{ProgramControl, SessionConfig, TlsSupply};
use uspec_testplan::{
    catalogue::Catalogue,
    profile::{Broker, EutProfile, Mtp, Role, Transport},
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
    let work = Work { args, catalogue: &catalogue, selection: &selection, cancel: CancellationToken::new() };
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

/// The first Ctrl-C ends the run in order, with its reports; the second one ends the process.
pub(crate) fn cancel_on_ctrl_c(cancel: CancellationToken) {
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            eprintln!("ending the run; its reports are written (once more Ctrl-C ends at once)");
            cancel.cancel();
        }
        if tokio::signal::ctrl_c().await.is_ok() {
            std::process::exit(130);
        }
    });
}

/// One line a case, and its Trace kept.
pub(super) fn watch(args: &RunArgs, prefix: &str, reports: &Reports, event: Event<'_>) -> Option<String> {
    match event {
        Event::Ready { mtp } => {
            say(args, &format!("{prefix}{}", ready(mtp)));
            None
        }
        Event::BroughtUp { mtp, trace, failure } => {
            if let Some(reason) = failure {
                eprintln!("{prefix}{}: {reason}", mtp.name);
            }
            reports.trace(&format!("bring-up-{}", mtp.name), trace)
        }
        Event::Judged { case, mtp, nth, of, run, trace, judgement, duration } => {
            let verdict = summary::word(judgement.verdict);
            let text = format!(
                "{prefix}{nth:>3}/{of} {verdict:<12} {:<6} {} [{mtp}] {:.1} s{}",
                case.id.to_string(),
                case.title,
                duration.as_secs_f64(),
                if run > 1 { format!(", run {run}") } else { String::new() },
            );
            say(args, &colour(verdict, text));
            // The Traces of the runs before it stay.
            let nth = if run > 1 { format!("-run{run}") } else { String::new() };
            reports.trace(&format!("{}-{mtp}{nth}", case.id), trace)
        }
        Event::Kept(_) => None,
    }
}

/// Where the EUT is awaited, or called.
fn ready(mtp: &Mtp) -> String {
    let scheme = |plain: &str, tls: &str| if mtp.transport.tls().is_some() { tls.to_owned() } else { plain.to_owned() };
    let (role, place) = match &mtp.transport {
        Transport::WebSocket(it) => (it.role, format!("{}://{}{}", scheme("ws", "wss"), it.address, it.path)),
        Transport::Uds(it) => (it.role, it.path.display().to_string()),
        Transport::Mqtt(it) if it.broker == Broker::Beside => {
            return format!("{}: joining the broker at {}://{}", mtp.name, scheme("mqtt", "mqtts"), it.address);
        }
        Transport::Stomp(it) if it.broker == Broker::Beside => {
            return format!("{}: joining the broker at {}://{}", mtp.name, scheme("stomp", "stomps"), it.address);
        }
        Transport::Mqtt(it) => (Role::EutConnects, format!("{}://{}", scheme("mqtt", "mqtts"), it.address)),
        Transport::Stomp(it) => (Role::EutConnects, format!("{}://{}", scheme("stomp", "stomps"), it.address)),
    };
    match role {
        Role::EutConnects => format!("{}: waiting for the EUT at {place}", mtp.name),
        Role::WeConnect => format!("{}: connecting to the EUT at {place}", mtp.name),
    }
}

fn say(args: &RunArgs, line: &str) {
    if !args.quiet {
        tell(&format!("{line}\n"));
    }
}

fn colour(verdict: &str, line: String) -> String {
    if std::env::var_os("NO_COLOR").is_some() || !std::io::stdout().is_terminal() {
        return line;
    }
    let code = match verdict {
        "pass" => 32,
        "fail" => 31,
        _ => 33,
    };
    format!("\u{1b}[{code}m{line}\u{1b}[0m")
}
