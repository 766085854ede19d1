//! R-MSG.0: a Request is answered by the Response that belongs to it or by an Error, once.
//!
//! Not judged: `send` steps, which may malform what they send; an Operate that wants no Response (R-OPR.4); a msg_id that was
//! sent twice (R-MSG.4); a case that expects silence; a wait that ended otherwise than by its time, or during which the connection
//! ended or the device was restarted; a second answer over another connection, where an MTP that lost the first may repeat it.

use uspec_usp::schema::{Content, MessageKind};

use super::Tally;
use crate::{
    case::{Action, Check, TestCase},
    judge::{evidence::Evidence, finding::unmet},
    show,
    trace::{StepOutcome, What},
    view::{RecordSeen, StepSeen},
};

pub(super) fn judge(evidence: Evidence<'_>, tally: &mut Tally) {
    tally.expects("each Request answered once, by its Response or an Error");
    for sent in evidence.view.sent() {
        let Some(kind) = sent.request().filter(|kind| *kind != MessageKind::Notify) else { continue };
        let Some(step) = step_of(evidence, sent) else { continue };
        if is_send_step(evidence.case, step) || wants_no_response(sent, kind) || is_repeated(evidence, sent) {
            continue;
        }
        let answers = evidence.view.answers(sent);
        match answers.first() {
            None => unanswered(evidence, sent, step, kind, tally),
            Some(first) => {
                let fits = matches!(first.content, Some(Content::Response(answered)) if answered == kind)
                    || first.content == Some(Content::Error);
                let expected = format!("{} or an Error", Content::Response(kind));
                tally.holds(fits, || unmet(expected, format!("{} came", first.name()), vec![sent.seq, first.seq]));
            }
        }
        if let [first, rest @ ..] = answers.as_slice()
            && let Some(again) = rest.iter().find(|again| again.connection == first.connection)
        {
            let seen = format!("{} and then {} with the same msg_id", first.name(), again.name());
            tally.wrong(unmet("one answer to a Request", seen, vec![sent.seq, first.seq, again.seq]));
        }
    }
}

fn unanswered(
    evidence: Evidence<'_>,
    sent: &RecordSeen<'_>,
    step: &StepSeen<'_>,
    kind: MessageKind,
    tally: &mut Tally,
) {
    let (Some(StepOutcome::TimedOut { waited_ms }), Some(ended)) = (step.outcome, step.ended) else { return };
    let between = evidence.view.trace.events.get(sent.index..ended.index).unwrap_or_default();
    let disturbed = between.iter().any(|event| match &event.what {
        What::Eut { .. } => true,
        What::Connection { connection, .. } => *connection == sent.connection,
        _ => false,
    });
    let silence = |label: &String| evidence.case.metrics.iter().any(|metric| expects_silence(&metric.check, label));
    if !disturbed && !step.step.label.as_ref().is_some_and(silence) {
        let expected = format!("{} or an Error", Content::Response(kind));
        tally.wrong(unmet(expected, format!("no answer within {}", show::seconds(*waited_ms)), vec![sent.seq]));
    }
}

fn step_of<'a>(evidence: Evidence<'a>, sent: &RecordSeen<'_>) -> Option<&'a StepSeen<'a>> {
    let step = sent.step?;
    evidence.view.steps.iter().find(|seen| seen.is(step.phase, step.index) && seen.step.label == step.label)
}

fn is_send_step(case: &TestCase, seen: &StepSeen<'_>) -> bool {
    let steps = match seen.step.phase {
        crate::trace::Phase::BringUp => return false,
        crate::trace::Phase::Setup => &case.setup,
        crate::trace::Phase::Procedure => &case.procedure,
        crate::trace::Phase::CleanUp => &case.cleanup,
    };
    steps
        .get(seen.step.index)
        .is_some_and(|step| step.label == seen.step.label && matches!(step.action, Action::Send(_)))
}

fn wants_no_response(sent: &RecordSeen<'_>, kind: MessageKind) -> bool {
    let send_resp = sent.body().and_then(|body| body.get("send_resp")).and_then(serde_json::Value::as_bool);
    kind == MessageKind::Operate && send_resp != Some(true)
}

fn is_repeated(evidence: Evidence<'_>, sent: &RecordSeen<'_>) -> bool {
    evidence
        .view
        .sent()
        .any(|other| other.index != sent.index && other.request().is_some() && other.msg_id() == sent.msg_id())
}

fn expects_silence(check: &Check, label: &str) -> bool {
    match check {
        Check::NoResponse { to } => to == label,
        Check::All(checks) | Check::Any(checks) => checks.iter().any(|inner| expects_silence(inner, label)),
        _ => false,
    }
}
