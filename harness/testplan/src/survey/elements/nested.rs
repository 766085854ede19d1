//! A table below our own row of the Controller table.

use uspec_usp::{
    msg::get_supported_dm_resp::{ParamValueType, SupportedObjectResult},
    path::SupportedPath,
};

use super::Pick;
use crate::{
    model::{is_creatable, is_writable},
    survey::Ground,
};

/// Our row's own object.
const ROW: &str = "Device.LocalAgent.Controller.{i}.";

/// The plan's table, relative to the row, and its key.
const PLANS: (&str, &str) = ("BootParameter.", "ParameterName");

/// The table of the MTPs over which we are reached.
const MTPS: &str = "MTP.";

pub(super) fn pick(ground: &Ground<'_>) -> Pick {
    if !ground.shows_parameters() {
        return Pick::unknown("parameter at all");
    }
    let (table, key) = PLANS;
    if let Some(object) = ground.model.object(&format!("{ROW}{table}{{i}}.")).filter(|it| serves(it))
        && object.supported_params.iter().any(|it| it.param_name == key && is_writable(it))
    {
        return Pick::plans(format!("{ROW}{table}, rows can be added, {key} and Enable can be set"));
    }
    let lacks = format!(
        "GetSupportedDM shows no {ROW}{table} with rows that can be added and {key} and Enable that can be set"
    );
    let mut others: Vec<_> = ground.model.objects().filter_map(other).collect();
    // The MTPs that carry us come last.
    others.sort_by_key(|(table, _)| *table == MTPS);
    let Some((table, key)) = others.into_iter().next() else {
        return Pick::nothing(format!("{lacks}, and no other such table below our own row"));
    };
    let lines = vec![
        ("nested_table", table.to_owned()),
        ("nested_key", key.to_owned()),
        ("nested_value", "uspec-nested-1".to_owned()),
        ("nested_value_2", "uspec-nested-2".to_owned()),
    ];
    let reason = format!("{lacks}; {ROW}{table} has rows that can be added and the writable text {key} as unique key");
    if table == MTPS {
        let check = "the cases add an enabled row beside the one that carries us, and delete it again: only if the device bears that";
        return Pick::proposed(lines, reason, check);
    }
    Pick::replaced(lines, reason).check(format!("that {key} takes the values uspec-nested-1 and uspec-nested-2"))
}

/// Another table directly below our row, and a key of it that can be set.
fn other(object: &SupportedObjectResult) -> Option<(&str, &str)> {
    let table = object.supported_obj_path.strip_prefix(ROW)?.strip_suffix("{i}.")?;
    let fits = !table.contains("{i}") && table != PLANS.0 && serves(object);
    SupportedPath::parse(&object.supported_obj_path).ok().filter(|_| fits)?;
    let mut single = object.unique_key_sets.iter().filter_map(|set| match set.key_names.as_slice() {
        [key] => Some(key.as_str()),
        _ => None,
    });
    let settable = |key: &&str| {
        object.supported_params.iter().any(|it| {
            it.param_name == *key && is_writable(it) && it.value_type() == ParamValueType::ParamString && is_name(key)
        })
    };
    Some((table, single.find(settable)?))
}

/// Rows can be added, and switched on and off: the cases do both.
fn serves(object: &SupportedObjectResult) -> bool {
    let enable = |it: &&uspec_usp::msg::get_supported_dm_resp::SupportedParamResult| {
        it.param_name == "Enable" && is_writable(it)
    };
    object.is_multi_instance && is_creatable(object) && object.supported_params.iter().any(|it| enable(&it))
}

/// Whether it can stand in a path.
pub(super) fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'_' | b'-'))
}
