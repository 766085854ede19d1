//! Get: the values of Parameters (R-GET.0 to R-GET.5).

use crate::errors::{Failure, code};
use crate::faults::Fault;
use crate::path::{Leaf, Node, Resolved, Scope};
use crate::permissions::Right;
use crate::store::{Row, RowKey, is_private};
use std::collections::BTreeMap;
use uspec_usp::msg::{Get, GetResp, get_resp::RequestedPathResult, get_resp::ResolvedPathResult};

/// Answers a Get.
pub fn handle(scope: &Scope<'_>, request: &Get) -> GetResp {
    let depth = Depth::new(scope, request.max_depth);
    GetResp { req_path_results: request.param_paths.iter().map(|path| result(scope, path, depth)).collect() }
}

/// How many levels of Objects are still wanted; none for all.
#[derive(Debug, Clone, Copy)]
struct Depth(Option<u32>);

impl Depth {
    fn new(scope: &Scope<'_>, max_depth: u32) -> Self {
        let levels = match max_depth {
            0 if scope.faults.has(Fault::GetDepthZeroStopsAtTwo) => 2,
            1 if scope.faults.has(Fault::GetDepthOneIncludesChildren) => 2,
            2 if scope.faults.has(Fault::GetDepthTwoOmitsChildren) => 1,
            levels => levels,
        };
        let shift = u32::from(scope.faults.has(Fault::GetMaxDepthOneTooDeep));
        let unlimited = levels == 0 || scope.faults.has(Fault::GetIgnoresMaxDepth);
        Self((!unlimited).then(|| levels.saturating_add(shift)))
    }

    fn is_spent(self) -> bool {
        self.0 == Some(0)
    }

    fn below(self) -> Self {
        Self(self.0.map(|levels| levels.saturating_sub(1)))
    }
}

fn result(scope: &Scope<'_>, path: &str, depth: Depth) -> RequestedPathResult {
    let outcome = scope.resolve_text(path).and_then(|resolved| values(scope, &resolved, depth));
    let (failure, resolved_path_results) = match outcome {
        Ok(results) => (None, results),
        Err(failure) => (Some(failure), Vec::new()),
    };
    RequestedPathResult {
        requested_path: path.to_owned(),
        err_code: failure.as_ref().map_or(0, |failure| failure.code),
        err_msg: failure.map(|failure| failure.message).unwrap_or_default(),
        resolved_path_results,
    }
}

fn values(scope: &Scope<'_>, resolved: &Resolved, depth: Depth) -> Result<Vec<ResolvedPathResult>, Failure> {
    let visible: Vec<&Node> = resolved.nodes.iter().filter(|node| is_visible(scope, node, &resolved.leaf)).collect();
    let fails_when_empty = !resolved.search || scope.faults.has(Fault::GetUnmatchedSearchFails);
    if visible.is_empty() && fails_when_empty {
        return Err(Failure::new(code::INVALID_PATH, "the path does not match anything that exists"));
    }
    let mut results = Vec::new();
    match &resolved.leaf {
        Leaf::Param(name) => {
            results.extend(visible.into_iter().filter_map(Node::row).map(|row| one_parameter(scope, row, name)));
        }
        Leaf::Object => visible.into_iter().for_each(|node| tree(scope, node, depth, &mut results)),
        Leaf::Command(_) | Leaf::Event(_) => {
            return Err(Failure::new(code::INVALID_PATH, "Commands and Events have no value"));
        }
    }
    if results.is_empty() && resolved.at_table && scope.faults.has(Fault::GetEmptyTableFails) {
        return Err(Failure::new(code::INVALID_PATH, "the table is empty"));
    }
    Ok(results)
}

/// R-GET.1: what a Controller may not read is as if it were not there.
fn is_visible(scope: &Scope<'_>, node: &Node, leaf: &Leaf) -> bool {
    match (node, leaf) {
        (Node::Row(row), Leaf::Param(name)) => scope.allows(&Right::ReadParam(row, name)),
        (Node::Row(row), _) => scope.allows(&Right::ReadObject(row)),
        (Node::Table(table), _) => scope.allows(&Right::ReadTable(table)),
    }
}

/// R-GET.2, R-GET.3: the parent Object with that Parameter alone.
fn one_parameter(scope: &Scope<'_>, row: &RowKey, name: &str) -> ResolvedPathResult {
    if scope.faults.has(Fault::GetParameterReturnsWholeObject) {
        return object(scope, row);
    }
    let value = scope.read(row, name).unwrap_or_default();
    ResolvedPathResult {
        resolved_path: row.path(scope.store.model()),
        result_params: [(name.to_owned(), value)].into(),
    }
}

/// The Object and what is below it, parents first.
fn tree(scope: &Scope<'_>, node: &Node, depth: Depth, results: &mut Vec<ResolvedPathResult>) {
    if depth.is_spent() {
        return;
    }
    let row = match node {
        Node::Row(row) => row,
        Node::Table((object, parent)) => {
            let rows = scope.store.rows_of(*object, parent);
            return rows.into_iter().for_each(|row| tree(scope, &Node::Row(row), depth, results));
        }
    };
    if !scope.allows(&Right::ReadObject(row)) {
        return;
    }
    results.push(object(scope, row));
    if scope.faults.has(Fault::GetOmitsSubObjects) {
        return;
    }
    for below in scope.store.below(row) {
        tree(scope, &Node::Row(below), depth.below(), results);
    }
}

/// The Object with those of its Parameters that may be read (R-GET.4).
fn object(scope: &Scope<'_>, row: &RowKey) -> ResolvedPathResult {
    let store = scope.store;
    let params = store
        .model()
        .object(row.object)
        .params
        .iter()
        .filter(|param| scope.allows(&Right::ReadParam(row, &param.name)));
    let value = |name: &String| Some((name.clone(), scope.read(row, name)?));
    let mut result_params: BTreeMap<String, String> = params.filter_map(|param| value(&param.name)).collect();
    if scope.faults.has(Fault::SetStoresUnknownParameter) {
        result_params.extend(store.row(row).into_iter().flat_map(Row::stored).filter(|(name, _)| !is_private(name)));
    }
    ResolvedPathResult { resolved_path: row.path(store.model()), result_params }
}
