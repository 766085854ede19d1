//! `uspec init`: waits for a device and writes its profile.
//!
//! One decision behind it: here is only asked, shown and written. Finding out is the runner's (`Session::survey`), choosing and writing
//! the text is the test plan's (`survey`, `profile::Draft`), so that both are tried without a terminal and without a device.

mod questions;
mod target;

use crate::{
    args::InitArgs,
    campaign::{Equipment, HARNESS},
    load,
    outcome::{Error, Exit, tell},
    progress::ready,
};
use std::{
    fmt::Write as _,
    io::IsTerminal as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use target::Target;
use tokio_util::sync::CancellationToken;
use uspec_mtp::network::RealNetwork;
use uspec_report::text::visible_line;
use uspec_runner::{BringUpReason, ProgramControl, Session, SessionConfig, TlsSupply};
use uspec_testplan::{
    catalogue::Catalogue,
    profile::{Draft, EutProfile, Mtp, Transport, Uds},
    survey::{AgentSide, Choices, Standing, Survey, agent_side},
};

use questions::Person;

/// How often a waiting person hears that the wait goes on.
const STILL_WAITING: Duration = Duration::from_secs(60);

/// Runs the command.
///
/// # Errors
/// Whatever keeps a profile from being written.
pub fn run(args: &InitArgs) -> Result<Exit, Error> {
    let target = Target::prepare(&args.out)?;
    let folder = args.out.parent().unwrap_or(Path::new("")).to_owned();
    let stdin = std::io::stdin();
    let mut person = Person { present: stdin.is_terminal(), answers: stdin.lock(), questions: std::io::stderr() };
    let mtp = questions::mtp(args, &folder, &mut person)?;
    drop(person);
    let catalogue = load::catalogue(&crate::args::CatalogueArgs::default())?;
    let init = Init { args, mtp: &mtp, folder: &folder };
    let unmet = init.draft(None);
    let profile = init.parse(&unmet.text())?;
    tell(&init.settings(&profile));
    match block_on(init.meet(&catalogue, &profile))? {
        Met::Surveyed(survey) => init.write(&target, &catalogue, &survey),
        Met::Interrupted => Ok(Exit::Interrupted),
        Met::Not(why) => {
            eprintln!("{}", visible_line(&why));
            let draft = Target::prepare(&draft_path(&args.out)).and_then(|draft| {
                draft.write(&unmet.text(), init.secret())?;
                Ok(draft.path().to_owned())
            });
            match draft {
                Ok(path) => eprintln!(
                    "What you answered is in {0}; `uspec doctor --eut {0}` finds out step by step where it breaks.",
                    path.display()
                ),
                Err(error) => eprint!("{error}"),
            }
            Ok(Exit::NothingRun)
        }
    }
}

/// `my-device.draft.yaml` for `my-device.yaml`.
fn draft_path(out: &Path) -> PathBuf {
    out.with_extension("draft.yaml")
}

/// What came of the wait.
enum Met {
    /// The device came, and showed this.
    Surveyed(Box<Survey>),
    /// It did not come, or nobody could talk to it.
    Not(String),
    /// A person ended the wait.
    Interrupted,
}

struct Init<'a> {
    args: &'a InitArgs,
    mtp: &'a Mtp,
    folder: &'a Path,
}

impl Init<'_> {
    fn draft<'d>(&'d self, met: Option<(&'d Survey, &'d Choices)>) -> Draft<'d> {
        Draft {
            name: self.args.name.as_deref(),
            eut_endpoint_id: self.args.endpoint_id.as_deref(),
            controller_endpoint_id: &self.args.controller,
            second_endpoint_id: &self.args.second,
            mtp: self.mtp,
            met,
        }
    }

    /// The reader of profiles is the judge of the answers.
    fn parse(&self, text: &str) -> Result<EutProfile, Error> {
        Ok(EutProfile::parse(&self.args.out.display().to_string(), text, self.folder)?)
    }

    /// Whether the profile holds a password.
    fn secret(&self) -> bool {
        self.args.password.is_some()
    }

    /// What the Agent must be told before it can come.
    fn settings(&self, profile: &EutProfile) -> String {
        let mut mtp = profile.mtps.first().unwrap_or(self.mtp).clone();
        if let Transport::Uds(Uds { path, .. }) = &mut mtp.transport {
            // The Agent does not stand where this profile stands.
            *path = std::path::absolute(&*path).unwrap_or_else(|_| path.clone());
        }
        let host = self.args.host.clone().unwrap_or_else(|| reached_as(&mtp));
        settings(&agent_side(&mtp, &self.args.controller, self.args.endpoint_id.as_deref(), &host))
    }

    async fn meet(&self, catalogue: &Catalogue, profile: &EutProfile) -> Result<Met, Error> {
        let cancel = CancellationToken::new();
        let ended = cancel.clone();
        tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                ended.cancel();
            }
        });
        let mtp = profile.mtps.first().unwrap_or(self.mtp);
        let session = SessionConfig::from_profile(profile, mtp, &TlsSupply::default(), &catalogue.hash, HARNESS)
            .map_err(|cause| Error::new(&mtp.name, &cause))?;
        let control = Arc::new(ProgramControl::from_profile(&profile.control));
        let equipment = Equipment { network: Arc::new(RealNetwork), control, session };
        let wait = Duration::from_secs(self.args.wait);
        let meeting = meet(equipment, wait, &cancel, || {
            tell(&format!("{}, for {} s at most; Ctrl-C ends it\n", ready(mtp), wait.as_secs()));
        });
        let mut meeting = std::pin::pin!(meeting);
        let mut waited = Duration::ZERO;
        loop {
            tokio::select! {
                met = &mut meeting => break met,
                () = tokio::time::sleep(STILL_WAITING) => {
                    waited += STILL_WAITING;
                    tell(&format!("still at it after {} s\n", waited.as_secs()));
                }
            }
        }
    }

    fn write(&self, target: &Target, catalogue: &Catalogue, survey: &Survey) -> Result<Exit, Error> {
        let choices = survey.choose(catalogue, self.mtp);
        let draft = self.draft(Some((survey, &choices)));
        let text = draft.text();
        // What was written must be what a run reads; anything else is our fault, and is told before a file is there.
        self.parse(&text)?;
        target.write(&text, self.secret())?;
        tell(&summary(&draft, survey, &choices, target.path()));
        Ok(if survey.missing.is_empty() { Exit::Good } else { Exit::Undecided })
    }
}

fn block_on<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|cause| Error::new("the runtime cannot be started", &cause))?;
    runtime.block_on(work)
}

/// Waits for the device and asks it.
async fn meet(
    equipment: Equipment,
    wait: Duration,
    cancel: &CancellationToken,
    waiting: impl FnOnce(),
) -> Result<Met, Error> {
    Ok(match survey(equipment, wait, cancel, waiting).await? {
        Ok(survey) => Met::Surveyed(Box::new(survey)),
        Err(BringUpReason::Interrupted) => Met::Interrupted,
        Err(reason) => Met::Not(format!("No profile is written: {reason}.")),
    })
}

/// Waits for the device as long as `wait`, then asks it for everything that its profile needs. The inner error says why it could not be
/// asked.
///
/// # Errors
/// Our own end of the MTP could not be started.
pub async fn survey(
    equipment: Equipment,
    wait: Duration,
    cancel: &CancellationToken,
    waiting: impl FnOnce(),
) -> Result<Result<Survey, BringUpReason>, Error> {
    let Equipment { network, control, mut session } = equipment;
    let mtp = session.mtp_name.clone();
    let again = std::mem::replace(&mut session.timing.connect, wait);
    let mut session = Session::open(session, network, control).await.map_err(|cause| Error::new(&mtp, &cause))?;
    waiting();
    let met = match session.bring_up(cancel).await {
        Ok(found) => {
            // A device that goes away while it is asked is not awaited as long as one that is still being set up.
            session.await_return(again);
            Ok(session.survey(&found, cancel).await.0)
        }
        Err(failure) => Err(failure.reason),
    };
    session.close().await;
    Ok(met)
}

/// The name of this computer where it listens at every address.
fn reached_as(mtp: &Mtp) -> String {
    let host = match &mtp.transport {
        Transport::WebSocket(it) => &it.address.host,
        Transport::Mqtt(it) => &it.address.host,
        Transport::Stomp(it) => &it.address.host,
        Transport::Uds(_) => return String::new(),
    };
    match host.parse::<std::net::IpAddr>() {
        Ok(address) if address.is_unspecified() => gethostname::gethostname().to_string_lossy().into_owned(),
        _ => host.clone(),
    }
}

fn settings(side: &AgentSide) -> String {
    let mut text = "The settings of the Agent, for its data model:\n\n".to_owned();
    for (path, value) in &side.parameters {
        let _ = writeln!(text, "  {path} = {value}");
    }
    let _ = write!(
        text,
        "\nOB-USP-A has them from a factory-reset file, which it reads into an empty database. As factory-reset.txt:\n\n{}\n\
         Started in a loop, because a device comes back after a reboot (-i names its interface):\n\n{}\n\n",
        side.obuspa_reset, side.obuspa_command
    );
    for note in &side.notes {
        let _ = writeln!(text, "{note}\n");
    }
    text
}

fn summary(draft: &Draft<'_>, survey: &Survey, choices: &Choices, path: &Path) -> String {
    let mut text = String::new();
    let mut say = |line: String| {
        let _ = writeln!(text, "{}", visible_line(&line));
    };
    say(format!("{}, {}", draft.device_name(), draft.endpoint_id().unwrap_or("without an Endpoint ID")));
    say(format!(
        "USP versions: {}",
        if survey.usp_versions.is_empty() { "none named".to_owned() } else { survey.usp_versions.join(", ") }
    ));
    let has: Vec<_> = choices.features.iter().filter(|it| it.has == Some(true)).map(|it| it.id.to_string()).collect();
    say(format!("features: {}", if has.is_empty() { "none".to_owned() } else { has.join(", ") }));
    for it in &choices.elements {
        let name = it.names.first().copied().unwrap_or_default();
        match it.standing {
            Standing::Replaced => {
                let lines: Vec<_> = it.chosen.iter().map(|(name, value)| format!("{name}: {value}")).collect();
                say(format!("in place of the plan's: {}", lines.join(", ")));
            }
            Standing::Proposed | Standing::Nothing => say(format!("lacking: {name} ({})", it.reason)),
            Standing::Plans | Standing::Unknown => {}
        }
    }
    for contradiction in &choices.contradictions {
        say(format!("contradiction: {contradiction}"));
    }
    for missing in &survey.missing {
        say(format!("missing: {missing}"));
    }
    let file = path.display();
    let _ = write!(
        text,
        "\nWritten to {file}. Look through it, then:\n  uspec doctor --eut {file}\n  uspec run --eut {file} --dry-run\n  uspec run --eut {file}\n"
    );
    text
}
