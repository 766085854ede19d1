//! What a shell and `man` get from the binary: completions that bash takes, and pages that leave out no command and no option.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop on the first surprise

use clap::CommandFactory as _;
use rstest::rstest;
use std::{
    collections::BTreeSet,
    process::{Command, Output},
};
use uspec_cli::args::Cli;

fn uspec(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_uspec")).args(arguments).output().unwrap()
}

/// What it writes when all is well.
fn written(arguments: &[&str]) -> String {
    let output = uspec(arguments);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn commands() -> Vec<String> {
    Cli::command().get_subcommands().map(|it| it.get_name().to_owned()).collect()
}

/// Bash sources the script and completes this line, whose last word is being written.
fn completed(line: &[&str]) -> Vec<String> {
    let script = format!(
        "{}\nCOMP_WORDS=({}); COMP_CWORD={}; _uspec uspec '{}' '{}'; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        written(&["completions", "bash"]),
        line.join(" "),
        line.len() - 1,
        line[line.len() - 1],
        line[line.len() - 2],
    );
    let bash = Command::new("bash").args(["--norc", "-euc", &script]).output().unwrap();
    assert!(bash.status.success(), "{}", String::from_utf8_lossy(&bash.stderr));
    String::from_utf8(bash.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[rstest]
#[case::a_command(&["uspec", "comp"], &["completions"])]
#[case::an_option(&["uspec", "run", "--dry"], &["--dry-run"])]
#[case::a_value(&["uspec", "list", "--format", "j"], &["json"])]
#[case::a_shell(&["uspec", "completions", "z"], &["zsh"])]
fn bash_completes(#[case] line: &[&str], #[case] wanted: &[&str]) {
    assert_eq!(completed(line), wanted);
}

#[rstest]
fn every_shell_gets_every_command(#[values("bash", "elvish", "fish", "powershell", "zsh")] shell: &str) {
    let script = written(&["completions", shell]);
    for command in commands() {
        assert!(script.contains(&command), "{shell} does not know {command}");
    }
}

#[test]
fn the_manual_has_a_page_for_every_command() {
    let folder = tempfile::tempdir().unwrap();
    // As a reader sees it: hyphens and apostrophes are escaped in a page.
    let read = |arguments: &[&str]| written(arguments).replace("\\-", "-").replace("\\*(Aq", "'");
    let page = |of: &str| read(&["man", of]);
    let first = read(&["man"]);
    written(&["man", "--out", &folder.path().join("man1").display().to_string()]);
    let there = folder.path().join("man1").read_dir().unwrap();
    let files: BTreeSet<String> = there.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    let mut wanted: BTreeSet<String> = commands().iter().map(|it| format!("uspec-{it}.1")).collect();
    wanted.insert("uspec.1".to_owned());
    assert_eq!(files, wanted);
    for command in Cli::command().get_subcommands() {
        let name = command.get_name();
        assert!(first.contains(&format!("uspec-{name}(1)")), "{name} is missing");
        let page = page(name);
        for option in command.get_arguments().filter_map(|it| it.get_long()) {
            assert!(page.contains(&format!("--{option}")), "{name} --{option} is missing");
        }
        let examples = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        for example in examples.lines().filter(|line| line.starts_with("  uspec ")) {
            assert!(page.contains(example.trim()), "{name}: {example} is missing");
        }
    }
}

#[test]
fn a_page_of_no_command_is_refused() {
    let output = uspec(&["man", "walk"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no command `walk`"));
}
