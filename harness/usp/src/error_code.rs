//! The error codes of USP, and which of them a Message may carry where.
//!
//! TR-369 says it twice: each Message's chapter lists the codes that suit it, and the table of error codes has a column
//! of the Messages that a code belongs to. They differ (7025 is in no list, 7009 is not in Add's column), and neither
//! is worded as exhaustive, so a code is applicable when either of them has it. Where a code may stand inside a Message
//! is said for four cases only:
//!
//! - 7000 and 7001 are for an Error Message, so they stand in its `err_code` and its `param_errs`, and in no Response;
//! - 7100 to 7106 speak of a Record, and come back in an Error as well (R-MTP.5), whatever the Request was;
//! - 7027 stands in a `cmd_failure` (R-OPR.5), although its list does not have it;
//! - a failed command of a Notify has the codes of Operate.
//!
//! About everything else the standard is silent, and this module permits it: `param_errs` of an Error may name an
//! Object as well as a Parameter, so object codes are allowed there.

use std::{fmt, ops::RangeInclusive};

use serde::{Deserialize, Serialize};

use crate::schema::MessageKind;

/// Codes that the data model defines for its own commands and Parameters; they may stand wherever a path failed.
pub const DATA_MODEL_CODES: RangeInclusive<u32> = 7200..=7299;
/// Codes that a vendor may define; nothing is required of them.
pub const VENDOR_CODES: RangeInclusive<u32> = 7800..=7999;
/// Codes about Records that are assigned today, of the range 7100 to 7199.
pub const RECORD_CODES: RangeInclusive<u32> = 7100..=7106;

/// Where in a Message an error code stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// `Error.err_code`.
    ErrorMessage,
    /// `param_errs[].err_code`, of an Error or of a Response.
    ParamError,
    /// The failure of one requested path: `oper_failure`, `unaffected_path_errs`, `req_path_results` and the like.
    PathResult,
    /// `cmd_failure.err_code`, of an OperateResp or of a Notify's OperationComplete.
    CommandFailure,
}

/// One code that TR-369 assigns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorCode {
    /// The number.
    pub code: u32,
    /// The standard's short name for it.
    pub name: &'static str,
    applies: Applies,
}

/// The column "Applicability" of the table of error codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Applies {
    ErrorMessage,
    Any,
    AnyRequestedPath,
    To(&'static [MessageKind]),
    Record,
}

impl ErrorCode {
    /// The assigned code with this number; `None` for data model and vendor codes, too.
    pub fn get(code: u32) -> Option<&'static Self> {
        ASSIGNED.iter().find(|it| it.code == code)
    }

    /// Every assigned code, in order.
    pub const fn all() -> &'static [Self] {
        ASSIGNED
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.name)
    }
}

/// How a report writes any number in an error field: with its name where it has one.
pub fn describe(code: u32) -> String {
    match ErrorCode::get(code) {
        Some(known) => known.to_string(),
        None if DATA_MODEL_CODES.contains(&code) => format!("{code} (defined by the data model)"),
        None if VENDOR_CODES.contains(&code) => format!("{code} (defined by the vendor)"),
        None => format!("{code} (not assigned)"),
    }
}

/// Whether an answer to a Request of this kind may carry `code` at `place`; see the module for what is permitted where
/// TR-369 is silent.
///
/// For an OperationComplete, `kind` is [`MessageKind::Notify`]. The value 0, by which some results say that nothing
/// failed, is no error code and never applicable.
pub fn applicable(kind: MessageKind, code: u32, place: Place) -> bool {
    if DATA_MODEL_CODES.contains(&code) || VENDOR_CODES.contains(&code) {
        return true;
    }
    // What failed is the Operate that came before.
    let kind = if place == Place::CommandFailure { MessageKind::Operate } else { kind };
    ErrorCode::get(code).is_some_and(|known| match known.applies {
        // `param_errs` stand in an Error as well, and TR-369 does not keep these codes out of them.
        Applies::ErrorMessage => matches!(place, Place::ErrorMessage | Place::ParamError),
        Applies::Record => place == Place::ErrorMessage,
        Applies::Any => true,
        Applies::AnyRequestedPath => has_requested_path(kind) || is_listed(kind, code),
        Applies::To(kinds) => kinds.contains(&kind) || is_listed(kind, code),
    })
}

/// The codes that [`applicable`] accepts, for a finding's text: `7002-7008, 7016, 7200-7299, 7800-7999`.
pub fn describe_applicable(kind: MessageKind, place: Place) -> String {
    let assigned = ASSIGNED.iter().map(|it| it.code).filter(|code| applicable(kind, *code, place));
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for code in assigned {
        match ranges.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(code) => *last = code,
            _ => ranges.push((code, code)),
        }
    }
    ranges.extend([&DATA_MODEL_CODES, &VENDOR_CODES].map(|range| (*range.start(), *range.end())));
    let texts = ranges.into_iter().map(|(from, to)| if from == to { from.to_string() } else { format!("{from}-{to}") });
    texts.collect::<Vec<_>>().join(", ")
}

/// The list in the chapter of each Message; GetSupportedProtocol's chapter has none.
fn is_listed(kind: MessageKind, code: u32) -> bool {
    let list: &[RangeInclusive<u32>] = match kind {
        MessageKind::Add => &[7000..=7019, 7026..=7026],
        MessageKind::Set => &[7000..=7016, 7020..=7021, 7026..=7026],
        MessageKind::Delete => &[7000..=7008, 7015..=7016, 7018..=7018, 7024..=7024, 7026..=7026],
        MessageKind::Get => &[7000..=7006, 7008..=7008, 7010..=7010, 7016..=7016, 7026..=7026],
        MessageKind::GetInstances => &[7000..=7006, 7008..=7008, 7016..=7016, 7018..=7018, 7026..=7026],
        MessageKind::GetSupportedDM => &[7000..=7006, 7008..=7008, 7016..=7016, 7026..=7026],
        MessageKind::Register => &[7000..=7008, 7016..=7016, 7028..=7029],
        MessageKind::Deregister => &[7000..=7008, 7016..=7016, 7030..=7030],
        MessageKind::Notify => &[7000..=7006],
        MessageKind::Operate => &[7000..=7008, 7016..=7016, 7022..=7022, 7026..=7027],
        MessageKind::GetSupportedProtocol => &[],
    };
    list.iter().any(|range| range.contains(&code))
}

/// Kinds whose Response tells results by requested path.
const fn has_requested_path(kind: MessageKind) -> bool {
    !matches!(kind, MessageKind::Notify | MessageKind::GetSupportedProtocol)
}

const ADD_SET: Applies = Applies::To(&[MessageKind::Add, MessageKind::Set]);
const ADD: Applies = Applies::To(&[MessageKind::Add]);
const SET: Applies = Applies::To(&[MessageKind::Set]);
const OPERATE: Applies = Applies::To(&[MessageKind::Operate]);
const REGISTER: Applies = Applies::To(&[MessageKind::Register]);
const DEREGISTER: Applies = Applies::To(&[MessageKind::Deregister]);

const fn assigned(code: u32, name: &'static str, applies: Applies) -> ErrorCode {
    ErrorCode { code, name, applies }
}

const ASSIGNED: &[ErrorCode] = &[
    assigned(7000, "Message failed", Applies::ErrorMessage),
    assigned(7001, "Message not supported", Applies::ErrorMessage),
    assigned(7002, "Request denied", Applies::Any),
    assigned(7003, "Internal error", Applies::Any),
    assigned(7004, "Invalid arguments", Applies::Any),
    assigned(7005, "Resources exceeded", Applies::Any),
    assigned(7006, "Permission denied", Applies::Any),
    assigned(7007, "Invalid configuration", Applies::Any),
    assigned(7008, "Invalid path syntax", Applies::AnyRequestedPath),
    assigned(7009, "Parameter action failed", SET),
    assigned(7010, "Unsupported parameter", ADD_SET),
    assigned(7011, "Invalid type", ADD_SET),
    assigned(7012, "Invalid value", ADD_SET),
    assigned(7013, "Attempt to update non-writeable parameter", ADD_SET),
    assigned(7014, "Value conflict", ADD_SET),
    assigned(7015, "Operation error", Applies::To(&[MessageKind::Add, MessageKind::Set, MessageKind::Delete])),
    assigned(7016, "Object does not exist", Applies::Any),
    assigned(7017, "Object could not be created", ADD),
    assigned(7018, "Object is not a table", Applies::To(&[MessageKind::Add, MessageKind::GetInstances])),
    assigned(7019, "Attempt to create non-creatable object", ADD),
    assigned(7020, "Object could not be updated", SET),
    assigned(7021, "Required parameter failed", ADD_SET),
    assigned(7022, "Command failure", OPERATE),
    assigned(7023, "Command canceled", OPERATE),
    assigned(7024, "Delete failure", Applies::To(&[MessageKind::Delete])),
    assigned(7025, "Object exists with duplicate key", ADD_SET),
    assigned(7026, "Invalid path", Applies::Any),
    assigned(7027, "Invalid command arguments", OPERATE),
    assigned(7028, "Register failure", REGISTER),
    assigned(7029, "Already in use", REGISTER),
    assigned(7030, "Deregister failure", DEREGISTER),
    assigned(7031, "Path already registered", DEREGISTER),
    assigned(7100, "Record could not be parsed", Applies::Record),
    assigned(7101, "Secure session required", Applies::Record),
    assigned(7102, "Secure session not supported", Applies::Record),
    assigned(7103, "Segmentation and reassembly not supported", Applies::Record),
    assigned(7104, "Invalid Record value", Applies::Record),
    assigned(7105, "Session Context terminated", Applies::Record),
    assigned(7106, "Session Context not allowed", Applies::Record),
];

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    // The list of the chapter alone, the column alone, both.
    #[case(MessageKind::Add, 7009, Place::ParamError, true)]
    #[case(MessageKind::Add, 7025, Place::PathResult, true)]
    #[case(MessageKind::Add, 7021, Place::PathResult, true)]
    #[case(MessageKind::Set, 7020, Place::PathResult, true)]
    #[case(MessageKind::Get, 7010, Place::PathResult, true)]
    #[case(MessageKind::Delete, 7018, Place::PathResult, true)]
    #[case(MessageKind::Deregister, 7031, Place::PathResult, true)]
    // Neither.
    #[case(MessageKind::Add, 7020, Place::PathResult, false)]
    #[case(MessageKind::Set, 7017, Place::PathResult, false)]
    #[case(MessageKind::Get, 7022, Place::PathResult, false)]
    #[case(MessageKind::Get, 7024, Place::ErrorMessage, false)]
    #[case(MessageKind::Register, 7030, Place::PathResult, false)]
    // Codes of a whole Message.
    #[case(MessageKind::Set, 7000, Place::ErrorMessage, true)]
    #[case(MessageKind::Set, 7000, Place::PathResult, false)]
    #[case(MessageKind::Set, 7001, Place::ParamError, true)]
    #[case(MessageKind::GetSupportedProtocol, 7001, Place::ErrorMessage, true)]
    // An object code below an Error: TR-369 lets param_errs name Objects.
    #[case(MessageKind::Delete, 7024, Place::ParamError, true)]
    // Commands.
    #[case(MessageKind::Operate, 7027, Place::CommandFailure, true)]
    #[case(MessageKind::Notify, 7023, Place::CommandFailure, true)]
    #[case(MessageKind::Notify, 7022, Place::ErrorMessage, false)]
    #[case(MessageKind::Operate, 7012, Place::CommandFailure, false)]
    // Ranges.
    #[case(MessageKind::Get, 7104, Place::ErrorMessage, true)]
    #[case(MessageKind::Get, 7104, Place::PathResult, false)]
    #[case(MessageKind::Get, 7107, Place::ErrorMessage, false)]
    #[case(MessageKind::Get, 7250, Place::PathResult, true)]
    #[case(MessageKind::Get, 7800, Place::PathResult, true)]
    #[case(MessageKind::Get, 7799, Place::PathResult, false)]
    #[case(MessageKind::Get, 8000, Place::PathResult, false)]
    #[case(MessageKind::Get, 0, Place::PathResult, false)]
    fn a_code_is_applicable(
        #[case] kind: MessageKind,
        #[case] code: u32,
        #[case] place: Place,
        #[case] expected: bool,
    ) {
        assert_eq!(applicable(kind, code, place), expected, "{kind} {code} {place:?}");
    }

    #[test]
    fn a_requested_path_is_needed_for_7008() {
        for kind in MessageKind::ALL {
            let expected = !matches!(kind, MessageKind::Notify | MessageKind::GetSupportedProtocol);
            assert_eq!(applicable(kind, 7008, Place::PathResult), expected, "{kind}");
        }
    }

    #[test]
    fn the_set_is_described_in_ranges() {
        let described = describe_applicable(MessageKind::Operate, Place::CommandFailure);
        assert_eq!(described, "7002-7008, 7016, 7022-7023, 7026-7027, 7200-7299, 7800-7999");
        let described = describe_applicable(MessageKind::Get, Place::ErrorMessage);
        assert_eq!(described, "7000-7008, 7010, 7016, 7026, 7100-7106, 7200-7299, 7800-7999");
    }

    #[test]
    fn codes_are_ordered_and_named() {
        assert!(ErrorCode::all().is_sorted_by_key(|it| it.code));
        assert_eq!(ErrorCode::all().len(), 39);
        assert_eq!(describe(7006), "7006 Permission denied");
        assert_eq!(describe(7900), "7900 (defined by the vendor)");
        assert_eq!(describe(42), "42 (not assigned)");
    }
}
