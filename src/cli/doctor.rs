//! `laureate doctor`: checks the configuration and every dependency.

mod breached;
mod clock;
mod configured;
mod disk;
mod finding;
mod fonts;
mod log_server;
mod log_streams;
mod mail_server;
mod objects;
mod on_disk;
mod postgres;
mod sandbox;
mod tables;

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use tokio::sync::OnceCell;

use super::exit;
use super::global::GlobalArgs;
use crate::config::{Config, Origins};
use crate::event_log::{EventLog, Names};

use finding::{Finding, Level, Report};

pub(super) const EXAMPLES: &str = "\
Each line shows a level (ok, warning, failed), the name of the check, the finding, and what to do.

Examples:
  laureate doctor --config laureate.toml
  laureate doctor --strict --json                       in a deployment: any warning is an error
  laureate doctor --nats-monitor http://127.0.0.1:8222  also check what only monitoring shows
  laureate doctor --send-to you@example.org             also send a test mail

The doctor writes one object to the object storage and deletes it, and one message to the stream
PROBE. It changes nothing else.
Exit code 4 if something failed (with --strict also if there is a warning), 2 if the configuration
is not usable.";

/// Options of `doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
    /// Warnings count as failures
    #[arg(long)]
    strict: bool,
    /// Also send a test mail to this address
    #[arg(long, value_name = "ADDRESS")]
    send_to: Option<String>,
    /// The address of nats-server's HTTP monitoring (`http:` in its configuration)
    #[arg(long, value_name = "URL")]
    nats_monitor: Option<String>,
    /// Longest time for one check, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 15, value_parser = clap::value_parser!(u64).range(1..=600))]
    timeout: u64,
}

/// State shared by all checks.
struct Context {
    config: Config,
    origins: Origins,
    args: DoctorArgs,
    log: OnceCell<Result<EventLog, String>>,
}

impl Context {
    /// Returns the event log. The first call connects, and all checks share the connection.
    async fn log(&self) -> Result<&EventLog, &str> {
        let connect = async {
            let names = Names::new(&self.config.namespace).map_err(|error| error.to_string())?;
            // Shorter than the limit of a check, so that the report shows the reason and not a
            // timeout.
            let within = self.limit().mul_f32(0.7);
            let client = crate::event_log::connect(self.config.nats.address(), within).await;
            Ok(EventLog::new(
                client.map_err(|error| error.to_string())?,
                names,
            ))
        };
        self.log
            .get_or_init(|| connect)
            .await
            .as_ref()
            .map_err(String::as_str)
    }

    fn limit(&self) -> Duration {
        Duration::from_secs(self.args.timeout)
    }
}

type Check = fn(Arc<Context>) -> BoxFuture<'static, Vec<Finding>>;

/// All checks. The report shows the name if the check panics or times out.
const CHECKS: &[(&str, Check)] = &[
    ("configuration", |context| {
        configured::check(context).boxed()
    }),
    ("log", |context| log_server::check(context).boxed()),
    ("log.on-disk", |context| on_disk::check(context).boxed()),
    ("log.streams", |context| log_streams::check(context).boxed()),
    ("database", |context| postgres::check(context).boxed()),
    ("tables", |context| tables::check(context).boxed()),
    ("objects", |context| objects::check(context).boxed()),
    ("mail", |context| mail_server::check(context).boxed()),
    ("disk", |context| disk::check(context).boxed()),
    ("fonts", |context| fonts::check(context).boxed()),
    ("sandbox", |context| sandbox::check(context).boxed()),
    ("passwords", |context| breached::check(context).boxed()),
];

/// Runs all checks concurrently and prints the findings.
///
/// # Errors
/// Fails if the configuration is invalid, or if stdout is closed.
pub async fn run(args: DoctorArgs, global: GlobalArgs) -> anyhow::Result<ExitCode> {
    let (config, origins) = Config::load_with_origins(global.sources(Vec::new()))?;
    // Logging is not started: drivers would log errors that the report explains better.
    let json = args.json;
    let strict = args.strict;
    let context = Arc::new(Context {
        config,
        origins,
        args,
        log: OnceCell::new(),
    });
    let checks = CHECKS
        .iter()
        .map(|(name, check)| bounded(name, check(context.clone()), context.limit()));
    let report = Report::new(join_all(checks).await.into_iter().flatten().collect());
    let mut out = crate::cli::stdout::stdout().lock();
    if json {
        serde_json::to_writer_pretty(&mut out, &report).map_err(std::io::Error::from)?;
        writeln!(out)?;
    } else {
        report.print(&mut out)?;
    }
    let bearable = if strict { Level::Ok } else { Level::Warning };
    Ok(if report.level <= bearable {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(exit::UNHEALTHY)
    })
}

/// Runs a check in its own task with a time limit. A panic or timeout does not affect the other
/// checks.
async fn bounded(
    name: &'static str,
    check: BoxFuture<'static, Vec<Finding>>,
    limit: Duration,
) -> Vec<Finding> {
    let task = tokio::spawn(check);
    let abort = task.abort_handle();
    match tokio::time::timeout(limit, task).await {
        Ok(Ok(findings)) => findings,
        Ok(Err(_)) => vec![Finding::failed(
            name,
            "the check panicked",
            "report this as a defect",
        )],
        Err(_) => {
            abort.abort();
            let found = format!("no answer within {} s", limit.as_secs());
            vec![Finding::failed(
                name,
                found,
                "check whether the server hangs, or increase --timeout",
            )]
        }
    }
}
