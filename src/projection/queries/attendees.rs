//! Read queries for attendees, the people who earn certificates.

use deadpool_postgres::GenericClient;
use time::OffsetDateTime;
use uuid::Uuid;

use super::listing::{self, Conditions, SortKey, Table, folded};
use super::{query_opt, row};
use crate::database::DatabaseError;
use crate::domain::Personal;

row! {
    /// Attendee.
    pub struct AttendeeRow {
        /// Attendee id.
        pub id: Uuid,
        /// Full name.
        pub full_name: Personal<String>,
        /// Country.
        pub country: Option<Personal<String>>,
        /// Type of the identity document.
        pub document_type: Option<Personal<String>>,
        /// Number of the identity document; absent if there is none.
        pub document_number: Option<Personal<String>>,
        /// Gender.
        pub gender: Option<Personal<String>>,
        /// E-mail address.
        pub email: Personal<String>,
        /// Import that created the attendee. Absent if no import did.
        pub import_id: Option<Uuid>,
        /// Row in the file of that import.
        pub import_row: Option<i32>,
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
    }
}

/// Returns the attendee with this id, if it exists.
///
/// # Errors
/// Fails if the database is unavailable.
pub async fn get(
    client: &impl GenericClient,
    id: Uuid,
) -> Result<Option<AttendeeRow>, DatabaseError> {
    query_opt(
        client,
        include_str!("../../../projections/attendees/get_attendee.sql"),
        &[&id],
    )
    .await
}

/// Table for lists of attendees.
pub const TABLE: Table = Table {
    columns: "attendees.*",
    from: "attendees",
    tie: "attendees.created_position",
};
/// Order by creation.
pub const BY_CREATION: SortKey = SortKey::Position("attendees.created_position");
/// Order by last change.
pub const BY_CHANGE: SortKey = SortKey::Position("attendees.position");
/// Order by full name, ignoring case and accents.
pub const BY_NAME: SortKey = SortKey::Text("attendees.name_key");
/// Order by e-mail address, ignoring case.
pub const BY_EMAIL: SortKey = SortKey::Text("attendees.email_key");

/// Filter for attendees. All given fields must match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttendeeFilter {
    /// Words that the name, e-mail address or document number must contain.
    pub search: Option<String>,
    /// Country, ignoring case and accents.
    pub country: Option<String>,
    /// Type of the identity document, ignoring case and accents.
    pub document_type: Option<String>,
    /// Import that created the attendee or found the attendee to exist already.
    pub import_id: Option<Uuid>,
    /// Certificate that the attendee must have an issuance of.
    pub certificate_id: Option<Uuid>,
    /// Earliest creation time, inclusive.
    pub created_after: Option<OffsetDateTime>,
    /// Latest creation time, exclusive.
    pub created_before: Option<OffsetDateTime>,
}

impl AttendeeFilter {
    /// Returns the conditions for a list with this filter.
    #[must_use]
    pub fn conditions(self) -> Conditions {
        Conditions::default()
            .words(
                concat!(
                    "strpos(attendees.name_key || ' ' || attendees.email_key || ' ' || attendees.document_key, ",
                    folded!("$$::text"),
                    ") > 0"
                ),
                self.search.as_deref(),
            )
            .maybe(concat!(folded!("attendees.country"), " = ", folded!("$$::text")), self.country)
            .maybe(concat!(folded!("attendees.document_type"), " = ", folded!("$$::text")), self.document_type)
            .maybe(
                "attendees.id IN (SELECT made.id FROM attendees made WHERE made.import_id = $$::uuid \
                 UNION ALL SELECT known.attendee_id FROM import_known_people known \
                 WHERE known.import_id = $$::uuid)",
                self.import_id,
            )
            .maybe(
                "EXISTS (SELECT FROM issuances WHERE issuances.attendee_id = attendees.id \
                 AND issuances.certificate_id = $$::uuid)",
                self.certificate_id,
            )
            .maybe("attendees.created_at >= $$::timestamptz", self.created_after)
            .maybe("attendees.created_at < $$::timestamptz", self.created_before)
    }
}

/// Returns the ids of the oldest `most` attendees that match the filter, in order of creation.
///
/// # Errors
/// Fails if the database is unavailable.
pub async fn ids(
    client: &impl GenericClient,
    filter: AttendeeFilter,
    most: usize,
) -> Result<Vec<Uuid>, DatabaseError> {
    listing::ids(
        client,
        &Table {
            columns: "attendees.id",
            ..TABLE
        },
        &filter.conditions(),
        most,
    )
    .await
}
