//! `laureate demo`: turns a spreadsheet into mailed certificates with one command.
//!
//! Starts embedded servers and all roles in this process, then uses the API as an ordinary client
//! ([`journey`]). Compares the results with the expected ones ([`report`]). The exit code is 3 if
//! they differ.

mod backstage;
mod checks;
pub mod client;
mod import_sheets;
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
use crate::dev_stack::StackOptions;
use crate::domain::Secret;
use crate::domain::accounts::user::Profile;

use backstage::Backstage;
use client::Client;
use journey::Journey;
use logs::DemoLog;
use progress::Progress;
use report::Outcome;
use sheets::Sheet;
use summary::{Links, summary};

/// Log directives if `LAUREATE_LOG` is not set.
const LOG: &str = "info";
/// File name of the log in the data folder.
const LOG_NAME: &str = "demo.log";
/// Longest wait until the API reports that it is ready.
const READY_WITHIN: Duration = Duration::from_secs(120);
/// Exit code if a signal stops the demo before there is a result.
const INTERRUPTED: u8 = 130;

/// Options of `demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Number of people to make up instead of using the sample file
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    people: Option<u32>,
    /// Seed for the made-up people
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// Exit when all checks are done
    #[arg(long)]
    exit: bool,
    /// Write counts and times to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Folder for all data; defaults to a temporary folder
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Address of the API; port 0 picks a free port
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Give up after this time without progress
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..))]
    patience: u64,
}

/// Runs the demo. Returns exit code 3 if a check fails.
///
/// # Errors
/// Fails if a server can't be started, or if a file can't be written.
pub async fn run(args: DemoArgs, global: GlobalArgs) -> anyhow::Result<ExitCode> {
    let begun = Instant::now();
    if let Some(path) = &args.json {
        writable(path)?;
    }
    let log = DemoLog::install(&std::env::var("LAUREATE_LOG").unwrap_or_else(|_| LOG.to_owned()))?;
    let progress = Progress::on_stderr();
    let shutdown = stop_on_signals()?;
    let options = EmbeddedOptions {
        stack: StackOptions {
            data_dir: args.data_dir.clone(),
            sync_always: true,
            ..StackOptions::default()
        },
        listen: args.listen,
        global,
        starts_logging: false,
    };
    progress.say("starting nats-server, PostgreSQL, a mail catcher and all roles of the product");
    let embedded = tokio::select! {
        embedded = up::start(options, shutdown.clone()) => embedded?,
        () = shutdown.cancelled() => return Ok(ExitCode::from(INTERRUPTED)),
    };
    Demo {
        args,
        begun,
        progress,
        log,
        shutdown,
    }
    .run(embedded)
    .await
}

/// A running demo.
struct Demo {
    args: DemoArgs,
    begun: Instant,
    progress: Progress,
    log: DemoLog,
    shutdown: CancellationToken,
}

impl Demo {
    /// Runs the demo, serves until a signal arrives, and stops everything in order.
    async fn run(&self, embedded: Embedded) -> anyhow::Result<ExitCode> {
        let Embedded {
            mut stack,
            app,
            running,
            address,
            management,
        } = embedded;
        let log_file = stack.data_dir().join(LOG_NAME);
        self.log
            .write_to(&log_file)
            .with_context(|| format!("cannot write {}", log_file.display()))?;
        self.progress.say(&format!(
            "data is in {}, the log in {LOG_NAME}",
            stack.data_dir().display()
        ));
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
        let folder = if self.args.data_dir.is_some() {
            ""
        } else {
            " and removing the temporary folder"
        };
        self.progress.say(&format!("stopping{folder}"));
        self.shutdown.cancel();
        let stopped = if running_ended { Ok(()) } else { running.await };
        stack.stop().await;
        result.and(stopped)?;
        Ok(ExitCode::from(verdict.get().unwrap_or(INTERRUPTED)))
    }

    /// Runs all steps and prints the summary. Then waits for shutdown, unless `--exit` is given.
    async fn show(
        &self,
        backstage: &Backstage<'_>,
        address: SocketAddr,
        management: Option<SocketAddr>,
        verdict: &Cell<Option<u8>>,
    ) -> anyhow::Result<()> {
        let prefix = backstage.app().config().http.prefix.clone();
        let mut client = Client::new(address, &prefix)?;
        let (email, password) = self
            .create_admin_and_log_in(&mut client, backstage.app())
            .await?;
        let mut outcome = Outcome {
            rejected_expected: Some(0),
            ..Outcome::default()
        };
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
        let root = client.root().to_owned();
        let password = password.reveal().to_owned();
        let links = Links {
            root,
            management,
            prefix,
            email,
            password,
        };
        let links = (!self.args.exit).then_some(&links);
        self.print_summary(&outcome, links)?;
        verdict.set(Some(if outcome.missing().is_empty() {
            0
        } else {
            exit::DIFFERENT
        }));
        if !self.args.exit {
            self.progress.say("serving until Ctrl-C");
            self.shutdown.cancelled().await;
        }
        Ok(())
    }

    /// Creates an administrator, waits until the API is ready, and logs `client` in. Returns the
    /// credentials.
    async fn create_admin_and_log_in(
        &self,
        client: &mut Client,
        app: &App,
    ) -> anyhow::Result<(String, Secret)> {
        let is_new = app.commands().log().info().await?.last_position == 0;
        // In a data folder of an earlier run, the user name `admin` is taken.
        let name = if is_new {
            "admin".to_owned()
        } else {
            format!("demo-{:08x}", rand::random::<u32>())
        };
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

    /// Returns the spreadsheets to upload, and notes their origin in `outcome`.
    fn sheets(&self, outcome: &mut Outcome) -> anyhow::Result<Vec<Sheet>> {
        let Some(people) = self.args.people else {
            let sheet = sheets::sample();
            (outcome.source, outcome.rejected_expected) =
                (sheet.name.clone(), Some(sheets::SAMPLE_REJECTED));
            return Ok(vec![sheet]);
        };
        let sheets = sheets::made_up(people as usize, self.args.seed)?;
        outcome.source = match sheets.len() {
            1 => "a made-up spreadsheet".to_owned(),
            files => format!("{files} made-up spreadsheets"),
        };
        Ok(sheets)
    }

    fn print_summary(&self, outcome: &Outcome, links: Option<&Links>) -> anyhow::Result<()> {
        if let Some(path) = &self.args.json {
            let text = serde_json::to_string_pretty(&outcome.report())? + "\n";
            std::fs::write(path, text)
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
        self.progress.finish();
        let mut out = crate::cli::stdout::stdout().lock();
        out.write_all(summary(outcome, links).as_bytes())?;
        Ok(out.flush()?)
    }

    /// Copies the log out of the temporary folder, which is about to be removed.
    fn keep_log(&self) {
        let path = std::env::temp_dir().join(format!("laureate-demo-{}.log", std::process::id()));
        match self.log.copy_to(&path) {
            Ok(()) => self
                .progress
                .say(&format!("the log is kept in {}", path.display())),
            Err(error) => self
                .progress
                .say(&format!("the log could not be kept: {error}")),
        }
    }
}

/// Fails if `path` can't be written. Called before any server is started.
fn writable(path: &Path) -> anyhow::Result<()> {
    let opened = std::fs::File::options()
        .create(true)
        .append(true)
        .open(path);
    opened
        .map(drop)
        .with_context(|| format!("cannot write {}", path.display()))
}
