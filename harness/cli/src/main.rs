//! The `uspec` binary. Here is what touches files, terminals and exit codes; everything else is in the libraries.

mod args;
mod command;
mod load;
mod outcome;

use args::{Cli, Command};
use clap::Parser;
use outcome::Exit;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match &cli.command {
        Command::Check(args) => command::check::run(args),
        Command::List(args) => command::list::run(args),
        Command::Judge(args) => command::judge::run(args),
        Command::Schema(args) => command::schema::run(args),
    };
    match done {
        Ok(exit) => exit.into(),
        Err(error) => {
            eprint!("{error}");
            Exit::NothingRun.into()
        }
    }
}
