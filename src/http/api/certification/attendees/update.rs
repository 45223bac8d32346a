//! `PATCH /attendees/{id}`

use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::bulk::DocumentNumber;
use super::{AttendeeAnswer, refused};
use crate::commands::attendee;
use crate::domain::{AttendeeId, Person, Personal, RawPerson, Refusal};
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::{Digits, IfMatch, Json, Merge, Path};
use crate::http::{Answer, ApiError, Caller, HttpState};

/// Fields to change. Absent fields stay as they are; null removes an optional field.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"fullName": "Ada King", "gender": null}))]
pub struct ChangeAttendee {
    /// Full name, 1–200 characters.
    #[serde(default)]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 200)]
    full_name: Merge<String>,
    /// Country, at most 100 characters.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 100)]
    country: Merge<String>,
    /// Type of the document, at most 100 characters.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 100)]
    document_type: Merge<String>,
    /// Number of the document, 1–64 characters, as text or whole number. No other person may have it. Null for a
    /// person without a document.
    #[serde(default)]
    #[schema(value_type = Option<DocumentNumber>)]
    document_number: Merge<Digits>,
    /// Gender, at most 100 characters.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 100)]
    gender: Merge<String>,
    /// E-mail address, at most 254 characters. No other person may have it, unless the setting `people.shared_email`
    /// allows it.
    #[serde(default)]
    #[schema(value_type = String, required = false, min_length = 3, max_length = 254, format = "email")]
    email: Merge<String>,
}

/// Changes the data of a person.
///
/// Certificates that were issued before do not change.
#[utoipa::path(
    patch, path = "/attendees/{id}", request_body = ChangeAttendee,
    params(
        ("id" = Uuid, Path, description = "The attendee's id"),
        ("If-Match" = Option<String>, Header, description = "ETag of the version that you read"),
    ),
    responses(
        (status = 200, description = "Changed, or equal to the data before", body = Envelope<AttendeeAnswer>),
        (status = 400, description = "VALIDATION_ERROR: details name the fields", body = ErrorEnvelope),
        (status = 404, description = "NOT_FOUND", body = ErrorEnvelope),
        (status = 409, description = "DUPLICATE: another person has this e-mail address or document number; details name the field", body = ErrorEnvelope),
        (status = 412, description = "PRECONDITION_FAILED: the resource has changed since you read it", body = ErrorEnvelope),
        (status = 415, description = "UNSUPPORTED_MEDIA_TYPE: the body is not JSON", body = ErrorEnvelope),
    )
)]
pub async fn update_attendee(
    State(http): State<HttpState>,
    caller: Caller,
    if_match: IfMatch,
    Path(id): Path<Uuid>,
    Json { value, .. }: Json<ChangeAttendee>,
) -> Result<Answer, ApiError> {
    let id = AttendeeId(id);
    let context = caller.context(http.random_id().into());
    let change = |before: &Person| value.over(before);
    let changed =
        attendee::update(&http.commands, http.claiming(), &context, id, &if_match.versions(), change).await?;
    let person = changed.person.ok_or_else(|| ApiError::not_found("attendee"))?;
    let answer = Answer::ok(&AttendeeAnswer::of_person(&http, id, person))?;
    Ok(answer.at(changed.position).version(changed.version))
}

impl ChangeAttendee {
    fn over(&self, before: &Person) -> Result<Person, Refusal> {
        let some = |field: &Merge<String>, before: Option<&Personal<String>>| {
            field.clone().over(before.map(|value| value.reveal().clone()))
        };
        let number = before.document_number.as_ref().map(|number| Digits(number.reveal().clone()));
        let document_number = self.document_number.clone().over(number);
        let raw = RawPerson {
            full_name: some(&self.full_name, Some(&before.full_name)),
            country: some(&self.country, before.country.as_ref()),
            document_type: some(&self.document_type, before.document_type.as_ref()),
            document_number: document_number.map(|Digits(number)| number),
            gender: some(&self.gender, before.gender.as_ref()),
            email: some(&self.email, Some(&before.email)),
            ..RawPerson::default()
        };
        let takes_away = matches!(self.document_number, Merge::Clear);
        raw.check(!takes_away && before.document_number.is_some()).map_err(refused)
    }
}
