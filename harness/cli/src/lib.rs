//! What the `uspec` binary is made of, as a library, so that the end-to-end tests run the same code.
//!
//! One decision behind it: files, terminals, signals and exit codes are touched here and nowhere else.
//!
//! | module | holds |
//! | --- | --- |
//! | [`args`] | the command line |
//! | [`bundle`] | a run's folder as evidence |
//! | [`bundled`] | the reference Agent in this process, and its judging in memory |
//! | [`command`] | one file a subcommand |
//! | [`campaign`] | plan, run and judge: a profile in, a run report out |
//! | [`explain`] | what a case is about, in words |
//! | [`files`] | the reports folder |
//! | [`above`] | the folder above those of several EUTs |
//! | [`journal`] | what a run has done so far, kept over whatever ends it |
//! | [`standing`] | what an earlier run has left in a reports folder |
//! | [`load`] | catalogue, profile and selection from files or built in |
//! | [`outcome`] | exit codes, and why nothing could be done |
//! | [`progress`] | what a person sees while cases run |
//! | [`traces`] | the Traces that a run has written, one at a time |

pub mod above;
pub mod args;
pub mod bundle;
pub mod bundled;
pub mod campaign;
pub mod command;
pub mod explain;
pub mod files;
pub mod journal;
pub mod load;
pub mod outcome;
pub mod progress;
pub mod standing;
pub mod traces;
