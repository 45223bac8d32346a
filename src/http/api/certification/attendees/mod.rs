//! Attendees: the people who get certificates.

pub mod bulk;
pub mod bulk_upload;
mod import_people;
pub mod read;
mod reading_form;
pub mod write;

use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::commands::History;
use crate::domain::certification::attendee::{Attendee, AttendeeEvent};
use crate::domain::certification::origin::OriginKind;
use crate::domain::{AttendeeId, Person, Personal};
use crate::http::protocol::timestamp::Timestamp;
use crate::http::{ApiError, HttpState};
use crate::projection::queries::attendees::AttendeeRow;
use crate::rendering::undrawable;
use crate::rendering::undrawable::{UNDRAWABLE, UndrawableField};

/// A person who gets certificates.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttendeeAnswer {
    /// Id of the attendee.
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
    /// Number of the document. Null for a person without a document.
    #[schema(value_type = Option<String>)]
    pub document_number: Option<Personal<String>>,
    /// Gender.
    #[schema(value_type = Option<String>)]
    pub gender: Option<Personal<String>>,
    /// E-mail address.
    #[schema(value_type = String)]
    pub email: Personal<String>,
    /// Id of the import that created the person; null if there is none.
    pub import_id: Option<Uuid>,
    /// Row in the file of that import; null if `importId` is null.
    pub import_row: Option<u32>,
    /// Fields with characters that no font of certificates can draw.
    pub warnings: Vec<AttendeeWarning>,
    /// Time of creation (RFC 3339).
    pub created_at: Timestamp,
    /// Time of the last change (RFC 3339).
    pub updated_at: Timestamp,
}

/// Problem of a value that was stored, but with which no certificate can be issued to the person.
#[derive(Serialize, ToSchema)]
pub struct AttendeeWarning {
    /// Name of the field.
    #[schema(example = "fullName")]
    pub field: &'static str,
    /// Stable code for programs.
    #[schema(example = "UNDRAWABLE")]
    pub code: &'static str,
    /// Text for people: the problem with its characters, and how to correct it.
    #[schema(value_type = String)]
    pub message: Personal<String>,
}

impl AttendeeAnswer {
    /// Returns the person from its events in the log.
    ///
    /// # Errors
    /// 404 if the person was deleted.
    fn of_history(
        http: &HttpState,
        id: AttendeeId,
        history: History<Attendee>,
    ) -> Result<Self, ApiError> {
        let person = history.state.0.filter(|_| history.latest.0.is_some());
        let person = person.ok_or_else(|| ApiError::not_found("attendee"))?;
        let source = history.events.iter().find_map(|(_, event)| match event {
            AttendeeEvent::AttendeeImported(imported) => imported.source.as_ref(),
            AttendeeEvent::AttendeeUpdated(_) | AttendeeEvent::AttendeeDeleted(_) => None,
        });
        let import = source.filter(|source| source.origin.kind == OriginKind::Import);
        Ok(Self {
            import_id: import.map(|source| source.origin.id),
            import_row: import.and_then(|source| source.row),
            ..Self::of(http, id.0, person, history.created_at, history.updated_at)
        })
    }

    /// Returns the person from its row in the query tables.
    fn of_row(http: &HttpState, row: AttendeeRow) -> Self {
        Self {
            import_id: row.import_id,
            import_row: row.import_row.map(i32::unsigned_abs),
            ..Self::of(http, row.id, row.person, row.created_at, row.updated_at)
        }
    }

    /// Returns a person that no import created.
    fn of(
        http: &HttpState,
        id: Uuid,
        person: Person,
        created_at: OffsetDateTime,
        updated_at: OffsetDateTime,
    ) -> Self {
        Self {
            warnings: warnings(http, &person.full_name, person.document_number.as_ref()),
            id,
            full_name: person.full_name,
            country: person.country,
            document_type: person.document_type,
            document_number: person.document_number,
            gender: person.gender,
            email: person.email,
            import_id: None,
            import_row: None,
            created_at: Timestamp(created_at),
            updated_at: Timestamp(updated_at),
        }
    }
}

/// Returns the fields of a person that certificates can't show.
fn warnings(
    http: &HttpState,
    full_name: &Personal<String>,
    document_number: Option<&Personal<String>>,
) -> Vec<AttendeeWarning> {
    let document_number = document_number.map(|number| number.reveal_str());
    undrawable::of_fields(
        http.rendering.renderer(),
        full_name.reveal_str(),
        document_number,
    )
    .into_iter()
    .map(AttendeeWarning::from)
    .collect()
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
