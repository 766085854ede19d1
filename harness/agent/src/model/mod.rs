//! The Supported Data Model: which Objects, Parameters, Commands and Events the Agent knows.
//!
//! It is data (`device.yaml`); the code around it never names a Parameter to decide about its type, access or default.

mod load;
mod param;
mod protocol;
pub mod value;

pub use load::ModelError;
pub use param::{Access, Base, Dangling, Live, ParamDef, Pattern, ValueChange};
pub use protocol::{Protocol, Protocols};

use std::collections::BTreeMap;

/// Which Object of the [`Model`]. Only a model hands these out, and only for Objects that it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId(usize);

/// What Controllers may do with the instances of an Object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ObjectAccess {
    /// Neither Add nor Delete.
    #[default]
    ReadOnly,
    /// Both.
    AddDelete,
    /// Add alone.
    AddOnly,
    /// Delete alone.
    DeleteOnly,
}

impl ObjectAccess {
    /// Whether Add can make instances.
    pub fn creatable(self) -> bool {
        matches!(self, Self::AddDelete | Self::AddOnly)
    }

    /// Whether Delete can remove instances.
    pub fn deletable(self) -> bool {
        matches!(self, Self::AddDelete | Self::DeleteOnly)
    }
}

/// Parameters whose values together tell one instance from all others of its table (TR-106).
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UniqueKey {
    /// Names of the Parameters.
    pub params: Vec<String>,
    /// Functional keys may change and bind enabled instances only; the others never change (R-KEY.1, R-KEY.2).
    #[serde(default)]
    pub functional: bool,
}

/// A Command of an Object.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommandDef {
    /// The name with its parentheses.
    pub name: String,
    /// Whether it outlives the Operate Message and so gets a Request instance.
    #[serde(default, rename = "async")]
    pub asynchronous: bool,
    /// Input arguments, described like Parameters.
    #[serde(default)]
    pub input: Vec<ParamDef>,
    /// Names of the output arguments.
    #[serde(default)]
    pub output: Vec<String>,
}

/// An Event of an Object.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventDef {
    /// The name with its exclamation mark.
    pub name: String,
    /// Names of the arguments.
    #[serde(default)]
    pub args: Vec<String>,
}

/// An Object, single or multi-instance.
#[derive(Debug, Clone)]
pub struct ObjectDef {
    /// Path in the notation of the Supported Data Model, with `{i}` and the closing dot.
    pub path: String,
    /// The last name of the path.
    pub name: String,
    /// The Object around it; none for the root.
    pub parent: Option<ObjectId>,
    /// The Objects right below, in the order of the definition.
    pub children: Vec<ObjectId>,
    /// Whether it is a table.
    pub multi: bool,
    /// What Add and Delete may do.
    pub access: ObjectAccess,
    /// Its unique keys.
    pub keys: Vec<UniqueKey>,
    /// Its Parameters.
    pub params: Vec<ParamDef>,
    /// Its Commands.
    pub commands: Vec<CommandDef>,
    /// Its Events.
    pub events: Vec<EventDef>,
}

impl ObjectDef {
    /// The Parameter of that name.
    pub fn param(&self, name: &str) -> Option<&ParamDef> {
        self.params.iter().find(|param| param.name == name)
    }

    /// The Command of that name, parentheses included.
    pub fn command(&self, name: &str) -> Option<&CommandDef> {
        self.commands.iter().find(|command| command.name == name)
    }

    /// The Event of that name, exclamation mark included.
    pub fn event(&self, name: &str) -> Option<&EventDef> {
        self.events.iter().find(|event| event.name == name)
    }

    /// The first unique key that `param` is part of.
    pub fn key_with(&self, param: &str) -> Option<&UniqueKey> {
        self.keys.iter().find(|key| key.params.iter().any(|name| name == param))
    }

    /// Names of all Parameters that stand in a unique key, each once.
    pub fn key_params(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for name in self.keys.iter().flat_map(|key| &key.params) {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
        names
    }
}

/// The Supported Data Model.
#[derive(Debug, Clone)]
pub struct Model {
    uri: String,
    root: ObjectDef,
    objects: Vec<ObjectDef>,
    by_path: BTreeMap<String, ObjectId>,
}

impl Model {
    /// The URI of the data model that GetSupportedDM reports.
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// The root Object, `Device.`.
    pub fn root(&self) -> ObjectId {
        ObjectId(0)
    }

    /// The definition of an Object. Ids come from this model alone, so the root as a fallback is never met.
    pub fn object(&self, id: ObjectId) -> &ObjectDef {
        self.objects.get(id.0).unwrap_or(&self.root)
    }

    /// The Object with that path in Supported Data Model notation.
    pub fn find(&self, path: &str) -> Option<ObjectId> {
        self.by_path.get(path).copied()
    }

    /// The Object called `name` right below `id`.
    pub fn child(&self, id: ObjectId, name: &str) -> Option<ObjectId> {
        self.object(id).children.iter().copied().find(|child| self.object(*child).name == name)
    }

    /// All Objects, parents before their children.
    pub fn ids(&self) -> impl Iterator<Item = ObjectId> + use<> {
        (0..self.objects.len()).map(ObjectId)
    }

    /// Whether `id` is `ancestor` or stands below it.
    pub fn is_within(&self, id: ObjectId, ancestor: ObjectId) -> bool {
        let mut current = Some(id);
        while let Some(here) = current {
            if here == ancestor {
                return true;
            }
            current = self.object(here).parent;
        }
        false
    }

    /// How many instance numbers an instance path of this Object has.
    pub fn depth(&self, id: ObjectId) -> usize {
        self.object(id).path.matches("{i}").count()
    }
}
