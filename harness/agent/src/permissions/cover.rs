//! Which elements of the data model a Target of a Permission stands for.

use crate::faults::{Fault, FaultSet};
use crate::model::{Model, ObjectId};
use crate::path::{Leaf, Path, Scope, Step, expression};
use crate::store::{RowKey, Store};

/// What a right is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Element<'a> {
    /// The Object, or the table when an instance number is missing at the end.
    pub(super) object: ObjectId,
    /// None for an element of the Supported Data Model.
    pub(super) instances: Option<&'a [u32]>,
    /// The Parameter, Command or Event; none for the Object itself.
    pub(super) leaf: Option<&'a str>,
}

/// How a Target stands to an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cover {
    /// It is about something else.
    None,
    /// It covers some instances of an element of the Supported Data Model.
    Partly,
    /// It covers the element.
    Whole,
}

/// How a Target stands to an element. A Partial Path covers everything below (TR-181 Targets), a Search Path whatever it finds.
pub(super) fn cover(store: &Store, faults: &FaultSet, target: &str, element: &Element<'_>) -> Cover {
    if target == "Device." || target == "Device" {
        return Cover::Whole;
    }
    let Ok(path) = Path::parse(target) else { return Cover::None };
    let searches = path.is_search();
    let ignored = (searches && faults.has(Fault::PermissionIgnoresSearchTargets))
        || (path.leaf != Leaf::Object && faults.has(Fault::PermissionIgnoresElementTargets));
    if ignored {
        return Cover::None;
    }
    // Without the closing dot an Object may be meant as well as a Parameter; only one of the two is in the data model.
    let found = walk(store, &path, element);
    if found == Cover::None && matches!(path.leaf, Leaf::Param(_)) {
        walk(store, &path.into_object(), element)
    } else {
        found
    }
}

fn walk(store: &Store, path: &Path, element: &Element<'_>) -> Cover {
    if path.steps.iter().any(|step| matches!(step, Step::Reference(..))) {
        return follow(store, path, element);
    }
    let model = store.model();
    let mut way = chain(model, element.object).into_iter();
    let mut steps = path.steps.iter().peekable();
    let mut found = Cover::Whole;
    let mut depth = 0;
    while let Some(step) = steps.next() {
        let Some(here) = way.next() else { return Cover::None };
        if *step != Step::Name(model.object(here).name.clone()) {
            return Cover::None;
        }
        if !model.object(here).multi {
            continue;
        }
        let number = element.instances.map(|instances| instances.get(depth).copied());
        depth = depth.saturating_add(1);
        let Some(identifier) = steps.next_if(|step| !matches!(step, Step::Name(_))) else { continue };
        match number {
            None if *identifier != Step::Any => found = Cover::Partly,
            None => {}
            // The element is the table, the Target its instances.
            Some(None) => return Cover::None,
            Some(Some(number)) => {
                let instances = element.instances.and_then(|all| all.get(..depth)).unwrap_or_default();
                if !identifies(store, identifier, number, &RowKey { object: here, instances: instances.to_vec() }) {
                    return Cover::None;
                }
            }
        }
    }
    match &path.leaf {
        Leaf::Object => found,
        Leaf::Param(name) | Leaf::Command(name) | Leaf::Event(name) => {
            if way.next().is_none() && element.leaf == Some(name) { found } else { Cover::None }
        }
    }
}

fn identifies(store: &Store, identifier: &Step, number: u32, row: &RowKey) -> bool {
    match identifier {
        Step::Instance(wanted) => *wanted == number,
        Step::Any => true,
        Step::Matching(components) => components.iter().all(|component| {
            expression::check(component, row.object, store.model()).is_ok() && expression::holds(component, row, store)
        }),
        Step::Name(_) | Step::Reference(..) => false,
    }
}

/// A Target that follows references stands for the rows that they lead to.
fn follow(store: &Store, path: &Path, element: &Element<'_>) -> Cover {
    let none = FaultSet::default();
    let Ok(resolved) = Scope::own(store, &none).resolve(path.clone()) else { return Cover::None };
    let is_leaf = |name: &str, row: &RowKey| element.leaf == Some(name) && row.object == element.object;
    let covers = |row: &RowKey| {
        store.model().is_within(element.object, row.object)
            && element.instances.is_none_or(|own| own.starts_with(&row.instances))
            && match &resolved.leaf {
                Leaf::Object => true,
                Leaf::Param(name) | Leaf::Command(name) | Leaf::Event(name) => is_leaf(name, row),
            }
    };
    match (resolved.rows().any(covers), element.instances) {
        (false, _) => Cover::None,
        (true, None) => Cover::Partly,
        (true, Some(_)) => Cover::Whole,
    }
}

/// The Objects from the root down to `object`.
fn chain(model: &Model, object: ObjectId) -> Vec<ObjectId> {
    let mut way = vec![object];
    let mut here = object;
    while let Some(parent) = model.object(here).parent {
        way.push(parent);
        here = parent;
    }
    way.reverse();
    way
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    /// `Controller.2.Enable` and what stands around it.
    #[rstest]
    #[case("Device.LocalAgent.", Cover::Whole)]
    #[case("Device.LocalAgent", Cover::Whole)]
    #[case("Device.LocalAgent.Controller.", Cover::Whole)]
    #[case("Device.LocalAgent.Controller.*.", Cover::Whole)]
    #[case("Device.LocalAgent.Controller.2.", Cover::Whole)]
    #[case("Device.LocalAgent.Controller.1.", Cover::None)]
    #[case("Device.LocalAgent.Controller.2.Enable", Cover::Whole)]
    #[case("Device.LocalAgent.Controller.*.Enable", Cover::Whole)]
    #[case("Device.LocalAgent.Controller.2.Alias", Cover::None)]
    #[case(r#"Device.LocalAgent.Controller.[EndpointID=="b"]."#, Cover::Whole)]
    #[case(r#"Device.LocalAgent.Controller.[EndpointID=="a"]."#, Cover::None)]
    #[case("Device.LocalAgent.Controller.[Nothing==1].", Cover::None)]
    #[case("Device.LocalAgent.Controller.2.MTP.", Cover::None)]
    #[case("Device.LocalAgent.Subscription.1.Recipient+.", Cover::Whole)]
    #[case("Device.LocalAgent.Subscription.1.Recipient+.Enable", Cover::Whole)]
    #[case("Device.LocalAgent.Subscription.1.Recipient+.Alias", Cover::None)]
    #[case("Device.DeviceInfo.", Cover::None)]
    #[case("Device..", Cover::None)]
    fn a_parameter_of_an_instance(#[case] target: &str, #[case] expected: Cover) {
        let mut store = Store::new(Model::device().unwrap());
        let controllers = store.model().find("Device.LocalAgent.Controller.{i}.").unwrap();
        for id in ["a", "b"] {
            let row = store.create(controllers, &[]);
            store.set(&row, "EndpointID", id);
        }
        let subscription = store.create(store.model().find("Device.LocalAgent.Subscription.{i}.").unwrap(), &[]);
        store.set(&subscription, "Recipient", "Device.LocalAgent.Controller.2");
        let element = Element { object: controllers, instances: Some(&[2]), leaf: Some("Enable") };
        assert_eq!(cover(&store, &FaultSet::default(), target, &element), expected);
    }

    #[rstest]
    #[case("Device.LocalAgent.Controller.", Cover::Whole)]
    #[case("Device.LocalAgent.Controller.*.", Cover::Whole)]
    #[case("Device.LocalAgent.Controller.*.Enable", Cover::Whole)]
    #[case("Device.LocalAgent.Controller.7.", Cover::Partly)]
    #[case("Device.LocalAgent.Controller.7.Enable", Cover::Partly)]
    #[case("Device.LocalAgent.Controller.7.Alias", Cover::None)]
    fn an_element_of_the_supported_data_model(#[case] target: &str, #[case] expected: Cover) {
        let store = Store::new(Model::device().unwrap());
        let object = store.model().find("Device.LocalAgent.Controller.{i}.").unwrap();
        let element = Element { object, instances: None, leaf: Some("Enable") };
        assert_eq!(cover(&store, &FaultSet::default(), target, &element), expected);
    }

    #[rstest]
    #[case("Device.LocalAgent.Subscription.", Cover::Whole)]
    #[case("Device.LocalAgent.Subscription.*.", Cover::None)]
    #[case("Device.LocalAgent.Subscription.1.", Cover::None)]
    fn a_table(#[case] target: &str, #[case] expected: Cover) {
        let store = Store::new(Model::device().unwrap());
        let object = store.model().find("Device.LocalAgent.Subscription.{i}.").unwrap();
        let element = Element { object, instances: Some(&[]), leaf: None };
        assert_eq!(cover(&store, &FaultSet::default(), target, &element), expected);
    }
}
