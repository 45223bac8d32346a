//! Request of another mail about an issued certificate.

use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::commands::mails::{MailRequest, mail_again};
use crate::domain::certification::person::check_email;
use crate::domain::{IssuanceId, Personal};
use crate::http::api::certification::delivery::Delivery;
use crate::http::api::certification::jobs::{self, JobDetail};
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::extract::{IfMatch, Json, Path};
use crate::http::protocol::idempotency::Repeatable;
use crate::http::{Answer, ApiError, HttpState};

/// Recipient and time of the mail.
#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({ "to": "ada@example.com", "delivery": "immediate" }))]
pub struct SendEmailRequest {
    /// Address for this mail only. The default is the person's current address.
    #[schema(value_type = Option<String>, max_length = 254, example = "ada@example.com")]
    to: Option<Personal<String>>,
    /// Delivery of the mail. The default is `immediate`.
    #[serde(default)]
    delivery: Delivery,
}

/// Sends a generated certificate by mail again, as a new job.
///
/// The mail is sent to `to`, or to the person's current address if `to` is absent. The issued PDF
/// is attached. Earlier jobs do not change. At most 100 mails can be requested about one generated
/// certificate.
#[utoipa::path(
    post, path = "/generated-certificates/{id}/send-email", request_body = Option<SendEmailRequest>,
    params(
        IfMatch,
        Repeatable,
    ),
    responses(
        (status = 201, description = "The new job; see `Location`", body = Envelope<JobDetail>),
        (status = 409, description = "WRONG_STATE: there is no PDF, or there are 100 mails already"),
        (status = 422, description = "VALIDATION_ERROR: `to` is not an e-mail address, or the time is out of range"),
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
        .once_unstored(&http, sha256, async |context| {
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
            let mail = mail_again(&http.commands, &context, IssuanceId(id), &asked).await?;
            let location = http.api_path(&format!("/jobs/{}", mail.id));
            let answer = jobs::answer(&http, mail.id, mail.position).await?;
            Ok(answer.created(location).at(mail.position))
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
