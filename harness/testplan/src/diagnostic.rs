//! What is wrong with a file that a person wrote: the place, the mistake, and what to write instead.
//!
//! One decision behind it: all problems of all files are shown at once, in the order of files and places, so that an author
//! mends them in one go and two runs print the same.

use std::{collections::BTreeMap, fmt};

use serde::Serialize;

use crate::yaml::Span;

/// One mistake of an author, at its place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Diagnostic {
    /// The file, relative to the catalogue, or as given on the command line.
    pub file: String,
    /// The line, from 1; 0 when the problem is the file itself.
    pub line: usize,
    /// The column in characters, from 1; 0 when the problem is the file itself.
    pub column: usize,
    /// The length in characters.
    pub length: usize,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
    /// The known name that was probably meant.
    pub nearest: Option<String>,
}

/// Every mistake found, sorted by file and place, with the texts to show them in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diagnostics {
    items: Vec<Diagnostic>,
    sources: BTreeMap<String, String>,
}

impl Diagnostics {
    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// How many problems there are.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// The problems, by file and place.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.items.iter()
    }

    /// The text of a file with problems.
    pub fn source(&self, file: &str) -> Option<&str> {
        self.sources.get(file).map(String::as_str)
    }

    /// Where a problem stands in its file's text, as byte offset and length in bytes; for renderers that count so.
    pub fn byte_range(&self, item: &Diagnostic) -> Option<(usize, usize)> {
        let text = self.source(&item.file)?;
        let before: usize = text.split_inclusive('\n').take(item.line.checked_sub(1)?).map(str::len).sum();
        let line = text.get(before..)?.lines().next().unwrap_or_default();
        let bytes = |from: usize, count: usize| line.chars().skip(from).take(count).map(char::len_utf8).sum::<usize>();
        let start = item.column.checked_sub(1)?;
        Some((before + bytes(0, start), bytes(start, item.length)))
    }

    /// One problem of a whole file, such as one that cannot be read.
    pub(crate) fn of_file(file: &str, message: impl Into<String>) -> Self {
        let mut problems = Problems::new(file);
        problems.add(Mistake::at(Span::default(), message));
        let mut all = Self::default();
        all.add(problems, None);
        all
    }

    /// Adds what was found in one file.
    pub(crate) fn add(&mut self, problems: Problems, text: Option<&str>) {
        if problems.items.is_empty() {
            return;
        }
        if let Some(text) = text {
            self.sources.insert(problems.file, text.to_owned());
        }
        self.items.extend(problems.items);
        self.items.sort();
        self.items.dedup();
    }

    /// `value` when nothing is wrong.
    pub(crate) fn or<T>(self, value: T) -> Result<T, Self> {
        if self.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl std::error::Error for Diagnostics {}

/// A plain rendering that is the same everywhere: message, place, source line, caret, help.
impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for item in &self.items {
            render(f, item, self.source(&item.file))?;
        }
        Ok(())
    }
}

fn render(f: &mut fmt::Formatter<'_>, item: &Diagnostic, source: Option<&str>) -> fmt::Result {
    writeln!(f, "error: {}", item.message)?;
    let line = source.and_then(|text| text.lines().nth(item.line.checked_sub(1)?));
    let number = item.line.to_string();
    let margin = " ".repeat(number.len());
    if item.line == 0 {
        writeln!(f, "{margin}--> {}", item.file)?;
    } else {
        writeln!(f, "{margin}--> {}:{}:{}", item.file, item.line, item.column)?;
    }
    if let Some(line) = line {
        let indent = " ".repeat(item.column.saturating_sub(1));
        writeln!(f, "{margin} |")?;
        writeln!(f, "{number} | {line}")?;
        writeln!(f, "{margin} | {indent}{}", "^".repeat(item.length.max(1)))?;
    }
    if let Some(nearest) = &item.nearest {
        writeln!(f, "{margin} = did you mean `{nearest}`?")?;
    }
    if let Some(help) = &item.help {
        writeln!(f, "{margin} = help: {help}")?;
    }
    writeln!(f)
}

/// A mistake whose file is known by whoever collects it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mistake {
    span: Span,
    message: String,
    help: Option<String>,
    nearest: Option<String>,
}

impl Mistake {
    pub(crate) fn at(span: Span, message: impl Into<String>) -> Self {
        Self { span, message: message.into(), help: None, nearest: None }
    }

    #[must_use]
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Names what was probably meant.
    #[must_use]
    pub(crate) fn meant(mut self, name: String) -> Self {
        self.nearest = Some(name);
        self
    }

    /// Names the candidate that `name` was probably meant to be, if there is one.
    #[must_use]
    pub(crate) fn nearest<'a>(mut self, name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Self {
        self.nearest = nearest(name, candidates);
        self
    }
}

/// Collects the problems of one file while it is read.
#[derive(Debug)]
pub(crate) struct Problems {
    file: String,
    items: Vec<Diagnostic>,
}

impl Problems {
    pub(crate) fn new(file: impl Into<String>) -> Self {
        Self { file: file.into(), items: Vec::new() }
    }

    pub(crate) fn add(&mut self, mistake: Mistake) {
        let Mistake { span, message, help, nearest } = mistake;
        self.items.push(Diagnostic {
            file: self.file.clone(),
            line: span.line,
            column: span.column,
            length: span.length,
            message,
            help,
            nearest,
        });
    }

    /// Notes a problem that needs no more words.
    pub(crate) fn at(&mut self, span: Span, message: impl Into<String>) {
        self.add(Mistake::at(span, message));
    }

    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    #[cfg(test)]
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.items.iter()
    }
}

/// The candidate nearest to `name` by edit distance, when it is near enough to be a slip of the pen: a third of its letters.
pub(crate) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let written = name.to_lowercase();
    let limit = (name.chars().count() / 3).max(1);
    let scored = candidates
        .into_iter()
        .filter(|it| *it != name)
        .map(|it| (strsim::damerau_levenshtein(&written, &it.to_lowercase()), it));
    let best = scored.min_by_key(|(distance, _)| *distance);
    best.filter(|(distance, _)| *distance <= limit).map(|(_, candidate)| candidate.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_are_shown_by_place_with_a_caret() {
        let mut second = Problems::new("b.yaml");
        second.at(Span { line: 1, column: 1, length: 1 }, "later");
        let mut first = Problems::new("a.yaml");
        let span = Span { line: 2, column: 3, length: 5 };
        first.add(
            Mistake::at(span, "unknown key `tilte`")
                .nearest("tilte", ["title", "tags"])
                .help("the keys are title and tags"),
        );
        let mut all = Diagnostics::default();
        all.add(second, Some("x\n"));
        all.add(first, Some("ä: 1\n  tilte: x\n"));
        let expected = "error: unknown key `tilte`\n --> a.yaml:2:3\n  |\n2 |   tilte: x\n  |   ^^^^^\n  = did you mean `title`?\n  = help: the keys are title and tags\n\nerror: later\n --> b.yaml:1:1\n  |\n1 | x\n  | ^\n\n";
        assert_eq!(all.to_string(), expected);
        let ranges: Vec<_> = all.iter().map(|it| all.byte_range(it)).collect();
        assert_eq!(ranges, [Some((8, 5)), Some((0, 1))]);
    }

    #[test]
    fn only_a_slip_of_the_pen_has_a_nearest_name() {
        assert_eq!(nearest("requst", ["request", "send"]).as_deref(), Some("request"));
        assert_eq!(nearest("Request", ["request"]).as_deref(), Some("request"));
        assert_eq!(nearest("xyz", ["request", "send"]), None);
    }
}
