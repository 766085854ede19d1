//! The EUT profile: what a person knows about the device under test.
//!
//! One decision behind it: whatever differs from device to device stands here and nowhere else, so that a test case never does.

mod elements;
mod known_failing;
mod lower;
pub(crate) mod raw;
mod transport;
mod write;

use std::{collections::BTreeMap, path::Path, time::Duration};

use sha2::{Digest as _, Sha256};

use crate::{
    case::EutAction,
    diagnostic::{Diagnostics, Problems},
    shape::Shape,
    yaml,
};
pub(crate) use elements::element_meant;
pub use elements::{ELEMENTS, Element, element_named};
pub use known_failing::{KnownFailing, KnownFailingProblem, KnownFailingProblemKind, check_known_failing};
pub use transport::{Address, Broker, Mqtt, MqttVersion, Mtp, Role, Stomp, Tls, TlsFiles, Transport, Uds, WebSocket};
pub use write::Draft;

/// How long a Response may take when the profile says nothing: generous for a device under load.
pub const DEFAULT_RESPONSE: Duration = Duration::from_secs(30);
/// How long the device may take to connect when the profile says nothing: several retries of its own (R-WS.12a).
pub const DEFAULT_CONNECT: Duration = Duration::from_secs(60);
/// How long a reboot may take when the profile says nothing: a slow home gateway.
pub const DEFAULT_BOOT: Duration = Duration::from_secs(120);
/// How long nothing must come when neither case nor profile say: TR-369 knows no deadline for "never".
pub const DEFAULT_SILENCE: Duration = Duration::from_secs(10);
/// By how much a time may be missed when the profile says nothing: Agents count whole seconds.
pub const DEFAULT_TOLERANCE: Duration = Duration::from_secs(1);
/// How long a program that controls the device may run when the profile says nothing.
pub const DEFAULT_PROGRAM: Duration = Duration::from_secs(30);

/// The second Controller's Endpoint ID when the profile says nothing. Its authority scheme asks for nothing but a name.
pub const DEFAULT_SECOND: &str = "self::uspec-second";

/// The word for an Endpoint ID that is learnt.
const ANY: &str = "any";

/// What a person knows about the device under test.
#[derive(Debug, Clone, PartialEq)]
pub struct EutProfile {
    /// Hash of its text, to tell whether two runs were made with the same one. Files that it names do not count.
    pub hash: String,
    /// The device's name, for reports.
    pub name: String,
    /// The Agent's Endpoint ID; `None` when it is learnt at the first connection.
    pub eut_endpoint_id: Option<String>,
    /// The Endpoint ID of the Controller that uspec plays.
    pub controller_endpoint_id: String,
    /// The Endpoint ID of the second Controller that uspec plays where a case asks for it.
    pub second_endpoint_id: String,
    /// The MTPs over which the cases run, in the file's order; at least one.
    pub mtps: Vec<Mtp>,
    /// Which features the device has.
    pub features: FeaturePolicy,
    /// USP versions that the vendor claims; empty when the device alone is asked.
    pub usp_versions: Vec<String>,
    /// The revision of TP-469 that the device is judged by, such as `1.0.3`; `None` for the catalogue's own.
    pub plan: Option<String>,
    /// Elements in place of the plan's, by bare name; only those that the profile gives.
    pub elements: BTreeMap<String, String>,
    /// How the device is controlled.
    pub control: Control,
    /// How long things take.
    pub timing: Timing,
    /// Cases that are known to fail.
    pub known_failing: Vec<KnownFailing>,
}

/// Which features the device has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeaturePolicy {
    /// What the device shows, apart from what is claimed or denied.
    Auto {
        /// What it has, whatever it shows.
        claim: Vec<u16>,
        /// What it has not, whatever it shows.
        deny: Vec<u16>,
    },
    /// Exactly these.
    List(Vec<u16>),
}

/// How the device is controlled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control {
    means: BTreeMap<EutAction, Means>,
}

/// A way to control the device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Means {
    /// By the USP command for it: `Device.Reboot()`, `Device.FactoryReset()`.
    Usp,
    /// By a program on this machine, without a shell.
    Program {
        /// The program and its arguments; a program with a `/` in its name is already resolved against the profile.
        argv: Vec<String>,
        /// How long it may run.
        within: Duration,
    },
}

/// How long things take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// How long a Response may take.
    pub response: Duration,
    /// How long the device may take to connect.
    pub connect: Duration,
    /// How long it may take to be back after a reboot.
    pub boot: Duration,
    /// How long nothing must come before it counts as absent.
    pub silence: Duration,
    /// By how much the device's clock may differ from the times that it promises.
    pub tolerance: Duration,
    /// A pause before each Request.
    pub pace: Duration,
}

impl EutProfile {
    /// Reads a profile. Files that it names are relative to it and must exist.
    pub fn load(path: &Path) -> Result<Self, Diagnostics> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|error| Diagnostics::of_file(&name, format!("cannot be read: {error}")))?;
        Self::parse(&name, &text, path.parent().unwrap_or(Path::new("")))
    }

    /// Reads a profile's text. `file` is its name in diagnostics, `folder` is where relative files stand.
    pub fn parse(file: &str, text: &str, folder: &Path) -> Result<Self, Diagnostics> {
        let mut problems = Problems::new(file);
        let profile = yaml::parse(text, &mut problems).and_then(|tree| {
            Shape::<raw::Profile>::new().check(&tree, &mut problems);
            lower::lower(&tree, folder, &mut problems)
        });
        let profile = profile.map(|it| Self { hash: format!("sha256:{}", hex::encode(Sha256::digest(text))), ..it });
        let mut all = Diagnostics::default();
        all.add(problems, Some(text));
        match profile {
            Some(profile) => all.or(profile),
            None => Err(all),
        }
    }

    /// Whether one of the MTPs is of this kind, such as `websocket`.
    pub fn has_mtp(&self, kind: &str) -> bool {
        self.mtps.iter().any(|mtp| mtp.kind() == kind)
    }

    /// The `element.*` variables: the plan's elements, or what the profile puts in their place.
    pub fn element_variables(&self) -> BTreeMap<String, String> {
        elements::values(&self.elements).into_iter().map(|(name, value)| (format!("element.{name}"), value)).collect()
    }
}

impl Default for FeaturePolicy {
    fn default() -> Self {
        Self::Auto { claim: Vec::new(), deny: Vec::new() }
    }
}

impl Control {
    /// The way in which the device can be controlled so; `None` when the profile knows none.
    pub fn means(&self, action: EutAction) -> Option<&Means> {
        self.means.get(&action)
    }
}

/// Reboot by USP, nothing else.
impl Default for Control {
    fn default() -> Self {
        Self { means: BTreeMap::from([(EutAction::Reboot, Means::Usp)]) }
    }
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            response: DEFAULT_RESPONSE,
            connect: DEFAULT_CONNECT,
            boot: DEFAULT_BOOT,
            silence: DEFAULT_SILENCE,
            tolerance: DEFAULT_TOLERANCE,
            pace: Duration::ZERO,
        }
    }
}
