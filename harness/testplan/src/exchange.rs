//! A Trace in short lines for people: what a report shows of a case.
//!
//! One decision behind it: the lines are read, never judged. They are few and short whatever the Trace holds, and nothing
//! in them can act on a terminal.

use std::collections::BTreeMap;

use serde_json::Value;
use uspec_usp::schema::Content;

use crate::{
    case::PacketKind,
    judge::evidence::describe_error,
    secrets::{Mask, masked},
    show, sighting,
    trace::{ConnectionState, Direction, Event, Phase, StepOutcome, StepRef, Trace, What},
    view::{RecordSeen, View, phase_name},
};

/// How many lines a Trace has at most: a report shows hundreds of cases, and the Trace itself is beside it.
const MAX_LINES: usize = 200;

/// How many characters a line has at most.
const MAX_LINE: usize = 200;

/// How many characters of a Message a line shows.
const MAX_BODY: usize = 90;

/// The Trace, one line an event: seconds, direction, what it was. Octets, frames that carry Records and the
/// beginnings of steps are left out; of a long Trace the middle is. Secrets are masked.
pub fn lines(trace: &Trace) -> Vec<String> {
    let mask = Mask::of(trace);
    if mask.is_empty() {
        return lines_of(trace);
    }
    // Before anything is cut: the beginning of a secret would stay.
    lines_of(&masked(trace)).iter().map(|line| mask.apply(line)).collect()
}

fn lines_of(trace: &Trace) -> Vec<String> {
    let view = View::new(trace);
    let shown = |(index, event): (usize, &Event)| {
        let text = line(&view, index, event)?;
        let seconds = event.at_us / 1_000_000;
        let millis = event.at_us % 1_000_000 / 1000;
        Some(show::cut_at(&format!("{seconds:>4}.{millis:03} {text}"), MAX_LINE))
    };
    let mut lines: Vec<_> = trace.events.iter().enumerate().filter_map(shown).collect();
    if lines.len() > MAX_LINES {
        let half = MAX_LINES / 2;
        let left_out = lines.len().saturating_sub(half.saturating_mul(2));
        let end = lines.split_off(lines.len().saturating_sub(half));
        lines.truncate(half);
        lines.push(format!("         … {left_out} lines left out: the Trace has them"));
        lines.extend(end);
    }
    lines
}

/// Every event that [`lines`] would show, by its place in the Trace, with its line without the time and with nothing left out.
pub fn by_event(trace: &Trace) -> BTreeMap<usize, String> {
    let view = View::new(trace);
    let shown = |(index, event)| Some((index, show::cut_at(&line(&view, index, event)?, MAX_LINE)));
    trace.events.iter().enumerate().filter_map(shown).collect()
}

fn line(view: &View<'_>, index: usize, event: &Event) -> Option<String> {
    match &event.what {
        What::Record { .. } => view.records.iter().find(|record| record.index == index).map(record_line),
        What::StepStarted { .. } | What::Octets { .. } => None,
        What::Frame { direction, kind, .. } => {
            let shown = sighting::sighting(&view.trace.events, index, false)?;
            frame_line(*direction, kind, &shown)
        }
        What::Packet { direction, kind, fields, .. } => packet_line(*direction, kind, fields),
        What::StepEnded { step, outcome } => step_line(step, outcome),
        What::Captured { name, value } => Some(format!("   {name} = {}", show::quoted(value))),
        What::Connection { connection, state, details } => connection_line(*connection, *state, details),
        What::Eut { action, outcome, ok } => {
            Some(format!("   EUT: {action}: {outcome}{}", if *ok { "" } else { " (failed)" }))
        }
        What::CleanUp { differences } if differences.is_empty() => Some("   the EUT is as found".to_owned()),
        What::CleanUp { differences } => Some(format!("   the EUT is not as found: {}", differences.join("; "))),
        What::Note { text } => Some(format!("   note: {text}")),
    }
}

const fn arrow(direction: Direction) -> &'static str {
    match direction {
        Direction::Sent => "->",
        Direction::Received => "<-",
    }
}

/// A frame that carries no Record.
fn frame_line(direction: Direction, kind: &str, shown: &Value) -> Option<String> {
    let text = |key: &str| shown.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    let (code, said) = match kind {
        "binary" | "continuation" => return None,
        "close" => (shown.get("code").and_then(Value::as_u64), text("reason")),
        _ => (None, text("payload")),
    };
    let code = code.map(|code| format!(" {code}")).unwrap_or_default();
    let said = said.map(|said| format!(": {}", show::cut_at(said, MAX_BODY))).unwrap_or_default();
    Some(format!("{} {kind} frame{code}{said}", arrow(direction)))
}

/// A packet that carries no Record. Heart-beats would drown the rest.
fn packet_line(direction: Direction, kind: &str, fields: &Value) -> Option<String> {
    let left_out = kind == "HEARTBEAT" || PacketKind::named(kind).is_some_and(PacketKind::carries_records);
    let said = if is_empty(fields) { String::new() } else { format!(": {}", show::cut_at(&brief(fields), MAX_BODY)) };
    (!left_out).then(|| format!("{} {kind}{said}", arrow(direction)))
}

fn record_line(record: &RecordSeen<'_>) -> String {
    let arrow = arrow(record.direction);
    let step =
        record.step.and_then(|step| step.label.as_deref()).map(|label| format!(" `{label}`")).unwrap_or_default();
    let id = record.msg_id().map(|id| format!(" {}", show::cut_at(id, 40))).unwrap_or_default();
    format!("{arrow} {}{step}{id}{}", record.name(), gist(record))
}

/// What a Message says, shortly.
pub(crate) fn gist(record: &RecordSeen<'_>) -> String {
    let text = match (record.content, record.body()) {
        (Some(Content::Error), Some(body)) => describe_error(body),
        (Some(_), Some(body)) => brief(body),
        _ if record.record.value.is_none() => show::bytes(&record.record.bytes),
        _ => return String::new(),
    };
    format!(": {}", show::cut_at(&text, MAX_BODY))
}

/// JSON without quotes around names and without what is empty.
pub(crate) fn brief(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let shown: Vec<_> = fields
                .iter()
                .filter(|(_, value)| !is_empty(value))
                .map(|(name, value)| format!("{name}: {}", brief(value)))
                .collect();
            format!("{{{}}}", shown.join(", "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(brief).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

pub(crate) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Number(number) => number.as_u64() == Some(0),
        Value::Bool(_) => false,
    }
}

/// Only ends that are not plain success are worth a line.
fn step_line(step: &StepRef, outcome: &StepOutcome) -> Option<String> {
    let nth = step.index.saturating_add(1);
    let label = step.label.as_ref().map(|label| format!(" `{label}`")).unwrap_or_default();
    let how = match outcome {
        StepOutcome::Done { .. } => return None,
        StepOutcome::TimedOut { waited_ms } => format!("nothing came within {}", show::seconds(*waited_ms)),
        StepOutcome::NotReached { reason } => format!("not reached: {reason}"),
        StepOutcome::Fault { causes } => format!("the harness failed: {}", causes.join(": ")),
    };
    let phase: Phase = step.phase;
    Some(format!("   {} step {nth}{label}: {how}", phase_name(phase)))
}

fn connection_line(connection: u32, state: ConnectionState, details: &Value) -> Option<String> {
    let word = match state {
        ConnectionState::Listening | ConnectionState::Attempt | ConnectionState::Handshake => return None,
        ConnectionState::Tls => "TLS",
        ConnectionState::Open => "open",
        ConnectionState::Closed => "closed",
        ConnectionState::Failed => "failed",
        ConnectionState::Oversized => "too large a message",
    };
    let details =
        if is_empty(details) { String::new() } else { format!(": {}", show::cut_at(&brief(details), MAX_BODY)) };
    Some(format!("== connection {connection} {word}{details}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uspec_usp::schema::MessageKind;

    use super::*;
    use crate::testing::Story;

    fn frame(kind: &str, payload: &[u8]) -> What {
        let (kind, payload) = (kind.to_owned(), payload.to_vec());
        What::Frame { connection: 1, direction: Direction::Received, kind, fin: true, payload }
    }

    #[test]
    fn no_line_shows_a_password() {
        let fields = json!({"headers": {"login": "agent", "passcode": "open sesame"}});
        let (kind, direction) = ("STOMP".to_owned(), Direction::Received);
        let set = json!({"update_objs": [{"param_settings": [{"param": "Password", "value": "open sesame"}]}]});
        let story = Story::new().event(What::Packet { connection: 1, direction, kind, fields, body: Vec::new() }).ask(
            "set",
            MessageKind::Set,
            set,
        );
        let shown = lines(&story.trace).join("\n");
        assert!(shown.contains("login: \"agent\"") && !shown.contains("sesame"), "{shown}");
    }

    #[test]
    fn each_event_that_matters_has_a_line() {
        let story = Story::new()
            .connection(1, ConnectionState::Open, json!({"peer": "10.0.0.1"}))
            .ask("get", MessageKind::Get, json!({"param_paths": ["Device."]}))
            .error(&json!({"err_code": 7006, "err_msg": "no\u{1b}[2J"}))
            .matched()
            .ask("", MessageKind::Get, json!({"param_paths": ["Device."]}))
            .time_out(10_000)
            .receive(vec![0xff])
            .event(frame("binary", b"x"))
            .event(frame("close", b"\x03\xebno Record"))
            .event(frame("ping", b""))
            .event(What::CleanUp { differences: Vec::new() });
        let shown = lines(&story.trace);
        let expected = [
            r#"   0.001 == connection 1 open: {peer: "10.0.0.1"}"#,
            r#"   0.003 -> Get `get` m1: {param_paths: ["Device."]}"#,
            r#"   0.004 <- Error m1: Error 7006 Permission denied "no\u{1b}[2J""#,
            r#"   0.007 -> Get m2: {param_paths: ["Device."]}"#,
            "  10.008    procedure step 2: nothing came within 10 s",
            "  10.009 <- bytes that are no Record: ff",
            "  10.011 <- close frame 1003: no Record",
            "  10.012 <- ping frame",
            "  10.013    the EUT is as found",
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn lines_are_few_and_short() {
        let long = "x".repeat(5_000);
        let story = (0..1000)
            .fold(Story::new(), |story, _| story.ask("", MessageKind::Get, json!({"param_paths": [long]})).done());
        let shown = lines(&story.trace);
        assert_eq!(shown.len(), MAX_LINES + 1);
        assert!(
            shown.iter().all(|line| line.chars().count() <= MAX_LINE + 40),
            "{:?}",
            shown.iter().map(String::len).max()
        );
        assert!(shown.iter().any(|line| line.contains("800 lines left out")));
    }
}
