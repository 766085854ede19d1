//! `uspec merge`: the reports of a run's shards, put together with their Traces.
//!
//! One decision behind it: everything is read and checked before the first file is written, and nothing is ever overwritten. The whole gets
//! a list of hashes of its own, so each shard must be as its own list says: else what was changed would look untouched. What lies in
//! the shards beside the reports is copied as it is; when two have different files of one name, the later one gets its shard's name.

use crate::{
    above::{EUTS, folders, prepare_above, write_above},
    args::MergeArgs,
    bundle::{
        README,
        sums::{self, SUMS},
    },
    campaign::merge::{Given, together},
    files::{REPORTS, write_reports},
    journal::Journal,
    load,
    outcome::{Error, Exit, tell},
};
use std::{
    collections::BTreeMap,
    fs,
    path::{Component, Path, PathBuf},
};
use uspec_report::summary;
use uspec_testplan::run_report::{CaseOutcome, RunReport};

/// What is to be copied: from where, by the path below OUT.
type Copies = BTreeMap<PathBuf, PathBuf>;

/// One EUT of the whole.
struct Whole {
    /// Its folder below OUT; empty when there is one EUT.
    folder: String,
    report: RunReport,
    copies: Copies,
}

/// Runs the command.
///
/// # Errors
/// Whatever keeps it from being done; then OUT is as it was, unless a file could not be written.
pub fn run(args: &MergeArgs) -> Result<Exit, Error> {
    let out = &args.out;
    empty(out)?;
    let euts = same_euts(&args.shards)?;
    if euts.iter().any(|eut| !eut.is_empty()) {
        untouched(&args.shards)?;
    }
    let wholes = euts.iter().map(|eut| whole(args, eut)).collect::<Result<Vec<_>, _>>()?;
    let base = args.attachment_base.clone().unwrap_or_else(|| format!("{}/", out.display()));
    let several = wholes.len() > 1 || euts.iter().any(|eut| !eut.is_empty());
    if several {
        prepare_above(out, &euts)?;
    }
    for Whole { folder, report, copies } in &wholes {
        for (to, from) in copies {
            copy(from, &out.join(folder).join(to))?;
        }
        let base = if folder.is_empty() { base.clone() } else { format!("{base}{folder}/") };
        let folder = out.join(folder);
        fs::create_dir_all(&folder).map_err(|cause| Error::file("made", &folder, &cause))?;
        write_reports(&folder, &base, report)?;
    }
    let reports: Vec<_> = wholes.iter().map(|it| &it.report).collect();
    if several {
        write_above(out, &base, &reports)?;
    }
    for report in &reports {
        tell(&summary::render(report));
    }
    tell(&format!("reports of {} shards in {}\n", args.shards.len(), out.display()));
    Ok(Exit::worst(reports.iter().filter_map(|report| report.run.exit_code.and_then(Exit::of_code))))
}

fn empty(out: &Path) -> Result<(), Error> {
    let there = match fs::read_dir(out) {
        Ok(mut entries) => entries.next().is_some(),
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => false,
        Err(cause) => return Err(Error::file("read", out, &cause)),
    };
    if there {
        return Err(Error::Message(format!(
            "error: {} is not empty, and nothing is overwritten: name a folder that is not there yet",
            out.display()
        )));
    }
    Ok(())
}

/// The EUTs' folders, which are the same in every shard.
fn same_euts(shards: &[PathBuf]) -> Result<Vec<String>, Error> {
    let mut first: Option<(&PathBuf, Vec<String>)> = None;
    for shard in shards {
        let euts = folders(shard)?;
        match &first {
            Some((other, there)) if *there != euts => {
                let named = |euts: &[String]| euts.join(", ");
                return Err(Error::Message(format!(
                    "error: {} and {} are not of one run: there the EUTs are `{}`, here `{}`",
                    other.display(),
                    shard.display(),
                    named(there),
                    named(&euts)
                )));
            }
            Some(_) => {}
            None => first = Some((shard, euts)),
        }
    }
    Ok(first.map(|(_, euts)| euts).unwrap_or_default())
}

fn whole(args: &MergeArgs, eut: &str) -> Result<Whole, Error> {
    let folders: Vec<_> =
        args.shards.iter().map(|shard| if eut.is_empty() { shard.clone() } else { shard.join(eut) }).collect();
    let mut given = Vec::new();
    for folder in &folders {
        let report = load::run_report(&folder.join("run.json"))?;
        given.push(Given { name: folder.display().to_string(), report });
    }
    untouched(&folders)?;
    // Before a Trace is renamed: what does not fit together is told first.
    together(&given, args.allow_missing)?;
    let mut copies = Copies::new();
    for (folder, it) in folders.iter().zip(&mut given) {
        let shard = it.report.run.identity.shard.map(|shard| shard.index).unwrap_or_default();
        let renamed = plan_copies(folder, shard, &mut copies)?;
        follow(folder, &mut it.report, &renamed)?;
    }
    Ok(Whole { folder: eut.to_owned(), report: together(&given, args.allow_missing)?, copies })
}

/// Makes sure that each of these folders is as its run has left it.
///
/// # Errors
/// Everything that is not, of all of them at once.
fn untouched(folders: &[PathBuf]) -> Result<(), Error> {
    let of = |folder: &PathBuf| {
        let line = |problem: String| format!("error: {}/{problem}\n", folder.display());
        sums::check(folder).into_iter().map(line).collect::<String>()
    };
    let wrong: String = folders.iter().map(of).collect();
    if wrong.is_empty() { Ok(()) } else { Err(Error::Message(format!("{wrong}Nothing was merged"))) }
}

/// Plans a place for every file of a shard; gives back the new names, for all of them.
fn plan_copies(folder: &Path, shard: u16, copies: &mut Copies) -> Result<BTreeMap<PathBuf, PathBuf>, Error> {
    let mut renamed = BTreeMap::new();
    for entry in walkdir::WalkDir::new(folder).sort_by_file_name() {
        let entry = entry.map_err(|cause| Error::new(folder.display(), &cause))?;
        let Ok(path) = entry.path().strip_prefix(folder) else { continue };
        if !entry.file_type().is_file() || is_made_anew(path, folder) {
            continue;
        }
        let from = entry.path().to_owned();
        let to = match copies.get(path) {
            None => path.to_owned(),
            Some(other) if same_content(other, &from)? => {
                renamed.insert(path.to_owned(), path.to_owned());
                continue;
            }
            Some(_) => of_shard(path, shard),
        };
        renamed.insert(path.to_owned(), to.clone());
        if let Some(other) = copies.insert(to.clone(), from.clone()) {
            return Err(Error::Message(format!(
                "error: {} and {} would both become {}",
                other.display(),
                from.display(),
                to.display()
            )));
        }
    }
    Ok(renamed)
}

/// What the merged report writes itself, and what is of one shard's run alone.
fn is_made_anew(path: &Path, folder: &Path) -> bool {
    let journal = Journal::path(folder);
    let names =
        REPORTS.into_iter().chain([EUTS, README, SUMS]).map(Path::new).chain(journal.file_name().map(Path::new));
    names.into_iter().any(|name| name == path) || path.extension().is_some_and(|it| it == "part")
}

fn same_content(a: &Path, b: &Path) -> Result<bool, Error> {
    let read = |path: &Path| fs::read(path).map_err(|cause| Error::file("read", path, &cause));
    Ok(read(a)? == read(b)?)
}

/// The path with the shard in its name: `traces/bring-up-websocket-shard-2.jsonl`.
fn of_shard(path: &Path, shard: u16) -> PathBuf {
    let mut name = path.file_stem().unwrap_or_default().to_os_string();
    name.push(format!("-shard-{shard}"));
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

/// Lets the report name its Traces by their new names. Each must be there.
fn follow(folder: &Path, report: &mut RunReport, renamed: &BTreeMap<PathBuf, PathBuf>) -> Result<(), Error> {
    let mut gone = Vec::new();
    for result in &mut report.results {
        let CaseOutcome::Judged(judged) = &mut result.outcome else { continue };
        let earlier = judged.earlier.iter_mut().filter_map(|run| run.trace.as_mut());
        for trace in judged.trace.iter_mut().chain(earlier) {
            match renamed.get(Path::new(trace.as_str())) {
                Some(to) => *trace = slashed(to),
                None => gone.push(trace.clone()),
            }
        }
    }
    if gone.is_empty() {
        return Ok(());
    }
    Err(Error::Message(format!(
        "error: {} names Traces that are not in {}, so its files were moved or lost: {}",
        folder.join("run.json").display(),
        folder.display(),
        uspec_report::text::visible_line(&gone.join(", "))
    )))
}

fn slashed(path: &Path) -> String {
    let names = path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_string_lossy()),
        _ => None,
    });
    names.collect::<Vec<_>>().join("/")
}

fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    let made = to.parent().map_or(Ok(()), fs::create_dir_all);
    made.and_then(|()| fs::copy(from, to)).map(|_| ()).map_err(|cause| Error::file("written", to, &cause))
}
