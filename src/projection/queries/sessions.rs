//! Read queries of login sessions.

use time::OffsetDateTime;
use uuid::Uuid;

use super::listing::{Conditions, List, Listed, Table};
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
        /// Time of the last refresh, or of the login.
        #[serde(with = "time::serde::rfc3339")]
        pub refreshed_at: OffsetDateTime,
        /// Expiry of the current refresh token.
        #[serde(with = "time::serde::rfc3339")]
        pub expires_at: OffsetDateTime,
        /// Latest end of the session, which no refresh extends.
        #[serde(with = "time::serde::rfc3339")]
        pub ends_at: OffsetDateTime,
        /// Position of its first event; the cursor of lists.
        #[serde(skip)]
        pub created_position: i64,
        /// Position of its last event.
        #[serde(skip)]
        pub position: i64,
    }
}

/// List of sessions. A session is created by a login and changed by a refresh.
pub const LIST: List = List {
    table: Table {
        columns: "sessions.*",
        from: "sessions JOIN users ON users.id = sessions.user_id",
        tie: "sessions.created_position",
    },
    noun: "Sessions",
    created: "sessions.started_at",
    changed: "sessions.position",
    texts: &[],
    filters: &[],
};

impl Listed for SessionRow {
    const LIST: &'static List = &LIST;
}

/// Adds the conditions for a user's sessions that can be refreshed at `now`.
#[must_use]
pub fn open_sessions(conditions: Conditions, user: Uuid, now: OffsetDateTime) -> Conditions {
    conditions
        .and("sessions.user_id = $$::uuid", user)
        .now(
            "sessions.revoked_at IS NULL AND sessions.epoch >= users.epoch AND sessions.expires_at > $now::timestamptz",
            now,
        )
}
