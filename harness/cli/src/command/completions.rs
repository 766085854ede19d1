//! `uspec completions`: what a shell reads to complete our command line.

use crate::{
    args::{Cli, CompletionsArgs},
    outcome::{Exit, tell},
};
use clap::CommandFactory as _;

/// Runs the command.
pub fn run(args: &CompletionsArgs) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "uspec", &mut script);
    tell(&String::from_utf8_lossy(&script));
    Exit::Good
}
