//! Arguments of `uspec diff`.

use super::Format;
use clap::Args;
use std::path::PathBuf;

/// Arguments of `uspec diff`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  uspec diff reports/before reports/out                what has changed between two runs, new fails first
  uspec diff before/run.json after/run.json            the same from the run reports alone
  uspec diff --format json reports/before reports/out  for programs

Exit codes:
  0  nothing is worse
  1  something is worse: a new fail, or what passed and does not any more, passes only when it is repeated, or does not apply any
     more although profile and selection are the same
  2  a run report that cannot be read")]
pub struct DiffArgs {
    /// The folder of the earlier run, or its run.json.
    #[arg(value_name = "A")]
    pub before: PathBuf,
    /// The folder of the later run, or its run.json.
    #[arg(value_name = "B")]
    pub after: PathBuf,
    /// How it is written.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}
