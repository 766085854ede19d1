//! Over which MTPs a case and each of its steps exist, so that a step is never met by an MTP that it has no meaning for.

use crate::{
    case::{Applies, MtpCondition},
    diagnostic::{Mistake, Problems},
    features::Features,
    profile::{MqttVersion, Role},
    raw, template,
    yaml::{Node, Span},
};

/// Every kind of MTP.
const KINDS: &[&str] = &["websocket", "mqtt", "stomp", "uds"];

/// The kinds of MTP with a broker.
const BROKERED: &[&str] = &["mqtt", "stomp"];

/// Variables that have a value over these kinds of MTP alone.
const VARIABLES: &[(&str, &[&str])] = &[
    ("mqtt.client", &["mqtt"]),
    ("stomp.connection", &["stomp"]),
    ("uds.socket", &["uds"]),
    ("controller.topic", BROKERED),
    ("second.topic", BROKERED),
    ("agent.topic", BROKERED),
];

/// The MTPs that conditions let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Over {
    kinds: Vec<&'static str>,
    version: Option<MqttVersion>,
    role: Option<Role>,
}

impl Over {
    /// Those of a whole case, by its features and what it needs. What cannot be read lets everything in.
    pub(super) fn of_case(tree: &Node, features: &Features) -> Self {
        let mut over = Self { kinds: KINDS.to_vec(), version: None, role: None };
        let applies = tree.read_key::<raw::applies::Applies>("applies").and_then(raw::applies::Applies::lower);
        let named = applies.as_ref().map(Applies::features).unwrap_or_default();
        let kinds: Vec<_> = named.iter().filter_map(|id| features.get(*id)?.over.as_deref()).collect();
        over.kinds.retain(|kind| kinds.is_empty() || kinds.contains(kind));
        match tree.read_key::<raw::condition::Needs>("needs") {
            Some(needs) => over.narrowed(&needs.lower().over),
            None => over,
        }
    }

    /// Those that a step's `when` leaves. A step over which no MTP is left is reported.
    pub(super) fn of_step(&self, step: &Node, problems: &mut Problems) -> Self {
        let when = step.read_key::<raw::condition::MtpCondition>("when");
        let Some(when) = when else { return self.clone() };
        let over = self.narrowed(&when.lower());
        if over.kinds.is_empty() && !self.kinds.is_empty() {
            let mistake = Mistake::at(step.key_span("when"), "no MTP that the case runs over meets this");
            problems.add(mistake.help(format!("the case runs over {}", self.describe())));
        }
        over
    }

    /// Reports a step with which an MTP that is let in can do nothing. No kinds: every one can.
    pub(super) fn only(&self, kinds: &[&str], at: Span, problems: &mut Problems) {
        if kinds.is_empty() || self.kinds.iter().all(|kind| kinds.contains(kind)) {
            return;
        }
        let named = kinds.join(" or ");
        let message = format!("this is for {named}, and the step exists over {}", self.describe());
        let mtp = if let [only] = kinds { (*only).to_owned() } else { format!("[{}]", kinds.join(", ")) };
        let help = format!("narrow the step by `when: {{mtp: {mtp}}}`, or the case by `needs: {{mtp: {mtp}}}`");
        problems.add(Mistake::at(at, message).help(help));
    }

    /// Reports what one version of MQTT has and the other has not, unless only that version is let in.
    pub(super) fn version(&self, version: MqttVersion, what: &str, at: Span, problems: &mut Problems) {
        if self.version == Some(version) || !self.kinds.contains(&"mqtt") {
            return;
        }
        let name = version.name();
        let mistake = Mistake::at(at, format!("{what} of MQTT {name} alone"));
        let help = format!("narrow the step by `when: {{version: \"{name}\"}}`, or the case by `needs`");
        problems.add(mistake.help(help));
    }

    /// Reports what only the client of TLS can do, unless we are the client over every MTP that is let in.
    pub(super) fn we_are_client(&self, what: &str, at: Span, problems: &mut Problems) {
        if self.role != Some(Role::WeConnect) {
            let mistake = Mistake::at(at, format!("only a client of TLS {what}"));
            problems.add(mistake.help("narrow the step by `when: {role: we_connect}`, or the case by `needs`"));
        }
    }

    /// Reports variables that have no value over an MTP that is let in.
    pub(super) fn variables(&self, step: &Node, problems: &mut Problems) {
        let used = template::placeholders_in(&step.to_json());
        for (name, kinds) in VARIABLES.iter().filter(|(name, _)| used.iter().any(|it| template::base(it) == *name)) {
            let others: Vec<_> = self.kinds.iter().copied().filter(|kind| !kinds.contains(kind)).collect();
            if !others.is_empty() {
                let message = format!("`{name}` has no value over {}", others.join(", "));
                let help = format!("the step needs `when: {{mtp: [{}]}}`", kinds.join(", "));
                problems.add(Mistake::at(step.span, message).help(help));
            }
        }
    }

    fn narrowed(&self, by: &MtpCondition) -> Self {
        let fits = |kind: &&'static str| {
            let brokered = BROKERED.contains(kind);
            (by.kinds.is_empty() || by.kinds.iter().any(|it| it == kind))
                && (by.version.is_none() || *kind == "mqtt")
                && (by.broker.is_none() || brokered)
                && (by.role != Some(Role::WeConnect) || !brokered)
                && (by.tls != Some(true) || *kind != "uds")
        };
        let mut kinds: Vec<_> = self.kinds.iter().copied().filter(|kind| fits(kind)).collect();
        let versions = self.version.zip(by.version).is_some_and(|(ours, theirs)| ours != theirs);
        if versions || self.role.zip(by.role).is_some_and(|(ours, theirs)| ours != theirs) {
            kinds.clear();
        }
        Self { kinds, version: by.version.or(self.version), role: by.role.or(self.role) }
    }

    fn describe(&self) -> String {
        self.kinds.join(", ")
    }
}
