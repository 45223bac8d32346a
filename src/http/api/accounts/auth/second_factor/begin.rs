//! `POST /auth/second-factor`

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::reauthenticated;
use crate::domain::Personal;
use crate::domain::accounts::second_factor::{SecondFactor, SecondFactorCommand};
use crate::http::auth::second_factor;
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::Json;
use crate::http::server::client_address::ClientAddress;
use crate::http::{Answer, ApiError, Caller, HttpState};

/// Password that confirms the request.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BeginSecondFactor {
    /// Present password.
    #[schema(value_type = String, format = Password, max_length = 512, example = "Correct-horse-1")]
    password: Personal<String>,
}

/// Secret for an authenticator app. It is shown only in this answer.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecondFactorBegunAnswer {
    /// Secret for manual entry, in base32 (RFC 4648 §6).
    #[schema(example = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")]
    pub secret: String,
    /// Secret as a URI that authenticator apps open.
    #[schema(
        example = "otpauth://totp/Laureate:ada?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Laureate"
    )]
    pub uri: String,
    /// The URI as a QR code: an SVG in a `data:` URI, for an `<img>` element.
    #[schema(example = "data:image/svg+xml;base64,PHN2Zy8+")]
    pub qr_code: String,
}

/// Starts the setup of a second factor with time-based codes (TOTP, RFC 6238).
///
/// Log-ins need no code before the second factor is confirmed. Starting again creates another secret.
#[utoipa::path(
    post, path = "/auth/second-factor", request_body = BeginSecondFactor,
    responses(
        (status = 200, description = "The secret; enter it in an authenticator app and confirm it", body = Envelope<SecondFactorBegunAnswer>),
        (status = 400, description = "VALIDATION_ERROR: the password is wrong", body = ErrorEnvelope),
        (status = 409, description = "WRONG_STATE: you have a second factor; remove it first", body = ErrorEnvelope),
        (status = 429, description = "TOO_MANY_REQUESTS: too many wrong passwords; see `Retry-After`", body = ErrorEnvelope),
    )
)]
pub async fn begin_second_factor(
    State(http): State<HttpState>,
    caller: Caller,
    client: ClientAddress,
    Json { value: request, .. }: Json<BeginSecondFactor>,
) -> Result<Answer, ApiError> {
    let id = caller.user_id;
    let user = reauthenticated(&http, id, client, "password", request.password).await?;
    let (totp, sealed_secret) = second_factor::fresh_secret(&http, id)?;
    let context = caller.context(http.random_id().into());
    let begin = SecondFactorCommand::Begin { sealed_secret };
    let done = http.commands.execute::<SecondFactor>(&context, id, begin).await?;
    let uri = totp.uri(http.auth.issuer.trim(), user.profile.user_name.reveal_str());
    let qr_code = second_factor::qr_code(&uri).ok_or_else(|| ApiError::internal("no QR code holds this"))?;
    let answer = SecondFactorBegunAnswer { secret: totp.base32(), uri, qr_code };
    Ok(Answer::ok(&answer)?.at(done.position))
}
