//! `POST /generated-certificates/generate`

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::recipients::{RecipientFilter, Recipients};
use super::rehearsal::{BatchRehearsed, rehearse};
use crate::domain::batch::{Batch, BatchCommand, BatchRequested, MAX_ATTENDEES};
use crate::domain::certificate::{Certificate, Definition};
use crate::domain::{AttendeeId, BatchId, CertificateId, CommandId, Refusal};
use crate::http::answer::Envelope;
use crate::http::api_error::ErrorEnvelope;
use crate::http::endpoints::certificates::drawable::check_issuable;
use crate::http::endpoints::delivery::Delivery;
use crate::http::endpoints::issuing::{AskedIssuing, Issuing};
use crate::http::extract::{IdempotencyKey, Json};
use crate::http::idempotency::{Request, created_by, once};
use crate::http::{Answer, ApiError, Caller, HttpState};

/// Who is to get what: one of `attendeeIds`, `importId` and `filter`.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({
    "certificateId": "6f2d41c8-95b7-4a0e-9d53-27e10c8bf4a6",
    "attendeeIds": ["2f0c9d3e-71b4-4c58-a1e6-5d8093f7c2ab"],
    "delivery": "immediate",
}))]
pub struct GenerateRequest {
    /// What they earn.
    certificate_id: Uuid,
    /// Who earns it; 1–10,000 ids.
    #[schema(min_items = 1, max_items = 10_000)]
    attendee_ids: Option<Vec<Uuid>>,
    /// Everybody whom this import accepted, new or known before, each once; at most 100,000.
    import_id: Option<Uuid>,
    /// Everybody who meets this; at most 100,000.
    filter: Option<RecipientFilter>,
    /// When the mails may go out; immediately if absent.
    #[serde(default)]
    delivery: Delivery,
    /// Date on the certificates: from 1900-01-01 to 366 days ahead. If absent, the definition's, or else the date of
    /// issuing in the issuer's time zone. Certificates that exist keep theirs.
    #[schema(value_type = Option<String>, format = Date, example = "2026-11-20")]
    issue_date: Option<String>,
    /// Only tell what would happen; nothing is issued.
    dry_run: Option<bool>,
}

/// A batch that has begun.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BatchBegun {
    /// The batch; the first one where there are several.
    batch_id: Uuid,
    /// What they earn.
    certificate_id: Uuid,
    /// Always `requested`.
    #[schema(example = "requested")]
    state: &'static str,
    /// People in all of them, each counted once.
    total: usize,
    /// All batches, where an import or a filter comes to more than 10,000 people.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    batches: Vec<BatchPart>,
}

/// One of several batches that have begun.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BatchPart {
    /// The batch.
    batch_id: Uuid,
    /// People in it.
    total: usize,
}

/// Issue a certificate to many people.
///
/// Issuing twice for the same person and certificate gives the same generated certificate, and the batch
/// reports it as existing, unless it was revoked or could not be drawn (`failed`): then the next one is made,
/// from template, definition and person as they are now, and the failed one is revoked with the reason
/// `generationFailed`. PDFs and mails follow by themselves; what `delivery` says is
/// only for the mails about new generated certificates. An import or a filter is made into people when it is
/// asked for; beyond 10,000 of them they become several batches.
#[utoipa::path(
    post, path = "/generated-certificates/generate", request_body = GenerateRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes sending it again harmless")),
    responses(
        (status = 200, description = "What would happen (dryRun)", body = Envelope<BatchRehearsed>),
        (status = 202, description = "Begun; see Location", body = Envelope<BatchBegun>),
        (status = 400, description = "VALIDATION_ERROR: nobody, or too many; a time or date that can't be meant", body = ErrorEnvelope),
        (status = 404, description = "NOT_FOUND: no such certificate or import", body = ErrorEnvelope),
        (status = 409, description = "CERTIFICATE_INACTIVE", body = ErrorEnvelope),
        (status = 422, description = "IDEMPOTENCY_KEY_REUSED. NOT_DRAWABLE: a text of the certificate can't be drawn; details say which", body = ErrorEnvelope),
        (status = 503, description = "NOT_CAUGHT_UP: the filter can't be resolved yet; try again", body = ErrorEnvelope),
    )
)]
pub async fn handle(
    State(http): State<HttpState>,
    caller: Caller,
    key: IdempotencyKey,
    Json { value, sha256 }: Json<GenerateRequest>,
) -> Result<Answer, ApiError> {
    let GenerateRequest { certificate_id, attendee_ids, import_id, filter, delivery, issue_date, dry_run } =
        value;
    let asked = AskedIssuing { delivery, issue_date };
    let recipients = Recipients::of(attendee_ids, import_id, filter)?;
    if dry_run == Some(true) {
        let definition = active_certificate(&http, certificate_id).await?;
        let date = asked.checked(&http)?.issue_date;
        let people = recipients.resolve(&http).await?;
        let rehearsed = rehearse(&http, certificate_id, (&definition, date), &people).await?;
        return Ok(Answer::ok(&rehearsed)?.message("nothing was issued"));
    }
    let route = "POST /generated-certificates/generate";
    let request = Request { caller: &caller, route, key, body_sha256: sha256, keep_answer: true };
    once(&http, request, async |command_id| {
        // Inside, so that a finished request has its answer again although the certificate is inactive by now.
        check_issuable(&http, &active_certificate(&http, certificate_id).await?)?;
        let issuing = asked.checked(&http)?;
        let people = recipients.resolve(&http).await?;
        begin(&http, &caller, command_id, (CertificateId(certificate_id), issuing), people).await
    })
    .await
}

/// The certificate, if it may be issued.
pub(super) async fn active_certificate(http: &HttpState, id: Uuid) -> Result<Definition, ApiError> {
    let certificate = http.commands.load::<Certificate>(id).await?.state.0;
    let certificate = certificate.ok_or_else(|| ApiError::not_found("certificate"))?;
    certificate.is_active.then_some(()).ok_or(Refusal::Inactive)?;
    Ok(certificate)
}

/// As many batches as it takes. The same command makes the same batches, so one that was broken off goes on.
async fn begin(
    http: &HttpState,
    caller: &Caller,
    command_id: CommandId,
    (certificate_id, issuing): (CertificateId, Issuing),
    people: Vec<Uuid>,
) -> Result<Answer, ApiError> {
    let context = caller.context(command_id);
    let (mut parts, mut position) = (Vec::new(), 0);
    for (n, part) in people.chunks(MAX_ATTENDEES).enumerate() {
        let name = if n == 0 { "batch".to_owned() } else { format!("batch-{n}") };
        let id = BatchId(created_by(command_id, &name));
        let attendee_ids: Vec<AttendeeId> = part.iter().copied().map(AttendeeId).collect();
        let Issuing { delivery, issue_date } = issuing;
        let request = BatchRequested { certificate_id, attendee_ids, delivery, issue_date, import_id: None };
        let command = BatchCommand::Request(request);
        position = http.commands.execute::<Batch>(&context, id, command).await?.position;
        parts.push(BatchPart { batch_id: id.0, total: part.len() });
    }
    let first = parts.first().ok_or_else(|| ApiError::internal("a batch of nobody"))?.batch_id;
    let location = http.api_path(&format!("/batches/{first}"));
    let begun = BatchBegun {
        batch_id: first,
        certificate_id: certificate_id.0,
        state: "requested",
        total: people.len(),
        batches: if parts.len() > 1 { parts } else { Vec::new() },
    };
    Ok(Answer::ok(&begun)?.accepted(location).at(position))
}
