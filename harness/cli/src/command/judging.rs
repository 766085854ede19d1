//! How `uspec run` judges one EUT, or several at the same time.
//!
//! One decision behind it: what can keep a run from beginning is looked for in every folder before any is touched. After that, each EUT
//! is on its own: what befalls one stands in its report and in the exit code, and the others go on.

use super::run::{Device, cancel_on_ctrl_c, watch};
use crate::{
    above::{prepare_above, write_above},
    args::{CampaignArgs, RunArgs},
    bundle::evidence,
    bundled::{Bundled, IN_MEMORY, OVER_LOOPBACK, Where},
    campaign::{Before, Campaign, Event, Heading, Manner, at_once, verdicts},
    files::Reports,
    outcome::{Error, Exit, tell},
    progress::{self, Progress},
    standing::{self, Earlier, Standing},
};
use std::path::Path;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;
use uspec_mtp::tls::KeyLogSink;
use uspec_report::{
    summary,
    text::{safe_names, visible_line},
};
use uspec_runner::TlsSupply;
use uspec_testplan::{
    catalogue::Catalogue,
    profile::EutProfile,
    run_report::{CaseResult, EndedBy, RunReport},
    selection::Selection,
};

/// Why a run ends when the disk is full.
const UNWRITABLE: &str = "the reports folder could not be written any more; what was judged before that stands in its journal, and \
                          --resume goes on from there";

/// A runtime on which Ctrl-C ends everything.
fn runtime(cancel: &CancellationToken) -> Result<Runtime, Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|cause| Error::new("the runtime cannot be started", &cause))?;
    let inside = runtime.enter();
    cancel_on_ctrl_c(cancel.clone());
    drop(inside);
    Ok(runtime)
}

/// What is the same for every EUT of the run.
pub(super) struct Work<'a> {
    pub(super) args: &'a RunArgs,
    pub(super) catalogue: &'a Catalogue,
    pub(super) selection: &'a Selection,
    pub(super) progress: Progress,
    pub(super) cancel: CancellationToken,
}

/// One EUT, ready to be judged.
struct Eut<'a> {
    profile: &'a EutProfile,
    manner: Manner,
    /// In front of its lines on the terminal: its name, when there are several.
    prefix: String,
    state: State,
}

/// What is to be done with an EUT.
enum State {
    /// It is judged.
    Run(Reports, Option<KeyLogSink>),
    /// An earlier run of the same is complete.
    Done(Box<RunReport>),
}

impl Work<'_> {
    pub(super) fn one(&self, profile: &EutProfile) -> Result<Exit, Error> {
        let (out, base) = (&self.args.out, self.args.attachment_base.as_deref());
        let manner = self.manner();
        let standing = self.standing(profile, &manner, out)?;
        let eut = self.prepare(profile, manner, String::new(), (out, base), standing)?;
        let report = match (&eut.state, self.args.eut.is_empty()) {
            (State::Done(report), _) => (**report).clone(),
            (State::Run(..), false) => self.device(&eut, &runtime(&self.cancel)?)?,
            (State::Run(..), true) => self.bundled(&eut)?,
        };
        let (report, exit) = self.finish(&eut, report)?;
        tell(&summary::render(&report));
        let (_, captures) = evidence(out);
        let captures = if captures > 0 { ", captures/" } else { "" };
        tell(&format!(
            "reports in {}: junit.xml, run.json, report.html, traces/{captures}, SHA256SUMS\n",
            out.display()
        ));
        Ok(exit)
    }

    /// Each EUT in a folder of its own, and one report over all.
    pub(super) fn several(&self, profiles: &[EutProfile]) -> Result<Exit, Error> {
        let out = &self.args.out;
        standing::above(out, self.earlier())?;
        let base = self.args.attachment_base.clone().unwrap_or_else(|| format!("{}/", out.display()));
        let folders = safe_names(profiles.iter().map(|profile| profile.name.as_str()));
        let each: Vec<_> =
            profiles.iter().zip(&folders).map(|(profile, name)| (profile, name, out.join(name))).collect();
        let standings = each.iter().map(|(profile, _, folder)| self.standing(profile, &self.manner(), folder));
        let standings = standings.collect::<Result<Vec<_>, _>>()?;
        prepare_above(out, &folders)?;
        let euts = each.iter().zip(standings).map(|((profile, name, folder), standing)| {
            let base = format!("{base}{name}/");
            self.prepare(profile, self.manner(), format!("{name}: "), (folder, Some(&base)), standing)
        });
        let euts = euts.collect::<Result<Vec<_>, _>>()?;
        let runtime = runtime(&self.cancel)?;
        let jobs = self.args.campaign.jobs.map_or(euts.len(), usize::from);
        let ended = at_once(&euts, jobs, |eut| self.among_several(eut, &runtime));
        let ended = ended.into_iter().collect::<Result<Vec<_>, _>>()?;
        let reports: Vec<_> = ended.iter().map(|(report, _)| report).collect();
        write_above(out, &base, &reports)?;
        for report in reports {
            tell(&summary::render(report));
        }
        tell(&format!(
            "reports in {}: junit.xml, report.html, and each EUT's own in {}\n",
            out.display(),
            folders.join(", ")
        ));
        Ok(Exit::worst(ended.iter().map(|(_, exit)| *exit)))
    }

    /// Judges one of several EUTs. What keeps it from being judged stands in its report, and does not stop the others.
    fn among_several(&self, eut: &Eut<'_>, runtime: &Runtime) -> Result<(RunReport, Exit), Error> {
        let report = match &eut.state {
            State::Done(report) => return self.finish(eut, (**report).clone()),
            State::Run(..) => self.device(eut, runtime),
        };
        match report {
            Ok(report) => self.finish(eut, report),
            Err(error) => {
                let text = error.to_string();
                self.progress.note(&format!("{}{}", eut.prefix, text.trim_end()));
                let reason = text.trim_end().trim_start_matches("error: ");
                let bench = Device { catalogue: self.catalogue, profile: eut.profile, supply: TlsSupply::default() };
                let mut report = self.campaign(eut, &bench).not_run(reason)?;
                report.run.exit_code = Some(Exit::NothingRun.code());
                eut.write(&report)?;
                Ok((report, Exit::NothingRun))
            }
        }
    }

    /// How every EUT of this command line is run.
    fn manner(&self) -> Manner {
        let RunArgs { eut, real, fault, strict_profile, campaign, .. } = self.args;
        let mut options = Vec::new();
        options.extend(eut.is_empty().then(|| if *real { OVER_LOOPBACK } else { IN_MEMORY }.to_owned()));
        let mut faults = fault.clone();
        faults.sort();
        options.extend(faults.iter().map(|fault| format!("--fault {fault}")));
        options.extend(strict_profile.then(|| "--strict-profile".to_owned()));
        options.extend((campaign.rerun_failed > 0).then(|| format!("--rerun-failed={}", campaign.rerun_failed)));
        Manner {
            strict_profile: *strict_profile,
            shard: campaign.shard,
            repeats: campaign.rerun_failed.into(),
            options: options.join(" "),
            before: Before::default(),
        }
    }

    fn standing(&self, profile: &EutProfile, manner: &Manner, folder: &Path) -> Result<Standing, Error> {
        Standing::of(folder, &Heading::new(self.catalogue, profile, self.selection, manner), self.earlier())
    }

    fn earlier(&self) -> Earlier {
        match self.args.campaign {
            CampaignArgs { resume: true, .. } => Earlier::Resume,
            CampaignArgs { overwrite: true, .. } => Earlier::Overwrite,
            CampaignArgs { .. } => Earlier::Protect,
        }
    }

    fn prepare<'p>(
        &self,
        profile: &'p EutProfile,
        mut manner: Manner,
        prefix: String,
        (folder, base): (&Path, Option<&str>),
        standing: Standing,
    ) -> Result<Eut<'p>, Error> {
        let past = match standing {
            Standing::Complete(report) => {
                tell(&format!("{prefix}the run in {} is complete: nothing is left to resume\n", folder.display()));
                return Ok(Eut { profile, manner, prefix, state: State::Done(report) });
            }
            Standing::Interrupted(past) => Some(past),
            Standing::Fresh => None,
        };
        let heading = Heading::new(self.catalogue, profile, self.selection, &manner);
        let (reports, before) = Reports::prepare(folder, base, &heading, past)?;
        for warning in &before.warnings {
            eprintln!("{prefix}warning: {}", visible_line(warning));
        }
        if !before.parts.is_empty() {
            let judged = before.judged.len();
            tell(&format!("{prefix}the run in {} goes on; {judged} results are kept\n", folder.display()));
        }
        let reports = if self.args.evidence.no_captures { reports.without_captures() } else { reports };
        manner.before = before;
        let key_log = self.args.tls_key_log.then(|| reports.key_log()).transpose()?;
        Ok(Eut { profile, manner, prefix, state: State::Run(reports, key_log) })
    }

    fn bundled(&self, eut: &Eut<'_>) -> Result<RunReport, Error> {
        let place = if self.args.real { Where::Loopback } else { Where::Memory };
        let bundled = Bundled::new(eut.profile, &self.args.fault, place)?.manner(eut.manner.clone());
        let bundled = bundled.cancel(self.cancel.clone()).key_log(eut.key_log());
        let shown = self.shown(eut);
        bundled.judge(self.catalogue, self.selection, &mut |event| self.watch(eut, &shown, &event))
    }

    fn device(&self, eut: &Eut<'_>, runtime: &Runtime) -> Result<RunReport, Error> {
        let supply = TlsSupply { pki: None, key_log: eut.key_log() };
        let bench = Device { catalogue: self.catalogue, profile: eut.profile, supply };
        let shown = self.shown(eut);
        runtime.block_on(self.campaign(eut, &bench).run(&mut |event| self.watch(eut, &shown, &event)))
    }

    /// What is shown of an EUT while it is judged.
    fn shown(&self, eut: &Eut<'_>) -> progress::Eut {
        self.progress.eut(eut.prefix.strip_suffix(": "))
    }

    fn campaign<'c>(&'c self, eut: &'c Eut<'_>, bench: &'c Device<'_>) -> Campaign<'c> {
        Campaign {
            catalogue: self.catalogue,
            profile: eut.profile,
            selection: self.selection,
            bench,
            manner: &eut.manner,
            cancel: self.cancel.clone(),
        }
    }

    fn watch(&self, eut: &Eut<'_>, shown: &progress::Eut, event: &Event<'_>) -> Option<String> {
        let State::Run(reports, _) = &eut.state else { return None };
        if let Event::Kept(entry) = event
            && !reports.journal().keep(entry)
        {
            self.cancel.cancel();
        }
        let file = watch(shown, reports, event);
        if reports.is_broken() {
            self.cancel.cancel();
        }
        file
    }

    /// Writes the reports, with the exit code.
    fn finish(&self, eut: &Eut<'_>, mut report: RunReport) -> Result<(RunReport, Exit), Error> {
        let broken = matches!(&eut.state, State::Run(reports, _) if reports.is_broken());
        if broken {
            // No person's wish.
            report.run.interrupted = Some(UNWRITABLE.to_owned());
            report.run.interrupted_by = None;
        }
        let exit = exit(&report, eut.profile, self.args.campaign.allow_flaky);
        report.run.exit_code = Some(exit.code());
        match eut.write(&report) {
            // The summary still tells what the files cannot.
            Err(error) if broken => {
                self.progress.note(&format!("{}{}", eut.prefix, error.to_string().trim_end()));
                return Ok((report, Exit::worst([exit, Exit::NothingRun])));
            }
            written => written?,
        }
        Ok((report, exit))
    }
}

impl Eut<'_> {
    fn key_log(&self) -> Option<KeyLogSink> {
        match &self.state {
            State::Run(_, key_log) => key_log.clone(),
            State::Done(_) => None,
        }
    }

    /// A run that was complete before has its reports.
    fn write(&self, report: &RunReport) -> Result<(), Error> {
        match &self.state {
            State::Run(reports, _) => reports.write(report),
            State::Done(_) => Ok(()),
        }
    }
}

fn exit(report: &RunReport, profile: &EutProfile, allow_flaky: bool) -> Exit {
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
    let flaky = !allow_flaky && report.results.iter().any(CaseResult::is_flaky);
    match Exit::of(verdicts) {
        // A list of known failures that is wrong must not pass unseen, nor may what passed by luck.
        Exit::Good
            if !problems.is_empty() || flaky || report.run.interrupted.is_some() || report.verdict().is_none() =>
        {
            Exit::Undecided
        }
        exit => exit,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may abort")]

    use super::*;
    use crate::load;

    #[test]
    fn a_flaky_case_is_green_only_when_that_was_asked_for() {
        let mut report = RunReport::from_json(include_str!("../../../../reports/samples/mixed/run.json")).unwrap();
        report.results.retain(|result| result.verdict() == Some(uspec_testplan::verdict::Verdict::Pass));
        assert!(report.results.iter().any(CaseResult::is_flaky));
        let profile = load::profile(None).unwrap();
        assert_eq!(exit(&report, &profile, false), Exit::Undecided);
        assert_eq!(exit(&report, &profile, true), Exit::Good);
        report.results.retain(|result| !result.is_flaky());
        assert_eq!(exit(&report, &profile, false), Exit::Good);
    }
}
