//! What handlers need, put together by the composition root.

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
use uuid::Uuid;

use super::auth_settings::AuthSettings;
use super::intake::{Intake, IntakeLimits};
use super::last_use::LastUses;
use super::layers::bodies::Bodies;
use super::rate_limit::RateLimits;
use super::readiness::Readiness;
use super::shares::{ClientShares, Shares};
use super::standing::Standing;
use super::waiting::Waiting;
use super::{ApiError, ErrorCode, HttpSettings, Passwords, Tokens};
use crate::commands::Commands;
use crate::commands::attendee::Claiming;
use crate::domain::email::OnUnknown;
use crate::domain::manifest::ShippedTemplate;
use crate::domain::user::Role;
use crate::domain::{Secret, SharedEmail, TimeZone, UserId};
use crate::projection::Readers;
use crate::sandbox::Sandbox;
use crate::scheduler::Plan;
use crate::sheet::Limits;
use crate::storage::ObjectStorage;
use crate::workers::renderer::Rendering;

/// Designs on their way. How many are decoded at the same time, the sandbox limits as well.
const DESIGNS: IntakeLimits = IntakeLimits { places: 32, places_each: 8, at_once: 2, at_once_each: 1 };
/// Files and lists of people on their way. Each that is read takes a thread, and up to 150 MiB.
const IMPORTS: IntakeLimits = IntakeLimits { places: 32, places_each: 8, at_once: 4, at_once_each: 2 };
/// Reports that are made into files at the same time; each may take 2 GiB of disk.
const REPORT_SLOTS: usize = 4;
/// Samples that are drawn at the same time.
const SAMPLE_SLOTS: usize = 2;
/// Time after which a client may try again to have a sample drawn.
const SAMPLE_RETRY_AFTER: Duration = Duration::from_secs(2);
/// Progress that is told to open connections.
const STREAM_SLOTS: usize = 128;
/// Progress streams of one user.
const STREAMS_OF_USER: usize = 32;
/// Exports at the same time; each holds a connection and a transaction.
const EXPORT_SLOTS: usize = 2;
/// Files of whole batches that are written at the same time; each holds a thread.
const BUNDLE_SLOTS: usize = 8;
/// Files of whole batches that one user may download at the same time.
const BUNDLES_OF_USER: usize = 1;
/// How long the tables may take to show what is in the log.
const LEVEL_WITHIN: Duration = Duration::from_secs(5);
/// How long to wait before looking again.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(50);

/// What handlers need; cheap to clone.
#[derive(Clone)]
pub struct HttpState(Arc<Inner>);

/// [`HttpParts`] and what is made of them.
pub struct Inner {
    parts: HttpParts,
    /// Held while a request is at work.
    pub(super) request_slots: Arc<Semaphore>,
    /// Concurrent requests of each client.
    pub(super) requests_of_clients: ClientShares,
    /// Reads that wait for a position.
    pub(super) waiting: Waiting,
    /// Bodies that clients have not read yet.
    pub(super) bodies: Bodies,
    /// The OpenAPI document of this server, built on first use.
    pub(super) document: OnceLock<Bytes>,
    /// How often clients have called.
    pub(super) rate_limits: RateLimits,
    /// When API keys were used.
    pub(super) last_uses: LastUses,
    /// Room for uploaded designs.
    pub(super) designs: Intake,
    /// Room for uploads of people.
    pub(super) imports: Intake,
    /// Held while a report is made into a file.
    pub(super) report_slots: Arc<Semaphore>,
    /// Held while a sample is drawn.
    pub(super) sample_slots: Arc<Semaphore>,
    /// Held while progress is told to an open connection.
    pub(super) stream_slots: Arc<Semaphore>,
    /// Held while the certificates of a batch are written into one file.
    pub(super) bundle_slots: Arc<Semaphore>,
    /// Files of whole batches that each user is downloading.
    pub(super) bundles_of_user: Arc<Shares<UserId>>,
    /// Progress streams of each user.
    pub(super) streams_of_user: Arc<Shares<UserId>>,
    /// Held while a list is exported.
    pub(super) export_slots: Arc<Semaphore>,
}

/// Everything that the composition root hands over.
pub struct HttpParts {
    /// The way to change anything; its clock is ours too.
    pub commands: Commands,
    /// The tables to read from, the projections' schemas in the search path.
    pub pool: Pool,
    /// How far those tables are.
    pub readers: Readers,
    /// The schema of what replay cannot restore, unquoted.
    pub meta_schema: String,
    /// Files.
    pub storage: ObjectStorage,
    /// Issued PDFs.
    pub rendering: Rendering,
    /// Prepares uploaded designs.
    pub sandbox: Sandbox,
    /// Every theme in every version that certificates can choose, newest version of a theme last.
    pub templates: Vec<ShippedTemplate>,
    /// What one uploaded file of people may cost.
    pub import_limits: Limits,
    /// The key of claims.
    pub claim_key: Secret,
    /// True if two people may have one e-mail address.
    pub shared_email: SharedEmail,
    /// Access tokens.
    pub tokens: Tokens,
    /// Who may still do what; somebody has to let it follow the log.
    pub standing: Arc<Standing>,
    /// Password hashes.
    pub passwords: Passwords,
    /// What happens to a mail whose claim is found without an outcome.
    pub on_unknown: OnUnknown,
    /// What runs by the clock, and when.
    pub plan: Plan,
    /// Time zone in which dates of certificates are meant.
    pub time_zone: TimeZone,
    /// What the operator set.
    pub settings: HttpSettings,
    /// What the operator set about how people log in.
    pub auth: AuthSettings,
    /// Fills a slice with random bytes of cryptographic quality.
    pub random: fn(&mut [u8]),
    /// State of the dependencies.
    pub readiness: Readiness,
    /// Ends what would go on for ever, once the process is to stop.
    pub shutdown: CancellationToken,
    /// The folder of the mail catcher, on a demo stack only.
    pub caught_mails: Option<PathBuf>,
}

impl HttpState {
    /// Puts the parts together.
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

    /// Takes a slot for drawing a sample, if one is free.
    ///
    /// # Errors
    /// 503 with `Retry-After`.
    pub(super) fn sample_slot(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        self.sample_slots.clone().try_acquire_owned().map_err(|_| {
            let busy = ApiError::new(ErrorCode::Busy, "too many samples are being drawn; try again");
            busy.retry_after(SAMPLE_RETRY_AFTER)
        })
    }

    /// Waits until the query tables show what is in the log now: for questions that decide something, where a
    /// table is the only place to ask them.
    ///
    /// # Errors
    /// 503, if the tables don't get there in time, or the log can't be read.
    pub async fn tables_are_level(&self) -> Result<(), ApiError> {
        let end = self.commands.log().info().await?.last_position;
        Ok(self.readers.wait_for(end, LEVEL_WITHIN).await?)
    }

    /// Looks until what was looked for is there, and gives what was seen last: for as long as `most`, but less
    /// than a request may take, after which nobody would be told.
    ///
    /// # Errors
    /// Looking fails.
    pub(super) async fn look_until<T, F>(&self, most: Duration, look: impl Fn() -> F) -> Result<T, ApiError>
    where
        F: Future<Output = Result<(bool, T), ApiError>>,
    {
        let patience = Duration::from_secs(self.settings.request_timeout_seconds) / 2;
        let deadline = Instant::now() + most.min(patience);
        loop {
            let (is_there, seen) = look().await?;
            if is_there || Instant::now() >= deadline {
                return Ok(seen);
            }
            tokio::time::sleep(LOOK_AGAIN_AFTER).await;
        }
    }

    /// Whether somebody of this role has to have a second factor and has none.
    #[must_use]
    pub fn lacks_second_factor(&self, id: UserId, role: Role) -> bool {
        self.auth.second_factor.asks(role) && !self.standing.has_second_factor(id)
    }

    /// Key and rule of the claims on people.
    #[must_use]
    pub fn claiming(&self) -> Claiming<'_> {
        Claiming { key: self.claim_key.reveal().as_bytes(), shared_email: self.shared_email }
    }

    /// The time now.
    #[must_use]
    pub fn now(&self) -> OffsetDateTime {
        self.commands.now()
    }

    /// Returns the date now in the issuer's time zone.
    #[must_use]
    pub fn today(&self) -> Date {
        self.time_zone.date_at(self.now())
    }

    /// A fresh random id (UUID version 4).
    #[must_use]
    pub fn random_id(&self) -> Uuid {
        let mut bytes = [0; 16];
        (self.random)(&mut bytes);
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }

    /// A path of the API, with its prefix.
    #[must_use]
    pub fn api_path(&self, path: &str) -> String {
        format!("{}{path}", self.settings.prefix)
    }

    /// The address under which the public reaches a path.
    #[must_use]
    pub fn public_url(&self, path: &str) -> String {
        format!("{}{path}", self.settings.public_base_url)
    }

    /// The path under which the public reaches a path of ours, whatever its host.
    #[must_use]
    pub fn public_path(&self, path: &str) -> String {
        let base = &self.settings.public_base_url;
        let rest = base.split_once("://").map_or(base.as_str(), |(_, rest)| rest);
        format!("{}{path}", rest.find('/').map_or("", |at| &rest[at..]))
    }

    /// A connection to the read tables.
    ///
    /// # Errors
    /// The database is not available.
    pub async fn database(&self) -> Result<deadpool_postgres::Client, ApiError> {
        Ok(self.pool.get().await.map_err(crate::database::DatabaseError::from)?)
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
