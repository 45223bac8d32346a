//! `laureate events`: reading the log.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

use super::global::GlobalArgs;
use super::serve::stop_on_signals;
use crate::event_log::{Position, RecordedEvent};

/// How long one read waits for news.
const WAIT: Duration = Duration::from_millis(500);
/// How many events are read at a time.
const BATCH: usize = 1_000;

/// The subcommands of `events`.
#[derive(Debug, Subcommand)]
pub enum EventsCommand {
    /// Print events as they are appended, one a line
    Tail(TailArgs),
    /// Print one event whole
    Show(ShowArgs),
}

/// Options of `events tail`.
#[derive(Debug, Args)]
pub struct TailArgs {
    /// Begin after this position; 0 for the whole log. Default: at its end
    #[arg(long, value_name = "POSITION")]
    after: Option<Position>,
    /// Stop at the log's present end instead of waiting for more
    #[arg(long)]
    no_follow: bool,
    /// Print each event whole, as JSON; this shows personal data
    #[arg(long)]
    json: bool,
}

/// Options of `events show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// The event's position
    position: Position,
}

/// Prints events on stdout.
///
/// # Errors
/// The log can't be read, or there is no such event.
pub async fn run(command: EventsCommand, global: GlobalArgs) -> anyhow::Result<ExitCode> {
    let log = global.connect().await?.commands().log().clone();
    match command {
        EventsCommand::Show(args) => {
            let before = args.position.saturating_sub(1);
            let events = log.read_after(before).next_batch(1, WAIT).await?;
            let event = events.iter().find(|event| event.position == args.position);
            let event =
                event.ok_or_else(|| anyhow::anyhow!("there is no event at position {}", args.position))?;
            writeln!(std::io::stdout(), "{:#}", as_json(event))?;
        }
        EventsCommand::Tail(args) => {
            let shutdown = stop_on_signals()?;
            let end = log.info().await?.last_position;
            let mut reader = log.read_after(args.after.unwrap_or(end));
            while !(shutdown.is_cancelled() || (args.no_follow && reader.position() >= end)) {
                let batch = tokio::select! {
                    () = shutdown.cancelled() => break,
                    batch = reader.next_batch(BATCH, WAIT) => batch?,
                };
                let mut out = std::io::stdout().lock();
                for event in &batch {
                    match args.json {
                        true => writeln!(out, "{}", as_json(event))?,
                        false => writeln!(out, "{}", line(event))?,
                    }
                }
                out.flush()?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// An event without its body: no personal data.
fn line(event: &RecordedEvent) -> String {
    let time = event.time.format(&Rfc3339).unwrap_or_default();
    format!(
        "{:>9} {time} {:<28} {}/{} by {}",
        event.position, event.event_type, event.aggregate, event.id, event.actor
    )
}

fn as_json(event: &RecordedEvent) -> Value {
    let body: Value = serde_json::from_slice(&event.body).unwrap_or(Value::Null);
    json!({
        "position": event.position,
        "time": event.time.format(&Rfc3339).unwrap_or_default(),
        "type": event.event_type,
        "aggregate": event.aggregate,
        "id": event.id,
        "eventId": event.event_id,
        "commandId": event.command_id,
        "correlationId": event.correlation_id,
        "actor": event.actor,
        "data": body,
    })
}
