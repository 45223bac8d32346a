//! Sessions: who is logged in.

use time::OffsetDateTime;
use uuid::Uuid;

use super::listing::{Conditions, Table};
use super::row;

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

/// Where sessions are listed from.
pub const TABLE: Table = Table {
    columns: "sessions.*",
    from: "sessions JOIN users ON users.id = sessions.user_id",
    tie: "sessions.created_position",
};

/// A user's sessions that can be refreshed at `now`.
#[must_use]
pub fn going_on(user: Uuid, now: OffsetDateTime) -> Conditions {
    Conditions::default()
        .and("sessions.user_id = $$::uuid", user)
        .now(
            "sessions.revoked_at IS NULL AND sessions.epoch >= users.epoch AND sessions.expires_at > $$::timestamptz",
            now,
        )
}
