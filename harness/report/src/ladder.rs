//! What the ladder diagram of a result is drawn from: one row an event that matters, with everything that a reader may open.
//!
//! One decision behind it: the page draws, and only what is opened; so each result carries its rows compressed, and they are small. What is long and
//! nobody's finding is left to the Trace, and said so. What is drawn is the masked Trace: no secret is in it.

use crate::text::visible;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use flate2::{Compression, write::DeflateEncoder};
use serde::Serialize;
use serde_json::Value;
use std::{collections::BTreeSet, io::Write as _};
use uspec_testplan::{
    exchange,
    run_report::Judged,
    secrets::masked,
    trace::{ConnectionState, Direction, Event, Phase, SECOND_CONTROLLER, Trace, What},
    verdict::Outcome,
};

/// Octets of decoded text or of hex that a row has at most, when no finding points at it.
const SHORT: usize = 4096;

/// The same when one does.
const LONG: usize = 64 * 1024;

/// Rows of a ladder; in the middle of a longer one the others are left out.
const MOST_ROWS: usize = 400;

/// One row.
#[derive(Debug, Serialize)]
struct Row {
    /// `seq` of the event.
    n: u64,
    /// Microseconds since the first event.
    t: u64,
    /// What it is: `record`, `packet`, `connection`, `step`, `note`.
    k: &'static str,
    /// `sent`, `received`, or nothing.
    d: &'static str,
    /// Whether the second Controller's connection carries it.
    second: bool,
    /// Its line.
    s: String,
    /// What can be opened: a heading and a text each.
    x: Vec<(String, String)>,
}

/// The rows of a Trace as JSON, deflated (RFC 1951) and in base64; nothing when they cannot be written.
pub(crate) fn packed(trace: &Trace, judged: &Judged) -> Option<String> {
    let json = serde_json::to_vec(&rows(&masked(trace), &evidence(judged))).ok()?;
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&json).ok()?;
    Some(STANDARD.encode(encoder.finish().ok()?))
}

/// The events at which findings point that are not met.
fn evidence(judged: &Judged) -> BTreeSet<u64> {
    let metrics = judged.judgement.metrics.iter().chain(&judged.judgement.universal);
    let findings = metrics.flat_map(|metric| &metric.findings).filter(|finding| finding.outcome != Outcome::Met);
    findings.flat_map(|finding| finding.events.iter().copied()).collect()
}

fn rows(trace: &Trace, evidence: &BTreeSet<u64>) -> Vec<Row> {
    let lines = exchange::by_event(trace);
    let mut rows = Vec::new();
    // Frames come before the Record that they carry.
    let mut frames: Vec<&Event> = Vec::new();
    for (index, event) in trace.events.iter().enumerate() {
        let line = lines.get(&index).cloned().or_else(|| began(event));
        let Some(line) = line.or_else(|| evidence.contains(&event.seq).then(|| "what a finding points at".to_owned()))
        else {
            if matches!(event.what, What::Frame { .. } | What::Packet { .. } | What::Octets { .. }) {
                frames.push(event);
            }
            continue;
        };
        let is_record = matches!(event.what, What::Record { .. });
        let carriers: Vec<_> = frames.drain(..).filter(|frame| is_record && same_way(frame, event)).collect();
        let limit = if evidence.contains(&event.seq) { LONG } else { SHORT };
        rows.push(row(event, &line, &carriers, limit));
    }
    shorten(rows, evidence)
}

/// Leaves out the middle of a long ladder, but for what findings point at, and says so.
fn shorten(mut rows: Vec<Row>, evidence: &BTreeSet<u64>) -> Vec<Row> {
    if rows.len() <= MOST_ROWS {
        return rows;
    }
    let end = rows.split_off(rows.len().saturating_sub(MOST_ROWS / 2));
    let middle = rows.split_off(MOST_ROWS / 2);
    let (n, t) = middle.first().map_or((0, 0), |row| (row.n, row.t));
    let (kept, out): (Vec<_>, Vec<_>) = middle.into_iter().partition(|row| evidence.contains(&row.n));
    let s = format!("… {} rows left out: the Trace has them", out.len());
    rows.push(Row { n, t, k: "note", d: "", second: false, s, x: Vec::new() });
    rows.extend(kept);
    rows.extend(end);
    rows
}

/// Steps that begin have no line among the exchange; here they head what they do.
fn began(event: &Event) -> Option<String> {
    match &event.what {
        What::StepStarted { step, action } => {
            let phase = match step.phase {
                Phase::BringUp => "bring-up",
                Phase::Setup => "setup",
                Phase::Procedure => "procedure",
                Phase::CleanUp => "clean-up",
            };
            let label = step.label.as_ref().map(|label| format!(" `{label}`")).unwrap_or_default();
            Some(format!("{phase} {}{label}: {action}", step.index.saturating_add(1)))
        }
        What::Connection { state: ConnectionState::Attempt, .. } => Some("connection attempt".to_owned()),
        What::Connection { state: ConnectionState::Handshake, .. } => Some("handshake".to_owned()),
        _ => None,
    }
}

/// Whether both crossed the same connection the same way.
fn same_way(frame: &Event, record: &Event) -> bool {
    way(frame).is_some() && way(frame) == way(record)
}

fn way(event: &Event) -> Option<(u32, Direction)> {
    match &event.what {
        What::Record { connection, direction, .. }
        | What::Octets { connection, direction, .. }
        | What::Frame { connection, direction, .. }
        | What::Packet { connection, direction, .. } => Some((*connection, *direction)),
        _ => None,
    }
}

fn row(event: &Event, line: &str, carriers: &[&Event], limit: usize) -> Row {
    let (k, connection) = match &event.what {
        What::Record { connection, .. } => ("record", Some(*connection)),
        What::Octets { connection, .. } | What::Frame { connection, .. } | What::Packet { connection, .. } => {
            ("packet", Some(*connection))
        }
        What::Connection { connection, .. } => ("connection", Some(*connection)),
        What::StepStarted { .. } => ("step", None),
        _ => ("note", None),
    };
    let d = match way(event) {
        Some((_, Direction::Sent)) => "sent",
        Some((_, Direction::Received)) => "received",
        None => "",
    };
    let mut x = Vec::new();
    opened(event, limit, &mut x);
    for carrier in carriers {
        opened(carrier, limit, &mut x);
    }
    let s = visible(line.trim_start_matches(['-', '>', '<', '=', ' ']));
    let second = connection.is_some_and(|connection| connection >= SECOND_CONTROLLER);
    Row { n: event.seq, t: event.at_us, k, d, second, s, x }
}

/// What can be opened of an event.
fn opened(event: &Event, limit: usize, x: &mut Vec<(String, String)>) {
    let mut json = |heading: &str, value: &Value| {
        let text = serde_json::to_string_pretty(value).unwrap_or_default();
        x.push((heading.to_owned(), cut(&visible(&text), limit)));
    };
    match &event.what {
        What::Record { bytes, decoded, .. } => {
            json("Record and Message", decoded);
            x.push((format!("Record, {} octets", bytes.len()), octets(bytes, limit)));
        }
        What::Packet { kind, fields, body, .. } => {
            json(&format!("{kind}, its fields"), fields);
            x.push((format!("{kind}, its body, {} octets", body.len()), octets(body, limit)));
        }
        What::Frame { kind, fin, payload, .. } => {
            let end = if *fin { "" } else { ", not the last" };
            x.push((format!("{kind} frame{end}, its payload, {} octets", payload.len()), octets(payload, limit)));
        }
        What::Octets { bytes, .. } => {
            x.push((format!("on the connection, after TLS, {} octets", bytes.len()), octets(bytes, limit)));
        }
        What::Connection { details, .. } => {
            json("what happened", details);
        }
        What::StepStarted { .. }
        | What::StepEnded { .. }
        | What::Captured { .. }
        | What::Eut { .. }
        | What::CleanUp { .. }
        | What::Note { .. } => {}
    }
}

fn octets(bytes: &[u8], limit: usize) -> String {
    cut(&hex::encode(bytes), limit)
}

fn cut(text: &str, limit: usize) -> String {
    crate::text::cut(text, limit)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by it")]

    use super::*;
    use flate2::read::DeflateDecoder;
    use std::{fs, io::Read as _, path::PathBuf};
    use uspec_testplan::verdict::{CleanUp, Judgement, Verdict};

    fn judged() -> Judged {
        Judged {
            started: jiff::Timestamp::UNIX_EPOCH,
            duration_ms: 0,
            judgement: Judgement {
                verdict: Verdict::Pass,
                reason: None,
                metrics: Vec::new(),
                universal: Vec::new(),
                clean_up: CleanUp::Clean,
            },
            exchange: Vec::new(),
            trace: None,
            earlier: Vec::new(),
        }
    }

    fn unpacked(packed: &str) -> Value {
        let mut json = String::new();
        let deflated = STANDARD.decode(packed).unwrap();
        DeflateDecoder::new(deflated.as_slice()).read_to_string(&mut json).unwrap();
        serde_json::from_str(&json).unwrap()
    }

    #[test]
    fn every_recorded_trace_has_its_records_as_arrows_that_open() {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/traces");
        let mut seen = 0;
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.extension().is_none_or(|it| it != "jsonl") {
                continue;
            }
            let trace = Trace::from_json_lines(&fs::read_to_string(&path).unwrap()).unwrap();
            let records = trace.events.iter().filter(|event| matches!(event.what, What::Record { .. })).count();
            let rows = unpacked(&packed(&trace, &judged()).unwrap());
            let arrows: Vec<_> = rows.as_array().unwrap().iter().filter(|row| row["k"] == "record").collect();
            assert_eq!(arrows.len(), records, "{}", path.display());
            // The Record, its octets, and the frame or packet that carried it.
            assert!(arrows.iter().all(|row| row["x"].as_array().unwrap().len() >= 3), "{}", path.display());
            seen += records;
        }
        assert!(seen > 20);
    }

    fn events(trace: &mut Trace, whats: impl IntoIterator<Item = What>) {
        trace.events = (0..).zip(whats).map(|(seq, what)| Event { seq, at_us: seq, what }).collect();
    }

    fn trace() -> Trace {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/traces");
        Trace::from_json_lines(&fs::read_to_string(folder.join("request-path-without-dot.jsonl")).unwrap()).unwrap()
    }

    #[test]
    fn what_opens_a_session_shows_no_secret() {
        let mut trace = trace();
        let (connection, direction) = (1, Direction::Received);
        let frame = b"STOMP\naccept-version:1.2\npasscode:open sesame\n\n\0".to_vec();
        let fields = serde_json::json!({"headers": {"passcode": "open sesame"}});
        events(
            &mut trace,
            [
                What::Octets { connection, direction, bytes: frame },
                What::Packet { connection, direction, kind: "STOMP".to_owned(), fields, body: b"open sesame".to_vec() },
            ],
        );
        let rows = unpacked(&packed(&trace, &judged()).unwrap()).to_string();
        assert!(rows.contains("(secret)"), "{rows}");
        assert!(!rows.contains("sesame") && !rows.contains(&hex::encode("sesame")), "{rows}");
    }

    #[test]
    fn a_long_ladder_says_what_it_leaves_out() {
        let mut trace = trace();
        events(&mut trace, (0..1000).map(|number| What::Note { text: number.to_string() }));
        let shown = rows(&trace, &BTreeSet::from([500]));
        assert_eq!(shown.len(), MOST_ROWS + 2);
        assert!(shown.iter().any(|row| row.s == "… 599 rows left out: the Trace has them"));
        assert!(shown.iter().any(|row| row.n == 500), "what a finding points at stays");
    }
}
