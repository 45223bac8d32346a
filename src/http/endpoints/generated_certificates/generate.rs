//! `POST /generated-certificates/generate`

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::batch::{Batch, BatchCommand, BatchRequested};
use crate::domain::certificate::Certificate;
use crate::domain::{AttendeeId, BatchId, CertificateId, Refusal};
use crate::http::answer::Envelope;
use crate::http::api_error::ErrorEnvelope;
use crate::http::endpoints::delivery::Delivery;
use crate::http::extract::{IdempotencyKey, Json};
use crate::http::idempotency::{Request, created_by, once};
use crate::http::{Answer, ApiError, Caller, HttpState};

/// Who is to get what.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GenerateRequest {
    /// What they earn.
    certificate_id: Uuid,
    /// Who earns it; 1–10,000 ids.
    attendee_ids: Vec<Uuid>,
    /// When the mails may go out; immediately if absent.
    #[serde(default)]
    delivery: Delivery,
}

/// A batch that has begun.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BatchBegun {
    /// The batch.
    batch_id: Uuid,
    /// What they earn.
    certificate_id: Uuid,
    /// Always `requested`.
    #[schema(example = "requested")]
    state: &'static str,
    /// People in it, each counted once.
    total: usize,
}

/// Issue a certificate to many people.
///
/// Issuing twice for the same person and certificate gives the same generated certificate; the batch
/// reports it as existing. PDFs and mails follow by themselves; what `delivery` says is only for the mails
/// about new generated certificates.
#[utoipa::path(
    post, path = "/generated-certificates/generate", request_body = GenerateRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes sending it again harmless")),
    responses(
        (status = 202, description = "Begun; see Location", body = Envelope<BatchBegun>),
        (status = 400, description = "VALIDATION_ERROR: no ids, or too many; a time that can't be meant", body = ErrorEnvelope),
        (status = 404, description = "NOT_FOUND: no such certificate", body = ErrorEnvelope),
        (status = 409, description = "CERTIFICATE_INACTIVE", body = ErrorEnvelope),
        (status = 422, description = "IDEMPOTENCY_KEY_REUSED", body = ErrorEnvelope),
    )
)]
pub async fn handle(
    State(http): State<HttpState>,
    caller: Caller,
    key: IdempotencyKey,
    Json { value, sha256 }: Json<GenerateRequest>,
) -> Result<Answer, ApiError> {
    let route = "POST /generated-certificates/generate";
    let request = Request { caller: &caller, route, key, body_sha256: sha256, keep_answer: true };
    once(&http, request, async |command_id| {
        let delivery = value.delivery.checked(http.now())?;
        let certificate_id = CertificateId(value.certificate_id);
        let certificate = http.commands.load::<Certificate>(certificate_id).await?.state.0;
        let certificate = certificate.ok_or_else(|| ApiError::not_found("certificate"))?;
        certificate.is_active.then_some(()).ok_or(Refusal::Inactive)?;
        let id = BatchId(created_by(command_id, "batch"));
        let attendee_ids: Vec<AttendeeId> = value.attendee_ids.into_iter().map(AttendeeId).collect();
        let total = attendee_ids.iter().collect::<std::collections::HashSet<_>>().len();
        let command = BatchCommand::Request(BatchRequested { certificate_id, attendee_ids, delivery });
        let done = http.commands.execute::<Batch>(&caller.context(command_id), id, command).await?;
        let begun =
            BatchBegun { batch_id: id.0, certificate_id: certificate_id.0, state: "requested", total };
        let location = http.api_path(&format!("/batches/{id}"));
        Ok(Answer::ok(&begun)?.accepted(location).at(done.position))
    })
    .await
}
