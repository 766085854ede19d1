//! Arguments of `uspec merge`.

use clap::Args;
use std::path::PathBuf;

/// Arguments of `uspec merge`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  uspec merge reports/whole shard-1 shard-2 shard-3     the reports of three shards as one, with their Traces
  uspec merge --allow-missing reports/whole shard-*     also when one of them never came

Each shard must be as its run has left it: its SHA256SUMS is checked, and what was changed is not merged.
The exit code is that of the whole run: see `uspec run --help`.")]
pub struct MergeArgs {
    /// Where the whole report goes: a folder that is not there yet, or is empty.
    #[arg(value_name = "OUT")]
    pub out: PathBuf,
    /// The reports folders of the shards.
    #[arg(value_name = "SHARD", required = true)]
    pub shards: Vec<PathBuf>,
    /// Merge although a shard is missing: its results are not reached, and the report says so.
    #[arg(long)]
    pub allow_missing: bool,
    /// Put before the path in `[[ATTACHMENT|…]]`; by default OUT as given.
    #[arg(long, value_name = "PREFIX")]
    pub attachment_base: Option<String>,
}
