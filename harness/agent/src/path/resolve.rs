//! What a Path Name stands for in the Instantiated Data Model at this moment.

use super::expression;
use super::parse::{Leaf, Path, Step};
use crate::errors::{Failure, code};
use crate::faults::{Fault, FaultSet};
use crate::model::ObjectId;
use crate::permissions::{self, Right};
use crate::store::{RowKey, Store, TableKey};

/// Where and for whom paths are resolved.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// The data model.
    pub store: &'a Store,
    /// The faults that are on.
    pub faults: &'a FaultSet,
    /// The Controller whose permissions count; none for the Agent itself.
    pub controller: Option<&'a RowKey>,
}

/// Something that a path resolved to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// A single-instance Object or an instance of a table.
    Row(RowKey),
    /// A table.
    Table(TableKey),
}

impl Node {
    /// The row, when it is one.
    pub fn row(&self) -> Option<&RowKey> {
        match self {
            Self::Row(row) => Some(row),
            Self::Table(_) => None,
        }
    }
}

/// The outcome of resolving a path that is in the Supported Data Model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The Objects, instances or tables that it stands for.
    pub nodes: Vec<Node>,
    /// The Object of the Supported Data Model that the path names.
    pub object: ObjectId,
    /// Whether the path ends at the table instead of at instances.
    pub at_table: bool,
    /// What the path ends in.
    pub leaf: Leaf,
    /// Whether it searches: then standing for nothing is no error.
    pub search: bool,
}

impl Resolved {
    /// The rows among the nodes.
    pub fn rows(&self) -> impl Iterator<Item = &RowKey> {
        self.nodes.iter().filter_map(Node::row)
    }
}

impl<'a> Scope<'a> {
    /// The data model as the Agent itself sees it.
    pub fn own(store: &'a Store, faults: &'a FaultSet) -> Self {
        Self { store, faults, controller: None }
    }

    /// Whether the Controller may do that.
    pub fn allows(&self, right: &Right<'_>) -> bool {
        self.controller.is_none_or(|controller| permissions::allows(self.store, self.faults, controller, right))
    }

    /// The value of a Parameter as the Controller may know it: a secured one is as good as empty to most.
    pub fn read(&self, row: &RowKey, name: &str) -> Option<String> {
        let value = self.store.read(row, name)?;
        Some(if self.reveals(row, name) { value } else { String::new() })
    }

    /// Whether the Controller may know the value of a Parameter that it may read.
    pub fn reveals(&self, row: &RowKey, name: &str) -> bool {
        let may_know = |controller: &RowKey| permissions::reveals(self.store, self.faults, controller, row, name);
        self.controller.is_none_or(may_know)
    }

    /// Reads and resolves `text`: 7008 when it is no Path Name, 7026 when the Supported Data Model has nothing of that name.
    pub fn resolve_text(&self, text: &str) -> Result<Resolved, Failure> {
        self.resolve(Path::parse(text)?)
    }

    /// The same where an Object is meant, so that the closing dot may be missing.
    pub fn resolve_object(&self, text: &str) -> Result<Resolved, Failure> {
        self.resolve(Path::parse(text)?.into_object())
    }

    /// Resolves a path.
    pub fn resolve(&self, path: Path) -> Result<Resolved, Failure> {
        let search = path.is_search();
        let model = self.store.model();
        let mut steps = path.steps.iter();
        if steps.next() != Some(&Step::Name(model.object(model.root()).name.clone())) {
            return Err(unsupported("the path does not start at the root Object"));
        }
        let root = RowKey { object: model.root(), instances: Vec::new() };
        let mut walk = Walk { scope: *self, nodes: vec![Node::Row(root)], object: model.root(), at_table: false };
        for step in steps {
            walk.step(step)?;
        }
        walk.check_leaf(&path.leaf)?;
        Ok(Resolved { nodes: walk.nodes, object: walk.object, at_table: walk.at_table, leaf: path.leaf, search })
    }
}

/// The way down: what the steps so far stand for, and where that is in the Supported Data Model.
struct Walk<'a> {
    scope: Scope<'a>,
    nodes: Vec<Node>,
    object: ObjectId,
    at_table: bool,
}

impl Walk<'_> {
    fn step(&mut self, step: &Step) -> Result<(), Failure> {
        match step {
            Step::Name(name) => self.name(name),
            Step::Reference(name, which) => {
                let target = expression::referenced(self.scope.store.model(), self.object, name)?;
                self.rows_only()?;
                self.replace(|walk, row| {
                    let rows = expression::follow(row, name, *which, walk.scope.store);
                    rows.into_iter().map(Node::Row).collect()
                });
                self.object = target;
                Ok(())
            }
            Step::Instance(number) => {
                self.table_only()?;
                self.instances(|_, row| row.number() == *number);
                Ok(())
            }
            Step::Any => {
                self.table_only()?;
                let skips = self.scope.faults.has(Fault::WildcardSkipsLastInstance);
                self.instances(|_, _| true);
                if skips && self.nodes.len() > 1 {
                    self.nodes.pop();
                }
                Ok(())
            }
            Step::Matching(components) => self.matching(components),
        }
    }

    fn name(&mut self, name: &str) -> Result<(), Failure> {
        let model = self.scope.store.model();
        self.rows_only()?;
        let child = model.child(self.object, name).ok_or_else(|| unsupported(name))?;
        let multi = model.object(child).multi;
        self.replace(|walk, row| {
            let below = RowKey { object: child, instances: row.instances.clone() };
            let node = if multi { Node::Table((child, below.instances)) } else { Node::Row(below) };
            let exists = node.row().is_none_or(|row| walk.scope.store.contains(row));
            exists.then_some(node).into_iter().collect()
        });
        (self.object, self.at_table) = (child, multi);
        Ok(())
    }

    fn matching(&mut self, components: &[expression::Component]) -> Result<(), Failure> {
        self.table_only()?;
        let store = self.scope.store;
        for component in components {
            expression::check(component, self.object, store.model())?;
        }
        if self.scope.faults.has(Fault::SearchIgnoresExpression) {
            self.instances(|_, _| true);
        } else if self.scope.faults.has(Fault::SearchIgnoresSecondComponent) {
            let first = components.first();
            self.instances(|scope, row| first.is_none_or(|component| expression::holds(component, row, scope.store)));
        } else {
            self.instances(|scope, row| {
                components.iter().all(|component| {
                    expression::holds(&bent(component, scope.faults), row, scope.store)
                        && scope.may_compare(row, component)
                })
            });
        }
        if self.scope.faults.has(Fault::SearchOmitsFirstMatch) {
            self.nodes = self.nodes.split_off(self.nodes.len().min(1));
        }
        Ok(())
    }

    fn rows_only(&self) -> Result<(), Failure> {
        if self.at_table { Err(unsupported("an instance identifier is missing")) } else { Ok(()) }
    }

    fn table_only(&mut self) -> Result<(), Failure> {
        if !self.at_table {
            return Err(unsupported("an instance identifier stands behind what is no table"));
        }
        self.at_table = false;
        Ok(())
    }

    /// Replaces each table by those of its instances that `keep` keeps.
    fn instances(&mut self, keep: impl Fn(&Scope<'_>, &RowKey) -> bool) {
        let scope = self.scope;
        let tables = std::mem::take(&mut self.nodes).into_iter().filter_map(|node| match node {
            Node::Table(table) => Some(table),
            Node::Row(_) => None,
        });
        let rows = tables.flat_map(|(object, parent)| scope.store.rows_of(object, &parent));
        self.nodes = rows.filter(|row| keep(&scope, row)).map(Node::Row).collect();
    }

    fn replace(&mut self, by: impl Fn(&Self, &RowKey) -> Vec<Node>) {
        let rows = std::mem::take(&mut self.nodes);
        self.nodes = rows.iter().filter_map(Node::row).flat_map(|row| by(self, row)).collect();
    }

    fn check_leaf(&self, leaf: &Leaf) -> Result<(), Failure> {
        let object = self.scope.store.model().object(self.object);
        let known = match leaf {
            Leaf::Object => return Ok(()),
            Leaf::Param(name) => object.param(name).is_some(),
            Leaf::Command(name) => object.command(name).is_some(),
            Leaf::Event(name) => object.event(name).is_some(),
        };
        self.rows_only()?;
        if known { Ok(()) } else { Err(unsupported("no such Parameter, Command or Event")) }
    }
}

impl Scope<'_> {
    /// R-GIN.0: an instance is not found by a Parameter that the Controller may not read.
    fn may_compare(&self, row: &RowKey, component: &expression::Component) -> bool {
        match component.subject.as_slice() {
            [expression::Part::Name(name)] => self.allows(&Right::ReadParam(row, name)) && self.reveals(row, name),
            _ => true,
        }
    }
}

/// The component as a faulty Agent would read it.
fn bent(component: &expression::Component, faults: &FaultSet) -> expression::Component {
    use expression::Operator;
    let operator = match component.operator {
        Operator::AtLeast if faults.has(Fault::SearchAtLeastIsExclusive) => Operator::Greater,
        Operator::AtMost if faults.has(Fault::SearchAtMostIsExclusive) => Operator::Less,
        Operator::Greater if faults.has(Fault::SearchGreaterIsInclusive) => Operator::AtLeast,
        Operator::Less if faults.has(Fault::SearchLessIsInclusive) => Operator::AtMost,
        Operator::NotEqual if faults.has(Fault::SearchNotEqualIsEqual) => Operator::Equal,
        other => other,
    };
    expression::Component { operator, ..component.clone() }
}

fn unsupported(what: &str) -> Failure {
    Failure::new(code::INVALID_PATH, format!("not in the Supported Data Model: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Model;
    use rstest::rstest;

    fn store() -> Store {
        let mut store = Store::new(Model::device().unwrap());
        let controllers = store.model().find("Device.LocalAgent.Controller.{i}.").unwrap();
        let boot = store.model().find("Device.LocalAgent.Controller.{i}.BootParameter.{i}.").unwrap();
        for enable in ["true", "false"] {
            let row = store.create(controllers, &[]);
            store.set(&row, "Enable", enable);
            store.create(boot, &row.instances);
        }
        store.create(boot, &[1]);
        let subscription = store.create(store.model().find("Device.LocalAgent.Subscription.{i}.").unwrap(), &[]);
        store.set(&subscription, "Recipient", "Device.LocalAgent.Controller.2");
        store
    }

    #[rstest]
    #[case("Device.LocalAgent.", &["Device.LocalAgent."])]
    #[case("Device.LocalAgent.Controller.*.", &["Device.LocalAgent.Controller.1.", "Device.LocalAgent.Controller.2."])]
    #[case("Device.LocalAgent.Controller.[Enable==true].", &["Device.LocalAgent.Controller.1."])]
    #[case("Device.LocalAgent.Controller.3.", &[])]
    #[case("Device.LocalAgent.Controller.[Enable==true].BootParameter.*.", &["Device.LocalAgent.Controller.1.BootParameter.1.", "Device.LocalAgent.Controller.1.BootParameter.2."])]
    #[case("Device.LocalAgent.Controller.*.BootParameter.1.", &["Device.LocalAgent.Controller.1.BootParameter.1.", "Device.LocalAgent.Controller.2.BootParameter.1."])]
    #[case("Device.LocalAgent.Subscription.1.Recipient+.", &["Device.LocalAgent.Controller.2."])]
    #[case("Device.LocalAgent.Subscription.1.Recipient+.BootParameter.1.", &["Device.LocalAgent.Controller.2.BootParameter.1."])]
    fn rows(#[case] path: &str, #[case] expected: &[&str]) {
        let (store, faults) = (store(), FaultSet::default());
        let resolved = Scope::own(&store, &faults).resolve_text(path).unwrap();
        assert_eq!(resolved.rows().map(|row| row.path(store.model())).collect::<Vec<_>>(), expected);
    }

    #[rstest]
    #[case("Device.LocalAgent.InvalidObject.", code::INVALID_PATH)]
    #[case("Device.LocalAgent.InvalidParameter", code::INVALID_PATH)]
    #[case("Device.LocalAgent.Controller.3.Invalid", code::INVALID_PATH)]
    #[case("Device.LocalAgent.Subscription.Enable", code::INVALID_PATH)]
    #[case("Device.LocalAgent.1.", code::INVALID_PATH)]
    #[case("Services.", code::INVALID_PATH)]
    #[case("Device.Nothing()", code::INVALID_PATH)]
    #[case("Device.LocalAgent.Subscription.1.ID+.", code::INVALID_PATH)]
    #[case("Device.LocalAgent.Subscription.[Enable==\"true\"].", code::INVALID_PATH_SYNTAX)]
    fn failures(#[case] path: &str, #[case] expected: u32) {
        let (store, faults) = (store(), FaultSet::default());
        assert_eq!(Scope::own(&store, &faults).resolve_text(path).unwrap_err().code, expected);
    }

    #[test]
    fn a_table_is_no_row() {
        let (store, faults) = (store(), FaultSet::default());
        let resolved = Scope::own(&store, &faults).resolve_object("Device.LocalAgent.Subscription").unwrap();
        assert!(matches!(resolved.nodes.as_slice(), [Node::Table(_)]) && resolved.at_table);
    }
}
