//! How the device itself is controlled: rebooted, started, stopped, power-cycled, put back to factory settings.

mod program;

use std::{fmt::Debug, future::Future, pin::Pin};
use uspec_testplan::case::EutAction;

pub use program::{Program, ProgramControl};

/// A future that a control gives back.
pub type ControlFuture<'a> = Pin<Box<dyn Future<Output = Result<String, ControlFault>> + Send + 'a>>;

/// Controls the device. Implemented over the profile's programs ([`ProgramControl`]) and, for the reference Agent, in process.
pub trait EutControl: Debug + Send + Sync {
    /// How `action` is done on this device.
    fn method(&self, action: EutAction) -> Method;

    /// Does `action` directly and says in a line what was done. Called for [`Method::Direct`], and with [`EutAction::Start`] after a
    /// [`Method::UspCommand`] whose device has to be started again. It need not wait until the EUT has connected: the runner does.
    fn perform(&self, action: EutAction) -> ControlFuture<'_>;
}

/// How one action is done on this device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Method {
    /// The Controller sends an Operate.
    UspCommand {
        /// The command, such as `Device.Reboot()`.
        command: String,
        /// The EUT ends with the command and [`EutControl::perform`] must start it again.
        start_after: bool,
    },
    /// [`EutControl::perform`] does it.
    Direct,
    /// Nobody said how.
    Missing,
}

/// Why the device could not be controlled: our environment's fault, not the EUT's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", causes.join(": "))]
pub struct ControlFault {
    /// The cause chain, outermost first; names program, exit status and output where there are any.
    pub causes: Vec<String>,
}

impl ControlFault {
    /// A fault with its causes, outermost first.
    pub fn new<T: Into<String>>(causes: impl IntoIterator<Item = T>) -> Self {
        Self { causes: causes.into_iter().map(Into::into).collect() }
    }
}

/// The action's name in a test case and in the profile.
pub(crate) fn name(action: EutAction) -> &'static str {
    match action {
        EutAction::Reboot => "reboot",
        EutAction::PowerCycle => "power_cycle",
        EutAction::FactoryReset => "factory_reset",
        EutAction::Start => "start",
        EutAction::Stop => "stop",
    }
}
