//! `uspec doctor` against the bundled Agent in memory: what is right is in order, and what is wrong is named.
#![allow(clippy::unwrap_used, clippy::panic)] // a test may stop on the first surprise

mod hostile;
mod kit;
mod mistakes;
mod right;
