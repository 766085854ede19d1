//! What is wrong when an EUT does not come up: one step after the other, to the first that is broken.
//!
//! One decision behind it: touching the world and diagnosing are apart. [`examine`] runs our end of the MTP with the profile's own settings,
//! sends two harmless requests and collects what happens; what it means is said by pure functions over that evidence, a file for each MTP.
//!
//! | module | holds |
//! | --- | --- |
//! | [`report`] | steps, faults, remedies |
//! | `subject` | one MTP of the profile, as both sides are to have it |
//! | `evidence` | what has happened, folded and bounded |
//! | `diagnose` | what the evidence says about each step |
//! | `examine` | our end of the MTP, and how long each step is waited for |

mod diagnose;
mod evidence;
mod examine;
pub mod report;
mod subject;
#[cfg(test)]
mod tests;
mod words;

pub use examine::{Progress, examine};
pub use report::{Examination, Fault, Outcome, Remedy, Side, Stage, Step};
