//! Jobs: one mail about one issuance each.

use deadpool_postgres::GenericClient;
use time::OffsetDateTime;
use uuid::Uuid;

use super::listing::{self, Conditions, SortKey, Table, folded};
use super::{query, query_opt, row};
use crate::database::DatabaseError;
use crate::domain::Personal;

row! {
    /// A job.
    pub struct JobRow {
        /// The job's id.
        pub id: Uuid,
        /// The issuance that it is about.
        pub issuance_id: Uuid,
        /// Who gets the mail.
        pub to_name: Personal<String>,
        /// Where the mail goes.
        pub to_address: Personal<String>,
        /// `queued`, `claimed`, `retrying`, `sent`, `failed`, `unknown`, `held`, `scheduled` or `cancelled`.
        pub stage: String,
        /// `pending`, `sent`, `error` or `cancelled`.
        pub status: String,
        /// When it is to be sent, while it is scheduled.
        #[serde(with = "time::serde::rfc3339::option")]
        pub due_at: Option<OffsetDateTime>,
        /// Why it was cancelled.
        pub cancel_reason: Option<Personal<String>>,
        /// How many tries were begun.
        pub attempts: i32,
        /// The mail's Message-ID, once a try was begun.
        pub message_id: Option<String>,
        /// When the last try was begun.
        #[serde(with = "time::serde::rfc3339::option")]
        pub attempted_at: Option<OffsetDateTime>,
        /// The server's answer to the last try that failed, or what is known about an unknown outcome.
        pub error_message: Option<Personal<String>>,
        /// The server's last answer.
        pub answer: Option<Personal<String>>,
        /// When the server took the mail.
        #[serde(with = "time::serde::rfc3339::option")]
        pub sent_at: Option<OffsetDateTime>,
        /// When its first event was appended.
        #[serde(with = "time::serde::rfc3339")]
        pub created_at: OffsetDateTime,
        /// When its last event was appended.
        #[serde(with = "time::serde::rfc3339")]
        pub updated_at: OffsetDateTime,
        /// Its first event; the cursor of lists.
        #[serde(skip)]
        pub created_position: i64,
        /// Its last event; changes with every change of the row, so it makes an ETag.
        #[serde(skip)]
        pub position: i64,
    }
}

row! {
    /// How many jobs there are, by stage.
    #[derive(Default)]
    pub struct JobsSummary {
        /// All jobs.
        pub total: i64,
        /// Those that a server took.
        pub sent: i64,
        /// Those that wait for a worker.
        pub queued: i64,
        /// Those that a worker is at.
        pub claimed: i64,
        /// Those that wait for another try.
        pub retrying: i64,
        /// Those that were given up.
        pub failed: i64,
        /// Those whose outcome nobody knows.
        pub unknown: i64,
        /// Those that wait for somebody.
        pub held: i64,
        /// Those that wait for their time.
        pub scheduled: i64,
        /// Those that are not to be sent.
        pub cancelled: i64,
        /// When a try was last begun.
        #[serde(with = "time::serde::rfc3339::option")]
        pub last_processed: Option<OffsetDateTime>,
    }
}

impl JobsSummary {
    /// Those that wait for a try or are in one.
    #[must_use]
    pub const fn pending(&self) -> i64 {
        self.queued + self.claimed + self.retrying + self.held + self.scheduled
    }

    /// Those that failed or have an unknown outcome.
    #[must_use]
    pub const fn error(&self) -> i64 {
        self.failed + self.unknown
    }

    /// Hundredths of a percent of the mails that were tried to their end and taken by a server; cancelled
    /// ones don't count. `None` before any ended.
    #[must_use]
    pub const fn success_hundredths(&self) -> Option<i64> {
        let ended = self.sent + self.failed + self.unknown;
        if ended == 0 { None } else { Some((self.sent * 10_000 + ended / 2) / ended) }
    }
}

/// Where jobs are listed from.
pub const TABLE: Table = Table { columns: "jobs.*", from: "jobs", tie: "jobs.created_position" };
/// In the order in which they were queued.
pub const BY_CREATION: SortKey = SortKey::Position("jobs.created_position");
/// In the order of their last change.
pub const BY_CHANGE: SortKey = SortKey::Position("jobs.position");

/// Which jobs: those that meet all that is given.
#[derive(Clone, Debug, Default)]
pub struct JobFilter {
    /// Words that the recipient's name or address contain.
    pub search: Option<String>,
    /// Of this status: `pending`, `sent`, `error` or `cancelled`.
    pub status: Option<String>,
    /// In one of these stages.
    pub stages: Option<Vec<String>>,
    /// About this issuance.
    pub issuance_id: Option<Uuid>,
    /// About issuances of this certificate.
    pub certificate_id: Option<Uuid>,
    /// About issuances that this batch made.
    pub batch_id: Option<Uuid>,
    /// Queued at this time or later.
    pub from: Option<OffsetDateTime>,
    /// Queued before this time.
    pub to: Option<OffsetDateTime>,
}

impl JobFilter {
    /// The same for a list.
    #[must_use]
    pub fn conditions(self) -> Conditions {
        Conditions::default()
            .words(
                concat!(
                    "strpos(",
                    folded!("(jobs.to_name || ' ' || jobs.to_address)"),
                    ", ",
                    folded!("$$::text"),
                    ") > 0"
                ),
                self.search.as_deref(),
            )
            .maybe("jobs.status = $$::text", self.status)
            .maybe("jobs.stage = ANY ($$::text[])", self.stages)
            .maybe("jobs.issuance_id = $$::uuid", self.issuance_id)
            .maybe(
                "jobs.issuance_id IN (SELECT issuances.id FROM issuances WHERE issuances.certificate_id = $$::uuid)",
                self.certificate_id,
            )
            .maybe(
                "jobs.issuance_id IN (SELECT issuances.id FROM issuances WHERE issuances.batch_id = $$::uuid)",
                self.batch_id,
            )
            .maybe("jobs.created_at >= $$::timestamptz", self.from)
            .maybe("jobs.created_at < $$::timestamptz", self.to)
    }
}

row! {
    /// How many jobs are in a stage.
    pub struct StageCount {
        /// The stage.
        pub stage: String,
        /// How many.
        pub count: i64,
    }
}

row! {
    /// A scheduled job.
    pub struct ScheduledJob {
        /// The job.
        pub id: Uuid,
        /// When it is to be sent.
        #[serde(with = "time::serde::rfc3339")]
        pub due_at: OffsetDateTime,
    }
}

row! {
    /// What became of the jobs that were tried lately.
    pub struct RecentOutcomes {
        /// Those that a server took.
        pub sent: i64,
        /// Those that were given up, or whose outcome nobody knows.
        pub failed: i64,
    }
}

row! {
    /// When a scheduled job is due.
    pub struct Due {
        /// The time.
        #[serde(with = "time::serde::rfc3339")]
        pub due_at: OffsetDateTime,
    }
}

/// One job.
///
/// # Errors
/// The database is not available.
pub async fn get(client: &impl GenericClient, id: Uuid) -> Result<Option<JobRow>, DatabaseError> {
    query_opt(client, include_str!("../../../projections/jobs/get_job.sql"), &[&id]).await
}

/// The oldest jobs that meet a filter, at most so many.
///
/// # Errors
/// The database is not available.
pub async fn find(
    client: &impl GenericClient,
    filter: JobFilter,
    most: usize,
) -> Result<Vec<Uuid>, DatabaseError> {
    listing::ids(client, &Table { columns: "jobs.id", ..TABLE }, &filter.conditions(), most).await
}

/// How many of these jobs are in each stage.
///
/// # Errors
/// The database is not available.
pub async fn stages_of(client: &impl GenericClient, ids: &[Uuid]) -> Result<Vec<StageCount>, DatabaseError> {
    query(client, include_str!("../../../projections/jobs/count_jobs_by_stage.sql"), &[&ids]).await
}

/// When the next scheduled job is due.
///
/// # Errors
/// The database is not available.
pub async fn next_due(client: &impl GenericClient) -> Result<Option<OffsetDateTime>, DatabaseError> {
    let due = query_opt::<Due>(client, include_str!("../../../projections/jobs/get_next_due.sql"), &[]);
    Ok(due.await?.map(|due| due.due_at))
}

/// Scheduled jobs after another, those due first.
///
/// # Errors
/// The database is not available.
pub async fn scheduled(
    client: &impl GenericClient,
    after: Option<&ScheduledJob>,
    most: i64,
) -> Result<Vec<ScheduledJob>, DatabaseError> {
    let sql = include_str!("../../../projections/jobs/list_scheduled_jobs.sql");
    let (due_at, id) = (after.map(|job| job.due_at), after.map(|job| job.id));
    query(client, sql, &[&due_at, &id, &most]).await
}

/// What became of the jobs that were last tried since a time.
///
/// # Errors
/// The database is not available.
pub async fn recent_outcomes(
    client: &impl GenericClient,
    since: OffsetDateTime,
) -> Result<RecentOutcomes, DatabaseError> {
    let sql = include_str!("../../../projections/jobs/get_recent_outcomes.sql");
    let none = RecentOutcomes { sent: 0, failed: 0 };
    Ok(query_opt(client, sql, &[&since]).await?.unwrap_or(none))
}

/// How many jobs there are, by stage.
///
/// # Errors
/// The database is not available.
pub async fn summary(client: &impl GenericClient) -> Result<JobsSummary, DatabaseError> {
    let sql = include_str!("../../../projections/jobs/get_jobs_summary.sql");
    Ok(query_opt(client, sql, &[]).await?.unwrap_or_default())
}
