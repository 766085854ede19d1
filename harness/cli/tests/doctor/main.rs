//! `uspec doctor` against the bundled Agent in memory: what is right is in order, and what is wrong is named.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // a test may stop on the first surprise

mod command;
mod hostile;
mod kit;
mod mistakes;
mod right;
