//! Attendees: people certificates go to.

use deadpool_postgres::GenericClient;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Listed, Page, query, query_opt, row};
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
        /// The document's number.
        pub document_number: Personal<String>,
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

/// Attendees, newest first.
///
/// # Errors
/// The database is not available.
pub async fn list(client: &impl GenericClient, page: Page) -> Result<Listed<AttendeeRow>, DatabaseError> {
    let sql = include_str!("../../../projections/attendees/list_attendees.sql");
    let rows = query(client, sql, &[&page.after, &page.fetch()]).await?;
    Ok(page.listed(rows, |row: &AttendeeRow| row.created_position))
}

/// Which people are meant; those who meet all that is given.
#[derive(Clone, Debug, Default)]
pub struct AttendeeSelection {
    /// Made known by this import.
    pub import_id: Option<Uuid>,
    /// Of this country, in whatever case.
    pub country: Option<String>,
    /// With this in their name, e-mail address or document number, in whatever case.
    pub search: Option<String>,
    /// Known since this time.
    pub created_after: Option<OffsetDateTime>,
    /// Known before this time.
    pub created_before: Option<OffsetDateTime>,
}

row! {
    /// Somebody who is meant.
    pub struct SelectedRow {
        /// The attendee's id.
        pub id: Uuid,
    }
}

/// The ids of the first `most` people who are meant, in the order in which they became known.
///
/// # Errors
/// The database is not available.
pub async fn select(
    client: &impl GenericClient,
    selection: &AttendeeSelection,
    most: i64,
) -> Result<Vec<Uuid>, DatabaseError> {
    let sql = include_str!("../../../projections/attendees/select_attendees.sql");
    let AttendeeSelection { import_id, country, search, created_after, created_before } = selection;
    let rows: Vec<SelectedRow> =
        query(client, sql, &[&most, import_id, country, search, created_after, created_before]).await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}
