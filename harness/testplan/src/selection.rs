//! Which cases a person wants to run.
//!
//! One decision behind it: kinds of selectors narrow each other, selectors of one kind add up; and a selector that matches nothing is
//! a mistake, because a typing error must not turn into a run that passes.

use globset::{Glob, GlobMatcher};

use crate::{case::CaseId, catalogue::Entry, plan_index::Status};

/// Which cases to run; an empty one selects all.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    selectors: Vec<Selector>,
}

/// One word of a selection.
#[derive(Debug, Clone)]
enum Selector {
    Id(String, GlobMatcher),
    Chapter(u16),
    Feature(u16),
    Requirement(String),
    Tag(String),
    Status(Status),
    Mtp(String),
}

/// Why a selection makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectionError {
    /// A glob that is none.
    #[error("`{glob}` is no case id and no glob such as `1.4*`: {cause}")]
    Glob {
        /// What was written.
        glob: String,
        /// What is wrong with it.
        cause: String,
    },
    /// A word that matches no case of the catalogue.
    #[error("the selection matches no case: {0}")]
    MatchesNothing(String),
}

impl Selection {
    /// Every case.
    pub fn all() -> Self {
        Self::default()
    }

    /// Cases by id or glob: `1.10`, `1.4*`, `2.*`, `R-WS.*`.
    pub fn id(mut self, glob: &str) -> Result<Self, SelectionError> {
        let compiled = Glob::new(glob)
            .map_err(|error| SelectionError::Glob { glob: glob.to_owned(), cause: error.kind().to_string() })?;
        self.selectors.push(Selector::Id(glob.to_owned(), compiled.compile_matcher()));
        Ok(self)
    }

    /// Cases of a chapter of the plan.
    #[must_use]
    pub fn chapter(self, chapter: u16) -> Self {
        self.with(Selector::Chapter(chapter))
    }

    /// Cases that need a TP-469 feature ID.
    #[must_use]
    pub fn feature(self, id: u16) -> Self {
        self.with(Selector::Feature(id))
    }

    /// Cases that test a TR-369 requirement.
    #[must_use]
    pub fn requirement(self, id: impl Into<String>) -> Self {
        self.with(Selector::Requirement(id.into()))
    }

    /// Cases with a tag.
    #[must_use]
    pub fn tag(self, tag: impl Into<String>) -> Self {
        self.with(Selector::Tag(tag.into()))
    }

    /// Cases with a status in the plan.
    #[must_use]
    pub fn status(self, status: Status) -> Self {
        self.with(Selector::Status(status))
    }

    /// Results over one MTP of the profile.
    #[must_use]
    pub fn mtp(self, name: impl Into<String>) -> Self {
        self.with(Selector::Mtp(name.into()))
    }

    /// Whether it selects all.
    pub fn is_all(&self) -> bool {
        self.selectors.is_empty()
    }

    fn with(mut self, selector: Selector) -> Self {
        self.selectors.push(selector);
        self
    }

    /// The first kind of selector that leaves this case out over this MTP, in words; `None` when it is selected.
    pub(crate) fn leaves_out(&self, entry: &Entry, mtp: &str) -> Option<String> {
        let kinds = self.selectors.iter().map(Selector::kind).collect::<std::collections::BTreeSet<_>>();
        kinds.into_iter().find_map(|kind| {
            let same: Vec<_> = self.selectors.iter().filter(|it| it.kind() == kind).collect();
            let words: Vec<_> = same.iter().map(|it| it.word()).collect();
            let chosen = same.iter().any(|it| it.matches(entry, mtp));
            (!chosen).then(|| format!("not selected: only {kind} {}", words.join(" or ")))
        })
    }

    /// The selectors that match none of the cases, in words.
    pub(crate) fn unmatched<'a>(&self, entries: &'a [Entry], mtps: &'a [&'a str]) -> Vec<String> {
        let hit = |selector: &Selector| entries.iter().any(|entry| mtps.iter().any(|mtp| selector.matches(entry, mtp)));
        self.selectors.iter().filter(|it| !hit(it)).map(|it| format!("no {} {}", it.kind(), it.word())).collect()
    }

    /// The whole selection in words; empty for all.
    pub fn words(&self) -> String {
        let words: Vec<_> = self.selectors.iter().map(|it| format!("{} {}", it.kind(), it.word())).collect();
        words.join(", ")
    }
}

impl Selector {
    fn kind(&self) -> &'static str {
        match self {
            Self::Id(..) => "case",
            Self::Chapter(_) => "chapter",
            Self::Feature(_) => "feature",
            Self::Requirement(_) => "requirement",
            Self::Tag(_) => "tag",
            Self::Status(_) => "status",
            Self::Mtp(_) => "MTP",
        }
    }

    fn word(&self) -> String {
        match self {
            Self::Id(word, _) | Self::Requirement(word) | Self::Tag(word) | Self::Mtp(word) => word.clone(),
            Self::Chapter(number) | Self::Feature(number) => number.to_string(),
            Self::Status(status) => status.name().to_owned(),
        }
    }

    fn matches(&self, entry: &Entry, mtp: &str) -> bool {
        match self {
            Self::Id(_, glob) => glob.is_match(entry.id.to_string()),
            Self::Chapter(wanted) => matches!(entry.id, CaseId::Plan { chapter, .. } if chapter == *wanted),
            Self::Feature(id) => entry.features().contains(id),
            Self::Requirement(id) => entry.case.as_ref().is_some_and(|case| case.requirements.contains(id)),
            Self::Tag(tag) => entry.case.as_ref().is_some_and(|case| case.tags.contains(tag)),
            Self::Status(status) => entry.status == *status,
            Self::Mtp(name) => name == mtp,
        }
    }
}
