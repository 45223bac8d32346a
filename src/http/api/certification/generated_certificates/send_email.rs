//! Another mail about an issued certificate.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::commands::mails::{MailRequest, mail_again};
use crate::domain::certification::person::check_email;
use crate::domain::{IssuanceId, Personal};
use crate::http::api::certification::delivery::Delivery;
use crate::http::api::certification::jobs::named;
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::{IfMatch, Json, Path};
use crate::http::protocol::idempotency::Repeatable;
use crate::http::{Answer, ApiError, HttpState};

/// Recipient and time of the mail.
#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({ "to": "ada@example.com", "delivery": "immediate" }))]
pub struct SendEmailRequest {
    /// Address for this mail only; the person's current address if absent.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 254, example = "ada@example.com")]
    to: Option<Personal<String>>,
    /// Delivery of the mail; immediate if absent.
    #[serde(default)]
    delivery: Delivery,
}

/// A mail that was requested.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "jobId": "3f6c1c1e-58a4-4c02-9d1b-0f3a55b7c5a1",
    "generatedCertificateId": "a0b5e0b2-6f3b-4c55-8f6e-2f6f6a3c9d11",
    "number": 2, "status": "pending", "state": "queued"
}))]
pub struct MailAsked {
    /// Id of the new job.
    job_id: Uuid,
    /// Id of the generated certificate.
    generated_certificate_id: Uuid,
    /// Number of the mail among the mails about this generated certificate. Mail 1 was requested
    /// automatically.
    number: u32,
    /// Always `pending`.
    status: &'static str,
    /// `queued`, `held` or `scheduled`.
    state: &'static str,
}

/// Sends a generated certificate by mail again, as a new job.
///
/// The mail is sent to `to`, or else to the person's current address, with the issued PDF attached.
/// Earlier jobs do not change. There are at most 100 mails about one generated certificate.
#[utoipa::path(
    post, path = "/generated-certificates/{id}/send-email", request_body = Option<SendEmailRequest>,
    params(
        ("id" = Uuid, Path, description = "Id of the generated certificate"),
        IfMatch,
        Repeatable,
    ),
    responses(
        (status = 201, description = "The new job; see `Location`", body = Envelope<MailAsked>),
        (status = 404, description = "NOT_FOUND", body = ErrorEnvelope),
        (status = 409, description = "WRONG_STATE: there is no PDF, or there are 100 mails already", body = ErrorEnvelope),
        (status = 422, description = "VALIDATION_ERROR: `to` is not an e-mail address, or the time is out of range", body = ErrorEnvelope),
    )
)]
pub async fn send_certificate_mail(
    State(http): State<HttpState>,
    write: Repeatable,
    if_match: IfMatch,
    Path(id): Path<Uuid>,
    body: Option<Json<SendEmailRequest>>,
) -> Result<Answer, ApiError> {
    let Json { value, sha256 } = body.unwrap_or_default();
    write
        .once(&http, sha256, async |command_id| {
            let delivery = value.delivery.checked(&http)?;
            let to = value
                .to
                .map(|to| checked_address(to.reveal_str()))
                .transpose()?;
            let asked = MailRequest {
                to,
                delivery,
                on_unknown: http.on_unknown,
                if_version: if_match.versions(),
            };
            let mail = mail_again(
                &http.commands,
                &write.caller.context(command_id),
                IssuanceId(id),
                &asked,
            )
            .await?;
            let (state, status) = named(mail.stage);
            let asked = MailAsked {
                job_id: mail.id.0,
                generated_certificate_id: id,
                number: mail.number,
                status,
                state,
            };
            let location = http.api_path(&format!("/jobs/{}", mail.id));
            Ok(Answer::ok(&asked)?
                .created(location)
                .at(mail.position)
                .version(mail.position))
        })
        .await
}

fn checked_address(address: &str) -> Result<Personal<String>, ApiError> {
    let address = address.trim();
    check_email(address).map_err(|problem| ApiError::field("to", problem))?;
    Ok(address.to_owned().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_address_is_rejected_and_not_repeated_in_the_error() {
        assert_eq!(
            checked_address(" ada@example.com ").unwrap().reveal_str(),
            "ada@example.com"
        );
        for odd in [
            "",
            "ada",
            "ada@example",
            "a b@example.com",
            "a@example.com, b@example.com",
            "ada@example.com\r\nBcc: x",
        ] {
            let error = checked_address(odd).expect_err(odd);
            assert!(
                error.details[0].starts_with("to: ") && !error.message.contains("ada"),
                "{}",
                error.message
            );
        }
    }
}
