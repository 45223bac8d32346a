//! `laureate dead-letters`: lists abandoned work, and retries it.

use std::io::Write;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::exit::{self, NotFound};
use super::global::GlobalArgs;
use crate::event_log::Position;
use crate::workers::dead_letter::{self, Kept};

/// Maximum number of open dead letters per call. The newest ones are kept.
const MOST: usize = 100_000;

pub(super) const EXAMPLES: &str = "\
Examples:
  laureate dead-letters list                         all entries, oldest first
  laureate dead-letters list --worker renderer --json
  laureate dead-letters requeue 17 18                retry these two
  laureate dead-letters requeue --all --worker processes";

/// Subcommands of `dead-letters`.
#[derive(Debug, Subcommand)]
pub enum DeadLettersCommand {
    /// List work that was given up
    List(ListArgs),
    /// Retry work that was given up; an entry that succeeds is no longer listed
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
    /// Retry all entries
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
    let found = dead_letter::kept(&log, args.worker.as_deref(), MOST).await?;
    let mut out = crate::cli::stdout::stdout().lock();
    for Kept { number, letter } in found {
        if args.json {
            let mut json = serde_json::to_value(&letter)?;
            json["number"] = number.into();
            writeln!(out, "{json}")?;
        } else {
            let worker = &letter.worker;
            let what = &letter.event_type;
            let aggregate = &letter.aggregate;
            let id = &letter.id;
            let position = letter.position;
            let cause = &letter.cause;
            writeln!(
                out,
                "{number:<6} {worker:<10} {what} {aggregate}/{id} at {position}: {cause}"
            )?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Retries dead letters. Returns exit code 1 if any of them fails again.
async fn requeue(args: RequeueArgs, global: GlobalArgs) -> anyhow::Result<ExitCode> {
    let app = global.connect().await?;
    let log = app.commands().log();
    let mut found = dead_letter::kept(log, args.worker.as_deref(), MOST).await?;
    if !args.all {
        if let Some(missing) = args
            .numbers
            .iter()
            .find(|n| found.iter().all(|kept| kept.number != **n))
        {
            return Err(NotFound(format!(
                "there is no dead letter {missing}; see `dead-letters list`"
            ))
            .into());
        }
        found.retain(|kept| args.numbers.contains(&kept.number));
    }
    let mut out = crate::cli::stdout::stdout();
    let mut code = ExitCode::SUCCESS;
    for kept in found {
        match app.act_again(&kept.letter).await {
            Ok(outcome) => {
                dead_letter::settle(log, &kept).await?;
                writeln!(out, "{}: {outcome}", kept.number)?;
            }
            Err(error) => {
                code = ExitCode::from(exit::FAILED);
                writeln!(out, "{}: failed: {error:#}", kept.number)?;
            }
        }
    }
    Ok(code)
}
