//! One file a subcommand.

pub(crate) mod check;
pub(crate) mod judge;
pub(crate) mod list;
pub(crate) mod schema;
