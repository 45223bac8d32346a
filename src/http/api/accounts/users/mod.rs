//! Users: accounts for logging in.

pub mod read;
pub mod update;
pub mod write;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::auth::UserAnswer;
use crate::commands::History;
use crate::domain::accounts::password::check_password;
use crate::domain::accounts::user::{Profile, Role, User};
use crate::domain::{Personal, Refusal, UserId, clean_line};
use crate::event_log::Position;
use crate::http::auth::access::Permission;
use crate::http::auth::passwords::PasswordError;
use crate::http::protocol::timestamp::Timestamp;
use crate::http::{Answer, ApiError, Caller, HttpState};
use crate::projection::queries::users::UserRow;

/// Role of a user. A `viewer` reads, an `operator` also issues, an `admin` also manages users and
/// API keys.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RoleName {
    /// All permissions.
    Admin,
    /// All permissions except those for users and API keys.
    Operator,
    /// Read permissions only.
    Viewer,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Admin => Self::Admin,
            RoleName::Operator => Self::Operator,
            RoleName::Viewer => Self::Viewer,
        }
    }
}

/// A user, with the data that only admins get.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserDetails {
    /// Data of the user.
    #[serde(flatten)]
    pub user: UserAnswer,
    /// True if the user can log in.
    #[schema(example = true)]
    pub is_active: bool,
    /// True if log-ins need a second factor.
    #[schema(example = false)]
    pub second_factor: bool,
    /// Time of creation (RFC 3339).
    #[schema(example = "2026-11-21T12:00:00Z")]
    pub created_at: Timestamp,
    /// Time of the last change (RFC 3339).
    #[schema(example = "2026-11-21T12:00:00Z")]
    pub updated_at: Timestamp,
}

impl UserDetails {
    /// Returns the user from its events in the log.
    ///
    /// # Errors
    /// 404 if the user was deleted.
    fn of_history(http: &HttpState, id: UserId, history: History<User>) -> Result<Self, ApiError> {
        let exists = history.latest.account().is_some();
        let account = history.state.account().filter(|_| exists);
        let account = account.ok_or_else(|| ApiError::not_found("user"))?;
        Ok(Self {
            user: UserAnswer::of_account(id, &account),
            is_active: account.is_active,
            second_factor: http.authorizations.has_second_factor(id),
            created_at: Timestamp(history.created_at),
            updated_at: Timestamp(history.updated_at),
        })
    }

    fn of_row(row: UserRow) -> Self {
        Self {
            user: UserAnswer::of(UserId(row.id), &row.profile, row.role),
            is_active: row.is_active,
            second_factor: row.second_factor_position.is_some(),
            created_at: Timestamp(row.created_at),
            updated_at: Timestamp(row.updated_at),
        }
    }
}

/// Returns the user in this version.
async fn answer(http: &HttpState, id: UserId, version: Position) -> Result<Answer, ApiError> {
    let history = http.commands.history::<User>(id, version).await?;
    Ok(Answer::ok(&UserDetails::of_history(http, id, history)?)?.version(version))
}

/// Rejects an API key that makes, changes or removes admins, or users whose role has a permission
/// that the key lacks. Otherwise, somebody with the key could set the password of such a user and so
/// gain that permission.
fn check_program(caller: &Caller, roles: &[Role]) -> Result<(), Refusal> {
    let exceeds = |role: &Role| {
        Permission::ALL
            .iter()
            .any(|it| it.is_held_by(*role) && !caller.holds(*it))
    };
    if caller.is_program()
        && roles
            .iter()
            .any(|role| *role == Role::Admin || exceeds(role))
    {
        let message = "an API key can't create, change or remove admins, or users who have more permissions than the key; \
                       log in, or use a key with the scopes of their role";
        return Err(Refusal::Forbidden(message));
    }
    Ok(())
}

/// Returns a text in the form in which it is stored.
fn cleaned(text: &Personal<String>) -> Personal<String> {
    clean_line(text.reveal_str()).into()
}

/// Returns the expiry time of a password that an administrator sets now for another user.
fn first_until(http: &HttpState) -> Option<OffsetDateTime> {
    let hours = http.auth.first_password_hours.into();
    Some(http.now() + time::Duration::hours(hours))
}

/// Checks a new password of a user and returns its hash.
///
/// # Errors
/// 422 for `field` if the password is too weak; 503 if too many passwords are being hashed.
pub(super) async fn new_hash(
    http: &HttpState,
    field: &'static str,
    password: Personal<String>,
    profile: &Profile,
) -> Result<Personal<String>, ApiError> {
    check_password(field, password.reveal_str(), Some(profile))?;
    match http.passwords.hash_new(password).await {
        Err(PasswordError::NotTaken(why)) => Err(ApiError::field(field, why)),
        hashed => Ok(hashed?),
    }
}
