//! State that all handlers share. The composition root creates it.

use std::fmt::Display;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use deadpool_postgres::Pool;
use time::{Date, OffsetDateTime};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use url::Url;
use uuid::Uuid;

use super::auth::auth_settings::AuthSettings;
use super::auth::authorizations::Authorizations;
use super::auth::last_use::LastUses;
use super::auth::rate_limit::RateLimits;
use super::protocol::extract::IfMatch;
use super::protocol::intake::{Intake, IntakeLimits};
use super::protocol::waiting::Waiting;
use super::server::layers::bodies::Bodies;
use super::server::readiness::Readiness;
use super::server::shares::{ClientShares, Shares};
use super::{ApiError, ErrorCode, HttpSettings, Passwords, Tokens};
use crate::commands::attendee::Claiming;
use crate::commands::{CommandContext, CommandError, Commands, Done};
use crate::domain::accounts::user::Role;
use crate::domain::certification::mail::OnUnknown;
use crate::domain::certification::manifest::ShippedTemplate;
use crate::domain::{Decider, Secret, SharedEmail, TimeZone, UserId, web_url};
use crate::projection::Readers;
use crate::projection::queries::listing::{self, Listed};
use crate::rendering::Rendering;
use crate::sandbox::Sandbox;
use crate::scheduler::Plan;
use crate::spreadsheet::Limits;
use crate::storage::ObjectStorage;

/// Limits of design uploads. The sandbox also limits how many designs are decoded at the same time.
const DESIGNS: IntakeLimits = IntakeLimits {
    places: 32,
    places_each: 8,
    at_once: 2,
    at_once_each: 1,
};
/// Limits of uploads of people. While an upload is read, it uses a thread and up to 150 MiB of
/// memory.
const IMPORTS: IntakeLimits = IntakeLimits {
    places: 32,
    places_each: 8,
    at_once: 4,
    at_once_each: 2,
};
/// Largest number of reports that are written to files at the same time. Each can use 2 GiB of disk
/// space.
const REPORT_SLOTS: usize = 4;
/// Largest number of samples that are drawn at the same time.
const SAMPLE_SLOTS: usize = 2;
/// Value of `Retry-After` if too many samples are being drawn.
const SAMPLE_RETRY_AFTER: Duration = Duration::from_secs(2);
/// Largest number of open progress streams.
const STREAM_SLOTS: usize = 128;
/// Largest number of open progress streams of one user.
const STREAMS_OF_USER: usize = 32;
/// Largest number of exports that run at the same time. Each uses a connection and a transaction.
const EXPORT_SLOTS: usize = 2;
/// Largest number of files of whole batches that are written at the same time. Each uses a thread.
const BUNDLE_SLOTS: usize = 8;
/// Largest number of files of whole batches that one user can download at the same time.
const BUNDLES_OF_USER: usize = 1;
/// Longest wait until the tables contain all events up to the current end of the log.
const LEVEL_WITHIN: Duration = Duration::from_secs(5);
/// First interval between two polls. The interval is doubled after each poll.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(50);
/// Longest interval between two polls.
const LOOK_AGAIN_AT_LEAST_AFTER: Duration = Duration::from_millis(400);

/// State that all handlers share. Cheap to clone.
#[derive(Clone)]
pub struct HttpState(Arc<Inner>);

/// [`HttpParts`], and the state that is created from them.
pub struct Inner {
    parts: HttpParts,
    /// Permits of concurrent requests.
    pub(super) request_slots: Arc<Semaphore>,
    /// Concurrent requests of each client.
    pub(super) requests_of_clients: ClientShares,
    /// Requests that wait for a position of the query tables.
    pub(super) waiting: Waiting,
    /// Bodies that clients have not read yet.
    pub(super) bodies: Bodies,
    /// OpenAPI document of this server. It is built on first use.
    pub(super) document: OnceLock<Bytes>,
    /// Rate limits of clients and accounts.
    pub(super) rate_limits: RateLimits,
    /// Time at which the last use of each API key was recorded.
    pub(super) last_uses: LastUses,
    /// Limiter of design uploads.
    pub(super) designs: Intake,
    /// Limiter of uploads of people.
    pub(super) imports: Intake,
    /// Permits to write a report to a file.
    pub(super) report_slots: Arc<Semaphore>,
    /// Permits to draw a sample.
    pub(super) sample_slots: Arc<Semaphore>,
    /// Permits to keep a progress stream open.
    pub(super) stream_slots: Arc<Semaphore>,
    /// Permits to write the certificates of a batch to one file.
    pub(super) bundle_slots: Arc<Semaphore>,
    /// Files of whole batches that each user is downloading.
    pub(super) bundles_of_user: Arc<Shares<UserId>>,
    /// Progress streams of each user.
    pub(super) streams_of_user: Arc<Shares<UserId>>,
    /// Permits to export a list.
    pub(super) export_slots: Arc<Semaphore>,
}

/// Parts that the composition root provides.
pub struct HttpParts {
    /// Executes commands. The handlers use the same clock as the commands.
    pub commands: Commands,
    /// Connections to the query tables. Their search path contains the schemas of the projections.
    pub pool: Pool,
    /// Positions of the query tables.
    pub readers: Readers,
    /// Schema of the tables whose rows can't be restored from the log. The name is not quoted.
    pub meta_schema: String,
    /// Storage of files.
    pub storage: ObjectStorage,
    /// Renderer of issued PDFs.
    pub rendering: Rendering,
    /// Prepares uploaded designs.
    pub sandbox: Sandbox,
    /// All versions of all themes that certificates can use. The newest version of a theme is the
    /// last.
    pub templates: Vec<ShippedTemplate>,
    /// Limits for reading one uploaded file of people.
    pub import_limits: Limits,
    /// HMAC key for the ids of claims.
    pub claim_key: Secret,
    /// Rule for people who have the same e-mail address.
    pub shared_email: SharedEmail,
    /// Issues and verifies access tokens.
    pub tokens: Tokens,
    /// Authorization state. The composition root must run [`Authorizations::follow`].
    pub authorizations: Arc<Authorizations>,
    /// Hashes and verifies passwords.
    pub passwords: Passwords,
    /// Rule for a mail that was claimed for sending but has no recorded outcome.
    pub on_unknown: OnUnknown,
    /// Scheduled tasks, with the times at which they run.
    pub plan: Plan,
    /// Time zone of the dates of certificates, and of times without an offset.
    pub time_zone: TimeZone,
    /// HTTP settings.
    pub settings: HttpSettings,
    /// Authentication settings.
    pub auth: AuthSettings,
    /// Fills a slice with cryptographically secure random bytes.
    pub random: fn(&mut [u8]),
    /// State of the dependencies.
    pub readiness: Readiness,
    /// Cancelled when the process stops. Open streams then end.
    pub shutdown: CancellationToken,
    /// Folder of the mail catcher. Present only on a demo stack.
    pub caught_mails: Option<PathBuf>,
}

impl HttpState {
    /// Creates the state from its parts.
    #[must_use]
    pub fn new(parts: HttpParts) -> Self {
        let request_slots = Arc::new(Semaphore::new(parts.settings.max_concurrent_requests));
        let rate_limits = RateLimits::new(&parts.settings.limits);
        let requests_of_clients = ClientShares::new(parts.settings.max_concurrent_per_client);
        let bodies = Bodies::new(parts.settings.connections.max_untaken_bytes);
        let slots = |number| Arc::new(Semaphore::new(number));
        Self(Arc::new(Inner {
            parts,
            request_slots,
            requests_of_clients,
            waiting: Waiting::default(),
            bodies,
            document: OnceLock::new(),
            rate_limits,
            last_uses: LastUses::default(),
            designs: Intake::new(DESIGNS),
            imports: Intake::new(IMPORTS),
            bundle_slots: slots(BUNDLE_SLOTS),
            bundles_of_user: Shares::new(BUNDLES_OF_USER),
            export_slots: slots(EXPORT_SLOTS),
            report_slots: slots(REPORT_SLOTS),
            sample_slots: slots(SAMPLE_SLOTS),
            stream_slots: slots(STREAM_SLOTS),
            streams_of_user: Shares::new(STREAMS_OF_USER),
        }))
    }

    /// Acquires a permit to draw a sample. Waits until one is free.
    ///
    /// # Errors
    /// 500 during shutdown.
    pub(super) async fn next_sample_slot(&self) -> Result<Arc<OwnedSemaphorePermit>, ApiError> {
        let slot = self.sample_slots.clone().acquire_owned().await;
        slot.map(Arc::new).map_err(ApiError::internal)
    }

    /// Acquires a permit to draw a sample, without waiting.
    ///
    /// # Errors
    /// 503 with `Retry-After` if no permit is free.
    pub(super) fn sample_slot(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        self.sample_slots.clone().try_acquire_owned().map_err(|_| {
            let busy = ApiError::new(
                ErrorCode::Busy,
                "too many samples are being drawn; try again",
            );
            busy.retry_after(SAMPLE_RETRY_AFTER)
        })
    }

    /// Waits until the query tables contain all events that are now in the log. It is for decisions
    /// that need data from a table.
    ///
    /// # Errors
    /// 503 if the tables do not contain the events within 5 s, or if the log can't be read.
    pub async fn wait_until_caught_up(&self) -> Result<(), ApiError> {
        let end = self.commands.log().info().await?.last_position;
        Ok(self.readers.wait_for(end, LEVEL_WITHIN).await?)
    }

    /// Calls `look` repeatedly until the first part of its result is true. Returns the second part
    /// of the last result. Stops after the time `most`, or after half of the request timeout if
    /// that is shorter, so that there is time left to send the response.
    ///
    /// # Errors
    /// The error of `look`.
    pub(super) async fn look_until<T, F>(
        &self,
        most: Duration,
        look: impl Fn() -> F,
    ) -> Result<T, ApiError>
    where
        F: Future<Output = Result<(bool, T), ApiError>>,
    {
        let patience = Duration::from_secs(self.settings.request_timeout_seconds) / 2;
        let deadline = Instant::now() + most.min(patience);
        let mut pause = LOOK_AGAIN_AFTER;
        loop {
            let (is_there, seen) = look().await?;
            if is_there || Instant::now() >= deadline {
                return Ok(seen);
            }
            tokio::time::sleep(pause).await;
            pause = (2 * pause).min(LOOK_AGAIN_AT_LEAST_AFTER);
        }
    }

    /// Loads the state of an aggregate.
    ///
    /// # Errors
    /// The log can't be read.
    pub async fn load<D: Decider>(&self, id: impl Display) -> Result<D::State, CommandError> {
        Ok(self.commands.load::<D>(id).await?.state)
    }

    /// Executes a command on one aggregate if the client accepts its version.
    ///
    /// # Errors
    /// The refusal of the command; 412 if the client does not accept the version; 503 if the log
    /// can't be used.
    pub async fn change<D>(
        &self,
        context: &CommandContext,
        id: impl Display,
        if_match: &IfMatch,
        command: D::Command,
    ) -> Result<Done<D>, CommandError>
    where
        D: Decider<Command: Clone>,
    {
        let decide = |_: &D::State| Ok(command.clone());
        self.commands
            .change::<D>(context, id, &if_match.versions(), decide)
            .await
    }

    /// Returns true if users with this role must have a second factor and this user does not have
    /// one.
    #[must_use]
    pub fn lacks_second_factor(&self, id: UserId, role: Role) -> bool {
        self.auth.second_factor.asks(role) && !self.authorizations.has_second_factor(id)
    }

    /// Returns the key and the rule for the claims of people.
    #[must_use]
    pub fn claiming(&self) -> Claiming<'_> {
        Claiming {
            key: self.claim_key.reveal().as_bytes(),
            shared_email: self.shared_email,
        }
    }

    /// Returns the current time.
    #[must_use]
    pub fn now(&self) -> OffsetDateTime {
        self.commands.now()
    }

    /// Returns the current date in the issuer's time zone.
    #[must_use]
    pub fn today(&self) -> Date {
        self.time_zone.date_at(self.now())
    }

    /// Returns a random id (UUID version 4).
    #[must_use]
    pub fn random_id(&self) -> Uuid {
        let mut bytes = [0; 16];
        (self.random)(&mut bytes);
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }

    /// Returns a path of the API with its prefix.
    #[must_use]
    pub fn api_path(&self, path: &str) -> String {
        format!("{}{path}", self.settings.prefix)
    }

    /// Returns the public URL for a path.
    #[must_use]
    pub fn public_url(&self, path: &str) -> String {
        format!("{}{path}", self.settings.public_base_url)
    }

    /// Returns the path of the public URL for `path`.
    #[must_use]
    pub fn public_path(&self, path: &str) -> String {
        let base = web_url(&self.settings.public_base_url);
        let base = base.as_ref().map_or("", Url::path);
        format!("{}{path}", base.trim_end_matches('/'))
    }

    /// Reads the row with this id. `what` names the kind of resource.
    ///
    /// # Errors
    /// 404 if there is none; 503 if the database is unavailable.
    pub async fn find<T: Listed>(&self, what: &str, id: Uuid) -> Result<T, ApiError> {
        let row = listing::get(&self.database().await?, id).await?;
        row.ok_or_else(|| ApiError::not_found(what))
    }

    /// Gets a connection to the query tables.
    ///
    /// # Errors
    /// 503 if the database is unavailable.
    pub async fn database(&self) -> Result<deadpool_postgres::Client, ApiError> {
        Ok(self
            .pool
            .get()
            .await
            .map_err(crate::database::DatabaseError::from)?)
    }
}

impl Deref for HttpState {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Deref for Inner {
    type Target = HttpParts;

    fn deref(&self) -> &HttpParts {
        &self.parts
    }
}
