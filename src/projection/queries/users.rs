//! Read queries for users. Users manage certificates; they are not the people who earn them.

use deadpool_postgres::GenericClient;
use time::OffsetDateTime;
use uuid::Uuid;

use super::filters::{Filter, Names};
use super::listing::{List, Listed, Table};
use super::search::{contains_code, contains_word, search_key};
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

/// Roles of users.
pub const ROLE: Names = Names {
    schema: "RoleName",
    all: &["admin", "operator", "viewer"],
};

/// List of users.
pub const LIST: List = List {
    table: Table {
        columns: "users.*, second_factors.position AS second_factor_position",
        from: "users LEFT JOIN second_factors ON second_factors.user_id = users.id",
        tie: "users.created_position",
    },
    noun: "Users",
    created: "users.created_at",
    changed: "users.position",
    texts: &[
        ("userName", search_key!("users.user_name")),
        ("email", "lower(users.email) COLLATE \"C\""),
    ],
    filters: &[
        Filter::search(
            "Words that the user name, first name, last name or e-mail address contains. Case, \
             accents and punctuation are ignored.",
            concat!(
                contains_word!(search_key!(
                    "(users.user_name || ' ' || users.name || ' ' || users.last_name)"
                )),
                " OR ",
                contains_code!("lower(users.user_name || ' ' || users.email)")
            ),
        ),
        Filter::names(
            "role",
            ROLE,
            "Only users with these roles.",
            "users.role =$$",
        ),
        Filter::flag(
            "isActive",
            "If true, only users who may log in. If false, only users who may not.",
            "users.is_active = $$::boolean",
        ),
    ],
};

impl Listed for UserRow {
    const LIST: &'static List = &LIST;
}
