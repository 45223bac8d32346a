//! `laureate events list` and `tail`: print a range or the end of the log, and follow it.

use std::io::{BufWriter, Write};

use anyhow::bail;
use clap::Args;
use time::{Duration, OffsetDateTime};
use tokio_util::sync::CancellationToken;

use super::filter::Filter;
use super::names::{self, Chosen};
use super::{BATCH, WAIT, last, shown};
use crate::cli::moment;
use crate::cli::serve::stop_on_signals;
use crate::cli::stdout::Stdout;
use crate::event_log::{EventLog, LogError, LogReader, Position, RecordedEvent};

/// Number of last events that are shown by default.
const DEFAULT_LAST: usize = 20;
/// Maximum difference between the clocks of servers. The time of an event is set by its writer, but
/// the log is searched by the time of its own server.
const MAX_CLOCK_DIFFERENCE: Duration = Duration::MINUTE;

pub const EXAMPLES: &str = "\
Examples:
  laureate events list                                       the last 20 events
  laureate events list --type EmailFailed --since 2h         mails that failed in the last two hours
  laureate events list --aggregate job/6f2d41c8-95b7-4a0e-9d53-27e10c8bf4a6
  laureate events list --from 1 --json | jq -c .type         the whole log, one JSON object per line

Personal data is shown as *** unless --reveal is given.";

pub const TAIL_EXAMPLES: &str = "\
Examples:
  laureate events tail                                       the last 20 events, then new ones
  laureate events tail --last 0 --type CertificateGenerated  only new events
  laureate events tail --aggregate import --json

Personal data is shown as *** unless --reveal is given. Stop it with Ctrl-C.";

/// Events to show, and their format. These are all options of `events tail`.
#[derive(Debug, Args)]
pub struct Selection {
    /// Only events of this kind of aggregate, or of this aggregate; repeatable
    #[arg(short, long = "aggregate", value_name = "KIND[/ID]")]
    aggregates: Vec<Chosen>,
    /// Only events of this type, such as EmailSent; several separated by commas
    #[arg(short, long = "type", value_name = "TYPE", value_delimiter = ',', value_parser = names::event_type)]
    types: Vec<&'static str>,
    /// Begin at this position; 1 for the whole log
    #[arg(long, value_name = "POSITION")]
    from: Option<Position>,
    /// Begin at this time: RFC 3339, or a duration before now, such as 2h or 1d12h
    #[arg(long, value_name = "TIME", value_parser = moment::parse_now)]
    since: Option<OffsetDateTime>,
    /// Begin with this number of last events; without --from or --since, 20
    #[arg(short = 'n', long, value_name = "NUMBER", conflicts_with_all = ["from", "since"])]
    last: Option<usize>,
    /// Stop after this number of events
    #[arg(long, value_name = "NUMBER")]
    limit: Option<usize>,
    /// Print one JSON object per line, with the complete envelope
    #[arg(long)]
    json: bool,
    /// Show personal data instead of ***
    #[arg(long)]
    reveal: bool,
}

impl Selection {
    /// Returns the number of last events to begin with. Without `--last`, this is `--limit`, at
    /// most 20.
    fn last_count(&self) -> usize {
        self.last
            .unwrap_or(DEFAULT_LAST.min(self.limit.unwrap_or(DEFAULT_LAST)))
    }
}

/// Options of `events list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    #[command(flatten)]
    selection: Selection,
    /// End at this position
    #[arg(long, value_name = "POSITION", conflicts_with = "follow")]
    to: Option<Position>,
    /// End at this time: RFC 3339, or a duration before now
    #[arg(long, value_name = "TIME", value_parser = moment::parse_now, conflicts_with = "follow")]
    until: Option<OffsetDateTime>,
    /// Continue with new events as they are appended
    #[arg(short, long)]
    follow: bool,
}

impl ListArgs {
    /// Returns arguments that show the last events and follow the log.
    pub const fn following(selection: Selection) -> Self {
        Self {
            selection,
            to: None,
            until: None,
            follow: true,
        }
    }
}

/// Prints the matching events.
///
/// # Errors
/// Fails if the log can't be read, if nothing can match, or if stdout is closed.
pub async fn run(args: ListArgs, log: &EventLog) -> anyhow::Result<()> {
    let shutdown = stop_on_signals()?;
    let selection = &args.selection;
    let filter = Filter {
        aggregates: selection.aggregates.clone(),
        types: selection.types.clone(),
        since: selection.since,
        until: args.until,
    };
    if let Some((name, kind)) = filter.impossible() {
        bail!(
            "{name} is an event of {}, which --aggregate leaves out",
            kind.0
        );
    }
    let mut out = Printer {
        out: BufWriter::new(crate::cli::stdout::stdout()),
        left: selection.limit,
        selection,
    };
    let end = log.info().await?.last_position;
    let upto = upto(&args, log, end).await?;
    let after = match start_after(selection, log, end).await? {
        Some(after) => after,
        None => {
            let found = last::last(log, &filter, upto, selection.last_count()).await?;
            out.print(found.iter())?;
            upto
        }
    };
    if args.follow || after < upto {
        let reader = log.read_some_after(after, filter.subjects(log.names()));
        let upto = (!args.follow).then_some(upto);
        print_from(reader, &filter, upto, &mut out, &shutdown).await?;
    }
    Ok(())
}

/// Returns the last position that can match.
async fn upto(args: &ListArgs, log: &EventLog, end: Position) -> anyhow::Result<Position> {
    let mut upto = args.to.map_or(end, |to| to.min(end));
    if let Some(until) = args.until
        && let Some(beyond) = log.position_at(until + MAX_CLOCK_DIFFERENCE).await?
    {
        upto = upto.min(beyond.saturating_sub(1));
    }
    Ok(upto)
}

/// Returns the position to begin after, or `None` if the last events are requested.
async fn start_after(
    selection: &Selection,
    log: &EventLog,
    end: Position,
) -> anyhow::Result<Option<Position>> {
    let by_time = match selection.since {
        Some(since) => {
            let first = log.position_at(since - MAX_CLOCK_DIFFERENCE).await?;
            Some(first.map_or(end, |first| first.saturating_sub(1)))
        }
        None => None,
    };
    Ok(selection
        .from
        .map(|from| from.saturating_sub(1))
        .max(by_time))
}

/// Prints the reader's events up to a position, or until shutdown.
async fn print_from(
    mut reader: LogReader,
    filter: &Filter,
    upto: Option<Position>,
    out: &mut Printer<'_>,
    shutdown: &CancellationToken,
) -> anyhow::Result<()> {
    while !shutdown.is_cancelled() && out.left != Some(0) {
        if let Some(upto) = upto
            && (reader.position() >= upto || reader.remaining().await? == 0)
        {
            return Ok(());
        }
        let batch = tokio::select! {
            () = shutdown.cancelled() => return Ok(()),
            batch = reader.next_batch(BATCH, WAIT) => batch,
        };
        let batch = match batch {
            // Following continues when the server is back. The next call resumes at the same
            // position.
            Err(error @ LogError::Unavailable(_)) if upto.is_none() => {
                tracing::warn!(%error, "event log unavailable, retrying");
                tokio::time::sleep(WAIT).await;
                continue;
            }
            batch => batch?,
        };
        let wanted = |event: &&RecordedEvent| {
            upto.is_none_or(|upto| event.position <= upto) && filter.wants(event)
        };
        out.print(batch.iter().filter(wanted))?;
    }
    Ok(())
}

/// Writes events to stdout, one batch at a time.
struct Printer<'a> {
    out: BufWriter<Stdout<std::io::Stdout>>,
    /// Number of events that may still be printed, if there is a limit.
    left: Option<usize>,
    selection: &'a Selection,
}

impl Printer<'_> {
    fn print<'e>(
        &mut self,
        events: impl Iterator<Item = &'e RecordedEvent>,
    ) -> std::io::Result<()> {
        for event in events.take(self.left.unwrap_or(usize::MAX)) {
            if self.selection.json {
                writeln!(self.out, "{}", shown::as_json(event, self.selection.reveal))?;
            } else {
                writeln!(self.out, "{}", shown::as_line(event, self.selection.reveal))?;
            }
            self.left = self.left.map(|left| left - 1);
        }
        self.out.flush()
    }
}
