//! What a step does with our side of the MTP, in words.

use uspec_testplan::case::{
    Change, ConnackChanges, ConnectedChanges, Ending, Extension, FramePayload, HandshakeChange, MessageChanges,
    MqttAction, MtpAction, PublishChanges, Refusal, StompAction, Subprotocol, TlvPayload, UdsAction,
};

use super::{actions::lapse, variables::shown};

/// What is done.
pub(super) fn action(action: &MtpAction) -> String {
    match action {
        MtpAction::Refuse(refusal) => refuse(refusal),
        MtpAction::Accept => "from now on connections are accepted again".to_owned(),
        MtpAction::Drop(Ending::Reset) => "breaks the stream by a reset".to_owned(),
        MtpAction::Drop(Ending::Close) => "ends the stream in order, without a word of the MTP".to_owned(),
        MtpAction::Close { code } => format!("sends a Close frame with the code {code}"),
        MtpAction::Ping(text) => format!("sends a Ping frame with `{}`", shown(text)),
        MtpAction::Pong(text) => format!("sends a Pong frame with `{}`", shown(text)),
        MtpAction::Frame { opcode, fin, payload } => {
            let payload = match payload {
                FramePayload::Text(text) => format!("`{}`", shown(text)),
                FramePayload::Octets(octets) => format!("{} octets", octets.len()),
            };
            let end = if *fin { "" } else { ", which does not end its message" };
            format!("sends a {} frame with {payload}{end}", opcode.name())
        }
        MtpAction::Octets(octets) => format!("sends {} octets on the stream, in place of a frame", octets.len()),
        MtpAction::Handshake { subprotocol, extension } => handshake(subprotocol.as_ref(), *extension),
        MtpAction::Fragment(Some(size)) => format!("from now on our Records go in fragments of {size} octets"),
        MtpAction::Fragment(None) => "from now on our Records go whole again".to_owned(),
        MtpAction::Delay(by) => format!("from now on everything of ours goes out {} later", lapse(by)),
        MtpAction::SecondConnection => "opens one more connection to the EUT, as the same Controller".to_owned(),
        MtpAction::Normal => "takes back what was changed on our side".to_owned(),
        MtpAction::Mqtt(action) => mqtt(action),
        MtpAction::Stomp(action) => stomp(action),
        MtpAction::Uds(action) => uds(action),
    }
}

fn refuse(refusal: &Refusal) -> String {
    let how = match refusal {
        Refusal::HttpStatus(status) => format!("refused with HTTP {status}"),
        Refusal::Connack(code) => format!("refused by a CONNACK with the code {code}"),
        Refusal::Error(text) => format!("refused by an ERROR frame with `{}`", shown(text)),
        Refusal::HangUp => "ended without an answer".to_owned(),
    };
    format!("from now on connections are {how}")
}

fn handshake(subprotocol: Option<&Subprotocol>, extension: Option<Extension>) -> String {
    let subprotocol = subprotocol.map(|it| match it {
        Subprotocol::Omit => "without a subprotocol".to_owned(),
        Subprotocol::Named(name) => format!("with the subprotocol `{name}`"),
    });
    let extension = extension.map(|it| match it {
        Extension::Omit => "without the extension header".to_owned(),
        Extension::Send => "with the extension header".to_owned(),
    });
    let how: Vec<_> = subprotocol.into_iter().chain(extension).collect();
    format!(
        "from now on our handshakes are {}",
        if how.is_empty() { "as they should be".to_owned() } else { how.join(" and ") }
    )
}

fn mqtt(action: &MqttAction) -> String {
    match action {
        MqttAction::Connack(changes) => {
            let ConnackChanges {
                session_present,
                assigned_client_id,
                server_keep_alive,
                response_information,
                subscribe_topics,
                user_properties,
            } = changes;
            let mut says = Vec::new();
            says.extend(session_present.map(|it| format!("Session Present {}", u8::from(it))));
            says.extend(assigned_client_id.as_ref().map(|it| format!("Assigned Client Identifier {}", shown(it))));
            says.extend(server_keep_alive.map(|it| format!("Server Keep Alive {it} s")));
            says.extend(response_information.as_ref().map(|it| format!("Response Information {}", shown(it))));
            says.extend(subscribe_topics.iter().map(|it| format!("subscribe-topic {}", shown(it))));
            says.extend(user_properties.iter().map(|(name, value)| format!("{} {}", shown(name), shown(value))));
            format!("from now on CONNACK says {}", list(&says))
        }
        MqttAction::Suback(code) => format!("from now on SUBACK answers each filter with the code {code}"),
        MqttAction::Withhold(packets) => {
            let names: Vec<_> = packets.iter().map(|it| it.name().to_owned()).collect();
            format!("from now on our broker sends no {}", names.join(" and no "))
        }
        MqttAction::Publish(PublishChanges { topic, content_type, response_topic, qos, retain }) => {
            let mut how = Vec::new();
            how.extend(topic.as_ref().map(|it| format!("to the topic {}", shown(it))));
            how.extend(content_type.as_ref().map(|it| change("Content Type", it)));
            how.extend(response_topic.as_ref().map(|it| change("Response Topic", it)));
            how.extend(qos.map(|it| format!("with QoS {it}")));
            how.extend(retain.map(|it| if it { "retained" } else { "not retained" }.to_owned()));
            format!("from now on our Records are published {}", list(&how))
        }
        MqttAction::Disconnect(code) => {
            format!("ends the EUT's connection, over MQTT 5.0 with a DISCONNECT of the code {code}")
        }
    }
}

fn stomp(action: &StompAction) -> String {
    match action {
        StompAction::Connected(ConnectedChanges { subscribe_dest, heart_beat, version, headers }) => {
            let mut says = Vec::new();
            says.extend(subscribe_dest.as_ref().map(|it| format!("subscribe-dest {}", shown(it))));
            says.extend(heart_beat.map(|(ours, theirs)| format!("heart-beat {ours},{theirs}")));
            says.extend(version.as_ref().map(|it| format!("version {it}")));
            says.extend(headers.iter().map(|(name, value)| format!("{} {}", shown(name), shown(value))));
            format!("from now on CONNECTED says {}", list(&says))
        }
        StompAction::Message(MessageChanges { destination, content_type, reply_to, headers }) => {
            let mut how = Vec::new();
            how.extend(destination.as_ref().map(|it| format!("to {}", shown(it))));
            how.extend(content_type.as_ref().map(|it| change("content-type", it)));
            how.extend(reply_to.as_ref().map(|it| change("reply-to-dest", it)));
            how.extend(headers.iter().map(|(name, value)| format!("with {} {}", shown(name), shown(value))));
            format!("from now on our Records are delivered {}", list(&how))
        }
        StompAction::Error(text) => format!("sends an ERROR frame with `{}`, and ends the connection", shown(text)),
        StompAction::WithholdReceipts => "from now on our broker sends no RECEIPT".to_owned(),
        StompAction::WithholdBeats => "from now on our broker sends no heart-beat".to_owned(),
    }
}

fn uds(action: &UdsAction) -> String {
    match action {
        UdsAction::Handshake(HandshakeChange::Withhold) => "from now on our Handshake never comes".to_owned(),
        UdsAction::Handshake(HandshakeChange::Other(id)) => {
            format!("from now on our Handshake names the Endpoint ID {}", shown(id))
        }
        UdsAction::Error(text) => format!("sends an Error frame with `{}`, and ends the connection", shown(text)),
        UdsAction::Frame(tlvs) => {
            let tlvs = tlvs.iter().map(|(kind, payload)| match payload {
                TlvPayload::Text(text) if text.is_empty() => format!("type {kind} without a value"),
                TlvPayload::Text(text) => format!("type {kind} with `{}`", shown(text)),
                TlvPayload::Octets(octets) => format!("type {kind} with {} octets", octets.len()),
            });
            format!("sends a frame with {}", list(&tlvs.collect::<Vec<_>>()))
        }
        UdsAction::IgnoreErrors => "from now on an Error of the EUT does not make us end the connection".to_owned(),
    }
}

fn change(name: &str, change: &Change) -> String {
    match change {
        Change::Omit => format!("without {name}"),
        Change::Set(value) => format!("with {name} {}", shown(value)),
    }
}

fn list(items: &[String]) -> String {
    if items.is_empty() { "as it should be".to_owned() } else { items.join(", ") }
}
