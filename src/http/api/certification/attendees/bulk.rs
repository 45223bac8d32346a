//! Import of people from a JSON list.

use std::io::Write as _;

use axum::extract::{DefaultBodyLimit, FromRequest as _, Request, State};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::import_people::{AskedOptions, PeopleFile, check_certificate, import_people};
use crate::domain::certification::reading::Reading;
use crate::http::api::certification::delivery::Delivery;
use crate::http::api::certification::imports::ImportAnswer;
use crate::http::api::certification::issuing::AskedIssuing;
use crate::http::api::certification::template_checks::checked;
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::{Element, JsonList, Query, Unreadable};
use crate::http::protocol::idempotency::Repeatable;
use crate::http::{Answer, ApiError, HttpState};
use crate::importing::dry_run::dry_run;
use crate::spreadsheet;
use crate::spreadsheet::{Format, PersonLine};

/// Largest body, in bytes.
const MAX_BODY: usize = 8 << 20;

/// A person as written. A missing or wrong value is an error of this person only.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(
    dead_code,
    reason = "describes an element of the body for the OpenAPI document"
)]
pub struct PersonInput {
    /// Full name. Alternatively, `firstName` and `lastName`.
    #[schema(example = "Ada Lovelace")]
    full_name: Option<String>,
    /// First name.
    first_name: Option<String>,
    /// Last name; `-` for a person with one name.
    last_name: Option<String>,
    /// Country.
    #[schema(example = "United Kingdom")]
    country: Option<String>,
    /// Type of the document.
    #[schema(example = "Passport")]
    document_type: Option<String>,
    /// Number of the document, as text or whole number. Required unless `requiresDocument` is
    /// false, or the person is known and has a number.
    #[schema(value_type = Option<DocumentNumber>, example = "G-77")]
    document_number: Option<String>,
    /// Gender.
    gender: Option<String>,
    /// E-mail address. Required unless the document number belongs to a known person.
    #[schema(example = "ada@example.com")]
    email: Option<String>,
    /// Id of the certificate for this person, instead of the one in the query.
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
    /// True if known people are updated; false if absent. Absent and blank fields keep the stored
    /// value.
    update_existing: Option<bool>,
    /// True if a person must have a document number. If absent, the setting of the certificate, or
    /// true without a certificate.
    requires_document: Option<bool>,
    /// Id of the certificate for each person who names no other one.
    certificate_id: Option<Uuid>,
    /// Delivery of the mails about new certificates: `immediate`, `held` or a time (RFC 3339);
    /// `immediate` if absent.
    delivery: Option<String>,
    /// Date on new certificates: from 1900-01-01 to 366 days ahead. If absent, the date of the
    /// definition, or else the date of issuing in the issuer's time zone.
    #[param(value_type = Option<String>, format = Date)]
    issue_date: Option<String>,
    /// If true, only reports what would happen. Nothing is stored.
    dry_run: Option<bool>,
}

/// Imports a list of people.
///
/// The list has 1 to 10,000 people in at most 8 MiB. Up to 1,000 people are answered with the
/// result (200). A longer list, or one that takes more than 25 s, is answered before its end (202);
/// `Location` shows the progress. Rules and answer are those of `/attendees/bulk-upload`. The
/// number of a row is the person's place in the list, from 1. A wrong element does not affect the
/// others. A wrong type, an unknown field, half of a character (`\ud800`), or a field that is given
/// twice (also as `fullName` and `full_name`) is an error of that row. A whole number is read as
/// its digits, also if it is written as `79123456.0`. A number with an exponent is an error.
#[utoipa::path(
    post, path = "/attendees/bulk", request_body = Vec<PersonInput>,
    params(
        BulkQuery,
        Repeatable,
    ),
    responses(
        (status = 200, description = "The result of the import, or the report of a dry run (`dryRun`)", body = Envelope<ImportAnswer>),
        (status = 202, description = "The import is in progress; see `Location`", body = Envelope<ImportAnswer>),
        (status = 409, description = "CERTIFICATE_INACTIVE", body = ErrorEnvelope),
        (status = 413, description = "TOO_MANY_ROWS, PAYLOAD_TOO_LARGE", body = ErrorEnvelope),
        (status = 415, description = "UNSUPPORTED_MEDIA_TYPE", body = ErrorEnvelope),
        (status = 422, description = "VALIDATION_ERROR: no such certificate. NOT_DRAWABLE: a text of the certificate can't be drawn; see the details", body = ErrorEnvelope),
        (status = 429, description = "TOO_MANY_REQUESTS: this client has too many uploads in progress", body = ErrorEnvelope),
        (status = 503, description = "BUSY: too many uploads are in progress; see `Retry-After`", body = ErrorEnvelope),
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
    let delivery = query
        .delivery
        .as_deref()
        .map(Delivery::of_field)
        .unwrap_or_default();
    let asked = AskedIssuing {
        delivery,
        issue_date: query.issue_date.clone(),
    };
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
        let renderer = http.rendering.renderer();
        let rehearsed = dry_run(&http.commands, &http.claim_key, renderer, reader, options).await?;
        let report = checked(&http, rehearsed).await?;
        return Ok(Answer::ok(&ImportAnswer::rehearsed(report))?.message("nothing was stored"));
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
    // The answer names people, so it is not stored. A repetition finds the import and reads its
    // expiring report.
    write
        .once_unstored(&http, body_sha256, async |command_id| {
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
            import_people(&http, &write.caller, command_id, people, (options, issuing)).await
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
            "has half of a character in a text, such as \"\\ud800\", as of an emoji that was cut; write the text whole"
        }
        Unreadable::TooDeep => "has too many lists or objects within each other; give an object with texts",
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
