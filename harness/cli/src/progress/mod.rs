//! What a person sees while cases run: a bar for each EUT where standard error is a terminal, and a line a case.
//!
//! One decision behind it: the bar stands on standard error and the lines on standard output, so that what is piped or kept in a file is
//! plain lines, whole and in order, whatever the terminal shows meanwhile.

mod counts;
mod lines;

pub(crate) use lines::ready;

use crate::{campaign::Event, outcome::tell};
use counts::Counts;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use std::{
    fmt::{self, Write},
    io::IsTerminal as _,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use uspec_report::text::visible_line;

/// How often the elapsed time moves while a case waits for the EUT.
const TICK: Duration = Duration::from_millis(500);

/// The columns of one EUT's bar; what does not fit is cut on the right.
const COLUMNS: &str = "{prefix}[{bar:20}] {pos}/{len}  {elapsed} ({left})  {wide_msg}";

/// Takes what is to be written, ends of lines included.
type Out = Box<dyn Fn(&str) + Send + Sync>;

/// What is shown of a run. Clones show on the same terminal.
#[derive(Clone)]
pub struct Progress(Arc<Inner>);

struct Inner {
    bars: MultiProgress,
    quiet: bool,
    /// Only the lines of what did not pass: the bar counts the rest.
    brief: bool,
    colour: bool,
    out: Out,
}

impl Progress {
    /// For this process's terminal, if it has one. `NO_COLOR` (set and not empty) turns colours off; `quiet` all but what goes wrong.
    pub fn new(quiet: bool) -> Self {
        let env = |name| std::env::var_os(name).unwrap_or_default();
        let terminal = std::io::stdout().is_terminal();
        let bars = std::io::stderr().is_terminal() && env("TERM") != "dumb" && !quiet;
        Self(Arc::new(Inner {
            bars: MultiProgress::with_draw_target(if bars {
                ProgressDrawTarget::stderr()
            } else {
                ProgressDrawTarget::hidden()
            }),
            quiet,
            brief: bars && terminal,
            colour: terminal && env("NO_COLOR").is_empty(),
            out: Box::new(tell),
        }))
    }

    /// Shows what happens to one EUT; its name stands before everything about it when it is one of several.
    pub fn eut(&self, name: Option<&str>) -> Eut {
        let prefix = name.map(|name| format!("{}: ", visible_line(name))).unwrap_or_default();
        let bar = self.0.bars.add(ProgressBar::no_length().with_style(style()).with_prefix(prefix.clone()));
        if !bar.is_hidden() {
            bar.enable_steady_tick(TICK);
        }
        Eut { progress: self.clone(), prefix, bar, counts: Mutex::default() }
    }

    /// Writes a line to standard error that is wanted in any case, above the bars.
    pub fn note(&self, line: &str) {
        self.0.bars.suspend(|| eprintln!("{line}"));
    }

    fn line(&self, line: &str) {
        if !self.0.quiet {
            self.0.bars.suspend(|| (self.0.out)(&format!("{line}\n")));
        }
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { quiet, brief, colour, .. } = &*self.0;
        let mut shown = f.debug_struct("Progress");
        shown.field("quiet", quiet).field("brief", brief).field("colour", colour).finish_non_exhaustive()
    }
}

/// What is shown of one EUT. Its bar is gone when this is.
#[derive(Debug)]
pub struct Eut {
    progress: Progress,
    /// Its name and a colon, or nothing.
    prefix: String,
    bar: ProgressBar,
    counts: Mutex<Counts>,
}

impl Eut {
    /// Shows one event.
    pub fn show(&self, event: &Event<'_>) {
        let Inner { brief, colour, .. } = &*self.progress.0;
        if let Event::BroughtUp { mtp, failure: Some(reason), .. } = event {
            self.progress.note(&format!("{}{}: {}", self.prefix, mtp.name, visible_line(reason)));
        }
        if let Some(line) = lines::of(event).filter(|line| !(*brief && line.passed())) {
            self.progress.line(&line.paint(&self.prefix, *colour));
        }
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.take(event);
        let (length, position, message) = (Some(counts.total()), counts.done(), counts.words());
        // Each of these draws, and only so many drawings a second are shown.
        if self.bar.length() != length {
            self.bar.set_length(counts.total());
        }
        if self.bar.position() != position {
            self.bar.set_position(position);
        }
        if self.bar.message() != message {
            self.bar.set_message(message);
        }
    }
}

impl Drop for Eut {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn style() -> ProgressStyle {
    // The template is a constant, and a test sees that it is drawn.
    let style = ProgressStyle::with_template(COLUMNS).unwrap_or_else(|_| ProgressStyle::default_bar());
    style.with_key("left", left).progress_chars("=> ")
}

/// How long the rest will take, guessed from what is done.
fn left(state: &ProgressState, out: &mut dyn Write) {
    let _ = match state.pos() {
        0 => write!(out, "rest unknown"),
        _ => write!(out, "{:#} left", indicatif::HumanDuration(state.eta())),
    };
}

#[cfg(test)]
mod tests;
