//! A GetSupportedProtocolResp lists versions of USP, separated by commas.

use uspec_usp::version::UspVersion;

use super::{Argument, Arguments, Evidence, Judged, Kind, read};
use crate::{
    judge::finding::{met, unmet},
    show,
};

pub(super) const SAYS: &str = "a comma-separated list of versions, each major.minor";

pub(super) const ARGUMENTS: &[Argument] = &[Argument::required("of", Kind::Label, "the GetSupportedProtocol")];

pub(super) fn judge(evidence: Evidence<'_>, arguments: &Arguments<'_>) -> Judged {
    const FIELD: &str = "agent_supported_protocol_versions";
    let reply = evidence.response(arguments.text("of")?)?;
    let list = read::text(reply.body, FIELD).unwrap_or_default();
    Ok(vec![match UspVersion::parse_list(list) {
        Ok(_) => met(SAYS, show::quoted(list), vec![reply.seq]).at(FIELD),
        Err(errors) => {
            let why = errors.first().map(ToString::to_string).unwrap_or_default();
            unmet(SAYS, format!("{}: {}", show::quoted(list), show::cut(&why)), vec![reply.seq]).at(FIELD)
        }
    }])
}
