//! Steps in words, for the Trace's readers.

use crate::control;
use uspec_testplan::{
    case::{
        Action, Answer, ControllerAction, Ending, Expected, Extension, Lapse, MtpAction, MtpEvent, Party, RecordEvent,
        Refusal, Step, Subprotocol,
    },
    trace::{Phase, StepRef},
};

/// What a step does. The first word is its key in the test case.
pub(super) fn action(step: &Step) -> String {
    let what = what(&step.action);
    match step.by {
        Party::First => what,
        Party::Second => format!("{what}, by the second Controller"),
    }
}

fn what(action: &Action) -> String {
    match action {
        Action::Request { kind, .. } => format!("request {kind}"),
        Action::Send(send) => match (&send.bytes, &send.message) {
            (Some(bytes), _) => format!("send {} bytes", bytes.len()),
            (None, Some((kind, _))) => format!("send a Record with {kind}"),
            (None, None) => "send a Record".to_owned(),
        },
        Action::Await { what, answer: Answer::Normal } => format!("await {}", expected(what)),
        Action::Await { what, answer: Answer::Withhold } => format!("await {}, answer withheld", expected(what)),
        Action::Absent { what, .. } => format!("absent {}", expected(what)),
        Action::Wait(lapse) => format!("wait {}", time(lapse)),
        Action::Eut(action) => format!("eut {}", control::name(*action)),
        Action::Mtp(action) => format!("mtp {}", mtp(action)),
        Action::Controller(action) => format!("controller {}", controller(*action)),
    }
}

fn mtp(action: &MtpAction) -> String {
    match action {
        MtpAction::Refuse(Refusal::HttpStatus(status)) => format!("refuse connections with HTTP {status}"),
        MtpAction::Refuse(Refusal::Connack(code)) => format!("refuse connections with CONNACK {code}"),
        MtpAction::Refuse(Refusal::Error(_)) => "refuse connections with an ERROR frame".to_owned(),
        MtpAction::Refuse(Refusal::HangUp) => "refuse connections without a word".to_owned(),
        MtpAction::Accept => "accept connections".to_owned(),
        MtpAction::Drop(Ending::Reset) => "drop the connection by a reset".to_owned(),
        MtpAction::Drop(Ending::Close) => "drop the connection without a Close frame".to_owned(),
        MtpAction::Close { code } => format!("close with {code}"),
        MtpAction::Ping(_) => "ping".to_owned(),
        MtpAction::Pong(_) => "pong".to_owned(),
        MtpAction::Frame { opcode, fin, .. } => {
            format!("{} frame{}", opcode.name(), if *fin { "" } else { " that does not end its message" })
        }
        MtpAction::Octets(octets) => format!("{} octets", octets.len()),
        MtpAction::Handshake { subprotocol, extension } => {
            let subprotocol = match subprotocol {
                None => "as usual",
                Some(Subprotocol::Omit) => "left out",
                Some(Subprotocol::Named(name)) => name,
            };
            let extension = match extension {
                None => "as usual",
                Some(Extension::Omit) => "left out",
                Some(Extension::Send) => "sent",
            };
            format!("handshake with subprotocol {subprotocol}, extension {extension}")
        }
        MtpAction::Fragment(Some(size)) => format!("fragment into {size} octets"),
        MtpAction::Fragment(None) => "fragment no more".to_owned(),
        MtpAction::Delay(lapse) => format!("delay by {}", time(lapse)),
        MtpAction::SecondConnection => "second connection".to_owned(),
        MtpAction::Normal => "normal".to_owned(),
        MtpAction::Mqtt(_) => "of MQTT".to_owned(),
        MtpAction::Stomp(_) => "of STOMP".to_owned(),
        MtpAction::Uds(_) => "of UNIX domain sockets".to_owned(),
    }
}

fn controller(action: ControllerAction) -> String {
    match action {
        ControllerAction::StartSecond(kind) => format!("second: start, certificate {}", kind.name()),
        ControllerAction::StopSecond => "second: stop".to_owned(),
        ControllerAction::Certificate(kind) => format!("certificate {}", kind.name()),
    }
}

fn time(lapse: &Lapse) -> String {
    match lapse {
        Lapse::Fixed(duration) => format!("{duration:?}"),
        Lapse::Template(template) => template.clone(),
    }
}

/// Which step, as the test case's reader finds it.
pub(super) fn place(step: &StepRef) -> String {
    let phase = match step.phase {
        Phase::BringUp => "bring-up",
        Phase::Setup => "setup",
        Phase::Procedure => "procedure",
        Phase::CleanUp => "cleanup",
    };
    let nth = step.index.saturating_add(1);
    match &step.label {
        Some(label) => format!("`{label}` ({phase} {nth})"),
        None => format!("{phase} {nth}"),
    }
}

fn expected(what: &Expected) -> String {
    match what {
        Expected::ResponseTo(label) => format!("an answer to `{label}`"),
        Expected::Notify { subscription_id: Some(id), .. } => format!("a Notify of subscription {id}"),
        Expected::Notify { subscription_id: None, .. } => "a Notify".to_owned(),
        Expected::Connected => "the EUT's connection".to_owned(),
        Expected::Disconnected => "the end of the EUT's connection".to_owned(),
        Expected::Mtp(MtpEvent::ConnectionAttempt) => "a connection attempt".to_owned(),
        Expected::Mtp(MtpEvent::Connected) => "a connection".to_owned(),
        Expected::Mtp(MtpEvent::Disconnected) => "the end of a connection".to_owned(),
        Expected::Mtp(MtpEvent::Frame { kind, .. }) => format!("a {} frame", kind.name()),
        Expected::Mtp(MtpEvent::Packet { kind, .. }) => format!("a {}", kind.name()),
        Expected::Record(RecordEvent { kind, .. }) => format!("a Record with {}", kind.field()),
    }
}
