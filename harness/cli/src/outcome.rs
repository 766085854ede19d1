//! How the program ends: an exit code, or an error that says what is wrong and what to do.

use std::{fmt, io::Write as _, path::Path, process::ExitCode};
use uspec_testplan::{diagnostic::Diagnostics, verdict::Verdict};

/// Writes to standard output. Whoever reads it may go away at any time, as `head` does: that is no reason to end a run.
pub fn tell(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}

/// The exit code; `uspec --help` lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// All is well.
    Good,
    /// At least one case failed.
    Failed,
    /// Nothing was run.
    NothingRun,
    /// No case failed, but one is inconclusive or met an error of ours.
    Undecided,
    /// From the terminal.
    Interrupted,
}

impl Exit {
    /// The code that goes with the worst verdict. A fail of the EUT is told before an error of ours.
    pub fn of(verdicts: impl IntoIterator<Item = Verdict>) -> Self {
        let mut exit = Self::Good;
        for verdict in verdicts {
            match verdict {
                Verdict::Pass => {}
                Verdict::Fail => return Self::Failed,
                Verdict::Inconclusive | Verdict::Error => exit = Self::Undecided,
            }
        }
        exit
    }

    /// The worst of several: a wish of the person's before all, then what counts against an EUT, then what kept one from being judged.
    pub fn worst(exits: impl IntoIterator<Item = Self>) -> Self {
        let order = [Self::Interrupted, Self::Failed, Self::NothingRun, Self::Undecided];
        let exits: Vec<_> = exits.into_iter().collect();
        order.into_iter().find(|exit| exits.contains(exit)).unwrap_or(Self::Good)
    }

    /// The number.
    pub const fn code(self) -> u8 {
        match self {
            Self::Good => 0,
            Self::Failed => 1,
            Self::NothingRun => 2,
            Self::Undecided => 3,
            Self::Interrupted => 130,
        }
    }

    /// The exit with this number.
    pub fn of_code(code: u8) -> Option<Self> {
        let all = [Self::Good, Self::Failed, Self::NothingRun, Self::Undecided, Self::Interrupted];
        all.into_iter().find(|exit| exit.code() == code)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit.code())
    }
}

/// Why nothing could be done.
#[derive(Debug)]
pub enum Error {
    /// Mistakes of an author, each with its place.
    Diagnostics(Box<Diagnostics>),
    /// Anything else: what could not be done, then the causes.
    Message(String),
}

impl Error {
    /// What could not be done, with its cause chain.
    pub fn new(what: impl fmt::Display, cause: &dyn std::error::Error) -> Self {
        let mut text = format!("error: {what}: {cause}");
        let mut source = cause.source();
        while let Some(cause) = source {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            source = cause.source();
        }
        Self::Message(text)
    }

    /// A file that cannot be read or written.
    pub fn file(what: &str, path: &Path, cause: &std::io::Error) -> Self {
        Self::Message(format!("error: {} cannot be {what}: {cause}", path.display()))
    }
}

impl From<Diagnostics> for Error {
    fn from(diagnostics: Diagnostics) -> Self {
        Self::Diagnostics(Box::new(diagnostics))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Diagnostics(diagnostics) => {
                let count = diagnostics.len();
                write!(f, "{diagnostics}")?;
                writeln!(f, "{count} problem{}", if count == 1 { "" } else { "s" })
            }
            Self::Message(text) => writeln!(f, "{text}"),
        }
    }
}
