//! `laureate rebuild` and `laureate verify`: query tables against the log.

use std::io::Write;
use std::process::ExitCode;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::exit;
use super::global::GlobalArgs;
use crate::projection::{Progress, Until};

/// Options of `rebuild`.
#[derive(Debug, Args)]
pub struct RebuildArgs {
    /// Which projections; all where none is named
    names: Vec<String>,
    /// State as of then (RFC 3339); needs --into
    #[arg(long, value_name = "TIME", value_parser = parse_time, requires = "into", conflicts_with = "names")]
    until: Option<OffsetDateTime>,
    /// Fill all projections into this new schema instead of swapping them in
    #[arg(long, value_name = "SCHEMA", conflicts_with = "names")]
    into: Option<String>,
    /// Afterwards drop tables that this program does not read; only when no older program runs any more
    #[arg(long)]
    drop_unused: bool,
}

/// Options of `verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Which projections; all where none is named
    names: Vec<String>,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

/// Rebuilds.
///
/// # Errors
/// A server can't be reached, a name is unknown, or a handler fails; nothing has changed then.
pub async fn rebuild(args: RebuildArgs, global: GlobalArgs) -> anyhow::Result<ExitCode> {
    let maintenance = global.connect().await?.maintenance()?;
    let bar = progress_bar();
    let mut out = std::io::stdout();
    if let Some(schema) = &args.into {
        let until = args.until.map_or(Until::Now, Until::Time);
        let position = maintenance.rebuild_into(schema, until, |now| show(&bar, now)).await?;
        bar.finish_and_clear();
        writeln!(out, "schema {schema} holds all projections as of position {position}")?;
    } else {
        let names: Vec<&str> = args.names.iter().map(String::as_str).collect();
        maintenance.rebuild(&names, |now| show(&bar, now)).await?;
        bar.finish_and_clear();
        writeln!(
            out,
            "rebuilt {}",
            if names.is_empty() { "all projections".to_owned() } else { names.join(", ") }
        )?;
    }
    if args.drop_unused {
        for schema in maintenance.drop_unused(&[]).await? {
            writeln!(out, "dropped {schema}")?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Verifies; exit code 3 where a table differs from the log.
///
/// # Errors
/// A server can't be reached, a name is unknown, or a handler fails.
pub async fn verify(args: VerifyArgs, global: GlobalArgs) -> anyhow::Result<ExitCode> {
    let maintenance = global.connect().await?.maintenance()?;
    let bar = progress_bar();
    let names: Vec<&str> = args.names.iter().map(String::as_str).collect();
    let report = maintenance.verify(&names, |now| show(&bar, now)).await?;
    bar.finish_and_clear();
    let mut out = std::io::stdout().lock();
    if args.json {
        serde_json::to_writer_pretty(&mut out, &report)?;
        writeln!(out)?;
    } else {
        for found in &report.projections {
            let verdict = if found.equal { "equal" } else { "DIFFERENT" };
            writeln!(
                out,
                "{:<14} {verdict:<9} {:>9} rows at position {}",
                found.name, found.rows, found.position
            )?;
            for difference in &found.differences {
                writeln!(out, "               {} {} {}", difference.table, difference.kind, difference.key)?;
            }
        }
    }
    Ok(if report.equal() { ExitCode::SUCCESS } else { ExitCode::from(exit::DIFFERENT) })
}

/// A bar on a terminal; nothing elsewhere.
fn progress_bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} positions, {per_sec}, {eta} left");
    let bar = ProgressBar::new(0);
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar
}

fn show(bar: &ProgressBar, now: Progress) {
    bar.set_length(now.target);
    bar.set_position(now.position);
}

fn parse_time(text: &str) -> Result<OffsetDateTime, String> {
    OffsetDateTime::parse(text, &Rfc3339).map_err(|_| "give a time such as 2026-11-21T12:00:00Z".to_owned())
}
