//! Steps about the MTP and our Controllers, and the events of the MTP that are awaited.

use super::{
    broker,
    over::Over,
    pattern::{Subject, pattern},
};
use crate::{
    case::{
        CertificateKind, ControllerAction, Expected, FramePayload, MtpAction, MtpEvent, PacketKind, Refusal,
        Subprotocol,
    },
    diagnostic::{Mistake, Problems},
    raw::{
        mtp::{self as raw, EventWord, Fragment, MtpStep, MtpWord, Second, SecondWord},
        text::{Lapse, Octets},
    },
    sighting,
    yaml::Node,
};

/// The word for a subprotocol that is left out.
pub(super) const OMIT: &str = "omit";

/// The most octets that a control frame may have (RFC 6455 section 5.5): a longer Ping would break the protocol by itself.
const MAX_CONTROL: usize = 125;

/// An action of our side. `None` when it is wrong, which is reported.
pub(super) fn action(step: &MtpStep, node: &Node, over: &Over, problems: &mut Problems) -> Option<MtpAction> {
    let raw = match step {
        MtpStep::Word(MtpWord::Accept) => return Some(MtpAction::Accept),
        MtpStep::Word(MtpWord::SecondConnection) => return Some(MtpAction::SecondConnection),
        MtpStep::Word(MtpWord::Normal) => return Some(MtpAction::Normal),
        MtpStep::Action(action) => action.as_ref(),
    };
    if let Some(raw) = &raw.refuse {
        return refusal(raw, node.get("refuse")?, over, problems).map(MtpAction::Refuse);
    }
    if let Some(raw) = &raw.mqtt {
        return broker::mqtt(raw, node.get("mqtt")?, over, problems).map(MtpAction::Mqtt);
    }
    if let Some(raw) = &raw.stomp {
        return broker::stomp(raw, node.get("stomp")?, problems).map(MtpAction::Stomp);
    }
    if let Some(raw) = &raw.uds {
        return broker::uds(raw, node.get("uds")?, problems).map(MtpAction::Uds);
    }
    if let Some(ending) = raw.drop {
        return Some(MtpAction::Drop(ending));
    }
    if let Some(code) = raw.close {
        return Some(MtpAction::Close { code });
    }
    for (key, text) in [("ping", &raw.ping), ("pong", &raw.pong)] {
        if text.as_ref().is_some_and(|text| text.len() > MAX_CONTROL) {
            let mistake = Mistake::at(node.value_span(key), format!("a {key} holds at most {MAX_CONTROL} octets"));
            problems.add(mistake.help("write {frame: {opcode: …}} for what must not be sent"));
        }
    }
    if let Some(text) = &raw.ping {
        return Some(MtpAction::Ping(text.clone()));
    }
    if let Some(text) = &raw.pong {
        return Some(MtpAction::Pong(text.clone()));
    }
    if let Some(frame) = &raw.frame {
        return self::frame(frame, node.get("frame")?, problems);
    }
    if let Some(digits) = &raw.octets {
        return octets(digits).map(MtpAction::Octets);
    }
    if let Some(raw::Handshake { subprotocol, extension }) = &raw.handshake {
        let subprotocol = subprotocol.as_ref().map(|name| match name.as_str() {
            OMIT => Subprotocol::Omit,
            _ => Subprotocol::Named(name.clone()),
        });
        return Some(MtpAction::Handshake { subprotocol, extension: *extension });
    }
    match raw.fragment {
        Some(Fragment::Octets(size)) => return Some(MtpAction::Fragment(usize::try_from(size).ok())),
        Some(Fragment::Word(raw::NoneWord::None)) => return Some(MtpAction::Fragment(None)),
        None => {}
    }
    raw.delay.as_ref().and_then(Lapse::get).map(MtpAction::Delay)
}

/// How connection attempts are refused.
fn refusal(raw: &raw::Refuse, node: &Node, over: &Over, problems: &mut Problems) -> Option<Refusal> {
    if let Some(code) = raw.connack {
        broker::code_of_version(code, "this return code is", node.value_span("connack"), over, problems);
        return Some(Refusal::Connack(code));
    }
    if raw.hang_up == Some(false) {
        let mistake = Mistake::at(node.value_span("hang_up"), "`hang_up: false` refuses nothing");
        problems.add(mistake.help("write `hang_up: true`, or `mtp: accept` to take a refusal back"));
    }
    let status = raw.http_status.map(Refusal::HttpStatus);
    let error = || raw.error.clone().map(Refusal::Error);
    status.or_else(error).or_else(|| raw.hang_up.map(|_| Refusal::HangUp))
}

fn frame(raw: &raw::Frame, node: &Node, problems: &mut Problems) -> Option<MtpAction> {
    if raw.payload.is_some() && raw.octets.is_some() {
        problems.at(node.key_span("octets"), "`payload` and `octets` exclude each other");
    }
    let payload = match &raw.octets {
        Some(digits) => FramePayload::Octets(octets(digits)?),
        None => FramePayload::Text(raw.payload.clone().unwrap_or_default()),
    };
    Some(MtpAction::Frame { opcode: raw.opcode, fin: raw.fin.unwrap_or(true), payload })
}

/// Pairs of hex digits as octets; `None` when the text has not the form, which its shape has told already.
pub(super) fn octets(Octets(digits): &Octets) -> Option<Vec<u8>> {
    hex::decode(digits.split_whitespace().collect::<String>()).ok()
}

/// The second Controller, or a certificate.
pub(super) fn controller(
    raw: raw::Controller,
    node: &Node,
    over: &Over,
    problems: &mut Problems,
) -> Option<ControllerAction> {
    let action = match (raw.second, raw.certificate) {
        (Some(Second::Word(SecondWord::Start)), _) => Some(ControllerAction::StartSecond(CertificateKind::default())),
        (Some(Second::Start(raw::SecondStart { start })), _) => Some(ControllerAction::StartSecond(start.certificate)),
        (Some(Second::Word(SecondWord::Stop)), _) => Some(ControllerAction::StopSecond),
        (None, certificate) => certificate.map(ControllerAction::Certificate),
    };
    let kind = match action? {
        ControllerAction::StartSecond(kind) | ControllerAction::Certificate(kind) => Some(kind),
        ControllerAction::StopSecond => None,
    };
    if kind == Some(CertificateKind::None) {
        over.we_are_client("can show no certificate", node.span, problems);
    }
    action
}

/// An event of the MTP that is awaited, and what it shows.
pub(super) fn event(
    raw: &raw::MtpEvent,
    node: &Node,
    over: &Over,
    problems: &mut Problems,
) -> Option<(Expected, Subject)> {
    let (event, shown) = match raw {
        raw::MtpEvent::Word(EventWord::ConnectionAttempt) => (MtpEvent::ConnectionAttempt, sighting::ATTEMPT),
        raw::MtpEvent::Word(EventWord::Connected) => (MtpEvent::Connected, sighting::CONNECTED),
        raw::MtpEvent::Word(EventWord::Disconnected) => (MtpEvent::Disconnected, sighting::DISCONNECTED),
        raw::MtpEvent::Sent(sent) => {
            let kind = sent.packet.as_ref().map(|packet| PacketKind::named(&packet.0));
            let shown = kind.map_or(Some(sighting::FRAME), |kind| kind.map(PacketKind::shows))?;
            let matching = pattern(node, "where", Subject::Event(shown), problems).ok()?;
            let event = match (kind.flatten(), sent.frame) {
                (Some(kind), _) => MtpEvent::Packet { kind, matching },
                (None, Some(kind)) => MtpEvent::Frame { kind, matching },
                (None, None) => return None,
            };
            (event, shown)
        }
    };
    let key = if node.get("packet").is_some() { "packet" } else { "frame" };
    over.only(event.kinds(), node.value_span(key), problems);
    Some((Expected::Mtp(event), Subject::Event(shown)))
}
