//! Path Names of the Instantiated Data Model (TR-369 "Path Names"): the grammar, and what a path stands for right now.
//!
//! The Agent reads and evaluates paths with code of its own, so that an error in the harness's reading cannot hide here.

pub mod expression;
pub mod parse;
pub mod resolve;

pub use parse::{Leaf, Path, Step, Which};
pub use resolve::{Node, Resolved, Scope};
