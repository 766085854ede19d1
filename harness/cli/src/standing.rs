//! What an earlier run has left in a reports folder, and whether a new one may begin there.
//!
//! One decision behind it: looking changes nothing, so that with several EUTs every folder is looked at before the first one is touched.
//! A run that is complete is replaced, as one expects of a second run; one that was cut off holds hours of work that no report has yet,
//! and goes only when someone says so.

use crate::{bundle::strangers, bundled::IN_MEMORY, campaign::Heading, journal::Past, load, outcome::Error};
use std::path::Path;
use uspec_report::text::visible_line;
use uspec_testplan::run_report::{EndedBy, RunReport};

/// What is to become of an earlier run in the folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Earlier {
    /// A complete one is replaced; one that was interrupted stays, and nothing runs.
    Protect,
    /// It is replaced.
    Overwrite,
    /// It goes on.
    Resume,
}

/// What stands in a folder, as far as the new run cares.
#[derive(Debug)]
pub enum Standing {
    /// Nothing that the new run would go on with.
    Fresh,
    /// A run that was interrupted.
    Interrupted(Box<Past>),
    /// The same run, complete.
    Complete(Box<RunReport>),
}

impl Standing {
    /// Looks, and changes nothing.
    ///
    /// # Errors
    /// An interrupted run that is to stay; with [`Earlier::Resume`], a run that is another one, both sides named; somebody's files in a folder
    /// that is no run's.
    pub fn of(folder: &Path, heading: &Heading, earlier: Earlier) -> Result<Self, Error> {
        let past = Past::find(folder)?;
        strangers::refuse(folder)?;
        match (earlier, past) {
            (Earlier::Overwrite, _) | (Earlier::Protect, None) => Ok(Self::Fresh),
            (Earlier::Protect, Some(past)) => protect(folder, &past).map(|()| Self::Fresh),
            (Earlier::Resume, Some(past)) => {
                same_run(folder, &past.heading, heading)?;
                Ok(Self::Interrupted(Box::new(past)))
            }
            (Earlier::Resume, None) => complete(folder, heading),
        }
    }
}

/// Makes sure that the folder above those of several EUTs holds no run against one EUT that is to stay.
///
/// # Errors
/// As [`Standing::of`].
pub fn above(folder: &Path, earlier: Earlier) -> Result<(), Error> {
    let past = Past::find(folder)?;
    strangers::refuse(folder)?;
    match (past, earlier) {
        (None, _) | (_, Earlier::Overwrite) => Ok(()),
        (Some(past), _) => protect(folder, &past),
    }
}

/// A run that was ended by a person or by nobody stays until someone says otherwise. In memory it is made again in a moment.
fn protect(folder: &Path, past: &Past) -> Result<(), Error> {
    let judged = past.before.judged.len();
    let finished = past.before.ended.is_some_and(|by| by != EndedBy::Person);
    if judged == 0 || finished || past.heading.identity.options.contains(IN_MEMORY) {
        return Ok(());
    }
    let eut = visible_line(&past.heading.eut);
    Err(Error::Message(format!(
        "error: {} holds a run against {eut} that was interrupted after {judged} results. Go on with it by --resume, replace it by \
         --overwrite, or choose another --out",
        folder.display()
    )))
}

fn same_run(folder: &Path, there: &Heading, here: &Heading) -> Result<(), Error> {
    let mut differences = there.differences(here);
    let shard = |it: &Heading| it.identity.shard.map_or_else(|| "none".to_owned(), |shard| shard.to_string());
    if there.identity.shard != here.identity.shard {
        differences.push(("shard", shard(there), shard(here)));
    }
    if differences.is_empty() {
        return Ok(());
    }
    Err(Error::Message(format!(
        "error: the run in {} is another one and cannot be resumed:{}\nResume it as it was begun, or choose another --out",
        folder.display(),
        told(&differences, "there", "now")
    )))
}

/// One line a difference.
pub(crate) fn told(differences: &[(&'static str, String, String)], one: &str, other: &str) -> String {
    let line = |(what, a, b): &(&str, String, String)| {
        format!("\n  {what}: {one} `{}`, {other} `{}`", visible_line(a), visible_line(b))
    };
    differences.iter().map(line).collect()
}

/// Without a journal, either nothing was begun or nothing is left to do.
fn complete(folder: &Path, heading: &Heading) -> Result<Standing, Error> {
    let path = folder.join("run.json");
    if !path.is_file() {
        return Ok(Standing::Fresh);
    }
    let report = load::run_report(&path)?;
    same_run(folder, &Heading::of(&report), heading)?;
    if report.run.interrupted.is_none() {
        return Ok(Standing::Complete(Box::new(report)));
    }
    Err(Error::Message(format!(
        "error: {} holds a run that was interrupted, and no journal of it to go on with; begin anew without --resume",
        folder.display()
    )))
}
