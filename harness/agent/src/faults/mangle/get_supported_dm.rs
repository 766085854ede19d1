//! Distorted GetSupportedDMResps.

use super::OUT_OF_RANGE;
use crate::faults::{Fault, FaultSet};
use uspec_usp::msg::GetSupportedDmResp;
use uspec_usp::msg::get_supported_dm_resp::{
    ParamAccessType, RequestedObjectResult, SupportedCommandResult, SupportedEventResult, SupportedObjectResult,
    SupportedUniqueKeySet,
};

const MQTT_CLIENT: &str = "Device.MQTT.Client.{i}.";
const CONTROLLER_MQTT: &str = "Device.LocalAgent.Controller.{i}.MTP.{i}.MQTT.";

pub(super) fn distort(faults: &FaultSet, mut resp: GetSupportedDmResp) -> GetSupportedDmResp {
    for result in &mut resp.req_obj_results {
        requested(faults, result);
        for object in &mut result.supported_objs {
            omit(faults, object);
            params(faults, object);
            commands(faults, object);
            events(faults, object);
            keys(faults, object);
            invent(faults, object);
        }
    }
    if faults.has(Fault::GsdmExtraResult) {
        resp.req_obj_results.extend(resp.req_obj_results.first().cloned());
    }
    resp
}

fn requested(faults: &FaultSet, result: &mut RequestedObjectResult) {
    if result.err_code == 0 {
        return;
    }
    if faults.has(Fault::GsdmUnsupportedObjectWithoutError) {
        result.err_code = 0;
        result.err_msg.clear();
    }
    if faults.has(Fault::GsdmUnsupportedCodeOutOfRange) {
        result.err_code = OUT_OF_RANGE;
    }
}

fn omit(faults: &FaultSet, object: &mut SupportedObjectResult) {
    if faults.has(Fault::GsdmOmitsCommands) {
        object.supported_commands.clear();
    }
    if faults.has(Fault::GsdmOmitsEvents) {
        object.supported_events.clear();
    }
    if faults.has(Fault::GsdmOmitsParams) {
        object.supported_params.clear();
    }
    let missing: [(Fault, &str, &[&str]); 3] = [
        (Fault::MqttHasNoMessageRetryTime, MQTT_CLIENT, &["MessageRetryTime"]),
        (Fault::MqttHasNoAgentMtpReference, CONTROLLER_MQTT, &["AgentMTPReference"]),
        (Fault::MqttHasNoReference, CONTROLLER_MQTT, &["Reference", "AgentMTPReference"]),
    ];
    for (fault, path, names) in missing {
        if faults.has(fault) && object.supported_obj_path == path {
            object.supported_params.retain(|param| !names.contains(&param.param_name.as_str()));
        }
    }
}

fn invent(faults: &FaultSet, object: &mut SupportedObjectResult) {
    if faults.has(Fault::GsdmAddsNamelessCommand) {
        object.supported_commands.push(SupportedCommandResult::default());
    }
    if faults.has(Fault::GsdmAddsNamelessEvent) {
        object.supported_events.push(SupportedEventResult::default());
    }
}

fn params(faults: &FaultSet, object: &mut SupportedObjectResult) {
    if faults.has(Fault::MqttTopicIsReadOnly) && object.supported_obj_path == CONTROLLER_MQTT {
        for param in object.supported_params.iter_mut().filter(|param| param.param_name == "Topic") {
            param.access = ParamAccessType::ParamReadOnly.into();
        }
    }
    for param in &mut object.supported_params {
        if faults.has(Fault::GsdmParamNameIsAbsolute) {
            param.param_name.insert_str(0, &object.supported_obj_path);
        }
        if faults.has(Fault::GsdmValueTypeUnknown) {
            param.value_type = 0;
        }
        if faults.has(Fault::GsdmValueChangeUnknown) {
            param.value_change = 0;
        }
    }
}

fn commands(faults: &FaultSet, object: &mut SupportedObjectResult) {
    for command in &mut object.supported_commands {
        if faults.has(Fault::GsdmCommandNameIsEmpty) {
            command.command_name.clear();
        }
        if faults.has(Fault::GsdmCommandTypeUnknown) {
            command.command_type = 0;
        }
        if faults.has(Fault::GsdmOmitsCommandArgs) {
            command.input_arg_names.clear();
        }
        if faults.has(Fault::GsdmCommandArgsAreAbsolute) {
            for name in &mut command.input_arg_names {
                name.insert_str(0, &object.supported_obj_path);
            }
        }
    }
}

fn events(faults: &FaultSet, object: &mut SupportedObjectResult) {
    for event in &mut object.supported_events {
        if faults.has(Fault::GsdmEventNameIsEmpty) {
            event.event_name.clear();
        }
        if faults.has(Fault::GsdmOmitsEventArgs) {
            event.arg_names.clear();
        }
        if faults.has(Fault::GsdmEventArgsAreAbsolute) {
            for name in &mut event.arg_names {
                name.insert_str(0, &object.supported_obj_path);
            }
        }
    }
}

fn keys(faults: &FaultSet, object: &mut SupportedObjectResult) {
    if faults.has(Fault::GsdmMergesKeySets) && !object.unique_key_sets.is_empty() {
        let key_names = std::mem::take(&mut object.unique_key_sets).into_iter().flat_map(|set| set.key_names).collect();
        object.unique_key_sets = vec![SupportedUniqueKeySet { key_names }];
    }
    for set in &mut object.unique_key_sets {
        if faults.has(Fault::GsdmKeyNamesAreEmpty) {
            set.key_names.clear();
        }
        if faults.has(Fault::GsdmKeyNamesAreAbsolute) {
            for name in &mut set.key_names {
                name.insert_str(0, &object.supported_obj_path);
            }
        }
    }
}
