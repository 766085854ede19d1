//! What a Controller may do: the Roles of `Device.LocalAgent.ControllerTrust.` (TR-369 "Roles (Access Control)").
//!
//! A Controller has the Roles in AssignedRole and InheritedRole together. In a Role the Permission with the highest Order among
//! those whose Targets cover the element decides; between Roles, what one of them allows is allowed.

mod cover;

use crate::faults::{Fault, FaultSet};
use crate::model::{ObjectId, value};
use crate::store::{RowKey, Store, TableKey};
use cover::{Cover, Element, cover};

/// Where trust in Controllers is described.
pub const TRUST: &str = "Device.LocalAgent.ControllerTrust.";

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
    /// Resolve a table.
    ReadTable(&'a TableKey),
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

impl<'a> Right<'a> {
    /// The Parameter of `Permission.{i}.` that grants it, and the letter in there.
    fn grant(&self) -> (&'static str, char) {
        match self {
            Self::ReadParam(..) | Self::SeeParam(..) => ("Param", 'r'),
            Self::WriteParam(..) => ("Param", 'w'),
            Self::NotifyParam(..) => ("Param", 'n'),
            Self::ReadObject(_) | Self::ReadTable(_) | Self::SeeObject(_) => ("Obj", 'r'),
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

    /// The fault with which the Agent does not ask whether it is granted.
    fn ignored_with(&self) -> Fault {
        match self {
            Self::ReadParam(..) | Self::ReadObject(_) | Self::ReadTable(_) => Fault::GetIgnoresPermissions,
            Self::WriteParam(..) => Fault::SetIgnoresPermissions,
            Self::Create(_) => Fault::AddIgnoresPermissions,
            Self::Delete(_) => Fault::DeleteIgnoresPermissions,
            Self::ReadInstance(_) => Fault::GetInstancesIgnoresPermissions,
            Self::Execute(..) => Fault::OperateIgnoresPermissions,
            Self::NotifyParam(..) | Self::NotifyCreation(_) | Self::NotifyDeletion(_) | Self::NotifyEvent(..) => {
                Fault::NotifyIgnoresPermissions
            }
            Self::SeeObject(_) | Self::SeeParam(..) | Self::SeeCommand(..) => Fault::GsdmIgnoresPermissions,
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
            Self::Create((object, parent)) | Self::ReadTable((object, parent)) => {
                Element { object: *object, instances: Some(parent), leaf: None }
            }
            Self::SeeObject(object) => Element { object, instances: None, leaf: None },
            Self::SeeParam(object, leaf) | Self::SeeCommand(object, leaf) => {
                Element { object, instances: None, leaf: Some(leaf) }
            }
        }
    }
}

/// Whether the Controller in that row of the Controller table has the right.
pub fn allows(store: &Store, faults: &FaultSet, controller: &RowKey, right: &Right<'_>) -> bool {
    let ignored = faults.has(Fault::PermissionsAreIgnored) || faults.has(right.ignored_with());
    ignored || roles(store, faults, controller).iter().any(|role| role_allows(store, faults, role, right))
}

/// Whether the Controller may know the value of a Parameter that it may read: that of a secured one it knows through a Role that
/// SecuredRoles names as well (TR-369 "Special Roles").
pub fn reveals(store: &Store, faults: &FaultSet, controller: &RowKey, row: &RowKey, name: &str) -> bool {
    let secured = store.definition(row, name).is_some_and(|param| param.secured);
    if !secured || faults.has(Fault::SecuredValuesAreShown) {
        return true;
    }
    if faults.has(Fault::SecuredRolesAreIgnored) {
        return false;
    }
    let trusted = role_list(store, RowKey::parse(TRUST, store.model()).as_ref(), "SecuredRoles");
    let right = Right::ReadParam(row, name);
    let mut roles = roles(store, faults, controller).into_iter().filter(|role| trusted.contains(role));
    roles.any(|role| role_allows(store, faults, &role, &right))
}

/// Whether the Controller has the Role of those who are banned; the Agent has no dealings with it then (TR-181 BannedRole).
pub fn is_banned(store: &Store, controller: &RowKey) -> bool {
    let banned = role_list(store, RowKey::parse(TRUST, store.model()).as_ref(), "BannedRole");
    role_list(store, Some(controller), "AssignedRole").iter().any(|role| banned.contains(role))
}

/// The enabled Roles of a Controller, assigned and inherited.
fn roles(store: &Store, faults: &FaultSet, controller: &RowKey) -> Vec<RowKey> {
    let mut roles = role_list(store, Some(controller), "AssignedRole");
    if !faults.has(Fault::InheritedRoleIsIgnored) {
        roles.extend(role_list(store, Some(controller), "InheritedRole"));
    }
    roles.retain(|role| store.flag(role, "Enable") || faults.has(Fault::DisabledPermissionsCount));
    roles
}

fn role_list(store: &Store, row: Option<&RowKey>, name: &str) -> Vec<RowKey> {
    let items = row.map(|row| value::items(store.text(row, name))).unwrap_or_default();
    items.into_iter().filter_map(|item| RowKey::parse(item, store.model())).collect()
}

fn role_allows(store: &Store, faults: &FaultSet, role: &RowKey, right: &Right<'_>) -> bool {
    let element = right.element();
    let (mut whole, mut partly) = (Vec::new(), Vec::new());
    for permission in store.below(role) {
        if !store.flag(&permission, "Enable") && !faults.has(Fault::DisabledPermissionsCount) {
            continue;
        }
        let targets = value::items(store.text(&permission, "Targets")).into_iter();
        match targets.map(|target| cover(store, faults, target, &element)).max() {
            Some(Cover::Whole) => whole.push(permission),
            Some(Cover::Partly) => partly.push(permission),
            Some(Cover::None) | None => {}
        }
    }
    let order = |permission: &&RowKey| store.number(permission, "Order");
    let reversed = faults.has(Fault::PermissionOrderIsReversed);
    let decisive = if reversed { whole.iter().min_by_key(order) } else { whole.iter().max_by_key(order) };
    // What is allowed on some instances alone does not hide the element from the Supported Data Model.
    decisive.into_iter().chain(&partly).any(|permission| grants(store, faults, permission, right))
}

fn grants(store: &Store, faults: &FaultSet, permission: &RowKey, right: &Right<'_>) -> bool {
    let (column, letter) = right.grant();
    let mute = faults.has(Fault::AddedPermissionsGrantNothing) && store.number(permission, "Order") > 0;
    !mute && store.text(permission, column).contains(letter)
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
        assert_eq!(allows(&store, &FaultSet::default(), &controller, &Right::Create(&table)), expected);
    }

    #[rstest]
    #[case("Device.Reboot()", "r---", false)]
    #[case("Device.Reboot()", "--x-", true)]
    #[case("Device.FactoryReset()", "----", true)]
    fn execution_of_a_command(#[case] targets: &str, #[case] rights: &str, #[case] expected: bool) {
        let (store, controller) = setup(targets, rights);
        let root = RowKey::parse("Device.", store.model()).unwrap();
        assert_eq!(allows(&store, &FaultSet::default(), &controller, &Right::Execute(&root, "Reboot()")), expected);
    }

    #[test]
    fn a_controller_without_roles_may_nothing() {
        let (mut store, controller) = setup("Device.", "rwxn");
        store.set(&controller, "AssignedRole", "");
        assert!(!allows(&store, &FaultSet::default(), &controller, &Right::ReadObject(&controller)));
    }
}
