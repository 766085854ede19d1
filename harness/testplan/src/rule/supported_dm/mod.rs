//! Aspects of a GetSupportedDMResp, for TP-469 1.72 to 1.76, 1.97 to 1.99 and 1.105 to 1.107.
//!
//! | check | what holds |
//! | --- | --- |
//! | `parameters` | each listed parameter has a relative name, an access, a known type and a known kind of value change |
//! | `commands` | each listed command has a relative name ending in `()`, relative argument names, and is synchronous or asynchronous |
//! | `events` | each listed event has a relative name ending in `!` and relative argument names |
//! | `unique_keys` | each key set names relative parameters of its table, and tells the rows of `instances` apart; with `every_table` no table whose rows have keys lacks a set |
//! | `objects` | the listed objects are below the requested ones, say truly whether they are tables, and include every object that `read` shows |
//! | `parameters_listed` | every parameter that `read` shows is listed with its object |
//! | `first_level` | the listed objects are the requested one and its immediate children, as `tree` (the whole tree) has them |
//! | `element` | nothing is listed but the Command, Event or Parameter that was requested, in its object |
//!
//! `PARAM_UNKNOWN`, `VALUE_CHANGE_UNKNOWN` and `CMD_UNKNOWN` are no valid information from USP 1.2 on: TR-369 has them for Agents of
//! versions that did not know the fields. Cases give these metrics `since: "1.2"`.

mod elements;
pub(super) mod model;
mod objects;
mod unique_keys;

use super::{Argument, Arguments, Evidence, Judged, Kind, read};
use crate::judge::finding::unmet;
use crate::show;
use model::Model;

pub(super) const SAYS: &str = "the supported data model is described rightly";

pub(super) const ARGUMENTS: &[Argument] = &[
    Argument::required("of", Kind::Label, "the GetSupportedDM"),
    Argument::required(
        "check",
        Kind::Choice(&[
            "parameters",
            "commands",
            "events",
            "unique_keys",
            "objects",
            "parameters_listed",
            "first_level",
            "element",
        ]),
        "the aspect",
    ),
    Argument::optional("instances", Kind::Label, "for unique_keys: a GetInstances of the tables"),
    Argument::optional("every_table", Kind::Flag, "for unique_keys: no table whose rows have keys lacks a set"),
    Argument::optional("read", Kind::Label, "for objects and parameters_listed: a Get of the same objects"),
    Argument::optional("tree", Kind::Label, "for first_level: the same GetSupportedDM with first_level_only false"),
];

pub(super) fn judge(evidence: Evidence<'_>, arguments: &Arguments<'_>) -> Judged {
    let reply = evidence.response(arguments.text("of")?)?;
    let check = arguments.text("check")?;
    if let Some((path, code)) = read::failed_reads(&reply).first() {
        return Err(unmet(SAYS, format!("{code} for {}", show::quoted(path)), vec![reply.seq]));
    }
    let model = Model::new(&reply);
    match check {
        "parameters" => Ok(elements::parameters(&model, reply.seq)),
        "commands" => Ok(elements::commands(&model, reply.seq)),
        "events" => Ok(elements::events(&model, reply.seq)),
        "unique_keys" => {
            let instances = arguments.maybe("instances").map(|label| evidence.response(label)).transpose()?;
            Ok(unique_keys::judge(&model, instances.as_ref(), arguments.flag("every_table"), reply.seq))
        }
        "objects" => Ok(objects::objects(&model, &reply, &evidence.response(arguments.text("read")?)?)),
        "parameters_listed" => {
            Ok(objects::parameters_listed(&model, &reply, &evidence.response(arguments.text("read")?)?))
        }
        "first_level" => {
            let label = arguments.text("tree")?;
            let tree = evidence.response(label)?;
            read::readable(&tree, label)?;
            Ok(objects::first_level(&reply, &tree))
        }
        _ => Ok(objects::element(&reply)),
    }
}
