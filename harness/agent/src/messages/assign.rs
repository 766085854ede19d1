//! One Parameter setting of an Add or Set: is it allowed, is the value one, and what is stored.

use super::Caller;
use crate::errors::{Failure, code};
use crate::faults::Fault;
use crate::model::{Access, ParamDef, value};
use crate::path::Scope;
use crate::permissions::Right;
use crate::store::{RowKey, Store};
use std::sync::Arc;

/// Whether the Object is being made or exists already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Occasion {
    /// In an Add.
    Creation,
    /// In a Set.
    Update,
}

/// Sets the Parameter at `relative` below `row` and returns the value as it is kept.
pub(super) fn assign(
    store: &mut Store,
    caller: &Caller<'_>,
    row: &RowKey,
    (relative, text): (&str, &str),
    occasion: Occasion,
) -> Result<String, Failure> {
    let model = Arc::clone(store.model());
    let (target, name) = locate(store, row, relative)?;
    let object = model.object(target.object);
    let param = object.param(&name).ok_or_else(|| unsupported(relative))?;
    if !caller.scope(store).allows(&Right::WriteParam(&target, &name)) {
        return Err(caller.denied(format!("{relative} may not be written")));
    }
    let kept =
        if caller.faults.has(Fault::ValuesAreNotChecked) { text.to_owned() } else { value::accept(param, text)? };
    check_access(store, caller, &target, (param, &kept), occasion)?;
    let kept = normalise_references(store, caller, param, kept)?;
    if !caller.faults.has(Fault::SetDoesNotStore) || occasion == Occasion::Creation {
        let spoils = occasion == Occasion::Update && caller.faults.has(Fault::SetStoresWrongValue);
        store.set(&target, &name, if spoils { spoilt(&kept) } else { kept.clone() });
    }
    if param.access == Access::WriteOnceReadOnly {
        store.mark_written(&target, &name);
    }
    Ok(kept)
}

/// The row and the name of the Parameter at `relative` below `row`.
pub(super) fn locate(store: &Store, row: &RowKey, relative: &str) -> Result<(RowKey, String), Failure> {
    let (objects, name) = relative.rsplit_once('.').unwrap_or(("", relative));
    let path = format!("{}{objects}", row.path(store.model()));
    let target = RowKey::parse(&path, store.model())
        .filter(|target| store.contains(target))
        .ok_or_else(|| unsupported(relative))?;
    Ok((target, name.to_owned()))
}

fn check_access(
    store: &Store,
    caller: &Caller<'_>,
    target: &RowKey,
    (param, kept): (&ParamDef, &str),
    occasion: Occasion,
) -> Result<(), Failure> {
    let refused = || Err(Failure::new(code::NON_WRITEABLE_PARAMETER, format!("{} cannot be written", param.name)));
    let object = store.model().object(target.object);
    let is_fixed_key = object.keys.iter().any(|key| !key.functional && key.params.contains(&param.name));
    let keys_may_change = caller.faults.has(Fault::SetChangesNonFunctionalKey);
    match (param.access, occasion) {
        (Access::ReadOnly, _) => return refused(),
        (_, Occasion::Creation) => {}
        (Access::WriteOnceReadOnly, Occasion::Update) => {
            let written = store.row(target).is_some_and(|row| row.is_written(&param.name));
            if (written || is_fixed_key) && !caller.faults.has(Fault::SetChangesWriteOnceParameter) {
                return refused();
            }
        }
        (Access::ReadWrite, Occasion::Update) => {
            if is_fixed_key && store.text(target, &param.name) != kept && !keys_may_change {
                return refused();
            }
        }
    }
    Ok(())
}

/// References may come with key-based addressing (R-ARC.11), must refer to a row that exists (R-ARC.12), and are kept with
/// instance numbers and without the closing dot.
fn normalise_references(store: &Store, caller: &Caller<'_>, param: &ParamDef, text: String) -> Result<String, Failure> {
    let Some(table) = param.references.as_deref().and_then(|path| store.model().find(path)) else { return Ok(text) };
    let scope = Scope::own(store, caller.faults);
    let refer = |item: &str| {
        let rows: Vec<RowKey> =
            scope.resolve_object(item).map(|resolved| resolved.rows().cloned().collect()).unwrap_or_default();
        match rows.as_slice() {
            [row] if row.object == table => Ok(row.reference(store.model())),
            _ => Err(Failure::new(code::INVALID_VALUE, format!("{item:?} is no row that {} can refer to", param.name))),
        }
    };
    Ok(value::items(&text).into_iter().map(refer).collect::<Result<Vec<_>, _>>()?.join(","))
}

/// Another value than the one that was sent.
pub(super) fn spoilt(value: &str) -> String {
    match value {
        "true" => "false".to_owned(),
        "false" => "true".to_owned(),
        other => format!("{other}0"),
    }
}

fn unsupported(relative: &str) -> Failure {
    Failure::new(code::UNSUPPORTED_PARAMETER, format!("there is no Parameter {relative:?}"))
}
