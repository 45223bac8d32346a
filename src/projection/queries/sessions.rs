//! Read queries for login sessions.

use time::OffsetDateTime;
use uuid::Uuid;

use super::listing::{Conditions, List, Listed, Table};
use super::row;

row! {
    /// Login session.
    pub struct SessionRow {
        /// Session id.
        pub id: Uuid,
        /// Time of the login.
        pub started_at: OffsetDateTime,
        /// Time of the last refresh. Equals the time of login if there was none.
        pub refreshed_at: OffsetDateTime,
        /// Expiry of the current refresh token.
        pub expires_at: OffsetDateTime,
        /// Latest possible end of the session. A refresh doesn't extend it.
        pub ends_at: OffsetDateTime,
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
