//! `laureate rebuild` and `laureate verify`: rebuild query tables from the log, or compare them
//! with it.

use std::io::Write;
use std::process::ExitCode;

use clap::Args;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::exit;
use super::global::GlobalArgs;
use super::meter::Meter;
use crate::event_log::Position;
use crate::projection::{Maintenance, Until, Verified};

/// Options of `rebuild`.
#[derive(Debug, Args)]
pub struct RebuildArgs {
    /// Names of projections; defaults to all
    names: Vec<String>,
    /// State as of this time (RFC 3339), or up to and including this position; needs --into
    #[arg(long, value_name = "TIME|POSITION", value_parser = parse_until, requires = "into", conflicts_with = "names")]
    until: Option<Until>,
    /// Fill all projections into this new schema instead of swapping them in
    #[arg(long, value_name = "SCHEMA", conflicts_with = "names")]
    into: Option<String>,
    /// Start from the beginning instead of resuming an interrupted rebuild
    #[arg(long)]
    restart: bool,
    /// Afterwards drop tables that no running program reads; an older version of the program then
    /// has to rebuild its own tables when it starts
    #[arg(long)]
    drop_unused: bool,
}

/// Options of `verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Names of projections; defaults to all
    names: Vec<String>,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

/// Rebuilds projections.
///
/// # Errors
/// Fails if a server can't be reached, a name is unknown, a position is beyond the end of the log,
/// or a handler fails. The live tables are then unchanged.
pub async fn rebuild(args: RebuildArgs, global: GlobalArgs) -> anyhow::Result<ExitCode> {
    let maintenance = global.connect().await?.maintenance()?;
    let mut out = crate::cli::stdout::stdout();
    if let Some(schema) = &args.into {
        if args.restart {
            maintenance.discard_into(schema).await?;
        }
        let mut meter = Meter::start();
        let until = args.until.unwrap_or(Until::Now);
        let position = maintenance
            .rebuild_into(schema, until, |now| meter.show(now))
            .await?;
        meter.end();
        writeln!(
            out,
            "schema {schema} holds all projections as of position {position}"
        )?;
    } else {
        let names: Vec<&str> = args.names.iter().map(String::as_str).collect();
        if args.restart {
            maintenance.discard_copies(&names).await?;
        }
        let mut meter = Meter::start();
        maintenance.rebuild(&names, |now| meter.show(now)).await?;
        meter.end();
        let what = if names.is_empty() {
            "all projections".to_owned()
        } else {
            names.join(", ")
        };
        writeln!(out, "rebuilt {what}")?;
    }
    if args.drop_unused {
        drop_unused(&maintenance, &mut out).await?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn drop_unused(maintenance: &Maintenance, out: &mut impl Write) -> anyhow::Result<()> {
    let found = maintenance.drop_unused(&[]).await?;
    for schema in found.dropped {
        writeln!(out, "dropped {schema}")?;
    }
    for schema in found.in_use {
        writeln!(out, "kept {schema}: another running program reads it")?;
    }
    Ok(())
}

/// Verifies projections. Returns exit code 3 if a table differs from the log, or else 4 if a table
/// is behind the log and does not move.
///
/// # Errors
/// Fails if a server can't be reached, a name is unknown, or a handler fails.
pub async fn verify(args: VerifyArgs, global: GlobalArgs) -> anyhow::Result<ExitCode> {
    let maintenance = global.connect().await?.maintenance()?;
    let mut meter = Meter::start();
    let names: Vec<&str> = args.names.iter().map(String::as_str).collect();
    let report = maintenance.verify(&names, |now| meter.show(now)).await?;
    meter.end();
    let mut out = crate::cli::stdout::stdout().lock();
    if args.json {
        serde_json::to_writer_pretty(&mut out, &report).map_err(std::io::Error::from)?;
        writeln!(out)?;
    } else {
        for found in &report.projections {
            print_verified(&mut out, found)?;
        }
    }
    Ok(match (report.equal(), report.current()) {
        (true, true) => ExitCode::SUCCESS,
        (true, false) => ExitCode::from(exit::UNHEALTHY),
        (false, _) => ExitCode::from(exit::DIFFERENT),
    })
}

/// Prints names of tables and columns, keys and positions. Values are never printed.
fn print_verified(out: &mut impl Write, found: &Verified) -> std::io::Result<()> {
    let verdict = if found.equal { "equal" } else { "DIFFERENT" };
    let behind = match found.behind {
        0 => String::new(),
        behind => format!(
            ", {behind} BEHIND the log; run a process with the role projector, and see `laureate doctor`"
        ),
    };
    writeln!(
        out,
        "{:<14} {verdict:<9} {:>9} rows at position {}{behind}",
        found.name, found.rows, found.position
    )?;
    for difference in &found.differences {
        let columns = match difference.columns.as_slice() {
            [] => String::new(),
            columns => format!(" in {}", columns.join(", ")),
        };
        let place =
            |position: Option<Position>| position.map_or("no row".to_owned(), |p| p.to_string());
        writeln!(
            out,
            "{:15}{} {} {}{columns}; last event: table {}, log {}",
            "",
            difference.table,
            difference.kind,
            difference.key,
            place(difference.live_position),
            place(difference.log_position)
        )?;
    }
    Ok(())
}

fn parse_until(text: &str) -> Result<Until, String> {
    if let Ok(position) = text.parse::<Position>() {
        return Ok(Until::Position(position));
    }
    let time = OffsetDateTime::parse(text, &Rfc3339);
    time.map(Until::Time)
        .map_err(|_| "give a time such as 2026-11-21T12:00:00Z, or a position".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn until_option_is_parsed_as_a_position_or_a_time() {
        assert_eq!(parse_until("42"), Ok(Until::Position(42)));
        let noon = time::macros::datetime!(2026-11-21 12:00 UTC);
        assert_eq!(parse_until("2026-11-21T12:00:00Z"), Ok(Until::Time(noon)));
        for bad in ["", "-1", "noon", "2026-11-21", "2026-11-21 12:00:00"] {
            assert!(parse_until(bad).is_err(), "{bad}");
        }
    }
}
