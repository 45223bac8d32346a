//! `laureate demo`: from one command to a spreadsheet that became mailed certificates.
//!
//! It starts embedded servers and all roles in this process, and is then a client of the API like any
//! other ([`journey`]). What it finds it compares with what must be ([`report`]), and the exit code tells.

mod backstage;
mod checks;
pub mod client;
mod issue;
mod journey;
mod logs;
mod patience;
mod progress;
mod render_again;
mod report;
mod sheets;
mod space;
mod summary;
mod take_in;

use std::cell::Cell;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Args;
use tokio_util::sync::CancellationToken;

use super::global::GlobalArgs;
use super::serve::stop_on_signals;
use super::up::{self, Embedded, EmbeddedOptions};
use super::{admin, exit};
use crate::app::App;
use crate::domain::Secret;
use crate::domain::user::Profile;
use crate::stack::StackOptions;

use backstage::Backstage;
use client::Client;
use journey::Journey;
use logs::DemoLog;
use progress::Progress;
use report::Outcome;
use sheets::Sheet;
use summary::{Links, summary};

/// What logs say where nothing else is asked for.
const LOG: &str = "info";
/// The log's name in the data folder.
const LOG_NAME: &str = "demo.log";
/// How long the tables may take to be there.
const READY_WITHIN: Duration = Duration::from_secs(120);
/// Stopped by a signal before there was a result.
const INTERRUPTED: u8 = 130;

/// Options of `demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Make up this many people instead of the sample file
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    people: Option<u32>,
    /// Another number makes up other people
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// Stop by itself when everything is checked
    #[arg(long)]
    exit: bool,
    /// Write counts and times to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Keep all data here; a temporary folder where absent
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Where the API listens; a free port where absent
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Give up when nothing has moved for so long
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..))]
    patience: u64,
}

/// Shows the whole product. Exit code 3 where something is missing at the end.
///
/// # Errors
/// A server can't be started or a file not be written.
pub async fn run(args: DemoArgs, global: GlobalArgs) -> anyhow::Result<ExitCode> {
    let begun = Instant::now();
    if let Some(path) = &args.json {
        writable(path)?;
    }
    let log = DemoLog::install(&std::env::var("LAUREATE_LOG").unwrap_or_else(|_| LOG.to_owned()))?;
    let progress = Progress::on_stderr();
    let shutdown = stop_on_signals()?;
    let options = EmbeddedOptions {
        stack: StackOptions { data_dir: args.data_dir.clone(), sync_always: true, ..StackOptions::default() },
        listen: args.listen,
        global,
        starts_logging: false,
    };
    progress.say("starting nats-server, PostgreSQL, a mail catcher and all roles of the product");
    let embedded = tokio::select! {
        embedded = up::start(options, shutdown.clone()) => embedded?,
        () = shutdown.cancelled() => return Ok(ExitCode::from(INTERRUPTED)),
    };
    Demo { args, begun, progress, log, shutdown }.run(embedded).await
}

/// A demo under way.
struct Demo {
    args: DemoArgs,
    begun: Instant,
    progress: Progress,
    log: DemoLog,
    shutdown: CancellationToken,
}

impl Demo {
    /// Shows everything, serves until asked to stop, and stops everything in order.
    async fn run(&self, embedded: Embedded) -> anyhow::Result<ExitCode> {
        let Embedded { mut stack, app, running, address, management } = embedded;
        let log_file = stack.data_dir().join(LOG_NAME);
        self.log.write_to(&log_file).with_context(|| format!("cannot write {}", log_file.display()))?;
        self.progress.say(&format!("data is in {}, the log in {LOG_NAME}", stack.data_dir().display()));
        let room = space::check(self.args.people.unwrap_or(0).into(), stack.data_dir());
        let backstage = Backstage::new(&app, stack.mail().counter());
        let mut running = Box::pin(running.wait());
        let mut running_ended = false;
        let verdict = Cell::new(None);
        let result = tokio::select! {
            result = async { room?; self.show(&backstage, address, management, &verdict).await } => result,
            () = self.shutdown.cancelled() => Ok(()),
            error = stack.failed() => Err(error.into()),
            ended = &mut running => {
                running_ended = true;
                ended
            }
        };
        let good = result.is_ok() && verdict.get() != Some(exit::DIFFERENT);
        if !good && self.args.data_dir.is_none() {
            self.keep_log();
        }
        let folder = if self.args.data_dir.is_some() { "" } else { " and removing the temporary folder" };
        self.progress.say(&format!("stopping{folder}"));
        self.shutdown.cancel();
        let stopped = if running_ended { Ok(()) } else { running.await };
        stack.stop().await;
        result.and(stopped)?;
        Ok(ExitCode::from(verdict.get().unwrap_or(INTERRUPTED)))
    }

    /// The way, the summary, and then the time to look around.
    async fn show(
        &self,
        backstage: &Backstage<'_>,
        address: SocketAddr,
        management: Option<SocketAddr>,
        verdict: &Cell<Option<u8>>,
    ) -> anyhow::Result<()> {
        let prefix = backstage.app().config().http.prefix.clone();
        let mut client = Client::new(address, &prefix)?;
        let (email, password) = self.let_in(&mut client, backstage.app()).await?;
        let mut outcome = Outcome { rejected_expected: Some(0), ..Outcome::default() };
        let sheets = self.sheets(&mut outcome)?;
        outcome.seconds.setup = self.begun.elapsed().as_secs_f64();
        let journey = Journey {
            client: &client,
            progress: &self.progress,
            backstage,
            patience: Duration::from_secs(self.args.patience),
        };
        if let Err(error) = journey.go(sheets, &mut outcome).await {
            outcome.problems.push(format!("{error:#}"));
        }
        outcome.warnings = self.log.warnings();
        outcome.seconds.total = self.begun.elapsed().as_secs_f64();
        let (root, password) = (client.root().to_owned(), password.reveal().to_owned());
        let links = Links { root, management, prefix, email, password };
        let links = (!self.args.exit).then_some(&links);
        self.tell(&outcome, links)?;
        verdict.set(Some(if outcome.missing().is_empty() { 0 } else { exit::DIFFERENT }));
        if !self.args.exit {
            self.progress.say("serving until Ctrl-C");
            self.shutdown.cancelled().await;
        }
        Ok(())
    }

    /// Makes somebody who may do everything and logs in as them, once everything is ready.
    async fn let_in(&self, client: &mut Client, app: &App) -> anyhow::Result<(String, Secret)> {
        let is_new = app.commands().log().info().await?.last_position == 0;
        // In a folder that was used before, the name is taken.
        let name = if is_new { "admin".to_owned() } else { format!("demo-{:08x}", rand::random::<u32>()) };
        let email = format!("{name}@laureate.example");
        let profile = Profile {
            user_name: name.into(),
            name: "Demo".to_owned().into(),
            last_name: "Laureate".to_owned().into(),
            email: email.clone().into(),
        };
        let password = Secret::new(admin::made_up_password());
        admin::create(app, profile, password.reveal(), None).await?;
        client.wait_until_ready(READY_WITHIN).await?;
        client.log_in(&email, &password).await?;
        Ok((email, password))
    }

    /// What is to be uploaded.
    fn sheets(&self, outcome: &mut Outcome) -> anyhow::Result<Vec<Sheet>> {
        let Some(people) = self.args.people else {
            let sheet = sheets::sample();
            (outcome.source, outcome.rejected_expected) = (sheet.name.clone(), Some(sheets::SAMPLE_REJECTED));
            return Ok(vec![sheet]);
        };
        let sheets = sheets::made_up(people as usize, self.args.seed)?;
        outcome.source = match sheets.len() {
            1 => "a made-up spreadsheet".to_owned(),
            files => format!("{files} made-up spreadsheets"),
        };
        Ok(sheets)
    }

    fn tell(&self, outcome: &Outcome, links: Option<&Links>) -> anyhow::Result<()> {
        if let Some(path) = &self.args.json {
            let text = serde_json::to_string_pretty(&outcome.report())? + "\n";
            std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
        }
        self.progress.finish();
        let mut out = std::io::stdout().lock();
        out.write_all(summary(outcome, links).as_bytes())?;
        Ok(out.flush()?)
    }

    /// The temporary folder is about to go, and its log says what went wrong.
    fn keep_log(&self) {
        let path = std::env::temp_dir().join(format!("laureate-demo-{}.log", std::process::id()));
        match self.log.copy_to(&path) {
            Ok(()) => self.progress.say(&format!("the log is kept in {}", path.display())),
            Err(error) => self.progress.say(&format!("the log could not be kept: {error}")),
        }
    }
}

/// Refuses a file that can't be written, before anything is started.
fn writable(path: &Path) -> anyhow::Result<()> {
    let opened = std::fs::File::options().create(true).append(true).open(path);
    opened.map(drop).with_context(|| format!("cannot write {}", path.display()))
}
