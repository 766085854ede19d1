//! The variables of a case, and what they are.

use std::fmt::Write as _;
use uspec_testplan::{
    case::{Action, Step, TestCase},
    profile::EutProfile,
    template::{INSTANCE, REFERENCE},
};

use crate::load;

/// What the variables are that every case has.
const STANDARD: &[(&str, &str)] = &[
    ("unique", "a text that no other case and no other run has"),
    ("eut.endpoint_id", "the EUT's Endpoint ID"),
    ("controller.endpoint_id", "our Controller's Endpoint ID"),
    ("controller.path", "our own row in Device.LocalAgent.Controller."),
    ("controller.search", "the search expression that finds our row"),
    ("controller.unique_key", "the unique keys that address our row"),
    ("controller.role", "the first Role of our row"),
    ("controller.mtp", "the row in use of Controller.{i}.MTP. below ours"),
    ("controller.topic", "the topic or destination of our Controller"),
    ("agent.mtp", "the row in use of Device.LocalAgent.MTP."),
    ("agent.topic", "the topic or destination at which the EUT is reached"),
    ("mqtt.client", "the row in use of Device.MQTT.Client."),
    ("stomp.connection", "the row in use of Device.STOMP.Connection."),
    ("uds.socket", "the row in use of Device.UnixDomainSockets.UnixDomainSocket."),
    ("second.endpoint_id", "the Endpoint ID of our second Controller"),
    ("second.host", "where our second Controller listens"),
    ("second.port", "the port of our second Controller"),
    ("second.path", "the path of our second Controller's URL"),
    ("second.tls", "whether our second Controller has TLS"),
    ("second.topic", "the topic or destination of our second Controller"),
    ("alternate.certificate", "a certificate that the EUT does not know yet"),
    ("timing.tolerance", "how exact the EUT's clock is, as the profile says"),
];

/// Variables as a reader sees them: `{{sub}}` becomes `<sub>`.
pub(super) fn shown(text: &str) -> String {
    text.replace("{{", "<").replace("}}", ">")
}

/// One line for each variable that stands in the case, in the order of its first use.
pub(super) fn legend(case: &TestCase) -> Vec<String> {
    let mut text = String::new();
    let steps: Vec<&Step> = case.setup.iter().chain(&case.procedure).chain(&case.cleanup).collect();
    for step in &steps {
        // Whatever may hold a text does so in its debug form as well.
        let _ = write!(text, "{:?}", step.action);
    }
    let _ = write!(text, "{:?}", case.metrics);
    let profile = load::profile(None).ok();
    let mut names: Vec<&str> = Vec::new();
    for name in text.split("{{").skip(1).filter_map(|rest| rest.split_once("}}")).map(|(name, _)| name) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.into_iter().map(|name| format!("<{name}> {}", meaning(name, &steps, profile.as_ref()))).collect()
}

fn meaning(name: &str, steps: &[&Step], profile: Option<&EutProfile>) -> String {
    if let Some((_, means)) = STANDARD.iter().find(|(it, _)| *it == name) {
        return (*means).to_owned();
    }
    for step in steps {
        if let Some(capture) = step.capture.iter().find(|capture| capture.name == name) {
            let of = match (&step.label, &step.action) {
                (Some(label), _) => format!("`{label}`"),
                (None, Action::Request { kind, .. }) => format!("the {kind}"),
                (None, _) => "what came".to_owned(),
            };
            return format!("what the answer to {of} has at {}", capture.path);
        }
    }
    if let Some(base) = name.strip_suffix(INSTANCE) {
        return format!("the instance number at the end of <{base}>");
    }
    if let Some(base) = name.strip_suffix(REFERENCE) {
        return format!("<{base}> without its final dot, as a reference to it is written");
    }
    let element = profile.and_then(|profile| profile.element_variables().get(name).cloned());
    match element {
        Some(usual) => format!("an element that the EUT profile may name; `{usual}` with the bundled Agent"),
        None if name.starts_with("element.") => "an element that the EUT profile may name".to_owned(),
        None => "known when the case begins".to_owned(),
    }
}
