//! Which Subscriptions an occurrence concerns, after the table of meanings in TR-181's ReferenceList.

use super::{Occurrence, Subscription};
use crate::faults::{Fault, FaultSet};
use crate::path::{Leaf, Node, Path, Resolved, Scope};
use crate::permissions::{self, Right};
use crate::store::change::Change;
use crate::store::{RowKey, Store};

/// The data model before and after what happened.
#[derive(Debug, Clone, Copy)]
pub struct Moment<'a> {
    /// Before.
    pub before: &'a Store,
    /// After.
    pub after: &'a Store,
    /// The faults that are on.
    pub faults: &'a FaultSet,
}

/// Whether the Subscription is about this occurrence, and its Recipient may know of it.
pub fn concerns(moment: &Moment<'_>, subscription: &Subscription, occurrence: &Occurrence) -> bool {
    if suppressed(moment.faults, occurrence) || subscription.kind != kind(occurrence) {
        return false;
    }
    // A reference to an instance that is gone has a meaning only in the model as it was.
    let store = if matches!(occurrence, Occurrence::Change(Change::Deleted(_))) { moment.before } else { moment.after };
    let scope = Scope::own(store, moment.faults);
    let named = subscription.references.iter().any(|reference| refers(&scope, reference, occurrence));
    named && for_recipient(subscription, occurrence) && permitted(moment, subscription, occurrence)
}

fn kind(occurrence: &Occurrence) -> &'static str {
    match occurrence {
        Occurrence::Change(Change::Value { .. }) => "ValueChange",
        Occurrence::Change(Change::Created(_)) => "ObjectCreation",
        Occurrence::Change(Change::Deleted(_)) => "ObjectDeletion",
        Occurrence::Completion { .. } => "OperationComplete",
        Occurrence::Event { .. } => "Event",
    }
}

fn suppressed(faults: &FaultSet, occurrence: &Occurrence) -> bool {
    faults.has(match occurrence {
        Occurrence::Change(Change::Value { .. }) => Fault::ValueChangeNotNotified,
        Occurrence::Change(Change::Created(_)) => Fault::ObjectCreationNotNotified,
        Occurrence::Change(Change::Deleted(_)) => Fault::ObjectDeletionNotNotified,
        Occurrence::Completion { .. } => Fault::OperationNeverCompletes,
        Occurrence::Event { .. } => Fault::EventsNotNotified,
    })
}

fn refers(scope: &Scope<'_>, reference: &str, occurrence: &Occurrence) -> bool {
    let Ok(path) = Path::parse(reference) else { return false };
    if path.is_search() && scope.faults.has(Fault::NotifyIgnoresSearchPaths) {
        return false;
    }
    let resolved = scope.resolve(path.clone()).or_else(|_| scope.resolve(path.into_object()));
    let Ok(resolved) = resolved else { return false };
    match occurrence {
        Occurrence::Change(Change::Value { row, param, .. }) => {
            element(scope, &resolved, row, &Leaf::Param(param.clone()))
        }
        Occurrence::Change(Change::Created(row) | Change::Deleted(row)) => {
            resolved.nodes.iter().any(|node| is_of(node, row))
        }
        Occurrence::Completion { row, command, .. } => element(scope, &resolved, row, &Leaf::Command(command.clone())),
        Occurrence::Event { row, name, .. } => element(scope, &resolved, row, &Leaf::Event(name.clone())),
    }
}

/// Whether the path names the element itself, or an Object at or above it.
fn element(scope: &Scope<'_>, resolved: &Resolved, row: &RowKey, leaf: &Leaf) -> bool {
    let model = scope.store.model();
    match &resolved.leaf {
        Leaf::Object => resolved.nodes.iter().any(|node| match node {
            Node::Row(above) => row.is_within(above, model),
            Node::Table((object, parent)) => model.is_within(row.object, *object) && row.instances.starts_with(parent),
        }),
        named => named == leaf && resolved.rows().any(|found| found == row),
    }
}

/// Whether the row is the node or an instance of it.
fn is_of(node: &Node, row: &RowKey) -> bool {
    match node {
        Node::Row(found) => found == row,
        Node::Table((object, parent)) => row.object == *object && row.instances.starts_with(parent),
    }
}

fn for_recipient(subscription: &Subscription, occurrence: &Occurrence) -> bool {
    match occurrence {
        Occurrence::Event { only: Some(controller), .. } => *controller == subscription.recipient,
        _ => true,
    }
}

fn permitted(moment: &Moment<'_>, subscription: &Subscription, occurrence: &Occurrence) -> bool {
    let right = match occurrence {
        Occurrence::Change(Change::Value { row, param, .. }) => Right::NotifyParam(row, param),
        Occurrence::Change(Change::Created(row)) => Right::NotifyCreation(row),
        Occurrence::Change(Change::Deleted(row)) => Right::NotifyDeletion(row),
        Occurrence::Completion { row, command, .. } => Right::NotifyEvent(row, command),
        Occurrence::Event { row, name, .. } => Right::NotifyEvent(row, name),
    };
    permissions::allows(moment.after, moment.faults, &subscription.recipient, &right)
}
