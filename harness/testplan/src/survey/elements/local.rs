//! Parameters that are there once: of the Agent, and of the device.

use uspec_usp::msg::get_supported_dm_resp::{ParamAccessType, ParamValueType, SupportedParamResult, ValueChangeType};

use super::{Pick, nested::is_name};
use crate::survey::Ground;

const AGENT: &str = "Device.LocalAgent.";

/// What the plan reads.
const PLANS: &str = "SoftwareVersion";

/// Whether a Get shows it, and a Subscription may name it.
fn can_be_read(parameter: &SupportedParamResult) -> bool {
    parameter.access() != ParamAccessType::ParamWriteOnly
}

pub(super) fn readable(ground: &Ground<'_>) -> Pick {
    if !ground.shows_parameters() {
        return Pick::unknown("parameter at all");
    }
    let path = format!("{AGENT}{PLANS}");
    if let Some(found) = ground.model.parameter(&path).filter(|it| can_be_read(it)) {
        return Pick::plans(format!("{AGENT}{}", describe(found)));
    }
    let others = [
        "Device.DeviceInfo.SoftwareVersion",
        "Device.LocalAgent.EndpointID",
        "Device.LocalAgent.SupportedProtocols",
        "Device.DeviceInfo.ModelName",
    ];
    let changes = |it: &&SupportedParamResult| it.value_change() != ValueChangeType::ValueChangeWillIgnore;
    let other = others.into_iter().find_map(|path| {
        ground.model.parameter(path).filter(|it| can_be_read(it)).filter(changes).map(|it| (path, it))
    });
    let lacks = format!("GetSupportedDM does not show {path} so that it can be read");
    match other {
        Some((path, it)) => {
            let (object, _) = path.rsplit_once('.').unwrap_or_default();
            let reason = format!("{lacks}; {object}.{}", describe(it));
            Pick::replaced(vec![("readable_parameter", path.to_owned())], reason)
        }
        None => Pick::nothing(format!("{lacks}, and no other that is known to stay as it is: {}", others.join(", "))),
    }
}

pub(super) fn of_the_local_agent(ground: &Ground<'_>) -> Pick {
    if !ground.shows_parameters() {
        return Pick::unknown("parameter at all");
    }
    if let Some(found) = ground.model.parameter(&format!("{AGENT}{PLANS}")).filter(|it| can_be_read(it)) {
        return Pick::plans(format!("{AGENT}{}", describe(found)));
    }
    let lacks = format!("GetSupportedDM does not show {AGENT}{PLANS} so that it can be read");
    let params = ground.model.object(AGENT).map(|it| it.supported_params.as_slice()).unwrap_or_default();
    // Its value is to be a text, and the case has EndpointID already.
    let serves = |it: &&SupportedParamResult| {
        can_be_read(it)
            && it.value_type() == ParamValueType::ParamString
            && it.param_name != "EndpointID"
            && is_name(&it.param_name)
    };
    match params.iter().find(serves) {
        Some(it) => {
            let reason = format!("{lacks}; {AGENT}{}", describe(it));
            Pick::replaced(vec![("local_agent_parameter", it.param_name.clone())], reason)
        }
        None => Pick::nothing(format!("{lacks}, and no other text of {AGENT}")),
    }
}

/// GetSupportedDM does not say which parameters are secured, and credentials are left alone: only the plan's own table will do.
pub(super) fn secured(ground: &Ground<'_>) -> Pick {
    if !ground.shows_parameters() {
        return Pick::unknown("parameter at all");
    }
    let table = "Device.LocalAgent.ControllerTrust.Challenge.{i}.";
    let Some(value) = ground.model.parameter(&format!("{table}Value")).filter(|it| can_be_read(it)) else {
        return Pick::nothing(format!("GetSupportedDM does not show {table}Value so that it can be read"));
    };
    let shown = format!("{table}{}", describe(value));
    let first = format!("{}1.", table.trim_end_matches("{i}."));
    match ground.rows {
        None => Pick::plans(shown).check(format!("that there is a row {first}, and that its Value is not empty")),
        Some(rows) => match rows.first(table) {
            None => Pick::nothing(format!("{shown}, but the table has no row")),
            Some(row) if row == first => Pick::plans(shown),
            Some(row) => {
                let lines = vec![("secured_parameter", format!("{row}Value"))];
                let reason = format!("{shown}; the first row is {row}");
                Pick::replaced(lines, reason).check("that the value is not empty")
            }
        },
    }
}

/// Name, type and access as the device shows them.
pub(super) fn describe(parameter: &SupportedParamResult) -> String {
    let access = match parameter.access() {
        ParamAccessType::ParamReadOnly => "read-only",
        ParamAccessType::ParamReadWrite => "read and write",
        ParamAccessType::ParamWriteOnly => "write-only",
    };
    let kind = match parameter.value_type() {
        ParamValueType::ParamUnknown => "no type",
        ParamValueType::ParamBase64 => "base64",
        ParamValueType::ParamBoolean => "boolean",
        ParamValueType::ParamDateTime => "dateTime",
        ParamValueType::ParamDecimal => "decimal",
        ParamValueType::ParamHexBinary => "hexBinary",
        ParamValueType::ParamInt => "int",
        ParamValueType::ParamLong => "long",
        ParamValueType::ParamString => "string",
        ParamValueType::ParamUnsignedInt => "unsignedInt",
        ParamValueType::ParamUnsignedLong => "unsignedLong",
    };
    format!("{} ({kind}, {access})", parameter.param_name)
}
