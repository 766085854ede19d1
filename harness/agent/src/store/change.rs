//! What differs between two states of the Instantiated Data Model: the raw material of notifications.

use super::{RowKey, Store};
use crate::model::{Live, ValueChange};

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// An instance of a table appeared.
    Created(RowKey),
    /// An instance of a table is gone.
    Deleted(RowKey),
    /// A Parameter of an Object that exists before and after has another value.
    Value {
        /// The Object or instance.
        row: RowKey,
        /// The Parameter.
        param: String,
        /// Its value now.
        value: String,
    },
}

/// All differences from `before` to `after`: instances that went, instances that came, values that changed.
pub fn between(before: &Store, after: &Store) -> Vec<Change> {
    if before.is_untouched(after) {
        return Vec::new();
    }
    let model = after.model();
    let is_instance = |key: &RowKey| model.object(key.object).multi;
    let gone = before.rows().map(|(key, _)| key).filter(|key| is_instance(key) && !after.contains(key));
    let come = after.rows().map(|(key, _)| key).filter(|key| is_instance(key) && !before.contains(key));
    let mut changes: Vec<Change> = gone.cloned().map(Change::Deleted).collect();
    changes.extend(come.cloned().map(Change::Created));
    for (row, now) in after.rows() {
        let Some(was) = before.row(row) else { continue };
        let counters_may_differ = changes.iter().any(|change| !matches!(change, Change::Value { .. }));
        if was != now || counters_may_differ {
            values(before, after, row, &mut changes);
        }
    }
    changes
}

fn values(before: &Store, after: &Store, row: &RowKey, changes: &mut Vec<Change>) {
    for param in &after.model().object(row.object).params {
        if param.value_change == ValueChange::Ignore || param.live == Some(Live::Uptime) {
            continue;
        }
        let (was, now) = (before.read(row, &param.name), after.read(row, &param.name));
        if let Some(value) = now.filter(|now| Some(now) != was.as_ref()) {
            changes.push(Change::Value { row: row.clone(), param: param.name.clone(), value });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Model;

    #[test]
    fn a_new_instance_also_changes_its_counter() {
        let before = Store::new(Model::device().unwrap());
        let mut after = before.clone();
        after.uptime = 9;
        let key = after.create(after.model().find("Device.LocalAgent.MTP.{i}.").unwrap(), &[]);
        let agent = key.parent(after.model()).unwrap();
        let counter = Change::Value { row: agent, param: "MTPNumberOfEntries".to_owned(), value: "1".to_owned() };
        assert_eq!(between(&before, &after), [Change::Created(key.clone()), counter]);
        assert_eq!(between(&after, &before)[0], Change::Deleted(key));
    }

    #[test]
    fn setting_the_same_value_is_no_change() {
        let before = Store::new(Model::device().unwrap());
        let mut after = before.clone();
        let info = RowKey::parse("Device.DeviceInfo.", after.model()).unwrap();
        after.set(&info, "ProvisioningCode", "");
        assert_eq!(between(&before, &after), []);
        after.set(&info, "ProvisioningCode", "x");
        assert_eq!(between(&before, &after).len(), 1);
    }
}
