//! Logs to stderr or a file: one line per noteworthy event, ids as fields, no personal data.

use std::fs::File;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::writer::BoxMakeWriter;

use crate::config::LogFormat;

/// Starts logging. Call it once per process.
///
/// # Errors
/// Fails if the directives are invalid, or if logging was started before.
pub fn start(directives: &str, format: LogFormat, file: Option<File>) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(directives).map_err(|error| {
        anyhow::anyhow!("log: {error}; give directives such as info or laureate=debug,info")
    })?;
    // `mailin`, the SMTP parser of the mail catcher, logs commands with e-mail addresses.
    let filter = filter.add_directive("mailin=off".parse()?);
    let writer = match file {
        Some(file) => BoxMakeWriter::new(file),
        None => BoxMakeWriter::new(std::io::stderr),
    };
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer);
    let started = match format {
        LogFormat::Json => builder
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .try_init(),
        LogFormat::Text => builder.with_ansi(false).try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("logging can't be started: {error}"))
}
