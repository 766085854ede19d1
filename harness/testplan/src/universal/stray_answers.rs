//! R-MSG.9: a Response or Error has the msg_id of the Request that it answers.
//!
//! A stray answer is unmet when a Request that it would fit was still waiting. Without one it is shown as unknown: it may belong to a
//! Request of an earlier case, whose time is over and whose Trace is another. Not judged: Errors after something
//! malformed was sent, whose msg_id nobody can read.

use uspec_usp::{decode::RecordKind, schema::Content};

use super::Tally;
use crate::{
    case::{Action, MtpAction},
    judge::{
        evidence::Evidence,
        finding::{unknown, unmet},
    },
    show,
    view::{RecordSeen, StepSeen},
};

pub(super) fn judge(evidence: Evidence<'_>, tally: &mut Tally) {
    tally.expects("answers with the msg_id of their Request");
    for answer in
        evidence.view.received().filter(|record| matches!(record.content, Some(Content::Response(_) | Content::Error)))
    {
        if evidence.view.request_of(answer).is_some() {
            tally.right();
            continue;
        }
        if answer.content == Some(Content::Error) && follows_unreadable(evidence, answer) {
            continue;
        }
        let id = answer.msg_id().map_or_else(|| "no header".to_owned(), |id| format!("msg_id {}", show::quoted(id)));
        let seen = format!("{} with {id}, which answers nothing that was sent", answer.name());
        let waiting = evidence.view.sent().find(|sent| sent.index < answer.index && is_waiting(evidence, sent, answer));
        tally.wrong(match waiting {
            Some(sent) => unmet("the msg_id of the Request", seen, vec![sent.seq, answer.seq]).at("header.msg_id"),
            None => unknown("the msg_id of a Request in this Trace", seen, vec![answer.seq]).at("header.msg_id"),
        });
    }
}

/// Whether a Request that `answer` fits had no answer of its own yet.
fn is_waiting(evidence: Evidence<'_>, sent: &RecordSeen<'_>, answer: &RecordSeen<'_>) -> bool {
    let fits = match (sent.request(), answer.content) {
        (Some(kind), Some(Content::Response(answered))) => kind == answered,
        (Some(_), Some(Content::Error)) => true,
        _ => false,
    };
    fits && sent.connection == answer.connection
        && !evidence.view.answers(sent).iter().any(|other| other.index < answer.index)
}

/// Whether something without a readable msg_id was sent before.
fn follows_unreadable(evidence: Evidence<'_>, answer: &RecordSeen<'_>) -> bool {
    let carries_none = |sent: &RecordSeen<'_>| sent.kind.is_some_and(RecordKind::is_connect) && sent.record.is_clean();
    let raw = |step: &StepSeen<'_>| {
        let action = evidence.action(step.step);
        matches!(action, Some(Action::Mtp(MtpAction::Frame { .. } | MtpAction::Octets(_))))
    };
    evidence.view.steps.iter().any(|step| step.started.index < answer.index && raw(step))
        || evidence
            .view
            .sent()
            .any(|sent| sent.index < answer.index && sent.msg_id().is_none_or(str::is_empty) && !carries_none(sent))
}
