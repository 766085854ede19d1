//! `uspec judge`: stored Traces, judged again from their bytes; of a whole run also whether the verdicts are the same.

use super::rejudge;
use crate::{
    args::{Format, JudgeArgs},
    load,
    outcome::{Error, Exit, tell},
};
use serde::Serialize;
use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};
use uspec_report::{summary::word, text::visible_line};
use uspec_runner::bring_up::BRING_UP;
use uspec_testplan::{
    case::CaseId,
    catalogue::Catalogue,
    judge::judge,
    trace::Trace,
    verdict::{Judgement, Outcome},
};

#[derive(Serialize)]
struct Row {
    trace: String,
    case: CaseId,
    mtp: String,
    judgement: Judgement,
}

/// Runs the command.
///
/// # Errors
/// Whatever keeps it from being done.
pub fn run(args: &JudgeArgs) -> Result<Exit, Error> {
    let catalogue = load::catalogue(&args.catalogue)?;
    let (folders, traces): (Vec<&PathBuf>, Vec<&PathBuf>) = args.traces.iter().partition(|path| path.is_dir());
    if folders.is_empty() {
        return of_traces(&traces, &catalogue, args.format);
    }
    if !traces.is_empty() {
        return Err(Error::Message(
            "error: these are folders of runs and single Traces: judge them one kind at a time".to_owned(),
        ));
    }
    rejudge::run(&folders, &catalogue, args.format)
}

fn of_traces(traces: &[&PathBuf], catalogue: &Catalogue, format: Format) -> Result<Exit, Error> {
    let judged: Vec<_> = traces.iter().map(|path| one(path, catalogue)).collect();
    let wrong: String = judged.iter().filter_map(|it| it.as_ref().err()).map(ToString::to_string).collect();
    if !wrong.is_empty() {
        return Err(Error::Message(wrong.trim_end().to_owned()));
    }
    let rows: Vec<Row> = judged.into_iter().flatten().flatten().collect();
    match format {
        Format::Json => {
            let text = serde_json::to_string_pretty(&rows).map_err(|cause| Error::new("the judgements", &cause))?;
            tell(&format!("{text}\n"));
        }
        Format::Text => rows.iter().for_each(print),
    }
    Ok(Exit::of(rows.iter().map(|row| row.judgement.verdict)))
}

/// The judgement of one Trace; none for the Trace of a bring-up, which no case describes.
fn one(path: &Path, catalogue: &Catalogue) -> Result<Option<Row>, Error> {
    let text = fs::read_to_string(path).map_err(|cause| Error::file("read", path, &cause))?;
    let trace = Trace::from_json_lines(&text).map_err(|cause| Error::new(path.display(), &cause))?;
    let id = &trace.header.case;
    if id.to_string() == BRING_UP {
        eprintln!("note: {} is of the bring-up, which is not judged", path.display());
        return Ok(None);
    }
    let case = catalogue
        .get(id)
        .and_then(|entry| entry.case.as_ref())
        .ok_or_else(|| Error::Message(format!("error: {}: the catalogue has no case {id}", path.display())))?;
    if trace.header.catalogue != catalogue.hash {
        eprintln!(
            "note: {} was made with catalogue {}, and is judged by {}",
            path.display(),
            visible_line(&trace.header.catalogue),
            catalogue.hash
        );
    }
    let judgement = judge(case, &trace);
    Ok(Some(Row { trace: path.display().to_string(), case: id.clone(), mtp: trace.header.mtp.clone(), judgement }))
}

fn print(row: &Row) {
    let judgement = &row.judgement;
    let mut text = format!("{} {} [{}]: {}\n", word(judgement.verdict), row.case, visible_line(&row.mtp), row.trace);
    // What a universal rule could not decide does not weigh; `--format json` has it.
    let metrics = judgement.metrics.iter().map(|metric| (metric, false));
    let universal = judgement.universal.iter().map(|rule| (rule, true));
    for (metric, only_unmet) in metrics.chain(universal) {
        let told = |outcome| outcome == Outcome::Unmet || (outcome == Outcome::Unknown && !only_unmet);
        for finding in metric.findings.iter().filter(|finding| told(finding.outcome)) {
            let _ = writeln!(text, "  {}: expected {}", metric.metric, visible_line(&finding.expected));
            let _ = writeln!(text, "    seen: {}", visible_line(&finding.seen));
        }
    }
    tell(&text);
}
