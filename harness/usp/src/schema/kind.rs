//! The kinds of USP Message, and each kind's names in the schema.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::msg::{self, body::MsgBody, header::MsgType, request::ReqType, response::RespType};

/// A Request of USP together with the Response that answers it. Serialised by its message name (`GetSupportedDM`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are the standard's own")]
pub enum MessageKind {
    Get,
    GetSupportedDM,
    GetInstances,
    Set,
    Add,
    Delete,
    Operate,
    Notify,
    GetSupportedProtocol,
    Register,
    Deregister,
}

impl MessageKind {
    /// Every kind, in the order of the field numbers of `Request.req_type`.
    pub const ALL: [Self; 11] = [
        Self::Get,
        Self::GetSupportedDM,
        Self::GetInstances,
        Self::Set,
        Self::Add,
        Self::Delete,
        Self::Operate,
        Self::Notify,
        Self::GetSupportedProtocol,
        Self::Register,
        Self::Deregister,
    ];

    /// The name of the Request's protobuf message, as test cases write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "Get",
            Self::GetSupportedDM => "GetSupportedDM",
            Self::GetInstances => "GetInstances",
            Self::Set => "Set",
            Self::Add => "Add",
            Self::Delete => "Delete",
            Self::Operate => "Operate",
            Self::Notify => "Notify",
            Self::GetSupportedProtocol => "GetSupportedProtocol",
            Self::Register => "Register",
            Self::Deregister => "Deregister",
        }
    }

    /// The field of `Request.req_type` that holds the Request.
    pub const fn request_field(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::GetSupportedDM => "get_supported_dm",
            Self::GetInstances => "get_instances",
            Self::Set => "set",
            Self::Add => "add",
            Self::Delete => "delete",
            Self::Operate => "operate",
            Self::Notify => "notify",
            Self::GetSupportedProtocol => "get_supported_protocol",
            Self::Register => "register",
            Self::Deregister => "deregister",
        }
    }

    /// The field of `Response.resp_type` that holds the Response.
    pub const fn response_field(self) -> &'static str {
        match self {
            Self::Get => "get_resp",
            Self::GetSupportedDM => "get_supported_dm_resp",
            Self::GetInstances => "get_instances_resp",
            Self::Set => "set_resp",
            Self::Add => "add_resp",
            Self::Delete => "delete_resp",
            Self::Operate => "operate_resp",
            Self::Notify => "notify_resp",
            Self::GetSupportedProtocol => "get_supported_protocol_resp",
            Self::Register => "register_resp",
            Self::Deregister => "deregister_resp",
        }
    }

    /// The `Header.msg_type` of the Request.
    pub const fn request_type(self) -> MsgType {
        match self {
            Self::Get => MsgType::Get,
            Self::GetSupportedDM => MsgType::GetSupportedDm,
            Self::GetInstances => MsgType::GetInstances,
            Self::Set => MsgType::Set,
            Self::Add => MsgType::Add,
            Self::Delete => MsgType::Delete,
            Self::Operate => MsgType::Operate,
            Self::Notify => MsgType::Notify,
            Self::GetSupportedProtocol => MsgType::GetSupportedProto,
            Self::Register => MsgType::Register,
            Self::Deregister => MsgType::Deregister,
        }
    }

    /// The `Header.msg_type` of the Response.
    pub const fn response_type(self) -> MsgType {
        match self {
            Self::Get => MsgType::GetResp,
            Self::GetSupportedDM => MsgType::GetSupportedDmResp,
            Self::GetInstances => MsgType::GetInstancesResp,
            Self::Set => MsgType::SetResp,
            Self::Add => MsgType::AddResp,
            Self::Delete => MsgType::DeleteResp,
            Self::Operate => MsgType::OperateResp,
            Self::Notify => MsgType::NotifyResp,
            Self::GetSupportedProtocol => MsgType::GetSupportedProtoResp,
            Self::Register => MsgType::RegisterResp,
            Self::Deregister => MsgType::DeregisterResp,
        }
    }

    /// The kind with this Request name, exactly as the schema spells it.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The kind whose Request has this `msg_type`.
    pub fn from_request_type(msg_type: MsgType) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.request_type() == msg_type)
    }

    /// The kind whose Response has this `msg_type`.
    pub fn from_response_type(msg_type: MsgType) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.response_type() == msg_type)
    }

    /// The kind whose Request stands in this field of `Request.req_type`.
    pub fn from_request_field(field: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.request_field() == field)
    }

    /// The kind whose Response stands in this field of `Response.resp_type`.
    pub fn from_response_field(field: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.response_field() == field)
    }

    const fn of_request(request: &ReqType) -> Self {
        match request {
            ReqType::Get(_) => Self::Get,
            ReqType::GetSupportedDm(_) => Self::GetSupportedDM,
            ReqType::GetInstances(_) => Self::GetInstances,
            ReqType::Set(_) => Self::Set,
            ReqType::Add(_) => Self::Add,
            ReqType::Delete(_) => Self::Delete,
            ReqType::Operate(_) => Self::Operate,
            ReqType::Notify(_) => Self::Notify,
            ReqType::GetSupportedProtocol(_) => Self::GetSupportedProtocol,
            ReqType::Register(_) => Self::Register,
            ReqType::Deregister(_) => Self::Deregister,
        }
    }

    const fn of_response(response: &RespType) -> Self {
        match response {
            RespType::GetResp(_) => Self::Get,
            RespType::GetSupportedDmResp(_) => Self::GetSupportedDM,
            RespType::GetInstancesResp(_) => Self::GetInstances,
            RespType::SetResp(_) => Self::Set,
            RespType::AddResp(_) => Self::Add,
            RespType::DeleteResp(_) => Self::Delete,
            RespType::OperateResp(_) => Self::Operate,
            RespType::NotifyResp(_) => Self::Notify,
            RespType::GetSupportedProtocolResp(_) => Self::GetSupportedProtocol,
            RespType::RegisterResp(_) => Self::Register,
            RespType::DeregisterResp(_) => Self::Deregister,
        }
    }
}

impl fmt::Display for MessageKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for MessageKind {
    type Err = UnknownKind;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::from_name(name).ok_or_else(|| UnknownKind(name.to_owned()))
    }
}

/// No USP Request has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not a USP Request")]
pub struct UnknownKind(pub String);

/// What a USP Message's body is: one Request, one Response, or the Error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Content {
    /// `body.request.<field>`.
    Request(MessageKind),
    /// `body.response.<field>`.
    Response(MessageKind),
    /// `body.error`.
    Error,
}

impl Content {
    /// What the body of a decoded Message is; `None` where a oneof on the way is unset (against R-ENC.3).
    pub fn of(message: &msg::Msg) -> Option<Self> {
        match message.body.as_ref()?.msg_body.as_ref()? {
            MsgBody::Request(request) => request.req_type.as_ref().map(|it| Self::Request(MessageKind::of_request(it))),
            MsgBody::Response(response) => {
                response.resp_type.as_ref().map(|it| Self::Response(MessageKind::of_response(it)))
            }
            MsgBody::Error(_) => Some(Self::Error),
        }
    }

    /// What a `msg_type` announces.
    pub fn from_msg_type(msg_type: MsgType) -> Self {
        let request = MessageKind::from_request_type(msg_type).map(Self::Request);
        request.or_else(|| MessageKind::from_response_type(msg_type).map(Self::Response)).unwrap_or(Self::Error)
    }

    /// The `Header.msg_type` that belongs to such a body.
    pub const fn msg_type(self) -> MsgType {
        match self {
            Self::Request(kind) => kind.request_type(),
            Self::Response(kind) => kind.response_type(),
            Self::Error => MsgType::Error,
        }
    }

    /// Where the body stands in a Message, as path segments below `body`.
    pub fn field_path(self) -> Vec<&'static str> {
        match self {
            Self::Request(kind) => vec!["request", kind.request_field()],
            Self::Response(kind) => vec!["response", kind.response_field()],
            Self::Error => vec!["error"],
        }
    }

    /// The name of its protobuf message without the package: `GetResp`.
    pub fn name(self) -> String {
        match self {
            Self::Request(kind) => kind.name().to_owned(),
            Self::Response(kind) => format!("{}Resp", kind.name()),
            Self::Error => "Error".to_owned(),
        }
    }

    pub(super) fn full_name(self) -> String {
        format!("usp.{}", self.name())
    }
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Schema;

    /// The tables above are written by hand; the schema is the authority.
    #[test]
    fn names_agree_with_the_schema() {
        let pool = Schema::get().unwrap().pool();
        let request = pool.get_message_by_name("usp.Request").unwrap();
        let response = pool.get_message_by_name("usp.Response").unwrap();
        assert_eq!(request.fields().len(), MessageKind::ALL.len());
        assert_eq!(response.fields().len(), MessageKind::ALL.len());
        for (kind, (asked, answered)) in MessageKind::ALL.into_iter().zip(request.fields().zip(response.fields())) {
            assert_eq!(kind.request_field(), asked.name());
            assert_eq!(kind.response_field(), answered.name());
            assert_eq!(asked.kind().as_message().unwrap().name(), kind.name());
        }
    }

    #[test]
    fn every_msg_type_has_one_content() {
        for number in 0..=22 {
            let msg_type = MsgType::try_from(number).unwrap();
            assert_eq!(Content::from_msg_type(msg_type).msg_type(), msg_type);
        }
        assert!(MsgType::try_from(23).is_err(), "the schema grew: extend MessageKind");
    }

    #[test]
    fn names_are_read_back() {
        for kind in MessageKind::ALL {
            assert_eq!(kind.name().parse(), Ok(kind));
            assert_eq!(MessageKind::from_request_field(kind.request_field()), Some(kind));
            assert_eq!(MessageKind::from_response_field(kind.response_field()), Some(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
        assert_eq!("get".parse::<MessageKind>(), Err(UnknownKind("get".into())));
    }
}
