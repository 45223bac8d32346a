//! Second factor of the signed-in user.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::commands::{CommandError, Done};
use crate::domain::accounts::second_factor::{
    SecondFactor, SecondFactorCommand, SecondFactorState, Shown,
};
use crate::domain::{Personal, Refusal};
use crate::http::api::accounts::auth::reauthenticated;
use crate::http::auth::second_factor;
use crate::http::auth::second_factor::{Code, RecoveryCode, sha256_of_all};
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::extract::Json;
use crate::http::server::client_address::ClientAddress;
use crate::http::{Answer, ApiError, Caller, ErrorCode, HttpState};

/// Returns examples of recovery codes.
const fn example_recovery_codes() -> [&'static str; 2] {
    [
        "MFRG-GZDF-MZTW-Q2LK-NNWG-23TP",
        "OBYX-E43U-OV3H-O6DZ-PIZD-GNBV",
    ]
}

/// Code of the second factor, from the authenticator app or from the recovery codes.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CodeRequest {
    /// Six digits from the authenticator, or a recovery code.
    #[schema(value_type = String, max_length = 128, example = "492039")]
    code: Personal<String>,
}

/// Recovery codes. Only this response contains them.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecoveryCodesAnswer {
    /// Each code can be used once, instead of a code from the authenticator app. Do not store them
    /// together with it.
    #[schema(example = example_recovery_codes)]
    pub recovery_codes: Vec<String>,
}

/// Checks `code` and executes a command on the caller's second factor. A wrong code is counted as a
/// guess.
async fn decide(
    http: &HttpState,
    caller: &Caller,
    code: &Personal<String>,
    command: impl FnOnce(Shown) -> SecondFactorCommand,
) -> Result<Done<SecondFactor>, ApiError> {
    let id = caller.user_id;
    let code = Code::of(code)?;
    let factor = http.load::<SecondFactor>(id).await?;
    let shown = second_factor::guess(http, id, &factor, &code).map_err(of_field)?;
    let context = caller.context(http.random_id().into());
    let done = http
        .commands
        .execute::<SecondFactor>(&context, id, command(shown))
        .await;
    if let Err(CommandError::Refused(refusal @ Refusal::WrongCode)) = done {
        return Err(of_field(refusal.into()));
    }
    second_factor::guessed_right(http, id);
    let done = done?;
    http.authorizations
        .wait_until_user_applied(done.position)
        .await;
    Ok(done)
}

/// Like [`decide`], for a command that creates new recovery codes. The response contains them.
async fn decide_with_codes(
    http: &HttpState,
    caller: &Caller,
    code: &Personal<String>,
    command: fn(Shown, Vec<String>) -> SecondFactorCommand,
) -> Result<Answer, ApiError> {
    let codes = RecoveryCode::fresh(http.random);
    let done = decide(http, caller, code, |shown| {
        command(shown, sha256_of_all(&codes))
    })
    .await?;
    let recovery_codes = codes.iter().map(RecoveryCode::reveal).collect();
    Ok(Answer::ok(&RecoveryCodesAnswer { recovery_codes })?.at(done.position))
}

/// Converts the error for a wrong code into a 422 for the field `code`. A 401 would be misleading,
/// because the caller stays signed in.
fn of_field(error: ApiError) -> ApiError {
    match error.code {
        ErrorCode::WrongCode => {
            tracing::warn!("second factor code rejected");
            ApiError::field("code", "is wrong, or was used before")
        }
        _ => error,
    }
}

/// State of your second factor.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecondFactorAnswer {
    /// State of the second factor.
    pub state: SecondFactorStanding,
    /// True if your role requires a second factor.
    #[schema(example = false)]
    pub is_required: bool,
    /// Number of unused recovery codes.
    #[schema(example = 10)]
    pub recovery_codes_left: usize,
}

/// States of a second factor.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum SecondFactorStanding {
    /// No second factor.
    None,
    /// A secret was created, but not confirmed with a code yet.
    Begun,
    /// The second factor is enabled. Log-ins need a code.
    On,
}

/// Returns the state of your second factor.
#[utoipa::path(
    get, path = "/auth/second-factor",
    responses((status = 200, description = "The state", body = Envelope<SecondFactorAnswer>))
)]
pub async fn get_second_factor(
    State(http): State<HttpState>,
    caller: Caller,
) -> Result<Answer, ApiError> {
    let loaded = http.commands.load::<SecondFactor>(caller.user_id).await?;
    let (state, recovery_codes_left) = match loaded.state {
        SecondFactorState::None => (SecondFactorStanding::None, 0),
        SecondFactorState::Begun { .. } => (SecondFactorStanding::Begun, 0),
        SecondFactorState::On(factor) => (SecondFactorStanding::On, factor.recovery_sha256.len()),
    };
    let is_required = http.auth.second_factor.asks(caller.role());
    Answer::ok(&SecondFactorAnswer {
        state,
        is_required,
        recovery_codes_left,
    })
}

/// Password that confirms the request.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BeginSecondFactor {
    /// Current password.
    #[schema(value_type = String, format = Password, max_length = 512, example = "Correct-horse-1")]
    password: Personal<String>,
}

/// Secret for an authenticator app. Only this response contains it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecondFactorBegunAnswer {
    /// Secret that the user can type, in base32 (RFC 4648 §6).
    #[schema(example = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")]
    pub secret: String,
    /// Secret as a URI that authenticator apps can open.
    #[schema(
        example = "otpauth://totp/Laureate:ada?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Laureate"
    )]
    pub uri: String,
    /// The URI as a QR code: an SVG in a `data:` URL, for an `<img>` element.
    #[schema(example = "data:image/svg+xml;base64,PHN2Zy8+")]
    pub qr_code: String,
}

/// Starts the setup of a second factor with time-based codes (TOTP, RFC 6238).
///
/// Log-ins do not need a code until the second factor is confirmed. If the setup is started again,
/// a new secret replaces the old one.
#[utoipa::path(
    post, path = "/auth/second-factor",
    responses(
        (status = 200, description = "The secret; enter it in an authenticator app and confirm it", body = Envelope<SecondFactorBegunAnswer>),
        (status = 409, description = "WRONG_STATE: you have a second factor; remove it first"),
        (status = 422, description = "VALIDATION_ERROR: the password is wrong"),
        (status = 429, description = "TOO_MANY_REQUESTS: too many wrong passwords; see `Retry-After`"),
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
    let done = http
        .commands
        .execute::<SecondFactor>(&context, id, begin)
        .await?;
    let uri = totp.uri(http.auth.issuer.trim(), user.profile.user_name.reveal_str());
    let qr_code = second_factor::qr_code(&uri)
        .ok_or_else(|| ApiError::internal("the text is too long for a QR code"))?;
    let answer = SecondFactorBegunAnswer {
        secret: totp.base32(),
        uri,
        qr_code,
    };
    Ok(Answer::ok(&answer)?.at(done.position))
}

/// Enables your second factor. Requires a code from the authenticator app.
///
/// After this, log-ins need a code. The response contains ten recovery codes, which are not shown
/// again. Your sessions stay open. To end them, call `POST /auth/logout` with `all`.
#[utoipa::path(
    post, path = "/auth/second-factor/confirm",
    responses(
        (status = 200, description = "The second factor is enabled", body = Envelope<RecoveryCodesAnswer>),
        (status = 409, description = "WRONG_STATE: the second factor is enabled already, or its setup was not started"),
        (status = 422, description = "VALIDATION_ERROR: the code is wrong"),
        (status = 429, description = "TOO_MANY_REQUESTS: too many wrong codes; see `Retry-After`"),
    )
)]
pub async fn confirm_second_factor(
    State(http): State<HttpState>,
    caller: Caller,
    Json { value: request, .. }: Json<CodeRequest>,
) -> Result<Answer, ApiError> {
    let with = |shown, recovery_sha256| SecondFactorCommand::Confirm {
        shown,
        recovery_sha256,
    };
    let answer = decide_with_codes(&http, &caller, &request.code, with).await?;
    tracing::info!("second factor enabled");
    Ok(answer)
}

/// Creates ten new recovery codes. The old codes stop working.
#[utoipa::path(
    post, path = "/auth/second-factor/recovery-codes",
    responses(
        (status = 200, description = "The new codes; they are shown only once", body = Envelope<RecoveryCodesAnswer>),
        (status = 409, description = "WRONG_STATE: you have no second factor"),
        (status = 422, description = "VALIDATION_ERROR: the code is wrong, or was used before"),
        (status = 429, description = "TOO_MANY_REQUESTS: too many wrong codes; see `Retry-After`"),
    )
)]
pub async fn renew_recovery_codes(
    State(http): State<HttpState>,
    caller: Caller,
    Json { value: request, .. }: Json<CodeRequest>,
) -> Result<Answer, ApiError> {
    let with = |shown, recovery_sha256| SecondFactorCommand::RenewRecoveryCodes {
        shown,
        recovery_sha256,
    };
    let answer = decide_with_codes(&http, &caller, &request.code, with).await?;
    tracing::info!("recovery codes renewed");
    Ok(answer)
}

/// Password and code that confirm the request.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RemoveSecondFactor {
    /// Current password.
    #[schema(value_type = String, format = Password, max_length = 512, example = "Correct-horse-1")]
    password: Personal<String>,
    /// Six digits from the authenticator app, or a recovery code.
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
/// This is not possible if your role requires a second factor.
#[utoipa::path(
    delete, path = "/auth/second-factor",
    responses(
        (status = 200, description = "The second factor is disabled", body = Envelope<SecondFactorRemovedAnswer>),
        (status = 409, description = "WRONG_STATE: you have no second factor, or your role requires one"),
        (status = 422, description = "VALIDATION_ERROR: the password or the code is wrong"),
        (status = 429, description = "TOO_MANY_REQUESTS: too many wrong passwords or codes; see `Retry-After`"),
    )
)]
pub async fn remove_own_second_factor(
    State(http): State<HttpState>,
    caller: Caller,
    client: ClientAddress,
    Json { value: request, .. }: Json<RemoveSecondFactor>,
) -> Result<Answer, ApiError> {
    if http.auth.second_factor.asks(caller.role()) {
        let message = "your role requires a second factor; an admin can remove a lost one";
        return Err(ApiError::new(ErrorCode::WrongState, message));
    }
    reauthenticated(&http, caller.user_id, client, "password", request.password).await?;
    let done = decide(&http, &caller, &request.code, SecondFactorCommand::Remove).await?;
    tracing::info!("second factor disabled");
    Ok(Answer::ok(&SecondFactorRemovedAnswer { removed: true })?.at(done.position))
}
