//! Arguments of `uspec man`.

use clap::Args;
use std::path::PathBuf;

/// Arguments of `uspec man`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  uspec man | man -l -                                   read it now
  uspec man run | man -l -                               the page of one command
  uspec man --out ~/.local/share/man/man1                every page; `man uspec-run` finds them there")]
pub struct ManArgs {
    /// The command whose page is written; that of uspec itself when none is named.
    #[arg(value_name = "COMMAND")]
    pub of: Option<String>,
    /// Write every page into this folder, which is made if it is not there.
    #[arg(long, value_name = "DIR", conflicts_with = "of")]
    pub out: Option<PathBuf>,
}
