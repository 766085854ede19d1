//! Steps in words.

use std::fmt::Write as _;
use uspec_testplan::case::{
    Action, Answer, CertificateKind, ControllerAction, EutAction, Expected, Lapse, MtpCondition, MtpEvent, Needs,
    Party, RecordEvent, Send, Step,
};
use uspec_usp::schema::MessageKind;

use super::{body, conditions, mtps, variables::shown};
use crate::campaign::needs;

/// What a step does.
pub(super) fn step(step: &Step) -> String {
    let mut text = match &step.label {
        Some(label) => format!("`{label}`: {}", action(&step.action)),
        None => capital(&action(&step.action)),
    };
    if step.by == Party::Second {
        text.push_str(", by our second Controller");
    }
    if let Some(when) = &step.when {
        let _ = write!(text, ", only {}", condition(when));
    }
    if let Some(within) = &step.within {
        let _ = write!(text, ", within {}", lapse(within));
    }
    if let Some(matching) = &step.matching {
        let _ = write!(text, "; the answer must have {}", conditions::sentence(matching.source()));
    }
    if !step.capture.is_empty() {
        let names: Vec<_> = step.capture.iter().map(|capture| format!("<{}>", capture.name)).collect();
        let _ = write!(text, "; keeps {}", names.join(", "));
    }
    text
}

/// What is awaited, in words.
pub(super) fn expected(what: &Expected) -> String {
    let with = |matching: &Option<uspec_testplan::pattern::Pattern>| {
        matching.as_ref().map(|it| format!(" with {}", conditions::sentence(it.source()))).unwrap_or_default()
    };
    match what {
        Expected::ResponseTo(label) => format!("an answer to `{label}`"),
        Expected::Notify { subscription_id, matching } => {
            let of = subscription_id.as_ref().map(|id| format!(" of the Subscription {}", shown(id)));
            format!("a Notify{}{}", of.unwrap_or_default(), with(matching))
        }
        Expected::Connected => "the EUT to be connected".to_owned(),
        Expected::Disconnected => "the end of the EUT's connection".to_owned(),
        Expected::Mtp(MtpEvent::ConnectionAttempt) => "the EUT to try to connect".to_owned(),
        Expected::Mtp(MtpEvent::Connected) => "a new connection of the EUT".to_owned(),
        Expected::Mtp(MtpEvent::Disconnected) => "the end of a connection of the EUT".to_owned(),
        Expected::Mtp(MtpEvent::Frame { kind, matching }) => {
            format!("{} frame of the EUT{}", article(kind.name()), with(matching))
        }
        Expected::Mtp(MtpEvent::Packet { kind, matching }) => {
            format!("{} packet of the EUT{}", article(kind.name()), with(matching))
        }
        Expected::Record(RecordEvent { kind, matching }) => {
            format!("a Record of the EUT with {}{}", kind.field(), with(matching))
        }
    }
}

fn action(action: &Action) -> String {
    match action {
        Action::Request { kind, body } => request(*kind, body),
        Action::Send(send) => sent(send),
        Action::Await { what, answer } => {
            let answer = if *answer == Answer::Withhold { ", and does not answer it" } else { "" };
            format!("waits for {}{answer}", expected(what))
        }
        Action::Absent { what, lasting } => {
            let lasting = lasting.as_ref().map_or_else(|| "the profile's time of silence".to_owned(), lapse);
            format!("watches for {lasting} that this does not come: {}", expected(what))
        }
        Action::Wait(lasting) => format!("waits {}", lapse(lasting)),
        Action::Eut(action) => eut(*action).to_owned(),
        Action::Mtp(action) => mtps::action(action),
        Action::Controller(action) => controller(*action),
    }
}

fn request(kind: MessageKind, body: &serde_json::Value) -> String {
    let said = body::short(kind, body);
    if said.is_empty() { format!("sends {kind}") } else { format!("sends {kind}: {said}") }
}

fn sent(send: &Send) -> String {
    if let Some(bytes) = &send.bytes {
        return format!("sends {} octets that are no right Record", bytes.len());
    }
    let mut text = match &send.message {
        Some((kind, body)) => format!("{}, and awaits nothing", request(*kind, body)),
        None => "sends a Record without a Message".to_owned(),
    };
    if !send.record.is_empty() {
        let fields = send.record.iter().map(|(name, value)| format!("{name} {}", body::value(value)));
        let _ = write!(text, "; in the Record, {}", fields.collect::<Vec<_>>().join(", "));
    }
    if let Some(cut) = send.truncate {
        let _ = write!(text, "; the last {cut} octets are cut off");
    }
    text
}

const fn eut(action: EutAction) -> &'static str {
    match action {
        EutAction::Reboot => "restarts the EUT",
        EutAction::PowerCycle => "takes the EUT's power away and gives it back",
        EutAction::FactoryReset => "puts the EUT back to its factory settings",
        EutAction::Start => "starts the EUT",
        EutAction::Stop => "stops the EUT",
    }
}

fn controller(action: ControllerAction) -> String {
    let like = |kind: CertificateKind| match kind {
        CertificateKind::Trusted => "the right certificate",
        CertificateKind::SelfSigned => "a certificate that is signed by itself",
        CertificateKind::Untrusted => "a certificate from an authority that the EUT does not know",
        CertificateKind::Expired => "a certificate that has expired",
        CertificateKind::NotYetValid => "a certificate that is not valid yet",
        CertificateKind::WrongName => "a certificate for another Endpoint ID",
        CertificateKind::WrongHost => "a certificate for another Endpoint ID and another host",
        CertificateKind::None => "no certificate",
        CertificateKind::Alternate => "a new certificate that is signed by itself",
    };
    match action {
        ControllerAction::StartSecond(kind) => {
            format!("our second Controller begins; over TLS it shows {}", like(kind))
        }
        ControllerAction::StopSecond => "our second Controller ends".to_owned(),
        ControllerAction::Certificate(kind) => format!("from now on our Controller shows {}", like(kind)),
    }
}

/// A length of time.
pub(super) fn lapse(lapse: &Lapse) -> String {
    match lapse {
        Lapse::Fixed(duration) => match duration.as_secs() {
            _ if duration.subsec_nanos() != 0 => format!("{} s", duration.as_secs_f64()),
            seconds if seconds >= 120 && seconds % 60 == 0 => format!("{} minutes", seconds / 60),
            seconds => format!("{seconds} s"),
        },
        Lapse::Template(template) => shown(template),
    }
}

fn condition(when: &MtpCondition) -> String {
    let over = (!when.kinds.is_empty()).then(|| format!("over the {} MTP", when.kinds.join(" or ")));
    let rest = MtpCondition { kinds: Vec::new(), ..when.clone() };
    let rest = needs(&Needs { over: rest, ..Needs::default() });
    let rest = (!rest.is_empty()).then(|| format!("where this holds: {}", rest.join(", ")));
    over.into_iter().chain(rest).collect::<Vec<_>>().join(" ")
}

/// A name with its article.
pub(super) fn article(name: &str) -> String {
    let vowel = name.starts_with(['A', 'E', 'I', 'O', 'U', 'a', 'e', 'i', 'o', 'u']);
    format!("{} {name}", if vowel { "an" } else { "a" })
}

/// With a capital letter.
pub(super) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
