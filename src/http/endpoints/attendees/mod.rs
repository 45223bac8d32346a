//! Attendees: people certificates go to.

pub mod bulk;
pub mod bulk_upload;
pub mod get;
pub mod list;
mod taking_in;

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::Personal;
use crate::projection::queries::attendees::AttendeeRow;

/// A person certificates go to.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttendeeAnswer {
    /// The attendee's id.
    pub id: Uuid,
    /// Full name.
    #[schema(value_type = String)]
    pub full_name: Personal<String>,
    /// Country.
    #[schema(value_type = Option<String>)]
    pub country: Option<Personal<String>>,
    /// What kind of document.
    #[schema(value_type = Option<String>)]
    pub document_type: Option<Personal<String>>,
    /// The document's number.
    #[schema(value_type = String)]
    pub document_number: Personal<String>,
    /// Gender.
    #[schema(value_type = Option<String>)]
    pub gender: Option<Personal<String>>,
    /// E-mail address.
    #[schema(value_type = String)]
    pub email: Personal<String>,
    /// The import that made the person known, if one did.
    pub import_id: Option<Uuid>,
    /// The row of that import's file.
    pub import_row: Option<i32>,
    /// When the person became known (RFC 3339).
    pub created_at: String,
    /// When what is known last changed (RFC 3339).
    pub updated_at: String,
}

impl From<AttendeeRow> for AttendeeAnswer {
    fn from(row: AttendeeRow) -> Self {
        Self {
            id: row.id,
            full_name: row.full_name,
            country: row.country,
            document_type: row.document_type,
            document_number: row.document_number,
            gender: row.gender,
            email: row.email,
            import_id: row.import_id,
            import_row: row.import_row,
            created_at: super::rfc3339(row.created_at),
            updated_at: super::rfc3339(row.updated_at),
        }
    }
}
