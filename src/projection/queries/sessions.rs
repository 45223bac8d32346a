//! Sessions: who is logged in.

use deadpool_postgres::GenericClient;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Listed, Page, query, row};
use crate::database::DatabaseError;

row! {
    /// A session.
    pub struct SessionRow {
        /// The session's id.
        pub id: Uuid,
        /// Whose it is.
        pub user_id: Uuid,
        /// When somebody logged in.
        #[serde(with = "time::serde::rfc3339")]
        pub started_at: OffsetDateTime,
        /// When its token was last exchanged, or it began.
        #[serde(with = "time::serde::rfc3339")]
        pub refreshed_at: OffsetDateTime,
        /// Until when its refresh token counts.
        #[serde(with = "time::serde::rfc3339")]
        pub expires_at: OffsetDateTime,
        /// When it is over however often it is refreshed.
        #[serde(with = "time::serde::rfc3339")]
        pub ends_at: OffsetDateTime,
        /// Its first event; the cursor of lists.
        #[serde(skip)]
        pub created_position: i64,
        /// Its last event.
        #[serde(skip)]
        pub position: i64,
    }
}

/// A user's sessions that can be refreshed at `now`, newest first.
///
/// # Errors
/// The database is not available.
pub async fn list(
    client: &impl GenericClient,
    user: Uuid,
    now: OffsetDateTime,
    page: Page,
) -> Result<Listed<SessionRow>, DatabaseError> {
    let sql = include_str!("../../../projections/sessions/list_sessions.sql");
    let rows = query(client, sql, &[&user, &now, &page.after, &page.fetch()]).await?;
    Ok(page.listed(rows, |row: &SessionRow| row.created_position))
}
