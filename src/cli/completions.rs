//! `laureate completions` and `laureate man`: made from the command line's own definition.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::Cli;

/// Options of `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// Which shell
    shell: Shell,
}

/// Options of `man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Write a page for each subcommand into this folder instead of printing laureate(1)
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub(super) const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  laureate completions bash > ~/.local/share/bash-completion/completions/laureate
  laureate completions zsh > ~/.zfunc/_laureate          with ~/.zfunc in fpath, before compinit
  laureate completions fish > ~/.config/fish/completions/laureate.fish";

pub(super) const MAN_EXAMPLES: &str = "\
Examples:
  laureate man | man -l -
  laureate man --out ~/.local/share/man/man1             then: man laureate-events-list";

/// Prints a shell's completions.
///
/// # Errors
/// Stdout is closed.
pub fn completions(args: &CompletionsArgs) -> anyhow::Result<ExitCode> {
    // The generator panics where it can't write, so it writes into memory.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "laureate", &mut script);
    std::io::stdout().write_all(&script)?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the main manual page, or writes all of them.
///
/// # Errors
/// The folder can't be written, or stdout is closed.
pub fn man(args: &ManArgs) -> anyhow::Result<ExitCode> {
    match &args.out {
        Some(folder) => {
            let cannot = || format!("cannot write into {}", folder.display());
            std::fs::create_dir_all(folder).with_context(cannot)?;
            clap_mangen::generate_to(Cli::command(), folder).with_context(cannot)?;
        }
        None => {
            // As the page in a folder: there is no page for `help`.
            let command = Cli::command().disable_help_subcommand(true);
            clap_mangen::Man::new(command).render(&mut std::io::stdout())?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
