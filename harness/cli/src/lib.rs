//! What the `uspec` binary is made of, as a library, so that the end-to-end tests run the same code.
//!
//! One decision behind it: files, terminals, signals and exit codes are touched here and nowhere else.
//!
//! | module | holds |
//! | --- | --- |
//! | [`args`] | the command line |
//! | [`bundled`] | the reference Agent in this process, and its judging in memory |
//! | [`command`] | one file a subcommand |
//! | [`campaign`] | plan, run and judge: a profile in, a run report out |
//! | [`files`] | the reports folder |
//! | [`load`] | catalogue, profile and selection from files or built in |
//! | [`outcome`] | exit codes, and why nothing could be done |
//! | [`traces`] | the Traces that a run has written, one at a time |

pub mod args;
pub mod bundled;
pub mod campaign;
pub mod command;
pub mod files;
pub mod load;
pub mod outcome;
pub mod traces;
