//! What the catalogue covers: the plan's cases by chapter, TR-369's requirements by section. As a value, and as tables in Markdown.
//!
//! One decision behind it: a requirement counts as tested only when a case that is written lists it, or a universal rule judges it; a row
//! that names a case which nobody has written yet is open.

use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};
use uspec_testplan::{
    case::CaseId,
    catalogue::{Catalogue, Entry},
    plan_index::Status,
    requirements::{Coverage as Said, Requirement, Tester},
};

/// The plan's own chapters, in short.
const CHAPTERS: [(u16, &str); 11] = [
    (1, "Messages and path names"),
    (2, "Authentication and access control"),
    (3, "USP Records"),
    (4, "General MTP"),
    (5, "CoAP"),
    (6, "STOMP"),
    (7, "WebSocket"),
    (8, "Discovery"),
    (9, "Functionality"),
    (10, "Bulk data collection"),
    (11, "MQTT"),
];

/// What a catalogue covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// The plan's revision.
    pub plan: String,
    /// By chapter, in the plan's order.
    pub chapters: Vec<Chapter>,
    /// The revision of TR-369.
    pub source: String,
    /// By section, in TR-369's order.
    pub sections: Vec<Section>,
}

/// A chapter of the plan. Each case counts in `cases` and in one of the others.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Chapter {
    /// Its number.
    pub chapter: u16,
    /// What it is about.
    pub title: &'static str,
    /// How many cases it has.
    pub cases: usize,
    /// Written and run by `uspec run`.
    pub automated: usize,
    /// Written as well, but withdrawn by the plan: run only for a profile that names an earlier revision.
    pub automated_withdrawn: usize,
    /// Withdrawn, and not written.
    pub withdrawn: usize,
    /// A number for which the plan has no procedure yet.
    pub future: usize,
    /// Not written yet.
    pub not_automated: usize,
}

/// A section of TR-369. Each requirement counts in `requirements` and in one of `tested`, `settled` and `open`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Section {
    /// Such as `mtp/websocket`.
    pub section: String,
    /// How many requirements it has.
    pub requirements: usize,
    /// Tested by a written case, or by a universal rule.
    pub tested: usize,
    /// Not tested, with a reason in `requirements.yaml`: it binds somebody else, cannot be seen, is optional or withdrawn.
    pub settled: usize,
    /// Neither, so far.
    pub open: usize,
    /// Our own cases for it.
    pub own: usize,
}

impl Coverage {
    /// Counts a catalogue.
    pub fn of(catalogue: &Catalogue) -> Self {
        let mut chapters: BTreeMap<u16, Chapter> = BTreeMap::new();
        for entry in &catalogue.entries {
            let CaseId::Plan { chapter, .. } = entry.id else { continue };
            chapters.entry(chapter).or_insert_with(|| Chapter::new(chapter)).count(entry);
        }
        let chapters = chapters.into_values().collect();
        let listed: BTreeSet<&str> =
            catalogue.cases().flat_map(|case| &case.requirements).map(String::as_str).collect();
        let mut seen = BTreeSet::new();
        let names = catalogue.requirements.iter().map(|it| it.section.as_str()).filter(|name| seen.insert(*name));
        let sections = names.map(|name| Section::of(name, &listed, catalogue)).collect();
        Self { plan: catalogue.plan.clone(), chapters, source: catalogue.requirements.source.clone(), sections }
    }

    /// Two tables, one below the other.
    pub fn markdown(&self) -> String {
        let Self { plan, chapters, source, sections } = self;
        let mut out = format!(
            "| {plan} | cases | automated | withdrawn | no procedure yet | not automated |\n| --- | --: | --: | --: | --: | --: |\n"
        );
        let mut all = Chapter::default();
        for it in chapters {
            let _ = writeln!(out, "| {} {} {}", it.chapter, it.title, it.columns());
            all.add(it);
        }
        let _ = write!(
            out,
            "| all {}\n\n| {source} | requirements | tested | with a reason why not | open | own cases |\n\
             | --- | --: | --: | --: | --: | --: |\n",
            all.columns()
        );
        let mut all = Section::default();
        for it in sections {
            let _ = writeln!(out, "| {} {}", it.section, it.columns());
            all.add(it);
        }
        let _ = writeln!(out, "| all {}", all.columns());
        out
    }
}

impl Chapter {
    fn new(chapter: u16) -> Self {
        let title = CHAPTERS.iter().find(|(number, _)| *number == chapter).map_or("", |(_, title)| title);
        Self { chapter, title, ..Self::default() }
    }

    fn count(&mut self, entry: &Entry) {
        self.cases += 1;
        let withdrawn = matches!(entry.status, Status::Deprecated | Status::Deleted);
        *match (entry.case.is_some(), withdrawn) {
            (true, false) => &mut self.automated,
            (true, true) => &mut self.automated_withdrawn,
            (false, true) => &mut self.withdrawn,
            (false, false) if entry.status == Status::Future => &mut self.future,
            (false, false) => &mut self.not_automated,
        } += 1;
    }

    fn add(&mut self, other: &Self) {
        self.cases += other.cases;
        self.automated += other.automated;
        self.automated_withdrawn += other.automated_withdrawn;
        self.withdrawn += other.withdrawn;
        self.future += other.future;
        self.not_automated += other.not_automated;
    }

    fn columns(&self) -> String {
        let Self { cases, automated, automated_withdrawn, withdrawn, future, not_automated, .. } = self;
        let withdrawn = match (withdrawn + automated_withdrawn, automated_withdrawn) {
            (all, 0) => all.to_string(),
            (all, written) => format!("{all}, {written} of them automated"),
        };
        format!("| {cases} | {automated} | {withdrawn} | {future} | {not_automated} |")
    }
}

impl Section {
    fn of(name: &str, listed: &BTreeSet<&str>, catalogue: &Catalogue) -> Self {
        let mut section = Self { section: name.to_owned(), ..Self::default() };
        for requirement in catalogue.requirements.iter().filter(|it| it.section == name) {
            section.count(requirement, listed, catalogue);
        }
        section
    }

    fn count(&mut self, requirement: &Requirement, listed: &BTreeSet<&str>, catalogue: &Catalogue) {
        self.requirements += 1;
        let tested = listed.contains(requirement.id.as_str())
            || matches!(&requirement.coverage, Some(Said::TestedBy(by)) if by.iter().any(|it| written(it, catalogue)));
        *match &requirement.coverage {
            _ if tested => &mut self.tested,
            Some(Said::Untested { .. }) => &mut self.settled,
            Some(Said::TestedBy(_)) | None => &mut self.open,
        } += 1;
        let own = |entry: &&Entry| matches!(&entry.id, CaseId::Own(name) if *name == requirement.id);
        self.own += catalogue.entries.iter().filter(own).count();
    }

    fn add(&mut self, other: &Self) {
        self.requirements += other.requirements;
        self.tested += other.tested;
        self.settled += other.settled;
        self.open += other.open;
        self.own += other.own;
    }

    fn columns(&self) -> String {
        let Self { requirements, tested, settled, open, own, .. } = self;
        format!("| {requirements} | {tested} | {settled} | {open} | {own} |")
    }
}

fn written(tester: &Tester, catalogue: &Catalogue) -> bool {
    match tester {
        Tester::Case(id) => catalogue.get(id).is_some_and(|entry| entry.case.is_some()),
        Tester::Universal(_) => true,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test may stop on the first surprise

    use super::*;
    use uspec_testplan::catalogue::Source;

    fn catalogue() -> Catalogue {
        Catalogue::load(&Source::Embedded).unwrap()
    }

    /// The chapters together, and the sections together; each row's parts make its whole.
    fn totals(coverage: &Coverage) -> (Chapter, Section) {
        let (mut chapters, mut sections) = (Chapter::default(), Section::default());
        for it in &coverage.chapters {
            let parts = it.automated + it.automated_withdrawn + it.withdrawn + it.future + it.not_automated;
            assert_eq!(parts, it.cases, "{it:?}");
            assert_ne!(it.title, "", "{it:?}");
            chapters.add(it);
        }
        for it in &coverage.sections {
            assert_eq!(it.tested + it.settled + it.open, it.requirements, "{it:?}");
            sections.add(it);
        }
        (chapters, sections)
    }

    #[test]
    fn nothing_is_left_out_or_counted_twice() {
        let catalogue = catalogue();
        let (chapters, sections) = totals(&Coverage::of(&catalogue));
        let own = catalogue.entries.iter().filter(|entry| entry.status == Status::Own).count();
        assert_eq!((chapters.cases + sections.own, sections.own), (catalogue.entries.len(), own));
        assert_eq!(chapters.automated + chapters.automated_withdrawn + own, catalogue.cases().count());
        assert_eq!(sections.requirements, catalogue.requirements.ids().count());
    }

    #[test]
    fn a_case_that_nobody_has_written_tests_nothing() {
        let mut catalogue = catalogue();
        let (before, tested) = totals(&Coverage::of(&catalogue));
        catalogue.entries.iter_mut().for_each(|entry| entry.case = None);
        let (chapters, sections) = totals(&Coverage::of(&catalogue));
        assert_eq!((chapters.automated, chapters.automated_withdrawn), (0, 0));
        assert_eq!(chapters.not_automated, before.automated + before.not_automated);
        assert_eq!(chapters.withdrawn, before.automated_withdrawn + before.withdrawn);
        let universal = |it: &&Requirement| matches!(&it.coverage, Some(Said::TestedBy(by)) if by.iter().any(|by| matches!(by, Tester::Universal(_))));
        assert_eq!(sections.tested, catalogue.requirements.iter().filter(universal).count());
        assert!((1..tested.tested).contains(&sections.tested), "{sections:?}");
        assert_eq!(sections.settled, tested.settled);
    }

    #[test]
    fn every_row_of_the_tables_has_every_column() {
        let text = Coverage::of(&catalogue()).markdown();
        let (first, second) = text.split_once("\n\n").unwrap();
        for table in [first, second] {
            let columns: BTreeSet<usize> = table.lines().map(|line| line.matches('|').count()).collect();
            assert_eq!(columns, BTreeSet::from([7]), "{table}");
        }
        assert!(text.ends_with("|\n"), "{text}");
    }
}
