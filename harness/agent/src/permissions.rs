//! What a Controller may do: the Roles of `Device.LocalAgent.ControllerTrust.` (TR-369 "Roles (Access Control)").
//!
//! A Controller has the Roles in AssignedRole and InheritedRole together. In a Role the Permission with the highest Order among
//! those whose Targets cover the element decides; between Roles, what one of them allows is allowed.

use crate::faults::FaultSet;
use crate::model::{ObjectId, value};
use crate::path::{Leaf, Node, Scope};
use crate::store::{RowKey, Store, TableKey};

/// Something that a Controller wants to do.
#[derive(Debug, Clone, Copy)]
pub enum Right<'a> {
    /// Read a Parameter's value.
    ReadParam(&'a RowKey, &'a str),
    /// Set a Parameter.
    WriteParam(&'a RowKey, &'a str),
    /// Be told that a Parameter changed.
    NotifyParam(&'a RowKey, &'a str),
    /// Resolve an Object.
    ReadObject(&'a RowKey),
    /// Add to a table.
    Create(&'a TableKey),
    /// Be told that an instance came.
    NotifyCreation(&'a RowKey),
    /// See instance and unique keys.
    ReadInstance(&'a RowKey),
    /// Delete an instance.
    Delete(&'a RowKey),
    /// Be told that an instance went.
    NotifyDeletion(&'a RowKey),
    /// Execute a Command.
    Execute(&'a RowKey, &'a str),
    /// Be told of an Event or of a Command's end.
    NotifyEvent(&'a RowKey, &'a str),
    /// See an Object in the Supported Data Model.
    SeeObject(ObjectId),
    /// See a Parameter in the Supported Data Model.
    SeeParam(ObjectId, &'a str),
    /// See a Command or Event in the Supported Data Model.
    SeeCommand(ObjectId, &'a str),
}

/// What a right is about.
struct Element<'a> {
    object: ObjectId,
    /// None for an element of the Supported Data Model.
    instances: Option<&'a [u32]>,
    leaf: Option<&'a str>,
}

impl<'a> Right<'a> {
    /// The Parameter of `Permission.{i}.` that grants it, and the letter in there.
    fn grant(&self) -> (&'static str, char) {
        match self {
            Self::ReadParam(..) | Self::SeeParam(..) => ("Param", 'r'),
            Self::WriteParam(..) => ("Param", 'w'),
            Self::NotifyParam(..) => ("Param", 'n'),
            Self::ReadObject(_) | Self::SeeObject(_) => ("Obj", 'r'),
            Self::Create(_) => ("Obj", 'w'),
            Self::NotifyCreation(_) => ("Obj", 'n'),
            Self::ReadInstance(_) => ("InstantiatedObj", 'r'),
            Self::Delete(_) => ("InstantiatedObj", 'w'),
            Self::NotifyDeletion(_) => ("InstantiatedObj", 'n'),
            Self::SeeCommand(..) => ("CommandEvent", 'r'),
            Self::Execute(..) => ("CommandEvent", 'x'),
            Self::NotifyEvent(..) => ("CommandEvent", 'n'),
        }
    }

    fn element(&self) -> Element<'a> {
        match *self {
            Self::ReadParam(row, leaf)
            | Self::WriteParam(row, leaf)
            | Self::NotifyParam(row, leaf)
            | Self::Execute(row, leaf)
            | Self::NotifyEvent(row, leaf) => {
                Element { object: row.object, instances: Some(&row.instances), leaf: Some(leaf) }
            }
            Self::ReadObject(row)
            | Self::NotifyCreation(row)
            | Self::ReadInstance(row)
            | Self::Delete(row)
            | Self::NotifyDeletion(row) => Element { object: row.object, instances: Some(&row.instances), leaf: None },
            Self::Create((object, parent)) => Element { object: *object, instances: Some(parent), leaf: None },
            Self::SeeObject(object) => Element { object, instances: None, leaf: None },
            Self::SeeParam(object, leaf) | Self::SeeCommand(object, leaf) => {
                Element { object, instances: None, leaf: Some(leaf) }
            }
        }
    }
}

/// Whether the Controller in that row of the Controller table has the right.
pub fn allows(store: &Store, controller: &RowKey, right: &Right<'_>) -> bool {
    let assigned = value::items(store.text(controller, "AssignedRole"));
    let inherited = value::items(store.text(controller, "InheritedRole"));
    let roles = assigned.into_iter().chain(inherited).filter_map(|role| RowKey::parse(role, store.model()));
    roles.filter(|role| store.flag(role, "Enable")).any(|role| role_allows(store, &role, right))
}

fn role_allows(store: &Store, role: &RowKey, right: &Right<'_>) -> bool {
    let element = right.element();
    let (column, letter) = right.grant();
    let permissions = store.below(role).into_iter().filter(|permission| store.flag(permission, "Enable"));
    let relevant = permissions.filter(|permission| {
        value::items(store.text(permission, "Targets")).into_iter().any(|target| covers(store, target, &element))
    });
    let decisive = relevant.max_by_key(|permission| store.number(permission, "Order"));
    decisive.is_some_and(|permission| store.text(&permission, column).contains(letter))
}

fn covers(store: &Store, target: &str, element: &Element<'_>) -> bool {
    if target == "Device." || target == "Device" {
        return true;
    }
    let none = FaultSet::default();
    let scope = Scope::own(store, &none);
    let Ok(resolved) = scope.resolve_text(target).or_else(|_| scope.resolve_object(target)) else { return false };
    resolved.nodes.iter().any(|node| match &resolved.leaf {
        Leaf::Object => spans(store, node, element),
        Leaf::Param(name) | Leaf::Command(name) | Leaf::Event(name) => {
            element.leaf == Some(name)
                && node.row().is_some_and(|row| row.object == element.object)
                && spans(store, node, element)
        }
    })
}

/// Whether the element is the node or stands below it.
fn spans(store: &Store, node: &Node, element: &Element<'_>) -> bool {
    let (object, instances) = match node {
        Node::Row(row) => (row.object, &row.instances),
        Node::Table((object, parent)) => (*object, parent),
    };
    store.model().is_within(element.object, object) && element.instances.is_none_or(|own| own.starts_with(instances))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Model;
    use rstest::rstest;

    fn add(store: &mut Store, path: &str, parent: &[u32], values: &[(&str, &str)]) -> RowKey {
        let row = store.create(store.model().find(path).unwrap(), parent);
        for (name, value) in values {
            store.set(&row, name, *value);
        }
        row
    }

    fn setup(targets: &str, rights: &str) -> (Store, RowKey) {
        let mut store = Store::new(Model::device().unwrap());
        let role = add(&mut store, "Device.LocalAgent.ControllerTrust.Role.{i}.", &[], &[("Enable", "true")]);
        let path = "Device.LocalAgent.ControllerTrust.Role.{i}.Permission.{i}.";
        let all = [("Param", "rwxn"), ("Obj", "rwxn"), ("InstantiatedObj", "rwxn"), ("CommandEvent", "rwxn")];
        let base = add(&mut store, path, &role.instances, &[("Enable", "true"), ("Targets", "Device.")]);
        for (name, value) in &all {
            store.set(&base, name, *value);
        }
        let extra = add(&mut store, path, &role.instances, &[("Enable", "true"), ("Targets", targets), ("Order", "1")]);
        for (name, _) in &all {
            store.set(&extra, name, rights);
        }
        let values = [("AssignedRole", "Device.LocalAgent.ControllerTrust.Role.1")];
        let controller = add(&mut store, "Device.LocalAgent.Controller.{i}.", &[], &values);
        (store, controller)
    }

    #[rstest]
    #[case("Device.LocalAgent.Subscription.", "r---", false)]
    #[case("Device.LocalAgent.Subscription.", "-w--", true)]
    #[case("Device.LocalAgent.", "r---", false)]
    #[case("Device.DeviceInfo.", "----", true)]
    fn creation_in_a_table(#[case] targets: &str, #[case] rights: &str, #[case] expected: bool) {
        let (store, controller) = setup(targets, rights);
        let table = (store.model().find("Device.LocalAgent.Subscription.{i}.").unwrap(), Vec::new());
        assert_eq!(allows(&store, &controller, &Right::Create(&table)), expected);
    }

    #[rstest]
    #[case("Device.Reboot()", "r---", false)]
    #[case("Device.Reboot()", "--x-", true)]
    #[case("Device.FactoryReset()", "----", true)]
    fn execution_of_a_command(#[case] targets: &str, #[case] rights: &str, #[case] expected: bool) {
        let (store, controller) = setup(targets, rights);
        let root = RowKey::parse("Device.", store.model()).unwrap();
        assert_eq!(allows(&store, &controller, &Right::Execute(&root, "Reboot()")), expected);
    }

    #[test]
    fn a_controller_without_roles_may_nothing() {
        let (mut store, controller) = setup("Device.", "rwxn");
        store.set(&controller, "AssignedRole", "");
        assert!(!allows(&store, &controller, &Right::ReadObject(&controller)));
    }
}
