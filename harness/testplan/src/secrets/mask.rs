//! Puts a word in the place of every secret in a text.

use std::collections::BTreeSet;

use aho_corasick::{AhoCorasick, MatchKind};

use super::{Secret, forms, secrets};
use crate::{
    trace::Trace,
    verdict::{CleanUp, Judgement},
};

/// What stands in the place of a secret.
pub const MASK: &str = "•••• (secret)";

/// Where `show` and the reports have cut a text: what stands before may be the beginning of a secret.
const CUTS: [&str; 2] = ["…", " […"];

/// So much of the beginning of a secret betrays too little to be looked for before a cut.
const MIN_BEGINNING: usize = 3;

/// The secrets of one Trace, to be masked in what is shown of it.
#[derive(Debug, Default)]
pub struct Mask {
    forms: Vec<forms::Form>,
    finder: Option<AhoCorasick>,
    lengths: BTreeSet<usize>,
}

impl Mask {
    /// The mask for what is shown of this Trace.
    pub fn of(trace: &Trace) -> Self {
        Self::new(&secrets(trace))
    }

    /// A mask for these secrets.
    pub fn new(secrets: &[Secret]) -> Self {
        let values: BTreeSet<&[u8]> = secrets.iter().map(|secret| secret.value.as_slice()).collect();
        let forms: Vec<_> =
            values.iter().filter(|value| !value.is_empty()).flat_map(|value| forms::in_text(value)).collect();
        let lengths = values.iter().map(|value| value.len()).filter(|length| *length > 0).collect();
        let finder = finder(&forms);
        Self { forms, finder, lengths }
    }

    /// Whether there is nothing to mask.
    pub fn is_empty(&self) -> bool {
        self.forms.is_empty()
    }

    /// The text with [`MASK`] in the place of each secret, however it is written there, and of the beginning of one where the text was cut.
    pub fn apply(&self, text: &str) -> String {
        if self.is_empty() {
            return text.to_owned();
        }
        let mut shown = self.whole(text);
        for cut in CUTS {
            shown = self.beginnings(&shown, cut);
        }
        self.stars(&shown)
    }

    /// A judgement as reports may show it.
    pub(crate) fn judgement(&self, judgement: &mut Judgement) {
        if self.is_empty() {
            return;
        }
        let on = |text: &mut String| *text = self.apply(text);
        judgement.reason.iter_mut().for_each(on);
        for finding in judgement.metrics.iter_mut().chain(&mut judgement.universal).flat_map(|it| &mut it.findings) {
            [&mut finding.expected, &mut finding.seen].into_iter().chain(&mut finding.path).for_each(on);
        }
        match &mut judgement.clean_up {
            CleanUp::Clean => {}
            CleanUp::Dirty(differences) => differences.iter_mut().for_each(on),
            CleanUp::Unverified(why) => on(why),
        }
    }

    fn whole(&self, text: &str) -> String {
        let Some(finder) = &self.finder else { return MASK.to_owned() };
        let mut shown = String::with_capacity(text.len());
        let mut done = 0;
        for found in finder.find_iter(text) {
            let Some(form) = self.forms.get(found.pattern().as_usize()) else { continue };
            let (start, end) = (found.start() + form.before, found.end() - form.after);
            shown.push_str(text.get(done..start).unwrap_or_default());
            shown.push_str(MASK);
            done = end;
        }
        shown.push_str(text.get(done..).unwrap_or_default());
        shown
    }

    /// Masks the beginning of a secret that stands right before a cut.
    fn beginnings(&self, text: &str, cut: &str) -> String {
        let mut shown = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once(cut) {
            match self.forms.iter().filter_map(|form| beginning(before, form)).max() {
                Some(length) => {
                    shown.push_str(before.get(..before.len() - length).unwrap_or_default());
                    shown.push_str(MASK);
                }
                None => shown.push_str(before),
            }
            shown.push_str(cut);
            rest = after;
        }
        shown.push_str(rest);
        shown
    }

    /// The stars that stand in the bytes of a masked Trace, where they are a whole value.
    fn stars(&self, text: &str) -> String {
        let quoted = |length: usize| format!("\"{}\"", "*".repeat(length));
        let masked = format!("\"{MASK}\"");
        self.lengths.iter().fold(text.to_owned(), |text, length| {
            if text.contains("\"*") { text.replace(&quoted(*length), &masked) } else { text }
        })
    }
}

/// How much of the end of `text` is the beginning of a secret.
fn beginning(text: &str, form: &forms::Form) -> Option<usize> {
    let secret = form.pattern.get(form.before..form.pattern.len() - form.after)?;
    let longest = secret.len().min(text.len());
    let fits = |length: &usize| {
        let start = text.len() - length;
        text.is_char_boundary(start) && secret.get(..*length).is_some_and(|it| text.as_bytes().ends_with(it))
    };
    (MIN_BEGINNING..=longest).rev().find(fits)
}

/// Finds any of the forms, the longest first; `None` when there are too many, and then everything counts as secret.
pub(super) fn finder(forms: &[forms::Form]) -> Option<AhoCorasick> {
    let patterns = forms.iter().map(|form| &form.pattern);
    AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(patterns).ok()
}
