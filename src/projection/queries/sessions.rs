//! Read queries for login sessions.

use time::OffsetDateTime;
use uuid::Uuid;

use super::listing::{Conditions, Table};
use super::row;

row! {
    /// Login session.
    pub struct SessionRow {
        /// Session id.
        pub id: Uuid,
        /// User of the session.
        pub user_id: Uuid,
        /// Time of the login.
        #[serde(with = "time::serde::rfc3339")]
        pub started_at: OffsetDateTime,
        /// Time of the last refresh. Equals the time of login if there was none.
        #[serde(with = "time::serde::rfc3339")]
        pub refreshed_at: OffsetDateTime,
        /// Expiry of the current refresh token.
        #[serde(with = "time::serde::rfc3339")]
        pub expires_at: OffsetDateTime,
        /// Latest possible end of the session. A refresh doesn't extend it.
        #[serde(with = "time::serde::rfc3339")]
        pub ends_at: OffsetDateTime,
        /// Position of its first event. It is the cursor of lists.
        #[serde(skip)]
        pub created_position: i64,
        /// Position of its last event.
        #[serde(skip)]
        pub position: i64,
    }
}

/// Table for lists of sessions.
pub const TABLE: Table = Table {
    columns: "sessions.*",
    from: "sessions JOIN users ON users.id = sessions.user_id",
    tie: "sessions.created_position",
};

/// Returns the conditions for the sessions of a user that can be refreshed at time `now`.
#[must_use]
pub fn going_on(user: Uuid, now: OffsetDateTime) -> Conditions {
    Conditions::default()
        .and("sessions.user_id = $$::uuid", user)
        .now(
            "sessions.revoked_at IS NULL AND sessions.epoch >= users.epoch AND sessions.expires_at > $$::timestamptz",
            now,
        )
}
