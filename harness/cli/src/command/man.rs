//! `uspec man`: the manual pages, made from the same words as `--help`.

use crate::{
    args::{Cli, ManArgs},
    outcome::{Error, Exit, tell},
};
use clap::{Command, CommandFactory as _};
use std::{fs, io};

/// Runs the command.
///
/// # Errors
/// A command that there is none of, and a folder that cannot be written to.
pub fn run(args: &ManArgs) -> Result<Exit, Error> {
    // There is no page for `uspec help`.
    let mut all = Cli::command().disable_help_subcommand(true);
    // Gives every subcommand its whole name, `uspec run`.
    all.build();
    if let Some(folder) = &args.out {
        fs::create_dir_all(folder).map_err(|cause| Error::file("made", folder, &cause))?;
        for (name, page) in pages(&all)? {
            let path = folder.join(format!("{name}.1"));
            fs::write(&path, page).map_err(|cause| Error::file("written", &path, &cause))?;
            tell(&format!("{}\n", path.display()));
        }
        return Ok(Exit::Good);
    }
    let command = match &args.of {
        None => &all,
        Some(name) => all
            .find_subcommand(name)
            .ok_or_else(|| Error::Message(format!("error: there is no command `{name}`; `uspec --help` lists them")))?,
    };
    tell(&page(command)?);
    Ok(Exit::Good)
}

/// Every page by its name, such as `uspec-run`.
fn pages(all: &Command) -> Result<Vec<(String, String)>, Error> {
    let commands = std::iter::once(all).chain(all.get_subcommands());
    commands.map(|command| Ok((name(command), page(command)?))).collect()
}

fn name(command: &Command) -> String {
    command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned()
}

fn page(command: &Command) -> Result<String, Error> {
    let mut page = Vec::new();
    let written: io::Result<()> = clap_mangen::Man::new(command.clone()).title(name(command)).render(&mut page);
    written.map_err(|cause| Error::new("the manual page", &cause))?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}
