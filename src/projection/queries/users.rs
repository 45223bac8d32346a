//! Read queries for users. Users manage certificates; they are not the people who earn them.

use time::OffsetDateTime;
use uuid::Uuid;

use super::filters::{Filter, Names};
use super::listing::{List, Listed, Table};
use super::search::{contains_code, contains_word, search_key};
use super::{columns, row};
use crate::domain::accounts::user::Profile;

row! {
    /// User.
    pub struct UserRow {
        /// User id.
        pub id: Uuid,
        /// `admin`, `operator` or `viewer`.
        pub role: String,
        /// True if the user may log in.
        pub is_active: bool,
        /// Time of the first event.
        pub created_at: OffsetDateTime,
        /// Time of the last event.
        pub updated_at: OffsetDateTime,
        /// Position of its last event. It changes with each change of the row, so it is used as
        /// entity tag.
        pub position: i64,
        /// Position of the event that confirmed the second factor. Absent if there is none.
        pub second_factor_position: Option<i64>,
    }
    with
    /// Names and address.
    pub profile: Profile;
}

columns!(Profile {
    user_name,
    name,
    last_name,
    email
});

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
