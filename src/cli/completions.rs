//! `laureate completions` and `laureate man`, generated from the clap definition of the command
//! line.

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
    /// Shell to generate completions for
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

/// Prints the completion script for a shell.
///
/// # Errors
/// Fails if stdout is closed.
pub fn completions(args: &CompletionsArgs) -> anyhow::Result<ExitCode> {
    // The generator panics on a write error, so it writes into memory.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "laureate", &mut script);
    crate::cli::stdout::stdout().write_all(&script)?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the main manual page, or writes all of them.
///
/// # Errors
/// Fails if the folder can't be written, or if stdout is closed.
pub fn man(args: &ManArgs) -> anyhow::Result<ExitCode> {
    match &args.out {
        Some(folder) => {
            let cannot = || format!("cannot write into {}", folder.display());
            std::fs::create_dir_all(folder).with_context(cannot)?;
            clap_mangen::generate_to(Cli::command(), folder).with_context(cannot)?;
        }
        None => {
            // The `help` subcommand has no page, as in `generate_to`.
            let command = Cli::command().disable_help_subcommand(true);
            clap_mangen::Man::new(command).render(&mut crate::cli::stdout::stdout())?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
