//! Whatever is done to a good case file, it is read or explained, and never crashes the reader.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may abort")]

use std::sync::LazyLock;

use proptest::prelude::*;
use uspec_testplan::catalogue::{Catalogue, Source};

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::read(&Source::Embedded).0);

const CASE: &str = include_str!("../../../testcases/tp469/1/1.10.yaml");

#[test]
fn the_case_itself_is_right() {
    assert_eq!(CATALOGUE.check_case("tp469/1/1.10.yaml", CASE).to_string(), "");
}

proptest! {
    /// One line less, doubled, or with a word exchanged.
    #[test]
    fn an_altered_case_is_explained(line in 0_usize..90, what in 0..4, word in "[$a-z_{}: -]{0,12}") {
        let mut lines: Vec<String> = CASE.lines().map(str::to_owned).collect();
        let line = line % lines.len();
        match what {
            0 => drop(lines.remove(line)),
            1 => lines.insert(line, lines[line].clone()),
            2 => lines[line] = lines[line].replacen(|c: char| c.is_ascii_lowercase(), &word, 1),
            _ => lines.insert(line, word),
        }
        let problems = CATALOGUE.check_case("tp469/1/1.10.yaml", &lines.join("\n"));
        for problem in problems.iter() {
            prop_assert!(!problem.message.is_empty());
            prop_assert!(problem.line >= 1 && problem.line <= lines.len() + 1, "{problems}");
        }
    }
}

/// A draft may stand anywhere; within a catalogue its place counts.
#[test]
fn where_a_file_stands_counts_within_a_catalogue() {
    for path in ["1.10.yaml", "./1.10.yaml", "/home/me/draft/1.10.yaml", "testcases/tp469/1/1.10.yaml"] {
        assert_eq!(CATALOGUE.check_case(path, CASE).to_string(), "", "{path}");
    }
    for path in ["testcases/tp469/2/1.10.yaml", "tr369/1/1.10.yaml", "draft/1.11.yaml"] {
        assert_eq!(CATALOGUE.check_case(path, CASE).len(), 1, "{path}");
    }
}
