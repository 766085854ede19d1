//! What the EUT holds before and after a case, so that what a case leaves behind is seen and cannot taint the next one.

use crate::{
    bounds::{DIFFERENCES, LEFTOVERS},
    controller::Controller,
    exchange::ExchangeError,
    play::Created,
    recorder::own_step,
    trust::{self, Blind, Change, Trust},
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
pub(crate) const TABLES: [&str; 6] = [
    "Device.LocalAgent.Controller.",
    "Device.LocalAgent.MTP.",
    "Device.LocalAgent.Subscription.",
    "Device.LocalAgent.ControllerTrust.Role.",
    "Device.LocalAgent.ControllerTrust.Credential.",
    CERTIFICATES,
];

/// Its instances go by a Command of their own and not by a Delete (TR-181).
const CERTIFICATES: &str = "Device.LocalAgent.Certificate.";

/// The label of the runner's own steps of this kind.
const LABEL: &str = "snapshot";

/// What of the EUT is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Snapshot {
    instances: Instances,
    trust: Trust,
}

/// The instances below [`ROOT`] and their unique keys.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Instances(BTreeMap<String, BTreeMap<String, String>>);

/// What became of the EUT's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AfterCase {
    /// As it was; or not as it was, in these ways.
    Compared(Vec<String>, Snapshot),
    /// It could not be seen.
    Unverified(String),
    /// We may not look any more, and could not undo that.
    LockedOut(String),
}

/// A case that is over.
#[derive(Debug)]
pub(crate) struct Over<'a> {
    /// Its number.
    pub(crate) case: &'a str,
    /// What it has created and not deleted again.
    pub(crate) created: Created,
    /// The place of the runner's first step after it.
    pub(crate) index: usize,
}

impl Controller {
    /// Takes a snapshot; `index` is the place of its Records' step in `phase`.
    pub(crate) async fn snapshot(&mut self, phase: Phase, index: usize) -> Result<Snapshot, String> {
        let instances = self.instances(phase, index).await?;
        let trust = self.trust(phase, index.saturating_add(1)).await?;
        Ok(Snapshot { instances, trust })
    }

    /// Compares the EUT with `before`, undoes once what was left behind, looks again, and writes it all down.
    pub(crate) async fn compare(&mut self, before: Result<Snapshot, String>, over: &Over<'_>) -> AfterCase {
        let after = match before {
            Ok(before) => Comparison::new(self, &before, over).run().await.unwrap_or_else(AfterCase::Unverified),
            Err(why) => AfterCase::Unverified(format!("there is none from before it ({why})")),
        };
        match &after {
            AfterCase::Compared(differences, _) => {
                self.recorder.now(What::CleanUp { differences: differences.clone() });
            }
            AfterCase::Unverified(why) => {
                self.recorder.note(format!("the EUT's state after the case was not seen: {why}"));
            }
            AfterCase::LockedOut(why) => {
                self.recorder.now(What::CleanUp { differences: vec![why.clone()] });
            }
        }
        after
    }

    async fn instances(&mut self, phase: Phase, index: usize) -> Result<Instances, String> {
        let step = own_step(phase, index, LABEL);
        if !self.tables_only {
            let body = json!({"obj_paths": [ROOT], "first_level_only": false});
            match self.exchange(&step, MessageKind::GetInstances, &body).await {
                Ok(answer) => match read(&answer.body, 1) {
                    Ok(instances) => return Ok(instances),
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

    /// Deletes objects; gives back why that failed as a whole.
    async fn delete(&mut self, paths: &[String], index: usize) -> Option<String> {
        if paths.is_empty() {
            return None;
        }
        let body = json!({"allow_partial": true, "obj_paths": paths});
        let step = own_step(Phase::CleanUp, index, "leftovers");
        self.exchange(&step, MessageKind::Delete, &body).await.err().map(|error| error.to_string())
    }

    /// Has a certificate deleted; gives back why that failed.
    async fn delete_certificate(&mut self, path: &str, index: usize) -> Option<String> {
        let body = json!({"command": format!("{path}Delete()"), "command_key": "leftovers", "send_resp": true});
        let step = own_step(Phase::CleanUp, index, "leftovers");
        match self.exchange(&step, MessageKind::Operate, &body).await {
            Ok(answer) => {
                let code = answer.body.pointer("/operation_results/0/cmd_failure/err_code")?;
                Some(format!("its Delete() failed with {code}"))
            }
            Err(error) => Some(error.to_string()),
        }
    }
}

/// The comparison after one case.
#[derive(Debug)]
struct Comparison<'a> {
    controller: &'a mut Controller,
    before: &'a Snapshot,
    over: &'a Over<'a>,
    own_row: Option<String>,
    /// The place of the next step.
    index: usize,
    /// What is not as it was.
    said: Vec<String>,
}

impl<'a> Comparison<'a> {
    fn new(controller: &'a mut Controller, before: &'a Snapshot, over: &'a Over<'a>) -> Self {
        let own_row = controller.variables.get("controller.path").cloned();
        Self { controller, before, over, own_row, index: over.index, said: Vec::new() }
    }

    /// The error is why nothing could be seen.
    async fn run(mut self) -> Result<AfterCase, String> {
        // Whether we may look at all comes first.
        let mut trust = self.look().await?;
        if let Some(blind) = self.blind(&trust) {
            trust = self.see_again(&blind, &trust).await?;
            if let Some(blind) = self.blind(&trust) {
                let (case, created) = (self.over.case, self.over.created.paths());
                let why = trust::locked_out(case, &blind, &created, &self.before.trust, self.own_row.as_deref());
                return Ok(AfterCase::LockedOut(why));
            }
        }
        let instances = self.rows(&trust).await?;
        let trust = self.values(trust, &instances).await?;
        Ok(AfterCase::Compared(self.said, Snapshot { instances, trust }))
    }

    /// Rows that came are deleted; rows that went are told.
    async fn rows(&mut self, trust: &Trust) -> Result<Instances, String> {
        let before = &self.before.instances;
        let index = self.next();
        let found = self.controller.instances(Phase::CleanUp, index).await?;
        if found.0.keys().eq(before.0.keys()) {
            return Ok(found);
        }
        let leftovers = found.leftovers(before, self.controller.ours());
        let deleted = self.clear(&leftovers, trust, found.keeps_certificates_of(before)).await;
        let now = if leftovers.is_empty() {
            Ok(found.clone())
        } else {
            let index = self.next();
            self.controller.instances(Phase::CleanUp, index).await
        };
        match now {
            Ok(now) => {
                self.said.extend(differences(before, &found, &now, deleted.as_deref()));
                Ok(now)
            }
            Err(why) => {
                self.said.extend(differences(before, &found, &found, deleted.as_deref()));
                self.said.push(format!("whether deleting helped was not seen: {why}"));
                Ok(found)
            }
        }
    }

    /// Deletes what was left behind; gives back why that failed. A certificate may be the one that lets us in: none goes of which that
    /// cannot be excluded.
    async fn clear(&mut self, leftovers: &[String], trust: &Trust, certificates_may_go: bool) -> Option<String> {
        let (certificates, objects): (Vec<_>, Vec<_>) =
            leftovers.iter().cloned().partition(|path| path.starts_with(CERTIFICATES));
        let index = self.next();
        let mut failed = self.controller.delete(&objects, index).await;
        for certificate in certificates {
            let ours = trust.may_need(self.own_row.as_deref(), &certificate);
            if certificates_may_go && !ours {
                let index = self.next();
                failed = failed.or(self.controller.delete_certificate(&certificate, index).await);
            }
        }
        failed
    }

    /// Values that are not as they were are set back once.
    async fn values(&mut self, found: Trust, instances: &Instances) -> Result<Trust, String> {
        let changes = self.changes(&found, instances);
        if changes.is_empty() {
            return Ok(found);
        }
        let index = self.next();
        let failed = self.controller.set_trust(&changes, index).await;
        let now = self.look().await?;
        self.said.extend(trust::told(&changes, &now, failed.as_deref()));
        Ok(now)
    }

    fn changes(&self, found: &Trust, now: &Instances) -> Vec<Change> {
        let before = &self.before.instances;
        found.changes(&self.before.trust, |row| {
            let row = format!("{row}.");
            now.0.contains_key(&row) || !before.0.contains_key(&row)
        })
    }

    /// We may not look any more: undoes what the case did, as far as it is known and still allowed.
    async fn see_again(&mut self, blind: &Blind, found: &Trust) -> Result<Trust, String> {
        let created = self.over.created.paths();
        let index = self.next();
        let _ = self.controller.delete(&created, index).await;
        let now = self.look().await?;
        let now = if self.blind(&now).is_some() {
            let changes = found.changes(&self.before.trust, |_| true);
            let index = self.next();
            let _ = self.controller.set_trust(&changes, index).await;
            self.look().await?
        } else {
            now
        };
        if self.blind(&now).is_none() {
            self.said.push(format!(
                "our Controller could no longer read {}; the runner has undone what the case did",
                blind.0.join(" and ")
            ));
        }
        Ok(now)
    }

    async fn look(&mut self) -> Result<Trust, String> {
        let index = self.next();
        self.controller.trust(Phase::CleanUp, index).await
    }

    fn blind(&self, now: &Trust) -> Option<Blind> {
        self.before.trust.blind(now, self.own_row.as_deref())
    }

    fn next(&mut self) -> usize {
        let index = self.index;
        self.index = self.index.saturating_add(1);
        index
    }
}

impl Instances {
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

    /// Whether every certificate from before is still there. If not, the table may have been made anew, with ours under another number.
    fn keeps_certificates_of(&self, before: &Self) -> bool {
        before.0.keys().filter(|path| path.starts_with(CERTIFICATES)).all(|path| self.0.contains_key(path))
    }
}

/// One sentence for each difference between `before` and what was `found`, with what became of it by `now`.
fn differences(before: &Instances, found: &Instances, now: &Instances, delete_failed: Option<&str>) -> Vec<String> {
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
fn read(body: &Value, failures_below: usize) -> Result<Instances, String> {
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
    Ok(Instances(entries.collect()))
}

fn failure(result: &Value) -> Option<String> {
    let code = result.get("err_code").and_then(Value::as_u64).filter(|code| *code != 0)?;
    let path = result.get("requested_path").and_then(Value::as_str).unwrap_or_default();
    Some(format!("{path} failed with {code}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(paths: &[&str]) -> Instances {
        Instances(paths.iter().map(|path| ((*path).to_owned(), BTreeMap::new())).collect())
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
