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

/// What follows an element's name where the path of the command's or event's object is meant.
const PARENT: &str = ".parent";

/// What follows an element's name where the command's or event's name in its object is meant.
const NAME: &str = ".name";

/// Every element, by name.
pub const ELEMENTS: &[Element] = &[
    element("async_argument", "DelaySeconds", "an input argument of `async_command`"),
    element("async_argument_value", "10", "the value of `async_argument`"),
    element("async_command", "Device.ScheduleTimer()", "an asynchronous command"),
    element("command_with_args", "Device.ScheduleTimer()", "an asynchronous command with input arguments"),
    element("command_with_args_argument", "DelaySeconds", "an input argument of `command_with_args`"),
    element("command_with_args_time", "30s", "the least time that `command_with_args` takes with its argument"),
    element("command_with_args_value", "30", "the value of `command_with_args_argument`"),
    element("defaulted_argument", "Host", "the input argument that `defaulted_command` must have"),
    element(
        "defaulted_argument_value",
        "192.0.2.1",
        "the value of `defaulted_argument`: a host at which nothing answers (RFC 5737)",
    ),
    element(
        "defaulted_command",
        "Device.IP.Diagnostics.TraceRoute()",
        "an asynchronous command with input arguments that have defaults",
    ),
    element(
        "defaulted_least",
        "not said",
        "the least time that `defaulted_command` takes with its defaults on this bench: 148500ms for TraceRoute() when nothing on the way answers",
    ),
    element(
        "defaulted_most",
        "not said",
        "the longest time that `defaulted_command` takes with its defaults on this bench: 454500ms for TraceRoute() when nothing on the way answers",
    ),
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
    element(
        "secured_parameter",
        "Device.LocalAgent.ControllerTrust.Challenge.1.Value",
        "a readable parameter with the secured attribute that has a value, with instance numbers",
    ),
    element("sync_command", "Device.Reboot()", "a synchronous command"),
    element("writable_parameter", "NotifRetry", "a boolean parameter of a Subscription that can be set"),
    element("write_once_parameter", "Alias", "a parameter of a Subscription that can be set once, when it is created"),
];

/// The element with this name.
pub fn element_named(name: &str) -> Option<&'static Element> {
    ELEMENTS.iter().find(|element| element.name == name)
}

/// The element that a case means by `name`: its own name, or for a command or event that with `.parent` or `.name` behind it.
pub(crate) fn element_meant(name: &str) -> Option<&'static Element> {
    let part = |ending| name.strip_suffix(ending).and_then(element_named).filter(|it| split(it.default).is_some());
    element_named(name).or_else(|| part(PARENT)).or_else(|| part(NAME))
}

/// Every element's value: the plan's own, or what `alternates` puts in its place. Keys are bare names. Of commands and events
/// there are also the path of their object and their name in it, because a Notify names them so.
pub(super) fn values(alternates: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut values: BTreeMap<_, _> = ELEMENTS.iter().map(|it| (it.name.to_owned(), it.default.to_owned())).collect();
    values.extend(alternates.clone());
    let parts = values.iter().filter_map(|(key, value)| split(value).map(|(parent, name)| (key, parent, name)));
    let parts: Vec<_> = parts
        .flat_map(|(key, parent, name)| {
            [(format!("{key}{PARENT}"), parent.to_owned()), (format!("{key}{NAME}"), name.to_owned())]
        })
        .collect();
    values.extend(parts);
    values
}

/// The object's path and the name, when this is the path of a command or an event.
fn split(path: &str) -> Option<(&str, &str)> {
    let (dot, _) = path.rmatch_indices('.').next()?;
    let (parent, name) = path.split_at_checked(dot.checked_add(1)?)?;
    (name.ends_with("()") || name.ends_with('!')).then_some((parent, name))
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

    #[test]
    fn a_command_has_an_object_and_a_name() {
        let alternates = BTreeMap::from([("async_command".to_owned(), "Device.IP.Diagnostics.IPPing()".to_owned())]);
        let values = values(&alternates);
        assert_eq!(values["async_command.parent"], "Device.IP.Diagnostics.");
        assert_eq!(values["async_command.name"], "IPPing()");
        assert_eq!(values["event.name"], "Boot!");
        assert!(!values.contains_key("nested_value.name"), "that is a parameter");
        assert_eq!(element_meant("async_command.parent").map(|it| it.name), Some("async_command"));
        assert!(element_meant("nested_value.parent").is_none());
        assert!(element_meant("nothing.parent").is_none());
    }
}
