//! Plays the test equipment; turns a planned test into a Trace.
//!
//! One decision behind it: the runner acts and records, and never judges. Whatever the EUT does, each wait ends within its limit, each case
//! within the bound of its steps, and every octet of it stands in the Trace or is counted there.
//!
//! | module | holds |
//! | --- | --- |
//! | [`config`] | what a session is opened with |
//! | [`control`] | how the device itself is controlled |
//! | [`bring_up`] | what is found out about the EUT before the first case |
//! | [`doctor`] | what is wrong when an EUT does not come up |
//! | `survey` | what an EUT without a profile shows of itself |
//! | [`session`] | one run against one EUT over one MTP; one case, one Trace |
//! | [`execute`] | the planned cases in their order, with progress and interruption |

mod arrival;
mod bounds;
pub mod bring_up;
mod capture;
pub mod config;
pub mod control;
mod controller;
pub mod doctor;
mod exchange;
pub mod execute;
mod outgoing;
mod play;
mod recorder;
mod rows;
mod second;
pub mod session;
mod snapshot;
mod survey;
#[cfg(test)]
mod testing;
mod tls;
mod trust;

pub use bring_up::{BringUp, BringUpFailure, BringUpReason};
pub use config::{ConfigError, SecondController, SessionConfig, Timing, TlsSupply};
pub use control::{ControlFault, EutControl, Method, ProgramControl};
pub use execute::{Interruption, Progress, RunEnd, execute};
pub use session::{Session, SetupError};
