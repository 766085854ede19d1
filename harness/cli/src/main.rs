//! The `uspec` binary.

use clap::Parser as _;
use std::process::ExitCode;
use uspec_cli::{args::Cli, command, outcome::Exit};

fn main() -> ExitCode {
    match command::run(&Cli::parse()) {
        Ok(exit) => exit.into(),
        Err(error) => {
            eprint!("{error}");
            Exit::NothingRun.into()
        }
    }
}
