//! Parameters of a Subscription.

use uspec_usp::msg::get_supported_dm_resp::{ParamAccessType, ParamValueType, SupportedParamResult};

use super::{Pick, nested::is_name};
use crate::{model::is_writable, survey::Ground};

const ROW: &str = "Device.LocalAgent.Subscription.{i}.";

/// What the cases set for purposes of their own.
const IN_USE: [&str; 8] =
    ["Enable", "ID", "Alias", "NotifType", "ReferenceList", "Recipient", "Persistent", "TimeToLive"];

/// Longer than the ID of a Subscription may be by TR-181.
const TOO_LONG: usize = 65;

pub(super) fn writable(ground: &Ground<'_>) -> Pick {
    let boolean = |it: &SupportedParamResult| it.value_type() == ParamValueType::ParamBoolean;
    // One that has no type is as good as the plan says it is.
    let plans = |it: &SupportedParamResult| boolean(it) || it.value_type() == ParamValueType::ParamUnknown;
    one(ground, "writable_parameter", "NotifRetry", &plans, &boolean, Some("Persistent"))
}

pub(super) fn number(ground: &Ground<'_>) -> Pick {
    let number = |it: &SupportedParamResult| {
        use ParamValueType::{ParamInt, ParamLong, ParamUnsignedInt, ParamUnsignedLong};
        matches!(it.value_type(), ParamInt | ParamLong | ParamUnsignedInt | ParamUnsignedLong)
    };
    let plans = |it: &SupportedParamResult| number(it) || it.value_type() == ParamValueType::ParamUnknown;
    let picked = one(ground, "search_number_parameter", "NotifExpiration", &plans, &number, None);
    if picked.chosen.is_empty()
        && let Some(life) =
            find(ground, "TimeToLive").filter(|it| picked.standing == super::Standing::Nothing && number(it))
    {
        let check = "the cases set 5, 10 and 20, and 0 to 3600: Subscriptions that end after 5 s end the case";
        let lines = vec![("search_number_parameter", "TimeToLive".to_owned())];
        return Pick::proposed(lines, format!("{}; there is {}", picked.reason, describe(life)), check);
    }
    picked
}

/// GetSupportedDM has no word for what can be set once: TR-181 says of which parameters that holds.
pub(super) fn write_once(ground: &Ground<'_>) -> Pick {
    if !ground.shows_parameters() {
        return Pick::unknown("parameter at all");
    }
    if let Some(alias) = find(ground, "Alias") {
        return Pick::plans(describe(alias));
    }
    let lacks = format!("GetSupportedDM does not show {ROW}Alias");
    match find(ground, "ID") {
        Some(id) => {
            let reason = format!("{lacks}; {}, which can be set once by TR-181 as well", describe(id));
            Pick::replaced(vec![("write_once_parameter", "ID".to_owned())], reason)
        }
        None => Pick::nothing(format!("{lacks}, and no ID")),
    }
}

pub(super) fn invalid_key(ground: &Ground<'_>) -> Pick {
    if !ground.shows_parameters() {
        return Pick::unknown("parameter at all");
    }
    if let Some(alias) = find(ground, "Alias") {
        return Pick::plans(describe(alias));
    }
    let lacks = format!("GetSupportedDM does not show {ROW}Alias");
    match find(ground, "ID").filter(|it| is_writable(it)) {
        Some(id) => {
            let lines = vec![("invalid_key_parameter", "ID".to_owned()), ("invalid_key_value", "i".repeat(TOO_LONG))];
            Pick::replaced(lines, format!("{lacks}; {}, of at most 64 characters by TR-181", describe(id)))
        }
        None => Pick::nothing(format!("{lacks}, and no ID that can be set")),
    }
}

type Fits<'f> = &'f dyn Fn(&SupportedParamResult) -> bool;

/// The plan's parameter, or another writable one that fits: that which is preferred, then the first that no case uses.
fn one(
    ground: &Ground<'_>,
    element: &'static str,
    plans: &str,
    fits: Fits<'_>,
    other: Fits<'_>,
    preferred: Option<&str>,
) -> Pick {
    if !ground.shows_parameters() {
        return Pick::unknown("parameter at all");
    }
    if let Some(found) = find(ground, plans).filter(|it| is_writable(it) && fits(it)) {
        return Pick::plans(describe(found));
    }
    let lacks = format!("GetSupportedDM does not show {ROW}{plans} so that it fits");
    let params = ground.model.object(ROW).map(|it| it.supported_params.as_slice()).unwrap_or_default();
    let serves = |it: &&SupportedParamResult| {
        let known = preferred == Some(it.param_name.as_str());
        let free = known || !IN_USE.contains(&it.param_name.as_str());
        free && it.param_name != plans
            && it.access() == ParamAccessType::ParamReadWrite
            && other(it)
            && is_name(&it.param_name)
    };
    let known = params.iter().filter(serves).find(|it| preferred == Some(it.param_name.as_str()));
    match known.or_else(|| params.iter().find(serves)) {
        Some(it) => Pick::replaced(vec![(element, it.param_name.clone())], format!("{lacks}; {}", describe(it))),
        None => Pick::nothing(format!("{lacks}, and no other such parameter that no case uses otherwise")),
    }
}

fn find<'a>(ground: &Ground<'a>, name: &str) -> Option<&'a SupportedParamResult> {
    ground.model.parameter(&format!("{ROW}{name}"))
}

fn describe(parameter: &SupportedParamResult) -> String {
    format!("{ROW}{}", super::local::describe(parameter))
}
