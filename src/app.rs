//! Composition root: the only module that knows every adapter. It connects the adapters and starts
//! the tasks of each role.

mod again;
mod api;
mod authorizations;
mod dependencies;
mod descriptors;
mod issuing;
mod mailing;
mod management;
mod running;
mod scheduling;
mod storage_folder;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use deadpool_postgres::Pool;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use time::OffsetDateTime;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::certificate_pdf::Renderer;
use crate::commands::Commands;
use crate::config::Config;
use crate::database;
use crate::event_log::{self, EventLog, Names, Step};
use crate::http::Passwords;
use crate::http::auth::authorizations::Authorizations;
use crate::http::auth::passwords::BreachedPasswords;
use crate::importing::Importer;
use crate::mail::{MailProvider, SmtpMailer};
use crate::projection::{LogSource, Maintenance, Presence, ProjectionSet, Projector, Readers};
use crate::rendering::Rendering;
use crate::sandbox::Sandbox;
use crate::spreadsheet::Limits;
use crate::storage::ObjectStorage;
use crate::workers::importer::ImporterWorker;
use crate::workers::processes::Processes;
use crate::workers::renderer::RendererWorker;
use crate::workers::{self, WorkLimits, Worker, WorkerStates};

pub use running::Running;

/// Size of the connection pool of the projector, and of the one for maintenance.
pub const PROJECTOR_CONNECTIONS: usize = 6;
/// Longest wait for the connection to nats-server when a process starts.
const CONNECT_WITHIN: Duration = Duration::from_secs(15);
/// Bucket bounds of all histograms: durations of requests in seconds, and sizes of group commits.
const BUCKETS: [f64; 14] = [
    0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 50.0, 250.0, 1000.0,
];

/// Role of a process. A process can have several roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Role {
    /// Answers HTTP requests.
    Api,
    /// Keeps the query tables up to date with the log.
    Projector,
    /// Executes the commands that process managers derive from events.
    Processes,
    /// Imports uploaded files.
    Importer,
    /// Renders PDFs.
    Renderer,
    /// Sends mails, and releases mails that wait for a time.
    Mailer,
    /// Runs tasks by cron expressions.
    Scheduler,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 7] = [
        Self::Api,
        Self::Projector,
        Self::Processes,
        Self::Importer,
        Self::Renderer,
        Self::Mailer,
        Self::Scheduler,
    ];
}

/// Parts that only the embedded stack provides.
#[derive(Default)]
pub struct Extras {
    /// Socket that already listens. It replaces `http.listen`.
    pub listener: Option<TcpListener>,
    /// Folder of the mail catcher, shown under `/mails`.
    pub caught_mails: Option<PathBuf>,
}

/// All adapters, connected. Until [`Self::start`] is called, no role runs, only the commit task.
pub struct App {
    config: Config,
    commands: Commands,
    pool: Pool,
    projector_pool: Pool,
    set: Arc<ProjectionSet>,
    readers: Readers,
    source: Arc<dyn LogSource>,
    storage: ObjectStorage,
    renderer: Arc<Renderer>,
    mailer: Arc<dyn MailProvider>,
    metrics: PrometheusHandle,
    sandbox: Sandbox,
    workers: WorkerStates,
}

impl App {
    /// Connects to the servers that the configuration names.
    ///
    /// # Errors
    /// Fails if a server can't be reached or a setting is not usable. The message names the cause.
    pub async fn connect(config: Config) -> anyhow::Result<Self> {
        let log = connect_log(&config).await?;
        let set = Arc::new(ProjectionSet::embedded(&config.namespace)?);
        let url = config.database.url.reveal();
        let pool = database::connect(url, Some(&set.search_path()), config.database.connections)?;
        let projector_pool = database::connect(url, None, PROJECTOR_CONNECTIONS)?;
        database::check(&projector_pool).await?;
        let stalled_after = Duration::from_secs(config.management.stalled_after_seconds);
        let readers = Readers::new(projector_pool.clone(), set.clone());
        let readers = readers.with_stalled_after(stalled_after);
        let source: Arc<dyn LogSource> = Arc::new(log.clone());
        let storage = ObjectStorage::open(&config.storage).context("storage")?;
        let renderer = Arc::new(Renderer::new()?);
        let mailer: Arc<dyn MailProvider> = Arc::new(SmtpMailer::new(&config.mail)?);
        let metrics = recorder()?;
        let sandbox = Sandbox::of_this_program().context("sandbox")?;
        let commands = Commands::new(log, Arc::new(OffsetDateTime::now_utc));
        Ok(Self {
            config,
            commands,
            pool,
            projector_pool,
            set,
            readers,
            source,
            storage,
            renderer,
            mailer,
            metrics,
            sandbox,
            workers: WorkerStates::default(),
        })
    }

    /// Returns this app with another sandbox, for a process whose program is not `laureate`.
    #[must_use]
    pub fn with_sandbox(self, sandbox: Sandbox) -> Self {
        Self { sandbox, ..self }
    }

    /// Returns this app with another clock, for tests that set the time.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Fn() -> OffsetDateTime + Send + Sync>) -> Self {
        Self {
            commands: Commands::new(self.commands.log().clone(), clock),
            ..self
        }
    }

    /// Creates or updates streams, consumers and the tables that replay cannot restore.
    ///
    /// # Errors
    /// Fails if a server rejects a change.
    pub async fn prepare(&self) -> anyhow::Result<Vec<Step>> {
        self.migrate().await?;
        Ok(self
            .commands
            .log()
            .provision(self.config.nats.replicas)
            .await?)
    }

    /// Creates or updates the tables that replay cannot restore.
    ///
    /// # Errors
    /// Fails if the database rejects a statement.
    pub async fn migrate(&self) -> anyhow::Result<()> {
        Ok(database::migrate(&self.projector_pool, &self.config.namespace).await?)
    }

    /// Returns the configuration.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// Returns the commands, through which every change is made.
    #[must_use]
    pub const fn commands(&self) -> &Commands {
        &self.commands
    }

    /// Returns the object storage for files.
    #[must_use]
    pub const fn storage(&self) -> &ObjectStorage {
        &self.storage
    }

    /// Returns the renderer.
    #[must_use]
    pub const fn renderer(&self) -> &Arc<Renderer> {
        &self.renderer
    }

    /// Returns the provider that sends mails.
    #[must_use]
    pub const fn mail_provider(&self) -> &Arc<dyn MailProvider> {
        &self.mailer
    }

    /// Returns the view of the query tables' checkpoints.
    #[must_use]
    pub const fn readers(&self) -> &Readers {
        &self.readers
    }

    /// Returns the metrics of this process in the text format of Prometheus.
    #[must_use]
    pub fn metrics(&self) -> String {
        self.metrics.render()
    }

    /// Returns the connection pool for the query tables.
    #[must_use]
    pub const fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Returns the hasher of passwords, as configured.
    ///
    /// # Errors
    /// Fails if the parameters or the list of breached passwords are not usable.
    pub fn passwords(&self) -> anyhow::Result<Passwords> {
        let list = self.config.auth.breached_passwords.as_deref();
        let breached = list
            .map(BreachedPasswords::open)
            .transpose()
            .context("auth.breached_passwords")?;
        Ok(Passwords::new(self.config.http.passwords, breached)?)
    }

    /// Returns the operations that rebuild, verify and clean up the query tables.
    ///
    /// # Errors
    /// Fails if the address of the database is not usable.
    pub fn maintenance(&self) -> anyhow::Result<Maintenance> {
        Ok(Maintenance::new(
            self.maintenance_pool()?,
            self.source.clone(),
            self.set.clone(),
        ))
    }

    /// Creates a separate pool, so that maintenance and requests don't wait for each other.
    fn maintenance_pool(&self) -> anyhow::Result<Pool> {
        Ok(database::connect(
            self.config.database.url.reveal(),
            None,
            PROJECTOR_CONNECTIONS,
        )?)
    }

    /// Returns a service that renders and returns PDFs of certificates. Each caller gets its own
    /// sandbox, so that callers don't wait for each other.
    #[must_use]
    pub fn rendering(&self) -> Rendering {
        let sandbox = self.sandbox.another();
        Rendering::new(
            self.commands.clone(),
            self.renderer.clone(),
            self.storage.clone(),
            sandbox,
        )
    }

    /// Starts the given roles.
    ///
    /// # Errors
    /// Fails if the address to listen on is taken, or if a part of the configuration is not usable.
    pub async fn start(
        &self,
        roles: &[Role],
        extras: Extras,
        shutdown: CancellationToken,
    ) -> anyhow::Result<Running> {
        let grace = Duration::from_secs(self.config.shutdown_grace_seconds);
        let mut running = Running::new(shutdown, grace);
        descriptors::raise(self.config.http.connections.max_open);
        self.recognize_storage(&mut running).await;
        let authorizations = Arc::<Authorizations>::default();
        let dependencies = dependencies::all(self, roles, &authorizations);
        let readiness = self.start_management(dependencies, &mut running).await?;
        if roles.contains(&Role::Api) {
            let presence =
                Presence::announce(self.projector_pool.clone(), self.set.clone()).await?;
            let shutdown = running.shutdown.clone();
            running.spawn("presence", async move {
                presence.keep(shutdown).await;
                Ok(())
            });
        }
        let Extras {
            mut listener,
            caught_mails,
        } = extras;
        for role in roles {
            if *role == Role::Api {
                let listener = match listener.take() {
                    Some(listener) => listener,
                    None => {
                        let listen = self.config.http.listen;
                        TcpListener::bind(listen)
                            .await
                            .with_context(|| format!("cannot listen on {listen}"))?
                    }
                };
                self.start_api(
                    listener,
                    caught_mails.clone(),
                    readiness.clone(),
                    authorizations.clone(),
                    &mut running,
                )?;
            } else {
                self.start_worker(*role, &mut running)?;
            }
        }
        Ok(running)
    }

    fn start_worker(&self, role: Role, running: &mut Running) -> anyhow::Result<()> {
        let log = self.commands.log().clone();
        let commands = self.commands.clone();
        let shutdown = running.shutdown.clone();
        let states = &self.workers;
        let at_once = self.config.workers;
        match role {
            Role::Api => {}
            Role::Projector => {
                let projector = Projector::new(
                    self.projector_pool.clone(),
                    self.source.clone(),
                    self.readers.clone(),
                );
                running.spawn(
                    "projector",
                    async move { Ok(projector.run(shutdown).await?) },
                );
            }
            Role::Processes => {
                let worker = Arc::new(Processes::new(commands, self.issuing_facts()));
                let limits = WorkLimits::new(at_once.processes);
                running.spawn("processes", work(log, worker, limits, states, shutdown));
            }
            Role::Importer => {
                let key = self.config.secrets.claim_key.clone();
                let limits = self.import_limits();
                let importer = Importer::new(
                    commands,
                    self.storage.clone(),
                    key,
                    limits,
                    self.renderer.clone(),
                );
                let worker = Arc::new(ImporterWorker(importer));
                let limits = within(at_once.importer, at_once.importer_budget_seconds);
                running.spawn("importer", work(log, worker, limits, states, shutdown));
            }
            Role::Renderer => {
                let worker = Arc::new(RendererWorker(self.rendering()));
                let limits = within(at_once.renderer, at_once.renderer_budget_seconds);
                running.spawn("renderer", work(log, worker, limits, states, shutdown));
            }
            Role::Mailer => self.start_mailer(running),
            Role::Scheduler => self.start_scheduler(running)?,
        }
        Ok(())
    }

    fn import_limits(&self) -> Limits {
        self.config
            .import
            .limits(self.config.http.upload_limit_bytes)
    }
}

/// Returns the limits of a worker with a budget.
const fn within(concurrency: usize, budget_seconds: u64) -> WorkLimits {
    WorkLimits {
        budget: Some(Duration::from_secs(budget_seconds)),
        ..WorkLimits::new(concurrency)
    }
}

fn work<W: Worker>(
    log: EventLog,
    worker: Arc<W>,
    limits: WorkLimits,
    states: &WorkerStates,
    shutdown: CancellationToken,
) -> impl Future<Output = anyhow::Result<()>> + use<W> {
    let state = states.register(W::NAME);
    async move { Ok(workers::run(log, worker, limits, state, shutdown).await?) }
}

/// Connects only to the log.
///
/// # Errors
/// Fails if the server can't be reached.
pub async fn connect_log(config: &Config) -> anyhow::Result<EventLog> {
    let names = Names::new(&config.namespace)?;
    Ok(EventLog::new(
        event_log::connect(config.nats.address(), CONNECT_WITHIN).await?,
        names,
    ))
}

/// Returns the metrics recorder of the process. The first call installs it.
fn recorder() -> anyhow::Result<PrometheusHandle> {
    static RECORDER: Mutex<Option<PrometheusHandle>> = Mutex::new(None);
    // No code panics while it holds the lock, so the value of a poisoned lock is consistent.
    let mut recorder = RECORDER.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = recorder.as_ref() {
        return Ok(handle.clone());
    }
    let handle = PrometheusBuilder::new()
        .set_buckets(&BUCKETS)?
        .install_recorder()
        .context("metrics")?;
    Ok(recorder.insert(handle).clone())
}
