//! `laureate events`: reads the log. Personal data is hidden unless `--reveal` is given.

mod cause;
mod filter;
mod history;
mod last;
mod list;
mod names;
mod shown;
mod story;

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::anyhow;
use clap::{Args, Subcommand};

use super::exit::NotFound;
use super::global::GlobalArgs;
use crate::event_log::{EventLog, LogError, Position, RecordedEvent};

/// Longest wait of one read for new events.
const WAIT: Duration = Duration::from_millis(500);
/// Maximum number of events per read.
const BATCH: usize = 1_000;

/// The subcommands of `events`.
#[derive(Debug, Subcommand)]
pub enum EventsCommand {
    /// Print events, one per line: the last ones, or a range
    #[command(after_help = list::EXAMPLES)]
    List(list::ListArgs),
    /// Print the last events, then further ones as they are appended; the same as `list --follow`
    #[command(after_help = list::TAIL_EXAMPLES)]
    Tail(list::Selection),
    /// Print one complete event as JSON
    Show(ShowArgs),
    /// Print the history of one aggregate: what happened, when, by whom, and why
    #[command(after_help = history::EXAMPLES)]
    History(history::HistoryArgs),
}

/// Options of `events show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// The event's position
    position: Position,
    /// Show personal data instead of ***
    #[arg(long)]
    reveal: bool,
}

/// Returns the newest event of a type, or `None` if there is none.
///
/// # Errors
/// Fails if the log can't be read.
pub async fn newest(
    log: &EventLog,
    event_type: &'static str,
) -> Result<Option<RecordedEvent>, LogError> {
    let filter = filter::Filter {
        types: vec![event_type],
        ..filter::Filter::default()
    };
    let end = log.info().await?.last_position;
    Ok(last::last(log, &filter, end, 1).await?.pop_back())
}

/// Runs a subcommand of `events`.
///
/// # Errors
/// Fails if the log can't be read, or if the event does not exist.
pub async fn run(command: EventsCommand, global: GlobalArgs) -> anyhow::Result<ExitCode> {
    let log = global.connect_log().await?;
    match command {
        EventsCommand::List(args) => list::run(args, &log).await?,
        EventsCommand::Tail(args) => list::run(list::ListArgs::following(args), &log).await?,
        EventsCommand::History(args) => history::run(args, &log).await?,
        EventsCommand::Show(args) => {
            let before = args.position.saturating_sub(1);
            let mut reader = log.read_after(before);
            let events = if reader.remaining().await? == 0 {
                Vec::new()
            } else {
                reader.next_batch(1, WAIT * 20).await?
            };
            let event = events.iter().find(|event| event.position == args.position);
            let event = event.ok_or_else(|| {
                anyhow!(NotFound(format!(
                    "there is no event at position {}",
                    args.position
                )))
            })?;
            writeln!(
                crate::cli::stdout::stdout(),
                "{:#}",
                shown::as_json(event, args.reveal)
            )?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
