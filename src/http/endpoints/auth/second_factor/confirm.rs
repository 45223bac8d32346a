//! `POST /auth/second-factor/confirm`

use axum::extract::State;

use super::{CodeRequest, RecoveryCodesAnswer, decide_with_codes};
use crate::domain::second_factor::SecondFactorCommand;
use crate::http::answer::Envelope;
use crate::http::api_error::ErrorEnvelope;
use crate::http::extract::Json;
use crate::http::{Answer, ApiError, Caller, HttpState};

/// Switch your second factor on, by a code of the authenticator.
///
/// From now on logging in asks for a code. The answer has ten recovery codes, which are shown this once.
/// Your sessions go on; `POST /auth/logout` with `all` ends them.
#[utoipa::path(
    post, path = "/auth/second-factor/confirm", request_body = CodeRequest,
    responses(
        (status = 200, description = "It is on", body = Envelope<RecoveryCodesAnswer>),
        (status = 400, description = "VALIDATION_ERROR: the code is wrong", body = ErrorEnvelope),
        (status = 409, description = "WRONG_STATE: it is on already, or was not begun", body = ErrorEnvelope),
        (status = 429, description = "TOO_MANY_REQUESTS: too many wrong codes; see `Retry-After`", body = ErrorEnvelope),
    )
)]
pub async fn handle(
    State(http): State<HttpState>,
    caller: Caller,
    Json { value: request, .. }: Json<CodeRequest>,
) -> Result<Answer, ApiError> {
    let with = |shown, recovery_sha256| SecondFactorCommand::Confirm { shown, recovery_sha256 };
    let answer = decide_with_codes(&http, &caller, &request.code, with).await?;
    tracing::info!("a second factor was switched on");
    Ok(answer)
}
