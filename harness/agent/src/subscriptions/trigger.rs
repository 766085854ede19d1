//! TriggerAction: configuration that a Subscription changes when it is triggered (TR-181 TriggerConfigSettings).

use super::Subscription;
use crate::faults::FaultSet;
use crate::messages::{Caller, set};
use crate::store::Store;
use uspec_usp::msg::Set;
use uspec_usp::msg::set::{UpdateObject, UpdateParamSetting};

/// Applies the settings with the permissions of the Subscription's Recipient; a setting that cannot be applied is passed over.
pub fn apply(store: &mut Store, faults: &FaultSet, now: jiff::Timestamp, subscription: &Subscription) {
    let caller = Caller { controller: &subscription.recipient, faults, now };
    for setting in &subscription.settings {
        let Some(update) = parse(setting) else { continue };
        let request = Set { allow_partial: true, update_objs: vec![update] };
        if let Err(refusal) = set::handle(store, &caller, &request) {
            tracing::debug!(setting, error = %refusal.failure, "trigger setting not applied");
        }
    }
}

/// `<Path Name of the Parameter>=<value>`, text in double quotes.
fn parse(setting: &str) -> Option<UpdateObject> {
    // A search expression in the path has operators with '=' in brackets; the separator is the first '=' after them.
    let from = setting.rfind(']').map_or(0, |at| at.saturating_add(1));
    let at = setting.get(from..)?.find('=')?.saturating_add(from);
    let (path, value) = (setting.get(..at)?.trim(), setting.get(at.saturating_add(1)..)?.trim());
    let (object, name) = path.rsplit_once('.')?;
    let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
    let setting = UpdateParamSetting { param: name.to_owned(), value: value.to_owned(), required: true };
    Some(UpdateObject { obj_path: format!("{object}."), param_settings: vec![setting] })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("Device.A.1.Enable=false", Some(("Device.A.1.", "Enable", "false")))]
    #[case(r#"Device.A.[B=="c"].D="e=f""#, Some((r#"Device.A.[B=="c"]."#, "D", "e=f")))]
    #[case("Enable=false", None)]
    #[case("Device.A.Enable", None)]
    fn settings(#[case] text: &str, #[case] expected: Option<(&str, &str, &str)>) {
        let update = parse(text);
        let found = update.as_ref().map(|update| {
            let setting = &update.param_settings[0];
            (update.obj_path.as_str(), setting.param.as_str(), setting.value.as_str())
        });
        assert_eq!(found, expected);
    }
}
