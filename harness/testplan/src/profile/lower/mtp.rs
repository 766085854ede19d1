//! The MTPs of a profile: each is read key by key, so that a problem of one does not hide those of the others.

use std::collections::BTreeSet;

use super::Context;
use crate::{
    diagnostic::Mistake,
    profile::{
        Address, Broker, Mqtt, MqttVersion, Mtp, Role, Stomp, Tls, TlsFiles, Transport, Uds, WebSocket,
        raw::{self, AddressText, GenerateWord},
    },
    yaml::Node,
};

/// How many octets a socket's path may have: `sun_path` of Linux has 108, the last of which is zero.
const MAX_SOCKET_PATH: usize = 107;

/// What an MQTT 3.1.1 client puts between topic and reply topic (R-MQTT.24).
const REPLY_TO: &str = "/reply-to=";

/// Reads the entry of one kind of MTP.
type Reader<'c, 'a> = fn(&mut Context<'c>, &'a Node) -> Option<Transport>;

impl Context<'_> {
    /// Every MTP that can be read. Two have never the same name.
    pub(super) fn mtps(&mut self, tree: &Node) -> Vec<Mtp> {
        let nodes = tree.get("mtps").map(Node::items).unwrap_or_default();
        let mut names = BTreeSet::new();
        let mut mtps = Vec::new();
        for node in nodes {
            let readers: [(&str, Reader<'_, '_>); 4] =
                [("websocket", Self::websocket), ("mqtt", Self::mqtt), ("stomp", Self::stomp), ("uds", Self::uds)];
            let found = readers.into_iter().find_map(|(key, read)| Some((key, read, node.get(key)?)));
            let Some((key, read, node)) = found else { continue };
            let transport = read(self, node);
            let given = node.get("name").and_then(Node::text).map(str::to_owned);
            let name = given.or_else(|| default_name(key, transport.as_ref()));
            if let Some(name) = name.as_ref().filter(|name| !names.insert((*name).clone())) {
                let mistake = Mistake::at(node.value_span("name"), format!("a second MTP has the name `{name}`"));
                self.problems.add(mistake.help("results are told apart by it: give each a `name` of its own"));
            }
            mtps.extend(name.zip(transport).map(|(name, transport)| Mtp { name, transport }));
        }
        mtps
    }

    fn websocket(&mut self, node: &Node) -> Option<Transport> {
        let role: Option<Role> = node.read_key("role");
        let address = self.address(node, role == Some(Role::WeConnect));
        let path = node.get("path").and_then(Node::text).unwrap_or("/");
        if !path.starts_with('/') {
            let mistake = Mistake::at(node.value_span("path"), "the path begins with `/`");
            self.problems.add(mistake.help(format!("write /{path}")));
        }
        let tls = self.tls(node, role != Some(Role::WeConnect));
        Some(Transport::WebSocket(WebSocket { role: role?, address: address?, path: path.to_owned(), tls }))
    }

    fn mqtt(&mut self, node: &Node) -> Option<Transport> {
        let version: Option<MqttVersion> = node.read_key("version");
        let broker = node.read_key("broker").unwrap_or_default();
        let address = self.address(node, broker == Broker::Beside);
        let controller_topic = self.topic(node, "controller_topic");
        let agent_topic = self.topic(node, "agent_topic");
        self.apart(node, ["controller_topic", "agent_topic"]);
        let (username, password) = self.credentials(node);
        let tls = self.tls(node, broker == Broker::BuiltIn);
        Some(Transport::Mqtt(Mqtt {
            version: version?,
            broker,
            address: address?,
            controller_topic: controller_topic?,
            agent_topic,
            username,
            password,
            tls,
        }))
    }

    fn stomp(&mut self, node: &Node) -> Option<Transport> {
        let broker = node.read_key("broker").unwrap_or_default();
        let address = self.address(node, broker == Broker::Beside);
        self.apart(node, ["controller_destination", "agent_destination"]);
        let (username, password) = self.credentials(node);
        let tls = self.tls(node, broker == Broker::BuiltIn);
        Some(Transport::Stomp(Stomp {
            broker,
            address: address?,
            controller_destination: text(node, "controller_destination")?,
            agent_destination: text(node, "agent_destination"),
            username,
            password,
            virtual_host: text(node, "virtual_host"),
            tls,
        }))
    }

    fn uds(&mut self, node: &Node) -> Option<Transport> {
        let role: Option<Role> = node.read_key("role");
        let path = self.folder.join(text(node, "path")?);
        let length = path.as_os_str().len();
        if length > MAX_SOCKET_PATH {
            let message = format!("a socket's path has at most {MAX_SOCKET_PATH} octets, this one has {length}");
            self.problems.at(node.value_span("path"), message);
        }
        Some(Transport::Uds(Uds { role: role?, path }))
    }

    /// A host and a port. When we are the ones who connect there, any port will not do.
    fn address(&mut self, node: &Node, we_connect: bool) -> Option<Address> {
        let AddressText(text) = node.read_key("address")?;
        let at = node.value_span("address");
        let (host, port) = text.rsplit_once(':')?;
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        if !port.chars().all(|it| it.is_ascii_digit()) {
            return None;
        }
        let Ok(port) = port.parse() else {
            self.problems.at(at, "the port is at most 65535");
            return None;
        };
        if port == 0 && we_connect {
            let message = if node.get("role").is_some() {
                "the device's port cannot be 0"
            } else {
                "the port of a broker beside us cannot be 0"
            };
            self.problems.at(at, message);
        }
        Some(Address { host: host.to_owned(), port })
    }

    /// A topic to which is published: one place, not a filter.
    fn topic(&mut self, node: &Node, key: &str) -> Option<String> {
        let topic = text(node, key)?;
        let at = node.value_span(key);
        if topic.contains(['+', '#']) {
            let mistake = Mistake::at(at, format!("`{key}` has a wildcard"));
            self.problems.add(mistake.help("it is one topic at which an Endpoint is reached, without `+` and `#`"));
        }
        if topic.contains(REPLY_TO) {
            let mistake = Mistake::at(at, format!("`{key}` holds `{REPLY_TO}`"));
            self.problems.add(mistake.help("in MQTT 3.1.1 what follows it is the topic of the answer (R-MQTT.24)"));
        }
        Some(topic)
    }

    /// Both Endpoints must be told apart by where they are reached, and below the Controller's place everything is for it.
    fn apart(&mut self, node: &Node, [controller, agent]: [&str; 2]) {
        let (Some(ours), Some(theirs)) = (text(node, controller), text(node, agent)) else { return };
        let rest = theirs.strip_prefix(&ours);
        if rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
            let mistake = Mistake::at(node.value_span(agent), format!("`{agent}` is, or lies below, `{controller}`"));
            self.problems
                .add(mistake.help("what is sent there is taken for the Controller's: give each its own place"));
        }
    }

    fn credentials(&mut self, node: &Node) -> (Option<String>, Option<String>) {
        if node.get("password").is_some() && node.get("username").is_none() {
            let mistake = Mistake::at(node.key_span("password"), "a `password` without a `username`");
            self.problems.add(mistake.help("add the `username` that it belongs to"));
        }
        (text(node, "username"), text(node, "password"))
    }

    fn tls(&mut self, node: &Node, we_listen: bool) -> Option<Tls> {
        let raw = match node.read_key("tls")? {
            raw::Tls::Word(GenerateWord::Generate) => return Some(Tls::Generate),
            raw::Tls::Files(files) => files,
        };
        let node = node.get("tls").unwrap_or(node);
        let certificate = raw.certificate.map(|path| self.file(&path, node.value_span("certificate")));
        let key = raw.key.map(|path| self.file(&path, node.value_span("key")));
        let trust = raw.trust.map(|path| self.file(&path, node.value_span("trust")));
        let authority = raw.ca.map(|raw| {
            let ca = node.get("ca").unwrap_or(node);
            let certificate = self.file(&raw.certificate, ca.value_span("certificate"));
            (certificate, self.file(&raw.key, ca.value_span("key")))
        });
        let identity = match (certificate, key) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            _ => {
                self.problems.at(node.span, "`certificate` and `key` belong together");
                None
            }
        };
        if identity.is_none() && authority.is_none() && we_listen {
            let mistake = Mistake::at(node.span, "who listens needs a certificate");
            self.problems.add(mistake.help("give `certificate` and `key`, or a `ca` that issues them"));
        }
        Some(Tls::Files(TlsFiles { identity, trust, authority }))
    }
}

fn text(node: &Node, key: &str) -> Option<String> {
    node.get(key).and_then(Node::text).map(str::to_owned)
}

/// The name of an MTP whose profile gives none.
fn default_name(key: &str, transport: Option<&Transport>) -> Option<String> {
    if key == "websocket" {
        // It has always been called so, with TLS and without.
        return Some(key.to_owned());
    }
    let name = match transport? {
        Transport::WebSocket(_) => key,
        Transport::Mqtt(Mqtt { version: MqttVersion::V5, .. }) => "mqtt5",
        Transport::Mqtt(Mqtt { version: MqttVersion::V311, .. }) => "mqtt311",
        Transport::Stomp(_) => "stomp",
        Transport::Uds(Uds { role: Role::EutConnects, .. }) => "uds",
        Transport::Uds(Uds { role: Role::WeConnect, .. }) => "uds-server",
    };
    let tls = transport?.tls().is_some();
    Some(if tls { format!("{name}-tls") } else { name.to_owned() })
}
