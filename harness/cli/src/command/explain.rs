//! `uspec explain`: what a case is about, and what usually makes it fail.

use crate::{
    args::{ExplainArgs, Format},
    explain::Explanation,
    load,
    outcome::{Error, Exit, tell},
};
use uspec_testplan::{
    case::CaseId,
    catalogue::{Catalogue, Entry},
};

/// Runs the command.
///
/// # Errors
/// A case that the catalogue does not have.
pub fn run(args: &ExplainArgs) -> Result<Exit, Error> {
    let catalogue = load::catalogue(&args.catalogue)?;
    let entries = args.cases.iter().map(|case| entry(&catalogue, case)).collect::<Result<Vec<_>, _>>()?;
    let explained: Vec<_> = entries.into_iter().map(|entry| Explanation::of(entry, &catalogue)).collect();
    match args.format {
        Format::Json => {
            let text =
                serde_json::to_string_pretty(&explained).map_err(|cause| Error::new("the explanation", &cause))?;
            tell(&format!("{text}\n"));
        }
        Format::Text => {
            let texts: Vec<_> = explained.iter().map(Explanation::text).collect();
            tell(&texts.join("\n"));
        }
    }
    Ok(Exit::Good)
}

fn entry<'c>(catalogue: &'c Catalogue, case: &str) -> Result<&'c Entry, Error> {
    let wrong = |why: String| Error::Message(format!("error: {why}; `uspec list` shows every case"));
    let id: CaseId = case.parse().map_err(|cause| wrong(format!("{cause}")))?;
    catalogue.get(&id).ok_or_else(|| wrong(format!("the catalogue has no case {id}")))
}
