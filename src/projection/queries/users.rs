//! Users: people who administer.

use deadpool_postgres::GenericClient;
use time::OffsetDateTime;
use uuid::Uuid;

use super::listing::{Conditions, SortKey, Table, folded};
use super::{query_opt, row};
use crate::database::DatabaseError;
use crate::domain::Personal;

row! {
    /// A user.
    pub struct UserRow {
        /// The user's id.
        pub id: Uuid,
        /// The name for logging in.
        pub user_name: Personal<String>,
        /// First name.
        pub name: Personal<String>,
        /// Last name.
        pub last_name: Personal<String>,
        /// E-mail address.
        pub email: Personal<String>,
        /// `admin`, `operator` or `viewer`.
        pub role: String,
        /// The password's hash as a PHC string; never part of an answer.
        #[serde(skip)]
        pub password_hash: Personal<String>,
        /// Whether the user may log in.
        pub is_active: bool,
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
        /// Where the second factor was switched on, if there is one.
        #[serde(skip)]
        pub second_factor_position: Option<i64>,
    }
}

/// One user.
///
/// # Errors
/// The database is not available.
pub async fn get(client: &impl GenericClient, id: Uuid) -> Result<Option<UserRow>, DatabaseError> {
    query_opt(client, include_str!("../../../projections/users/get_user.sql"), &[&id]).await
}

/// The user of this user name or e-mail address, whatever the case.
///
/// # Errors
/// The database is not available.
pub async fn get_by_login(
    client: &impl GenericClient,
    login: &str,
) -> Result<Option<UserRow>, DatabaseError> {
    query_opt(client, include_str!("../../../projections/users/get_user_by_login.sql"), &[&login]).await
}

/// Where users are listed from.
pub const TABLE: Table = Table {
    columns: "users.*, second_factors.position AS second_factor_position",
    from: "users LEFT JOIN second_factors ON second_factors.user_id = users.id",
    tie: "users.created_position",
};
/// In the order in which they were added.
pub const BY_CREATION: SortKey = SortKey::Position("users.created_position");
/// In the order of their last change.
pub const BY_CHANGE: SortKey = SortKey::Position("users.position");
/// By user name, whatever the case and accents.
pub const BY_USER_NAME: SortKey = SortKey::Text(folded!("users.user_name"));
/// By e-mail address, whatever the case.
pub const BY_EMAIL: SortKey = SortKey::Text("lower(users.email) COLLATE \"C\"");

/// Which users; those that meet all that is given.
#[derive(Clone, Debug, Default)]
pub struct UserFilter {
    /// Words that user name, name, last name or e-mail address contain.
    pub search: Option<String>,
    /// Of this role: `admin`, `operator` or `viewer`.
    pub role: Option<&'static str>,
    /// Only those who may log in, or only those who may not.
    pub is_active: Option<bool>,
}

impl UserFilter {
    /// The same for a list.
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
