//! GetInstances: which instances a table has, with their unique keys (R-GIN.0, R-GIN.1).

use crate::errors::{Failure, code};
use crate::faults::Fault;
use crate::path::{Leaf, Node, Scope};
use crate::permissions::Right;
use crate::store::{RowKey, keys};
use uspec_usp::msg::get_instances_resp::{CurrInstance, RequestedPathResult};
use uspec_usp::msg::{GetInstances, GetInstancesResp};

/// Answers a GetInstances.
pub fn handle(scope: &Scope<'_>, request: &GetInstances) -> GetInstancesResp {
    let first_level_only = if scope.faults.has(Fault::GetInstancesInvertsFirstLevelOnly) {
        !request.first_level_only
    } else {
        request.first_level_only
    };
    let results = request.obj_paths.iter().map(|path| {
        let outcome = instances(scope, path, first_level_only);
        let (failure, curr_insts) = match outcome {
            Ok(instances) => (None, instances),
            Err(failure) => (Some(failure), Vec::new()),
        };
        RequestedPathResult {
            requested_path: path.clone(),
            err_code: failure.as_ref().map_or(0, |failure| failure.code),
            err_msg: failure.map(|failure| failure.message).unwrap_or_default(),
            curr_insts,
        }
    });
    GetInstancesResp { req_path_results: results.collect() }
}

fn instances(scope: &Scope<'_>, path: &str, first_level_only: bool) -> Result<Vec<CurrInstance>, Failure> {
    let resolved = scope.resolve_object(path)?;
    if resolved.leaf != Leaf::Object || !scope.store.model().object(resolved.object).multi {
        return Err(Failure::new(code::NOT_A_TABLE, "the path is not that of a Multi-Instance Object"));
    }
    let fails_when_empty = !resolved.search || scope.faults.has(Fault::GetInstancesUnmatchedSearchFails);
    if resolved.nodes.is_empty() && fails_when_empty {
        return Err(Failure::new(code::OBJECT_DOES_NOT_EXIST, "the Object does not exist"));
    }
    let mut found = Vec::new();
    // R-GIN.0: the way there leads over instances that the Controller may read.
    let reachable = |node: &Node| {
        let (object, instances) = match node {
            Node::Row(row) => (row.object, &row.instances),
            Node::Table((object, parent)) => (*object, parent),
        };
        let mut above = RowKey { object, instances: instances.clone() }.parent(scope.store.model());
        while let Some(row) = above {
            if scope.store.model().object(row.object).multi && !scope.allows(&Right::ReadInstance(&row)) {
                return false;
            }
            above = row.parent(scope.store.model());
        }
        true
    };
    for node in resolved.nodes.into_iter().filter(reachable) {
        let rows = match node {
            Node::Row(row) => vec![row],
            Node::Table((object, parent)) => scope.store.rows_of(object, &parent),
        };
        for row in &rows {
            collect(scope, row, first_level_only, &mut found);
        }
    }
    Ok(found)
}

/// The instance, and unless the first level is enough, all instances below it.
fn collect(scope: &Scope<'_>, row: &RowKey, first_level_only: bool, found: &mut Vec<CurrInstance>) {
    let model = scope.store.model();
    if model.object(row.object).multi {
        if !scope.allows(&Right::ReadInstance(row)) {
            return;
        }
        let keys = keys::unique_keys(scope.store, row).into_iter();
        found.push(CurrInstance {
            instantiated_obj_path: row.path(model),
            unique_keys: keys.filter(|(name, _)| scope.allows(&Right::ReadParam(row, name))).collect(),
        });
    }
    if !first_level_only {
        scope.store.below(row).iter().for_each(|below| collect(scope, below, first_level_only, found));
    }
}
