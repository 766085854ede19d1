//! Unique keys: reporting them, choosing the values that a Controller left open, finding conflicts.

use super::{RowKey, Store};
use crate::model::{Base, ParamDef, UniqueKey};
use std::collections::BTreeMap;

/// What the names start with that the Agent chooses itself (TR-106).
const PREFIX: &str = "cpe-";

/// Most attempts at finding a free value: one more than there can be rows, with room to spare.
const MOST_ATTEMPTS: u32 = 1_000_000;

/// All Parameters of the row's unique keys with their values.
pub fn unique_keys(store: &Store, key: &RowKey) -> BTreeMap<String, String> {
    let object = store.model().object(key.object);
    let read = |name: &str| store.read(key, name).map(|value| (name.to_owned(), value));
    object.key_params().into_iter().filter_map(read).collect()
}

/// Gives values to the key Parameters that are not among `given`, so that the row is unique (R-ADD.5).
pub fn complete(store: &mut Store, key: &RowKey, given: &[&str]) {
    let model = std::sync::Arc::clone(store.model());
    let object = model.object(key.object);
    for unique in &object.keys {
        let open = unique.params.iter().filter(|name| !given.contains(&name.as_str()));
        let open = open.filter_map(|name| object.param(name)).find(|param| is_free_choice(param));
        let Some(param) = open else { continue };
        let needs_a_value = !unique.functional && store.text(key, &param.name).is_empty();
        if needs_a_value || clashes(store, key, unique) {
            choose(store, key, unique, param);
        }
    }
}

/// The first unique key that the row shares with another instance of its table.
pub fn conflict(store: &Store, key: &RowKey) -> Option<UniqueKey> {
    let object = store.model().object(key.object);
    object.keys.iter().find(|unique| clashes(store, key, unique)).cloned()
}

/// References are set by whoever knows the target, never chosen.
fn is_free_choice(param: &ParamDef) -> bool {
    param.references.is_none()
}

fn clashes(store: &Store, key: &RowKey, unique: &UniqueKey) -> bool {
    let parent = key.instances.split_last().map_or(&[][..], |(_, parent)| parent);
    let binds = |row: &RowKey| !unique.functional || is_enabled(store, row);
    let same = |row: &RowKey| unique.params.iter().all(|name| store.read(row, name) == store.read(key, name));
    binds(key) && store.rows_of(key.object, parent).iter().any(|row| row != key && binds(row) && same(row))
}

/// Functional keys bind enabled instances only; in a table without `Enable`, all of them (TR-106).
fn is_enabled(store: &Store, row: &RowKey) -> bool {
    store.definition(row, "Enable").is_none() || store.flag(row, "Enable")
}

fn choose(store: &mut Store, key: &RowKey, unique: &UniqueKey, param: &ParamDef) {
    for attempt in 0..MOST_ATTEMPTS {
        let Some(value) = candidate(param, key, attempt) else { return };
        store.set(key, &param.name, value);
        if !clashes(store, key, unique) {
            return;
        }
    }
}

/// The `attempt`-th value to try: numbers upwards, names of an enumeration in turn, else `cpe-N` from the instance number on.
fn candidate(param: &ParamDef, key: &RowKey, attempt: u32) -> Option<String> {
    match param.base {
        Base::Int | Base::Long | Base::UnsignedInt | Base::UnsignedLong => {
            let first: u32 = param.default.parse().unwrap_or(0);
            first.checked_add(attempt).map(|value| value.to_string())
        }
        _ if !param.values.is_empty() => param.values.get(usize::try_from(attempt).ok()?).cloned(),
        _ => key.number().checked_add(attempt).map(|value| format!("{PREFIX}{value}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Model;

    fn store() -> Store {
        Store::new(Model::device().unwrap())
    }

    fn add(store: &mut Store, path: &str, values: &[(&str, &str)]) -> RowKey {
        let key = store.create(store.model().find(path).unwrap(), &[]);
        for (name, value) in values {
            store.set(&key, name, *value);
        }
        let given: Vec<&str> = values.iter().map(|(name, _)| *name).collect();
        complete(store, &key, &given);
        key
    }

    #[test]
    fn open_keys_get_values_that_differ() {
        let mut store = store();
        let path = "Device.LocalAgent.Subscription.{i}.";
        let first = add(&mut store, path, &[("Recipient", "R"), ("Alias", "cpe-2")]);
        let second = add(&mut store, path, &[("Recipient", "R")]);
        assert_eq!((store.text(&first, "ID"), store.text(&second, "ID")), ("cpe-1", "cpe-2"));
        assert_eq!((store.text(&first, "Alias"), store.text(&second, "Alias")), ("cpe-2", "cpe-3"));
    }

    #[test]
    fn functional_keys_bind_enabled_rows_only() {
        let mut store = store();
        let path = "Device.LocalAgent.Controller.{i}.";
        let first = add(&mut store, path, &[("EndpointID", "self::c"), ("Enable", "true")]);
        let second = add(&mut store, path, &[("EndpointID", "self::c")]);
        assert!(conflict(&store, &first).is_none());
        store.set(&second, "Enable", "true");
        assert_eq!(conflict(&store, &first).unwrap().params, ["EndpointID"]);
    }

    #[test]
    fn other_keys_bind_disabled_rows_as_well() {
        let mut store = store();
        let path = "Device.LocalAgent.Controller.{i}.";
        let first = add(&mut store, path, &[("Alias", "same")]);
        add(&mut store, path, &[("Alias", "same")]);
        assert_eq!(conflict(&store, &first).unwrap().params, ["Alias"]);
    }
}
