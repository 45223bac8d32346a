//! Read queries of users. Users are the people who administer.

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
