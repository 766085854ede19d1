//! What survives a restart: the instances, their values and the instance numbers already used.

use super::{Row, RowKey, Store};
use crate::model::Model;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A store in a form that can be written to a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Snapshot {
    rows: BTreeMap<String, SavedRow>,
    last_numbers: BTreeMap<String, u32>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
struct SavedRow {
    values: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    written: BTreeSet<String>,
}

impl Store {
    /// Everything of the store but the running time.
    pub fn snapshot(&self) -> Snapshot {
        let save = |row: &Row| SavedRow { values: row.values.clone(), written: row.written.clone() };
        Snapshot {
            rows: self.rows.iter().map(|(key, row)| (key.path(&self.model), save(row))).collect(),
            last_numbers: self
                .last_numbers
                .iter()
                .map(|(table, last)| (table_path(&self.model, table), *last))
                .collect(),
        }
    }

    /// A store with what `snapshot` holds; what the model does not know (any more) is left out.
    pub fn restore(model: &Arc<Model>, snapshot: &Snapshot) -> Self {
        let mut store = Self::new(Arc::clone(model));
        for (path, saved) in &snapshot.rows {
            let Some(key) = RowKey::parse(path, model) else { continue };
            if !store.contains(&key) {
                store.insert(key.clone());
            }
            store.put(key, Row { values: saved.values.clone(), written: saved.written.clone() });
        }
        for (path, last) in &snapshot.last_numbers {
            // A table path is an instance path without its last number.
            if let Some(mut key) = RowKey::parse(&format!("{path}0."), model) {
                key.instances.pop();
                store.last_numbers.insert((key.object, key.instances), *last);
            }
        }
        store
    }
}

fn table_path(model: &Model, (object, parent): &super::TableKey) -> String {
    let mut instances = parent.clone();
    instances.push(0);
    let path = RowKey { object: *object, instances }.path(model);
    path.strip_suffix("0.").unwrap_or(&path).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn survives_json_with_numbers_and_marks() {
        let model = Model::device().unwrap();
        let mut store = Store::new(Arc::clone(&model));
        let controllers = model.find("Device.LocalAgent.Controller.{i}.").unwrap();
        let first = store.create(controllers, &[]);
        let second = store.create(controllers, &[]);
        store.set(&second, "ControllerCode", "kept");
        store.mark_written(&second, "Alias");
        store.create(model.find("Device.LocalAgent.Controller.{i}.BootParameter.{i}.").unwrap(), &[2]);
        store.remove(&first);
        let text = serde_json::to_string(&store.snapshot()).unwrap();
        let mut back = Store::restore(&model, &serde_json::from_str(&text).unwrap());
        assert_eq!(back.snapshot(), store.snapshot());
        assert!(back.row(&second).unwrap().is_written("Alias"));
        assert_eq!(back.create(controllers, &[]).instances, [3]);
    }
}
