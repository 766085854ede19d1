//! The reports of a run's shards, put together as one.
//!
//! One decision behind it: every result of the whole is looked for in all shards. Exactly one has it, and the others name that one; anything
//! else is an error, so that nothing is lost and nothing counts twice.

use super::kept::Heading;
use crate::{
    outcome::{Error, Exit},
    standing::told,
};
use std::collections::{BTreeMap, BTreeSet};
use uspec_testplan::{
    run_report::{CaseOutcome, CaseResult, EndedBy, NotRun, NotRunKind, RunPart, RunReport},
    shard::{Shard, in_shard, shard_named},
};

/// A report as it was read.
#[derive(Debug, Clone)]
pub struct Given {
    /// What to call it in errors: its folder.
    pub name: String,
    /// The report.
    pub report: RunReport,
}

/// The report of the whole run. Missing shards are an error, or with `allow_missing` results that were not reached.
///
/// # Errors
/// No report at all, one of no shard, two of different runs, two of the same shard, a shard that is missing, and results that do not fit
/// together. Both sides are named.
pub fn together(given: &[Given], allow_missing: bool) -> Result<RunReport, Error> {
    let shards = by_shard(given)?;
    let missing = missing(&shards, allow_missing)?;
    let Some(first) = shards.values().next() else { return Err(wrong("no shard is given")) };
    let mut whole = first.report.clone();
    whole.results = results(&shards, &whole.results)?;
    run_info(&mut whole, &shards, &missing);
    facts(&mut whole, &shards)?;
    Ok(whole)
}

type Shards<'a> = BTreeMap<Shard, &'a Given>;

fn wrong(text: impl std::fmt::Display) -> Error {
    Error::Message(format!("error: {text}"))
}

/// The reports by their shards: all of one run, none twice.
fn by_shard(given: &[Given]) -> Result<Shards<'_>, Error> {
    let mut shards = Shards::new();
    let mut first: Option<(&Given, Heading)> = None;
    for it in given {
        let name = &it.name;
        let identity = &it.report.run.identity;
        let shard = identity.shard.and_then(|shard| Shard::new(shard.index, shard.of));
        let shard = shard
            .ok_or_else(|| wrong(format!("{name}: it is the report of no shard; `uspec run --shard` makes those")))?;
        let heading = Heading::of(&it.report);
        if let Some((other, there)) = &first {
            let differences = there.differences(&heading);
            if !differences.is_empty() {
                let told = told(&differences, &other.name, name);
                return Err(wrong(format!("{} and {name} are not of one run:{told}", other.name)));
            }
        } else {
            first = Some((it, heading));
        }
        if let Some(other) = shards.insert(shard, it) {
            return Err(wrong(format!("shard {shard} is there twice: {} and {name}", other.name)));
        }
    }
    Ok(shards)
}

fn missing(shards: &Shards<'_>, allowed: bool) -> Result<BTreeSet<Shard>, Error> {
    let all = shards.keys().next().into_iter().flat_map(|shard| shard.all());
    let missing: BTreeSet<_> = all.filter(|shard| !shards.contains_key(shard)).collect();
    if allowed || missing.is_empty() {
        return Ok(missing);
    }
    let (there, names) = (shards.values().map(|it| it.name.as_str()).collect::<Vec<_>>(), words(&missing));
    Err(wrong(format!(
        "shard {names} is missing beside {}; give it too, or merge without it by --allow-missing",
        there.join(", ")
    )))
}

fn words(shards: &BTreeSet<Shard>) -> String {
    shards.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn results(shards: &Shards<'_>, first: &[CaseResult]) -> Result<Vec<CaseResult>, Error> {
    let mut held: BTreeMap<(String, &str), Vec<(Shard, &CaseResult)>> = BTreeMap::new();
    for (shard, it) in shards {
        for result in &it.report.results {
            held.entry((result.case.to_string(), &result.mtp)).or_default().push((*shard, result));
        }
    }
    for (shard, it) in shards {
        let of_it = |held: &&Vec<(Shard, &CaseResult)>| held.iter().filter(|(of, _)| of == shard).count() == 1;
        if held.values().filter(of_it).count() != held.len() || held.len() != first.len() {
            return Err(wrong(format!("{} has not the same cases and MTPs as the other shards", it.name)));
        }
    }
    let of =
        |result: &CaseResult| held.get(&(result.case.to_string(), result.mtp.as_str())).cloned().unwrap_or_default();
    first.iter().map(|result| one(shards, &of(result))).collect()
}

/// What became of one (case, MTP) in the whole.
fn one(shards: &Shards<'_>, held: &[(Shard, &CaseResult)]) -> Result<CaseResult, Error> {
    let owners: BTreeSet<Shard> = held.iter().filter_map(|(_, result)| left_to(result)).collect();
    let own: Vec<_> = held.iter().filter(|(_, result)| left_to(result).is_none()).collect();
    let name = |shard: &Shard| shards.get(shard).map(|it| it.name.clone()).unwrap_or_default();
    let judged: Vec<_> = own.iter().filter(|(_, result)| result.verdict().is_some()).collect();
    let what = || held.first().map(|(_, it)| format!("{} [{}]", it.case, it.mtp)).unwrap_or_default();
    if let [(a, _), (b, _), ..] = judged.as_slice() {
        return Err(wrong(format!("{} is judged both in {} and in {}", what(), name(a), name(b))));
    }
    let mut owners = owners.iter();
    match (owners.next(), owners.next(), own.as_slice()) {
        (Some(owner), None, [(shard, result)]) if owner == shard => Ok((*result).clone()),
        // The plan leaves it out for every shard; the one that has seen the EUT may know better why.
        (None, _, [(_, first), ..]) => {
            let best = judged.first().map(|(_, it)| *it).or_else(|| {
                own.iter()
                    .find(|(shard, it)| shards.get(shard).is_some_and(|given| met(&given.report, &it.mtp)))
                    .map(|(_, it)| *it)
            });
            Ok(best.unwrap_or(first).clone())
        }
        (Some(owner), None, []) if !shards.contains_key(owner) => {
            let reason = format!("{}, which is missing", in_shard(*owner));
            let outcome = CaseOutcome::NotRun(NotRun { kind: NotRunKind::NotReached, reason });
            held.first().map(|(_, it)| CaseResult { outcome, ..(*it).clone() }).ok_or_else(|| wrong(what()))
        }
        _ => {
            let sides = held.iter().map(|(shard, _)| name(shard)).collect::<Vec<_>>().join(", ");
            Err(wrong(format!("{sides} do not agree on whose {} is: they were not dealt by one plan", what())))
        }
    }
}

/// The shard to which a report leaves a result.
fn left_to(result: &CaseResult) -> Option<Shard> {
    match &result.outcome {
        CaseOutcome::NotRun(NotRun { kind: NotRunKind::NotSelected, reason }) => shard_named(reason),
        _ => None,
    }
}

/// Whether anything was judged over the MTP.
fn met(report: &RunReport, mtp: &str) -> bool {
    report.results.iter().any(|result| result.mtp == mtp && result.verdict().is_some())
}

fn run_info(whole: &mut RunReport, shards: &Shards<'_>, missing: &BTreeSet<Shard>) {
    let runs = || shards.values().map(|it| &it.report.run);
    let run = &mut whole.run;
    run.id = uuid::Uuid::new_v4().to_string();
    run.identity.shard = None;
    run.host = runs().map(|it| it.host.as_str()).collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(", ");
    run.started = runs().map(|it| it.started).min().unwrap_or(run.started);
    run.duration_ms = runs().map(|it| it.duration_ms).sum();
    // Shards run at the same time; the length of one that was resumed is not known.
    run.wall_ms =
        if runs().any(|it| it.wall_ms == 0) { 0 } else { runs().map(|it| it.wall_ms).max().unwrap_or_default() };
    run.parts = shards.iter().flat_map(|(shard, it)| parts(*shard, &it.report)).collect();
    let mut early = Vec::new();
    run.warnings.clear();
    if !missing.is_empty() {
        let count = whole.results.iter().filter(|it| is_missing(it)).count();
        let text = format!("shard {} is missing: {count} results are not reached", words(missing));
        run.warnings.push(text.clone());
        early.push(text);
    }
    for (shard, it) in shards {
        early.extend(it.report.run.interrupted.iter().map(|why| format!("shard {shard}: {why}")));
        for warning in &it.report.run.warnings {
            if !run.warnings.contains(warning) {
                run.warnings.push(warning.clone());
            }
        }
    }
    run.interrupted = (!early.is_empty()).then(|| early.join("; "));
    let by: Vec<_> = runs().filter_map(|it| it.interrupted_by).collect();
    run.interrupted_by = by.iter().find(|by| **by == EndedBy::Person).or(by.first()).copied();
    whole.run.exit_code = Some(exit(whole.verdict().is_none(), shards, missing).code());
}

fn parts(shard: Shard, report: &RunReport) -> Vec<RunPart> {
    let run = &report.run;
    if !run.parts.is_empty() {
        return run.parts.clone();
    }
    vec![RunPart { id: run.id.clone(), host: run.host.clone(), started: run.started, shard: Some(shard) }]
}

fn is_missing(result: &CaseResult) -> bool {
    matches!(&result.outcome, CaseOutcome::NotRun(it) if it.kind == NotRunKind::NotReached && it.reason.ends_with("which is missing"))
}

/// The worst of all. A shard in which nothing was to be judged says nothing against the others.
fn exit(nothing_judged: bool, shards: &Shards<'_>, missing: &BTreeSet<Shard>) -> Exit {
    let idle = |report: &RunReport| report.verdict().is_none() && report.run.interrupted.is_none();
    let reports = shards.values().map(|it| &it.report).filter(|report| !idle(report));
    let told = |report: &RunReport| report.run.exit_code.and_then(Exit::of_code);
    let exits = reports
        .map(|report| told(report).unwrap_or_else(|| Exit::of(report.results.iter().filter_map(CaseResult::verdict))));
    let incomplete = (nothing_judged || !missing.is_empty()).then_some(Exit::Undecided);
    Exit::worst(exits.chain(incomplete))
}

/// What was found out about the EUT. Shards may be run against several devices of one kind, but not of two software versions.
fn facts(whole: &mut RunReport, shards: &Shards<'_>) -> Result<(), Error> {
    let mut known: Option<&Given> = None;
    for it in shards.values().filter(|it| it.report.eut.software_version.is_some()) {
        let Some(first) = known else {
            known = Some(it);
            continue;
        };
        let (a, b) = (&first.report.eut, &it.report.eut);
        if a.software_version != b.software_version {
            let version = |eut: &uspec_testplan::run_report::EutInfo| eut.software_version.clone().unwrap_or_default();
            let difference = [("software version of the EUT", version(a), version(b))];
            let told = told(&difference, &first.name, &it.name);
            return Err(wrong(format!("{} and {} are not of one EUT:{told}", first.name, it.name)));
        }
        if a.endpoint_id != b.endpoint_id {
            let text =
                format!("the shards were judged against several devices: {} and {}", a.endpoint_id, b.endpoint_id);
            whole.run.warnings.push(text);
        }
    }
    if let Some(known) = known {
        whole.eut = known.report.eut.clone();
    }
    for info in &mut whole.mtps {
        let mut seen = shards.values().flat_map(|it| &it.report.mtps).filter(|it| it.name == info.name);
        info.tls = seen.find_map(|it| it.tls.clone());
    }
    Ok(())
}
