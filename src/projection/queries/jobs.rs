//! Jobs: one mail about one issuance each.

use deadpool_postgres::GenericClient;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Listed, Page, query, query_opt, row};
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
        /// `queued`, `claimed`, `retrying`, `sent`, `failed` or `unknown`.
        pub stage: String,
        /// `pending`, `sent` or `error`.
        pub status: String,
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
    /// How many jobs there are.
    pub struct JobsSummary {
        /// All jobs.
        pub total: i64,
        /// Those that wait for a try or are in one.
        pub pending: i64,
        /// Those that a server took.
        pub sent: i64,
        /// Those that were given up, or whose outcome nobody knows.
        pub error: i64,
        /// When a try was last begun.
        #[serde(with = "time::serde::rfc3339::option")]
        pub last_processed: Option<OffsetDateTime>,
    }
}

/// One job.
///
/// # Errors
/// The database is not available.
pub async fn get(client: &impl GenericClient, id: Uuid) -> Result<Option<JobRow>, DatabaseError> {
    query_opt(client, include_str!("../../../projections/jobs/get_job.sql"), &[&id]).await
}

/// Jobs, newest first; only those of a status (`pending`, `sent`, `error`) or an issuance, where that is
/// asked for.
///
/// # Errors
/// The database is not available.
pub async fn list(
    client: &impl GenericClient,
    page: Page,
    status: Option<&str>,
    issuance_id: Option<Uuid>,
) -> Result<Listed<JobRow>, DatabaseError> {
    let sql = include_str!("../../../projections/jobs/list_jobs.sql");
    let rows = query(client, sql, &[&page.after, &page.fetch(), &status, &issuance_id]).await?;
    Ok(page.listed(rows, |row: &JobRow| row.created_position))
}

/// How many jobs there are, by status.
///
/// # Errors
/// The database is not available.
pub async fn summary(client: &impl GenericClient) -> Result<JobsSummary, DatabaseError> {
    let sql = include_str!("../../../projections/jobs/get_jobs_summary.sql");
    let none = JobsSummary { total: 0, pending: 0, sent: 0, error: 0, last_processed: None };
    Ok(query_opt(client, sql, &[]).await?.unwrap_or(none))
}
