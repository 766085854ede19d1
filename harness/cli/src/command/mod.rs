//! One file a subcommand.

pub mod agent;
pub mod check;
pub mod completions;
pub mod diff;
pub mod doctor;
pub mod explain;
pub mod init;
pub mod judge;
mod judging;
pub mod list;
pub mod man;
pub mod merge;
pub mod pki;
mod rejudge;
pub mod run;
pub mod schema;

use crate::{
    args::{Cli, Command},
    outcome::{Error, Exit},
};

/// Does what the command line says.
///
/// # Errors
/// Whatever keeps it from being done.
pub fn run(cli: &Cli) -> Result<Exit, Error> {
    match &cli.command {
        Command::Run(args) => run::run(args),
        Command::Check(args) => check::run(args),
        Command::Init(args) => init::run(args),
        Command::List(args) => list::run(args),
        Command::Judge(args) => judge::run(args),
        Command::Diff(args) => diff::run(args),
        Command::Explain(args) => explain::run(args),
        Command::Merge(args) => merge::run(args),
        Command::Doctor(args) => doctor::run(args),
        Command::Agent(args) => agent::run(args),
        Command::Pki(args) => pki::run(args),
        Command::Schema(args) => schema::run(args),
        Command::Completions(args) => Ok(completions::run(args)),
        Command::Man(args) => man::run(args),
    }
}
