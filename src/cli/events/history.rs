//! `laureate events history`: prints the history of one aggregate as readable text.

use std::io::{BufWriter, Write};

use anyhow::anyhow;
use clap::Args;
use serde_json::json;
use time::Duration;

use super::cause::{Cause, Causes};
use super::names::{self, Kind};
use super::{shown, story};
use crate::cli::exit::NotFound;
use crate::cli::moment;
use crate::event_log::{EventLog, RecordedEvent};

/// Shortest pause between two events that is printed.
const PAUSE: Duration = Duration::MINUTE;

pub const EXAMPLES: &str = "\
AGGREGATE is a name from the log or the API, such as attendee, batch, certificate, claim, email
(job), import, issuance (generated-certificate), session or user.

Examples:
  laureate events history generated-certificate 6f2d41c8-95b7-4a0e-9d53-27e10c8bf4a6
  laureate events history job 0d0e6d6a-6f0c-5a0b-8a51-94dd2c6f4f1e --reveal
  laureate events history import 2b9a3f3e-0a57-4a57-9b0c-6a1f5f0f7c11 --json | jq -r .what

Personal data is shown as *** unless --reveal is given. Exit code 5 if there is no such aggregate.";

/// Options of `events history`.
#[derive(Debug, Args)]
pub struct HistoryArgs {
    /// Kind of aggregate
    aggregate: Kind,
    /// Id of the aggregate, as shown by the API and the log
    #[arg(value_parser = names::check_id)]
    id: String,
    /// Print one JSON object per line: each event with its meaning and its cause
    #[arg(long)]
    json: bool,
    /// Show personal data instead of ***
    #[arg(long)]
    reveal: bool,
}

/// Prints the history of an aggregate.
///
/// # Errors
/// Fails if the log can't be read, or if it has no events of this aggregate.
pub async fn run(args: HistoryArgs, log: &EventLog) -> anyhow::Result<()> {
    let kind = args.aggregate.0;
    // Fails with a clear message if the streams do not exist.
    log.info().await?;
    let events = log.load(kind, &args.id, 0).await?;
    if events.is_empty() {
        let hint = "check the id, and the namespace in the configuration";
        return Err(anyhow!(NotFound(format!(
            "the log has no {kind} {}; {hint}",
            args.id
        ))));
    }
    let mut out = BufWriter::new(crate::cli::stdout::stdout());
    if !args.json {
        let number = events.len();
        writeln!(
            out,
            "{kind} {}: {number} event{}",
            args.id,
            if number == 1 { "" } else { "s" }
        )?;
    }
    let mut causes = Causes::new(log, &events);
    for (n, event) in events.iter().enumerate() {
        let cause = causes.of(event).await?;
        if args.json {
            let mut line = shown::as_json(event, args.reveal);
            line["what"] = json!(story::of(event, args.reveal).what);
            line["cause"] = cause.map_or(serde_json::Value::Null, |cause| cause.as_json());
            writeln!(out, "{line}")?;
        } else {
            let before = n.checked_sub(1).map(|before| &events[before]);
            write!(
                out,
                "{}",
                paragraph(event, before, cause.as_ref(), args.reveal)
            )?;
        }
    }
    Ok(out.flush()?)
}

/// Returns the text for one event: a long pause before it, a line, its fields, and its cause.
fn paragraph(
    event: &RecordedEvent,
    before: Option<&RecordedEvent>,
    cause: Option<&Cause>,
    reveal: bool,
) -> String {
    let summary = story::of(event, reveal);
    let mut text = String::new();
    if let Some(before) = before {
        let pause = event.time - before.time;
        if pause >= PAUSE {
            text.push_str(&format!("\n  … {} later\n", moment::in_words(pause)));
        }
    }
    text.push_str(&format!(
        "\n{}  {:<8} {} by {}\n  {}\n",
        moment::brief(event.time),
        event.position,
        event.event_type,
        event.actor,
        summary.what
    ));
    if !summary.fields.is_empty() {
        let fields: Vec<_> = summary
            .fields
            .iter()
            .map(|(name, value)| format!("{name} {value}"))
            .collect();
        text.push_str(&format!("  {}\n", fields.join("; ")));
    }
    match cause {
        Some(cause) => text.push_str(&format!(
            "  {}, correlation {}\n",
            cause.text(),
            event.correlation_id
        )),
        None if event.command_id.0 == event.correlation_id => {
            text.push_str(&format!("  starts correlation {}\n", event.correlation_id));
        }
        None => text.push_str(&format!("  part of correlation {}\n", event.correlation_id)),
    }
    text
}

#[cfg(test)]
mod tests;
