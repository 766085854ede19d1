//! `testcases/FORMAT.md` teaches what the code does: its examples are right, and its lists are complete.
//!
//! With `UPDATE_EXPECTED=1` in the environment the generated lists are written anew.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may abort")]

use std::{collections::BTreeSet, env, fs, path::Path};

use uspec_testplan::{
    case::{PacketKind, Sender},
    catalogue::{Catalogue, Source},
    pattern,
    profile::{ELEMENTS, EutProfile},
    rule,
};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testcases/FORMAT.md");

fn text() -> String {
    fs::read_to_string(FILE).unwrap()
}

/// The texts of the fenced YAML blocks.
fn examples(text: &str) -> Vec<String> {
    text.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

#[test]
fn the_examples_are_right() {
    let catalogue = Catalogue::read(&Source::Embedded).0;
    let examples = examples(&text());
    let check = |case: &str| {
        let problems = catalogue.check_case("tp469/1/1.24.yaml", case);
        assert!(problems.is_empty(), "{problems}");
    };
    let whole: Vec<_> = examples.iter().filter(|it| it.starts_with("format: 1\nid:")).collect();
    let profiles: Vec<_> = examples.iter().filter(|it| it.starts_with("format: 1\nname:")).collect();
    assert_eq!((whole.len(), profiles.len(), examples.len()), (1, 1, 6));
    check(whole[0]);
    if let Err(problems) = EutProfile::parse("profile.yaml", profiles[0], Path::new("")) {
        panic!("{problems}");
    }
    let indent = |text: &str| format!("  {}\n", text.trim_end().replace('\n', "\n  "));
    let steps: Vec<_> = examples.iter().filter(|it| it.contains("- await:")).collect();
    let checks: Vec<_> =
        examples.iter().filter(|it| it.starts_with("response:") || it.starts_with("packet:")).collect();
    assert_eq!((steps.len(), checks.len()), (2, 2));
    for steps in steps {
        check(&whole[0].replace("procedure: ", &format!("procedure:\n{}#", indent(steps))));
    }
    for metric in checks {
        let rule = "    rule: instances_gone\n    with: {of: delete, read: get}\n";
        check(&whole[0].replace(rule, &indent(&indent(metric))));
    }
}

#[test]
fn every_matcher_is_explained_and_no_other() {
    let words = regex::Regex::new(r"`(\$[a-z_]+)").unwrap();
    let text = text();
    let explained: BTreeSet<_> = words.captures_iter(&text).map(|it| it[1].to_owned()).collect();
    let known: BTreeSet<_> = pattern::matcher_names().into_iter().map(str::to_owned).collect();
    assert_eq!(explained, known);
}

#[test]
fn the_generated_lists_are_fresh() {
    let mut rules = Vec::new();
    for name in rule::names() {
        let lines = rule::describe(name).unwrap();
        rules.push(format!("- **`{name}`**: {}", lines[0]));
        rules.extend(lines[1..].iter().map(|line| format!("  - {line}")));
    }
    let mut elements = vec!["| name | the plan's own | what it is |".to_owned(), "| --- | --- | --- |".to_owned()];
    elements.extend(ELEMENTS.iter().map(|it| format!("| `{}` | `{}` | {} |", it.name, it.default, it.meaning)));
    let mut packets = vec!["| packet | an EUT sends it over | it shows |".to_owned(), "| --- | --- | --- |".to_owned()];
    packets.extend(PacketKind::all(Sender::Eut, None).map(packet));
    let old = text();
    let lists = [("rules", rules), ("elements", elements), ("packets", packets)];
    let new = lists.iter().fold(old.clone(), |text, (name, lines)| replaced(&text, name, &lines.join("\n")));
    if env::var_os("UPDATE_EXPECTED").is_some() {
        fs::write(FILE, &new).unwrap();
    } else {
        assert!(old == new, "FORMAT.md is stale: run this test with UPDATE_EXPECTED=1");
    }
}

/// The row of a packet, without what every one shows.
fn packet(kind: PacketKind) -> String {
    let shows = kind.shows().iter().filter(|key| !["kind", "body", "body_hex"].contains(*key));
    let shows: Vec<_> = shows.map(|key| format!("`{key}`")).collect();
    format!("| `{}` | {} | {} |", kind.name(), kind.of_eut().join(", "), shows.join(", "))
}

/// The text with the generated section of this name written anew.
fn replaced(text: &str, name: &str, section: &str) -> String {
    let begin = format!("<!-- generated: {name} -->\n");
    let (before, rest) = text.split_once(&begin).unwrap();
    let (_, after) = rest.split_once("<!-- end -->").unwrap();
    format!("{before}{begin}\n{section}\n\n<!-- end -->{after}")
}
