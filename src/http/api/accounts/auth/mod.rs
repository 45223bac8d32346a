//! Log-in, sessions, passwords and second factor of the signed-in user.

pub mod login;
pub mod password;
pub mod second_factor;
pub mod session;

use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::users::RoleName;
use crate::domain::accounts::session::SessionStarted;
use crate::domain::accounts::user::{Account, Profile, User, UserState};
use crate::domain::kernel::claim::Claim;
use crate::domain::{Personal, SessionId, UserId};
use crate::http::auth::tokens::RefreshToken;
use crate::http::server::client_address::ClientAddress;
use crate::http::{ApiError, ErrorCode, HttpState};

/// Returns an example of a refresh token.
const fn example_refresh_token() -> &'static str {
    "7f6c2f0a-0f5e-4b57-9a53-6f8f6a2f8f11.Zm9yIGV4YW1wbGUgb25seSwgbm90IGEgcmVhbCBvbmU.\
     bm9yIHdhcyB0aGlzIG9uZSBldmVyIGlzc3VlZCBieSB1cyE"
}

/// Tokens, with field names as in RFC 6749 §5.1, and their user.
#[derive(Serialize, ToSchema)]
pub struct TokenAnswer {
    /// Access token. Send it as `Authorization: Bearer …`.
    pub access_token: String,
    /// Refresh token. Exchange it for a new pair of tokens before it expires. It works only once.
    pub refresh_token: String,
    /// Always `Bearer`.
    #[schema(example = "Bearer")]
    pub token_type: &'static str,
    /// Lifetime of the access token, in seconds.
    #[schema(example = 900)]
    pub expires_in: i64,
    /// User of the tokens.
    pub user: UserAnswer,
    /// True if the user must set up a second factor. Until then, only `/auth/me`,
    /// `/auth/change-password`, `/auth/logout` and `/auth/second-factor` work.
    #[serde(rename = "secondFactorSetupRequired")]
    #[schema(example = false)]
    pub second_factor_setup_required: bool,
    /// True if another person has set the password. Until the user changes it, only `/auth/me`,
    /// `/auth/change-password` and `/auth/logout` work.
    #[serde(rename = "passwordChangeRequired")]
    #[schema(example = false)]
    pub password_change_required: bool,
}

/// A user.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserAnswer {
    /// Id of the user.
    pub id: Uuid,
    /// User name for logging in.
    pub user_name: String,
    /// First name.
    pub name: String,
    /// Last name.
    pub last_name: String,
    /// E-mail address.
    pub email: String,
    /// `admin`, `operator` or `viewer`.
    #[schema(value_type = RoleName)]
    pub role: String,
}

impl UserAnswer {
    pub(super) fn of_account(id: UserId, user: &Account) -> Self {
        Self::of(id, &user.profile, user.role.name().to_owned())
    }

    pub(super) fn of(id: UserId, profile: &Profile, role: String) -> Self {
        Self {
            id: id.0,
            user_name: profile.user_name.reveal().clone(),
            name: profile.name.reveal().clone(),
            last_name: profile.last_name.reveal().clone(),
            email: profile.email.reveal().clone(),
            role,
        }
    }
}

/// Creates a session that starts at `now`, with its first refresh token.
fn new_session(
    http: &HttpState,
    user_id: UserId,
    epoch: u32,
    now: OffsetDateTime,
) -> (RefreshToken, SessionStarted) {
    let refresh = RefreshToken::new(http.random_id().into(), http.random, &http.claim_key);
    let ends_at = http.tokens.session_until(now);
    let expires_at = http.tokens.refresh_until(now).min(ends_at);
    let refresh_sha256 = refresh.sha256();
    (
        refresh,
        SessionStarted {
            user_id,
            refresh_sha256,
            expires_at,
            ends_at: Some(ends_at),
            epoch,
        },
    )
}

/// Largest size of a text in the input, in bytes. Longer text is rejected before any other check. A
/// password has at most 128 characters, which take at most 512 bytes.
const MAX_BYTES: usize = 512;

/// Rejects text that is too long for a password, user name or e-mail address.
fn within_bounds(field: &str, text: &Personal<String>) -> Result<(), ApiError> {
    if text.reveal_str().len() > MAX_BYTES {
        let problem = format!("is longer than {MAX_BYTES} bytes");
        return Err(ApiError::field(field, problem));
    }
    Ok(())
}

/// Returns the user who owns the claim with the id `claim`. If there is no such user, an unused
/// user id is loaded, so that the response time does not reveal this.
async fn find(http: &HttpState, claim: &str) -> Result<(UserId, UserState), ApiError> {
    let holder = http.load::<Claim>(claim).await?.0;
    let id = UserId(holder.unwrap_or(Uuid::nil()));
    let user = http.load::<User>(id).await?;
    Ok((
        id,
        if holder.is_some() {
            user
        } else {
            UserState::Absent
        },
    ))
}

/// Returns the caller's account if `password` is right. A wrong password is counted as a guess.
///
/// # Errors
/// 422 for `field` if the password is wrong; 429 after too many wrong passwords.
pub(super) async fn reauthenticated(
    http: &HttpState,
    id: UserId,
    client: ClientAddress,
    field: &str,
    password: Personal<String>,
) -> Result<Account, ApiError> {
    within_bounds(field, &password)?;
    let guess = http.rate_limits.guess(&id.to_string(), client)?;
    let user = http.load::<User>(id).await?.active();
    let user = user.ok_or_else(|| ApiError::not_found("user"))?;
    if !http
        .passwords
        .verify(password, Some(user.password_hash.clone()))
        .await?
    {
        tracing::warn!(client = %client, "wrong current password");
        return Err(ApiError::field(field, "is not your password"));
    }
    http.rate_limits.guessed_right(guess);
    Ok(user)
}

/// Rejects a password that another person has set and that the user has not changed in time.
fn in_time(user: &Account, now: OffsetDateTime) -> Result<(), ApiError> {
    if user.first_password_is_over(now) {
        let message = "another person has set this password, and you have not changed it in time; ask for a new one";
        return Err(ApiError::new(ErrorCode::FirstPasswordExpired, message));
    }
    Ok(())
}

/// Logs and counts the reuse of a refresh token. The reuse has already ended the session.
fn reused(session_id: SessionId) {
    tracing::warn!(%session_id, "refresh token reused, session ended");
    metrics::counter!("laureate_refresh_token_reuse_total").increment(1);
}

fn tokens(
    http: &HttpState,
    id: UserId,
    user: &Account,
    refresh: &RefreshToken,
    now: OffsetDateTime,
    ends_at: OffsetDateTime,
) -> Result<TokenAnswer, ApiError> {
    let until = http.tokens.access_until(now, ends_at);
    Ok(TokenAnswer {
        access_token: http
            .tokens
            .issue(id, user, refresh.session_id, now, until)?,
        refresh_token: refresh.reveal().to_owned(),
        token_type: "Bearer",
        expires_in: (until - now).whole_seconds(),
        user: UserAnswer::of_account(id, user),
        second_factor_setup_required: http.lacks_second_factor(id, user.role),
        password_change_required: user.first_password_until.is_some(),
    })
}
