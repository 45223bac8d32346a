//! `laureate dead-letters`: lists abandoned work, and requests it again.

use std::io::Write;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use futures_util::{StreamExt, TryStreamExt, stream};

use super::exit::{self, NotFound};
use super::global::GlobalArgs;
use crate::app::App;
use crate::event_log::Position;
use crate::workers::dead_letter::{self, DeadLetter, Kept};

/// Maximum number of dead letters that are read or requeued concurrently.
const AT_ONCE: usize = 16;

pub(super) const EXAMPLES: &str = "\
Examples:
  laureate dead-letters list                         all entries, newest first
  laureate dead-letters list --worker renderer --json
  laureate dead-letters requeue 17 18                repeat these two
  laureate dead-letters requeue --all --worker processes";

/// Subcommands of `dead-letters`.
#[derive(Debug, Subcommand)]
pub enum DeadLettersCommand {
    /// List work that was given up
    List(ListArgs),
    /// Let the workers repeat work that was given up; the entry is no longer listed
    Requeue(RequeueArgs),
}

/// Options of `dead-letters list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Only entries of this worker
    #[arg(long, value_name = "NAME")]
    worker: Option<String>,
    /// Print one JSON object per line
    #[arg(long)]
    json: bool,
}

/// Options of `dead-letters requeue`.
#[derive(Debug, Args)]
pub struct RequeueArgs {
    /// Numbers of the entries, as shown by `list`
    #[arg(required_unless_present = "all")]
    numbers: Vec<Position>,
    /// Repeat all entries, except mails that a mail server has refused for good
    #[arg(long, conflicts_with = "numbers")]
    all: bool,
    /// Only entries of this worker
    #[arg(long, value_name = "NAME")]
    worker: Option<String>,
}

/// Runs a subcommand of `dead-letters`.
///
/// # Errors
/// Fails if a server can't be reached, or if there is no dead letter with a given number.
pub async fn run(command: DeadLettersCommand, global: GlobalArgs) -> anyhow::Result<ExitCode> {
    match command {
        DeadLettersCommand::List(args) => list(args, global).await,
        DeadLettersCommand::Requeue(args) => requeue(args, global).await,
    }
}

async fn list(args: ListArgs, global: GlobalArgs) -> anyhow::Result<ExitCode> {
    let log = global.connect_log().await?;
    let mut pages = dead_letter::open(&log, args.worker.as_deref()).await?;
    let mut out = crate::cli::stdout::stdout();
    while let Some(page) = pages.next_page().await? {
        for kept in page {
            writeln!(out, "{}", line(&kept, args.json)?)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn line(kept: &Kept, as_json: bool) -> anyhow::Result<String> {
    let Kept { number, letter } = kept;
    if as_json {
        let mut json = serde_json::to_value(letter)?;
        json["number"] = (*number).into();
        return Ok(json.to_string());
    }
    let DeadLetter {
        worker,
        event_type,
        aggregate,
        id,
        position,
        cause,
        ..
    } = letter;
    Ok(format!(
        "{number:<6} {worker:<10} {event_type} {aggregate}/{id} at {position}: {cause}"
    ))
}

/// Requests that the workers repeat the work. Returns exit code 1 if a request fails.
async fn requeue(args: RequeueArgs, global: GlobalArgs) -> anyhow::Result<ExitCode> {
    let app = &global.connect().await?;
    let log = app.commands().log();
    let mut out = crate::cli::stdout::stdout();
    let mut all_succeeded = true;
    if args.all {
        let mut pages = dead_letter::open(log, args.worker.as_deref()).await?;
        while let Some(mut page) = pages.next_page().await? {
            page.retain(|kept| kept.letter.is_requeued_with_all);
            all_succeeded &= requeue_each(app, page, &mut out).await?;
        }
    } else {
        let worker = args.worker.as_deref();
        let found = stream::iter(args.numbers).map(|number| async move {
            let found = dead_letter::find(log, number).await?;
            let found = found.filter(|kept| worker.is_none_or(|name| kept.letter.worker == name));
            let missing = || format!("there is no dead letter {number}; see `dead-letters list`");
            found.ok_or_else(|| anyhow::Error::from(NotFound(missing())))
        });
        let found = found.buffered(AT_ONCE).try_collect().await?;
        all_succeeded = requeue_each(app, found, &mut out).await?;
    }
    Ok(if all_succeeded {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(exit::FAILED)
    })
}

/// Requeues dead letters concurrently and prints the outcomes in order. Returns true if all
/// succeeded.
async fn requeue_each(app: &App, page: Vec<Kept>, out: &mut impl Write) -> anyhow::Result<bool> {
    let mut outcomes = stream::iter(&page)
        .map(|kept| async move { (kept.number, app.requeue(kept).await) })
        .buffered(AT_ONCE);
    let mut all_succeeded = true;
    while let Some((number, outcome)) = outcomes.next().await {
        match outcome {
            Ok(outcome) => writeln!(out, "{number}: {outcome}")?,
            Err(error) => {
                all_succeeded = false;
                writeln!(out, "{number}: failed: {error:#}")?;
            }
        }
    }
    Ok(all_succeeded)
}
