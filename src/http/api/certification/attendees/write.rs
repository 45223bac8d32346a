//! Endpoints that create, change and delete one person.

use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::AttendeeAnswer;
use super::bulk::DocumentNumber;
use crate::commands::CommandContext;
use crate::commands::attendee;
use crate::domain::certification::attendee::Attendee;
use crate::domain::{AttendeeId, Person, Personal, RawPerson, Refusal};
use crate::event_log::Position;
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::deleting::{Deleted, check_unused};
use crate::http::protocol::extract::{Digits, IfMatch, Json, Merge, Path};
use crate::http::protocol::idempotency::{Repeatable, created_by};
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::issuances;

/// A new person. The same rules apply as for imported rows.
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
    /// Number of the document, 1–64 characters, as text or whole number. It must be unique. Texts
    /// such as "N/A" are rejected, or ignored if `requiresDocument` is false.
    #[schema(value_type = Option<DocumentNumber>, example = "007")]
    document_number: Option<Digits>,
    /// True if `documentNumber` is required. The default is true.
    requires_document: Option<bool>,
    /// Gender, at most 100 characters.
    #[schema(max_length = 100)]
    gender: Option<String>,
    /// E-mail address, at most 254 characters. It must be unique, unless the setting
    /// `people.shared_email` allows shared addresses.
    #[schema(value_type = String, min_length = 3, max_length = 254, format = "email")]
    email: Option<String>,
}

/// Creates a person.
#[utoipa::path(
    post, path = "/attendees",
    params(Repeatable),
    responses(
        (status = 201, description = "Created; see `Location`", body = Envelope<AttendeeAnswer>),
        (status = 409, description = "DUPLICATE: another person has this e-mail address or document number; details name the field"),
        (status = 415, description = "UNSUPPORTED_MEDIA_TYPE: the body is not JSON"),
    )
)]
pub async fn create_attendee(
    State(http): State<HttpState>,
    write: Repeatable,
    Json { value, sha256 }: Json<NewAttendee>,
) -> Result<Answer, ApiError> {
    write
        .once_unstored(&http, sha256, async |context| {
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
            let person = raw.check(requires_document).map_err(Refusal::Invalid)?;
            let id = AttendeeId(created_by(context.command_id, "attendee"));
            let created =
                attendee::create(&http.commands, http.claiming(), &context, id, person).await?;
            let location = http.api_path(&format!("/attendees/{id}"));
            let answer = answer(&http, id, created.version).await?;
            Ok(answer.created(location).at(created.position))
        })
        .await
}

/// Fields to change. Fields that are absent keep their values. Null removes the value of an
/// optional field.
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
    /// Number of the document, 1–64 characters, as text or whole number. It must be unique. Null
    /// for a person without a document.
    #[serde(default)]
    #[schema(value_type = Option<DocumentNumber>)]
    document_number: Merge<Digits>,
    /// Gender, at most 100 characters.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 100)]
    gender: Merge<String>,
    /// E-mail address, at most 254 characters. It must be unique, unless the setting
    /// `people.shared_email` allows shared addresses.
    #[serde(default)]
    #[schema(value_type = String, required = false, min_length = 3, max_length = 254, format = "email")]
    email: Merge<String>,
}

/// Changes the data of a person.
///
/// Certificates that were issued before the change keep the old data.
#[utoipa::path(
    patch, path = "/attendees/{id}",
    params(IfMatch),
    responses(
        (status = 200, description = "Changed, or equal to the data before", body = Envelope<AttendeeAnswer>),
        (status = 409, description = "DUPLICATE: another person has this e-mail address or document number; details name the field"),
        (status = 415, description = "UNSUPPORTED_MEDIA_TYPE: the body is not JSON"),
    )
)]
pub async fn update_attendee(
    State(http): State<HttpState>,
    context: CommandContext,
    if_match: IfMatch,
    Path(id): Path<Uuid>,
    Json { value, .. }: Json<ChangeAttendee>,
) -> Result<Answer, ApiError> {
    let id = AttendeeId(id);
    let change = |before: &Person| value.over(before);
    let changed = attendee::update(
        &http.commands,
        http.claiming(),
        &context,
        id,
        &if_match.versions(),
        change,
    )
    .await?;
    Ok(answer(&http, id, changed.version)
        .await?
        .at(changed.position))
}

/// Returns the person in this version.
async fn answer(http: &HttpState, id: AttendeeId, version: Position) -> Result<Answer, ApiError> {
    let history = http.commands.history::<Attendee>(id, version).await?;
    Ok(Answer::ok(&AttendeeAnswer::of_history(http, id, history)?)?.version(version))
}

impl ChangeAttendee {
    fn over(&self, before: &Person) -> Result<Person, Refusal> {
        let some = |field: &Merge<String>, before: Option<&Personal<String>>| {
            field
                .clone()
                .over(before.map(|value| value.reveal().clone()))
        };
        let number = before
            .document_number
            .as_ref()
            .map(|number| Digits(number.reveal().clone()));
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
        raw.check(!takes_away && before.document_number.is_some())
            .map_err(Refusal::Invalid)
    }
}

/// Deletes a person to whom no certificate was issued.
///
/// After that, another person can have the e-mail address and the document number.
#[utoipa::path(
    delete, path = "/attendees/{id}",
    params(IfMatch),
    responses(
        (status = 200, description = "Deleted", body = Envelope<Deleted>),
        (status = 409, description = "IN_USE: a certificate was issued to this person"),
    )
)]
pub async fn delete_attendee(
    State(http): State<HttpState>,
    context: CommandContext,
    if_match: IfMatch,
    Path(id): Path<Uuid>,
) -> Result<Answer, ApiError> {
    let issued = issuances::of_attendee(id);
    check_unused(
        &http,
        &issued,
        "this person was issued a certificate",
        "certificates that were issued are kept",
    )
    .await?;
    let claim_key = http.claim_key.reveal().as_bytes();
    let versions = if_match.versions();
    let done = attendee::delete(
        &http.commands,
        claim_key,
        &context,
        AttendeeId(id),
        &versions,
    )
    .await?;
    Ok(Answer::ok(&Deleted { id })?
        .message("the person was deleted")
        .at(done.position))
}
