//! `uspec run`: judges a device, or the bundled Agent, and writes the reports.

use crate::{
    args::RunArgs,
    bundled::{Bundled, Where},
    campaign::{Bench, Campaign, Equipment, Event, HARNESS, verdicts},
    command::list,
    files::Reports,
    load,
    outcome::{Error, Exit, tell},
};
use std::{io::IsTerminal as _, sync::Arc};
use tokio_util::sync::CancellationToken;
use uspec_mtp::{network::RealNetwork, tls::KeyLogSink};
use uspec_report::summary;
use uspec_runner::{ProgramControl, SessionConfig, TlsSupply};
use uspec_testplan::{
    catalogue::Catalogue,
    features::FeatureSet,
    plan::plan,
    profile::{Broker, EutProfile, Mtp, Role, Transport},
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
    let report = match (&args.eut, args.real) {
        (Some(_), _) => block_on(device(args, &catalogue, &profile, &selection, &reports, key_log))?,
        (None, real) => {
            let place = if real { Where::Loopback } else { Where::Memory };
            let bundled =
                Bundled::new(&profile, &args.fault, place)?.strict_profile(args.strict_profile).key_log(key_log);
            bundled.judge(&catalogue, &selection, &mut |event| watch(args, &reports, event))?
        }
    };
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
    reports: &Reports,
    key_log: Option<KeyLogSink>,
) -> Result<RunReport, Error> {
    let cancel = CancellationToken::new();
    cancel_on_ctrl_c(cancel.clone());
    let supply = TlsSupply { pki: None, key_log };
    let bench = Device { catalogue, profile, supply };
    let strict_profile = args.strict_profile;
    let campaign = Campaign { catalogue, profile, selection, bench: &bench, strict_profile, cancel };
    campaign.run(&mut |event| watch(args, reports, event)).await
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
fn watch(args: &RunArgs, reports: &Reports, event: Event<'_>) -> Option<String> {
    match event {
        Event::Ready { mtp } => {
            say(args, &ready(mtp));
            None
        }
        Event::BroughtUp { mtp, trace, failure } => {
            if let Some(reason) = failure {
                eprintln!("{}: {reason}", mtp.name);
            }
            reports.trace(&format!("bring-up-{}", mtp.name), trace)
        }
        Event::Judged { case, mtp, nth, of, trace, judgement, duration } => {
            let verdict = summary::word(judgement.verdict);
            let text = format!(
                "{nth:>3}/{of} {verdict:<12} {:<6} {} [{mtp}] {:.1} s",
                case.id.to_string(),
                case.title,
                duration.as_secs_f64()
            );
            say(args, &colour(verdict, text));
            reports.trace(&format!("{}-{mtp}", case.id), trace)
        }
    }
}

/// Where the EUT is awaited, or called.
pub(crate) fn ready(mtp: &Mtp) -> String {
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
