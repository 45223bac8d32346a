//! `laureate config`: shows the effective configuration and the source of each value.

use std::io::{BufWriter, Write};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::Value;

use super::global::GlobalArgs;
use crate::config::{Config, Setting, settings};

/// Commented configuration file with every key.
const EXAMPLE: &str = include_str!("../../laureate.example.toml");

/// The subcommands of `config`.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print the effective configuration and where each value came from, without secrets
    #[command(after_help = EXAMPLES)]
    Show(ShowArgs),
    /// Print a commented configuration file with every key, as a starting point
    #[command(after_help = "Example:\n  laureate config example > laureate.toml")]
    Example,
}

const EXAMPLES: &str = "\
Examples:
  laureate config show --config laureate.toml
  laureate config show --json | jq -r '.[] | select(.source != \"default\") | .key'

Passwords and keys are shown as ***, also inside addresses. If a key is unknown or a
value is invalid, the command names it and its source, and exits with code 2.";

/// Options of `config show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// Print a JSON array of {key, value, source, from}
    #[arg(long)]
    json: bool,
}

/// Prints the effective configuration or the example file.
///
/// # Errors
/// Fails if the configuration is invalid, or if stdout is closed.
pub fn run(command: &ConfigCommand, global: GlobalArgs) -> anyhow::Result<ExitCode> {
    let mut out = BufWriter::new(crate::cli::stdout::stdout());
    match command {
        ConfigCommand::Example => write!(out, "{EXAMPLE}")?,
        ConfigCommand::Show(args) => {
            let (config, origins) = Config::load_with_origins(global.sources(Vec::new()))?;
            let settings = settings(&config, &origins)?;
            if args.json {
                serde_json::to_writer_pretty(&mut out, &settings).map_err(std::io::Error::from)?;
                writeln!(out)?;
            } else {
                write!(out, "{}", as_toml(&settings))?;
            }
        }
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// Formats settings as a TOML file. A comment on each line names the source of the value.
fn as_toml(settings: &[Setting]) -> String {
    let mut text = String::new();
    let mut table = "";
    for setting in settings {
        let (its_table, name) = setting.key.rsplit_once('.').unwrap_or(("", &setting.key));
        if its_table != table {
            table = its_table;
            text.push_str(&format!("\n[{table}]\n"));
        }
        let line = match &setting.value {
            Value::Null => format!("# {name} is not set"),
            value => format!("{name} = {value}"),
        };
        let from = setting
            .from
            .as_ref()
            .map(|from| format!(" {from}"))
            .unwrap_or_default();
        text.push_str(&format!("{line:<60} # {}{from}\n", setting.source));
    }
    text
}
