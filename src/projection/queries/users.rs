//! Users: people who administer.

use deadpool_postgres::GenericClient;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Listed, Page, query, query_opt, row};
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

/// Users, newest first; only those of a role, active or not, where that is asked for.
///
/// # Errors
/// The database is not available.
pub async fn list(
    client: &impl GenericClient,
    page: Page,
    role: Option<&str>,
    is_active: Option<bool>,
) -> Result<Listed<UserRow>, DatabaseError> {
    let sql = include_str!("../../../projections/users/list_users.sql");
    let rows = query(client, sql, &[&page.after, &page.fetch(), &role, &is_active]).await?;
    Ok(page.listed(rows, |row: &UserRow| row.created_position))
}
