//! Read queries for jobs. A job is one mail about one issuance.

use deadpool_postgres::GenericClient;
use time::OffsetDateTime;
use uuid::Uuid;

use super::filters::{Filter, Names};
use super::listing::{self, Conditions, List, Listed, Table};
use super::search::{contains_code, contains_word, search_key};
use super::{query, query_opt, row};
use crate::database::DatabaseError;
use crate::domain::Personal;

row! {
    /// Job.
    pub struct JobRow {
        /// Job id.
        pub id: Uuid,
        /// Issuance that the mail is about.
        pub issuance_id: Uuid,
        /// Name of the recipient.
        pub to_name: Personal<String>,
        /// Address of the recipient.
        pub to_address: Personal<String>,
        /// `queued`, `claimed`, `retrying`, `sent`, `failed`, `unknown`, `held`, `scheduled` or
        /// `cancelled`.
        pub stage: String,
        /// `pending`, `sent`, `error` or `cancelled`.
        pub status: String,
        /// Time at which a scheduled mail, or the next attempt of a retrying one, will be sent.
        /// Absent in other stages.
        pub due_at: Option<OffsetDateTime>,
        /// Reason for the cancellation.
        pub cancel_reason: Option<Personal<String>>,
        /// Number of the last attempt.
        pub attempts: i32,
        /// Message-ID of the mail. Absent until the server has accepted a recipient.
        pub message_id: Option<String>,
        /// Time of the last attempt: its claim, or the refusal of the recipient.
        pub attempted_at: Option<OffsetDateTime>,
        /// Reply of the server to the last failed attempt, or a description of an unknown outcome.
        pub error_message: Option<Personal<String>>,
        /// Last reply of the server.
        pub answer: Option<Personal<String>>,
        /// Time at which the server accepted the mail.
        pub sent_at: Option<OffsetDateTime>,
        /// Time of the first event.
        pub created_at: OffsetDateTime,
        /// Time of the last event.
        pub updated_at: OffsetDateTime,
        /// Position of its last event. It changes with each change of the row, so it is used as
        /// entity tag.
        pub position: i64,
    }
}

row! {
    /// Number of jobs by stage.
    #[derive(Default)]
    pub struct JobsSummary {
        /// All jobs.
        pub total: i64,
        /// Jobs whose mail the server has accepted.
        pub sent: i64,
        /// Jobs that wait for a worker.
        pub queued: i64,
        /// Jobs that a worker is processing.
        pub claimed: i64,
        /// Jobs that wait for another attempt.
        pub retrying: i64,
        /// Jobs that failed and will not be retried.
        pub failed: i64,
        /// Jobs with an unknown outcome.
        pub unknown: i64,
        /// Jobs that wait for a release.
        pub held: i64,
        /// Jobs that wait for their scheduled time.
        pub scheduled: i64,
        /// Cancelled jobs.
        pub cancelled: i64,
        /// Start of the last attempt of any job.
        pub last_processed: Option<OffsetDateTime>,
    }
}

impl JobsSummary {
    /// Returns the number of jobs that wait for an attempt or are being attempted.
    #[must_use]
    pub const fn pending(&self) -> i64 {
        self.queued + self.claimed + self.retrying + self.held + self.scheduled
    }

    /// Returns the number of jobs that failed or have an unknown outcome.
    #[must_use]
    pub const fn error(&self) -> i64 {
        self.failed + self.unknown
    }

    /// Returns the success rate in hundredths of a percent: the share of sent mails among all sent,
    /// failed and unknown mails. Cancelled mails are excluded. Returns `None` if there are no such
    /// mails yet.
    #[must_use]
    pub const fn success_hundredths(&self) -> Option<i64> {
        let ended = self.sent + self.failed + self.unknown;
        if ended == 0 {
            None
        } else {
            Some((self.sent * 10_000 + ended / 2) / ended)
        }
    }
}

/// States of a job, as named in answers. The table calls them stages.
pub const STATE: Names = Names {
    schema: "JobStateName",
    all: &[
        "queued",
        "claimed",
        "retrying",
        "sent",
        "failed",
        "unknown",
        "held",
        "scheduled",
        "cancelled",
    ],
};
/// Coarser states of a job.
pub const STATUS: Names = Names {
    schema: "JobStatusName",
    all: &["pending", "sent", "error", "cancelled"],
};

/// List of jobs.
pub const LIST: List = List {
    table: Table {
        columns: "jobs.*",
        from: "jobs",
        tie: "jobs.created_position",
    },
    noun: "Jobs",
    created: "jobs.created_at",
    changed: "jobs.position",
    texts: &[],
    filters: &[
        Filter::search(
            "Words that the recipient's name or address contains. Case, accents and punctuation \
             are ignored.",
            concat!(
                "jobs.id IN (SELECT job_recipients.id FROM job_recipients WHERE ",
                contains_word!(search_key!("job_recipients.to_name")),
                " OR ",
                contains_code!("lower(job_recipients.to_address)"),
                ")"
            ),
        ),
        Filter::names(
            "status",
            STATUS,
            "Only jobs with these statuses: `pending` (also held and scheduled), `sent`, `error` \
             (failed or unknown) or `cancelled`.",
            "jobs.status =$$",
        ),
        Filter::names(
            "state",
            STATE,
            "Only jobs in these states.",
            "jobs.stage =$$",
        ),
        Filter::ids(
            "certificateId",
            "Only jobs about generated certificates of these certificates.",
            "jobs.certificate_id =$$",
        ),
        Filter::ids(
            "batchId",
            "Only jobs about generated certificates that these batches created.",
            "jobs.batch_id =$$",
        ),
        Filter::ids(
            "generatedCertificateId",
            "Only jobs about these generated certificates.",
            "jobs.issuance_id =$$",
        ),
    ],
};

impl Listed for JobRow {
    const LIST: &'static List = &LIST;
}

/// Adds the condition that a job is in one of these states.
#[must_use]
pub fn in_states(conditions: Conditions, states: &'static [&'static str]) -> Conditions {
    conditions.and("jobs.stage = ANY ($$::text[])", states)
}

/// Adds the condition that a job waits or is being sent.
#[must_use]
pub fn pending(conditions: Conditions) -> Conditions {
    conditions.and("jobs.status = $$::text", "pending")
}

row! {
    /// Number of jobs in a stage.
    pub struct StageCount {
        /// Stage.
        pub stage: String,
        /// Number of jobs.
        pub count: i64,
    }
}

row! {
    /// Job that waits for a timer.
    pub struct ScheduledJob {
        /// Job id.
        pub id: Uuid,
        /// Time at which the mail will be sent.
        pub due_at: OffsetDateTime,
        /// Position of its last event, which set the timer.
        pub position: i64,
    }
}

row! {
    /// Recent outcomes of jobs.
    pub struct RecentOutcomes {
        /// Jobs whose mail the server has accepted.
        pub sent: i64,
        /// Jobs that failed or have an unknown outcome.
        pub failed: i64,
    }
}

row! {
    /// Due time of a job.
    pub struct Due {
        /// Due time.
        pub due_at: OffsetDateTime,
    }
}

/// Returns the ids of the oldest `most` jobs that meet the conditions.
///
/// # Errors
/// Fails if the database is unavailable.
pub async fn find(
    client: &impl GenericClient,
    conditions: &Conditions,
    most: usize,
) -> Result<Vec<Uuid>, DatabaseError> {
    listing::ids(
        client,
        &Table {
            columns: "jobs.id",
            ..LIST.table
        },
        conditions,
        most,
    )
    .await
}

/// Returns the number of jobs in each stage, among the given jobs.
///
/// # Errors
/// Fails if the database is unavailable.
pub async fn stages_of(
    client: &impl GenericClient,
    ids: &[Uuid],
) -> Result<Vec<StageCount>, DatabaseError> {
    query(
        client,
        include_str!("../../../projections/jobs/count_jobs_by_stage.sql"),
        &[&ids],
    )
    .await
}

row! {
    /// Result row of [`are_being_sent`].
    pub struct BeingSent {
        /// True if a mail waits for a worker or is being sent.
        pub are_being_sent: bool,
    }
}

/// Returns true if a mail waits for a worker or is being sent.
///
/// # Errors
/// The database is not available.
pub async fn are_being_sent(client: &impl GenericClient) -> Result<bool, DatabaseError> {
    let sql = include_str!("../../../projections/jobs/are_being_sent.sql");
    let sending = query_opt::<BeingSent>(client, sql, &[]).await?;
    Ok(sending.is_some_and(|sending| sending.are_being_sent))
}

/// Returns the due time of the next scheduled or retrying job, if any.
///
/// # Errors
/// Fails if the database is unavailable.
pub async fn next_due(
    client: &impl GenericClient,
) -> Result<Option<OffsetDateTime>, DatabaseError> {
    let due = query_opt::<Due>(
        client,
        include_str!("../../../projections/jobs/get_next_due.sql"),
        &[],
    );
    Ok(due.await?.map(|due| due.due_at))
}

/// Returns at most `most` scheduled or retrying jobs in order of due time. The list starts after job `after`.
///
/// # Errors
/// Fails if the database is unavailable.
pub async fn scheduled(
    client: &impl GenericClient,
    after: Option<&ScheduledJob>,
    most: i64,
) -> Result<Vec<ScheduledJob>, DatabaseError> {
    let sql = include_str!("../../../projections/jobs/list_scheduled_jobs.sql");
    let due_at = after.map(|job| job.due_at);
    let id = after.map(|job| job.id);
    query(client, sql, &[&due_at, &id, &most]).await
}

/// Returns the outcomes since `since`.
///
/// # Errors
/// Fails if the database is unavailable.
pub async fn recent_outcomes(
    client: &impl GenericClient,
    since: OffsetDateTime,
) -> Result<RecentOutcomes, DatabaseError> {
    let sql = include_str!("../../../projections/jobs/get_recent_outcomes.sql");
    let none = RecentOutcomes { sent: 0, failed: 0 };
    Ok(query_opt(client, sql, &[&since]).await?.unwrap_or(none))
}

/// Returns the number of jobs by stage.
///
/// # Errors
/// Fails if the database is unavailable.
pub async fn summary(client: &impl GenericClient) -> Result<JobsSummary, DatabaseError> {
    let sql = include_str!("../../../projections/jobs/get_jobs_summary.sql");
    Ok(query_opt(client, sql, &[]).await?.unwrap_or_default())
}
