//! The Notify Messages that occurrences turn into.

use super::{Occurrence, Subscription};
use crate::faults::{Fault, FaultSet};
use crate::permissions;
use crate::store::change::Change;
use crate::store::{RowKey, Store, keys};
use std::collections::BTreeMap;
use uspec_usp::msg::Notify;
use uspec_usp::msg::notify::operation_complete::{CommandFailure, OperationResp, OutputArgs};
use uspec_usp::msg::notify::{
    Event, Notification, ObjectCreation, ObjectDeletion, OnBoardRequest, OperationComplete, ValueChange,
};

/// The Notify that tells the Recipient of a Subscription about an occurrence.
pub fn build(store: &Store, faults: &FaultSet, subscription: &Subscription, occurrence: &Occurrence) -> Notify {
    let wrong_id = faults.has(Fault::NotifyWrongSubscriptionId);
    Notify {
        subscription_id: if wrong_id { format!("{}-other", subscription.id) } else { subscription.id.clone() },
        send_resp: subscription.retry && !faults.has(Fault::NotifyNeverAsksForResponse),
        notification: Some(notification(store, faults, &subscription.recipient, occurrence)),
    }
}

fn notification(store: &Store, faults: &FaultSet, recipient: &RowKey, occurrence: &Occurrence) -> Notification {
    let model = store.model();
    match occurrence {
        Occurrence::Change(Change::Value { row, param, value }) => {
            let wrong = faults.has(Fault::ValueChangeWrongValue);
            let hidden = !permissions::reveals(store, faults, recipient, row, param);
            Notification::ValueChange(ValueChange {
                param_path: format!("{}{param}", row.path(model)),
                param_value: match (hidden, wrong) {
                    (true, _) => String::new(),
                    (false, true) => format!("{value}?"),
                    (false, false) => value.clone(),
                },
            })
        }
        Occurrence::Change(Change::Created(row)) => {
            let omits = faults.has(Fault::ObjectCreationOmitsKeys);
            let unique_keys = if omits { BTreeMap::new() } else { keys::unique_keys(store, row) };
            Notification::ObjCreation(ObjectCreation { obj_path: row.path(model), unique_keys })
        }
        Occurrence::Change(Change::Deleted(row)) => {
            Notification::ObjDeletion(ObjectDeletion { obj_path: row.path(model) })
        }
        Occurrence::Completion { row, command, key, result } => {
            let wrong = faults.has(Fault::OperationCompleteWrongKey);
            Notification::OperComplete(OperationComplete {
                obj_path: row.path(model),
                command_name: command.clone(),
                command_key: if wrong { format!("{key}-other") } else { key.clone() },
                operation_resp: Some(match result {
                    Ok(output) => OperationResp::ReqOutputArgs(OutputArgs { output_args: output.clone() }),
                    Err(failure) => OperationResp::CmdFailure(CommandFailure {
                        err_code: failure.code,
                        err_msg: failure.message.clone(),
                    }),
                }),
            })
        }
        Occurrence::Event { row, name, arguments, .. } => Notification::Event(Event {
            obj_path: row.path(model),
            event_name: name.clone(),
            params: arguments.clone(),
        }),
    }
}

/// The OnBoardRequest (R-NOT.5 to R-NOT.6a): no Subscription stands behind it, and a response is always asked for.
pub fn on_board_request(store: &Store, faults: &FaultSet, versions: &str) -> Notify {
    let info = RowKey::parse("Device.DeviceInfo.", store.model());
    let read = |name: &str| info.as_ref().map(|row| store.text(row, name).to_owned()).unwrap_or_default();
    let omits = faults.has(Fault::OnBoardRequestOmitsSerialNumber);
    Notify {
        subscription_id: String::new(),
        send_resp: !faults.has(Fault::NotifyNeverAsksForResponse),
        notification: Some(Notification::OnBoardReq(OnBoardRequest {
            oui: read("ManufacturerOUI"),
            product_class: read("ProductClass"),
            serial_number: if omits { String::new() } else { read("SerialNumber") },
            agent_supported_protocol_versions: versions.to_owned(),
        })),
    }
}
