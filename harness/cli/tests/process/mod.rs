//! The binary as a process.
#![allow(dead_code, unreachable_pub)] // each test binary uses its share

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// The binary with these arguments, at the top of the tree, without anything that its environment would say.
pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_uspec"));
    command.args(arguments).current_dir(top());
    for name in ["USPEC_EUT", "USPEC_TESTCASES", "USPEC_SHARD", "JOB_COMPLETION_INDEX"] {
        command.env_remove(name);
    }
    command
}

pub fn uspec(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

pub fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

pub fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

/// All that it said.
pub fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
