//! The MTP section of a written profile, with every key that is used.

use super::text::{comment, put, quoted};
use crate::profile::{Broker, Mqtt, Mtp, Role, Stomp, Tls, Transport, Uds, WebSocket};

/// Where the keys of an MTP stand.
const INDENT: usize = 6;

pub(super) fn section(out: &mut String, mtp: &Mtp) {
    out.push_str("mtps:\n");
    put(out, format_args!("  - {}:", mtp.kind()));
    comment(out, INDENT, "The name in results.");
    key(out, "name", &mtp.name);
    match &mtp.transport {
        Transport::WebSocket(it) => web_socket(out, it),
        Transport::Mqtt(it) => mqtt(out, it),
        Transport::Stomp(it) => stomp(out, it),
        Transport::Uds(it) => uds(out, it),
    }
}

fn web_socket(out: &mut String, it: &WebSocket) {
    role(out, it.role);
    comment(
        out,
        INDENT,
        match it.role {
            Role::EutConnects => {
                "Where uspec listens; the device's Controller table has this port and a name of this computer."
            }
            Role::WeConnect => "Where the device listens.",
        },
    );
    key(out, "address", &it.address.to_string());
    comment(out, INDENT, "The path of the WebSocket's URL, the same on both sides.");
    key(out, "path", &it.path);
    tls(out, it.tls.as_ref());
}

fn mqtt(out: &mut String, it: &Mqtt) {
    comment(out, INDENT, "The version that the device speaks.");
    key(out, "version", it.version.name());
    broker(out, it.broker);
    key(out, "address", &it.address.to_string());
    comment(out, INDENT, "Where the device reaches uspec: Device.LocalAgent.Controller.{i}.MTP.{i}.MQTT.Topic.");
    key(out, "controller_topic", &it.controller_topic);
    if let Some(topic) = &it.agent_topic {
        comment(out, INDENT, "Where the device is reached before it has said so itself.");
        key(out, "agent_topic", topic);
    }
    credentials(out, it.broker, it.username.as_ref(), it.password.as_ref());
    tls(out, it.tls.as_ref());
}

fn stomp(out: &mut String, it: &Stomp) {
    broker(out, it.broker);
    key(out, "address", &it.address.to_string());
    comment(out, INDENT, "Where the device reaches uspec: Device.LocalAgent.Controller.{i}.MTP.{i}.STOMP.Destination.");
    key(out, "controller_destination", &it.controller_destination);
    if let Some(destination) = &it.agent_destination {
        comment(out, INDENT, "Where the device is reached before it has said so itself.");
        key(out, "agent_destination", destination);
    }
    credentials(out, it.broker, it.username.as_ref(), it.password.as_ref());
    if let Some(host) = &it.virtual_host {
        comment(out, INDENT, "The virtual host that the device names.");
        key(out, "virtual_host", host);
    }
    tls(out, it.tls.as_ref());
}

fn uds(out: &mut String, it: &Uds) {
    role(out, it.role);
    comment(
        out,
        INDENT,
        match it.role {
            Role::EutConnects => "The socket at which uspec listens.",
            Role::WeConnect => "The socket at which the device listens.",
        },
    );
    key(out, "path", &it.path.display().to_string());
}

fn role(out: &mut String, role: Role) {
    let (what, word) = match role {
        Role::EutConnects => ("The device connects, uspec listens.", "eut_connects"),
        Role::WeConnect => ("uspec connects, the device listens.", "we_connect"),
    };
    comment(out, INDENT, what);
    key(out, "role", word);
}

fn broker(out: &mut String, broker: Broker) {
    let (what, word) = match broker {
        Broker::BuiltIn => ("uspec is the broker, and listens here.", "built_in"),
        Broker::Beside => ("uspec joins the broker that is here already, as the device does.", "beside"),
    };
    comment(out, INDENT, what);
    key(out, "broker", word);
}

fn credentials(out: &mut String, broker: Broker, username: Option<&String>, password: Option<&String>) {
    let Some(username) = username else { return };
    let whose = match broker {
        Broker::BuiltIn => "What the device must give to the broker of uspec.",
        Broker::Beside => "What uspec gives to the broker.",
    };
    comment(out, INDENT, whose);
    key(out, "username", username);
    if let Some(password) = password {
        key(out, "password", password);
    }
}

fn tls(out: &mut String, tls: Option<&Tls>) {
    match tls {
        None => {}
        Some(Tls::Generate) => {
            comment(out, INDENT, "Everything is made in memory, for an EUT in the same process.");
            key(out, "tls", "generate");
        }
        Some(Tls::Files(files)) => {
            comment(out, INDENT, "Files are relative to this one. `uspec pki` writes such files.");
            put(out, format_args!("{:INDENT$}tls:", ""));
            let mut file = |name: &str, path: &std::path::Path| {
                put(out, format_args!("{:INDENT$}  {name}: {}", "", quoted(&path.display().to_string())));
            };
            if let Some((certificate, key)) = &files.identity {
                file("certificate", certificate);
                file("key", key);
            }
            if let Some(trust) = &files.trust {
                file("trust", trust);
            }
            if let Some((certificate, key)) = &files.authority {
                put(out, format_args!("{:INDENT$}  ca:", ""));
                for (name, path) in [("certificate", certificate), ("key", key)] {
                    put(out, format_args!("{:INDENT$}    {name}: {}", "", quoted(&path.display().to_string())));
                }
            }
        }
    }
}

fn key(out: &mut String, name: &str, value: &str) {
    put(out, format_args!("{:INDENT$}{name}: {}", "", quoted(value)));
}
