//! `POST /auth/second-factor/recovery-codes`

use axum::extract::State;

use super::{CodeRequest, RecoveryCodesAnswer, decide_with_codes};
use crate::domain::accounts::second_factor::SecondFactorCommand;
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::Json;
use crate::http::{Answer, ApiError, Caller, HttpState};

/// Creates ten new recovery codes. The old ones stop working.
#[utoipa::path(
    post, path = "/auth/second-factor/recovery-codes", request_body = CodeRequest,
    responses(
        (status = 200, description = "The new codes; they are shown only once", body = Envelope<RecoveryCodesAnswer>),
        (status = 400, description = "VALIDATION_ERROR: the code is wrong, or was used before", body = ErrorEnvelope),
        (status = 409, description = "WRONG_STATE: you have no second factor", body = ErrorEnvelope),
        (status = 429, description = "TOO_MANY_REQUESTS: too many wrong codes; see `Retry-After`", body = ErrorEnvelope),
    )
)]
pub async fn renew_recovery_codes(
    State(http): State<HttpState>,
    caller: Caller,
    Json { value: request, .. }: Json<CodeRequest>,
) -> Result<Answer, ApiError> {
    let with = |shown, recovery_sha256| SecondFactorCommand::RenewRecoveryCodes { shown, recovery_sha256 };
    let answer = decide_with_codes(&http, &caller, &request.code, with).await?;
    tracing::info!("recovery codes renewed");
    Ok(answer)
}
