//! The EUT's trust configuration by value, before and after a case: who may do what decides whether the next case says anything at all.
//!
//! One decision behind it: what a case has changed is set back once, and whether that worked is looked at; an EUT that no longer lets us
//! look has locked us out, which nobody but a person can undo.

use crate::{
    bounds::{DIFFERENCES, TRUST_VALUES},
    controller::Controller,
    exchange::ExchangeError,
    recorder::own_step,
    rows::resolved,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use uspec_testplan::trace::Phase;
use uspec_usp::schema::MessageKind;

/// The Roles, their Permissions, and the Credentials that bring them.
const TRUST: &str = "Device.LocalAgent.ControllerTrust.";

/// What of each row of the Controller table says which Role a Controller has.
const ROLES: [&str; 3] = ["AssignedRole", "InheritedRole", "Credential"];

/// What follows from the certificate and cannot be set.
const READ_ONLY: &str = "InheritedRole";

/// Parameters that are set back at most: more than that is another kind of trouble.
const SETTINGS: usize = 256;

/// Parameters below [`TRUST`] that change by themselves, or that the instances tell already.
const COUNTERS: [&str; 2] = ["NumberOfEntries", "NumberOfUses"];

/// The label of the runner's own steps of this kind.
const LABEL: &str = "trust";

/// The trust configuration, as far as we may read it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Trust(BTreeMap<String, String>);

/// What we could read before and cannot read now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Blind(pub(crate) Vec<String>);

impl Controller {
    /// Reads the trust configuration. An Error is an answer as well: we may read nothing.
    pub(crate) async fn trust(&mut self, phase: Phase, index: usize) -> Result<Trust, String> {
        let own = self.variables.get("controller.path").map(|path| format!("{path}EndpointID"));
        let roles = ROLES.map(|name| format!("Device.LocalAgent.Controller.*.{name}"));
        let paths: Vec<_> = [TRUST.to_owned()].into_iter().chain(roles).chain(own).collect();
        let step = own_step(phase, index, LABEL);
        match self.exchange(&step, MessageKind::Get, &json!({"param_paths": paths})).await {
            Ok(answer) => Ok(Trust::read(&answer.body)),
            Err(ExchangeError::Refused { .. }) => Ok(Trust::default()),
            Err(other) => Err(other.to_string()),
        }
    }

    /// Sets values back as they were; gives back why that failed as a whole.
    pub(crate) async fn set_trust(&mut self, changes: &[Change], index: usize) -> Option<String> {
        let mut objects: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
        for change in changes.iter().take(SETTINGS) {
            let Some((object, name)) = change.path.rsplit_once('.') else { continue };
            if name == READ_ONLY {
                continue;
            }
            let settings = objects.entry(object).or_default();
            settings.push(json!({"param": name, "value": change.before, "required": false}));
        }
        if objects.is_empty() {
            return None;
        }
        let objects: Vec<_> = objects
            .into_iter()
            .map(|(object, settings)| json!({"obj_path": format!("{object}."), "param_settings": settings}))
            .collect();
        let step = own_step(Phase::CleanUp, index, "trust set back");
        let body = json!({"allow_partial": true, "update_objs": objects});
        self.exchange(&step, MessageKind::Set, &body).await.err().map(|error| error.to_string())
    }
}

/// A value that is not what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    /// The Parameter.
    pub(crate) path: String,
    /// Its value before.
    pub(crate) before: String,
    /// Its value now; `None` when it cannot be read.
    pub(crate) now: Option<String>,
}

impl Trust {
    fn read(body: &Value) -> Self {
        let mut values = BTreeMap::new();
        for (object, params) in resolved(body).filter(|(object, _)| object.starts_with("Device.LocalAgent.")) {
            for (name, value) in params.as_object().into_iter().flatten() {
                let counts = !COUNTERS.iter().any(|counter| name.ends_with(counter));
                if let (true, Some(value)) = (counts && values.len() < TRUST_VALUES, value.as_str()) {
                    values.insert(format!("{object}{name}"), value.to_owned());
                }
            }
        }
        Self(values)
    }

    /// What could be read before and cannot be read now, of our own row and the trust objects as a whole.
    pub(crate) fn blind(&self, now: &Self, own_row: Option<&str>) -> Option<Blind> {
        let lost = |prefix: &str| self.sees(prefix) && !now.sees(prefix);
        let gone: Vec<_> =
            own_row.into_iter().chain([TRUST]).filter(|prefix| lost(prefix)).map(str::to_owned).collect();
        (!gone.is_empty()).then_some(Blind(gone))
    }

    /// What is not as it was in `before`. Rows that came or went are told by the instances; of those that are `there`, every value counts.
    pub(crate) fn changes(&self, before: &Self, there: impl Fn(&str) -> bool) -> Vec<Change> {
        let different = before.0.iter().filter(|(path, value)| self.0.get(*path) != Some(*value));
        let different = different.filter(|(path, _)| path.rsplit_once('.').is_some_and(|(row, _)| there(row)));
        let change = |(path, value): (&String, &String)| Change {
            path: path.clone(),
            before: value.clone(),
            now: self.0.get(path).cloned(),
        };
        different.map(change).collect()
    }

    /// Whether our own row refers to that certificate, or may for all that we can read.
    pub(crate) fn may_need(&self, own_row: Option<&str>, certificate: &str) -> bool {
        let credential = own_row.and_then(|row| self.0.get(&format!("{row}Credential")));
        let same = |item: &str| item.trim().trim_end_matches('.') == certificate.trim_end_matches('.');
        credential.is_none_or(|items| items.split(',').any(same))
    }

    fn sees(&self, prefix: &str) -> bool {
        self.0.range(prefix.to_owned()..).next().is_some_and(|(path, _)| path.starts_with(prefix))
    }
}

/// One sentence for each change, with what became of it by `now`.
pub(crate) fn told(changes: &[Change], now: &Trust, failed: Option<&str>) -> Vec<String> {
    let sentence = |change: &Change| {
        let Change { path, before, now: was } = change;
        let was =
            was.as_ref().map_or_else(|| "can no longer be read".to_owned(), |value| format!("was left as {value:?}"));
        let became = match (now.0.get(path) == Some(before), failed) {
            (true, _) => "the runner set it back".to_owned(),
            (false, Some(why)) => format!("it could not be set back: {why}"),
            (false, None) => "the EUT did not take it back".to_owned(),
        };
        format!("{path} was {before:?} before and {was}; {became}")
    };
    changes.iter().take(DIFFERENCES).map(sentence).collect()
}

/// Why nothing more can be tested, and what a person can do about it.
pub(crate) fn locked_out(
    case: &str,
    blind: &Blind,
    created: &[String],
    before: &Trust,
    own_row: Option<&str>,
) -> String {
    let rows = if created.is_empty() {
        "it has left no row behind that we know of".to_owned()
    } else {
        format!("the rows that it has added are {}", created.join(", "))
    };
    let role = own_row.and_then(|row| before.0.get(&format!("{row}AssignedRole")));
    let role = role.map(|role| format!(", and AssignedRole of our row was {role:?} before")).unwrap_or_default();
    format!(
        "since case {case} our Controller may no longer read {}: {rows}{role}. To recover, undo this through another Controller or the \
         device's own management, or put the device back to factory settings",
        blind.0.join(" and ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: &str = "Device.LocalAgent.Controller.1.";

    fn trust(values: &[(&str, &str)]) -> Trust {
        Trust(values.iter().map(|(path, value)| ((*path).to_owned(), (*value).to_owned())).collect())
    }

    fn before() -> Trust {
        trust(&[
            ("Device.LocalAgent.Controller.1.AssignedRole", "r1"),
            ("Device.LocalAgent.Controller.1.EndpointID", "self::us"),
            ("Device.LocalAgent.ControllerTrust.Role.1.Permission.1.Obj", "rw--"),
            ("Device.LocalAgent.ControllerTrust.UntrustedRole", "r9"),
        ])
    }

    #[test]
    fn counters_and_foreign_objects_are_not_compared() {
        let body = json!({"req_path_results": [{"resolved_path_results": [
            {"resolved_path": "Device.", "result_params": {"Some": "value"}},
            {"resolved_path": "Device.LocalAgent.ControllerTrust.", "result_params": {"UntrustedRole": "r9", "RoleNumberOfEntries": "4"}},
        ]}]});
        assert_eq!(Trust::read(&body), trust(&[("Device.LocalAgent.ControllerTrust.UntrustedRole", "r9")]));
    }

    #[test]
    fn a_change_is_told_with_what_became_of_it() {
        let mut now = before();
        now.0.insert("Device.LocalAgent.ControllerTrust.UntrustedRole".into(), "r1".into());
        let changes = now.changes(&before(), |_| true);
        assert_eq!(changes.len(), 1);
        let sentence = &told(&changes, &before(), None)[0];
        assert!(sentence.contains("\"r9\" before") && sentence.ends_with("the runner set it back"), "{sentence}");
        let sentence = &told(&changes, &now, Some("no answer"))[0];
        assert!(sentence.ends_with("it could not be set back: no answer"), "{sentence}");
    }

    #[test]
    fn rows_that_are_gone_are_the_instances_business() {
        let mut now = before();
        now.0.remove("Device.LocalAgent.ControllerTrust.Role.1.Permission.1.Obj");
        assert!(now.changes(&before(), |row| !row.contains("Permission")).is_empty());
        assert_eq!(now.changes(&before(), |_| true)[0].now, None);
    }

    #[test]
    fn a_certificate_goes_only_when_our_row_does_not_refer_to_it() {
        let two = "Device.LocalAgent.Certificate.2.";
        let with = |credential| trust(&[("Device.LocalAgent.Controller.1.Credential", credential)]);
        assert!(!with("").may_need(Some(ROW), two));
        assert!(!with("Device.LocalAgent.Certificate.1, Device.LocalAgent.Certificate.22").may_need(Some(ROW), two));
        assert!(with("Device.LocalAgent.Certificate.1, Device.LocalAgent.Certificate.2").may_need(Some(ROW), two));
        assert!(before().may_need(Some(ROW), two), "what it refers to cannot be read");
        assert!(with("").may_need(None, two), "which row is ours is not known");
    }

    #[test]
    fn who_reads_nothing_any_more_is_locked_out() {
        let blind = before().blind(&Trust::default(), Some(ROW)).unwrap();
        assert_eq!(blind.0, [ROW, TRUST]);
        assert_eq!(before().blind(&before(), Some(ROW)), None);
        assert_eq!(Trust::default().blind(&Trust::default(), Some(ROW)), None, "who never could is not locked out");
        let text = locked_out("2.12", &blind, &["a.7.".into()], &before(), Some(ROW));
        assert!(
            text.contains("2.12") && text.contains("a.7.") && text.contains("\"r1\"") && text.contains("factory"),
            "{text}"
        );
    }
}
