//! The Instantiated Data Model: which instances exist and what value each Parameter has.
//!
//! A store is a plain value: a transaction is a clone that is put back when the request fails, and what a request changed is
//! the difference between two stores ([`change`]).

pub mod change;
pub mod factory;
pub mod keys;
mod references;
mod row;
pub mod snapshot;

pub use row::{Row, RowKey, is_private};

use crate::model::{Live, Model, ObjectId, ParamDef};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A table: the Object and the instance numbers of the rows around it.
pub type TableKey = (ObjectId, Vec<u32>);

/// The Instantiated Data Model.
#[derive(Debug, Clone)]
pub struct Store {
    model: Arc<Model>,
    /// Shared between clones until one of them changes, so that a clone costs next to nothing.
    rows: Arc<BTreeMap<RowKey, Row>>,
    last_numbers: BTreeMap<TableKey, u32>,
    /// Whole seconds since the Agent started, which `UpTime` reports.
    pub uptime: u64,
}

impl Store {
    /// All single-instance Objects with their defaults, and no instance of any table.
    pub fn new(model: Arc<Model>) -> Self {
        let mut store = Self { model, rows: Arc::default(), last_numbers: BTreeMap::new(), uptime: 0 };
        let root = store.model.root();
        store.insert(RowKey { object: root, instances: Vec::new() });
        store
    }

    /// The Supported Data Model behind the instances.
    pub fn model(&self) -> &Arc<Model> {
        &self.model
    }

    /// All rows, tables in the order of the model.
    pub fn rows(&self) -> impl Iterator<Item = (&RowKey, &Row)> {
        self.rows.iter()
    }

    /// Whether nothing was written to one of the two since the other was cloned from it.
    pub fn is_untouched(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.rows, &other.rows)
    }

    /// Whether the Object or instance exists.
    pub fn contains(&self, key: &RowKey) -> bool {
        self.rows.contains_key(key)
    }

    /// What is stored for the Object or instance.
    pub fn row(&self, key: &RowKey) -> Option<&Row> {
        self.rows.get(key)
    }

    /// The instances of one table, by number.
    pub fn rows_of(&self, object: ObjectId, parent: &[u32]) -> Vec<RowKey> {
        let from = RowKey { object, instances: parent.to_vec() };
        let in_table = |key: &&RowKey| key.object == object && key.instances.starts_with(parent);
        self.rows.range(from..).map(|(key, _)| key).take_while(in_table).cloned().collect()
    }

    /// The instances of a table wherever it stands, found by its Supported Data Model path.
    pub fn all_of(&self, path: &str) -> Vec<RowKey> {
        self.model.find(path).map(|object| self.rows_of(object, &[])).unwrap_or_default()
    }

    /// The Objects right below a row: single Objects and the rows of its tables, in the order of the model.
    pub fn below(&self, key: &RowKey) -> Vec<RowKey> {
        let children = &self.model.object(key.object).children;
        children.iter().flat_map(|child| self.rows_of(*child, &key.instances)).collect()
    }

    /// The value of a Parameter as a Controller reads it; nothing when the row or Parameter does not exist.
    pub fn read(&self, key: &RowKey, name: &str) -> Option<String> {
        let param = self.model.object(key.object).param(name)?;
        let row = self.rows.get(key)?;
        Some(match &param.live {
            Some(Live::Uptime) => self.uptime.to_string(),
            Some(Live::Entries(path)) => self.count(path, &key.instances).to_string(),
            None => row.value(param).to_owned(),
        })
    }

    /// A stored value; empty when the row or Parameter does not exist.
    pub fn text(&self, key: &RowKey, name: &str) -> &str {
        let param = self.model.object(key.object).param(name);
        param.and_then(|param| self.rows.get(key).map(|row| row.value(param))).unwrap_or("")
    }

    /// A value that the Agent keeps for itself, beside the Parameters.
    pub fn private(&self, key: &RowKey, name: &str) -> Option<&str> {
        self.rows.get(key)?.values.get(name).map(String::as_str).filter(|_| is_private(name))
    }

    /// Whether a stored boolean is true.
    pub fn flag(&self, key: &RowKey, name: &str) -> bool {
        self.text(key, name) == "true"
    }

    /// A stored number; zero when it is none.
    pub fn number(&self, key: &RowKey, name: &str) -> u64 {
        self.text(key, name).parse().unwrap_or(0)
    }

    /// Stores a value without asking who may do so.
    pub fn set(&mut self, key: &RowKey, name: &str, value: impl Into<String>) {
        if let Some(row) = Arc::make_mut(&mut self.rows).get_mut(key) {
            row.values.insert(name.to_owned(), value.into());
        }
    }

    /// Remembers that a Controller has set a Parameter that can be set once.
    pub fn mark_written(&mut self, key: &RowKey, name: &str) {
        if let Some(row) = Arc::make_mut(&mut self.rows).get_mut(key) {
            row.written.insert(name.to_owned());
        }
    }

    /// Makes the next instance of a table with its defaults and its single-instance Objects. Numbers are never used again,
    /// not even after the instance is gone (R-ARC.8).
    pub fn create(&mut self, object: ObjectId, parent: &[u32]) -> RowKey {
        let last = self.last_numbers.entry((object, parent.to_vec())).or_insert(0);
        *last = last.saturating_add(1);
        let mut instances = parent.to_vec();
        instances.push(*last);
        let key = RowKey { object, instances };
        self.insert(key.clone());
        key
    }

    /// Removes a row with everything below it, and tidies the strong references to what is gone (R-ARC.12).
    pub fn remove(&mut self, key: &RowKey) {
        let gone = |model: &Model, other: &RowKey| {
            model.is_within(other.object, key.object) && other.instances.starts_with(&key.instances)
        };
        let model = Arc::clone(&self.model);
        Arc::make_mut(&mut self.rows).retain(|other, _| !gone(&model, other));
        self.tidy_references();
    }

    /// Puts a row back as it was.
    pub fn put(&mut self, key: RowKey, row: Row) {
        Arc::make_mut(&mut self.rows).insert(key, row);
    }

    fn insert(&mut self, key: RowKey) {
        let model = Arc::clone(&self.model);
        for child in &model.object(key.object).children {
            if !model.object(*child).multi {
                self.insert(RowKey { object: *child, instances: key.instances.clone() });
            }
        }
        Arc::make_mut(&mut self.rows).insert(key, Row::default());
    }

    fn count(&self, path: &str, parent: &[u32]) -> usize {
        self.model.find(path).map_or(0, |object| self.rows_of(object, parent).len())
    }

    /// The Parameter's definition behind a row and a name.
    pub fn definition(&self, key: &RowKey, name: &str) -> Option<&ParamDef> {
        self.model.object(key.object).param(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> Store {
        Store::new(Model::device().unwrap())
    }

    fn table(store: &Store, path: &str) -> ObjectId {
        store.model().find(path).unwrap()
    }

    #[test]
    fn an_instance_brings_its_single_objects_and_defaults() {
        let mut store = store();
        let mtp = store.create(table(&store, "Device.LocalAgent.MTP.{i}."), &[]);
        assert_eq!(mtp.path(store.model()), "Device.LocalAgent.MTP.1.");
        assert_eq!(
            store.below(&mtp).iter().map(|row| row.path(store.model())).collect::<Vec<_>>(),
            ["Device.LocalAgent.MTP.1.WebSocket."]
        );
        assert_eq!(store.text(&store.below(&mtp)[0], "Port"), "8443");
    }

    #[test]
    fn numbers_are_not_used_again() {
        let mut store = store();
        let id = table(&store, "Device.LocalAgent.Subscription.{i}.");
        let first = store.create(id, &[]);
        store.remove(&first);
        assert_eq!(store.create(id, &[]).instances, [2]);
    }

    #[test]
    fn counters_are_live() {
        let mut store = store();
        let agent = RowKey::parse("Device.LocalAgent.", store.model()).unwrap();
        assert_eq!(store.read(&agent, "SubscriptionNumberOfEntries").unwrap(), "0");
        store.create(table(&store, "Device.LocalAgent.Subscription.{i}."), &[]);
        assert_eq!(store.read(&agent, "SubscriptionNumberOfEntries").unwrap(), "1");
    }

    #[test]
    fn removing_takes_what_is_below_and_what_refers_to_it() {
        let mut store = store();
        let controllers = table(&store, "Device.LocalAgent.Controller.{i}.");
        let (first, second) = (store.create(controllers, &[]), store.create(controllers, &[]));
        let boot = store.create(table(&store, "Device.LocalAgent.Controller.{i}.BootParameter.{i}."), &[1]);
        let subscription = store.create(table(&store, "Device.LocalAgent.Subscription.{i}."), &[]);
        store.set(&subscription, "Recipient", "Device.LocalAgent.Controller.1");
        store.remove(&first);
        assert!(!store.contains(&boot) && !store.contains(&subscription) && store.contains(&second));
    }

    #[test]
    fn lists_of_references_lose_the_item_that_is_gone() {
        let mut store = store();
        let roles = table(&store, "Device.LocalAgent.ControllerTrust.Role.{i}.");
        let (gone, _) = (store.create(roles, &[]), store.create(roles, &[]));
        let controller = store.create(table(&store, "Device.LocalAgent.Controller.{i}."), &[]);
        store.set(
            &controller,
            "AssignedRole",
            "Device.LocalAgent.ControllerTrust.Role.1,Device.LocalAgent.ControllerTrust.Role.2",
        );
        store.remove(&gone);
        assert_eq!(store.text(&controller, "AssignedRole"), "Device.LocalAgent.ControllerTrust.Role.2");
    }
}
