//! Arguments of `uspec completions`.

use clap::Args;
use clap_complete::Shell;

/// Arguments of `uspec completions`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  uspec completions bash > ~/.local/share/bash-completion/completions/uspec
  uspec completions zsh > ~/.zfunc/_uspec                with `fpath+=~/.zfunc` before `compinit` in ~/.zshrc
  uspec completions fish > ~/.config/fish/completions/uspec.fish")]
pub struct CompletionsArgs {
    /// The shell that is to complete.
    #[arg(value_name = "SHELL", value_enum)]
    pub shell: Shell,
}
