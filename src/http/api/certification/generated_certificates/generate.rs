//! Issuing of certificates to people.

use std::time::Duration;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::recipients::{RecipientFilter, Recipients};
use super::rehearsal::{BatchRehearsed, rehearse};
use crate::commands::CommandContext;
use crate::domain::certification::batch::{Batch, BatchCommand, BatchRequested, MAX_ATTENDEES};
use crate::domain::certification::certificate::{Certificate, Definition};
use crate::domain::{AttendeeId, BatchId, CertificateId, Refusal};
use crate::event_log::Position;
use crate::http::api::certification::batches::events::is_drawn;
use crate::http::api::certification::batches::read::{BatchAnswer, BatchProgress, shown};
use crate::http::api::certification::certificates::drawable::check_issuable;
use crate::http::api::certification::delivery::Delivery;
use crate::http::api::certification::issuing::{AskedIssuing, Issuing};
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::extract::Json;
use crate::http::protocol::idempotency::{Repeatable, created_by};
use crate::http::protocol::waiting::Patience;
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::batches::{self, BatchWithProgress};

/// Largest number of people in a request that waits for the PDFs.
const PEOPLE_AT_ONCE: usize = 1_000;
/// Longest wait for the PDFs. After that, the response is 202 with the address of the progress.
const MAX_WAIT: Duration = Duration::from_secs(25);

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
    /// Ids of the recipients, 1 to 10,000.
    #[schema(min_items = 1, max_items = 10_000)]
    attendee_ids: Option<Vec<Uuid>>,
    /// Id of an import. The recipients are all people whom the import accepted, both new and known
    /// ones. At most 100,000.
    import_id: Option<Uuid>,
    /// Filter. The recipients are all people who meet it, at most 100,000.
    filter: Option<RecipientFilter>,
    /// Delivery of the mails. The default is `immediate`.
    #[serde(default)]
    delivery: Delivery,
    /// Date on the certificates, from 1900-01-01 to 366 days from now. By default, the date in the
    /// definition of the certificate, or the date of issuing in the issuer's time zone if the
    /// definition has none. Existing certificates keep their date.
    #[schema(value_type = Option<String>, format = Date, example = "2026-11-20")]
    issue_date: Option<String>,
    /// If true, the response reports what would happen, and nothing is issued.
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

/// Response to a request that has ended.
#[derive(ToSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "describes the answer for the OpenAPI document")]
pub enum BatchOutcome {
    /// The finished batch.
    Finished(BatchBegun),
    /// Report of a dry run.
    Rehearsed(BatchRehearsed),
}

/// Batches that were requested, with the position of the last one.
struct Begun {
    /// The first batch, and its version.
    first: BatchId,
    version: Position,
    /// All batches.
    parts: Vec<BatchPart>,
    /// Position of the last one.
    position: Position,
}

/// Issues a certificate to many people.
///
/// If a person already has this certificate, nothing is issued, and the batch counts the person as
/// `existing`. If the certificate was revoked or could not be drawn (`failed`), a new one is issued
/// with the current template, definition and personal data. The failed one is then revoked with the
/// reason `generationFailed`. PDFs and mails follow automatically. `delivery` applies only to mails
/// about newly issued certificates. The people of an import or a filter are determined during this
/// request. More than 10,000 people are divided into several batches.
///
/// For up to 1,000 people, the response is sent when their PDFs exist or have failed (200). For
/// more people, or if this takes more than 25 s, the response is sent earlier (202), and `Location`
/// shows the progress. With `Prefer: respond-async`, the request does not wait. Mails are sent
/// later.
#[utoipa::path(
    post, path = "/generated-certificates/generate",
    params(Repeatable),
    responses(
        (status = 200, description = "The finished batch, or the report of a dry run (`dryRun`)", body = Envelope<BatchOutcome>),
        (status = 202, description = "Requested; see `Location`", body = Envelope<BatchBegun>),
        (status = 409, description = "CERTIFICATE_INACTIVE. WRONG_STATE: the import has not ended; see `Retry-After`"),
        (status = 422, description = "VALIDATION_ERROR: no such certificate or import, no recipients or too many, or a time or date out of range. NOT_DRAWABLE: a text of the certificate can't be drawn; see the details"),
        (status = 503, description = "NOT_CAUGHT_UP: the filter can't be resolved yet; try again"),
    )
)]
pub async fn issue_certificates(
    State(http): State<HttpState>,
    write: Repeatable,
    patience: Patience,
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
    let recipients = Recipients::of(attendee_ids, import_id, filter, http.now())?;
    if dry_run == Some(true) {
        let definition = active_certificate(&http, certificate_id).await?;
        let date = asked.checked(&http)?.issue_date;
        let people = recipients.resolve(&http, &patience).await?;
        let rehearsed = rehearse(&http, certificate_id, &definition, date, &people).await?;
        return Ok(Answer::ok(&rehearsed)?.message("nothing was issued"));
    }
    write
        .once(&http, sha256, async |context| {
            // The check is done inside, so that a repeated request gets its stored response even if
            // the certificate is now inactive.
            check_issuable(&http, &active_certificate(&http, certificate_id).await?)?;
            let issuing = asked.checked(&http)?;
            let people = recipients.resolve(&http, &patience).await?;
            let is_small = people.len() <= PEOPLE_AT_ONCE;
            let certificate_id = CertificateId(certificate_id);
            let begun = begin(&http, &context, certificate_id, issuing, people).await?;
            let mut finished = None;
            if is_small {
                finished = wait_until_drawn(&http, begun.first.0, &patience).await;
            }
            let location = http.api_path(&format!("/batches/{}", begun.first));
            let is_finished = finished.is_some();
            let first = match finished {
                Some(row) => shown(row)?,
                None => requested(&http, begun.first, begun.version).await?,
            };
            let answer = Answer::ok(&BatchBegun {
                first,
                batches: begun.parts,
            })?;
            let answer = if is_finished {
                answer.located(location)
            } else {
                answer.accepted(location)
            };
            Ok(answer.at(begun.position))
        })
        .await
}

/// Returns the batch as it was requested.
async fn requested(
    http: &HttpState,
    id: BatchId,
    version: Position,
) -> Result<BatchAnswer, ApiError> {
    let history = http.commands.history::<Batch>(id, version).await?;
    BatchAnswer::of_history(id, history, BatchProgress::default())
}

/// Returns the definition of a certificate.
///
/// # Errors
/// The certificate does not exist or is inactive.
pub(in crate::http::api) async fn active_certificate(
    http: &HttpState,
    id: Uuid,
) -> Result<Definition, ApiError> {
    let certificate = http.load::<Certificate>(id).await?.0;
    let certificate =
        certificate.ok_or_else(|| ApiError::no_such("certificateId", "certificate"))?;
    if !certificate.is_active {
        return Err(Refusal::Inactive.into());
    }
    Ok(certificate)
}

/// Requests the batches. Each has at most [`MAX_ATTENDEES`] people. The ids of the batches are
/// derived from the id of the command. So a request that is repeated after a crash requests the
/// same batches.
async fn begin(
    http: &HttpState,
    context: &CommandContext,
    certificate_id: CertificateId,
    issuing: Issuing,
    people: Vec<Uuid>,
) -> Result<Begun, ApiError> {
    let mut parts = Vec::new();
    let mut position = 0;
    let mut first = None;
    for (n, part) in people.chunks(MAX_ATTENDEES).enumerate() {
        let name = if n == 0 {
            "batch".to_owned()
        } else {
            format!("batch-{n}")
        };
        let id = BatchId(created_by(context.command_id, &name));
        let attendee_ids: Vec<AttendeeId> = part.iter().copied().map(AttendeeId).collect();
        let request = BatchRequested {
            certificate_id,
            attendee_ids,
            delivery: issuing.delivery,
            issue_date: issuing.issue_date,
            import_id: None,
        };
        let command = BatchCommand::Request(request);
        let done = http.commands.execute::<Batch>(context, id, command);
        position = done.await?.position;
        first.get_or_insert((id, position));
        parts.push(BatchPart {
            id: id.0,
            total: part.len(),
        });
    }
    let (first, version) = first.ok_or_else(|| ApiError::internal("a batch of nobody"))?;
    Ok(Begun {
        first,
        version,
        parts,
        position,
    })
}

/// Waits until all PDFs of a batch exist or have failed. Returns `None` if the request does not
/// wait, if this takes too long, or if the tables can't be read. The batch has been requested in
/// all these cases.
async fn wait_until_drawn(
    http: &HttpState,
    id: Uuid,
    patience: &Patience,
) -> Option<BatchWithProgress> {
    let look = || async move {
        let row = batches::get(&http.database().await?, id).await?;
        let drawn = row.filter(is_drawn);
        Ok((drawn.is_some(), drawn))
    };
    patience.look_until(http, MAX_WAIT, look).await.flatten()
}
