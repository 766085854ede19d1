//! Programs of the profile: run with their arguments as they stand (no shell), in bounded time, with bounded output.

use super::{ControlFault, ControlFuture, EutControl, Method, name};
use crate::bounds::{PROGRAM_LIMIT, PROGRAM_OUTPUT};
use std::{collections::BTreeMap, process::Stdio, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::Command,
    time::timeout,
};
use uspec_testplan::{case::EutAction, profile};

/// Every action.
const ACTIONS: [EutAction; 5] =
    [EutAction::Reboot, EutAction::PowerCycle, EutAction::FactoryReset, EutAction::Start, EutAction::Stop];

/// The command of TR-181 that restarts a device.
const REBOOT: &str = "Device.Reboot()";

/// The command of TR-181 that puts a device back to factory settings.
const FACTORY_RESET: &str = "Device.FactoryReset()";

/// How long the output of a program that has ended is still read; what it wrote is in the pipe already.
const OUTPUT_GRACE: Duration = Duration::from_millis(200);

/// A program and its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// The program and its arguments; the first is looked up in `PATH` when it holds no slash.
    pub argv: Vec<String>,
    /// How long it may run; never more than two minutes.
    pub limit: Option<Duration>,
}

/// Controls the device with USP commands and programs.
#[derive(Debug, Clone, Default)]
pub struct ProgramControl {
    methods: BTreeMap<&'static str, Means>,
}

#[derive(Debug, Clone)]
enum Means {
    Usp { command: String, start_after: bool },
    Program(Program),
}

impl ProgramControl {
    /// A control that can do nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// What the profile says. A device with a program to start it is taken to end with its reboot or factory reset by USP, and is started
    /// again with that program as soon as its connection is gone.
    pub fn from_profile(control: &profile::Control) -> Self {
        let can_start = matches!(control.means(EutAction::Start), Some(profile::Means::Program { .. }));
        ACTIONS.into_iter().fold(Self::new(), |made, action| match control.means(action) {
            None => made,
            Some(profile::Means::Program { argv, within }) => {
                made.with_program(action, Program { argv: argv.clone(), limit: Some(*within) })
            }
            Some(profile::Means::Usp) => {
                let command = if action == EutAction::FactoryReset { FACTORY_RESET } else { REBOOT };
                made.with_usp_command(action, command, can_start)
            }
        })
    }

    /// Does `action` by running `program`.
    #[must_use]
    pub fn with_program(mut self, action: EutAction, program: Program) -> Self {
        self.methods.insert(name(action), Means::Program(program));
        self
    }

    /// Does `action` by a USP command; `start_after` when the EUT has to be started by its program afterwards.
    #[must_use]
    pub fn with_usp_command(mut self, action: EutAction, command: &str, start_after: bool) -> Self {
        self.methods.insert(name(action), Means::Usp { command: command.to_owned(), start_after });
        self
    }
}

impl EutControl for ProgramControl {
    fn method(&self, action: EutAction) -> Method {
        match self.methods.get(name(action)) {
            Some(Means::Usp { command, start_after }) => {
                Method::UspCommand { command: command.clone(), start_after: *start_after }
            }
            Some(Means::Program(_)) => Method::Direct,
            None => Method::Missing,
        }
    }

    fn perform(&self, action: EutAction) -> ControlFuture<'_> {
        Box::pin(async move {
            match self.methods.get(name(action)) {
                Some(Means::Program(program)) => program.run().await,
                _ => Err(ControlFault::new([format!("the profile names no program for {}", name(action))])),
            }
        })
    }
}

impl Program {
    /// Runs it to its end and gives back a line about it.
    pub async fn run(&self) -> Result<String, ControlFault> {
        let shown = self.argv.join(" ");
        let Some((program, arguments)) = self.argv.split_first() else {
            return Err(ControlFault::new(["the profile's program is empty"]));
        };
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| ControlFault::new([format!("`{shown}` could not be started"), error.to_string()]))?;
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let limit = self.limit.unwrap_or(PROGRAM_LIMIT).min(PROGRAM_LIMIT);
        let (mut kept_out, mut kept_err) = (Vec::new(), Vec::new());
        // A program may leave a child behind that keeps the pipes open (it started the EUT): its own end counts, not theirs.
        let ended = {
            let read = async { tokio::join!(keep(out, &mut kept_out), keep(err, &mut kept_err)) };
            tokio::pin!(read);
            let wait = async {
                tokio::select! {
                    status = child.wait() => {
                        let _ = timeout(OUTPUT_GRACE, &mut read).await;
                        status
                    }
                    _ = &mut read => child.wait().await,
                }
            };
            timeout(limit, wait).await
        };
        let output = shown_output(&kept_out, &kept_err);
        match ended {
            Ok(Ok(status)) if status.success() => Ok(format!("`{shown}` ended with {status}{output}")),
            Ok(Ok(status)) => Err(ControlFault::new([format!("`{shown}` failed with {status}{output}")])),
            Ok(Err(error)) => Err(ControlFault::new([format!("`{shown}` was lost{output}"), error.to_string()])),
            Err(_) => {
                // It is killed when `child` is dropped; waiting for that could hang as well.
                let _ = child.start_kill();
                Err(ControlFault::new([format!("`{shown}` did not end within {limit:?} and was killed{output}")]))
            }
        }
    }
}

/// Reads to the end and keeps the first [`PROGRAM_OUTPUT`] octets.
async fn keep(from: Option<impl AsyncRead + Unpin>, kept: &mut Vec<u8>) {
    let Some(mut from) = from else { return };
    let mut chunk = [0; 4096];
    // An output that can no longer be read is as good as ended.
    while let Ok(count @ 1..) = from.read(&mut chunk).await {
        let room = PROGRAM_OUTPUT.saturating_sub(kept.len());
        kept.extend(chunk.iter().take(count.min(room)));
    }
}

fn shown_output(out: &[u8], err: &[u8]) -> String {
    let part = |name: &str, octets: &[u8]| {
        let text = String::from_utf8_lossy(octets);
        let text = text.trim();
        if text.is_empty() { String::new() } else { format!("; {name}: {text}") }
    };
    part("output", out) + &part("errors", err)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> Program {
        Program { argv: ["sh", "-c", script].map(str::to_owned).into(), limit: None }
    }

    #[tokio::test]
    async fn a_program_that_works_is_told_in_a_line() {
        let line = sh("echo done").run().await.unwrap();
        assert!(line.contains("exit status: 0") && line.contains("output: done"), "{line}");
    }

    #[tokio::test]
    async fn a_failure_names_program_status_and_output() {
        let fault = sh("echo no relay >&2; exit 3").run().await.unwrap_err().to_string();
        assert!(fault.contains("sh -c") && fault.contains("exit status: 3") && fault.contains("no relay"), "{fault}");
    }

    #[tokio::test]
    async fn a_missing_program_is_a_fault() {
        let program = Program { argv: vec!["/nonexistent/power-switch".into()], limit: None };
        let fault = program.run().await.unwrap_err();
        assert!(fault.causes.len() == 2 && fault.causes[0].contains("power-switch"), "{fault:?}");
    }

    #[tokio::test]
    async fn a_program_that_hangs_is_killed() {
        let program = Program { limit: Some(Duration::from_millis(50)), ..sh("echo waiting; exec sleep 60") };
        let fault = program.run().await.unwrap_err().to_string();
        assert!(fault.contains("did not end within 50ms"), "{fault}");
    }

    #[tokio::test]
    async fn endless_output_is_bounded() {
        let line = sh("head -c 1000000 /dev/zero | tr '\\0' x").run().await.unwrap();
        assert!(line.len() < PROGRAM_OUTPUT + 200, "{}", line.len());
    }

    #[tokio::test]
    async fn a_daemon_left_behind_does_not_hold_us_up() {
        let program = Program { limit: Some(Duration::from_secs(20)), ..sh("sleep 3 & echo started") };
        let begun = std::time::Instant::now();
        assert!(program.run().await.is_ok());
        assert!(begun.elapsed() < Duration::from_millis(2500));
    }

    #[tokio::test]
    async fn what_the_profile_does_not_name_is_missing() {
        let control = ProgramControl::new().with_usp_command(EutAction::Reboot, "Device.Reboot()", false);
        assert_eq!(control.method(EutAction::PowerCycle), Method::Missing);
        assert!(control.perform(EutAction::PowerCycle).await.is_err());
        assert!(matches!(control.method(EutAction::Reboot), Method::UspCommand { .. }));
    }
}
