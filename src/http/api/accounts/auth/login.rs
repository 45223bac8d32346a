//! Log-in.

use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;

use super::TokenAnswer;
use crate::commands::CommandContext;
use crate::commands::second_factor::begin_session;
use crate::domain::accounts::second_factor::{SecondFactor, Shown};
use crate::domain::accounts::user::{UserState, normalised_user_name};
use crate::domain::certification::person::normalised_email;
use crate::domain::kernel::claim::ClaimKind;
use crate::domain::{Personal, UserId};
use crate::http::auth::second_factor;
use crate::http::auth::second_factor::Code;
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::extract::Json;
use crate::http::server::client_address::ClientAddress;
use crate::http::server::layers::observe::RequestId;
use crate::http::{Answer, ApiError, ErrorCode, HttpState};

/// Credentials of a user: e-mail address or user name, password, and a code if the user has a
/// second factor.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LoginRequest {
    /// E-mail address. Give either this or `userName`.
    #[schema(value_type = Option<String>, max_length = 512, example = "ada@example.com")]
    email: Option<Personal<String>>,
    /// User name. Give either this or `email`.
    #[schema(value_type = Option<String>, max_length = 512)]
    user_name: Option<Personal<String>>,
    /// The password.
    #[schema(value_type = String, format = Password, max_length = 512, example = "Correct-horse-1")]
    password: Personal<String>,
    /// Code of the second factor, if the user has one: six digits, or a recovery code.
    #[schema(value_type = Option<String>, max_length = 128, example = "492039")]
    code: Option<Personal<String>>,
}

/// Logs in.
///
/// Wrong passwords and wrong codes are counted per account and per client address, even if the
/// account does not exist. A user who has a second factor must send a code together with the
/// password. If the password is right but the code is missing, the response is
/// SECOND_FACTOR_REQUIRED. A password that an administrator has set for another user expires. The
/// user must change it after the first log-in (`passwordChangeRequired`).
#[utoipa::path(
    post, path = "/auth/login",
    responses(
        (status = 200, description = "Logged in", body = Envelope<TokenAnswer>),
        (status = 401, description = "INVALID_CREDENTIALS: unknown user or wrong password; \
                                      SECOND_FACTOR_REQUIRED: repeat the request with a code; WRONG_CODE: the code is \
                                      wrong, or was used before; FIRST_PASSWORD_EXPIRED: another \
                                      person has set the password, and it was not changed in time"),
        (status = 429, description = "TOO_MANY_REQUESTS: too many attempts from this address or for this account; \
                                      see `Retry-After`"),
    )
)]
pub async fn log_in(
    State(http): State<HttpState>,
    client: ClientAddress,
    RequestId(request_id): RequestId,
    Json { value: request, .. }: Json<LoginRequest>,
) -> Result<Answer, ApiError> {
    let claim = claimed(&http, &request)?;
    super::within_bounds("password", &request.password)?;
    let guess = http.rate_limits.guess(&claim, client);
    let guess = guess.inspect_err(|_| refused(client, None, "too_many_guesses"))?;
    let (id, user) = super::find(&http, &claim).await?;
    // A password is also verified if the account is unknown or inactive. So the response time does
    // not reveal the state of the account.
    let is_known = matches!(user, UserState::Known(_));
    let user = user.active();
    let reason = match (is_known, user.is_some()) {
        (false, _) => "unknown_account",
        (true, false) => "switched_off",
        (true, true) => "wrong_password",
    };
    let hash = user.as_ref().map(|user| user.password_hash.clone());
    let fits = http.passwords.verify(request.password, hash).await?;
    let Some(user) = user.filter(|_| fits) else {
        refused(client, is_known.then_some(id), reason);
        return Err(ApiError::new(
            ErrorCode::InvalidCredentials,
            "user or password are wrong",
        ));
    };
    let now = http.now();
    let in_time = super::in_time(&user, now);
    in_time.inspect_err(|_| refused(client, Some(id), "first_password_expired"))?;
    let shown = shown(&http, id, request.code.as_ref()).await;
    let Some(shown) = shown.inspect_err(|error| refused_code(client, id, error))? else {
        http.rate_limits.guessed_half(guess);
        return Err(code_required());
    };
    let has_shown = shown.is_some();
    let (refresh, started) = super::new_session(&http, id, user.epoch, now);
    let context = CommandContext::of_person(http.random_id().into(), id).in_request(request_id);
    let ends_at = started.ends_at.unwrap_or(started.expires_at);
    let session = (refresh.session_id, started);
    let begun = begin_session(&http.commands, &context, id, shown, session)
        .await
        .map_err(ApiError::from);
    let begun = begun.inspect_err(|error| refused_code(client, id, error))?;
    let Some(position) = begun else {
        http.rate_limits.guessed_half(guess);
        return Err(code_required());
    };
    http.rate_limits.guessed_right(guess);
    if has_shown {
        second_factor::guessed_right(&http, id);
    }
    metrics::counter!("laureate_logins_total", "outcome" => "accepted", "reason" => "none")
        .increment(1);
    tracing::info!(user = %id, session_id = %refresh.session_id, "user logged in");
    let answer = super::tokens(&http, id, &user, &refresh, now, ends_at)?;
    Ok(Answer::ok(&answer)?.at(position))
}

/// Checks `code` against the second factor of the user. Returns `Some(None)` if the user has no
/// second factor, and `None` if the code is missing. A guess with a wrong code stays counted.
async fn shown(
    http: &HttpState,
    id: UserId,
    code: Option<&Personal<String>>,
) -> Result<Option<Option<Shown>>, ApiError> {
    let factor = http.commands.load::<SecondFactor>(id).await?.state;
    if !factor.is_on() {
        return Ok(Some(None));
    }
    let Some(code) = code else { return Ok(None) };
    second_factor::guess(http, id, &factor, &Code::of(code)?).map(|shown| Some(Some(shown)))
}

fn code_required() -> ApiError {
    let message = "the password is right; send it again with a code of the second factor";
    ApiError::new(ErrorCode::SecondFactorRequired, message)
}

/// Counts and logs a rejected log-in. The log line contains the client address, the account if it
/// exists, and the reason. It does not contain the typed name or address, which may be a password,
/// or belong to a person who has no account.
fn refused(client: ClientAddress, user: Option<UserId>, reason: &'static str) {
    metrics::counter!("laureate_logins_total", "outcome" => "refused", "reason" => reason)
        .increment(1);
    let user = user.map(tracing::field::display);
    tracing::warn!(user, client = %client, reason, "log-in refused");
}

fn refused_code(client: ClientAddress, id: UserId, error: &ApiError) {
    match error.code {
        ErrorCode::WrongCode => refused(client, Some(id), "wrong_code"),
        ErrorCode::TooManyRequests => refused(client, Some(id), "too_many_codes"),
        _ => {}
    }
}

/// Returns the id of the claim of the e-mail address or user name in the request.
fn claimed(http: &HttpState, request: &LoginRequest) -> Result<String, ApiError> {
    let key = http.claim_key.reveal().as_bytes();
    match (&request.email, &request.user_name) {
        (Some(_), Some(_)) | (None, None) => Err(ApiError::field(
            "email",
            "give either email or userName, and not both",
        )),
        (Some(email), None) => {
            super::within_bounds("email", email)?;
            Ok(ClaimKind::UserEmail.subject_id(key, &normalised_email(email.reveal_str())))
        }
        (None, Some(name)) => {
            super::within_bounds("userName", name)?;
            Ok(ClaimKind::UserName.subject_id(key, &normalised_user_name(name.reveal_str())))
        }
    }
}
