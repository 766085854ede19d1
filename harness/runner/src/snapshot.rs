//! What the EUT holds before and after a case, so that what a case leaves behind is seen and cannot taint the next one.

use crate::{
    bounds::{DIFFERENCES, LEFTOVERS},
    controller::Controller,
    exchange::ExchangeError,
    recorder::own_step,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use uspec_testplan::trace::{Phase, What};
use uspec_usp::schema::MessageKind;

/// The object whose instances are compared: everything that cases create stands below it.
const ROOT: &str = "Device.LocalAgent.";

/// Comes and goes by itself with asynchronous commands, and is not ours to delete.
const TRANSIENT: &str = "Device.LocalAgent.Request.";

/// What is asked one by one when the EUT does not take [`ROOT`], which is no table and need not be taken.
const TABLES: [&str; 4] = [
    "Device.LocalAgent.Controller.",
    "Device.LocalAgent.MTP.",
    "Device.LocalAgent.Subscription.",
    "Device.LocalAgent.ControllerTrust.Role.",
];

/// The label of the runner's own steps of this kind.
const LABEL: &str = "snapshot";

/// The instances below [`ROOT`] and their unique keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Snapshot(BTreeMap<String, BTreeMap<String, String>>);

/// What became of the EUT's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AfterCase {
    /// As it was; or not as it was, in these ways.
    Compared(Vec<String>, Snapshot),
    /// It could not be seen.
    Unverified(String),
}

impl Controller {
    /// Takes a snapshot; `index` is the place of its Records' step in `phase`.
    pub(crate) async fn snapshot(&mut self, phase: Phase, index: usize) -> Result<Snapshot, String> {
        let step = own_step(phase, index, LABEL);
        if !self.tables_only {
            let body = json!({"obj_paths": [ROOT], "first_level_only": false});
            match self.exchange(&step, MessageKind::GetInstances, &body).await {
                Ok(answer) => match read(&answer.body, 1) {
                    Ok(snapshot) => return Ok(snapshot),
                    Err(_) => self.tables_only = true,
                },
                Err(ExchangeError::Refused { .. }) => self.tables_only = true,
                Err(other) => return Err(other.to_string()),
            }
        }
        let body = json!({"obj_paths": TABLES, "first_level_only": false});
        let answer = self.exchange(&step, MessageKind::GetInstances, &body).await.map_err(|error| error.to_string())?;
        // A table that the EUT does not have is no reason to look at none.
        read(&answer.body, TABLES.len())
    }

    /// Compares the EUT with `before`, deletes once what was left behind, looks again, and writes it all down.
    pub(crate) async fn compare(&mut self, before: Result<Snapshot, String>, first_index: usize) -> AfterCase {
        let after = self.compared(before, first_index).await;
        match &after {
            AfterCase::Compared(differences, _) => {
                self.recorder.now(What::CleanUp { differences: differences.clone() });
            }
            AfterCase::Unverified(why) => {
                self.recorder.note(format!("the EUT's state after the case was not seen: {why}"));
            }
        }
        after
    }

    async fn compared(&mut self, before: Result<Snapshot, String>, first_index: usize) -> AfterCase {
        let before = match before {
            Ok(before) => before,
            Err(why) => return AfterCase::Unverified(format!("there is none from before it ({why})")),
        };
        let found = match self.snapshot(Phase::CleanUp, first_index).await {
            Ok(found) => found,
            Err(why) => return AfterCase::Unverified(why),
        };
        if found.0.keys().eq(before.0.keys()) {
            return AfterCase::Compared(Vec::new(), found);
        }
        let leftovers = found.leftovers(&before, self.ours());
        let deleted = self.delete(&leftovers, first_index.saturating_add(1)).await;
        let now = if leftovers.is_empty() {
            Ok(found.clone())
        } else {
            self.snapshot(Phase::CleanUp, first_index.saturating_add(2)).await
        };
        match now {
            Ok(now) => AfterCase::Compared(differences(&before, &found, &now, deleted.as_deref()), now),
            Err(why) => {
                let mut all = differences(&before, &found, &found, deleted.as_deref());
                all.push(format!("whether deleting helped was not seen: {why}"));
                AfterCase::Compared(all, found)
            }
        }
    }

    /// Deletes leftovers; gives back why that failed as a whole.
    async fn delete(&mut self, paths: &[String], index: usize) -> Option<String> {
        if paths.is_empty() {
            return None;
        }
        let body = json!({"allow_partial": true, "obj_paths": paths});
        let step = own_step(Phase::CleanUp, index, "leftovers");
        self.exchange(&step, MessageKind::Delete, &body).await.err().map(|error| error.to_string())
    }
}

impl Snapshot {
    /// What was not there before, the outermost objects only, without our own row of the Controller table.
    fn leftovers(&self, before: &Self, ours: &str) -> Vec<String> {
        let added: Vec<_> = self.0.iter().filter(|(path, _)| !before.0.contains_key(*path)).collect();
        let is_nested =
            |path: &str| added.iter().any(|(other, _)| other.as_str() != path && path.starts_with(other.as_str()));
        let is_us = |path: &str, keys: &BTreeMap<String, String>| {
            path.starts_with("Device.LocalAgent.Controller.") && keys.get("EndpointID").is_some_and(|id| id == ours)
        };
        let outermost = added.iter().filter(|(path, keys)| !is_nested(path) && !is_us(path, keys));
        outermost.take(LEFTOVERS).map(|(path, _)| (*path).clone()).collect()
    }
}

/// One sentence for each difference between `before` and what was `found`, with what became of it by `now`.
fn differences(before: &Snapshot, found: &Snapshot, now: &Snapshot, delete_failed: Option<&str>) -> Vec<String> {
    let added = found.0.keys().filter(|path| !before.0.contains_key(*path)).map(|path| {
        match (now.0.contains_key(path), delete_failed) {
            (false, _) => format!("{path} was left behind; the runner deleted it"),
            (true, None) => format!("{path} was left behind and is still there"),
            (true, Some(why)) => format!("{path} was left behind and is still there: {why}"),
        }
    });
    let gone = before
        .0
        .keys()
        .filter(|path| !now.0.contains_key(*path))
        .map(|path| format!("{path} was there before and is gone"));
    let all: Vec<_> = added.chain(gone).collect();
    let more = all.len().saturating_sub(DIFFERENCES);
    let mut shown: Vec<_> = all.into_iter().take(DIFFERENCES).collect();
    if more > 0 {
        shown.push(format!("and {more} more differences"));
    }
    shown
}

/// Reads a GetInstancesResp; not more than `failures_below` path results may be failures.
fn read(body: &Value, failures_below: usize) -> Result<Snapshot, String> {
    let results = body.get("req_path_results").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let failures: Vec<_> = results.iter().filter_map(failure).collect();
    if results.is_empty() || failures.len() >= failures_below.max(1) {
        return Err(format!("GetInstances yielded nothing: {}", failures.first().map_or("no results", String::as_str)));
    }
    let instances = results.iter().filter_map(|result| result.get("curr_insts")?.as_array()).flatten();
    let entries = instances.filter_map(|instance| {
        let path = instance.get("instantiated_obj_path")?.as_str()?;
        let keys = instance.get("unique_keys").and_then(Value::as_object);
        let keys =
            keys.into_iter().flatten().filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
        (!path.starts_with(TRANSIENT)).then(|| (path.to_owned(), keys.collect()))
    });
    Ok(Snapshot(entries.collect()))
}

fn failure(result: &Value) -> Option<String> {
    let code = result.get("err_code").and_then(Value::as_u64).filter(|code| *code != 0)?;
    let path = result.get("requested_path").and_then(Value::as_str).unwrap_or_default();
    Some(format!("{path} failed with {code}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(paths: &[&str]) -> Snapshot {
        Snapshot(paths.iter().map(|path| ((*path).to_owned(), BTreeMap::new())).collect())
    }

    #[test]
    fn only_the_outermost_new_objects_are_deleted_and_never_our_own_row() {
        let before = snapshot(&["Device.LocalAgent.Controller.1."]);
        let mut after = snapshot(&[
            "Device.LocalAgent.Controller.1.",
            "Device.LocalAgent.Subscription.4.",
            "Device.LocalAgent.Controller.3.",
            "Device.LocalAgent.Controller.3.MTP.1.",
        ]);
        after.0.insert(
            "Device.LocalAgent.Controller.2.".into(),
            BTreeMap::from([("EndpointID".into(), "self::us".into())]),
        );
        assert_eq!(
            after.leftovers(&before, "self::us"),
            ["Device.LocalAgent.Controller.3.", "Device.LocalAgent.Subscription.4."]
        );
    }

    #[test]
    fn every_difference_is_said_whatever_became_of_it() {
        let (before, found) = (snapshot(&["a.1.", "a.2."]), snapshot(&["a.2.", "a.3.", "a.4."]));
        let now = snapshot(&["a.2.", "a.4."]);
        let said = differences(&before, &found, &now, None);
        assert_eq!(
            said,
            [
                "a.3. was left behind; the runner deleted it",
                "a.4. was left behind and is still there",
                "a.1. was there before and is gone"
            ]
        );
    }

    #[test]
    fn requests_of_the_agent_itself_do_not_count() {
        let body = json!({"req_path_results": [{"err_code": 0, "curr_insts": [
            {"instantiated_obj_path": "Device.LocalAgent.Request.7.", "unique_keys": {}},
            {"instantiated_obj_path": "Device.LocalAgent.MTP.1.", "unique_keys": {"Alias": "cpe-1"}},
        ]}]});
        assert_eq!(read(&body, 1).unwrap().0.keys().collect::<Vec<_>>(), ["Device.LocalAgent.MTP.1."]);
    }

    #[test]
    fn a_failed_path_is_no_empty_table() {
        let body =
            json!({"req_path_results": [{"requested_path": "Device.LocalAgent.", "err_code": 7026, "curr_insts": []}]});
        assert!(read(&body, 1).is_err());
        assert!(read(&json!({"req_path_results": []}), 1).is_err());
    }
}
