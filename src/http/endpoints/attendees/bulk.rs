//! `POST /attendees/bulk`

use std::io::Write as _;

use axum::extract::{DefaultBodyLimit, FromRequest as _, Request, State};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::taking_in::{PeopleFile, check_certificate, take_in};
use crate::domain::Personal;
use crate::domain::reading::Reading;
use crate::http::answer::Envelope;
use crate::http::api_error::ErrorEnvelope;
use crate::http::endpoints::delivery::Delivery;
use crate::http::endpoints::imports::ImportAnswer;
use crate::http::extract::{IdempotencyKey, Json, Query};
use crate::http::idempotency::{self, once};
use crate::http::{Answer, ApiError, Caller, ErrorCode, HttpState};
use crate::sheet::{self, Format};
use crate::workers::importer::ImportOptions;
use crate::workers::importer::dry_run::dry_run;

/// The most people of one request.
const MAX_PEOPLE: usize = 10_000;
/// The largest body, in bytes.
const MAX_BODY: usize = 8 << 20;

/// A person as somebody wrote it. What is missing or wrong is an error of this person only.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PersonInput {
    /// The full name, or else the next two.
    #[schema(value_type = Option<String>, example = "Ada Lovelace")]
    #[serde(skip_serializing_if = "Option::is_none")]
    full_name: Option<Personal<String>>,
    /// The first name.
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    first_name: Option<Personal<String>>,
    /// The last name.
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    last_name: Option<Personal<String>>,
    /// The country.
    #[schema(value_type = Option<String>, example = "United Kingdom")]
    #[serde(skip_serializing_if = "Option::is_none")]
    country: Option<Personal<String>>,
    /// What kind of document.
    #[schema(value_type = Option<String>, example = "Passport")]
    #[serde(skip_serializing_if = "Option::is_none")]
    document_type: Option<Personal<String>>,
    /// The document's number; required.
    #[schema(value_type = Option<String>, example = "G-77")]
    #[serde(skip_serializing_if = "Option::is_none")]
    document_number: Option<Personal<String>>,
    /// The gender.
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    gender: Option<Personal<String>>,
    /// The e-mail address; required.
    #[schema(value_type = Option<String>, example = "ada@example.com")]
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<Personal<String>>,
    /// What this person earns, instead of what everybody does.
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate_id: Option<String>,
}

/// What is to be done with the people.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct BulkQuery {
    /// Change people who are known already; false if absent.
    update_existing: Option<bool>,
    /// The certificate that everybody earns, unless the person says otherwise.
    certificate_id: Option<Uuid>,
    /// When the mails about new certificates may go out: `immediate`, `held` or a time (RFC 3339);
    /// immediately if absent.
    delivery: Option<String>,
    /// Only tell what would happen; nothing is stored.
    dry_run: Option<bool>,
}

/// Take people in.
///
/// 1 to 10,000 people, in at most 8 MiB. Up to 1,000 are answered when they are taken in (200), more at
/// once (202), with `Location` telling where the progress is. The rules and the answer are those of
/// `/attendees/bulk-upload`; a row's number is the person's place in the list, from 1. One bad person never
/// stops the others.
#[utoipa::path(
    post, path = "/attendees/bulk", request_body = Vec<PersonInput>,
    params(
        BulkQuery,
        ("Idempotency-Key" = Option<String>, Header, description = "Makes sending it again harmless"),
    ),
    responses(
        (status = 200, description = "Done, or what would happen", body = Envelope<ImportAnswer>),
        (status = 202, description = "Begun; see Location", body = Envelope<ImportAnswer>),
        (status = 400, description = "VALIDATION_ERROR, MALFORMED_JSON: not a list of people", body = ErrorEnvelope),
        (status = 404, description = "NOT_FOUND: no such certificate", body = ErrorEnvelope),
        (status = 409, description = "CERTIFICATE_INACTIVE", body = ErrorEnvelope),
        (status = 413, description = "TOO_MANY_ROWS, PAYLOAD_TOO_LARGE", body = ErrorEnvelope),
        (status = 415, description = "UNSUPPORTED_MEDIA_TYPE", body = ErrorEnvelope),
        (status = 422, description = "IDEMPOTENCY_KEY_REUSED", body = ErrorEnvelope),
    )
)]
pub async fn handle(
    State(http): State<HttpState>,
    caller: Caller,
    key: IdempotencyKey,
    Query(query): Query<BulkQuery>,
    mut request: Request,
) -> Result<Answer, ApiError> {
    DefaultBodyLimit::max(MAX_BODY).apply(&mut request);
    let Json { value: people, sha256 } = Json::<Vec<PersonInput>>::from_request(request, &http).await?;
    let rows = counted(people.len())?;
    let options = ImportOptions {
        update_existing: query.update_existing.unwrap_or(false),
        certificate_id: query.certificate_id,
    };
    let delivery = query.delivery.as_deref().map(Delivery::of_field).unwrap_or_default();
    check_certificate(&http, options).await?;
    let (file, size, file_sha256) = stored(&people).map_err(ApiError::internal)?;
    if query.dry_run == Some(true) {
        delivery.checked(http.now())?;
        let reader = sheet::open(file.path(), Format::Json, http.import_limits, &Reading::default())?;
        let report = dry_run(&http.commands, &http.claim_key, reader, options).await?;
        return Ok(Answer::ok(&ImportAnswer::rehearsed(report))?.message("nothing was stored"));
    }
    let route = "POST /attendees/bulk";
    let asked = format!("{}:{:?}:{:?}", options.update_existing, options.certificate_id, query.delivery);
    let body_sha256 = Sha256::new().chain_update(sha256).chain_update(asked).finalize().into();
    // The report names people: it stays in its expiring object, and the import leads to it again.
    let again = idempotency::Request { caller: &caller, route, key, body_sha256, keep_answer: false };
    once(&http, again, async |command_id| {
        let delivery = delivery.checked(http.now())?;
        let people = PeopleFile {
            path: file.path(),
            format: Format::Json,
            size,
            sha256: file_sha256,
            rows,
            reading: Reading::default(),
            how_read: None,
        };
        take_in(&http, &caller, command_id, people, (options, delivery)).await
    })
    .await
}

fn counted(people: usize) -> Result<u32, ApiError> {
    if people == 0 {
        return Err(ApiError::field("body", "give at least one person"));
    }
    if people > MAX_PEOPLE {
        let message =
            format!("a request takes at most {MAX_PEOPLE} people; send several, or upload them as a file");
        return Err(ApiError::new(ErrorCode::TooManyRows, message));
    }
    u32::try_from(people).map_err(ApiError::internal)
}

/// The people as a file of one line each, its size and its SHA-256.
fn stored(people: &[PersonInput]) -> std::io::Result<(NamedTempFile, u64, [u8; 32])> {
    let mut lines = Vec::new();
    for person in people {
        serde_json::to_writer(&mut lines, person)?;
        lines.push(b'\n');
    }
    let mut file = NamedTempFile::new()?;
    file.write_all(&lines)?;
    file.flush()?;
    Ok((file, lines.len() as u64, Sha256::digest(&lines).into()))
}
