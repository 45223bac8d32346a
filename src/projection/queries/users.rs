//! Read queries of users. Users are the people who administer.

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
        /// Name for logging in.
        pub user_name: Personal<String>,
        /// First name.
        pub name: Personal<String>,
        /// Last name.
        pub last_name: Personal<String>,
        /// E-mail address.
        pub email: Personal<String>,
        /// `admin`, `operator` or `viewer`.
        pub role: String,
        /// Hash of the password as a PHC string; never part of an answer.
        #[serde(skip)]
        pub password_hash: Personal<String>,
        /// True if the user may log in.
        pub is_active: bool,
        /// Time at which its first event was appended.
        #[serde(with = "time::serde::rfc3339")]
        pub created_at: OffsetDateTime,
        /// Time at which its last event was appended.
        #[serde(with = "time::serde::rfc3339")]
        pub updated_at: OffsetDateTime,
        /// Position of its first event; the cursor of lists.
        #[serde(skip)]
        pub created_position: i64,
        /// Position of its last event. Each change of the row changes it, so it is used as entity
        /// tag.
        #[serde(skip)]
        pub position: i64,
        /// Position of the event that confirmed the second factor; absent without one.
        #[serde(skip)]
        pub second_factor_position: Option<i64>,
    }
}

/// Returns the user with this id, if any.
///
/// # Errors
/// The database is not available.
pub async fn get(client: &impl GenericClient, id: Uuid) -> Result<Option<UserRow>, DatabaseError> {
    query_opt(
        client,
        include_str!("../../../projections/users/get_user.sql"),
        &[&id],
    )
    .await
}

/// Returns the user with this user name or e-mail address, ignoring case, if any.
///
/// # Errors
/// The database is not available.
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

/// Source of lists of users.
pub const TABLE: Table = Table {
    columns: "users.*, second_factors.position AS second_factor_position",
    from: "users LEFT JOIN second_factors ON second_factors.user_id = users.id",
    tie: "users.created_position",
};
/// Order of creation.
pub const BY_CREATION: SortKey = SortKey::Position("users.created_position");
/// Order of the last change.
pub const BY_CHANGE: SortKey = SortKey::Position("users.position");
/// Order of the user name, ignoring case and accents.
pub const BY_USER_NAME: SortKey = SortKey::Text(folded!("users.user_name"));
/// Order of the e-mail address, ignoring case.
pub const BY_EMAIL: SortKey = SortKey::Text("lower(users.email) COLLATE \"C\"");

/// Filter for users. All given fields must match.
#[derive(Clone, Debug, Default)]
pub struct UserFilter {
    /// Words contained in the user name, first name, last name or e-mail address.
    pub search: Option<String>,
    /// Role: `admin`, `operator` or `viewer`.
    pub role: Option<&'static str>,
    /// True for users who may log in, false for those who may not.
    pub is_active: Option<bool>,
}

impl UserFilter {
    /// Returns the conditions of a list with this filter.
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
