//! Attendees: people certificates go to.

use deadpool_postgres::GenericClient;
use time::OffsetDateTime;
use uuid::Uuid;

use super::listing::{self, Conditions, SortKey, Table, folded};
use super::{query_opt, row};
use crate::database::DatabaseError;
use crate::domain::Personal;

row! {
    /// An attendee.
    pub struct AttendeeRow {
        /// The attendee's id.
        pub id: Uuid,
        /// Full name.
        pub full_name: Personal<String>,
        /// Country.
        pub country: Option<Personal<String>>,
        /// What kind of document.
        pub document_type: Option<Personal<String>>,
        /// The document's number; absent for a person without one.
        pub document_number: Option<Personal<String>>,
        /// Gender.
        pub gender: Option<Personal<String>>,
        /// E-mail address.
        pub email: Personal<String>,
        /// The import that made the person known, if one did.
        pub import_id: Option<Uuid>,
        /// The row of that import's file.
        pub import_row: Option<i32>,
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
    }
}

/// One attendee.
///
/// # Errors
/// The database is not available.
pub async fn get(client: &impl GenericClient, id: Uuid) -> Result<Option<AttendeeRow>, DatabaseError> {
    query_opt(client, include_str!("../../../projections/attendees/get_attendee.sql"), &[&id]).await
}

/// Where attendees are listed from.
pub const TABLE: Table =
    Table { columns: "attendees.*", from: "attendees", tie: "attendees.created_position" };
/// In the order in which they became known.
pub const BY_CREATION: SortKey = SortKey::Position("attendees.created_position");
/// In the order of their last change.
pub const BY_CHANGE: SortKey = SortKey::Position("attendees.position");
/// By full name, whatever the case and accents.
pub const BY_NAME: SortKey = SortKey::Text("attendees.name_key");
/// By e-mail address, whatever the case.
pub const BY_EMAIL: SortKey = SortKey::Text("attendees.email_key");

/// Which attendees; those that meet all that is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttendeeFilter {
    /// Words that name, e-mail address or document number contain.
    pub search: Option<String>,
    /// Of this country, whatever the case and accents.
    pub country: Option<String>,
    /// With this kind of document, whatever the case and accents.
    pub document_type: Option<String>,
    /// Accepted by this import: people whom it made known, and people who were known before.
    pub import_id: Option<Uuid>,
    /// Who have been issued this certificate.
    pub certificate_id: Option<Uuid>,
    /// Known since this moment.
    pub created_after: Option<OffsetDateTime>,
    /// Known before this moment.
    pub created_before: Option<OffsetDateTime>,
}

impl AttendeeFilter {
    /// The same for a list.
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

/// The ids of the first `most` people who meet the filter, in the order in which they became known.
///
/// # Errors
/// The database is not available.
pub async fn ids(
    client: &impl GenericClient,
    filter: AttendeeFilter,
    most: usize,
) -> Result<Vec<Uuid>, DatabaseError> {
    listing::ids(client, &Table { columns: "attendees.id", ..TABLE }, &filter.conditions(), most).await
}
