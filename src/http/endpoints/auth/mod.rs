//! Logging in and staying so.

pub mod login;
pub mod me;
pub mod refresh;

use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::super::tokens::RefreshToken;
use super::super::{ApiError, HttpState};
use crate::domain::UserId;
use crate::domain::user::Account;

/// Tokens, by the names of RFC 6749 §5.1, and whose they are.
#[derive(Serialize, ToSchema)]
pub struct TokenAnswer {
    /// Send it as `Authorization: Bearer …`.
    pub access_token: String,
    /// Exchange it for the next pair before it expires; it works once.
    pub refresh_token: String,
    /// Always `Bearer`.
    #[schema(example = "Bearer")]
    pub token_type: &'static str,
    /// How long the access token counts, in seconds.
    #[schema(example = 900)]
    pub expires_in: u32,
    /// Whose they are.
    pub user: UserAnswer,
}

/// A user.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserAnswer {
    /// The user's id.
    pub id: Uuid,
    /// The name for logging in.
    pub user_name: String,
    /// First name.
    pub name: String,
    /// Last name.
    pub last_name: String,
    /// E-mail address.
    pub email: String,
    /// `admin`, `operator` or `viewer`.
    #[schema(example = "operator")]
    pub role: &'static str,
}

impl UserAnswer {
    fn of(id: UserId, user: &Account) -> Self {
        let profile = &user.profile;
        Self {
            id: id.0,
            user_name: profile.user_name.reveal().clone(),
            name: profile.name.reveal().clone(),
            last_name: profile.last_name.reveal().clone(),
            email: profile.email.reveal().clone(),
            role: user.role.name(),
        }
    }
}

fn tokens(
    http: &HttpState,
    id: UserId,
    user: &Account,
    refresh: &RefreshToken,
    now: OffsetDateTime,
) -> Result<TokenAnswer, ApiError> {
    Ok(TokenAnswer {
        access_token: http.tokens.issue(id, user, now)?,
        refresh_token: refresh.reveal().to_owned(),
        token_type: "Bearer",
        expires_in: http.tokens.access_seconds(),
        user: UserAnswer::of(id, user),
    })
}
