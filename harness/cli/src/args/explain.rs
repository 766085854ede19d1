//! Arguments of `uspec explain`.

use super::{CatalogueArgs, Format};
use clap::Args;

/// Arguments of `uspec explain`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  uspec explain 1.10            purpose, procedure, metrics, requirements, and what usually makes it fail
  uspec explain R-UDS.21        the same of a case of our own
  uspec explain 1.1 --format json

Every fault that it names can be seen at work: `uspec run 1.1 --fault add-omits-unique-keys`.")]
pub struct ExplainArgs {
    /// The case, by its number.
    #[arg(value_name = "CASE", required = true)]
    pub cases: Vec<String>,
    /// From where the catalogue comes.
    #[command(flatten)]
    pub catalogue: CatalogueArgs,
    /// How it is written.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}
