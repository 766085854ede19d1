//! Finds secrets in octets, however they are written.
//!
//! One decision behind it: what is looked for is bounded, whatever an EUT tells: one automaton, at most [`MAX_PATTERNS`] octets of patterns in
//! it, and work that grows with what is searched. What has no place in it is hidden by its name, where it stands.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use aho_corasick::{
    Anchored, MatchKind,
    automaton::Automaton as _,
    nfa::contiguous::{Builder, NFA},
};

use super::{
    encoded,
    forms::{MAX_PATTERN, forms},
};

/// How many octets all that is looked for may be.
pub(super) const MAX_PATTERNS: usize = 64 * 1024;

/// A shorter secret hides nothing, and stands in every text: it is hidden only by its name.
pub(super) const MIN_SEARCHED: usize = 3;

/// A shorter one is hidden only where it is a whole value.
const MIN_WORD: usize = 4;

/// A shorter one is hidden only where it stands by itself, because it also stands in words that are none.
pub(super) const MIN_ANYWHERE: usize = 8;

/// Of so many long secrets that begin alike each is compared with what follows. Behind the beginning of more of them, as much is hidden as the
/// longest has.
const MAX_ALIKE: usize = 4;

/// A longer one is no word of a sentence.
const MAX_WORD: usize = 15;

/// So much of the beginning of a secret betrays too little to be looked for before a cut.
pub(super) const MIN_BEGINNING: usize = 3;

/// One way to write a secret, or several that begin alike.
#[derive(Debug)]
pub(super) struct Form {
    /// Which secrets they are, by their places among those given.
    pub(super) owners: Vec<usize>,
    /// How many octets the first of them has.
    pub(super) length: usize,
    /// Whether it could as well be a word of ours: it is short, or of letters alone and not long.
    pub(super) is_like_a_word: bool,
    /// The beginning, which is looked for.
    pattern: Vec<u8>,
    /// Each as a whole, where that is more.
    wholes: Vec<Vec<u8>>,
}

/// What some octets are held against: all secrets of a Trace.
#[derive(Debug, Default)]
pub(super) struct Search {
    automaton: Option<NFA>,
    forms: Vec<Form>,
    /// The places of the forms, ordered by their patterns.
    ordered: Vec<usize>,
}

impl Search {
    /// A search for these secrets, the first of them first, as far as they have a place in it.
    pub(super) fn new<'s>(secrets: impl IntoIterator<Item = (usize, &'s [u8])>) -> Self {
        let mut all: Vec<Form> = Vec::new();
        let mut places = BTreeMap::new();
        let mut left = MAX_PATTERNS;
        for (owner, secret) in secrets {
            if secret.len() < MIN_SEARCHED {
                continue;
            }
            let mut forms = forms(secret);
            forms.retain(|form| !places.contains_key(beginning(form)) || form.len() > MAX_PATTERN);
            let new = forms.iter().filter(|form| !places.contains_key(beginning(form)));
            let Some(rest) = left.checked_sub(new.map(|form| beginning(form).len()).sum()) else { continue };
            left = rest;
            for form in forms {
                let place = *places.entry(beginning(&form).to_vec()).or_insert(all.len());
                if place == all.len() {
                    all.push(Form::new(secret.len(), secret, beginning(&form)));
                }
                if let Some(it) = all.get_mut(place) {
                    it.owners.push(owner);
                    it.wholes.extend(Some(form).filter(|form| form.len() > MAX_PATTERN));
                }
            }
        }
        let patterns = all.iter().map(|form| &form.pattern);
        let automaton = Builder::new().match_kind(MatchKind::Standard).build(patterns).ok();
        let mut ordered: Vec<usize> = (0..all.len()).collect();
        ordered.sort_by_key(|at| all.get(*at).map(|form| &form.pattern));
        Self { automaton: automaton.filter(|_| !all.is_empty()), forms: all, ordered }
    }

    /// Where secrets stand, as they are, as hex and as base64. `accept` says whether an occurrence counts, of which it gets the octets around
    /// it and whether those were encoded.
    pub(super) fn find(&self, octets: &[u8], accept: Accept<'_>) -> Vec<Range<usize>> {
        if self.forms.is_empty() {
            return Vec::new();
        }
        let mut found = self.plain(octets, &mut |form, seen| accept(form, seen));
        encoded::each(octets, &mut |run| {
            let inside = self.plain(&run.octets, &mut |form, seen| {
                run.fits(form.length) && accept(form, Occurrence { encoded: true, ..seen })
            });
            found.extend(inside.into_iter().map(|range| run.outside(range)));
        });
        merged(found)
    }

    /// Where they stand as they are.
    fn plain(&self, octets: &[u8], accept: Accept<'_>) -> Vec<Range<usize>> {
        let Some(automaton) = &self.automaton else {
            // Nothing that is bounded like this fails to build; if it does, nothing is shown.
            return std::iter::once(0..octets.len()).filter(|_| !self.forms.is_empty()).collect();
        };
        let Ok(mut state) = automaton.start_state(Anchored::No) else { return Vec::new() };
        let mut found = Vec::new();
        let mut long = BTreeSet::new();
        for (at, octet) in octets.iter().enumerate() {
            state = automaton.next_state(Anchored::No, state, *octet);
            if !automaton.is_match(state) {
                continue;
            }
            // The longest that ends here comes first, and covers the others.
            for nth in 0..automaton.match_len(state) {
                let place = automaton.match_pattern(state, nth).as_usize();
                let Some(form) = self.forms.get(place) else { continue };
                let start = (at + 1).saturating_sub(form.pattern.len());
                if accept(form, Occurrence { octets, start, end: at + 1, encoded: false }) {
                    if form.wholes.len() > MAX_ALIKE {
                        found.push(start..start.saturating_add(form.longest()).min(octets.len()));
                    } else if form.is_long() {
                        long.insert(place);
                    }
                    found.push(start..at + 1);
                    break;
                }
            }
        }
        for form in long.into_iter().filter_map(|place| self.forms.get(place)) {
            for whole in &form.wholes {
                let range =
                    |range: Range<usize>| Occurrence { octets, start: range.start, end: range.end, encoded: false };
                let equal = as_far_as_equal(whole, octets).into_iter();
                found.extend(equal.filter(|it| accept(form, range(it.clone()))));
            }
        }
        found
    }

    /// How many octets at the end of `octets`, of at least [`MIN_BEGINNING`], begin a secret.
    pub(super) fn beginning(&self, octets: &[u8]) -> Option<usize> {
        let longest = octets.len().min(MAX_PATTERN);
        (MIN_BEGINNING..=longest).rev().find(|length| {
            let end = octets.get(octets.len() - length..).unwrap_or_default();
            let pattern = |at: &usize| self.forms.get(*at).map(|form| form.pattern.as_slice());
            let first = self.ordered.partition_point(|at| pattern(at).is_some_and(|it| it < end));
            self.ordered.get(first).and_then(pattern).is_some_and(|it| it.starts_with(end))
        })
    }

    /// How many octets its patterns are.
    #[cfg(test)]
    pub(super) fn size(&self) -> usize {
        self.forms.iter().map(|form| form.pattern.len()).sum()
    }
}

/// Says whether an occurrence counts.
pub(super) type Accept<'a> = &'a mut dyn FnMut(&Form, Occurrence<'_>) -> bool;

/// Where a form stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Occurrence<'o> {
    pub(super) octets: &'o [u8],
    pub(super) start: usize,
    pub(super) end: usize,
    /// Whether the octets stood as hex or base64 in what was searched.
    pub(super) encoded: bool,
}

impl Occurrence<'_> {
    /// Whether a secret of this length is by itself here, as its length asks for.
    pub(super) fn is_alone(self, length: usize) -> bool {
        if length >= MIN_ANYWHERE || self.is_whole() || self.is_counted(length) {
            return true;
        }
        let within = |at: usize| self.octets.get(at).copied().is_some_and(is_of_word);
        let begins = self.start.checked_sub(1).is_none_or(|before| !within(before) || !within(self.start));
        let ends = !within(self.end) || !self.end.checked_sub(1).is_some_and(within);
        length >= MIN_WORD && begins && ends
    }

    /// Whether it is all there is, or all between two quotes.
    pub(super) fn is_whole(self) -> bool {
        let before = self.start.checked_sub(1).and_then(|at| self.octets.get(at));
        let behind = self.octets.get(self.end);
        matches!((before, behind), (None, None) | (Some(b'"'), Some(b'"' | b'\\')))
    }

    /// Whether a quote stands before it.
    pub(super) fn begins_quoted(self) -> bool {
        self.start.checked_sub(1).and_then(|at| self.octets.get(at)) == Some(&b'"')
    }

    /// Whether its length stands before it, as in protobuf and MQTT.
    fn is_counted(self, length: usize) -> bool {
        let before = self.start.checked_sub(1).and_then(|at| self.octets.get(at));
        before.is_some_and(|octet| usize::from(*octet) == length)
    }
}

/// Letters of other alphabets count: a word is not ended by them.
const fn is_of_word(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || octet == b'_' || octet >= 0x80
}

impl Form {
    fn new(length: usize, secret: &[u8], pattern: &[u8]) -> Self {
        let letters = length <= MAX_WORD && secret.iter().all(u8::is_ascii_alphabetic);
        let is_like_a_word = letters || length < MIN_ANYWHERE;
        Self { owners: Vec::new(), length, is_like_a_word, pattern: pattern.to_vec(), wholes: Vec::new() }
    }

    /// Whether it is more than what is looked for.
    pub(super) fn is_long(&self) -> bool {
        !self.wholes.is_empty()
    }

    fn longest(&self) -> usize {
        self.wholes.iter().map(Vec::len).max().unwrap_or_default()
    }
}

/// What of a form is looked for.
fn beginning(form: &[u8]) -> &[u8] {
    form.get(..MAX_PATTERN).unwrap_or(form)
}

/// Every run of octets that is the beginning of this long form, as far as it is, by the algorithm of Knuth, Morris and Pratt: each octet is
/// looked at twice at most, however the form repeats itself.
fn as_far_as_equal(whole: &[u8], octets: &[u8]) -> Vec<Range<usize>> {
    let whole = whole.get(..whole.len().min(octets.len())).unwrap_or_default();
    let shorter = failures(whole);
    let back = |matched: usize| matched.checked_sub(1).and_then(|at| shorter.get(at)).copied().unwrap_or(0);
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut matched = 0;
    for (at, octet) in octets.iter().enumerate() {
        while matched > 0 && whole.get(matched) != Some(octet) {
            matched = back(matched);
        }
        matched += usize::from(whole.get(matched) == Some(octet));
        if matched >= MAX_PATTERN {
            let range = at + 1 - matched..at + 1;
            match found.last_mut() {
                Some(last) if range.start <= last.end => {
                    *last = last.start.min(range.start)..range.end;
                }
                _ => found.push(range),
            }
        }
    }
    found
}

/// For each beginning of a form, how long a shorter one stands at its end.
fn failures(form: &[u8]) -> Vec<usize> {
    let mut failures: Vec<usize> = Vec::with_capacity(form.len());
    let mut matched: usize = 0;
    for (at, octet) in form.iter().enumerate() {
        while matched > 0 && form.get(matched) != Some(octet) {
            matched = matched.checked_sub(1).and_then(|at| failures.get(at)).copied().unwrap_or(0);
        }
        matched += usize::from(at > 0 && form.get(matched) == Some(octet));
        failures.push(matched);
    }
    failures
}

/// The ranges in order, those that touch as one.
pub(super) fn merged(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_by_key(|range| range.start);
    let mut merged: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
    for range in ranges.into_iter().filter(|range| !range.is_empty()) {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}
