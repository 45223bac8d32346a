//! Read queries for users. Users manage certificates; they are not the people who earn them.

use deadpool_postgres::GenericClient;
use time::OffsetDateTime;
use uuid::Uuid;

use super::listing::{Conditions, SortKey, Table, folded};
use super::{query_opt, row};
use crate::database::DatabaseError;
use crate::domain::Personal;

row! {
    /// User.
    pub struct UserRow {
        /// User id.
        pub id: Uuid,
        /// User name for login.
        pub user_name: Personal<String>,
        /// First name.
        pub name: Personal<String>,
        /// Last name.
        pub last_name: Personal<String>,
        /// E-mail address.
        pub email: Personal<String>,
        /// `admin`, `operator` or `viewer`.
        pub role: String,
        /// Password hash as a PHC string. It is never part of a response.
        #[serde(skip)]
        pub password_hash: Personal<String>,
        /// True if the user may log in.
        pub is_active: bool,
        /// Time of the first event.
        #[serde(with = "time::serde::rfc3339")]
        pub created_at: OffsetDateTime,
        /// Time of the last event.
        #[serde(with = "time::serde::rfc3339")]
        pub updated_at: OffsetDateTime,
        /// Position of its first event. It is the cursor of lists.
        #[serde(skip)]
        pub created_position: i64,
        /// Position of its last event. It changes with each change of the row, so it is used as
        /// entity tag.
        #[serde(skip)]
        pub position: i64,
        /// Position of the event that confirmed the second factor. Absent if there is none.
        #[serde(skip)]
        pub second_factor_position: Option<i64>,
    }
}

/// Returns the user with this id, if it exists.
///
/// # Errors
/// Fails if the database is unavailable.
pub async fn get(client: &impl GenericClient, id: Uuid) -> Result<Option<UserRow>, DatabaseError> {
    query_opt(
        client,
        include_str!("../../../projections/users/get_user.sql"),
        &[&id],
    )
    .await
}

/// Returns the user with this user name or e-mail address, ignoring case, if it exists.
///
/// # Errors
/// Fails if the database is unavailable.
pub async fn get_by_login(
    client: &impl GenericClient,
    login: &str,
) -> Result<Option<UserRow>, DatabaseError> {
    query_opt(
        client,
        include_str!("../../../projections/users/get_user_by_login.sql"),
        &[&login],
    )
    .await
}

/// Table for lists of users.
pub const TABLE: Table = Table {
    columns: "users.*, second_factors.position AS second_factor_position",
    from: "users LEFT JOIN second_factors ON second_factors.user_id = users.id",
    tie: "users.created_position",
};
/// Order by creation.
pub const BY_CREATION: SortKey = SortKey::Position("users.created_position");
/// Order by last change.
pub const BY_CHANGE: SortKey = SortKey::Position("users.position");
/// Order by user name, ignoring case and accents.
pub const BY_USER_NAME: SortKey = SortKey::Text(folded!("users.user_name"));
/// Order by e-mail address, ignoring case.
pub const BY_EMAIL: SortKey = SortKey::Text("lower(users.email) COLLATE \"C\"");

/// Filter for users. All given fields must match.
#[derive(Clone, Debug, Default)]
pub struct UserFilter {
    /// Words that the user name, first name, last name or e-mail address must contain.
    pub search: Option<String>,
    /// Role: `admin`, `operator` or `viewer`.
    pub role: Option<&'static str>,
    /// True: only users who may log in. False: only users who may not.
    pub is_active: Option<bool>,
}

impl UserFilter {
    /// Returns the conditions for a list with this filter.
    #[must_use]
    pub fn conditions(self) -> Conditions {
        Conditions::default()
            .words(
                concat!(
                    "strpos(",
                    folded!(
                        "(users.user_name || ' ' || users.name || ' ' || users.last_name || ' ' || users.email)"
                    ),
                    ", ",
                    folded!("$$::text"),
                    ") > 0"
                ),
                self.search.as_deref(),
            )
            .maybe("users.role = $$::text", self.role)
            .maybe("users.is_active = $$::boolean", self.is_active)
    }
}
