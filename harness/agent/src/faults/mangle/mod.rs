//! Distorts answers on their way out. The engine has done the right thing when a fault from here is on; only the Message lies.

mod add;
mod delete;
mod error;
mod get;
mod get_instances;
mod get_supported_dm;
mod operate;
mod set;

use super::kind::{Common, Kind};
use super::{Fault, FaultSet};
use crate::errors::code;
use uspec_usp::msg::{self, Msg, body::MsgBody, response::RespType};

/// A code that no TR-369 error has.
pub const OUT_OF_RANGE: u32 = 9999;

/// What is really sent instead of `answer`: nothing, one Message or two.
pub fn answer(faults: &FaultSet, kind: Kind, mut answer: Msg) -> Vec<Msg> {
    if faults.is_empty() {
        return vec![answer];
    }
    if kind.has(faults, Common::NotAnswered) || is_kept_back(faults, &answer) {
        return Vec::new();
    }
    if let Some(body) = answer.body.as_mut().and_then(|body| body.msg_body.as_mut()) {
        *body = distort(faults, kind, std::mem::replace(body, MsgBody::Error(msg::Error::default())));
        if kind.has(faults, Common::AnsweredWithError) {
            *body = refusal();
        }
    }
    if let Some(header) = &mut answer.header {
        header.msg_type = message_type(answer.body.as_ref()).map_or(header.msg_type, i32::from);
        if kind.has(faults, Common::WrongMsgId) {
            header.msg_id.push_str("-other");
        }
    }
    if kind.has(faults, Common::AnsweredTwice) { vec![answer.clone(), answer] } else { vec![answer] }
}

/// Whether a fault keeps back what was found, and not the answers to a whole kind of Request.
fn is_kept_back(faults: &FaultSet, answer: &Msg) -> bool {
    match answer.body.as_ref().and_then(|body| body.msg_body.as_ref()) {
        Some(MsgBody::Response(msg::Response { resp_type: Some(RespType::GetResp(resp)) })) => {
            get::is_kept_back(faults, resp)
        }
        _ => false,
    }
}

fn refusal() -> MsgBody {
    let err_msg = "refused without a reason".to_owned();
    MsgBody::Error(msg::Error { err_code: code::REQUEST_DENIED, err_msg, param_errs: Vec::new() })
}

fn distort(faults: &FaultSet, kind: Kind, body: MsgBody) -> MsgBody {
    match body {
        MsgBody::Error(_) if faults.has(Fault::ErrorReplacedByResponse) => response(empty(kind)),
        MsgBody::Error(error) => MsgBody::Error(error::distort(faults, error)),
        MsgBody::Response(msg::Response { resp_type: Some(resp) }) => one(faults, resp),
        other => other,
    }
}

/// Distorts a Response; some faults turn it into an Error.
fn one(faults: &FaultSet, resp: RespType) -> MsgBody {
    let failure = match &resp {
        RespType::AddResp(resp) if faults.has(Fault::AddPartialFailureIsError) => add::first_failure(resp),
        RespType::SetResp(resp) if faults.has(Fault::SetPartialFailureIsError) => set::first_failure(resp),
        RespType::DeleteResp(resp) if faults.has(Fault::DeletePartialFailureIsError) => delete::first_failure(resp),
        RespType::OperateResp(resp) => operate::refused(faults, resp),
        _ => None,
    };
    if let Some((err_code, err_msg)) = failure {
        return MsgBody::Error(msg::Error { err_code, err_msg, param_errs: Vec::new() });
    }
    response(match resp {
        RespType::GetResp(resp) => RespType::GetResp(get::distort(faults, resp)),
        RespType::SetResp(resp) => RespType::SetResp(set::distort(faults, resp)),
        RespType::AddResp(resp) => RespType::AddResp(add::distort(faults, resp)),
        RespType::DeleteResp(resp) => RespType::DeleteResp(delete::distort(faults, resp)),
        RespType::OperateResp(resp) => RespType::OperateResp(operate::distort(faults, resp)),
        RespType::GetInstancesResp(resp) => RespType::GetInstancesResp(get_instances::distort(faults, resp)),
        RespType::GetSupportedDmResp(resp) => RespType::GetSupportedDmResp(get_supported_dm::distort(faults, resp)),
        RespType::GetSupportedProtocolResp(mut resp) => {
            if faults.has(Fault::GspVersionsEmpty) {
                resp.agent_supported_protocol_versions.clear();
            }
            if faults.has(Fault::GspVersionsBySemicolon) {
                resp.agent_supported_protocol_versions = resp.agent_supported_protocol_versions.replace(',', ";");
            }
            RespType::GetSupportedProtocolResp(resp)
        }
        other => other,
    })
}

fn response(resp: RespType) -> MsgBody {
    MsgBody::Response(msg::Response { resp_type: Some(resp) })
}

fn empty(kind: Kind) -> RespType {
    match kind {
        Kind::Get => RespType::GetResp(msg::GetResp::default()),
        Kind::Set => RespType::SetResp(msg::SetResp::default()),
        Kind::Add => RespType::AddResp(msg::AddResp::default()),
        Kind::Delete => RespType::DeleteResp(msg::DeleteResp::default()),
        Kind::Operate => RespType::OperateResp(msg::OperateResp::default()),
        Kind::GetInstances => RespType::GetInstancesResp(msg::GetInstancesResp::default()),
        Kind::GetSupportedDm => RespType::GetSupportedDmResp(msg::GetSupportedDmResp::default()),
        Kind::GetSupportedProtocol => RespType::GetSupportedProtocolResp(msg::GetSupportedProtocolResp::default()),
    }
}

/// The `msg_type` that goes with a body (R-MSG.10).
pub fn message_type(body: Option<&msg::Body>) -> Option<msg::header::MsgType> {
    use msg::header::MsgType;
    Some(match body?.msg_body.as_ref()? {
        MsgBody::Error(_) => MsgType::Error,
        MsgBody::Request(request) => match request.req_type.as_ref()? {
            msg::request::ReqType::Notify(_) => MsgType::Notify,
            _ => return None,
        },
        MsgBody::Response(response) => match response.resp_type.as_ref()? {
            RespType::GetResp(_) => MsgType::GetResp,
            RespType::SetResp(_) => MsgType::SetResp,
            RespType::AddResp(_) => MsgType::AddResp,
            RespType::DeleteResp(_) => MsgType::DeleteResp,
            RespType::OperateResp(_) => MsgType::OperateResp,
            RespType::GetInstancesResp(_) => MsgType::GetInstancesResp,
            RespType::GetSupportedDmResp(_) => MsgType::GetSupportedDmResp,
            RespType::GetSupportedProtocolResp(_) => MsgType::GetSupportedProtoResp,
            RespType::NotifyResp(_) => MsgType::NotifyResp,
            RespType::RegisterResp(_) => MsgType::RegisterResp,
            RespType::DeregisterResp(_) => MsgType::DeregisterResp,
        },
    })
}
