//! What a run keeps as evidence.

use clap::Args;

/// What a run keeps as evidence.
#[derive(Debug, Clone, Default, Args)]
pub struct EvidenceArgs {
    /// Write no captures (pcapng) beside the Traces, to save their space; the Traces hold the same octets.
    #[arg(long)]
    pub no_captures: bool,
}
