//! Change of a user.

use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{RoleName, UserDetails, answer, check_program, cleaned, first_until, new_hash};
use crate::commands::change_user::change_user;
use crate::domain::accounts::user::{Account, NewPassword, Profile, Role, User, UserChange};
use crate::domain::{Personal, Refusal, UserId};
use crate::http::api::accounts::auth::reauthenticated;
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::extract::{IfMatch, Json, Path, not_null};
use crate::http::server::client_address::ClientAddress;
use crate::http::{Answer, ApiError, Caller, ErrorCode, HttpState};

/// Fields to change. Absent fields stay as they are. No field can be null.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdateUser {
    /// Name for logging in, 1–100 characters. It must be unique, ignoring case.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 100)]
    user_name: Option<Personal<String>>,
    /// First name, 1–100 characters.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 100, example = "Grace")]
    name: Option<Personal<String>>,
    /// Last name, 1–100 characters.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 100)]
    last_name: Option<Personal<String>>,
    /// E-mail address. It must be unique.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(value_type = String, required = false, max_length = 254)]
    email: Option<Personal<String>>,
    /// New password of another user: 8 to 128 characters with an upper-case letter, a lower-case
    /// letter and a digit. Passwords that are easy to guess are rejected. The user's sessions end,
    /// and the API keys unless `keepApiKeys` is true. The user must change the password at the next
    /// log-in.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(value_type = String, required = false, format = Password, min_length = 8, max_length = 128)]
    password: Option<Personal<String>>,
    /// True to keep the user's API keys valid when the password changes. The default is false.
    #[serde(default)]
    keep_api_keys: bool,
    /// Your current password; required to change your own user name or e-mail address.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(value_type = String, required = false, format = Password, max_length = 512)]
    current_password: Option<Personal<String>>,
    /// New role of the user.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(value_type = RoleName, required = false)]
    role: Option<RoleName>,
    /// True if the user may log in; false ends the user's sessions.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(value_type = bool, required = false)]
    is_active: Option<bool>,
}

impl UpdateUser {
    fn profile(&self, now: &Profile) -> Profile {
        let given = |given: &Option<Personal<String>>, now: &Personal<String>| {
            given.as_ref().map_or_else(|| now.clone(), cleaned)
        };
        Profile {
            user_name: given(&self.user_name, &now.user_name),
            name: given(&self.name, &now.name),
            last_name: given(&self.last_name, &now.last_name),
            email: given(&self.email, &now.email),
        }
    }
}

/// Changes a user.
///
/// Changes of role, password and `isActive` take effect immediately, also for existing tokens and
/// API keys of the user. You can't change the role of the last admin, and you can't deactivate
/// yourself. To change your own password, use `/auth/change-password`. To change your own user name
/// or e-mail address, send `currentPassword`. An API key can change only viewers and operators, and
/// can't make a user an admin.
#[utoipa::path(
    patch, path = "/users/{id}",
    params(IfMatch),
    responses(
        (status = 200, description = "Changed", body = Envelope<UserDetails>),
        (status = 409, description = "DUPLICATE: details name the field; WRONG_STATE: this is the last admin, or yourself"),
        (status = 429, description = "TOO_MANY_REQUESTS: too many wrong passwords; see `Retry-After`"),
    )
)]
pub async fn update_user(
    State(http): State<HttpState>,
    caller: Caller,
    client: ClientAddress,
    if_match: IfMatch,
    Path(id): Path<Uuid>,
    Json { mut value, .. }: Json<UpdateUser>,
) -> Result<Answer, ApiError> {
    let id = UserId(id);
    if id == caller.user_id && value.is_active == Some(false) {
        let message = "you can't deactivate yourself; ask another admin to do it";
        return Err(ApiError::new(ErrorCode::WrongState, message));
    }
    let may_change_login =
        id != caller.user_id || has_shown_password(&http, id, client, &mut value).await?;
    let password = new_password(&http, &caller, id, &value).await?;
    let role = value.role.map(Role::from);
    let is_active = value.is_active;
    let change = |now: &Account| {
        check_program(&caller, &[now.role, role.unwrap_or(now.role)])?;
        let profile = value.profile(&now.profile);
        if !may_change_login && login_of(&profile) != login_of(&now.profile) {
            let message = "give it to change your own user name or e-mail address";
            return Err(Refusal::field("currentPassword", message));
        }
        Ok(UserChange {
            profile: Some(profile),
            role,
            is_active,
            password: password.clone(),
        })
    };
    let context = caller.context(http.random_id().into());
    let key = http.claim_key.reveal().as_bytes();
    let changed = change_user(
        &http.commands,
        key,
        &context,
        id,
        &if_match.versions(),
        change,
    )
    .await?;
    http.authorizations
        .wait_until_user_applied(changed.version)
        .await;
    tracing::info!(user = %id, role = changed.account.role.name(), "a user was changed");
    Ok(answer(&http, id, changed.version)
        .await?
        .at(changed.version))
}

/// Returns user name and e-mail address. A user can log in with either of them.
const fn login_of(profile: &Profile) -> (&Personal<String>, &Personal<String>) {
    (&profile.user_name, &profile.email)
}

/// Verifies the current password if it is given, and returns true. Returns false if it is absent.
/// Callers require the password because the owner of a new e-mail address could set a new password
/// by mail, and because a new user name would lock the user out.
async fn has_shown_password(
    http: &HttpState,
    id: UserId,
    client: ClientAddress,
    value: &mut UpdateUser,
) -> Result<bool, ApiError> {
    let Some(password) = value.current_password.take() else {
        return Ok(false);
    };
    reauthenticated(http, id, client, "currentPassword", password).await?;
    Ok(true)
}

/// Returns the new password for another user, if the request contains one.
async fn new_password(
    http: &HttpState,
    caller: &Caller,
    id: UserId,
    value: &UpdateUser,
) -> Result<Option<NewPassword>, ApiError> {
    let Some(password) = &value.password else {
        return Ok(None);
    };
    if id == caller.user_id {
        let message = "change your own password with POST /auth/change-password, which requires the current one";
        return Err(ApiError::new(ErrorCode::WrongState, message));
    }
    let now = http.load::<User>(id).await?.account();
    let now = now.ok_or_else(|| ApiError::not_found("user"))?;
    check_program(caller, &[now.role])?;
    let hash = new_hash(
        http,
        "password",
        password.clone(),
        &value.profile(&now.profile),
    )
    .await?;
    let keeps_api_keys = value.keep_api_keys;
    Ok(Some(NewPassword {
        hash,
        first_until: first_until(http),
        keeps_api_keys,
    }))
}
