//! `laureate events list` and `tail`: ranges of the log, its end, and what comes next.

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
use crate::event_log::{EventLog, LogError, LogReader, Position, RecordedEvent};

/// How many of the last events are shown where nothing says where to begin.
const LAST: usize = 20;
/// How far the clocks of servers may be apart: an event's time is its writer's, the log is searched by its
/// server's.
const CLOCKS_APART: Duration = Duration::MINUTE;

pub const EXAMPLES: &str = "\
Examples:
  laureate events list                                       the last 20 events
  laureate events list --type EmailFailed --since 2h         mails that failed in the last two hours
  laureate events list --aggregate job/6f2d41c8-95b7-4a0e-9d53-27e10c8bf4a6
  laureate events list --from 1 --json | jq -c .type         the whole log, a JSON object a line

Personal data is shown as *** unless --reveal is given.";

pub const TAIL_EXAMPLES: &str = "\
Examples:
  laureate events tail                                       the last 20 events, then what comes
  laureate events tail --last 0 --type CertificateGenerated  only what comes
  laureate events tail --aggregate import --json

Personal data is shown as *** unless --reveal is given. Ctrl-C ends it.";

/// Which events, and how they are shown; all options of `events tail`.
#[derive(Debug, Args)]
pub struct Selection {
    /// Only of this kind of aggregate, or of one of them; may be given several times
    #[arg(short, long = "aggregate", value_name = "KIND[/ID]")]
    aggregates: Vec<Chosen>,
    /// Only of this type, such as EmailSent; several with commas
    #[arg(short, long = "type", value_name = "TYPE", value_delimiter = ',', value_parser = names::event_type)]
    types: Vec<&'static str>,
    /// Begin at this position; 1 for the whole log
    #[arg(long, value_name = "POSITION")]
    from: Option<Position>,
    /// Begin at this time: RFC 3339, or so long ago, such as 2h or 1d12h
    #[arg(long, value_name = "TIME", value_parser = moment::parse_now)]
    since: Option<OffsetDateTime>,
    /// Begin with the last so many; without --from or --since, 20
    #[arg(short = 'n', long, value_name = "NUMBER", conflicts_with_all = ["from", "since"])]
    last: Option<usize>,
    /// Stop after so many events
    #[arg(long, value_name = "NUMBER")]
    limit: Option<usize>,
    /// Print each event as JSON with its whole envelope, one a line
    #[arg(long)]
    json: bool,
    /// Show personal data instead of ***
    #[arg(long)]
    reveal: bool,
}

/// Options of `events list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    #[command(flatten)]
    selection: Selection,
    /// End at this position
    #[arg(long, value_name = "POSITION", conflicts_with = "follow")]
    to: Option<Position>,
    /// End at this time: RFC 3339, or so long ago
    #[arg(long, value_name = "TIME", value_parser = moment::parse_now, conflicts_with = "follow")]
    until: Option<OffsetDateTime>,
    /// Go on with further events as they are appended
    #[arg(short, long)]
    follow: bool,
}

impl ListArgs {
    /// The list that shows the last events and goes on.
    pub const fn following(selection: Selection) -> Self {
        Self { selection, to: None, until: None, follow: true }
    }
}

/// Prints what is wanted.
///
/// # Errors
/// The log can't be read, nothing can match, or stdout is closed.
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
        bail!("{name} is an event of {}, which --aggregate leaves out", kind.0);
    }
    let mut out = Printer { out: BufWriter::new(std::io::stdout()), left: selection.limit, selection };
    let end = log.info().await?.last_position;
    let upto = upto(&args, log, end).await?;
    let after = match begin(selection, log, end).await? {
        Some(after) => after,
        None => {
            let found = last::last(log, &filter, upto, selection.last.unwrap_or(LAST)).await?;
            out.print(found.iter())?;
            upto
        }
    };
    if args.follow || after < upto {
        let reader = log.read_some_after(after, filter.subjects(log.names()));
        let upto = (!args.follow).then_some(upto);
        print_on(reader, &filter, upto, &mut out, &shutdown).await?;
    }
    Ok(())
}

/// The last position that can be wanted.
async fn upto(args: &ListArgs, log: &EventLog, end: Position) -> anyhow::Result<Position> {
    let mut upto = args.to.map_or(end, |to| to.min(end));
    if let Some(until) = args.until
        && let Some(beyond) = log.position_at(until + CLOCKS_APART).await?
    {
        upto = upto.min(beyond.saturating_sub(1));
    }
    Ok(upto)
}

/// The position after which to begin; none where the last events are wanted.
async fn begin(selection: &Selection, log: &EventLog, end: Position) -> anyhow::Result<Option<Position>> {
    let by_time = match selection.since {
        Some(since) => {
            let first = log.position_at(since - CLOCKS_APART).await?;
            Some(first.map_or(end, |first| first.saturating_sub(1)))
        }
        None => None,
    };
    Ok(selection.from.map(|from| from.saturating_sub(1)).max(by_time))
}

/// Prints up to a position, or for ever.
async fn print_on(
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
            // Who follows waits for the server to come back; the next call goes on where this one was.
            Err(error @ LogError::Unavailable(_)) if upto.is_none() => {
                tracing::warn!(%error, "trying again");
                tokio::time::sleep(WAIT).await;
                continue;
            }
            batch => batch?,
        };
        let wanted =
            |event: &&RecordedEvent| upto.is_none_or(|upto| event.position <= upto) && filter.wants(event);
        out.print(batch.iter().filter(wanted))?;
    }
    Ok(())
}

/// Writes events to stdout, a batch at a time.
struct Printer<'a> {
    out: BufWriter<std::io::Stdout>,
    /// How many may still be printed, if there is a limit.
    left: Option<usize>,
    selection: &'a Selection,
}

impl Printer<'_> {
    fn print<'e>(&mut self, events: impl Iterator<Item = &'e RecordedEvent>) -> std::io::Result<()> {
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
