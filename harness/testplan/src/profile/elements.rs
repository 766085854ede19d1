//! The elements that TP-469 names in its procedures, and for which an EUT that lacks them may use others.

use std::collections::BTreeMap;

/// One element that a profile may replace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Element {
    /// Its name; cases write it as `{{element.<name>}}`.
    pub name: &'static str,
    /// What the plan names, and what is used when the profile says nothing.
    pub default: &'static str,
    /// What the replacement must be.
    pub meaning: &'static str,
}

/// Every element, by name.
pub const ELEMENTS: &[Element] = &[
    element("async_command", "Device.ScheduleTimer()", "an asynchronous command"),
    element("command_with_args", "Device.ScheduleTimer()", "a command with input arguments"),
    element("event", "Device.Boot!", "an event that a synchronous command brings about"),
    element("event_parent", "Device.", "the object that the event belongs to"),
    element(
        "invalid_key_parameter",
        "Alias",
        "a unique key parameter of a Subscription whose type forbids some values",
    ),
    element("invalid_key_value", "88InvalidAlias", "a value that the type of `invalid_key_parameter` forbids"),
    element("local_agent_parameter", "SoftwareVersion", "another parameter of Device.LocalAgent, by its name alone"),
    element("nested_key", "ParameterName", "the writable parameter of `nested_table` that identifies its instances"),
    element(
        "nested_table",
        "BootParameter.",
        "a table below our own row of the Controller table, relative to it, whose instances can be added",
    ),
    element("nested_value", "Device.LocalAgent.SoftwareVersion", "a valid value of `nested_key`"),
    element("nested_value_2", "Device.LocalAgent.EndpointID", "another valid value of `nested_key`"),
    element(
        "readable_parameter",
        "Device.LocalAgent.SoftwareVersion",
        "a parameter that can be read and subscribed to",
    ),
    element(
        "search_number_parameter",
        "NotifExpiration",
        "a number of a Subscription that can be set and searched for",
    ),
    element("sync_command", "Device.Reboot()", "a synchronous command"),
    element("writable_parameter", "NotifRetry", "a boolean parameter of a Subscription that can be set"),
    element("write_once_parameter", "Alias", "a parameter of a Subscription that can be set once, when it is created"),
];

/// The element with this name.
pub fn element_named(name: &str) -> Option<&'static Element> {
    ELEMENTS.iter().find(|element| element.name == name)
}

/// Every element's value: the plan's own, or what `alternates` puts in its place. Keys are bare names.
pub(super) fn values(alternates: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut values: BTreeMap<_, _> = ELEMENTS.iter().map(|it| (it.name.to_owned(), it.default.to_owned())).collect();
    values.extend(alternates.clone());
    values
}

const fn element(name: &'static str, default: &'static str, meaning: &'static str) -> Element {
    Element { name, default, meaning }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_in_the_order_of_their_names() {
        assert!(ELEMENTS.is_sorted_by(|a, b| a.name < b.name));
    }
}
