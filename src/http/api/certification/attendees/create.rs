//! `POST /attendees`

use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;

use super::bulk::DocumentNumber;
use super::{AttendeeAnswer, refused};
use crate::commands::attendee;
use crate::domain::{AttendeeId, RawPerson};
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::{Digits, Json};
use crate::http::protocol::idempotency::{Repeatable, created_by};
use crate::http::{Answer, ApiError, HttpState};

/// A new person. The rules are those of imported rows.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({
    "fullName": "Ada Lovelace", "email": "ada@example.com", "documentType": "Passport", "documentNumber": "007",
    "country": "United Kingdom"
}))]
pub struct NewAttendee {
    /// Full name, 1–200 characters.
    #[schema(value_type = String, min_length = 1, max_length = 200)]
    full_name: Option<String>,
    /// Country, at most 100 characters.
    #[schema(max_length = 100)]
    country: Option<String>,
    /// Type of the document, at most 100 characters.
    #[schema(max_length = 100)]
    document_type: Option<String>,
    /// Number of the document, 1–64 characters, as text or whole number. No other person may have it. Texts such as
    /// "N/A" are rejected, or ignored if `requiresDocument` is false.
    #[schema(value_type = Option<DocumentNumber>, example = "007")]
    document_number: Option<Digits>,
    /// True if `documentNumber` is required; true if absent.
    requires_document: Option<bool>,
    /// Gender, at most 100 characters.
    #[schema(max_length = 100)]
    gender: Option<String>,
    /// E-mail address, at most 254 characters. No other person may have it, unless the setting `people.shared_email`
    /// allows it.
    #[schema(value_type = String, min_length = 3, max_length = 254, format = "email")]
    email: Option<String>,
}

/// Creates a person.
#[utoipa::path(
    post, path = "/attendees", request_body = NewAttendee,
    params(Repeatable),
    responses(
        (status = 201, description = "Created; see `Location`", body = Envelope<AttendeeAnswer>),
        (status = 400, description = "VALIDATION_ERROR: details name the fields", body = ErrorEnvelope),
        (status = 409, description = "DUPLICATE: another person has this e-mail address or document number; details name the field", body = ErrorEnvelope),
        (status = 415, description = "UNSUPPORTED_MEDIA_TYPE: the body is not JSON", body = ErrorEnvelope),
    )
)]
pub async fn create_attendee(
    State(http): State<HttpState>,
    write: Repeatable,
    Json { value, sha256 }: Json<NewAttendee>,
) -> Result<Answer, ApiError> {
    write
        .once_unstored(&http, sha256, async |command_id| {
            let NewAttendee {
                full_name,
                country,
                document_type,
                document_number,
                gender,
                email,
                requires_document,
            } = value;
            let requires_document = requires_document.unwrap_or(true);
            let raw = RawPerson {
                full_name,
                country,
                document_type,
                document_number: document_number.map(|Digits(number)| number),
                gender,
                email,
                ..RawPerson::default()
            };
            let person = raw.check(requires_document).map_err(refused)?;
            let id = AttendeeId(created_by(command_id, "attendee"));
            let context = write.caller.context(command_id);
            let created = attendee::create(&http.commands, http.claiming(), &context, id, person).await?;
            let person =
                created.person.ok_or_else(|| ApiError::not_found("attendee; it was deleted since"))?;
            let answer = Answer::ok(&AttendeeAnswer::of_person(&http, id, person))?;
            let location = http.api_path(&format!("/attendees/{id}"));
            Ok(answer.created(location).at(created.position).version(created.version))
        })
        .await
}
