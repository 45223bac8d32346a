//! `DELETE /auth/second-factor`

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::reauthenticated;
use super::decide;
use crate::domain::Personal;
use crate::domain::accounts::second_factor::SecondFactorCommand;
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::Json;
use crate::http::server::client_address::ClientAddress;
use crate::http::{Answer, ApiError, Caller, ErrorCode, HttpState};

/// Password and code that confirm the request.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RemoveSecondFactor {
    /// Present password.
    #[schema(value_type = String, format = Password, max_length = 512, example = "Correct-horse-1")]
    password: Personal<String>,
    /// Six digits from the authenticator, or a recovery code.
    #[schema(value_type = String, max_length = 128, example = "492039")]
    code: Personal<String>,
}

/// Confirmation that the second factor was removed.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecondFactorRemovedAnswer {
    /// Always true.
    #[schema(example = true)]
    pub removed: bool,
}

/// Disables your second factor. Log-ins then need only the password.
///
/// It cannot be disabled if your role requires one.
#[utoipa::path(
    delete, path = "/auth/second-factor", request_body = RemoveSecondFactor,
    responses(
        (status = 200, description = "The second factor is disabled", body = Envelope<SecondFactorRemovedAnswer>),
        (status = 400, description = "VALIDATION_ERROR: the password or the code is wrong", body = ErrorEnvelope),
        (status = 409, description = "WRONG_STATE: you have no second factor, or your role requires one", body = ErrorEnvelope),
        (status = 429, description = "TOO_MANY_REQUESTS: too many wrong passwords or codes; see `Retry-After`", body = ErrorEnvelope),
    )
)]
pub async fn remove_own_second_factor(
    State(http): State<HttpState>,
    caller: Caller,
    client: ClientAddress,
    Json { value: request, .. }: Json<RemoveSecondFactor>,
) -> Result<Answer, ApiError> {
    if http.auth.second_factor.asks(caller.role()) {
        let message = "somebody of your role has to have a second factor; an admin can remove a lost one";
        return Err(ApiError::new(ErrorCode::WrongState, message));
    }
    reauthenticated(&http, caller.user_id, client, "password", request.password).await?;
    let done = decide(&http, &caller, &request.code, SecondFactorCommand::Remove).await?;
    tracing::info!("second factor disabled");
    Ok(Answer::ok(&SecondFactorRemovedAnswer { removed: true })?.at(done.position))
}
