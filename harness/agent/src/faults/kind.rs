//! The kinds of Request that an Agent answers, and the faults that each kind has in common with the others.

use super::{Fault, FaultSet};
use uspec_usp::msg::request::ReqType;

/// A kind of Request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Get.
    Get,
    /// Set.
    Set,
    /// Add.
    Add,
    /// Delete.
    Delete,
    /// Operate.
    Operate,
    /// GetInstances.
    GetInstances,
    /// GetSupportedDM.
    GetSupportedDm,
    /// GetSupportedProtocol.
    GetSupportedProtocol,
}

/// How any kind of Request can be answered wrongly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Common {
    /// No answer at all.
    NotAnswered,
    /// An Error instead of the Response.
    AnsweredWithError,
    /// Another msg_id.
    WrongMsgId,
    /// The answer comes twice.
    AnsweredTwice,
}

impl Kind {
    /// The kind of a Request; none for those that an Agent does not answer.
    pub fn of(request: &ReqType) -> Option<Self> {
        Some(match request {
            ReqType::Get(_) => Self::Get,
            ReqType::Set(_) => Self::Set,
            ReqType::Add(_) => Self::Add,
            ReqType::Delete(_) => Self::Delete,
            ReqType::Operate(_) => Self::Operate,
            ReqType::GetInstances(_) => Self::GetInstances,
            ReqType::GetSupportedDm(_) => Self::GetSupportedDm,
            ReqType::GetSupportedProtocol(_) => Self::GetSupportedProtocol,
            ReqType::Notify(_) | ReqType::Register(_) | ReqType::Deregister(_) => return None,
        })
    }

    /// Whether this kind of Request is answered wrongly in that way.
    pub fn has(self, faults: &FaultSet, common: Common) -> bool {
        let [silent, error, id, twice] = self.names();
        faults.has(match common {
            Common::NotAnswered => silent,
            Common::AnsweredWithError => error,
            Common::WrongMsgId => id,
            Common::AnsweredTwice => twice,
        })
    }

    #[rustfmt::skip]
    fn names(self) -> [Fault; 4] {
        use Fault as F;
        match self {
            Self::Get => [F::GetNotAnswered, F::GetAnsweredWithError, F::GetWrongMsgId, F::GetAnsweredTwice],
            Self::Set => [F::SetNotAnswered, F::SetAnsweredWithError, F::SetWrongMsgId, F::SetAnsweredTwice],
            Self::Add => [F::AddNotAnswered, F::AddAnsweredWithError, F::AddWrongMsgId, F::AddAnsweredTwice],
            Self::Delete => [F::DeleteNotAnswered, F::DeleteAnsweredWithError, F::DeleteWrongMsgId, F::DeleteAnsweredTwice],
            Self::Operate => [F::OperateNotAnswered, F::OperateAnsweredWithError, F::OperateWrongMsgId, F::OperateAnsweredTwice],
            Self::GetInstances => [F::GetInstancesNotAnswered, F::GetInstancesAnsweredWithError, F::GetInstancesWrongMsgId, F::GetInstancesAnsweredTwice],
            Self::GetSupportedDm => [F::GsdmNotAnswered, F::GsdmAnsweredWithError, F::GsdmWrongMsgId, F::GsdmAnsweredTwice],
            Self::GetSupportedProtocol => [F::GspNotAnswered, F::GspAnsweredWithError, F::GspWrongMsgId, F::GspAnsweredTwice],
        }
    }
}
