//! Attendees: the people who get certificates.

pub mod bulk;
pub mod bulk_upload;
mod import_people;
pub mod read;
mod reading_form;
pub mod write;

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::{AttendeeId, Person, Personal};
use crate::http::HttpState;
use crate::http::protocol::timestamp::Timestamp;
use crate::projection::queries::attendees::AttendeeRow;
use crate::rendering::undrawable;
use crate::rendering::undrawable::{UNDRAWABLE, UndrawableField};

/// A person who gets certificates.
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
    /// Type of the document.
    #[schema(value_type = Option<String>)]
    pub document_type: Option<Personal<String>>,
    /// Number of the document; null for a person without a document.
    #[schema(value_type = Option<String>)]
    pub document_number: Option<Personal<String>>,
    /// Gender.
    #[schema(value_type = Option<String>)]
    pub gender: Option<Personal<String>>,
    /// E-mail address.
    #[schema(value_type = String)]
    pub email: Personal<String>,
    /// Id of the import that created the person; absent if there is none, and in the answer to a
    /// change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub import_id: Option<Uuid>,
    /// Row in the file of that import; absent if `importId` is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub import_row: Option<i32>,
    /// Fields with characters that no font of certificates can draw; only in the answer to a
    /// creation or change.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<AttendeeWarning>,
    /// Time of creation (RFC 3339); absent in the answer to a creation or change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    /// Time of the last change (RFC 3339); absent in the answer to a creation or change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Timestamp>,
}

/// Accepted value with which no certificate can be issued to the person.
#[derive(Serialize, ToSchema)]
pub struct AttendeeWarning {
    /// The field's name.
    #[schema(example = "fullName")]
    pub field: &'static str,
    /// A stable code.
    #[schema(example = "UNDRAWABLE")]
    pub code: &'static str,
    /// The problem, with the characters, and how to solve it.
    #[schema(value_type = String)]
    pub message: Personal<String>,
}

impl AttendeeAnswer {
    /// Returns the person after a change, without the values that only the query tables contain.
    fn of_person(http: &HttpState, id: AttendeeId, person: Person) -> Self {
        let undrawable = undrawable::of_person(http.rendering.renderer(), &person);
        Self {
            warnings: undrawable.into_iter().map(AttendeeWarning::from).collect(),
            id: id.0,
            full_name: person.full_name,
            country: person.country,
            document_type: person.document_type,
            document_number: person.document_number,
            gender: person.gender,
            email: person.email,
            import_id: None,
            import_row: None,
            created_at: None,
            updated_at: None,
        }
    }
}

impl From<UndrawableField> for AttendeeWarning {
    fn from(undrawable: UndrawableField) -> Self {
        let UndrawableField { field, problem } = undrawable;
        let message =
            format!("{field} {problem}; correct it before you issue a certificate to this person");
        Self {
            field,
            code: UNDRAWABLE,
            message: message.into(),
        }
    }
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
            warnings: Vec::new(),
            created_at: Some(Timestamp(row.created_at)),
            updated_at: Some(Timestamp(row.updated_at)),
        }
    }
}
