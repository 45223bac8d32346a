//! `POST /auth/second-factor/confirm`

use axum::extract::State;

use super::{CodeRequest, RecoveryCodesAnswer, decide_with_codes};
use crate::domain::accounts::second_factor::SecondFactorCommand;
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::Json;
use crate::http::{Answer, ApiError, Caller, HttpState};

/// Enables your second factor with a code from the authenticator.
///
/// From now on, log-ins need a code. The answer has ten recovery codes, which are shown only once. Your sessions stay
/// open; `POST /auth/logout` with `all` ends them.
#[utoipa::path(
    post, path = "/auth/second-factor/confirm", request_body = CodeRequest,
    responses(
        (status = 200, description = "The second factor is enabled", body = Envelope<RecoveryCodesAnswer>),
        (status = 400, description = "VALIDATION_ERROR: the code is wrong", body = ErrorEnvelope),
        (status = 409, description = "WRONG_STATE: the second factor is enabled already, or its setup was not started", body = ErrorEnvelope),
        (status = 429, description = "TOO_MANY_REQUESTS: too many wrong codes; see `Retry-After`", body = ErrorEnvelope),
    )
)]
pub async fn confirm_second_factor(
    State(http): State<HttpState>,
    caller: Caller,
    Json { value: request, .. }: Json<CodeRequest>,
) -> Result<Answer, ApiError> {
    let with = |shown, recovery_sha256| SecondFactorCommand::Confirm { shown, recovery_sha256 };
    let answer = decide_with_codes(&http, &caller, &request.code, with).await?;
    tracing::info!("second factor enabled");
    Ok(answer)
}
