//! Issuing of certificates to people.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::recipients::{RecipientFilter, Recipients};
use super::rehearsal::{BatchRehearsed, rehearse};
use crate::domain::certification::batch::{Batch, BatchCommand, BatchRequested, MAX_ATTENDEES};
use crate::domain::certification::certificate::{Certificate, Definition};
use crate::domain::{AttendeeId, BatchId, CertificateId, CommandId, Refusal};
use crate::http::api::certification::batches::read::{BatchAnswer, BatchProgress};
use crate::http::api::certification::certificates::drawable::check_issuable;
use crate::http::api::certification::delivery::Delivery;
use crate::http::api::certification::issuing::{AskedIssuing, Issuing};
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::Json;
use crate::http::protocol::idempotency::{Repeatable, created_by};
use crate::http::{Answer, ApiError, Caller, HttpState};

/// Certificate to issue, and its recipients: exactly one of `attendeeIds`, `importId` and `filter`.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({
    "certificateId": "6f2d41c8-95b7-4a0e-9d53-27e10c8bf4a6",
    "attendeeIds": ["2f0c9d3e-71b4-4c58-a1e6-5d8093f7c2ab"],
    "delivery": "immediate",
}))]
pub struct GenerateRequest {
    /// Id of the certificate to issue.
    certificate_id: Uuid,
    /// Ids of the recipients; 1 to 10,000.
    #[schema(min_items = 1, max_items = 10_000)]
    attendee_ids: Option<Vec<Uuid>>,
    /// Id of an import. The recipients are all people whom it accepted, new or known before; at
    /// most 100,000.
    import_id: Option<Uuid>,
    /// The recipients are all people who meet this filter; at most 100,000.
    filter: Option<RecipientFilter>,
    /// Delivery of the mails; immediate if absent.
    #[serde(default)]
    delivery: Delivery,
    /// Date on the certificates: from 1900-01-01 to 366 days ahead. If absent, the date of the
    /// definition, or else the date of issuing in the issuer's time zone. Existing certificates
    /// keep their date.
    #[schema(value_type = Option<String>, format = Date, example = "2026-11-20")]
    issue_date: Option<String>,
    /// If true, only reports what would happen. Nothing is issued.
    dry_run: Option<bool>,
}

/// Requested batches.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BatchBegun {
    /// The batch, or the first one if there are several.
    #[serde(flatten)]
    first: BatchAnswer,
    /// All batches, in order. There are several if an import or a filter selects more than 10,000
    /// people.
    batches: Vec<BatchPart>,
}

/// One of the requested batches.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BatchPart {
    /// Id of the batch.
    id: Uuid,
    /// Number of people in the batch.
    total: usize,
}

/// Issues a certificate to many people.
///
/// If a person already has this certificate, nothing is issued, and the batch counts it as
/// existing. If it was revoked or could not be drawn (`failed`), a new one is issued from the
/// current template, definition and person. The failed one is then revoked with the reason
/// `generationFailed`. PDFs and mails follow automatically. `delivery` applies only to the mails
/// about new generated certificates. An import or a filter is resolved to people during this
/// request. More than 10,000 people become several batches.
#[utoipa::path(
    post, path = "/generated-certificates/generate", request_body = GenerateRequest,
    params(Repeatable),
    responses(
        (status = 200, description = "Report of a dry run (`dryRun`)", body = Envelope<BatchRehearsed>),
        (status = 202, description = "Requested; see `Location`", body = Envelope<BatchBegun>),
        (status = 400, description = "VALIDATION_ERROR: no recipients or too many, or a time or date out of range", body = ErrorEnvelope),
        (status = 404, description = "NOT_FOUND: no such certificate or import", body = ErrorEnvelope),
        (status = 409, description = "CERTIFICATE_INACTIVE", body = ErrorEnvelope),
        (status = 422, description = "NOT_DRAWABLE: a text of the certificate can't be drawn; see the details", body = ErrorEnvelope),
        (status = 503, description = "NOT_CAUGHT_UP: the filter can't be resolved yet; try again", body = ErrorEnvelope),
    )
)]
pub async fn issue_certificates(
    State(http): State<HttpState>,
    write: Repeatable,
    Json { value, sha256 }: Json<GenerateRequest>,
) -> Result<Answer, ApiError> {
    let GenerateRequest {
        certificate_id,
        attendee_ids,
        import_id,
        filter,
        delivery,
        issue_date,
        dry_run,
    } = value;
    let asked = AskedIssuing {
        delivery,
        issue_date,
    };
    let recipients = Recipients::of(attendee_ids, import_id, filter)?;
    if dry_run == Some(true) {
        let definition = active_certificate(&http, certificate_id).await?;
        let date = asked.checked(&http)?.issue_date;
        let people = recipients.resolve(&http).await?;
        let rehearsed = rehearse(&http, certificate_id, (&definition, date), &people).await?;
        return Ok(Answer::ok(&rehearsed)?.message("nothing was issued"));
    }
    write
        .once(&http, sha256, async |command_id| {
            // Checked inside, so that a repeated request gets its stored answer even if the
            // certificate is now inactive.
            check_issuable(&http, &active_certificate(&http, certificate_id).await?)?;
            let issuing = asked.checked(&http)?;
            let people = recipients.resolve(&http).await?;
            begin(
                &http,
                &write.caller,
                command_id,
                (CertificateId(certificate_id), issuing),
                people,
            )
            .await
        })
        .await
}

/// Returns the definition of a certificate.
///
/// # Errors
/// The certificate doesn't exist or is inactive.
pub(super) async fn active_certificate(http: &HttpState, id: Uuid) -> Result<Definition, ApiError> {
    let certificate = http.commands.load::<Certificate>(id).await?.state.0;
    let certificate = certificate.ok_or_else(|| ApiError::not_found("certificate"))?;
    certificate
        .is_active
        .then_some(())
        .ok_or(Refusal::Inactive)?;
    Ok(certificate)
}

/// Requests the batches, each of at most [`MAX_ATTENDEES`] people. The ids of the batches are
/// derived from the command, so a repetition after a crash requests the same batches.
async fn begin(
    http: &HttpState,
    caller: &Caller,
    command_id: CommandId,
    (certificate_id, issuing): (CertificateId, Issuing),
    people: Vec<Uuid>,
) -> Result<Answer, ApiError> {
    let context = caller.context(command_id);
    let mut parts = Vec::new();
    let mut position = 0;
    let mut first = None;
    for (n, part) in people.chunks(MAX_ATTENDEES).enumerate() {
        let name = if n == 0 {
            "batch".to_owned()
        } else {
            format!("batch-{n}")
        };
        let id = BatchId(created_by(command_id, &name));
        let attendee_ids: Vec<AttendeeId> = part.iter().copied().map(AttendeeId).collect();
        let Issuing {
            delivery,
            issue_date,
        } = issuing;
        let request = BatchRequested {
            certificate_id,
            attendee_ids,
            delivery,
            issue_date,
            import_id: None,
        };
        let command = BatchCommand::Request(request);
        let done = http.commands.execute::<Batch>(&context, id, command);
        position = done.await?.position;
        first.get_or_insert((id, position));
        parts.push(BatchPart {
            id: id.0,
            total: part.len(),
        });
    }
    let (first, version) = first.ok_or_else(|| ApiError::internal("a batch of nobody"))?;
    let history = http.commands.history::<Batch>(first, version).await?;
    let begun = BatchBegun {
        first: BatchAnswer::of_history(first, history, BatchProgress::default())?,
        batches: parts,
    };
    let location = http.api_path(&format!("/batches/{first}"));
    Ok(Answer::ok(&begun)?.accepted(location).at(position))
}
