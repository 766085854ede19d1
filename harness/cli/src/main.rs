//! The `uspec` binary.
fn main() {}
