//! Puts a word in the place of every secret in a text.

use std::{collections::BTreeSet, ops::Range};

use super::{
    Secret, cuts,
    names::is_credential,
    pieces::{each_piece, is_told},
    readable::readable,
    search::{Form, Occurrence, Search, merged},
    secrets, written,
};
use crate::{
    trace::{Trace, What},
    verdict::{CleanUp, Finding, Judgement},
};

/// What stands in the place of a secret.
pub const MASK: &str = "•••• (secret)";

/// Whose words a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Words {
    /// Those of the EUT or of someone else.
    Theirs,
    /// Ours, with what others said between quotes.
    Ours,
    /// Those of a case: what a finding expects. A secret is there only as a whole value, or because a variable had it.
    OfACase,
}

/// The secrets of one Trace, to be masked in what is shown of it.
#[derive(Debug, Default)]
pub struct Mask {
    search: Search,
    lengths: BTreeSet<usize>,
    /// Those that a variable has, by their places.
    variables: BTreeSet<usize>,
    /// Those that stand in a text which findings can show without quotes.
    told: BTreeSet<usize>,
}

impl Mask {
    /// The mask for what is shown of this Trace.
    pub fn of(trace: &Trace) -> Self {
        Self::of_secrets(Some(trace), &secrets(trace))
    }

    /// A mask for these secrets.
    pub fn new(secrets: &[Secret]) -> Self {
        Self::of_secrets(None, secrets)
    }

    /// A mask for these secrets of this Trace.
    pub(super) fn of_secrets(trace: Option<&Trace>, secrets: &[Secret]) -> Self {
        let readable = readable(trace, secrets);
        let mut searched: Vec<_> =
            secrets.iter().enumerate().filter(|(_, secret)| !readable.contains(secret.value.as_slice())).collect();
        // What an MTP carries is the bench's own, and crosses every connection.
        searched.sort_by_key(|(_, secret)| !is_credential(&secret.at) || secret.at.contains('.'));
        let search = Search::new(searched.into_iter().map(|(owner, secret)| (owner, secret.value.as_slice())));
        let lengths = secrets.iter().map(|secret| secret.value.len()).filter(|length| *length > 0).collect();
        let mut mask = Self { search, lengths, ..Self::default() };
        if let Some(trace) = trace {
            mask.look(trace);
        }
        mask
    }

    /// Looks where the Trace says the secrets.
    fn look(&mut self, trace: &Trace) {
        let (mut variables, mut told) = (BTreeSet::new(), BTreeSet::new());
        let look = |octets: &[u8], owners: &mut BTreeSet<usize>| {
            self.search.find(octets, &mut |form, seen| {
                let alone = seen.is_alone(form.length);
                owners.extend(form.owners.iter().copied().filter(|_| alone));
                alone
            });
        };
        trace.header.variables.values().for_each(|value| look(value.as_bytes(), &mut variables));
        for event in &trace.events {
            match &event.what {
                What::Captured { value, .. } => look(value.as_bytes(), &mut variables),
                what if is_told(what) => each_piece(what, &mut |octets| look(octets, &mut told)),
                _ => {}
            }
        }
        (self.variables, self.told) = (variables, told);
    }

    /// Whether there is nothing to mask.
    pub fn is_empty(&self) -> bool {
        self.lengths.is_empty()
    }

    /// The text with [`MASK`] in the place of each secret, however it is written there, and of the beginning of one where the text was cut.
    /// Words of ours that a secret happens to be stay, outside of the quotes.
    pub fn apply(&self, text: &str) -> String {
        self.shown(text, Words::Ours)
    }

    /// Like [`Mask::apply`] for the words of someone else.
    pub(super) fn apply_to_theirs(&self, text: &str) -> String {
        self.shown(text, Words::Theirs)
    }

    /// A judgement as reports may show it.
    pub(crate) fn judgement(&self, judgement: &mut Judgement) {
        if self.is_empty() {
            return;
        }
        let findings = || judgement.metrics.iter().chain(&judgement.universal).flat_map(|it| &it.findings);
        let reason = judgement.reason.as_ref().map(|reason| self.reason(reason, findings()));
        judgement.reason = reason;
        for finding in judgement.metrics.iter_mut().chain(&mut judgement.universal).flat_map(|it| &mut it.findings) {
            finding.seen = self.seen(finding);
            finding.expected = self.shown(&finding.expected, Words::OfACase);
            finding.path = finding.path.as_ref().map(|path| self.apply(path));
        }
        let on = |text: &mut String| *text = self.apply(text);
        match &mut judgement.clean_up {
            CleanUp::Clean => {}
            CleanUp::Dirty(differences) => differences.iter_mut().for_each(on),
            CleanUp::Unverified(why) => on(why),
        }
    }

    /// What was seen, with its name in the path.
    fn seen(&self, finding: &Finding) -> String {
        let mut ranges = self.ranges(&finding.seen, Words::Ours);
        ranges.extend(finding.path.as_deref().and_then(|path| written::seen_at(path, &finding.seen)));
        covered(&finding.seen, ranges)
    }

    /// A reason is made of a finding: each part of it is masked as there.
    fn reason<'f>(&self, reason: &str, findings: impl Iterator<Item = &'f Finding>) -> String {
        for finding in findings {
            let place = finding.path.as_ref().map(|path| format!("{path}: ")).unwrap_or_default();
            let (before, after) = (format!("{place}expected "), format!("{}, seen ", finding.expected));
            let Some((head, rest)) = reason.split_once(&before) else { continue };
            let Some(rest) = rest.strip_prefix(&after) else { continue };
            let seen = Finding { seen: rest.to_owned(), ..finding.clone() };
            let expected = self.shown(&finding.expected, Words::OfACase);
            return format!("{}{}{expected}, seen {}", self.apply(head), self.apply(&before), self.seen(&seen));
        }
        self.apply(reason)
    }

    fn shown(&self, text: &str, words: Words) -> String {
        if self.is_empty() {
            return text.to_owned();
        }
        covered(text, self.ranges(text, words))
    }

    fn ranges(&self, text: &str, words: Words) -> Vec<Range<usize>> {
        let quoted = quoted(text);
        let mut found = self.search.find(text.as_bytes(), &mut |form, seen| self.counts(form, seen, words, &quoted));
        if words != Words::OfACase {
            found.extend(written::named(text));
        }
        let begins_quoted = |range: &Range<usize>| text.get(..range.start).is_some_and(|before| before.ends_with('"'));
        let may_be_cut =
            |range: &Range<usize>| words != Words::OfACase || !self.variables.is_empty() || begins_quoted(range);
        found.extend(cuts::beginnings(&self.search, text).into_iter().filter(may_be_cut));
        found.extend(written::stars(text, |length| self.lengths.contains(&length)));
        found
    }

    fn counts(&self, form: &Form, seen: Occurrence<'_>, words: Words, quoted: &Range<usize>) -> bool {
        let of = |owners: &BTreeSet<usize>| form.owners.iter().any(|owner| owners.contains(owner));
        let among_ours = match words {
            Words::Theirs => false,
            Words::Ours => !of(&self.told),
            Words::OfACase => true,
        };
        let is_ours = among_ours && form.is_like_a_word && !seen.encoded;
        let anywhere = seen.is_alone(form.length) && !(is_ours && (seen.start < quoted.start || quoted.end < seen.end));
        let by_itself = words == Words::OfACase && !of(&self.variables);
        let whole = seen.is_whole() || (form.is_long() && seen.begins_quoted());
        if by_itself { whole && !seen.encoded } else { anywhere }
    }

    /// Where secrets stand in octets.
    pub(super) fn in_octets(&self, octets: &[u8]) -> Vec<Range<usize>> {
        self.search.find(octets, &mut |form, seen| seen.is_alone(form.length))
    }

    /// How many octets its patterns are.
    #[cfg(test)]
    pub(super) fn size(&self) -> usize {
        self.search.size()
    }
}

/// What others said: from the first quote to the last, or to the end where that one was cut off.
fn quoted(text: &str) -> Range<usize> {
    let start = text.find('"').unwrap_or(text.len());
    let end = text.rfind('"').unwrap_or(text.len());
    let is_cut = text.get(end..).is_some_and(|rest| rest.contains('…'));
    start..if is_cut { text.len() } else { end }
}

/// The text with [`MASK`] in the place of each range.
fn covered(text: &str, ranges: Vec<Range<usize>>) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut done = 0;
    for range in merged(ranges) {
        let (mut start, mut end) = (range.start.max(done), range.end.min(text.len()));
        // Octets that are no text can end within a character.
        while !text.is_char_boundary(start) {
            start -= 1;
        }
        while !text.is_char_boundary(end) {
            end += 1;
        }
        shown.push_str(text.get(done..start).unwrap_or_default());
        shown.push_str(MASK);
        done = end;
    }
    shown.push_str(text.get(done..).unwrap_or_default());
    shown
}
