//! What stands on a terminal while cases run, and what does not. `script`, of Debian's essential packages, is the terminal.
#![allow(clippy::unwrap_used)] // a test may stop on the first surprise

use rstest::rstest;
use std::process::{Command, Stdio};

/// One case that passes and one that fails.
const RUN: &str = "run 1.24 1.1 --mtp uds --fault add-omits-unique-keys";
const BAR: &str = "] 2/2  ";
const RED: &str = "\u{1b}[31m";
const PASSED: &str = "pass         1.24";
const FAILED: &str = "fail         1.1 ";
const SUMMARY: &str = ": 1 pass, 1 fail, 0 inconclusive, 0 error, ";

/// What the terminal gets to show.
fn shown(environment: &[(&str, &str)], more: &str) -> String {
    let out = tempfile::tempdir().unwrap();
    let line = format!("{} {RUN} --out {} {more}", env!("CARGO_BIN_EXE_uspec"), out.path().display());
    let mut command = Command::new("script");
    command.args(["--quiet", "--return", "--command", &line, "/dev/null"]).stdin(Stdio::null());
    command.env("TERM", "xterm").env_remove("NO_COLOR").envs(environment.iter().copied());
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    text
}

#[rstest]
#[case::as_it_is(&[], "", &[BAR, RED, FAILED, SUMMARY], &[PASSED])]
#[case::without_colours(&[("NO_COLOR", "1")], "", &[BAR, FAILED, SUMMARY], &[RED, PASSED])]
#[case::an_empty_wish_is_none(&[("NO_COLOR", "")], "", &[RED], &[])]
#[case::without_a_cursor(&[("TERM", "dumb")], "", &[RED, PASSED, FAILED, SUMMARY], &[BAR])]
#[case::quiet(&[], "--quiet", &[SUMMARY], &[BAR, RED, "waiting for the EUT"])]
#[case::lines_into_a_file(&[], "> /dev/null", &[BAR], &[RED, SUMMARY])]
#[case::errors_into_a_file(&[], "2> /dev/null", &[RED, PASSED, SUMMARY], &[BAR])]
fn a_terminal_shows(
    #[case] environment: &[(&str, &str)],
    #[case] more: &str,
    #[case] wanted: &[&str],
    #[case] unwanted: &[&str],
) {
    let text = shown(environment, more);
    for word in wanted {
        assert!(text.contains(word), "{word:?} is missing: {text:?}");
    }
    for word in unwanted {
        assert!(!text.contains(word), "{word:?} is there: {text:?}");
    }
}
