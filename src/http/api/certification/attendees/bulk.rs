//! Import of people from a JSON list.

use std::io::Write as _;

use axum::extract::{DefaultBodyLimit, FromRequest as _, Request, State};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::import_people::{AskedOptions, PeopleFile, check_certificate, import_people, rehearsed};
use crate::domain::certification::reading::Reading;
use crate::http::api::certification::imports::ImportAnswer;
use crate::http::api::certification::issuing::AskedIssuing;
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::extract::{Element, JsonList, Query, Unreadable};
use crate::http::protocol::idempotency::Repeatable;
use crate::http::{Answer, ApiError, HttpState};
use crate::spreadsheet;
use crate::spreadsheet::{Format, PersonLine};

/// Largest body, in bytes.
const MAX_BODY: usize = 8 << 20;

/// A person, in the form in which the client sends it. A missing or invalid value is an error of
/// this person only.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(
    dead_code,
    reason = "describes an element of the body for the OpenAPI document"
)]
pub struct PersonInput {
    /// Full name. Give either this, or `firstName` and `lastName`.
    #[schema(example = "Ada Lovelace")]
    full_name: Option<String>,
    /// First name.
    first_name: Option<String>,
    /// Last name. Give `-` for a person who has only one name.
    last_name: Option<String>,
    /// Country.
    #[schema(example = "United Kingdom")]
    country: Option<String>,
    /// Type of the document.
    #[schema(example = "Passport")]
    document_type: Option<String>,
    /// Number of the document, as text or whole number. It is required, unless `requiresDocument`
    /// is false, or the person is known and already has a number.
    #[schema(value_type = Option<DocumentNumber>, example = "G-77")]
    document_number: Option<String>,
    /// Gender.
    gender: Option<String>,
    /// E-mail address. It is required, unless the document number is that of a known person.
    #[schema(example = "ada@example.com")]
    email: Option<String>,
    /// Id of the certificate for this person. It replaces the one in the query.
    certificate_id: Option<String>,
}

/// A document number.
#[derive(Deserialize, ToSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "describes a field for the OpenAPI document")]
pub enum DocumentNumber {
    /// Text.
    Text(String),
    /// Whole number of up to 15 digits.
    Number(u64),
}

/// Query parameters of the import.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct BulkQuery {
    /// True to update known people. The default is false. Fields that are absent or blank keep the
    /// stored value.
    update_existing: Option<bool>,
    /// True if each person must have a document number. By default, the setting of the certificate
    /// is used, or true without a certificate.
    requires_document: Option<bool>,
    /// Id of the certificate for all people whose element contains no other one.
    certificate_id: Option<Uuid>,
    /// Delivery of the mails about new certificates: `immediate`, `held` or a time, such as
    /// `2026-12-01T09:00:00Z` or, in the zone of `certificates.time_zone`, `2026-12-01T09:00`;
    /// `immediate` if absent.
    delivery: Option<String>,
    /// Date on new certificates, from 1900-01-01 to 366 days from now. By default, the date in the
    /// definition of the certificate, or the date of issuing in the issuer's time zone if the
    /// definition has none.
    #[param(value_type = Option<String>, format = Date)]
    issue_date: Option<String>,
    /// If true, the response reports what would happen, and nothing is stored.
    dry_run: Option<bool>,
}

/// Imports a list of people.
///
/// The list has 1 to 10,000 people in at most 8 MiB. For up to 1,000 people, the response contains
/// the result (200). For a longer list, or if the import takes more than 25 s, the response is sent
/// before the import ends (202), and `Location` shows the progress. The rules and the result are
/// those of `/attendees/bulk-upload`. The number of a row is the position of the person in the
/// list, from 1. An invalid element does not affect the others. An error of the row is: a wrong
/// type, an unknown field, half of a surrogate pair (`\ud800`), or a field that is given twice
/// (also as `fullName` and `full_name`). A whole number becomes the text of its digits, even if it
/// is written as `79123456.0`. A number with an exponent is an error.
#[utoipa::path(
    post, path = "/attendees/bulk", request_body = Vec<PersonInput>,
    params(
        BulkQuery,
        Repeatable,
    ),
    responses(
        (status = 200, description = "The result of the import, or the report of a dry run (`dryRun`)", body = Envelope<ImportAnswer>),
        (status = 202, description = "The import is in progress; see `Location`", body = Envelope<ImportAnswer>),
        (status = 409, description = "CERTIFICATE_INACTIVE"),
        (status = 413, description = "TOO_MANY_ROWS, PAYLOAD_TOO_LARGE"),
        (status = 415, description = "UNSUPPORTED_MEDIA_TYPE"),
        (status = 422, description = "VALIDATION_ERROR: no such certificate. NOT_DRAWABLE: a text of the certificate can't be drawn; see the details"),
        (status = 429, description = "TOO_MANY_REQUESTS: this client has too many uploads in progress"),
        (status = 503, description = "BUSY: too many uploads are in progress; see `Retry-After`"),
    )
)]
pub async fn import_attendees(
    State(http): State<HttpState>,
    write: Repeatable,
    Query(query): Query<BulkQuery>,
    mut request: Request,
) -> Result<Answer, ApiError> {
    let place = http.imports.enter(write.caller.user_id)?;
    DefaultBodyLimit::max(MAX_BODY).apply(&mut request);
    let JsonList {
        elements: people,
        sha256,
    } = JsonList::from_request(request, &http).await?;
    let rows = counted(people.len())?;
    let options = AskedOptions {
        update_existing: query.update_existing,
        certificate_id: query.certificate_id,
        requires_document: query.requires_document,
    };
    let options = options.resolved(&http).await?;
    let asked = AskedIssuing::of_fields(query.delivery.as_deref(), query.issue_date.as_deref());
    let (file, size, file_sha256) = stored(people).map_err(ApiError::internal)?;
    if query.dry_run == Some(true) {
        asked.checked(&http)?;
        check_certificate(&http, &options).await?;
        let turn = place.turn().await?;
        let reader = spreadsheet::open(
            file.path(),
            Format::Json,
            http.import_limits,
            &Reading::default(),
        )?;
        let reader = reader.holding(turn);
        let answer = rehearsed(&http, reader, options).await?;
        return Ok(Answer::ok(&answer)?.message("nothing was stored"));
    }
    let parameters = format!(
        "{}:{:?}:{:?}:{:?}:{:?}",
        options.update_existing,
        options.certificate_id,
        query.delivery,
        query.issue_date,
        query.requires_document
    );
    let body_sha256 = Sha256::new()
        .chain_update(sha256)
        .chain_update(parameters)
        .finalize()
        .into();
    // The response contains names of people, so it is not stored. A repeated request finds the
    // import in the log, and reads the report until it expires.
    write
        .once_unstored(&http, body_sha256, async |context| {
            let issuing = asked.checked(&http)?;
            let people = PeopleFile {
                path: file.path(),
                format: Format::Json,
                size,
                sha256: file_sha256,
                rows,
                reading: Reading::default(),
                how_read: None,
            };
            import_people(&http, &context, people, options, issuing).await
        })
        .await
}

fn counted(people: usize) -> Result<u32, ApiError> {
    if people == 0 {
        return Err(ApiError::field("body", "give at least one person"));
    }
    u32::try_from(people).map_err(ApiError::internal)
}

/// Writes the people to a file, one per line. Returns the file, its size in bytes and its SHA-256.
fn stored(people: Vec<Element>) -> std::io::Result<(NamedTempFile, u64, [u8; 32])> {
    let mut lines = Vec::new();
    for element in people {
        serde_json::to_writer(&mut lines, &line(element))?;
        lines.push(b'\n');
    }
    let mut file = NamedTempFile::new()?;
    file.write_all(&lines)?;
    file.flush()?;
    Ok((file, lines.len() as u64, Sha256::digest(&lines).into()))
}

fn line(
    Element {
        value: person,
        twice,
        has_exponent,
        unreadable,
    }: Element,
) -> PersonLine {
    let unreadable = unreadable.map(|reason| match reason {
        Unreadable::HalfCharacter => {
            "contains half of a character in a text, such as \"\\ud800\", for example of an emoji that was cut; send the complete text"
        }
        Unreadable::TooDeep => "has too many levels of nested lists or objects; give an object with texts",
        Unreadable::OutOfRange => {
            "has a value that is too large, such as the number 1e999; give numbers in quotation marks"
        }
    });
    PersonLine {
        person,
        twice,
        has_exponent,
        unreadable: unreadable.map(str::to_owned),
    }
}
