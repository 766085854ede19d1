//! A connection of the EUT ends for a reason: a stream that breaks, or that the EUT ends without a Close frame (R-WS.8, RFC 6455 section 7),
//! is what a crash looks like.
//!
//! Reasons are: a step of ours that ends or disturbs connections, a restart that the EUT was told to do, a Disconnect Record, and a
//! change of what the connection is configured by; each as long as that connection lasts. Handshakes and certificates of ours that are not as
//! they should be are a reason for every later one. A Close frame of the EUT is its right, and is
//! shown. What happened between the connection's last Records and its end is the finding's evidence.

use serde_json::Value;
use uspec_usp::{decode::RecordKind, schema::MessageKind};

use super::{Tally, mtp_violations};
use crate::{
    case::{Action, MtpAction},
    judge::{
        evidence::{Evidence, disturbs_later_connections, ends_connections},
        finding::{unknown, unmet},
    },
    show,
    trace::{ConnectionState, What},
    view::{ConnectionSeen, RecordSeen},
};

/// How many of the last Records sent before the end are told.
const LAST: usize = 3;

/// Commands after which an EUT ends its connections.
const RESTARTS: &[&str] = &["Reboot()", "FactoryReset()", "Activate()"];

/// Parameters of a Controller's own row that decide whether there is a connection to it.
const CONNECTING: &[&str] = &["Enable", "EndpointID", "AssignedRole", "InheritedRole", "Credential"];

pub(super) fn judge(evidence: Evidence<'_>, tally: &mut Tally) {
    const EXPECTED: &str = "connections that end by a Close frame, or by our doing";
    tally.expects(EXPECTED);
    let facts = evidence.view.trace.header.mtp_facts.as_ref();
    let is_websocket = facts.is_none_or(|facts| facts.kind == "websocket");
    for connection in &evidence.view.connections {
        let Some((index, seq, closing)) = closed(connection) else { continue };
        let from = connection.opened().unwrap_or(0);
        let ending = Ending::of(closing);
        // An end after the EUT broke the protocol has that as its cause, and `mtp violations` tells it.
        let violated = || mtp_violations::broke_protocol(connection);
        if ending == Ending::Ours || violated() || has_cause(evidence, connection.number, from, index) {
            tally.right();
            continue;
        }
        let sent: Vec<_> =
            evidence.view.sent().filter(|it| it.connection == connection.number && it.index < index).collect();
        let last = sent.get(sent.len().saturating_sub(LAST)..).unwrap_or_default();
        let mut events: Vec<_> = last.iter().map(|record| record.seq).collect();
        events.push(seq);
        let told = if last.is_empty() {
            "nothing was sent over it in this Trace".to_owned()
        } else {
            format!("last sent: {}", show::list(last.iter().map(|record| shown(record))))
        };
        let seen = format!("connection {} {}; {told}", connection.number, ending.describe(closing));
        tally.wrong(match ending {
            Ending::Closed => unknown("a connection that lasts", seen, events),
            Ending::Ours | Ending::Broken if !is_websocket => unknown("a connection that lasts", seen, events),
            Ending::Ours | Ending::Broken => unmet(EXPECTED, seen, events).by("R-WS.8"),
        });
    }
}

/// Who ended a connection, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// We did.
    Ours,
    /// The EUT sent a Close frame.
    Closed,
    /// The stream ended without one.
    Broken,
}

impl Ending {
    fn of(closing: &Value) -> Self {
        let has_code = closing.get("code").is_some_and(Value::is_number);
        let clean = closing.get("clean").and_then(Value::as_bool).unwrap_or(false);
        match closing.get("by").and_then(Value::as_str) {
            Some("us") => Self::Ours,
            Some("peer") if clean || has_code => Self::Closed,
            _ => Self::Broken,
        }
    }

    fn describe(self, closing: &Value) -> String {
        let reason = closing.get("reason").and_then(Value::as_str).filter(|reason| !reason.is_empty());
        let reason = reason.map(|reason| format!(" ({})", show::cut(reason))).unwrap_or_default();
        match self {
            Self::Closed => {
                let code = closing.get("code").and_then(Value::as_u64);
                let code = code.map(|code| format!(" with code {code}")).unwrap_or_default();
                format!("was closed by the EUT{code}{reason}")
            }
            Self::Ours | Self::Broken => format!("ended without a Close frame{reason}"),
        }
    }
}

/// The end of a session: its place, its number and how it was. The end of a stream alone may belong to a session that was over
/// before the Trace began, or that never was.
fn closed<'t>(connection: &ConnectionSeen<'t>) -> Option<(usize, u64, &'t Value)> {
    connection.events.iter().find_map(|(index, event, state, details)| {
        let closing = details.get("closed").filter(|_| *state == ConnectionState::Closed)?;
        Some((*index, event.seq, closing))
    })
}

/// Whether something between two events gives a right EUT a reason to end a connection.
fn has_cause(evidence: Evidence<'_>, connection: u32, from: usize, to: usize) -> bool {
    let events = evidence.view.trace.events.iter().enumerate().take(to).skip(from);
    let ours = events.into_iter().any(|(_, event)| match &event.what {
        What::Eut { .. } => true,
        What::StepStarted { step, .. } => evidence.action(step).is_some_and(ends_connections),
        _ => false,
    });
    // A step that began before the connection was there may still be at work, or what it changed.
    let at_work = evidence.view.steps.iter().filter(|step| step.started.index < from).any(|step| {
        let runs = step.ended.is_none_or(|ended| ended.index > from);
        let action = evidence.action(step.step);
        action.is_some_and(|action| disturbs_later_connections(action) || (runs && ends_connections(action)))
    });
    let sent = evidence.view.sent().filter(|it| it.index > from && it.index < to);
    let told = |record: &RecordSeen<'_>| {
        record.kind == Some(RecordKind::Disconnect) && record.connection == connection
            || restarts_or_reconfigures(record)
    };
    ours || at_work || sent.into_iter().any(told) || doubled(evidence, to)
}

/// Whether one connection too many was opened before: one of them must end (R-WS.4), and the newest one was not there yet when that
/// step ended.
fn doubled(evidence: Evidence<'_>, before: usize) -> bool {
    evidence.view.trace.events.iter().take(before).any(|event| match &event.what {
        What::StepStarted { step, .. } => {
            matches!(evidence.action(step), Some(Action::Mtp(MtpAction::SecondConnection)))
        }
        _ => false,
    })
}

/// Whether a Request restarts the EUT, or changes what its connections are configured by.
fn restarts_or_reconfigures(record: &RecordSeen<'_>) -> bool {
    let Some(body) = record.body() else { return false };
    let texts = |list: &str, field: &str| {
        let items = body.get(list).and_then(Value::as_array).into_iter().flatten();
        items.filter_map(|item| item.get(field).unwrap_or(item).as_str().map(str::to_owned)).collect::<Vec<_>>()
    };
    match record.request() {
        Some(MessageKind::Operate) => {
            let command = body.get("command").and_then(Value::as_str).unwrap_or_default();
            RESTARTS.iter().any(|restart| command.ends_with(restart))
        }
        Some(MessageKind::Add) => texts("create_objs", "obj_path").iter().any(|path| configures(path)),
        Some(MessageKind::Delete) => {
            let paths = texts("obj_paths", "");
            paths.iter().any(|path| configures(path) || path.starts_with("Device.LocalAgent.Controller."))
        }
        Some(MessageKind::Set) => {
            texts("update_objs", "obj_path").iter().any(|path| configures(path)) || sets_connecting(body)
        }
        _ => false,
    }
}

/// Whether an object decides how the EUT connects, and to whom.
fn configures(path: &str) -> bool {
    path.starts_with("Device.LocalAgent.MTP.")
        || path.starts_with("Device.MQTT.")
        || path.starts_with("Device.STOMP.")
        || path.starts_with("Device.UnixDomainSockets.")
        || path.starts_with("Device.LocalAgent.Certificate.")
        || path.starts_with("Device.LocalAgent.ControllerTrust.")
        || (path.starts_with("Device.LocalAgent.Controller.") && path.contains(".MTP."))
}

/// Whether a Set changes a Controller's row so that the connection to it may go.
fn sets_connecting(body: &Value) -> bool {
    let objects = body.get("update_objs").and_then(Value::as_array).into_iter().flatten();
    objects
        .filter(|object| {
            let path = object.get("obj_path").and_then(Value::as_str).unwrap_or_default();
            path.starts_with("Device.LocalAgent.Controller.")
        })
        .flat_map(|object| object.get("param_settings").and_then(Value::as_array).into_iter().flatten())
        .filter_map(|setting| setting.get("param").and_then(Value::as_str))
        .any(|param| CONNECTING.contains(&param))
}

/// A Record that was sent, in a few words.
fn shown(record: &RecordSeen<'_>) -> String {
    match record.msg_id().filter(|id| !id.is_empty()) {
        Some(id) => format!("{} {}", record.name(), show::cut_at(id, 40)),
        None => record.name(),
    }
}
