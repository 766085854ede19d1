//! The events of a Trace, one after the other, as packets with comments.

use std::collections::BTreeMap;

use serde_json::Value;
use uspec_testplan::{
    profile::{Broker, Role},
    trace::{ConnectionState, Direction, Event, Header, Phase, SECOND_CONTROLLER, StepOutcome, StepRef, Trace, What},
};

use super::{
    bound, comment,
    conversation::{Conversation, End},
    opening::{Openings, moment, start, we_called},
    packet::{Packet, Place},
};

/// How the note begins that the runner leaves where the log of octets is full.
pub(super) const FULL: &str = "from here on, octets are not kept";

/// The reason that the MTPs give for a session whose stream this end has broken.
const WE_BROKE_IT: &str = "this end broke the stream";

/// A capture in the making.
pub(super) struct Capture<'t> {
    trace: &'t Trace,
    before: &'t Openings,
    packets: Vec<Packet>,
    conversations: BTreeMap<u32, Conversation>,
    /// What is to be said of the next packet.
    pending: Vec<String>,
}

impl<'t> Capture<'t> {
    pub(super) fn new(trace: &'t Trace, before: &'t Openings) -> Self {
        Self { trace, before, packets: Vec::new(), conversations: BTreeMap::new(), pending: Vec::new() }
    }

    /// Takes in what happened next.
    pub(super) fn event(&mut self, event: &Event) {
        let at_us = moment(self.trace, event);
        match &event.what {
            What::Octets { connection, direction, bytes } => {
                if !bytes.is_empty() && self.conversations.get(connection).is_some_and(Conversation::has_ended) {
                    self.pending.push("In the Trace, these octets stand behind the end of their stream".to_owned());
                }
                self.on(*connection, at_us, |it, out| it.octets(out, at_us, *direction, bytes));
            }
            // That of number 0 is our end itself.
            What::Connection { connection, state, details } if *connection != 0 => self.changed(*connection, at_us, *state, details),
            What::Record { connection, decoded, .. } => {
                let said = record(decoded);
                self.at(*connection, said);
            }
            What::Packet { connection, kind, .. } => {
                // Wireshark knows those of MQTT.
                let mtp = self.trace.header.mtp_facts.as_ref().map_or("", |facts| facts.kind.as_str());
                let name = match mtp {
                    "stomp" => "STOMP frame",
                    "uds" => "frame of the UNIX domain socket",
                    _ => return,
                };
                self.at(*connection, comment(&format!("{name} {kind}")));
            }
            What::StepStarted { step, action } => {
                self.pending.push(comment(&format!("{} begins: {action}", name(step))));
            }
            What::StepEnded { step, outcome } => self.pending.extend(ended(step, outcome)),
            What::Eut { action, outcome, .. } => {
                self.pending.push(comment(&format!("the EUT was controlled: {action}: {outcome}")));
            }
            What::Note { text } if text.starts_with(FULL) => self.pending.push(
                "Octets are missing from here on: the Trace keeps no more of them. Its frames, packets and Records go on".to_owned(),
            ),
            What::Note { text } => self.pending.push(comment(&format!("note: {text}"))),
            What::Connection { .. } | What::Frame { .. } | What::Captured { .. } | What::CleanUp { .. } => {}
        }
    }

    /// Says something of an event that was taken in last.
    pub(super) fn about(&mut self, event: &Event, text: String) {
        match &event.what {
            What::Octets { connection, .. }
            | What::Record { connection, .. }
            | What::Packet { connection, .. }
            | What::Frame { connection, .. }
            | What::Connection { connection, .. } => self.at(*connection, text),
            _ => self.pending.push(text),
        }
    }

    /// The packets in the order of their times, and what is to be said when there is none.
    pub(super) fn finish(mut self) -> (Vec<Packet>, Vec<String>) {
        // What was repeated from before stands where it was met.
        self.packets.sort_by_key(|packet| packet.at_us);
        let mut left = std::mem::take(&mut self.pending);
        if let Some(last) = self.packets.last_mut() {
            last.comments.append(&mut left);
        }
        self.packets.iter_mut().map(|packet| &mut packet.comments).chain([&mut left]).for_each(bound);
        (self.packets, left)
    }

    fn changed(&mut self, connection: u32, at_us: u64, state: ConnectionState, details: &Value) {
        match state {
            ConnectionState::Attempt => {
                let called = we_called(details);
                self.conversations.insert(connection, conversation(&self.trace.header, connection, called));
                self.pending.push(comment(&attempt(connection, details)));
                let heard = called == Some(false);
                let call = |it: &mut Conversation, out: &mut Vec<Packet>| {
                    if heard { it.establish(out, at_us) } else { it.call(out, at_us) }
                };
                self.on(connection, at_us, call);
            }
            ConnectionState::Tls => {
                self.pending.extend(tls(details));
                self.on(connection, at_us, |it, out| it.establish(out, at_us));
            }
            ConnectionState::Handshake | ConnectionState::Open => {
                self.on(connection, at_us, |it, out| it.establish(out, at_us));
            }
            ConnectionState::Closed => self.closed(connection, at_us, details),
            ConnectionState::Failed => {
                let said = details.pointer("/failed/text").and_then(Value::as_str).unwrap_or("it failed");
                self.at(connection, comment(&format!("connection {connection}: {said}")));
                if details.pointer("/failed/kind").and_then(Value::as_str) == Some("connect_failed") {
                    let refused = said.to_ascii_lowercase().contains("refused");
                    let end = if refused { End::Refused } else { End::Unanswered };
                    self.on(connection, at_us, |it, out| it.end(out, at_us, end));
                }
            }
            ConnectionState::Oversized => {
                self.at(connection, "more was announced than the harness takes: the rest was not read".to_owned());
            }
            ConnectionState::Listening => {}
        }
    }

    /// The session above a stream has ended, or the stream itself.
    fn closed(&mut self, connection: u32, at_us: u64, details: &Value) {
        self.resume(connection, at_us);
        let Some(conversation) = self.conversations.get_mut(&connection) else { return };
        let text = |pointer: &str| details.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        if details.get("closed").is_some() {
            conversation.farewell = Some((text("/closed/by").to_owned(), text("/closed/reason").to_owned()));
        }
        if details.get("stream_ended").is_none() || conversation.has_ended() {
            return;
        }
        let (by, why) = conversation.farewell.clone().unwrap_or_default();
        let (end, said) = match text("/stream_ended/by") {
            "us" if by == "us" && why == WE_BROKE_IT => (End::Reset, "the harness broke the stream here".to_owned()),
            "us" => (End::By(Direction::Sent), ended_by("the harness", "the other side")),
            "peer" => (End::By(Direction::Received), ended_by("the other side", "the harness")),
            _ => (End::Broken, broken(&why)),
        };
        self.on(connection, at_us, |it, out| it.end(out, at_us, end));
        self.at(connection, said);
    }

    /// Does something with a connection; what is pending is said of the first packet of it.
    fn on(&mut self, connection: u32, at_us: u64, act: impl FnOnce(&mut Conversation, &mut Vec<Packet>)) {
        self.resume(connection, at_us);
        let from = self.packets.len();
        if let Some(conversation) = self.conversations.get_mut(&connection) {
            act(conversation, &mut self.packets);
        }
        if let Some(first) = self.packets.get_mut(from) {
            first.comments.append(&mut self.pending);
        }
    }

    /// Says something of the last packet of a connection.
    fn at(&mut self, connection: u32, text: String) {
        let last = self.conversations.get(&connection).and_then(|it| it.last);
        match last.and_then(|last| self.packets.get_mut(last)) {
            Some(packet) => packet.comments.push(text),
            None => self.pending.push(text),
        }
    }

    /// A connection that began before this Trace is opened as it was then.
    fn resume(&mut self, connection: u32, at_us: u64) {
        if self.conversations.contains_key(&connection) {
            return;
        }
        let opening = self.before.of(connection);
        let called = opening.and_then(|opening| opening.we_called);
        let mut conversation = conversation(&self.trace.header, connection, called);
        let from = self.packets.len();
        let said = match opening {
            None => {
                conversation.establish(&mut self.packets, at_us);
                vec![format!(
                    "Connection {connection} began before this case, and its opening is not known here: no octet before this is shown"
                )]
            }
            Some(opening) => {
                let at_us = opening.at_us.min(start(self.trace));
                conversation.establish(&mut self.packets, at_us);
                for (way, octets) in &opening.octets {
                    conversation.octets(&mut self.packets, at_us, *way, octets);
                }
                let repeated = format!(
                    "Connection {connection} began before this case: its opening is repeated here from the Trace of {}. What crossed it between \
                     that and this case stands in the captures of the cases before",
                    opening.case
                );
                [repeated].into_iter().chain(opening.comments.iter().cloned()).collect()
            }
        };
        if let Some(first) = self.packets.get_mut(from) {
            first.comments.extend(said.iter().map(|text| comment(text)));
        }
        self.conversations.insert(connection, conversation);
    }
}

/// What TLS came to, in words.
pub(super) fn tls(details: &Value) -> Option<String> {
    let text = |pointer: &str| details.pointer(pointer).and_then(Value::as_str);
    if let Some(version) = text("/tls_established/version") {
        let cipher = text("/tls_established/cipher_suite").unwrap_or("an unknown cipher suite");
        return Some(comment(&format!("TLS was in place here ({version}, {cipher}): these are the octets inside it")));
    }
    details.get("tls_failed").map(|failed| comment(&format!("TLS failed here: {failed}")))
}

/// Where the two sides of a connection are put.
fn conversation(header: &Header, connection: u32, we_called: Option<bool>) -> Conversation {
    const HARNESS: [u8; 4] = [192, 0, 2, 1];
    const EUT: [u8; 4] = [192, 0, 2, 2];
    const SECOND: [u8; 4] = [192, 0, 2, 3];
    const BROKER: [u8; 4] = [192, 0, 2, 4];
    let facts = header.mtp_facts.as_ref();
    let beside = facts.is_some_and(|facts| facts.broker == Some(Broker::Beside));
    let by_role = beside || facts.is_some_and(|facts| facts.role == Some(Role::WeConnect));
    let we_called = we_called.unwrap_or(by_role);
    let listens = port(facts.map_or("", |facts| facts.kind.as_str()));
    // 50000 and the number, as far as ports reach.
    let calls = u16::try_from(50_000 + connection % 15_000).unwrap_or(u16::MAX);
    let (ours, theirs) = if we_called { (calls, listens) } else { (listens, calls) };
    let us = Place { address: if connection >= SECOND_CONTROLLER { SECOND } else { HARNESS }, port: ours };
    let peer = Place { address: if beside { BROKER } else { EUT }, port: theirs };
    Conversation::new(us, peer, we_called)
}

/// The port by which tools know the protocol.
fn port(kind: &str) -> u16 {
    match kind {
        "websocket" => 80,
        "mqtt" => 1883,
        "stomp" => 61613,
        // A UNIX domain socket has none, and no tool knows its frames.
        _ => 5369,
    }
}

fn attempt(connection: u32, details: &Value) -> String {
    let peer = details.pointer("/attempt/peer").and_then(Value::as_str).unwrap_or("unknown");
    match we_called(details) {
        Some(true) => format!("Connection {connection}: the harness connects; the other side is {peer}"),
        _ => format!("Connection {connection}: the other side connects, and is {peer}"),
    }
}

fn ended_by(one: &str, other: &str) -> String {
    format!("{one} ended the stream here. How {other} ended its half is not in the Trace, and so it is not drawn")
}

fn broken(why: &str) -> String {
    let why = if why.is_empty() { String::new() } else { format!(" ({why})") };
    comment(&format!(
        "the stream broke here{why}: a reset, a time-out, or TLS that ended without notice. The Trace does not know by which packet, and so none \
         is drawn"
    ))
}

/// What a Record carries, in words.
fn record(decoded: &Value) -> String {
    let text = |pointer: &str| decoded.pointer(pointer).and_then(Value::as_str);
    if let Some(kind) = text("/message/header/msg_type") {
        return comment(&format!("USP {kind} {}", text("/message/header/msg_id").unwrap_or_default()));
    }
    let fields = decoded.get("record").and_then(Value::as_object);
    let kind = fields.and_then(|fields| fields.keys().find(|key| key.contains("connect")));
    comment(&format!("USP Record {}", kind.map_or("without a Message that can be decoded", String::as_str)))
}

fn name(step: &StepRef) -> String {
    let phase = match step.phase {
        Phase::BringUp => "bring-up",
        Phase::Setup => "setup",
        Phase::Procedure => "procedure",
        Phase::CleanUp => "clean-up",
    };
    let label = step.label.as_ref().map(|label| format!(" `{label}`")).unwrap_or_default();
    format!("{phase} step {}{label}", step.index.saturating_add(1))
}

/// How a step ended, when that is worth a word.
fn ended(step: &StepRef, outcome: &StepOutcome) -> Option<String> {
    let how = match outcome {
        StepOutcome::Done { .. } => return None,
        StepOutcome::TimedOut { waited_ms } => format!("nothing came within {waited_ms} ms"),
        StepOutcome::NotReached { reason } => format!("not reached: {reason}"),
        StepOutcome::Fault { causes } => format!("the harness failed: {}", causes.join(": ")),
    };
    Some(comment(&format!("{}: {how}", name(step))))
}
