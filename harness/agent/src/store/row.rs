//! One Object or instance of the Instantiated Data Model, and its name.

use crate::model::{Model, ObjectId, ParamDef};
use std::collections::{BTreeMap, BTreeSet};

/// Names a single-instance Object or an instance of a table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RowKey {
    /// The Object in the Supported Data Model.
    pub object: ObjectId,
    /// The instance numbers on the way to it.
    pub instances: Vec<u32>,
}

impl RowKey {
    /// The Object Path or Object Instance Path, by instance number (R-MSG.3), with its closing dot.
    pub fn path(&self, model: &Model) -> String {
        let mut numbers = self.instances.iter();
        let mut path = String::new();
        for part in model.object(self.object).path.split_inclusive("{i}") {
            match (part.strip_suffix("{i}"), numbers.next()) {
                (Some(stem), Some(number)) => {
                    path.push_str(stem);
                    path.push_str(&number.to_string());
                }
                _ => path.push_str(part),
            }
        }
        path
    }

    /// The path as a reference Parameter holds it, without the closing dot.
    pub fn reference(&self, model: &Model) -> String {
        let path = self.path(model);
        path.strip_suffix('.').unwrap_or(&path).to_owned()
    }

    /// Reads a path of names and instance numbers alone, with or without the closing dot. The instance need not exist.
    pub fn parse(path: &str, model: &Model) -> Option<Self> {
        let mut parts = path.strip_suffix('.').unwrap_or(path).split('.');
        let mut key = Self { object: model.root(), instances: Vec::new() };
        if parts.next() != Some(model.object(key.object).name.as_str()) {
            return None;
        }
        while let Some(name) = parts.next() {
            key.object = model.child(key.object, name)?;
            if model.object(key.object).multi {
                key.instances.push(parts.next()?.parse().ok()?);
            }
        }
        Some(key)
    }

    /// The Object or instance around this one.
    pub fn parent(&self, model: &Model) -> Option<Self> {
        let object = model.object(self.object).parent?;
        let instances = self.instances.iter().take(model.depth(object)).copied().collect();
        Some(Self { object, instances })
    }

    /// Whether this row is `other` or stands below it.
    pub fn is_within(&self, other: &Self, model: &Model) -> bool {
        model.is_within(self.object, other.object) && self.instances.starts_with(&other.instances)
    }

    /// The number of the instance in its own table.
    pub fn number(&self) -> u32 {
        self.instances.last().copied().unwrap_or(0)
    }
}

/// Whether that is the name of a value that the Agent keeps for itself: no Parameter's name starts like it.
pub fn is_private(name: &str) -> bool {
    name.starts_with('#')
}

/// The stored values of one Object or instance.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    /// Values by Parameter name; what is missing has its default.
    pub(super) values: BTreeMap<String, String>,
    /// Parameters of access writeOnceReadOnly that a Controller has set.
    pub(super) written: BTreeSet<String>,
}

impl Row {
    /// The stored value, or the default.
    pub fn value<'a>(&'a self, param: &'a ParamDef) -> &'a str {
        self.values.get(&param.name).unwrap_or(&param.default)
    }

    /// All values that were ever stored, whether or not the model has the Parameter.
    pub fn stored(&self) -> impl Iterator<Item = (String, String)> {
        self.values.iter().map(|(name, value)| (name.clone(), value.clone()))
    }

    /// Whether a Controller has set this Parameter.
    pub fn is_written(&self, name: &str) -> bool {
        self.written.contains(name)
    }
}
