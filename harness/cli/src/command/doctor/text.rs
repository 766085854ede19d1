//! An examination as a person reads it.

use std::{fmt::Write as _, path::Path};
use uspec_report::text::{cut, visible_line};
use uspec_runner::doctor::{Examination, Fault, Outcome, Progress, Side, Step};

/// Characters of one sentence. What a device sends can be as long as it likes.
const LONGEST: usize = 1000;

/// The widest title, so that what follows stands in one column.
const TITLE: usize = 20;

/// What has just been decided, or seen while waiting.
pub(super) fn progress(progress: &Progress<'_>) -> String {
    match progress {
        Progress::Decided(step) => decided(step),
        Progress::Waiting(text) => line("...", "", text),
    }
}

/// The steps that were not reached.
pub(super) fn rest(examination: &Examination) -> String {
    let rest = examination.steps.iter().filter(|step| step.outcome == Outcome::NotReached);
    let titles: Vec<&str> = rest.map(|step| step.title.as_str()).collect();
    if titles.is_empty() { String::new() } else { line("-", "not reached", &titles.join(", ")) }
}

/// The last lines: everything is in order, or what is not, once more.
pub(super) fn conclusion(examinations: &[Examination], file: &Path) -> String {
    let mut text = String::new();
    for examination in examinations {
        if let Some((step, fault)) = examination.broken() {
            let _ = writeln!(text, "\n{} is broken at {}: {}", examination.mtp, step.title, shown(&fault.seen));
            text.push_str(&remedies(fault));
        }
    }
    if text.is_empty() {
        let _ = writeln!(text, "\neverything is in order: `uspec run --eut {}`", file.display());
    }
    text
}

fn decided(step: &Step) -> String {
    match &step.outcome {
        Outcome::Good { seen, remarks } => {
            let mut text = line("ok", &step.title, seen);
            for remark in remarks {
                text.push_str(&line("", "note", remark));
            }
            text
        }
        Outcome::Broken(fault) => {
            let mut text = line("BROKEN", &step.title, "");
            text.push_str(&line("", "expected", &fault.expected));
            text.push_str(&line("", "seen", &fault.seen));
            text.push_str(&remedies(fault));
            text
        }
        Outcome::NotReached => String::new(),
    }
}

fn remedies(fault: &Fault) -> String {
    let mut text = String::new();
    for (nth, remedy) in fault.remedies.iter().enumerate() {
        let side = match remedy.side {
            Side::Profile => "in the profile",
            Side::Eut => "in the EUT",
            Side::Bench => "on the bench",
        };
        let title = if nth == 0 { "change" } else { "or" };
        text.push_str(&line("", title, &format!("{side}: {}", remedy.change)));
    }
    text
}

fn line(mark: &str, title: &str, text: &str) -> String {
    let line = format!("  {mark:<7}{title:<TITLE$}  {}", shown(text));
    format!("{}\n", line.trim_end())
}

/// Everything from the device on one line, and nothing that moves a cursor.
fn shown(text: &str) -> String {
    visible_line(&cut(text, LONGEST))
}
