//! Reads the definition in `device.yaml` and links parents with children.

use super::{CommandDef, EventDef, Model, ObjectAccess, ObjectDef, ObjectId, ParamDef, UniqueKey};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// The definition that the crate carries.
const DEVICE: &str = include_str!("device.yaml");

/// The definition once it has been read.
static SHARED: OnceLock<Arc<Model>> = OnceLock::new();

/// The definition does not describe a data model.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The text is not the expected YAML.
    #[error("data model definition: {0}")]
    Syntax(String),
    /// An Object stands before its parent, or has none.
    #[error("data model definition: {0} has no parent defined before it")]
    Orphan(String),
    /// Nothing is defined.
    #[error("data model definition: no Object")]
    Empty,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct RawModel {
    uri: String,
    objects: Vec<RawObject>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct RawObject {
    path: String,
    #[serde(default)]
    access: ObjectAccess,
    #[serde(default)]
    keys: Vec<UniqueKey>,
    #[serde(default)]
    params: Vec<ParamDef>,
    #[serde(default)]
    commands: Vec<CommandDef>,
    #[serde(default)]
    events: Vec<EventDef>,
}

impl Model {
    /// The data model of the reference Agent. It is read once and shared by all Agents of a process.
    pub fn device() -> Result<Arc<Self>, ModelError> {
        if let Some(known) = SHARED.get() {
            return Ok(Arc::clone(known));
        }
        let model = Arc::new(Self::from_yaml(DEVICE)?);
        Ok(Arc::clone(SHARED.get_or_init(|| model)))
    }

    /// A data model from its YAML definition; the first Object is the root.
    pub fn from_yaml(text: &str) -> Result<Self, ModelError> {
        let raw: RawModel = serde_yaml::from_str(text).map_err(|error| ModelError::Syntax(error.to_string()))?;
        let mut objects: Vec<ObjectDef> = Vec::new();
        let mut by_path = BTreeMap::new();
        for raw in raw.objects {
            let id = ObjectId(objects.len());
            let object = link(raw, &by_path, objects.is_empty())?;
            if let Some(parent) = object.parent.and_then(|parent| objects.get_mut(parent.0)) {
                parent.children.push(id);
            }
            by_path.insert(object.path.clone(), id);
            objects.push(object);
        }
        let root = objects.first().cloned().ok_or(ModelError::Empty)?;
        Ok(Self { uri: raw.uri, root, objects, by_path })
    }
}

fn link(raw: RawObject, by_path: &BTreeMap<String, ObjectId>, is_root: bool) -> Result<ObjectDef, ModelError> {
    let multi = raw.path.ends_with(".{i}.");
    let stem = raw.path.strip_suffix("{i}.").unwrap_or(&raw.path);
    let stem = stem.strip_suffix('.').unwrap_or(stem);
    let (above, name) = stem.rsplit_once('.').unwrap_or(("", stem));
    let parent = by_path.get(&format!("{above}.")).copied();
    if parent.is_none() && !is_root {
        return Err(ModelError::Orphan(raw.path));
    }
    Ok(ObjectDef {
        name: name.to_owned(),
        path: raw.path,
        parent,
        children: Vec::new(),
        multi,
        access: raw.access,
        keys: raw.keys,
        params: raw.params,
        commands: raw.commands,
        events: raw.events,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::value;

    #[test]
    fn every_table_has_keys_and_every_key_names_a_parameter() {
        let model = Model::device().unwrap();
        for object in model.ids().map(|id| model.object(id)) {
            assert_eq!(object.multi, !object.keys.is_empty(), "{}", object.path);
            for name in object.key_params() {
                assert!(object.param(name).is_some(), "{} {name}", object.path);
            }
        }
    }

    #[test]
    fn every_default_is_a_value_of_its_parameter() {
        let model = Model::device().unwrap();
        for object in model.ids().map(|id| model.object(id)) {
            for param in object.params.iter().filter(|param| !param.default.is_empty()) {
                assert_eq!(
                    value::accept(param, &param.default).as_deref(),
                    Ok(param.default.as_str()),
                    "{}{}",
                    object.path,
                    param.name
                );
            }
        }
    }

    #[test]
    fn references_and_counters_name_tables_of_the_model() {
        let model = Model::device().unwrap();
        for param in model.ids().flat_map(|id| &model.object(id).params) {
            let target = match &param.live {
                Some(crate::model::Live::Entries(path)) => Some(path),
                _ => param.references.as_ref(),
            };
            if let Some(path) = target {
                assert!(model.find(path).is_some_and(|id| model.object(id).multi), "{} -> {path}", param.name);
            }
        }
    }

    #[test]
    fn an_orphan_is_refused() {
        let text = "uri: x\nobjects:\n  - path: Device.\n  - path: Device.A.B.\n";
        assert!(matches!(Model::from_yaml(text), Err(ModelError::Orphan(path)) if path == "Device.A.B."));
    }
}
