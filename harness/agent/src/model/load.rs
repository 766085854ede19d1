//! Reads the definition in `device.yaml` and links parents with children.

use super::{CommandDef, EventDef, Model, ObjectAccess, ObjectDef, ObjectId, ParamDef, Protocol, Protocols, UniqueKey};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The definition that the crate carries.
const DEVICE: &str = include_str!("device.yaml");

/// Stands in an `enum` for the MTPs that the Agent has.
const MTPS: &str = "{mtps}";

/// The definitions that have been read, by the MTPs that they are for.
static SHARED: Mutex<BTreeMap<Protocols, Arc<Model>>> = Mutex::new(BTreeMap::new());

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
    mtp: Option<Protocol>,
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
    /// The data model of a reference Agent that has WebSocket alone.
    ///
    /// # Errors
    /// As [`Model::supporting`].
    pub fn device() -> Result<Arc<Self>, ModelError> {
        Self::supporting(&[Protocol::WebSocket].into())
    }

    /// The data model of a reference Agent that has these MTPs. It is read once and shared by all Agents of a process.
    ///
    /// # Errors
    /// Only when the definition that the crate carries were broken.
    pub fn supporting(mtps: &Protocols) -> Result<Arc<Self>, ModelError> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = shared.get(mtps) {
            return Ok(Arc::clone(known));
        }
        let model = Arc::new(Self::from_yaml(DEVICE, mtps)?);
        shared.insert(mtps.clone(), Arc::clone(&model));
        Ok(model)
    }

    /// A data model from its YAML definition, for an Agent with these MTPs; the first Object is the root.
    ///
    /// # Errors
    /// A text that defines no data model.
    pub fn from_yaml(text: &str, mtps: &Protocols) -> Result<Self, ModelError> {
        let raw: RawModel = serde_yaml::from_str(text).map_err(|error| ModelError::Syntax(error.to_string()))?;
        let mut left_out: Vec<String> = Vec::new();
        let mut objects: Vec<ObjectDef> = Vec::new();
        let mut by_path = BTreeMap::new();
        for raw in raw.objects {
            let foreign = raw.mtp.is_some_and(|mtp| !mtps.contains(&mtp));
            if foreign || left_out.iter().any(|above| raw.path.starts_with(above)) {
                left_out.push(raw.path);
                continue;
            }
            let id = ObjectId(objects.len());
            let mut object = link(raw, &by_path, objects.is_empty())?;
            for param in object.params.iter_mut().filter(|param| param.values == [MTPS]) {
                name_mtps(param, mtps);
            }
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

/// Allows the MTPs that there are: a list has all of them to begin with, a single value the first.
fn name_mtps(param: &mut ParamDef, mtps: &Protocols) {
    param.values = mtps.iter().map(Protocol::to_string).collect();
    param.default = if param.list { param.values.join(",") } else { param.values.first().cloned().unwrap_or_default() };
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

    /// The models with each MTP alone, and the one with all.
    fn models() -> Vec<Arc<Model>> {
        let alone = Protocol::ALL.map(|mtp| Protocols::from([mtp]));
        alone.iter().chain([&Protocols::from(Protocol::ALL)]).map(|mtps| Model::supporting(mtps).unwrap()).collect()
    }

    #[test]
    fn every_table_has_keys_and_every_key_names_a_parameter() {
        for model in models() {
            for object in model.ids().map(|id| model.object(id)) {
                assert_eq!(object.multi, !object.keys.is_empty(), "{}", object.path);
                for name in object.key_params() {
                    assert!(object.param(name).is_some(), "{} {name}", object.path);
                }
            }
        }
    }

    #[test]
    fn every_default_is_a_value_of_its_parameter() {
        for model in models() {
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
    }

    #[test]
    fn references_and_counters_name_tables_of_the_model() {
        for model in models() {
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
    }

    #[test]
    fn an_agent_shows_the_mtps_that_it_has_and_no_other() {
        for mtp in Protocol::ALL {
            let model = Model::supporting(&[mtp].into()).unwrap();
            let own = model.find("Device.LocalAgent.MTP.{i}.").map(|id| model.object(id)).unwrap();
            assert_eq!(own.param("Protocol").unwrap().values, [mtp.name()]);
            let below: Vec<&str> = own.children.iter().map(|id| model.object(*id).name.as_str()).collect();
            assert_eq!(below, [mtp.name()]);
            let brokers = ["Device.MQTT.Client.{i}.Subscription.{i}.", "Device.STOMP.Connection.{i}."];
            assert_eq!(brokers.map(|path| model.find(path).is_some()), [mtp == Protocol::Mqtt, mtp == Protocol::Stomp]);
        }
    }

    #[test]
    fn an_orphan_is_refused() {
        let text = "uri: x\nobjects:\n  - path: Device.\n  - path: Device.A.B.\n";
        let model = Model::from_yaml(text, &Protocols::new());
        assert!(matches!(model, Err(ModelError::Orphan(path)) if path == "Device.A.B."));
    }
}
